"""`python -m bench`."""

import sys

from bench.errors import ExitCode

try:
    from bench.cli import main
except ModuleNotFoundError as error:
    print(f"error: {error.name} is not installed: python -m pip install '.[bench]'", file=sys.stderr)
    sys.exit(ExitCode.MISSING)

sys.exit(main())
