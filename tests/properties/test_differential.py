"""Other implementations read a stream as this library does, or it is known why not.

Whatever the bytes, websockets and aiohttp get the same messages, pings, pongs and Close out of them, or fail
the connection too: but for the leniencies that `tests/oracle/leniencies.py` names, each of which a peer must
still have.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.leniencies import LENIENCIES, Leniency, parting
from tests.oracle.peers import PEERS, sent_by_websockets
from tests.oracle.reading import End, Reading, by_wsproto
from tests.oracle.strategies import (
    CLOSES,
    Sender,
    any_frames,
    examples,
    mutated,
    odd_streams,
    peer_streams,
    scripts,
    senders,
)
from tooling import frames as wire

if TYPE_CHECKING:
    from tests.oracle.leniencies import Predicate
    from wsproto.events import Event

KNOWN: dict[str, list[Predicate]] = {
    peer: list(dict.fromkeys(one.predicate for one in LENIENCIES if one.peer == peer)) for peer in PEERS
}


def named(one: Leniency) -> str:
    """The name of a test of `one`."""
    return f"{one.peer}_{one.predicate.__name__}"


ends = st.builds(End, st.booleans(), st.booleans())


def assert_read_alike(end: End, stream: bytes) -> None:
    """Let the peers read `stream`; where one parts from this library, one of its leniencies must say why."""
    for peer, reader in PEERS.items():
        at = parting(end, stream, reader)
        if at is not None and not any(excused(at) for excused in KNOWN[peer]):
            shown = "".join(f"\n    {frame}" for frame in at.frames)
            raise AssertionError(
                f"{peer} reads {stream.hex()} otherwise\n  as {at.end}\n  after {shown}\n"
                f"  ours:   {at.ours}\n  theirs: {at.theirs}"
            )


@given(ends, st.data())
def test_what_a_peer_writes_is_read_alike(end: End, data: st.DataObject) -> None:
    stream = data.draw(peer_streams(client=end.client, deflate=end.deflate))
    readings = [read(end, stream.data) for read in (by_wsproto, *PEERS.values())]
    assert readings == [stream.reading()] * len(readings)


@given(ends, st.one_of(CLOSES, st.binary(max_size=4)))
def test_any_close_is_read_alike(end: End, payload: bytes) -> None:
    assert_read_alike(end, wire.peer_frame(end.client, wire.CLOSE, payload))


def test_every_close_code_near_a_border_is_read_alike() -> None:
    for code in (0, *range(990, 1020), *range(2990, 3010), *range(4990, 5010), 65535):
        payload = wire.close_payload(code, "why")
        for client in (False, True):
            assert_read_alike(End(client), wire.peer_frame(client, wire.CLOSE, payload))


@examples(2)
@given(ends, st.data())
def test_odd_frames_are_read_alike(end: End, data: st.DataObject) -> None:
    assert_read_alike(end, data.draw(odd_streams(client=end.client, deflate=end.deflate)))


@given(ends, st.data())
def test_a_stream_with_some_bytes_changed_is_read_alike(end: End, data: st.DataObject) -> None:
    stream = data.draw(peer_streams(client=end.client, deflate=end.deflate))
    assert_read_alike(end, data.draw(mutated(stream.data)))


@given(ends, st.lists(any_frames(), max_size=6))
def test_any_frames_are_read_alike(end: End, frames: list[bytes]) -> None:
    assert_read_alike(end, b"".join(frames))


@given(senders(), scripts())
def test_what_this_library_sends_is_read_by_all(sender: Sender, script: tuple[list[Event], Reading]) -> None:
    events, expected = script
    output = sender.send(events)
    assert [read(sender.received_by, output) for read in PEERS.values()] == [expected] * len(PEERS)


@given(st.builds(End, st.booleans(), st.booleans(), st.integers(9, 15), st.booleans()), scripts())
def test_what_websockets_sends_is_read_by_this_library(end: End, script: tuple[list[Event], Reading]) -> None:
    events, expected = script
    assert by_wsproto(end, sent_by_websockets(end, events)) == expected


@pytest.mark.parametrize("one", LENIENCIES, ids=named)
def test_a_peer_still_has_its_leniency(one: Leniency) -> None:
    at = parting(one.end, bytes.fromhex(one.stream), PEERS[one.peer])
    assert at is not None, f"{one.peer} reads {one.stream} as this library does: drop the predicate"
    assert (at.ours, at.theirs) == (one.ours, one.theirs)
    assert [known for known in KNOWN[one.peer] if known(at)] == [one.predicate]


@pytest.mark.parametrize("one", LENIENCIES, ids=named)
def test_a_predicate_names_the_section_that_it_is_about(one: Leniency) -> None:
    assert re.match(r"RFC (6455|7692) [0-9.]+", one.predicate.__doc__ or "")


FUZZED = (
    test_any_close_is_read_alike,
    test_what_a_peer_writes_is_read_alike,
    test_odd_frames_are_read_alike,
    test_a_stream_with_some_bytes_changed_is_read_alike,
    test_any_frames_are_read_alike,
    test_what_this_library_sends_is_read_by_all,
    test_what_websockets_sends_is_read_by_this_library,
)
