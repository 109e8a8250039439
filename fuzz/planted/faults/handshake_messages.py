"""Faults of `handshake_messages.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "handshake_messages.py"

FAULTS: Final = (
    Fault(
        "a subprotocol may be offered twice",
        "RFC 6455 4.1",
        _FILE,
        "if len(set(request.subprotocols)) < len(request.subprotocols):",
        "if len(set(request.subprotocols)) > len(request.subprotocols):",
    ),
    Fault(
        "a subprotocol is accepted from the server though none was offered",
        "RFC 6455 4.1",
        _FILE,
        "        if subprotocol not in request.subprotocols:",
        "        if request.subprotocols and subprotocol not in request.subprotocols:",
    ),
    Fault(
        "a server names a subprotocol that was not offered",
        "RFC 6455 4.2.2",
        _FILE,
        "        if chosen not in request.subprotocols:",
        "        if not request.subprotocols and chosen is None:",
    ),
    Fault(
        "a subprotocol that is not ASCII raises UnicodeDecodeError",
        "receiving raises RemoteProtocolError alone",
        _FILE,
        '.decode("ascii", "backslashreplace")',
        '.decode("ascii")',
    ),
    Fault(
        "an answer to an extension that was not offered is passed over",
        "RFC 6455 9.1",
        _FILE,
        "        used[name] = _finalized(",
        "        if all(extension.name != name for extension in supported):\n"
        "            continue\n"
        "        used[name] = _finalized(",
    ),
    Fault(
        "an extension may be answered twice",
        "RFC 6455 9.1",
        _FILE,
        "        if name in used:\n            raise refused(",
        "        if name not in [_name_of(other) for other in accepted]:\n            raise refused(",
    ),
    Fault(
        "a request with a body is accepted",
        "RFC 6455 4.1",
        _FILE,
        '(length is not None and not re.fullmatch(b"0+", length))',
        "(length is not None and not length)",
    ),
)
