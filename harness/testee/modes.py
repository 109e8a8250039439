"""Modes: what a testee does beside echoing, so that what an endpoint begins by itself is judged too.

The path says it:

    /fragments?size=N              echoes each message in fragments of N bytes (of a text: N characters)
    /ping-within?size=N&payload=TEXT
                                   the same, with this ping behind the first; the others follow when a pong, a
                                   Close or another message has come
    /close?code=N&reason=TEXT      sends this Close when the connection opens; `timeout=SECONDS` is the time
                                   that the peer has to answer it
    /ping?payload=TEXT             sends this ping when the connection opens, then echoes
    /subprotocol/NAME              a server chooses NAME if it may; a client offers it
    /deflate?PARAMETERS            a server accepts permessage-deflate with these settings; a client offers
                                   them: /deflate?server_no_context_takeover&client_max_window_bits=10
    /flipped                       a server accepts the extension x-flipped-bits beside permessage-deflate; a
                                   client offers it. It turns each bit in the payload of data frames, and sets
                                   their RSV2
    /tls?certificate=PATH&key=PATH a server listens with TLS, too, and sends the URL of that port as a text,
                                   then closes with 1000
    /tls?server=URL&authority=PATH a client comes to this server in place of the other one, and trusts this
                                   authority alone
    /limit?size=N                  takes messages of up to N bytes, and echoes them
    /modes                         sends a text with the names of the modes, then closes with 1000

What follows is for servers alone:

    /accept?after=SECONDS          sends its 101 only then, and answers what has come meanwhile
    /field/NAME                    sends the value of each line of this request field, as a text each
    /target...                     sends the target of the request as a text: the path as it came, and query

And this for clients alone:

    /ask?after=SECONDS             sends its request only then, and reads what comes meanwhile
    /fields?NAME=VALUE             sends these fields with its request

In texts and values, each byte of a field is the character of its number. Any other path is a plain echo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote

from harness.testee.variants import FlippedBits
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wsproto.events import Event, Request
    from wsproto.extensions import Extension

NAMES = ("fragments", "ping-within", "close", "ping", "subprotocol", "deflate", "flipped", "limit", "tls")
"""The modes of both roles."""

OF_SERVER = (*NAMES, "accept", "field", "target")
OF_CLIENT = (*NAMES, "ask", "fields")

_FLIPPED_BITS = FlippedBits()
"""One object for all connections."""

_SWITCHES = {"client_no_context_takeover", "server_no_context_takeover"}
_WINDOWS = {"client_max_window_bits", "server_max_window_bits"}


class Mode:
    """What the path of a request asks for; raises `ValueError` for a number that is none."""

    def __init__(self, target: str = "/") -> None:
        path, _, query = target.partition("?")
        self.name, _, self._rest = path.lstrip("/").partition("/")
        self._pairs = parse_qsl(query, keep_blank_values=True)
        self._values = dict(self._pairs)
        self._size = int(self._of("size", "fragments", "ping-within", "limit") or 1)
        self._code = int(self._of("code", "close") or 1000)
        self._deflate = PerMessageDeflate(**self._settings()) if self.name == "deflate" else None
        self.delay = float(self._values.get("after", 0)) if self.name in {"accept", "ask"} else None
        """The seconds that pass before the answer to a request, or before the request of a client."""
        timeout = self._of("timeout", "close")
        self.close_timeout = float(timeout) if timeout else None
        """The seconds that the peer has to answer the Close, where they are given."""

    def _of(self, key: str, *modes: str) -> str:
        """Return a value of the query, where it has a meaning in the mode, or nothing."""
        return self._values.get(key, "") if self.name in modes else ""

    @property
    def _payload(self) -> bytes:
        return self._values.get("payload", "").encode()

    def _settings(self) -> dict[str, Any]:
        switches = dict.fromkeys(self._values.keys() & _SWITCHES, True)
        windows = {key: int(self._values[key] or 0) or None for key in self._values.keys() & _WINDOWS}
        return switches | windows

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol to choose or to offer."""
        return unquote(self._rest) if self.name == "subprotocol" else None

    @property
    def limit(self) -> int | None:
        """The bytes of the longest message to take, where they are given."""
        return self._size if self.name == "limit" else None

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """The fields that a client sends."""
        pairs = self._pairs if self.name == "fields" else ()
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]

    @property
    def ping_within(self) -> Ping | None:
        """The ping to send behind the first fragment of a message."""
        return Ping(self._payload) if self.name == "ping-within" else None

    def value(self, key: str) -> str:
        """Return a value of the query, or nothing."""
        return self._values.get(key, "")

    def extensions(self, usual: Sequence[Extension]) -> Sequence[Extension]:
        """Return the extensions to offer or to accept, which without a mode are the `usual` ones."""
        if self._deflate:
            return [self._deflate]
        if self.name == "flipped":
            return [*(extension for extension in usual if extension.name != FlippedBits.name), _FLIPPED_BITS]
        return usual

    def told(self, request: Request) -> Iterator[TextMessage]:
        """List what a server tells of the request."""
        if self.name == "target":
            yield TextMessage(request.target)
        elif self.name == "field":
            for name, value in request.extra_headers:
                if name.decode("latin-1").lower() == self._rest.lower():
                    yield TextMessage(value.decode("latin-1"))

    def opening(self) -> Iterator[Event]:
        """List what is sent when the connection opens."""
        match self.name:
            case "close":
                reason = self._values.get("reason")
                yield CloseConnection(self._code, reason)
                yield TextMessage("behind the Close")  # the library refuses this,
                yield CloseConnection(1000)  # and this
            case "ping":
                yield Ping(self._payload)
            case "modes":
                yield TextMessage(" ".join(OF_SERVER))
                yield CloseConnection(1000)

    def answers(self, message: TextMessage | BytesMessage) -> Iterator[TextMessage | BytesMessage]:
        """List what answers a whole message: itself, or its fragments."""
        if self.name not in {"fragments", "ping-within"}:
            yield message
            return
        size = max(self._size, 1)
        for start in range(0, len(message.data) or 1, size):
            is_last = start + size >= len(message.data)
            # One call for each type: a piece of a text is a text.
            if isinstance(message, TextMessage):
                yield TextMessage(message.data[start : start + size], message_finished=is_last)
            else:
                yield BytesMessage(message.data[start : start + size], message_finished=is_last)
