"""The closing handshake without chance: every sequence of calls and deliveries, up to a depth.

Two sequences that lead to equal states of both ends, down to the last private field of connection and model,
and of what is under way, have the same continuations: each state is continued once, and counted as often as
it is reached. And an action concerns one end and what is under way to it, whatever the other end does
meanwhile: it is made once for each such half of a state.
"""

from __future__ import annotations

import copyreg
import io
import pickle
import sys
from collections import Counter
from functools import cache, reduce
from itertools import product
from typing import TYPE_CHECKING, NamedTuple, TypeVar

import pytest
from hypothesis import settings

from tests.conftest import EXAMPLES
from tests.marks import pure_core
from tests.oracle.connection_model import STATES
from tests.state_machines.pipes import CLOSING, LOSING, RSV3, Action, End, Pipe, connected_ends
from wsproto import compiled
from wsproto.events import CloseConnection, Ping, TextMessage
from wsproto.masking import MaskingKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

T = TypeVar("T")


def send_fragment(end: End) -> None:
    """Begin a message, or end the one that was begun."""
    end.send(TextMessage("é", message_finished=end.model.message is not None))


def send_ping(end: End) -> None:
    end.send(Ping(b"p"))


def send_close(end: End) -> None:
    end.send(CloseConnection(1001, "r"))


def deliver_a_part(end: End) -> None:
    """Deliver the first byte of the next frame, or the rest of one that was begun."""
    next_frame = end.incoming.frames[0] if end.incoming.frames else None
    end.receive(next_frame.known if next_frame and next_frame.start < 0 else 1)


def deliver(end: End) -> None:
    end.receive(2**20)


def read(end: End) -> None:
    end.events()


def read_one_and_abandon(end: End) -> None:
    end.events(1)


def spoil(end: End) -> None:
    """Make the next frame to arrive one that no peer may send."""
    end.incoming.spoil(0, RSV3)


CALLS_AND_DELIVERIES = (
    send_fragment,
    send_ping,
    send_close,
    read,
    deliver,
    End.receive_end_of_file,
)
WITH_ABUSE = (*CALLS_AND_DELIVERIES, deliver_a_part, read_one_and_abandon, spoil)


def _tables() -> Iterator[object]:
    """The tables of the library's modules, and those inside of them."""
    modules = [module for name, module in sys.modules.items() if name.startswith("wsproto.")]
    tables = [table for module in modules for table in vars(module).values() if type(table) is dict]
    for table in tables:
        yield table
        yield from (inner for inner in table.values() if type(inner) is dict)


TABLES = {id(table): table for table in _tables()}


class _Pickler(pickle.Pickler):
    """Writes all there is; of the masking keys, which are constant here, only that there are some."""

    dispatch_table = copyreg.dispatch_table | {MaskingKeys: lambda keys: (type(keys), ())}

    def persistent_id(self, something: object) -> int | None:
        """Refer to a table of the library: to copy the thousand short headers takes longer than a step."""
        return id(something) if type(something) is dict and id(something) in TABLES else None


class _Unpickler(pickle.Unpickler):
    def persistent_load(self, table: int) -> object:
        return TABLES[table]


def pickled(something: End | Pipe) -> bytes:
    file = io.BytesIO()
    _Pickler(file, pickle.HIGHEST_PROTOCOL).dump(something)
    return file.getvalue()


def unpickled(kind: type[T], data: bytes) -> T:
    something = _Unpickler(io.BytesIO(data)).load()
    assert isinstance(something, kind)
    return something


NOTHING = pickled(Pipe())


class Standing(NamedTuple):
    """An end as it stands, without its pipes."""

    end: bytes
    state: str
    lossy: bool

    @classmethod
    def of(cls, end: End) -> Standing:
        lossy = end.lossy
        end.incoming = end.outgoing = Pipe()
        return cls(pickled(end), end.model.state, lossy)


@cache
def step(end: Standing, incoming: bytes, action: Action) -> tuple[Standing, bytes, bytes]:
    """Return the end after an action, what is under way to it then, and what it has written."""
    acting = unpickled(End, end.end)
    acting.incoming = unpickled(Pipe, incoming)
    acting.outgoing = written = Pipe()
    left = acting.incoming
    action(acting)
    acting.check()
    return Standing.of(acting), pickled(left), pickled(written)


@cache
def behind(under_way: bytes, written: bytes) -> bytes:
    """Return what is under way with what was written behind it."""
    if written == NOTHING:
        return under_way
    pipe, more = unpickled(Pipe, under_way), unpickled(Pipe, written)
    pipe.write(bytes(more.data), more.frames)
    return pickled(pipe)


