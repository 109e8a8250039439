"""The opening handshake as a walk beside its model: right and wrong events, in any order and cutting."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import islice

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.oracle.connection_model import Ending, RefusedError
from tests.oracle.deflating import CLIENT, SERVER, joined
from tests.oracle.handshake_bytes import (
    EARLY_HINTS,
    accept_token,
    read_head,
    read_response,
    rejection,
    request,
    response,
)
from tests.oracle.handshake_model import (
    ACCEPT,
    BAD_ACCEPT,
    BAD_REQUEST,
    END_OF_BODY,
    REJECT,
    REQUEST,
    FailureError,
    Handshake,
    Item,
    Said,
)
from tests.oracle.receiving import receive
from tests.state_machines.conversation import SIDES, machine_settings
from tooling import frames as wire
from tooling.frames import Frame
from wsproto import WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

BAD_REQUESTS = [
    request({b"Upgrade": []}),
    request({b"Sec-WebSocket-Version": [b"12"]}),
    request({b"Sec-WebSocket-Key": [b"x"]}),
]
BAD_ACCEPTS = [
    {b"Sec-WebSocket-Accept": [accept_token(b"another key")]},
    {b"Sec-WebSocket-Protocol": [b"other"]},
    {b"Sec-WebSocket-Extensions": [b"x-other"]},
    {b"Connection": [b"keep-alive"]},
]
DATA_EVENTS: list[Event] = [
    TextMessage("early"),
    BytesMessage(b"early"),
    Ping(),
    Pong(),
    CloseConnection(1000),
]
SUBPROTOCOLS = st.sampled_from([[], ["chat"], ["superchat", "chat"]])
ANSWERS = st.sampled_from([None, "chat", "superchat", "other"])
#: For what the other side may never send.
MOSTLY_CLIENT = st.sampled_from([0, 0, 0, 1])
MOSTLY_SERVER = st.sampled_from([1, 1, 1, 0])
LENGTHS = st.one_of(st.none(), st.integers(0, 6))
SIZES = st.one_of(st.integers(0, 3), st.integers(0, 400), st.just(2**20))

#: Hypothesis may take five minutes to make a failure small.
pytestmark = pytest.mark.timeout(600)


@dataclass
class Stream:
    """The bytes on their way to one end, and what they say, each with where it comes to its end."""

    data: bytearray = field(default_factory=bytearray)
    items: list[tuple[int, Item]] = field(default_factory=list)
    ended: bool = False

    def write(self, data: bytes, *items: Item) -> None:
        self.data += data
        self.items += [(len(self.data), item) for item in items]

    def read(self, size: int) -> tuple[bytes, list[tuple[int, Item]]]:
        data = bytes(self.data[:size])
        del self.data[:size]
        items = [(len(data) - end, item) for end, item in self.items if end <= len(data)]
        self.items = [(end - len(data), item) for end, item in self.items if end > len(data)]
        return data, items


class HandshakeMachine(RuleBasedStateMachine):
    """A client and a server before they are open, and what somebody else may write to either."""

    def __init__(self) -> None:
        super().__init__()
        self.connections = WSConnection(CLIENT), WSConnection(SERVER)
        self.models = Handshake(client=True), Handshake(client=False)
        self.incoming = Stream(), Stream()  # the client's, the server's
        self.request = Request("example.com", "/chat")
        self.key = b""
        self.answered = False  # by somebody else than the server
        self.head = b""  # of a rejection
        self.sent = b""  # of its body, with its framing
        self.body = b""
        self.body_left: int | None = None  # None where no length was declared
        self.told_body = b""
        self.deflate = False

    @initialize(
        progress=st.sampled_from(
            ["new", "requested", "refused", "delivered", "ended", "accepting", "rejecting"]
        ),
        subprotocols=SUBPROTOCOLS,
        subprotocol=ANSWERS,
        length=LENGTHS,
    )
    def begin(
        self, progress: str, subprotocols: list[str], subprotocol: str | None, length: int | None
    ) -> None:
        """Begin somewhere on the way, since most that can happen comes late."""
        if progress == "new":
            return
        self.send_request(0, subprotocols, deflate=True)
        if progress == "refused":
            self.rejection_until_end_of_file(b"body")
        if progress in ("requested", "refused"):
            return
        self.deliver(1, 2**20)
        if progress == "ended":
            self.end_of_file(1, all_arrives=True)
        elif progress == "accepting":
            self.send_accept(1, subprotocol, deflate=True)
        elif progress == "rejecting":
            self.send_reject(1, 403, length, has_body=True)

    # What the applications send ------------------------------------------------------------------------

    def refused(self, side: int, event: Event) -> None:
        """Check that a send is refused; that it leaves no trace shows in all that follows."""
        with pytest.raises(LocalProtocolError):
            self.connections[side].send(event)

    def permitted(self, side: int, event: Event) -> bool:
        """Ask the model whether this is the time for an event; where it is not, check that it is refused."""
        try:
            self.models[side].check_permitted(type(event).__name__)
        except RefusedError:
            self.refused(side, event)
            return False
        return True

    @rule(side=MOSTLY_CLIENT, subprotocols=SUBPROTOCOLS, deflate=st.booleans())
    def send_request(self, side: int, subprotocols: list[str], deflate: bool) -> None:
        extensions = [PerMessageDeflate()] if deflate else []
        event = Request("example.com", "/chat", extensions, subprotocols=subprotocols)
        if not self.permitted(side, event):
            return
        data = self.connections[side].send(event)
        head, rest = read_head(data)
        assert (head.target, rest) == (b"/chat", b"")
        assert head.members(b"Sec-WebSocket-Protocol") == [name.encode() for name in event.subprotocols]
        assert len(head.all(b"Sec-WebSocket-Extensions")) == deflate
        self.request = event
        self.key = head.one(b"Sec-WebSocket-Key")
        self.models[side].request()
        self.incoming[1].write(data, Said(REQUEST, event))

    @rule(side=MOSTLY_SERVER, subprotocol=ANSWERS, deflate=st.booleans())
    def send_accept(self, side: int, subprotocol: str | None, deflate: bool) -> None:
        """Accept: with a subprotocol that was offered or none, and what both support."""
        event = AcceptConnection(subprotocol, [PerMessageDeflate()] if deflate else [])
        if self.answered or not self.permitted(side, event):
            return
        if subprotocol not in {None, *self.request.subprotocols}:
            self.refused(side, event)
            return
        data = self.connections[side].send(event)
        head, rest = read_head(data)
        self.deflate = deflate and bool(self.request.extensions)
        assert (head.status, rest) == (101, b"")
        assert head.one(b"Sec-WebSocket-Accept") == accept_token(self.key)
        assert head.all(b"Sec-WebSocket-Protocol") == ([subprotocol.encode()] if subprotocol else [])
        assert len(head.all(b"Sec-WebSocket-Extensions")) == self.deflate
        self.models[side].accept()
        self.incoming[0].write(data, Said(ACCEPT, subprotocol, self.deflate))

    @rule(
        side=MOSTLY_SERVER,
        status=st.sampled_from([100, 101, 103, 302, 400, 403, 426, 503]),
        length=LENGTHS,
        has_body=st.booleans(),
    )
    def send_reject(self, side: int, status: int, length: int | None, has_body: bool) -> None:
        """Reject: with a body of a declared length, in chunks, or without one."""
        headers = [] if length is None else [(b"Content-Length", b"%d" % length)]
        event = RejectConnection(status, headers, has_body)
        if self.answered or not self.permitted(side, event):
            return
        if status < 200 or (length and not has_body):
            self.refused(side, event)
            return
        self.head = self.connections[side].send(event)
        head, rest = read_head(self.head)
        assert (head.status, rest) == (status, b"")
        self.body_left = length
        self.models[side].reject(has_body=has_body)
        ended = not has_body or length == 0
        self.incoming[0].write(self.head, Said(REJECT, status), *[Said(END_OF_BODY)] * ended)

    @rule(side=MOSTLY_SERVER, data=st.binary(max_size=5), finished=st.booleans(), fitting=st.booleans())
    def send_body(self, side: int, data: bytes, finished: bool, fitting: bool) -> None:
        """Send a piece of a body: no more than was declared, and all of it (RFC 9110 8.6)."""
        if fitting and finished and self.body_left is not None:
            data = bytes(self.body_left)
        event = RejectData(data, finished)
        if not self.permitted(side, event):
            return
        left = None if self.body_left is None else self.body_left - len(data)
        if left is not None and (left < 0 or (left and finished)):
            self.refused(side, event)
            return
        sent = self.connections[side].send(event)
        self.sent += sent
        self.body += data
        if finished:
            self.models[side].stage = "ENDED"
            assert read_response(self.head + self.sent)[1] == self.body
        ended = finished if left is None else left == 0 and self.body_left != 0
        self.body_left = left
        self.incoming[0].write(sent, *[Said(END_OF_BODY)] * ended)

    @rule(side=SIDES, event=st.sampled_from(DATA_EVENTS))
    def send_data_too_early(self, side: int, event: Event) -> None:
        if self.models[side].connection is None:
            self.refused(side, event)

    @rule(side=SIDES, payload=st.binary(max_size=5))
    def ping(self, side: int, payload: bytes) -> None:
        """Send a ping as soon as the connection is open: a server's may come in one read with its 101."""
        model = self.models[side].connection
        if model is not None and model.state == "OPEN":
            frame = model.send_control(wire.PING, payload)
            self.incoming[1 - side].write(self.connections[side].send(Ping(payload)), frame)

    # What somebody else writes --------------------------------------------------------------------------

    @rule(payload=st.binary(max_size=5))
    def early_data(self, payload: bytes) -> None:
        """Let a client not wait for its answer: what it sends behind its request may not be lost."""
        if self.models[0].stage == "REQUESTED" and self.models[0].connection is None:
            data = wire.frame(wire.PING, payload, mask=wire.MASK)
            self.incoming[1].write(data, Frame(wire.PING, payload))

    @rule(choice=st.integers(0, len(BAD_REQUESTS) - 1))
    def bad_request(self, choice: int) -> None:
        if self.models[0].stage == "INITIAL":
            self.incoming[1].write(BAD_REQUESTS[choice], Said(BAD_REQUEST))

    @rule(count=st.sampled_from([1, 1, 2, 16]))
    def interim_responses(self, count: int) -> None:
        """103 before the answer is skipped, up to 16 times (RFC 9110 15.2)."""
        if self.awaits_an_answer:
            for _ in range(count):
                self.incoming[0].write(EARLY_HINTS, Said(REJECT, 103))

    @rule(choice=st.integers(0, len(BAD_ACCEPTS) - 1))
    def bad_accept(self, choice: int) -> None:
        """Accept what was not asked for."""
        if not self.awaits_an_answer:
            return
        self.answered = True
        self.incoming[0].write(response(self.key, BAD_ACCEPTS[choice]), Said(BAD_ACCEPT))

    @rule(body=st.binary(max_size=9))
    def rejection_until_end_of_file(self, body: bytes) -> None:
        """Reject with a body that has no length but the connection's (RFC 9112 6.3)."""
        if not self.awaits_an_answer:
            return
        self.answered = True
        self.body = body
        head = Said(REJECT, 403, "ends with the transport")
        self.incoming[0].write(rejection(b"403 Forbidden"), head)
        self.incoming[0].write(body)

    @property
    def awaits_an_answer(self) -> bool:
        """Whether a client has asked, and nobody has answered."""
        return bool(self.key) and not self.answered and not self.head and not self.models[1].connection

    # What the transport brings --------------------------------------------------------------------------

    @rule(side=SIDES, size=SIZES)
    def deliver(self, side: int, size: int) -> None:
        if self.incoming[side].ended:
            return
        stream, model = self.incoming[side], self.models[side]
        data, items = stream.read(size)
        if not data and model.ends_with_transport and model.stage == "BODY" and stream.data:
            self.body = self.body[: -len(stream.data)]  # a read of nothing is its end
        try:
            model.receive(len(data), items)
        except RefusedError:
            with pytest.raises(LocalProtocolError):
                self.connections[side].receive_data(data)
        except FailureError:
            with pytest.raises(RemoteProtocolError) as caught:
                self.connections[side].receive_data(data)
            assert isinstance(caught.value.event_hint, RejectConnection)
        else:
            self.connections[side].receive_data(data)

    @rule(side=SIDES, all_arrives=st.booleans())
    def end_of_file(self, side: int, all_arrives: bool) -> None:
        """Let the transport end, behind all that was under way or in the middle of it."""
        if all_arrives:
            self.deliver(side, 2**20)
        stream = self.incoming[side]
        if self.models[side].ends_with_transport and stream.data and not stream.ended:
            self.body = self.body[: -len(stream.data)]  # nobody can tell that there was more
        stream.ended = True
        try:
            self.models[side].receive_end_of_file()
        except FailureError:
            with pytest.raises(RemoteProtocolError):
                self.connections[side].receive_data(None)
        else:
            self.connections[side].receive_data(None)

    # What the applications are told ---------------------------------------------------------------------

    @rule(side=SIDES, limit=st.one_of(st.none(), st.integers(1, 3)))
    def read(self, side: int, limit: int | None) -> None:
        """Take all events, or drop the iterator after a few."""
        events = list(islice(self.connections[side].events(), limit))
        for event in events:
            if isinstance(event, RejectData) and not event.body_finished:
                self.told_body += event.data
                assert self.body.startswith(self.told_body)
            else:
                item = self.models[side].take()
                assert item is not None
                self.compare(event, item)
        if limit is None or len(events) < limit:
            assert self.models[side].take() is None

    def compare(self, event: Event, item: Item) -> None:
        """Check that an event says what the model says."""
        if isinstance(item, Frame):
            assert event == Ping(item.payload)
        elif isinstance(item, Ending):
            assert event == CloseConnection(item.code)
        elif isinstance(event, Request):
            assert item == Said(REQUEST, self.request)
            assert (event.host, event.target) == (self.request.host, self.request.target)
            assert event.subprotocols == self.request.subprotocols
            assert len(event.extensions) == len(self.request.extensions)
        elif isinstance(event, AcceptConnection):
            assert item == Said(ACCEPT, event.subprotocol, bool(event.extensions))
        elif isinstance(event, RejectConnection):
            assert (item.kind, item.value) == (REJECT, event.status_code)
            assert event.has_body == (event.status_code >= 200)
        else:
            assert event == RejectData(b"", body_finished=True)
            assert item == Said(END_OF_BODY)
            assert self.told_body == self.body

    @invariant()
    def agree(self) -> None:
        for connection, model in zip(self.connections, self.models, strict=True):
            assert connection.state.name == model.state

    def teardown(self) -> None:
        """Accept where that is still possible: then the connection works, with just what was agreed."""
        self.deliver_and_read_all()
        if [model.stage for model in self.models] == ["REQUESTED", "REQUESTED"] and self.awaits_an_answer:
            self.send_accept(1, None, deflate=True)
            self.ping(1, b"behind the 101")
            self.deliver_and_read_all()
        if [connection.state.name for connection in self.connections] == ["OPEN", "OPEN"]:
            for sender, receiver in (self.connections, self.connections[::-1]):
                data = sender.send(TextMessage("Hello"))
                assert wire.decode_frame(data).rsv == (wire.RSV1 if self.deflate else 0)
                assert joined(receive(receiver, data)) == ["Hello"]

    def deliver_and_read_all(self) -> None:
        for side in (0, 1):
            self.deliver(side, 2**20)
            self.read(side, None)
            self.agree()


TestHandshake = HandshakeMachine.TestCase
TestHandshake.settings = machine_settings(5, 20)
