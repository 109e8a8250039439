"""`python -m harness.testee serve|drive`."""

from tooling.start import start

start("harness.testee")
