"""Joins the pieces of messages."""

from __future__ import annotations

from io import BytesIO, StringIO
from typing import Any

from .close_codes import CloseReason
from .errors import RemoteProtocolError
from .events import BytesMessage, CloseConnection, Message, TextMessage
from .limits import checked_int


class MessageJoiner:
    """Joins the pieces that `events()` yields into messages of a limited size (RFC 6455 5.4, 10.4).

    :param max_size: the bytes that a message may have; text counts as UTF-8.
    """

    def __init__(self, max_size: int) -> None:
        self.max_size: int = checked_int("max_size", max_size, 0)
        self._too_big = False  # what is left of a refused message is dropped
        self._forget()

    def _forget(self) -> None:
        self._pieces: Any = None  # a StringIO or BytesIO, once there are any
        self._size = 0

    def join(self, event: Message[str] | Message[bytes]) -> TextMessage | BytesMessage | None:
        """Take in `event`, a piece; return the whole message when it was the last one.

        :raises RemoteProtocolError: once for a message of more than `max_size` bytes, whose other pieces are
            dropped; `event_hint` is the Close to send (1009).
        """
        if self._too_big:
            self._too_big = not event.message_finished
            return None
        data = event.data
        self._size += len(data.encode() if isinstance(data, str) and not data.isascii() else data)
        if self._size > self.max_size:  # R6455-10.4-01, -02
            self._forget()
            self._too_big = not event.message_finished
            message = f"Message of more than {self.max_size} bytes"
            raise RemoteProtocolError(message, CloseConnection(CloseReason.MESSAGE_TOO_BIG, message))
        if event.message_finished and self._pieces is None and isinstance(event, (TextMessage, BytesMessage)):
            self._size = 0
            return event  # it was whole: nine messages out of ten, at a quarter of the cost
        text = isinstance(data, str)
        if self._pieces is None:
            self._pieces = StringIO() if text else BytesIO()
        self._pieces.write(data)
        if not event.message_finished:
            return None
        whole = self._pieces.getvalue()
        self._forget()
        return TextMessage(whole) if text else BytesMessage(whole)
