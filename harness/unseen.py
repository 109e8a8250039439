"""The planted faults that no case can see, each with the reason; `harness plant` expects them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_EVENTS = "only the program that reads the events can tell: the bytes that are sent are the same"
_REFUSED = "a testee sends nothing that the library has to refuse, and a refusal puts nothing on the wire"
_WORK = "it costs time or memory in a program that reads late or sends very much at once, never other bytes"
_SUBCLASS = "only programs with a subclass or settings of their own meet it, after the handshake"

UNSEEN: Final[Mapping[str, str]] = {
    "what the state refuses has gone through compressor and masking first": _REFUSED,
    "end of file is told with each call of events()": _EVENTS,
    "a request with too much early data behind it is lost": _EVENTS,
    "vars() of an event leaves its first field out": _EVENTS,
    "the rest of the buffer is copied behind each short frame": _WORK,
    "reads that wait for events() are copied with each further one": _WORK,
    "what was received is kept after a violation": _WORK,
    "what is received after a violation is kept": _WORK,
    "the flag of a finished frame is lost on the fast path": _EVENTS,
    "a received frame is told as finished while more of it is to come": _EVENTS,
    "a text that is no Unicode raises UnicodeEncodeError": _REFUSED,
    "the application may write the library's own headers": _REFUSED,
    "a header of the application may hold CR and LF": _REFUSED,
    "a limit that permits no progress is let through": _REFUSED,
    "the hooks of a subclass are passed by where a compressed message comes whole": _SUBCLASS,
    "a window that is assigned after the agreement is not in force": _SUBCLASS,
    "end of file leads out of CLOSED": _EVENTS,
    "a ping may be sent after the peer's Close": _REFUSED,
    "end of file after the peer's Close is told as 1006": _EVENTS,
    "two connections share the compression of one extension object": (
        "a handshake forgets what the one before it agreed on: only a program that makes several connections "
        "of one agreement meets it"
    ),
    "what the application received into is kept, not copied": _EVENTS,
}
"""Why the wire cannot show a fault, by the name of the fault."""
