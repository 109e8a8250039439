"""Faults of `h11_exchange.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "h11_exchange.py"

FAULTS: Final = (
    Fault(
        "a message that is no HTTP raises the error of h11",
        "receiving raises RemoteProtocolError alone",
        _FILE,
        "        except h11.RemoteProtocolError as error:",
        "        except h11.LocalProtocolError as error:",
    ),
)
