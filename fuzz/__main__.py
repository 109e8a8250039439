"""`python -m fuzz`."""

from commands.start import start

start("fuzz")
