"""Everything sent decodes with the tests' own decoder, and keeps each rule of a sender.

`tests.reading.by_the_rules` judges them: minimal lengths, the right mask direction, fresh keys, RSV1 on the
first frame of a compressed message only, control frames whole and of at most 125 bytes, close codes that may
travel.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.deflating import CLIENT, ROLES, SERVER
from tests.oracle.inflating import Inflater
from tests.oracle.reading import Reading, by_the_rules
from tests.oracle.strategies import REPEATED_BLOCKS, Sender, examples, message, scripts, senders
from tooling import frames as wire
from wsproto import Connection, ConnectionType
from wsproto.events import Ping
from wsproto.extensions import PerMessageDeflate

if TYPE_CHECKING:
    from wsproto.events import Event


@given(senders(), scripts())
def test_every_script_keeps_the_rules(sender: Sender, script: tuple[list[Event], Reading]) -> None:
    events, expected = script
    assert by_the_rules(sender.received_by, sender.send(events)) == expected


@examples(0.3)
@given(
    st.sampled_from(ROLES),
    st.integers(9, 15),
    st.booleans(),
    st.lists(st.one_of(st.text(max_size=200), REPEATED_BLOCKS), max_size=4),
)
def test_what_is_deflated_keeps_to_its_window(
    role: ConnectionType, bits: int, takeover: bool, messages: list[str | bytes]
) -> None:
    own = "client" if role is CLIENT else "server"
    extension = PerMessageDeflate()
    agreement = f"permessage-deflate; {own}_max_window_bits={bits}"
    extension.finalize(agreement if takeover else f"{agreement}; {own}_no_context_takeover")
    connection = Connection(role, [extension])
    inflater = Inflater(takeover=takeover)
    for data in messages * 2:  # again: it deflates by what was said the first time, where it may
        inflated = inflater.message(wire.decode_frame(connection.send(message(data))).payload)
        assert inflated.data == (data.encode() if isinstance(data, str) else data)
        assert inflated.longest_distance <= 2**bits


@examples(0.2)
@given(st.integers(100, 400))
def test_no_key_comes_twice(count: int) -> None:
    client, server = Connection(CLIENT), Connection(SERVER)
    keys = [wire.decode_frame(client.send(Ping())).mask for _ in range(count)]
    assert None not in keys
    assert len(set(keys)) >= count - 1  # by chance two may be alike, once in 50,000 runs
    assert {wire.decode_frame(server.send(Ping())).mask for _ in range(count)} == {None}
