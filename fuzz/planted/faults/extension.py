"""Faults of `extension.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "extension.py"

FAULTS: Final = (
    Fault(
        "an extension of a program takes a client for a server",
        "Side.client",
        _FILE,
        "    used.state.client = client\n",
        "    used.state.client = not client\n",
    ),
)
