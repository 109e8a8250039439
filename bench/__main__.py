"""`python -m bench`."""

from commands.start import start

start("bench")
