"""`python -m fuzz`."""

from tooling.start import start

start("fuzz")
