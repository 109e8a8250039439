"""The planted faults that no case can see, each with the reason; `harness plant` expects them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Mapping

_EVENTS = "only the program that reads the events can tell: the bytes that are sent are the same"
_REFUSED = "a testee sends nothing that the library has to refuse, and a refusal puts nothing on the wire"
_WORK = "it costs time or memory in a program that reads late or sends very much at once, never other bytes"
_BELOW = "h2 and aioquic refuse it, before the handshake of a stream gets to see it"
_AT_ONCE = "the example servers answer a request at once: nothing comes between both"
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
    "bytes are taken after end of file": "no transport has bytes behind its end: none can be sent there",
    "a ping may be sent after the peer's Close": _REFUSED,
    "end of file after the peer's Close is told as 1006": _EVENTS,
    "two connections share the compression of one extension object": (
        "a handshake forgets what the one before it agreed on: only a program that makes several connections "
        "of one agreement meets it"
    ),
    "what the application received into is kept, not copied": _EVENTS,
    "a request for WebSocket in capitals goes elsewhere": (
        "it is about programs that lead requests to HTTP code of their own, of which the examples have none"
    ),
    "cookies come apart": _EVENTS,
    "a second request on a stream is passed over": _AT_ONCE,
    "a field counts for its own bytes alone": (
        "h2 counts as it should, and refuses as long a section first; no RFC has a number for the limit"
    ),
    "fields of HTTP/1.1 pass on a stream": _BELOW,
    "TE may name codings": _BELOW,
    "names in capitals pass on a stream": _BELOW,
    "a pseudo-header may stand behind a field": _BELOW,
    "the last of two pseudo-headers counts": _BELOW,
    "data before the response is dropped": _BELOW,
}
"""Why the wire cannot show a fault, by the name of the fault."""
