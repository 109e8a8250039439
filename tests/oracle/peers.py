"""Other implementations as readers of a stream, in memory.

They are driven without a handshake: what it would have agreed on is the `End`.
"""

from __future__ import annotations

import asyncio
from codecs import getincrementaldecoder
from typing import TYPE_CHECKING, Any, Final

from aiohttp._websocket.reader import WebSocketDataQueue
from aiohttp.base_protocol import BaseProtocol
from aiohttp.http_websocket import WebSocketReader, WSMsgType
from aiohttp.streams import EofStream
from websockets.extensions.permessage_deflate import PerMessageDeflate
from websockets.frames import Frame, Opcode
from websockets.protocol import Protocol, Side

from tests.oracle.reading import Reading, arriving
from wsproto.events import CloseConnection, Event, Message, Ping, Pong

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from tests.oracle.reading import End, Reader


# websockets --------------------------------------------------------------------------------------


def by_websockets(end: End, stream: bytes) -> Reading:
    """Read with websockets' sans-I/O `Protocol`; it leaves joining and decoding text to its user."""
    protocol = Protocol(Side.CLIENT if end.client else Side.SERVER, max_size=None)
    if end.deflate:
        protocol.extensions = [PerMessageDeflate(not end.takeover, False, end.window_bits, 15)]
    protocol.receive_data(stream)
    try:
        events = tuple(_joined_frames(protocol.events_received()))  # type: ignore[arg-type]
    except _NotUtf8Error as error:
        return Reading(error.before, failed=True)
    if protocol.parser_exc is not None:
        return Reading(events, failed=True)
    close = protocol.close_rcvd
    return Reading(events, None if close is None else CloseConnection(close.code, close.reason))


def sent_by_websockets(end: End, events: list[Event]) -> bytes:
    """Let websockets, at the other end, send `events`."""
    sender = Protocol(Side.SERVER if end.client else Side.CLIENT, max_size=None)
    if end.deflate:
        sender.extensions = [PerMessageDeflate(False, not end.takeover, 15, end.window_bits)]
    begun = False
    for event in events:
        if isinstance(event, Ping):
            sender.send_ping(event.payload)
        elif isinstance(event, Pong):
            sender.send_pong(event.payload)
        elif isinstance(event, CloseConnection):
            close = arriving(event)
            sender.send_close(None if close.code == 1005 else close.code, close.reason or "")
        elif isinstance(event, Message):
            data = event.data.encode() if isinstance(event.data, str) else event.data
            send = sender.send_text if isinstance(event.data, str) else sender.send_binary
            (sender.send_continuation if begun else send)(data, event.message_finished)
            begun = not event.message_finished
    return b"".join(sender.data_to_send())


class _NotUtf8Error(Exception):
    def __init__(self, before: list[str | bytes | Event]) -> None:
        super().__init__()
        self.before = tuple(before)


class _TextDecoder:
    """Decodes text frame by frame, as websockets' own connections do."""

    def __init__(self) -> None:
        self._decoder = getincrementaldecoder("utf-8")()

    def __call__(self, data: bytes, final: bool) -> str:
        text = self._decoder.decode(data, final)
        # CPython waits for the third byte of a surrogate, though the second shows that it is none of UTF-8.
        if b"\xed\xa0" <= self._decoder.getstate()[0] < b"\xee":
            raise UnicodeDecodeError("utf-8", data, 0, len(data), "surrogate")
        return text


def _joined_frames(frames: Iterable[Frame]) -> list[str | bytes | Event]:
    """Join the frames of each message."""
    events: list[str | bytes | Event] = []
    decode: Any = None
    parts: list[Any] = []
    for frame in frames:
        payload = bytes(frame.data)
        if frame.opcode is Opcode.PING:
            events.append(Ping(payload))
        elif frame.opcode is Opcode.PONG:
            events.append(Pong(payload))
        elif frame.opcode is not Opcode.CLOSE:
            if frame.opcode is not Opcode.CONT:
                decode = _TextDecoder() if frame.opcode is Opcode.TEXT else lambda data, _: data
                parts = []
            try:
                parts.append(decode(payload, frame.fin))
            except UnicodeDecodeError:
                raise _NotUtf8Error(events) from None
            if frame.fin:
                events.append(parts[0][:0].join(parts))
    return events


# aiohttp -----------------------------------------------------------------------------------------

_LOOP: Final = asyncio.new_event_loop()
_LOOP.close()  # nothing ever waits
_UNLIMITED: Final = 2**30


def by_aiohttp(end: End, stream: bytes) -> Reading:
    """Read with aiohttp's `WebSocketReader`, which knows no roles, and one window for every agreement."""
    queue = WebSocketDataQueue(BaseProtocol(_LOOP), _UNLIMITED, loop=_LOOP)
    reader = WebSocketReader(queue, 0, end.deflate, True)
    failed, _ = reader.feed_data(stream)
    if not failed:
        reader.feed_eof()
    events: list[str | bytes | Event] = []
    for message in _queued(queue):
        if message.type is WSMsgType.CLOSE:
            return Reading(tuple(events), CloseConnection(message.data or 1005, message.extra))
        if message.type is WSMsgType.PING:
            events.append(Ping(bytes(message.data)))
        elif message.type is WSMsgType.PONG:
            events.append(Pong(bytes(message.data)))
        else:
            events.append(message.data)
    return Reading(tuple(events), failed=failed)


def _queued(queue: WebSocketDataQueue) -> Iterator[Any]:
    """Take all messages of a queue that has come to its end."""
    while True:
        try:
            queue.read().send(None)
        except StopIteration as taken:
            yield taken.value
        except EofStream:
            return
        except Exception as failure:
            if failure is not queue.exception():
                raise
            return


PEERS: Final[dict[str, Reader]] = {"websockets": by_websockets, "aiohttp": by_aiohttp}
