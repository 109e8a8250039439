"""`python -m release`."""

from tooling.start import start

start("release")
