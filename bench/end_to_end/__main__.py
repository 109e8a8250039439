"""`python -m bench.end_to_end`."""

from commands.start import start

start("bench.end_to_end")
