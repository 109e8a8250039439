#!/usr/bin/env python3
"""Well-formed frames, mutated inside, to both ends; what arrives is sent back and read independently.

The input is that of the frames targets, with a bit for the role (`fuzz.frames`). `fuzz.structured` mutates
payloads, fragments, deflated data, control frames and close codes, so that few inputs end at a bad header.
"""

import sys
from pathlib import Path
from random import Random

if __name__ == "__main__" and not hasattr(sys, "frozen"):
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # a program gets its own folder there

from fuzz.target import instrumented, libfuzzer_mutation, main

with instrumented("wsproto"):
    from fuzz.frames import (
        CHOICES,
        CLIENT,
        judge_frames,
        stream_of,  # noqa: F401  # shows the frames of an input
    )
    from fuzz.frames import choices_of as choices_for
    from fuzz.smaller import smaller_frames
    from fuzz.structured import Mutator
    from tests.oracle.judging import assert_can_be_echoed
    from wsproto import ConnectionType

smaller = smaller_frames  # `python -m fuzz minimize` tries them


def role_of(data: bytes) -> ConnectionType:
    """Return the role that a bit of the first byte chooses."""
    return ConnectionType.CLIENT if data[:1] and data[0] & CLIENT else ConnectionType.SERVER


def choices_of(data: bytes) -> list[str]:
    """Say what the choices of an input mean."""
    return choices_for(role_of(data), data)


def test_one_input(data: bytes) -> None:
    """Judge how either end reads `data`, and the frames with which it sends that back."""
    if len(data) >= CHOICES:
        assert_can_be_echoed(*judge_frames(role_of(data), data))


def custom_mutator(data: bytes, max_size: int, seed: int) -> bytes:
    """Return `data` with some of its frames changed."""
    return Mutator(data, Random(seed), libfuzzer_mutation()).mutated(max_size)


if __name__ == "__main__":
    main(test_one_input, custom_mutator)
