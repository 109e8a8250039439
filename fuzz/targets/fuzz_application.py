#!/usr/bin/env python3
"""Any calls of an application, in any order and with any values: refused without a trace, or right.

The bytes drive the properties of `tests/properties/test_any_events.py` and `test_any_calls.py`: the first one
chooses among them.
"""

import sys
from pathlib import Path

if __name__ == "__main__" and not hasattr(sys, "frozen"):
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # a program gets its own folder there

from fuzz.target import instrumented, main

with instrumented("wsproto"):
    from fuzz.properties import try_property
    from tests.properties.test_any_calls import FUZZED as CALLS
    from tests.properties.test_any_events import FUZZED as EVENTS


def test_one_input(data: bytes) -> None:
    """Try one of the properties with what `data` draws."""
    try_property(EVENTS + CALLS, data)


if __name__ == "__main__":
    main(test_one_input)
