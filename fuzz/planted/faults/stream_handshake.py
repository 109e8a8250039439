"""Faults of `stream_handshake.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "stream_handshake.py"

FAULTS: Final = (
    Fault(
        "a request for WebSocket in capitals goes elsewhere",
        "RFC 9110 7.8",
        _FILE,
        'value.lower() == b"websocket" for',
        'value == b"websocket" for',
    ),
    Fault(
        "any protocol on a stream is taken for WebSocket",
        "RFC 9220 3",
        _FILE,
        '        if protocol.lower() != b"websocket":',
        '        if protocol.lower() == b"http":',
    ),
    Fault(
        "CONNECT with a path and no protocol is an ordinary one",
        "RFC 9113 8.5",
        _FILE,
        '(b":scheme" in pseudo or b":path" in pseudo)',
        'b":scheme" in pseudo',
    ),
    Fault(
        "a path on a stream needs no slash",
        "RFC 9113 8.3.1",
        _FILE,
        "if not _PATH.fullmatch(path):",
        'if not _PATH.fullmatch(b"/" + path):',
    ),
    Fault(
        "the scheme wss is taken",
        "RFC 8441 5",
        _FILE,
        "        if scheme not in _SCHEMES:\n            raise refused",
        '        if scheme.rstrip("s") not in ("http", "w"):\n            raise refused',
    ),
    Fault(
        "Host may differ from the authority",
        "RFC 9114 4.3.1",
        _FILE,
        "host.lower() != authority.lower()",
        "not host",
    ),
    Fault(
        "cookies come apart",
        "RFC 9113 8.2.3",
        _FILE,
        'b"; ".join(fields[b"cookie"])',
        'fields[b"cookie"][0]',
    ),
    Fault(
        "101 is one of the interim responses of a stream",
        "RFC 9113 8.6",
        _FILE,
        "if status == 101:",
        "if status == 100:",
    ),
    Fault(
        "only 200 is an acceptance",
        "RFC 9113 8.5",
        _FILE,
        "elif status < 300:",
        "elif status == 200:",
    ),
    Fault(
        "a header section in the tunnel is passed over",
        "RFC 9113 8.5",
        _FILE,
        '            raise RemoteProtocolError("A header section behind',
        '            return\n            raise RemoteProtocolError("A header section behind',
    ),
    Fault(
        "a second request on a stream is passed over",
        "RFC 9113 8.5",
        _FILE,
        '                raise refused("A second header section',
        '                return\n                raise refused("A second header section',
    ),
    Fault(
        "fields of HTTP/1.1 pass on a stream",
        "RFC 9113 8.2.2",
        _FILE,
        "name != name.lower() or _is_of_http1(name, value):",
        "name != name.lower():",
    ),
    Fault(
        "TE may name codings",
        "RFC 9113 8.2.2",
        _FILE,
        'name in _OF_HTTP1 or (name == b"te" and value.lower() != b"trailers")',
        "name in _OF_HTTP1",
    ),
    Fault(
        "names in capitals pass on a stream",
        "RFC 9113 8.2.1",
        _FILE,
        "not is_token(name) or name != name.lower() or",
        "not is_token(name) or",
    ),
    Fault(
        "a pseudo-header may stand behind a field",
        "RFC 9113 8.3",
        _FILE,
        '"behind a field" if fields else ""',
        '""',
    ),
    Fault(
        "the last of two pseudo-headers counts",
        "RFC 9113 8.3",
        _FILE,
        '"repeated" if name in pseudo else "behind a field"',
        '"behind a field"',
    ),
    Fault(
        "a client gets a refusal to send",
        "StreamHandshake.receive_headers",
        _FILE,
        "error.event_hint = None  #",
        "pass  #",
    ),
    Fault(
        "names are sent in capitals",
        "RFC 9113 8.2",
        _FILE,
        "return [(name.lower(), value) for",
        "return [(name, value) for",
    ),
    Fault(
        "data before the response is dropped",
        "RFC 9113 8.1",
        _FILE,
        "        if self.client and waiting:\n",
        "        if self.client and waiting and data is None:\n",
    ),
    Fault(
        "a field counts for its own bytes alone",
        "RFC 9113 6.5.2",
        _FILE,
        "_OVERHEAD = 32 ",
        "_OVERHEAD = 0 ",
    ),
    Fault(
        "the end of a rejection's body on a stream is lost",
        "StreamHandshake.receive_data",
        _FILE,
        "if self.client and self._stage is Stage.BODY:",
        "if self.client and self._stage is Stage.BODY and data:",
    ),
    Fault(
        "a rejection on a stream stays open",
        "RFC 8441 5",
        _FILE,
        'return [(b":status", b"%d" % event.status_code), *_in_lower_case(fields)]',
        'return [(b":status", b"200"), *_in_lower_case(fields)]',
    ),
)
