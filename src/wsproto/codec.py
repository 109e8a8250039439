"""The seam between a connection and its frame codec: what a codec has to offer, and which one is used.

`Connection` holds a `Decoder` and an `Encoder` and knows nothing else of frames.
"""

from __future__ import annotations

from abc import abstractmethod
from typing import TYPE_CHECKING, Protocol

from .extension import bound
from .frame_decoder import FrameDecoder
from .frame_encoder import FrameEncoder

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from .errors import ParseFailed
    from .event_base import Event
    from .events import CloseConnection
    from .extension import Extension
    from .limits import Limits
    from .typing import BytesLike


class Decoder(Protocol):
    """Bytes in, events out."""

    @property
    @abstractmethod
    def drained(self) -> bool:
        """Whether all that was received has been read, as far as it can be."""

    @abstractmethod
    def receive_bytes(self, data: BytesLike) -> None:
        """Take in what the transport received, to be read by `events`; after a Close or a failure drop it.

        :raises LocalProtocolError: for what is not bytes-like.
        """

    @abstractmethod
    def receive_eof(self) -> None:
        """Take in that no more bytes will come: `events` then asks `conclude` for the end."""

    @abstractmethod
    def events(
        self, conclude: Callable[[CloseConnection | ParseFailed | None], Event | None] | None = None
    ) -> Iterator[Event]:
        """Yield messages, pings and pongs, reading as it goes, then what `conclude` makes of the end.

        An iterator that is left before its end has lost nothing: the next one goes on where it stopped.

        :param conclude: is called once the frames are at their end, if they are: with the peer's Close, with
            the `ParseFailed` of a frame that breaks the protocol, or with None for end of file. It returns an
            event to yield, or None. Without it a Close is one of the events, and a failure is raised.
        """


class Encoder(Protocol):
    """Event in, bytes out."""

    @property
    @abstractmethod
    def message_begun(self) -> bool:
        """Whether a message was begun and not finished: what is sent next has to go on with it."""

    @abstractmethod
    def send(self, event: Event) -> bytes:
        """Return the frame of `event`.

        :raises LocalProtocolError: for an event that cannot be written as a frame; then nothing has changed.
        """

    @abstractmethod
    def send_parts(self, event: Event) -> tuple[bytes, bytes]:
        """Return the same in two parts; of a server the second is the payload, without a copy."""


def frame_codec(
    extensions: Iterable[Extension], limits: Limits | None, *, client: bool
) -> tuple[Decoder, Encoder]:
    """Make the codec of one connection; the extensions are in the order of the response."""
    used = [bound(extension, client=client) for extension in extensions]
    return FrameDecoder(client, used, limits=limits), FrameEncoder(client, used)
