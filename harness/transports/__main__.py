"""`python -m harness.transports`: the bridge, as a process of its own."""

import sys

from harness.transports.cli import main

sys.exit(main())
