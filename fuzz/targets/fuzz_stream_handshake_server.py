#!/usr/bin/env python3
"""Any header sections and data on a stream to a server that waits for an extended CONNECT.

The first bytes choose limits and answer (`fuzz.streams`). A strict reader of its own says which rules a
header section breaks, and so whether it has to be refused (RFC 8441, RFC 9113, RFC 9114, RFC 9220).
"""

import sys
from pathlib import Path

if __name__ == "__main__" and not hasattr(sys, "frozen"):
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # a program gets its own folder there

from fuzz.target import instrumented, main

with instrumented("wsproto"):
    from fuzz.streams import choices_of_request, judge_request

choices_of = choices_of_request


def test_one_input(data: bytes) -> None:
    """Judge how a server reads `data`."""
    judge_request(data)


if __name__ == "__main__":
    main(test_one_input)
