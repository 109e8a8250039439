"""The messages of a workload, before they become frames."""

from __future__ import annotations

from typing import NamedTuple


class Message(NamedTuple):
    """A message or a control frame, whole: text as its UTF-8 bytes, a Close as its payload."""

    opcode: int
    payload: bytes
