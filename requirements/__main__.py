"""`python -m requirements`."""

from tooling.start import start

start("requirements")
