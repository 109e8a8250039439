"""What a connection holds between calls is bounded, whatever came and however it was cut.

It is counted: the bytes in every object that the connection refers to, beyond those of a new one; and at the
end what zlib has allocated.
`test_memory.py` measures the same, and zlib's windows, for chosen streams.
"""

from __future__ import annotations

import tracemalloc
from enum import Enum
from functools import cache
from types import MemberDescriptorType
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.deflating import CLIENT, Deflater, agreed
from tests.oracle.receiving import receive
from tests.oracle.strategies import (
    any_frames,
    cuttings,
    examples,
    mutated,
    odd_streams,
    peer_streams,
    roles,
    some_limits,
)
from tooling import frames as wire
from wsproto import Connection, ConnectionState, ConnectionType, Limits
from wsproto.extensions import PerMessageDeflate

if TYPE_CHECKING:
    from collections.abc import Iterator

#: An unread header, or a control frame but for its last byte: 2 + 4 + 125 bytes at most, or 14.
UNREAD = 131
#: What is inflated at once: so much of a compressed frame waits until all of it has come.
UNIT = 2**14
#: The first bytes of a code point, and the masking key of the frame that is being read.
CARRIED = 3 + 4
#: The words of a failure, in its message and its Close.
WORDS = 400


class Measured:
    """A connection, and how many bytes of data it holds that it does not share with another one."""

    def __init__(self, role: ConnectionType, *, deflate: bool, limits: Limits | None = None) -> None:
        self.connection, self.other = (
            Connection(role, [agreed()] if deflate else [], limits=limits) for _ in range(2)
        )
        self._shared = {id(one) for one in parts(self.other, set())}
        self._fresh = self._size()

    def held(self) -> int:
        """The bytes in all that it refers to, beyond those when it was new."""
        return self._size() - self._fresh

    def _size(self) -> int:
        found = parts(self.connection, set(self._shared))
        return sum(len(one) for one in found if isinstance(one, (bytes, bytearray, str)))


def parts(whole: object, seen: set[int]) -> Iterator[object]:
    """What `whole` refers to, and what that refers to, but for those that were `seen`."""
    waiting = [whole]
    while waiting:
        one = waiting.pop()
        if id(one) in seen or isinstance(one, (type, Enum)):
            continue
        seen.add(id(one))
        yield one
        if isinstance(one, dict):
            waiting += [*one.keys(), *one.values()]
        elif isinstance(one, (list, tuple, set, frozenset)):
            waiting += one
        elif not isinstance(one, (bytes, bytearray, str)):
            names = [*getattr(one, "__dict__", ()), *slots(type(one))]  # type: ignore[arg-type]
            waiting += [getattr(one, name) for name in names if hasattr(one, name)]


@cache
def slots(kind: Any) -> tuple[str, ...]:
    """The attributes that an object of `kind` has for itself, beside its `__dict__`."""
    if kind.__module__ == "zlib":
        return ("unconsumed_tail", "unused_data")
    if issubclass(kind, Exception):
        return ("args",)
    members = [vars(base).items() for base in kind.__mro__]
    return tuple(name for items in members for name, one in items if isinstance(one, MemberDescriptorType))


@st.composite
def streams(draw: st.DrawFn, *, client: bool, deflate: bool) -> bytes:
    """Bytes as a peer writes them, right or wrong; mostly with more in a frame than may be held."""
    size = draw(st.sampled_from([0, 500, 1000] + [UNIT + 1000] * deflate))
    long = wire.peer_frame(client, wire.BINARY, bytes(size))
    if deflate:  # as one stored block, which refers to nothing
        long += wire.peer_frame(client, wire.BINARY, Deflater(level=0).message(bytes(size)), rsv=wire.RSV1)
    right = long + draw(peer_streams(client=client, deflate=deflate)).data
    return draw(
        st.one_of(
            st.just(right),
            mutated(right),
            odd_streams(client=client, deflate=deflate),
            st.lists(any_frames(), max_size=4).map(b"".join),
        )
    )


