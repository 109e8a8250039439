"""The closing handshake, and all that can get in its way, as a random walk beside the model."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import rule

from tests.state_machines.conversation import NOISE, SIDES, Conversation, machine_settings
from tests.state_machines.pipes import UNDEFINED_BITS
from wsproto.events import BytesMessage, CloseConnection, Ping, Pong, TextMessage

CODES = st.one_of(
    st.none(),
    st.sampled_from([1000, 1001, 1005, 1006, 1015]),
    st.integers(998, 1017),
    st.integers(2998, 5001),
    st.sampled_from([-1, 0, 2000, 65_535, 65_536]),
)
#: Reasons of every length up to what a Close holds and beyond, code points of one to four bytes.
REASONS = st.one_of(
    st.none(),
    st.text(max_size=10),
    st.builds(
        lambda start, unit, times: start + unit * times,
        st.text(max_size=4),
        st.sampled_from("aé€😀"),
        st.integers(0, 130),
    ),
)
CONTROL_PAYLOADS = st.binary(max_size=8)

#: Hypothesis may take five minutes to make a failure small.
pytestmark = pytest.mark.timeout(600)


class CloseMachine(Conversation):
    """Closes from either side and both, data and control frames in every state, and a bad transport."""

    @rule(side=SIDES, code=CODES, reason=REASONS)
    def send_close(self, side: int, code: Any, reason: str | None) -> None:
        self.end(side).send(CloseConnection(code, reason))

    @rule(code=CODES, reason=REASONS)
    def send_close_from_both(self, code: Any, reason: str | None) -> None:
        for end in self.pair.ends:
            end.send(CloseConnection(code, reason))

    @rule(side=SIDES, text=st.text(max_size=20))
    def close_into_a_message(self, side: int, text: str) -> None:
        """The peer's Close arrives inside of a message, which may still be finished (RFC 6455 5.5.1)."""
        self.end(side).send(TextMessage(text, message_finished=False))
        self.end(1 - side).send(CloseConnection(1000))
        self.deliver_and_read(side)
        self.end(side).send(TextMessage(text, message_finished=True))

    @rule(side=SIDES)
    def reply(self, side: int) -> None:
        """Answer what ended the connection: late, or again, or, by never being chosen, never."""
        ending = self.end(side).ending
        if ending is not None:
            self.end(side).send(ending.response())

    @rule(side=SIDES, payload=CONTROL_PAYLOADS)
    def ping(self, side: int, payload: bytes) -> None:
        self.end(side).send(Ping(payload))

    @rule(side=SIDES, payload=CONTROL_PAYLOADS)
    def pong(self, side: int, payload: bytes) -> None:
        self.end(side).send(Pong(payload))

    @rule(side=SIDES)
    def flood(self, side: int) -> None:
        """Send and deliver more than an end that reads nothing may keep."""
        for _ in range(10):
            self.end(side).send(BytesMessage(NOISE))
        self.end(1 - side).receive(2**20)

    @rule(side=SIDES)
    def receive_behind_the_end(self, side: int) -> None:
        """After the peer's Close or a failure input is dropped, whatever it is; at the end it is refused."""
        self.end(side).receive_behind_the_end(NOISE * 10)

    @rule(side=SIDES, all_arrives=st.booleans())
    def end_of_file(self, side: int, all_arrives: bool) -> None:
        """Let the transport end for one side, behind all that was under way or in the middle of it."""
        if all_arrives:
            self.end(side).receive(2**20)
        self.end(side).receive_end_of_file()

    @rule(side=SIDES, choice=st.integers(0, 9), bit=st.sampled_from(UNDEFINED_BITS))
    def spoil_frame(self, side: int, choice: int, bit: int) -> None:
        self.end(side).incoming.spoil(choice, bit)

    @rule(side=SIDES, choice=st.integers(0, 300), bit=st.integers(0, 7))
    def change_any_bit(self, side: int, choice: int, bit: int) -> None:
        self.end(side).incoming.garble(choice, bit)


TestClose = CloseMachine.TestCase
TestClose.settings = machine_settings(1.5, 40)
