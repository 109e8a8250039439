"""Faults of `close_frame.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "close_frame.py"

FAULTS: Final = (
    Fault(
        "1005 is written as 1000",
        "RFC 6455 7.4.1",
        _FILE,
        "    if code is None or code == CloseReason.NO_STATUS_RCVD:\n",
        "    if code is None:\n",
    ),
    Fault(
        "a long reason is cut inside of a code point",
        "RFC 6455 5.5.1",
        _FILE,
        'encoded[:MAX_REASON].decode(errors="ignore").encode()',
        "encoded[:MAX_REASON]",
    ),
    Fault(
        "a Close of one byte is accepted",
        "RFC 6455 5.5.1",
        _FILE,
        "    if not payload:\n",
        "    if len(payload) < 2:\n",
    ),
    Fault(
        "a reason that is no UTF-8 raises UnicodeDecodeError",
        "RFC 6455 8.1",
        _FILE,
        "    except UnicodeDecodeError as error:\n",
        "    except UnicodeEncodeError as error:\n",
    ),
)
