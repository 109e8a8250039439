"""All faults, by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

from fuzz.planted.closing import CLOSING
from fuzz.planted.deflating import DEFLATING
from fuzz.planted.framing import FRAMING
from fuzz.planted.handshaking import HANDSHAKING
from fuzz.planted.messages import MESSAGES
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzz.planted.fault import Fault

FAULTS: Final = (*FRAMING, *MESSAGES, *DEFLATING, *CLOSING, *HANDSHAKING)


def named(parts: Sequence[str]) -> list[Fault]:
    """Give the faults whose names have one of `parts` in them, or all; raises `CommandError` if none has."""
    for part in parts:
        if not any(part in fault.name for fault in FAULTS):
            raise CommandError(f"{part!r} is in the name of no fault: python -m fuzz plant --list")
    return [fault for fault in FAULTS if not parts or any(part in fault.name for part in parts)]
