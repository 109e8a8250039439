#!/usr/bin/env python3
"""What one side sends the other receives, in every negotiated setting, and an independent reader too.

The bytes drive the properties of `tests/properties/test_round_trip.py`: the first one chooses among them.
"""

import sys
from pathlib import Path

if __name__ == "__main__" and not hasattr(sys, "frozen"):
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # a program gets its own folder there

from fuzz.target import instrumented, main

with instrumented("wsproto"):
    from fuzz.properties import try_property
    from tests.properties.test_round_trip import FUZZED


def test_one_input(data: bytes) -> None:
    """Try one of the properties with what `data` draws."""
    try_property(FUZZED, data)


if __name__ == "__main__":
    main(test_one_input)
