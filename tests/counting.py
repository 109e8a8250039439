"""Counts the calls of functions: work that is the same on every machine."""

from __future__ import annotations

import gc
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import wsproto

if TYPE_CHECKING:
    from collections.abc import Callable
    from types import FrameType

READ = 4
"""Calls that a read takes: of `receive_data`, of `events`, and of the codec, once more where all is read."""

_LIBRARY = str(Path(wsproto.__file__).parent)


def calls(work: Callable[[], object]) -> int:
    """How many functions are called while `work` runs, those written in C included."""
    return _count(work, lambda _frame, event: event in {"call", "c_call"})


def library_calls(work: Callable[[], object]) -> int:
    """How many functions of the library are called; a generator that goes on counts as called again."""
    return _count(
        work, lambda frame, event: event == "call" and frame.f_code.co_filename.startswith(_LIBRARY)
    )


def _count(work: Callable[[], object], counts: Callable[[FrameType, str], bool]) -> int:
    count = 0

    def profile(frame: FrameType, event: str, _argument: object) -> None:
        nonlocal count
        count += counts(frame, event)

    previous = sys.getprofile()
    gc.disable()
    sys.setprofile(profile)
    try:
        work()
    finally:
        sys.setprofile(previous)
        gc.enable()
    return count
