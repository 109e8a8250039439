"""What one end of a connection makes of a stream: by this library, and by the tests' own strict reader.

A reader is a function from the bytes that an `End` receives to a `Reading`; `peers` has others.
"""

from __future__ import annotations

import zlib
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from tests.oracle.deflating import CLIENT, SERVER, agreed, joined
from tests.oracle.inflating import TAIL
from tests.oracle.receiving import receive
from tooling import frames as wire
from wsproto import Connection
from wsproto.events import CloseConnection, Ping, Pong

if TYPE_CHECKING:
    from collections.abc import Callable

    from wsproto.events import Event
    from wsproto.extensions import Extension

    Reader = Callable[["End", bytes], "Reading"]


@dataclass(frozen=True)
class End:
    """The end of a connection that reads, and what was agreed about the direction that it reads."""

    client: bool
    deflate: bool = False
    window_bits: int = 15
    takeover: bool = True


@dataclass(frozen=True)
class Reading:
    """What a reader made of a stream: whole messages, pings and pongs, and how it ended."""

    events: tuple[str | bytes | Event, ...] = ()
    close: CloseConnection | None = None
    """The peer's Close, without a code as 1005; nothing is read behind it."""
    failed: bool = False
    """Whether the connection has to be failed (RFC 6455 7.1.7)."""


def arriving(close: CloseConnection) -> CloseConnection:
    """What arrives of a Close: 1006 and 1015 are sent as 1000, a reason at most 123 bytes long."""
    code = 1000 if close.code in {1006, 1015} else close.code
    return CloseConnection(code, (close.reason or "").encode()[:123].decode(errors="ignore"))


def by_wsproto(end: End, stream: bytes) -> Reading:
    """Read with this library."""
    sender = "server" if end.client else "client"
    parameters = [f"{sender}_max_window_bits={end.window_bits}"]
    if not end.takeover:
        parameters.append(f"{sender}_no_context_takeover")
    extensions: list[Extension] = [agreed("; ".join(parameters))] if end.deflate else []
    connection = Connection(CLIENT if end.client else SERVER, extensions)
    events = joined(receive(connection, stream))
    failed = connection.protocol_error is not None
    close = events.pop() if events and isinstance(events[-1], CloseConnection) else None
    return Reading(tuple(events), None if failed else close, failed)  # type: ignore[arg-type]


#: The close codes that RFC 6455 7.4.1 and IANA's registry let a Close carry, below 3000.
REGISTERED_CODES: Final = {*range(1000, 1004), *range(1007, 1015)}


def by_the_rules(end: End, stream: bytes) -> Reading:
    """Read with the tests' own decoder, and assert each rule that a sender has to keep.

    RFC 6455 5.1 to 5.5 and 7.4, RFC 7692 6 and 7: mask, length, RSV bits, fragments, control frames, close
    codes, and that a message with RSV1, and no other one, is compressed.
    """
    frames = wire.decode_frames(stream)
    events: list[str | bytes | Event] = []
    inflater = zlib.decompressobj(-end.window_bits)
    message: list[wire.Frame] = []
    for frame in frames:
        assert (frame.mask is None) == end.client
        assert frame.length_form == wire.minimal_form(len(frame.payload))
        if frame.opcode >= wire.CLOSE:
            assert frame.fin
            assert len(frame.payload) <= 125
            assert frame.rsv == 0
        if frame.opcode == wire.CLOSE:
            assert frame is frames[-1]
            break
        if frame.opcode == wire.PING:
            events.append(Ping(frame.payload))
        elif frame.opcode == wire.PONG:
            events.append(Pong(frame.payload))
        else:
            assert frame.opcode in ({wire.CONTINUATION} if message else {wire.TEXT, wire.BINARY})
            assert frame.rsv in ({0, wire.RSV1} if end.deflate and not message else {0})
            message.append(frame)
            if frame.fin:
                if not end.takeover:
                    inflater = zlib.decompressobj(-end.window_bits)
                events.append(_whole(message, inflater))
                message = []
    keys = [frame.mask for frame in frames if frame.mask is not None]
    assert len(set(keys)) >= len(keys) - 1, "a masking key served twice (RFC 6455 5.3)"
    closed = bool(frames) and frames[-1].opcode == wire.CLOSE
    return Reading(tuple(events), _close(frames[-1]) if closed else None)


def _whole(message: list[wire.Frame], inflater: zlib._Decompress) -> str | bytes:
    """Join, inflate and decode the frames of a message."""
    data = b"".join(frame.payload for frame in message)
    if message[0].rsv:
        assert data, "an empty compressed payload (RFC 7692 7.2.3.6)"
        data = inflater.decompress(data + TAIL)
        assert not inflater.eof
    return data.decode() if message[0].opcode == wire.TEXT else data


def _close(frame: wire.Frame) -> CloseConnection:
    if frame.close_code is None:
        return CloseConnection(1005, "")
    assert frame.close_code in REGISTERED_CODES or 3000 <= frame.close_code <= 4999
    return CloseConnection(frame.close_code, frame.close_reason)
