"""What the machines of an open connection share: deliveries in any cutting, reading, and the end of a run."""

from __future__ import annotations

from hashlib import sha512

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from tests.oracle.strategies import examples
from tests.state_machines.pipes import End, Pair, connected_ends
from tooling import frames as wire
from wsproto.events import BytesMessage, Event, TextMessage
from wsproto.extensions import PerMessageDeflate

#: Which end does it: 0 is the client, 1 the server.
SIDES = st.sampled_from([0, 1])
#: How many bytes of what is under way are delivered: often less than a frame header, often all.
SIZES = st.one_of(st.integers(0, 3), st.integers(0, 200), st.just(2**20))
#: Fragments and whole messages, some long enough for the second form of length.
FRAGMENTS = st.one_of(
    st.builds(TextMessage, st.text(max_size=20), message_finished=st.booleans()),
    st.builds(BytesMessage, st.binary(max_size=20), message_finished=st.booleans()),
    st.builds(TextMessage, st.integers(40, 90).map("aé€".__mul__), message_finished=st.booleans()),
)
#: Bytes that do not get fewer when they are deflated.
NOISE = b"".join(sha512(bytes([number])).digest() for number in range(64))


def machine_settings(share: float, steps: int) -> settings:
    """Settings of a machine: a share of the profile's examples, of so many steps at most."""
    return settings(examples(share), stateful_step_count=steps)


class Conversation(RuleBasedStateMachine):
    """An open connection. Every rule is a call on one end, and is compared with the model as it is made."""

    pair: Pair

    @initialize(deflate=st.booleans(), takeover=st.booleans())
    def open(self, deflate: bool, takeover: bool) -> None:
        extensions = [PerMessageDeflate(not takeover, None, not takeover)] if deflate else []
        self.pair = connected_ends(extensions, takeover=takeover)

    def end(self, side: int) -> End:
        return self.pair.ends[side]

    def got(self, side: int, events: list[Event]) -> None:
        """Note what an application has to answer."""

    @rule(side=SIDES, message=FRAGMENTS)
    def send_message(self, side: int, message: Event) -> None:
        self.end(side).send(message)

    @rule(side=SIDES, finished=st.booleans())
    def continue_message(self, side: int, finished: bool) -> None:
        """Send a fragment of the type that fits, also after the peer's Close, or a message of its own."""
        text = self.end(side).model.message != wire.BINARY
        self.end(side).send(
            TextMessage("more", message_finished=finished)
            if text
            else BytesMessage(b"more", message_finished=finished)
        )

    @rule(side=SIDES, size=SIZES)
    def deliver(self, side: int, size: int) -> None:
        self.end(side).receive(size)

    @rule(side=SIDES)
    def read(self, side: int) -> None:
        self.got(side, self.end(side).events())

    @rule(side=SIDES, count=st.integers(1, 3))
    def read_and_abandon(self, side: int, count: int) -> None:
        self.got(side, self.end(side).events(count))

    @rule(side=SIDES)
    def deliver_and_read(self, side: int) -> None:
        self.end(side).receive(2**20)
        self.got(side, self.end(side).events())

    @invariant()
    def agree(self) -> None:
        """Compare both ends after every step, also the one that did nothing."""
        for end in self.pair.ends:
            end.check()
            end.check_memory()

    def teardown(self) -> None:
        """However a run ends, both ends can be closed."""
        if hasattr(self, "pair"):
            self.pair.close()
