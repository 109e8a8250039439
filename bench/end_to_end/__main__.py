"""`python -m bench.end_to_end`."""

import sys

from bench.end_to_end.errors import ExitCode

try:
    from bench.end_to_end.cli import main
except ModuleNotFoundError as error:
    print(f"error: {error.name} is not installed: python -m pip install -e '.[bench]'", file=sys.stderr)
    sys.exit(ExitCode.MISSING)

sys.exit(main())
