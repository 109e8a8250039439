"""Faults of `states.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "states.py"

FAULTS: Final = (
    Fault(
        "end of file leads out of CLOSED",
        "RFC 6455 7.1.4",
        _FILE,
        "    _State.CLOSED: {\n        Input.RECEIVE_EOF: _State.CLOSED,",
        "    _State.CLOSED: {\n        Input.RECEIVE_EOF: _State.REMOTE_CLOSING,",
    ),
    Fault(
        "a second Close may be sent",
        "RFC 6455 5.5.1",
        _FILE,
        "    _State.LOCAL_CLOSING: {\n",
        "    _State.LOCAL_CLOSING: {\n        Input.SEND_CLOSE: _State.LOCAL_CLOSING,\n",
    ),
    Fault(
        "data may be sent after a Close",
        "RFC 6455 5.5.1",
        _FILE,
        "    _State.LOCAL_CLOSING: {\n",
        "    _State.LOCAL_CLOSING: {\n        Input.SEND_MESSAGE: _State.LOCAL_CLOSING,\n",
    ),
    Fault(
        "a message may not be finished after the peer's Close",
        "RFC 6455 5.5.1",
        _FILE,
        "        Input.SEND_CONTINUATION: _State.REMOTE_CLOSING,\n",
        "",
    ),
    Fault(
        "a ping may be sent after the peer's Close",
        "RFC 6455 5.5.2",
        _FILE,
        "        Input.SEND_CONTINUATION: _State.REMOTE_CLOSING,\n",
        "        Input.SEND_CONTINUATION: _State.REMOTE_CLOSING,\n"
        "        Input.SEND_PING: _State.REMOTE_CLOSING,\n",
    ),
    Fault(
        "end of file after the peer's Close is told as 1006",
        "RFC 6455 7.1.5",
        _FILE,
        "        Input.RECEIVE_EOF: _State.REMOTE_CLOSING,\n",
        "        Input.RECEIVE_EOF: _State.CLOSED,\n",
    ),
)
