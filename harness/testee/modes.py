"""Modes: what a testee does beside echoing, so that what an endpoint begins by itself is judged too.

The path says it:

    /fragments?size=N              echoes each message in fragments of N bytes (of a text: N characters)
    /close?code=N&reason=TEXT      sends this Close when the connection opens; `timeout=SECONDS` is the time
                                   that the peer has to answer it
    /ping?payload=TEXT             sends this ping when the connection opens, then echoes
    /subprotocol/NAME              a server chooses NAME if it may; a client offers it
    /deflate?PARAMETERS            a server accepts permessage-deflate with these settings; a client offers
                                   them: /deflate?server_no_context_takeover&client_max_window_bits=10
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

from harness.testee.variants import COMPRESSION_LEVEL
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wsproto.events import Event, Request

NAMES = ("fragments", "close", "ping", "subprotocol", "deflate")
"""The modes of both roles."""

OF_SERVER = (*NAMES, "accept", "field", "target")
OF_CLIENT = (*NAMES, "ask", "fields")

_SWITCHES = {"client_no_context_takeover", "server_no_context_takeover"}
_WINDOWS = {"client_max_window_bits", "server_max_window_bits"}


class Mode:
    """What the path of a request asks for."""

    def __init__(self, target: str = "/") -> None:
        path, _, query = target.partition("?")
        self.name, _, self._rest = path.lstrip("/").partition("/")
        self._pairs = parse_qsl(query, keep_blank_values=True)
        self._values = dict(self._pairs)

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol to choose or to offer."""
        return unquote(self._rest) if self.name == "subprotocol" else None

    @property
    def delay(self) -> float | None:
        """The seconds that pass before the answer to a request, or before the request of a client."""
        return float(self._values.get("after", 0)) if self.name in {"accept", "ask"} else None

    @property
    def fields(self) -> list[tuple[bytes, bytes]]:
        """The fields that a client sends."""
        pairs = self._pairs if self.name == "fields" else ()
        return [(name.encode("latin-1"), value.encode("latin-1")) for name, value in pairs]

    def told(self, request: Request) -> Iterator[TextMessage]:
        """List what a server tells of the request."""
        if self.name == "target":
            yield TextMessage(request.target)
        elif self.name == "field":
            for name, value in request.extra_headers:
                if name.decode("latin-1").lower() == self._rest.lower():
                    yield TextMessage(value.decode("latin-1"))

    @property
    def close_timeout(self) -> float | None:
        """The seconds that the peer has to answer the Close, where they are given."""
        return float(self._values["timeout"]) if self.name == "close" and "timeout" in self._values else None

    def deflate(self) -> PerMessageDeflate:
        """Return permessage-deflate with the settings that the path has, or with none."""
        settings: dict[str, Any] = {}
        for key, value in self._values.items() if self.name == "deflate" else ():
            if key in _SWITCHES:
                settings[key] = True
            elif key in _WINDOWS:
                settings[key] = int(value) if value else None
        return PerMessageDeflate(compression_level=COMPRESSION_LEVEL, **settings)

    def opening(self) -> Iterator[Event]:
        """List what is sent when the connection opens."""
        match self.name:
            case "close":
                reason = self._values.get("reason")
                yield CloseConnection(int(self._values.get("code", 1000)), reason)
            case "ping":
                yield Ping(self._values.get("payload", "").encode())
            case "modes":
                yield TextMessage(" ".join(OF_SERVER))
                yield CloseConnection(1000)

    def answers(self, message: TextMessage | BytesMessage) -> Iterator[TextMessage | BytesMessage]:
        """List what answers a whole message: itself, or its fragments."""
        if self.name != "fragments":
            yield message
            return
        size = int(self._values.get("size", 1))
        for start in range(0, len(message.data) or 1, size):
            is_last = start + size >= len(message.data)
            # One call for each type: a piece of a text is a text.
            if isinstance(message, TextMessage):
                yield TextMessage(message.data[start : start + size], message_finished=is_last)
            else:
                yield BytesMessage(message.data[start : start + size], message_finished=is_last)
