#!/usr/bin/env python3
"""Any bytes to a client that waits for a response, cut anywhere: accepted, rejected with a body, or an error.

The first bytes choose limits, cuts and the request (`fuzz.heads`). An accepted response must keep to RFC 6455
4.1, an error must name a response that a server can send, and the bytes behind the response come through.
"""

import sys
from pathlib import Path

if __name__ == "__main__" and not hasattr(sys, "frozen"):
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # a program gets its own folder there

from fuzz.target import instrumented, main

with instrumented("wsproto", "h11"):
    from fuzz.heads import choices_of_response, judge_response
    from fuzz.smaller import smaller_head

choices_of = choices_of_response
smaller = smaller_head  # `python -m fuzz minimize` tries them


def test_one_input(data: bytes) -> None:
    """Judge how a client reads `data`."""
    judge_response(data)


if __name__ == "__main__":
    main(test_one_input)
