"""`python -m harness`."""

from tooling.start import start

start("harness")
