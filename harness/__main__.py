"""`python -m harness`."""

import sys

from harness.errors import ExitCode

try:
    from harness.cli import main
except ModuleNotFoundError as error:
    print(f"error: {error.name} is not installed: python -m pip install '.[harness]'", file=sys.stderr)
    sys.exit(ExitCode.MISSING)

sys.exit(main())
