#!/usr/bin/env python3
"""Any bytes to a server that waits for a request, cut anywhere; what it accepts or refuses it then answers.

The first bytes choose limits, cuts and answer (`fuzz.heads`). An accepted request must keep to RFC 6455
4.2.1, a refusal must name an answer that can be sent, and the bytes behind the request come through.
"""

import sys
from pathlib import Path

if __name__ == "__main__" and not hasattr(sys, "frozen"):
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # a program gets its own folder there

from fuzz.target import instrumented, main

with instrumented("wsproto", "h11"):
    from fuzz.heads import choices_of_request, judge_request
    from fuzz.smaller import smaller_head

choices_of = choices_of_request
smaller = smaller_head  # `python -m fuzz minimize` tries them


def test_one_input(data: bytes) -> None:
    """Judge how a server reads `data`."""
    judge_request(data)


if __name__ == "__main__":
    main(test_one_input)
