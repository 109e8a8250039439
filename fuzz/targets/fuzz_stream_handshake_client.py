#!/usr/bin/env python3
"""Any header sections and data on a stream to a client that has sent an extended CONNECT.

The first bytes choose limits and answer (`fuzz.streams`). A strict reader of its own says which rules a
header section breaks, and so whether it has to be refused (RFC 8441, RFC 9113, RFC 9114, RFC 9220).
"""

import sys
from pathlib import Path

if __name__ == "__main__" and not hasattr(sys, "frozen"):
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # a program gets its own folder there

from fuzz.target import instrumented, main

with instrumented("wsproto"):
    from fuzz.streams import choices_of_response, judge_response

choices_of = choices_of_response


def test_one_input(data: bytes) -> None:
    """Judge how a client reads `data`."""
    judge_response(data)


if __name__ == "__main__":
    main(test_one_input)
