"""`python -m bench`."""

from tooling.start import start

start("bench")
