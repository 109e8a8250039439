"""The reference model of the opening handshake (RFC 6455 4.1, 4.2; RFC 9110 15.2): one end of it.

It knows heads and not bytes, and hands over to `Model` when the connection is open. `Said` is what one end
says to the other, and what the other's application is told of it.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from tests.oracle.connection_model import Ending, Model, RefusedError
from tooling.frames import Frame

#: By stage: the public state.
STATES: Final = {
    "INITIAL": "CONNECTING",
    "REQUESTED": "CONNECTING",
    "REFUSED": "CONNECTING",  # the request was bad, and that has to be said
    "BODY": "REJECTING",
    "ENDED": "CLOSED",
}
#: What an application may send: a client its one request, a server one answer.
PERMITTED: Final = {
    (True, "INITIAL"): {"Request"},
    (False, "REQUESTED"): {"AcceptConnection", "RejectConnection"},
    (False, "REFUSED"): {"RejectConnection"},
    (False, "BODY"): {"RejectData"},
}
MOST_INTERIM_RESPONSES: Final = 16


class FailureError(Exception):
    """The peer broke the protocol."""


class Said(NamedTuple):
    """Something that is said in the handshake, with what matters of it."""

    kind: str
    value: object = None
    more: object = None


REQUEST, BAD_REQUEST = "Request", "bad request"
ACCEPT, BAD_ACCEPT = "AcceptConnection", "bad 101"
REJECT, END_OF_BODY = "RejectConnection", "RejectData"

Item = Said | Frame | Ending


@dataclass
class Handshake:
    """One end, from its first byte to its open connection or its end."""

    client: bool
    stage: str = "INITIAL"
    to_tell: deque[Item] = field(default_factory=deque)
    interim_responses: int = 0
    unread: int = 0  # bytes of a head that has not all come
    ends_with_transport: bool = False  # the body of the rejection that is received
    early: list[Frame] | None = None  # None where not a byte came early
    end_of_file: bool = False
    connection: Model | None = None

    @property
    def state(self) -> str:
        return self.connection.state if self.connection else STATES[self.stage]

    def check_permitted(self, event: str) -> None:
        if self.connection or event not in PERMITTED.get((self.client, self.stage), ()):
            raise RefusedError

    # Sending, once what is sent was found to be in order -----------------------------------------------

    def request(self) -> None:
        self.stage = "REQUESTED"

    def accept(self) -> None:
        """Open the connection, with what came early, and the end of file too."""
        self.connection = Model()
        if self.early is not None:
            self.connection.receive(self.early)
        if self.end_of_file:
            self.connection.receive_end_of_file()

    def reject(self, *, has_body: bool) -> None:
        self.stage = "BODY" if has_body else "ENDED"

    # Receiving -----------------------------------------------------------------------------------------

    def receive(self, size: int, items: list[tuple[int, Item]]) -> None:
        """Take in `size` bytes, in which `items` come to their ends, each so many bytes before the last.

        :raises FailureError: where the peer broke the protocol.
        """
        if self.connection is None and self.stage == "ENDED" and size:
            raise RefusedError
        if not size and self.client and self.stage == "BODY" and self.ends_with_transport:
            self._end_body()
        self.unread = items[-1][0] if items else self.unread + size
        if self.connection is None and self.client and self.stage == "INITIAL" and size:
            self._fail("ENDED")  # the server spoke before it was asked
        if self.connection:
            self.connection.receive([item for _, item in items if isinstance(item, Frame)])
            return
        if self.stage == "REQUESTED" and not self.client and size:
            self.early = self.early or []
        for behind, item in items:
            if isinstance(item, Frame):
                self._receive_frame(item)
            elif self.client:
                self._receive_response(item, behind)
            elif self.stage == "INITIAL":
                self._receive_request(item, behind)

    def _receive_frame(self, frame: Frame) -> None:
        """Keep what a client sends early, and read what a server sends behind its 101."""
        if self.connection:
            self.connection.receive([frame])
        elif self.stage == "REQUESTED" and self.early is not None:
            self.early.append(frame)

    def _receive_request(self, item: Item, behind: int) -> None:
        assert isinstance(item, Said)
        if item.kind == BAD_REQUEST:
            self._fail("REFUSED")
        self.to_tell.append(item)
        self.stage = "REQUESTED"
        if behind:
            self.early = []

    def _receive_response(self, item: Item, behind: int) -> None:
        assert isinstance(item, Said)
        if self.stage not in ("REQUESTED", "BODY"):
            return  # what is behind the end of a rejection is dropped
        if item.kind == BAD_ACCEPT:
            self._fail("ENDED")
        if item.kind == REJECT and item.value in range(100, 200):
            self.interim_responses += 1
            if self.interim_responses > MOST_INTERIM_RESPONSES:
                self._fail("ENDED")
            return
        self.to_tell.append(item)
        if item.kind == ACCEPT:
            self.connection = Model()
            if behind:
                self.connection.receive([])
        elif item.kind == REJECT and item.value in range(200, 600):
            self.stage = "BODY"
            self.ends_with_transport = item.more == "ends with the transport"
        else:
            self.stage = "ENDED"

    def receive_end_of_file(self) -> None:
        """Take in end of file (RFC 6455 7.2.1): an answer may still be on its way out of a server.

        :raises FailureError: where a client's handshake is not finished.
        """
        self.end_of_file = True
        if self.connection:
            self.connection.receive_end_of_file()
        elif self.client and self.stage == "BODY" and self.ends_with_transport:
            self._end_body()
        elif self.client and self.stage == "REQUESTED" and self.interim_responses and not self.unread:
            self.to_tell.append(Said(REJECT, 103))
            self.stage = "ENDED"
        elif self.client and self.stage != "ENDED":
            self._fail("ENDED")
        elif self.stage == "INITIAL":
            self.stage = "ENDED"

    def take(self) -> Item | None:
        """Tell the application the next thing."""
        if self.to_tell:
            return self.to_tell.popleft()
        return self.connection.take() if self.connection else None

    def _end_body(self) -> None:
        """End a body that has no length: with the transport, or a read of nothing."""
        self.to_tell.append(Said(END_OF_BODY))
        self.stage = "ENDED"

    def _fail(self, stage: str) -> None:
        self.stage = stage
        raise FailureError
