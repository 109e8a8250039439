"""`python -m fuzz`, on the core in Python: atheris and coverage.py see into no other. `cores` takes both."""

import os

from tooling.start import start

os.environ.setdefault("WSPROTO_PURE", "1")
start("fuzz")
