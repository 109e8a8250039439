"""`python -m harness`."""

from commands.start import start

start("harness")