class Position(NamedTuple):
    """A pair between two actions: both ends, and what is under way to each."""

    client: Standing
    server: Standing
    to_client: bytes
    to_server: bytes

    def after(self, side: int, action: Action) -> Position:
        if side == 0:
            client, to_client, written = step(self.client, self.to_client, action)
            return Position(client, self.server, to_client, behind(self.to_server, written))
        server, to_server, written = step(self.server, self.to_server, action)
        return Position(self.client, server, behind(self.to_client, written), to_server)

    def close(self) -> None:
        """Do as `Pair.close` does."""
        position = self.played(CLOSING)
        if position.client.lossy or position.server.lossy:
            position = position.played(LOSING)
        for side in (0, 1):
            position.after(side, End.check_closed)

    def played(self, script: Sequence[tuple[int, Action]]) -> Position:
        return reduce(lambda position, turn: position.after(*turn), script, self)


class Explored(NamedTuple):
    sequences: int
    steps: int
    """Those that differ: an action of an end as it stands, with what is under way to it."""
    pairs: set[tuple[str, str]]
    """States that the client and the server were in at a time."""


def explore(actions: Sequence[Action], depth: int) -> Explored:
    """Take every sequence of up to `depth` actions of either end, and close both ends behind each."""
    step.cache_clear()
    client, server = connected_ends().ends
    start = Position(Standing.of(client), Standing.of(server), NOTHING, NOTHING)
    reached = Counter([start])  # by how many sequences
    sequences = 0
    pairs = set()
    for _ in range(depth):
        longer: Counter[Position] = Counter()
        for position, times in reached.items():
            for turn in product((0, 1), actions):
                longer[position.after(*turn)] += times
        for position, times in longer.items():
            position.close()
            pairs.add((position.client.state, position.server.state))
            sequences += times
        reached = longer
    return Explored(sequences, step.cache_info().misses, pairs)


BOTH_FAILED = {("REMOTE_CLOSING", "REMOTE_CLOSING")}  # needs both to fail, in eight actions
ONE_FAILED = {("OPEN", "REMOTE_CLOSING"), ("REMOTE_CLOSING", "OPEN")}


@pure_core  # a state of the compiled one cannot be copied: see `test_every_short_sequence`
@pytest.mark.uncovered  # a hundred thousand steps, which take 10 to 60 seconds
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("actions", "depth", "unreached"),
    [
        pytest.param(CALLS_AND_DELIVERIES, 6, BOTH_FAILED | ONE_FAILED, id="calls and deliveries"),
        pytest.param(WITH_ABUSE, 4, BOTH_FAILED, id="spoiled frames, parts of frames, abandoned reads too"),
    ],
)
def test_every_sequence(
    actions: Sequence[Action],
    depth: int,
    unreached: set[tuple[str, str]],
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setattr("wsproto.masking.random_bytes", bytes)
    depth += settings().max_examples > EXAMPLES
    explored = explore(actions, depth)
    choices = 2 * len(actions)
    assert explored.sequences == sum(choices**length for length in range(1, depth + 1))
    assert explored.pairs == set(product(STATES.values(), repeat=2)) - unreached
    counted = f"{explored.sequences:,} sequences of up to {depth} of {choices} actions"
    record_property("counted", f"{counted}, in {explored.steps:,} steps")


@pytest.mark.uncovered
@pytest.mark.timeout(600)
@pytest.mark.parametrize(
    ("actions", "depth"),
    [
        pytest.param(CALLS_AND_DELIVERIES, 4, id="calls and deliveries"),
        pytest.param(WITH_ABUSE, 3, id="spoiled frames, parts of frames, abandoned reads too"),
    ],
)
def test_every_short_sequence(
    actions: Sequence[Action],
    depth: int,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    """From the start each time, as no state is copied: with any core.

    With the core in Python a shorter depth shows that the copies leave nothing out.
    """
    monkeypatch.setattr("wsproto.masking.random_bytes", bytes)
    depth += (settings().max_examples > EXAMPLES) - (not compiled)
    turns = list(product((0, 1), actions))
    played = 0
    for length in range(1, depth + 1):
        for sequence in product(turns, repeat=length):
            pair = connected_ends()
            for side, action in sequence:
                action(pair.ends[side])
                pair.ends[side].check()
            pair.close()
            played += 1
    assert played == sum(len(turns) ** length for length in range(1, depth + 1))
    record_property("counted", f"{played:,} sequences of up to {depth} of {len(turns)} actions")
