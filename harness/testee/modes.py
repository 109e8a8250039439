"""Modes: what a testee does beside echoing, so that what an endpoint begins by itself is judged too.

The path says it:

    /fragments?size=N              echoes each message in fragments of N bytes (of a text: N characters)
    /ping-within?size=N&payload=TEXT
                                   the same, with this ping behind the first; the others follow when a pong, a
                                   Close or another message has come
    /close?code=N&reason=TEXT      sends this Close when the connection opens; `timeout=SECONDS` is the time
                                   that the peer has to answer it
    /ping?payload=TEXT             sends this ping when the connection opens, then echoes
    /subprotocol/NAME              a server chooses NAME where it is offered; a client offers it
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

Any other path is a plain echo.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, unquote, urlsplit

from harness.testee.variants import FlippedBits
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
from wsproto.extensions import PerMessageDeflate

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from wsproto.events import Event
    from wsproto.extensions import Extension

NAMES = ("fragments", "ping-within", "close", "ping", "subprotocol", "deflate", "flipped", "limit", "tls")

_FLIPPED_BITS = FlippedBits()
"""One object for all connections."""

_SWITCHES = {"client_no_context_takeover", "server_no_context_takeover"}
_WINDOWS = {"client_max_window_bits", "server_max_window_bits"}


class Mode:
    """What the path of a request asks for."""

    def __init__(self, target: str = "/") -> None:
        url = urlsplit(target)
        self.name, _, self._rest = url.path.lstrip("/").partition("/")
        self._values = dict(parse_qsl(url.query, keep_blank_values=True))

    @property
    def _payload(self) -> bytes:
        return self._values.get("payload", "").encode()

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

    @property
    def ping_within(self) -> Ping | None:
        """The ping to send behind the first fragment of a message."""
        return Ping(self._payload) if self.name == "ping-within" else None

    def value(self, key: str) -> str:
        """Return a value of the query, or nothing."""
        return self._values.get(key, "")

    def extensions(self, usual: Sequence[Extension]) -> Sequence[Extension]:
        """Return the extensions to offer or to accept, which without a mode are the `usual` ones."""
        if self.name == "deflate":
            return [PerMessageDeflate(**self._settings())]
        if self.name == "flipped":
            return [*(extension for extension in usual if extension.name != FlippedBits.name), _FLIPPED_BITS]
        return usual

    def _settings(self) -> dict[str, Any]:
        switches = dict.fromkeys(self._values.keys() & _SWITCHES, True)
        windows = {key: int(self._values[key] or 0) or None for key in self._values.keys() & _WINDOWS}
        return switches | windows

    def opening(self) -> Iterator[Event]:
        """List what is sent when the connection opens."""
        match self.name:
            case "close":
                reason = self._values.get("reason")
                yield CloseConnection(int(self._values.get("code", 1000)), reason)
                yield TextMessage("behind the Close")  # the library refuses this,
                yield CloseConnection(1000)  # and this
            case "ping":
                yield Ping(self._payload)
            case "modes":
                yield TextMessage(" ".join(NAMES))
                yield CloseConnection(1000)

    def answers(self, message: TextMessage | BytesMessage) -> Iterator[TextMessage | BytesMessage]:
        """List what answers a whole message: itself, or its fragments."""
        if self.name not in {"fragments", "ping-within"}:
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
