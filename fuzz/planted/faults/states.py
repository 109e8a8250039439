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
        "(_State.CLOSED, _State.CLOSED, [Input.RECEIVE_EOF])",
        "(_State.CLOSED, _State.REMOTE_CLOSING, [Input.RECEIVE_EOF])",
    ),
    Fault(
        "a second Close may be sent",
        "RFC 6455 5.5.1",
        _FILE,
        "(_State.LOCAL_CLOSING, _State.LOCAL_CLOSING, [Input.SEND_PING,",
        "(_State.LOCAL_CLOSING, _State.LOCAL_CLOSING, [Input.SEND_CLOSE, Input.SEND_PING,",
    ),
    Fault(
        "data may be sent after a Close",
        "RFC 6455 5.5.1",
        _FILE,
        "(_State.LOCAL_CLOSING, _State.LOCAL_CLOSING, [Input.SEND_PING,",
        "(_State.LOCAL_CLOSING, _State.LOCAL_CLOSING, [Input.SEND_MESSAGE, Input.SEND_PING,",
    ),
    Fault(
        "a message may not be finished after the peer's Close",
        "RFC 6455 5.5.1",
        _FILE,
        "    (_State.REMOTE_CLOSING, _State.REMOTE_CLOSING, [Input.SEND_CONTINUATION]),\n",
        "",
    ),
    Fault(
        "a ping may be sent after the peer's Close",
        "RFC 6455 5.5.2",
        _FILE,
        "(_State.REMOTE_CLOSING, _State.REMOTE_CLOSING, [Input.SEND_CONTINUATION])",
        "(_State.REMOTE_CLOSING, _State.REMOTE_CLOSING, [Input.SEND_CONTINUATION, Input.SEND_PING])",
    ),
    Fault(
        "end of file after the peer's Close is told as 1006",
        "RFC 6455 7.1.5",
        _FILE,
        "(_State.REMOTE_CLOSING, _State.REMOTE_CLOSING, [Input.RECEIVE_EOF])",
        "(_State.REMOTE_CLOSING, _State.CLOSED, [Input.RECEIVE_EOF])",
    ),
)
