#!/usr/bin/env python3
"""Any bytes to a server on an open connection, cut anywhere, with and without permessage-deflate.

The first bytes choose the setting and the cuts (`fuzz.frames`). The events are compared with those that the
tests' own reader finds in the same bytes.
"""

import sys
from pathlib import Path

if __name__ == "__main__" and not hasattr(sys, "frozen"):
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # a program gets its own folder there

from fuzz.target import instrumented, main

with instrumented("wsproto"):
    from fuzz.frames import (
        CHOICES,
        judge_frames,
        stream_of,  # noqa: F401  # shows the frames of an input
    )
    from fuzz.frames import choices_of as choices_for
    from fuzz.smaller import smaller_frames
    from wsproto import ConnectionType

smaller = smaller_frames  # `python -m fuzz minimize` tries them


def choices_of(data: bytes) -> list[str]:
    """Say what the choices of an input mean."""
    return choices_for(ConnectionType.SERVER, data)


def test_one_input(data: bytes) -> None:
    """Judge how a server reads `data`."""
    if len(data) >= CHOICES:
        judge_frames(ConnectionType.SERVER, data)


if __name__ == "__main__":
    main(test_one_input)
