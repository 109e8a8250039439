"""The targets: each file is a program for atheris, and a module that judges one input."""
