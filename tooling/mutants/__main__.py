"""`python -m tooling.mutants`, on the core in Python."""

import os

from tooling.start import start

os.environ["WSPROTO_PURE"] = "1"
start("tooling.mutants")
