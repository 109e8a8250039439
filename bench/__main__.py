"""`python -m bench`."""

import signal
import sys

from bench.errors import ExitCode

try:
    from bench.cli import main
except ModuleNotFoundError as error:
    print(f"error: {error.name} is not installed: python -m pip install '.[bench]'", file=sys.stderr)
    sys.exit(ExitCode.MISSING)

signal.signal(signal.SIGTERM, signal.default_int_handler)  # leaves nothing behind either
sys.exit(main())
