"""`python -m bench.end_to_end`."""

from tooling.start import start

start("bench.end_to_end")
