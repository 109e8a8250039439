"""The reference model: one end of a connection after its opening handshake (RFC 6455 5.4, 5.5, 7).

It knows frames and not bytes, imports nothing of the library, and is written to be read at once. For every
call it says whether it is refused, which frame goes out, what this end learns, and in which state it is.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from tooling.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, TEXT, Frame

if TYPE_CHECKING:
    from collections.abc import Iterable

#: RFC 6455 7.4.1, and what IANA registered since; 1005, 1006 and 1015 never travel.
MAY_TRAVEL: Final = {1000, 1001, 1002, 1003, *range(1007, 1015), *range(3000, 5000)}

#: By (Close sent, Close received).
STATES: Final = {
    (False, False): "OPEN",
    (True, False): "LOCAL_CLOSING",
    (False, True): "REMOTE_CLOSING",
    (True, True): "CLOSED",
}


class RefusedError(Exception):
    """What the application asks for is not permitted, and changes nothing."""


@dataclass(frozen=True)
class Ending:
    """The one event that tells an end of the end: the peer's Close, a failure, or a lost transport."""

    code: int
    reason: str | None = None
    """None where the words are the library's own."""
    failure: bool = False


@dataclass
class Model:
    """One end: two axes, which only go forward, and what waits to be read."""

    close_sent: bool = False
    close_received: bool = False  # or the peer broke the protocol, which counts as its Close (7.1.7)
    lost: bool = False  # the transport ended without the peer's Close (7.1.5), which counts as both
    message: int | None = None  # the opcode of the message that this end has begun to send (5.4)
    unread: deque[Frame] = field(default_factory=deque)
    all_read: bool = True
    end_of_file: bool = False
    loss_untold: bool = False

    @property
    def state(self) -> str:
        """A function of (Close sent, Close received)."""
        return STATES[self.close_sent or self.lost, self.close_received or self.lost]

    # What the application asks for -----------------------------------------------------------------

    def send_data(self, data: str | bytes, *, fin: bool) -> Frame:
        """Send a message or a fragment: after the peer's Close only the rest of what was begun (5.5.1)."""
        opcode = TEXT if isinstance(data, str) else BINARY
        permitted = ("OPEN",) if self.message is None else ("OPEN", "REMOTE_CLOSING")
        if self.state not in permitted or self.message not in (None, opcode):
            raise RefusedError
        payload = data.encode() if isinstance(data, str) else data
        frame = Frame(opcode if self.message is None else CONTINUATION, payload, fin)
        self.message = None if fin else opcode
        return frame

    def send_control(self, opcode: int, payload: bytes) -> Frame:
        """Send a Ping or Pong: until the peer's Close has arrived (5.5.2, 5.5.3), at most 125 bytes (5.5)."""
        if self.state not in ("OPEN", "LOCAL_CLOSING") or len(payload) > 125:
            raise RefusedError
        return Frame(opcode, payload)

    def send_close(self, code: int | None, reason: str) -> Frame:
        """Send the one Close (5.5.1): 1005 stands for no code, 1006 and 1015 go as 1000 (7.4.1)."""
        travels = {1005: None, 1006: 1000, 1015: 1000}.get(code or 0, code)
        if self.state not in ("OPEN", "REMOTE_CLOSING") or travels not in {None, *MAY_TRAVEL}:
            raise RefusedError
        if travels is None and reason:
            raise RefusedError
        self.close_sent = True
        while len(reason.encode()) > 123:  # and two bytes of code
            reason = reason[:-1]
        return Frame(CLOSE, b"" if travels is None else travels.to_bytes(2, "big") + reason.encode())

    # What the transport brings -----------------------------------------------------------------------

    def receive(self, frames: Iterable[Frame]) -> None:
        """Take in frames: dropped after the peer's Close, refused at the end."""
        if self.state == "REMOTE_CLOSING":
            return
        if self.state == "CLOSED" or self.end_of_file:
            raise RefusedError
        self.unread.extend(frames)
        self.all_read = False

    def receive_end_of_file(self) -> None:
        """Take in end of file, which is judged behind all that came before it."""
        self.end_of_file = True
        if self.all_read:
            self._lose()

    def _lose(self) -> None:
        if self.state in ("OPEN", "LOCAL_CLOSING"):
            self.lost = self.loss_untold = True

    def take(self) -> Frame | Ending | None:
        """Learn the next thing; None when there is nothing more."""
        if self.unread:
            frame = self.unread.popleft()
            if frame.rsv or frame.opcode not in (CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG):
                return self.conclude(Ending(1002, failure=True))
            if frame.opcode == CLOSE:
                code = 1005 if frame.close_code is None else frame.close_code
                return self.conclude(Ending(code, frame.close_reason))
            return frame
        self.all_read = True
        if self.end_of_file:
            self._lose()
        told, self.loss_untold = self.loss_untold, False
        return Ending(1006) if told else None

    def conclude(self, ending: Ending) -> Ending:
        """Read nothing after the peer's Close or a failure (7.1.7)."""
        self.close_received = self.all_read = True
        self.unread.clear()
        return ending
