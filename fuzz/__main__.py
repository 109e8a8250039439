"""`python -m fuzz`."""

import sys

from fuzz.errors import ExitCode

try:
    from fuzz.cli import main
except ModuleNotFoundError as error:
    print(f"error: {error.name} is not installed: python -m pip install '.[fuzz]'", file=sys.stderr)
    sys.exit(ExitCode.MISSING)

sys.exit(main())
