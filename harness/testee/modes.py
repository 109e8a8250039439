"""Modes: what a testee does beside echoing, so that what an endpoint begins by itself is judged too.

The path says it:

    /fragments?size=N              echoes each message in fragments of N bytes (of a text: N characters)
    /close?code=N&reason=TEXT      sends this Close when the connection opens; `timeout=SECONDS` is the time
                                   that the peer has to answer it
    /ping?payload=TEXT             sends this ping when the connection opens, then echoes
    /subprotocol/NAME              a server chooses NAME where it is offered; a client offers it
    /deflate?PARAMETERS            a server accepts permessage-deflate with these settings; a client offers
                                   them: /deflate?server_no_context_takeover&client_max_window_bits=10
    /limit?size=N                  takes messages of up to N bytes, and echoes them
    /modes                         sends a text with the names of the modes, then closes with 1000

Any other path is a plain echo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from harness.testee.variants import COMPRESSION_LEVEL
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate

if TYPE_CHECKING:
    from collections.abc import Iterator

    from wsproto.events import Event

NAMES = ("fragments", "close", "ping", "subprotocol", "deflate", "limit")

_SWITCHES = {"client_no_context_takeover", "server_no_context_takeover"}
_WINDOWS = {"client_max_window_bits", "server_max_window_bits"}


class Mode:
    """What the path of a request asks for."""

    def __init__(self, target: str = "/") -> None:
        url = urlsplit(target)
        self.name, _, self._rest = url.path.lstrip("/").partition("/")
        self._values = dict(parse_qsl(url.query, keep_blank_values=True))

    @property
    def subprotocol(self) -> str | None:
        """The subprotocol to choose or to offer."""
        return unquote(self._rest) if self.name == "subprotocol" else None

    @property
    def close_timeout(self) -> float | None:
        """The seconds that the peer has to answer the Close, where they are given."""
        return float(self._values["timeout"]) if self.name == "close" and "timeout" in self._values else None

    @property
    def limit(self) -> int | None:
        """The bytes of the longest message to take, where they are given."""
        return int(self._values["size"]) if self.name == "limit" else None

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
                yield TextMessage(" ".join(NAMES))
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
