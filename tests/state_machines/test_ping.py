"""Pings and pongs among messages, as a random walk beside the model."""

from __future__ import annotations

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.state_machines.conversation import NOISE, SIDES, Conversation, machine_settings
from wsproto.events import CloseConnection, Event, Ping, Pong, TextMessage

#: Of every length up to what a control frame holds, and beyond.
PAYLOADS = st.one_of(
    st.binary(max_size=4), st.binary(max_size=130), st.sampled_from([NOISE[:124], NOISE[:125], NOISE[:126]])
)

#: Hypothesis may take five minutes to make a failure small.
pytestmark = pytest.mark.timeout(600)


class PingMachine(Conversation):
    """Ends that ping each other and answer as RFC 6455 5.5.3 leaves it to them: each, the latest, or none."""

    def __init__(self) -> None:
        super().__init__()
        self.unanswered: tuple[list[Ping], list[Ping]] = ([], [])

    def got(self, side: int, events: list[Event]) -> None:
        self.unanswered[side].extend(event for event in events if isinstance(event, Ping))

    @rule(side=SIDES, payload=PAYLOADS)
    def ping(self, side: int, payload: bytes) -> None:
        self.end(side).send(Ping(payload))

    @rule(side=SIDES, payload=PAYLOADS)
    def unsolicited_pong(self, side: int, payload: bytes) -> None:
        self.end(side).send(Pong(payload))

    @rule(side=SIDES)
    def answer_all(self, side: int) -> None:
        """Answer in the order of the pings; the payloads are theirs, byte by byte."""
        pings = list(self.unanswered[side])
        self.unanswered[side].clear()
        for ping in pings:
            assert ping.response() == Pong(ping.payload)
            self.end(side).send(ping.response())

    @rule(side=SIDES)
    def answer_the_latest(self, side: int) -> None:
        if self.unanswered[side]:
            self.end(side).send(self.unanswered[side].pop().response())
            self.unanswered[side].clear()

    @rule(side=SIDES, payload=PAYLOADS, text=st.text(max_size=20), compressible=st.booleans())
    def ping_between_fragments(self, side: int, payload: bytes, text: str, compressible: bool) -> None:
        """Both ends' controls in the middle of a message (RFC 6455 5.4), which goes on as if nothing were."""
        text += "again and again " * 10 * compressible
        self.end(side).send(TextMessage(text, message_finished=False))
        self.end(side).send(Ping(payload))
        self.end(1 - side).send(Ping(payload))
        self.end(side).send(TextMessage(text, message_finished=True))

    @rule(side=SIDES, count=st.integers(20, 60), size=st.sampled_from([0, 125]), read=st.booleans())
    def flood(self, side: int, count: int, size: int, read: bool) -> None:
        """Deliver many pings: read, they leave nothing behind; unread, no more than their own bytes."""
        end, peer = self.pair.ends[side], self.pair.ends[1 - side]
        for _ in range(count):
            peer.send(Ping(bytes(size)))
        end.receive(2**20)
        if read:
            self.got(side, end.events())

    @rule(side=SIDES)
    def close(self, side: int) -> None:
        """Pings meet both closing states."""
        self.end(side).send(CloseConnection(1000))


TestPing = PingMachine.TestCase
TestPing.settings = machine_settings(1.5, 30)
