"""Faults of the closing handshake, of its codes and reasons, and of end of file (RFC 6455 5.5.1, 7)."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

CLOSING: Final = (
    Fault(
        "end of file leads out of CLOSED",
        "RFC 6455 7.1.4",
        "states.py",
        "    _State.CLOSED: {\n        Input.RECEIVE_EOF: _State.CLOSED,",
        "    _State.CLOSED: {\n        Input.RECEIVE_EOF: _State.REMOTE_CLOSING,",
    ),
    Fault(
        "a second Close may be sent",
        "RFC 6455 5.5.1",
        "states.py",
        "    _State.LOCAL_CLOSING: {\n",
        "    _State.LOCAL_CLOSING: {\n        Input.SEND_CLOSE: _State.LOCAL_CLOSING,\n",
    ),
    Fault(
        "data may be sent after a Close",
        "RFC 6455 5.5.1",
        "states.py",
        "    _State.LOCAL_CLOSING: {\n",
        "    _State.LOCAL_CLOSING: {\n        Input.SEND_MESSAGE: _State.LOCAL_CLOSING,\n",
    ),
    Fault(
        "a message may not be finished after the peer's Close",
        "RFC 6455 5.5.1",
        "states.py",
        "        Input.SEND_CONTINUATION: _State.REMOTE_CLOSING,\n",
        "",
    ),
    Fault(
        "a ping may be sent after the peer's Close",
        "RFC 6455 5.5.2",
        "states.py",
        "        Input.SEND_CONTINUATION: _State.REMOTE_CLOSING,\n",
        "        Input.SEND_CONTINUATION: _State.REMOTE_CLOSING,\n"
        "        Input.SEND_PING: _State.REMOTE_CLOSING,\n",
    ),
    Fault(
        "end of file is told with each call of events()",
        "RFC 6455 7.1.5",
        "connection.py",
        "closure, self._abnormal_closure = self._abnormal_closure, None",
        "closure = self._abnormal_closure",
    ),
    Fault(
        "end of file after the peer's Close is told as 1006",
        "RFC 6455 7.1.5",
        "states.py",
        "        Input.RECEIVE_EOF: _State.REMOTE_CLOSING,\n",
        "        Input.RECEIVE_EOF: _State.CLOSED,\n",
    ),
    Fault(
        "end of file overtakes what came before it",
        "RFC 6455 7.1.5",
        "connection.py",
        "        if self._codec.drained:\n            self._end_of_file()",
        "        if self._state is not ConnectionState.CLOSED:\n            self._end_of_file()",
    ),
    Fault(
        "1006 travels in a Close",
        "RFC 6455 7.4.1",
        "close_codes.py",
        "        CloseReason.ABNORMAL_CLOSURE,\n",
        "",
    ),
    Fault(
        "1005 is written as 1000",
        "RFC 6455 7.4.1",
        "close_frame.py",
        "    if code is None or code == CloseReason.NO_STATUS_RCVD:\n",
        "    if code is None:\n",
    ),
    Fault(
        "the reserved code 1004 is accepted",
        "RFC 6455 7.4.1",
        "close_codes.py",
        "return code in _REGISTERED or 3000",
        "return code in _REGISTERED or code == 1004 or 3000",
    ),
    Fault(
        "the code 2999 is accepted",
        "RFC 6455 7.4.2",
        "close_codes.py",
        "3000 <= code",
        "2999 <= code",
    ),
    Fault(
        "the code 5000 is accepted",
        "RFC 6455 7.4.2",
        "close_codes.py",
        "code <= 4999",
        "code <= 5000",
    ),
    Fault(
        "a long reason is cut inside of a code point",
        "RFC 6455 5.5.1",
        "close_frame.py",
        'encoded[:MAX_REASON].decode(errors="ignore").encode()',
        "encoded[:MAX_REASON]",
    ),
    Fault(
        "a Close of one byte is accepted",
        "RFC 6455 5.5.1",
        "close_frame.py",
        "    if not payload:\n",
        "    if len(payload) < 2:\n",
    ),
    Fault(
        "a reason that is no UTF-8 raises UnicodeDecodeError",
        "RFC 6455 8.1",
        "close_frame.py",
        "    except UnicodeDecodeError as error:\n",
        "    except UnicodeEncodeError as error:\n",
    ),
    Fault(
        "what comes behind a violation is read",
        "RFC 6455 7.1.7",
        "frame_decoder.py",
        "        except ParseFailed as failure:\n            self._end()\n",
        "        except ParseFailed as failure:\n",
    ),
    Fault(
        "what comes behind the peer's Close is read",
        "RFC 6455 5.5.1",
        "frame_decoder.py",
        "                        self._end()\n                        end = event\n",
        "                        end = event\n                        break\n",
    ),
    Fault(
        "what was received is kept after a violation",
        "nothing is held for a connection that failed",
        "frame_decoder.py",
        "        self._ended = True\n"
        '        self._buffer = b""\n'
        "        self._position = 0\n"
        "        self._pending = bytearray()\n",
        "        self._ended = True\n",
    ),
    Fault(
        "what is received after a violation is kept",
        "nothing is held for a connection that failed",
        "frame_decoder.py",
        "        if self._ended:\n            return\n        if self._drained:",
        "        if self._drained:",
    ),
)