@examples(0.4)
@given(roles, st.booleans(), some_limits, st.data())
def test_between_calls_no_more_than_a_header_or_a_control_frame(
    role: ConnectionType, deflate: bool, limits: Limits, data: st.DataObject
) -> None:
    stream = data.draw(streams(client=role is CLIENT, deflate=deflate))
    measured = Measured(role, deflate=deflate, limits=limits)
    connection = measured.connection
    for piece in data.draw(cuttings(stream)):
        receive(connection, piece)
        words = 0 if connection.protocol_error is None else WORDS
        assert measured.held() <= UNREAD + CARRIED + words + UNIT * deflate


@examples(0.4)
@given(roles, st.booleans(), st.data())
def test_what_nobody_reads_takes_its_own_size(
    role: ConnectionType, deflate: bool, data: st.DataObject
) -> None:
    """Reads that wait for `events()` are kept once, and nothing is made of them before."""
    stream = data.draw(streams(client=role is CLIENT, deflate=deflate))
    measured = Measured(role, deflate=deflate)
    received = 0
    for piece in data.draw(cuttings(stream)):
        measured.connection.receive_data(piece)
        received += len(piece)
        assert measured.held() == received


@examples(0.4)
@given(roles, st.booleans(), st.binary(min_size=1, max_size=50), st.data())
def test_after_the_end_nothing_more_is_kept(
    role: ConnectionType, deflate: bool, more: bytes, data: st.DataObject
) -> None:
    """After a Close or a failure input is dropped (RFC 6455 7.1.7)."""
    stream = data.draw(streams(client=role is CLIENT, deflate=deflate))
    end = wire.peer_frame(role is CLIENT, wire.CLOSE)
    measured = Measured(role, deflate=deflate)
    connection = measured.connection
    connection.receive_data(stream + end)
    connection.receive_data(more)
    list(connection.events())
    if connection.state is ConnectionState.OPEN:  # the stream ended inside a frame, which took the Close in
        return
    level = measured.held()
    assert level <= CARRIED + (0 if connection.protocol_error is None else WORDS)
    for _ in range(3):
        assert receive(connection, more) == []
        assert measured.held() == level


#: Bytes of objects that are there whatever came.
ROOM = 4000
#: Bytes that zlib takes to inflate, beside its window; measured: 7,500.
INFLATER = 16_000

MESSAGES = st.builds(bytes.__mul__, st.binary(max_size=300), st.integers(1, 100))


@pytest.mark.uncovered
@given(roles, st.integers(9, 15), st.booleans(), MESSAGES, st.booleans())
def test_an_inflater_is_as_large_as_the_window_agreed_on(
    role: ConnectionType, bits: int, takeover: bool, data: bytes, fragments: bool
) -> None:
    """Between messages, and without context takeover it is let go of (RFC 7692 7.1.1, 7.1.2)."""
    peer = "server" if role is CLIENT else "client"
    agreement = f"permessage-deflate; {peer}_max_window_bits={bits}"
    extension = PerMessageDeflate()
    extension.finalize(agreement if takeover else f"{agreement}; {peer}_no_context_takeover")
    payload = Deflater(window_bits=bits).message(data)
    message = wire.peer_frame(role is CLIENT, wire.BINARY, payload, rsv=wire.RSV1, fin=not fragments)
    message += wire.peer_frame(role is CLIENT, wire.CONTINUATION) if fragments else b""
    swallow(Connection(role, [extension]), message)  # so that what is made once is made
    connection = Connection(role, [extension])
    tracemalloc.start()
    try:
        swallow(connection, message)
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert held <= (INFLATER + 2**bits if takeover else ROOM)


def swallow(connection: Connection, read: bytes) -> None:
    connection.receive_data(read)
    for _ in connection.events():
        pass
