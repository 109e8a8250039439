"""The closing handshake without chance: every sequence of calls and deliveries, up to a depth.

Two sequences that lead both connections, their models and the pipes to equal states, down to the last private
field, have the same continuations. So each state is continued once, and counted as often as it is reached.
"""

from __future__ import annotations

import copyreg
import gc
import io
import pickle
import sys
from collections import Counter
from itertools import product
from typing import TYPE_CHECKING, NamedTuple

import pytest
from hypothesis import settings

from tests.conftest import EXAMPLES
from tests.state_machines.model import STATES
from tests.state_machines.pipes import RSV3, End, Pair, joined
from wsproto.events import CloseConnection, Ping, TextMessage
from wsproto.masking import MaskingKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    Action = Callable[[End], None]


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


def snapshot(pair: Pair) -> bytes:
    file = io.BytesIO()
    _Pickler(file, pickle.HIGHEST_PROTOCOL).dump(pair)
    return file.getvalue()


def restored(state: bytes) -> Pair:
    pair = _Unpickler(io.BytesIO(state)).load()
    assert isinstance(pair, Pair)
    return pair


class Explored(NamedTuple):
    sequences: int
    steps: int
    """Calls that were made for them."""
    pairs: set[tuple[str, str]]
    """States that the client and the server were in at a time."""


def explore(actions: Sequence[Action], depth: int) -> Explored:
    """Take every sequence of up to `depth` actions of either end, and close both ends after each state."""
    reached = Counter([snapshot(joined())])  # by how many sequences
    sequences = steps = 0
    pairs = set()
    for left in range(depth - 1, -1, -1):
        longer: Counter[bytes] = Counter()
        for state, times in reached.items():
            for side, action in product((0, 1), actions):
                pair = restored(state)
                action(pair.ends[side])
                for end in pair.ends:
                    end.check()
                pairs.add((pair.client.model.state, pair.server.model.state))
                sequences += times
                steps += 1
                if left:
                    longer[snapshot(pair)] += times
            restored(state).close()
        reached = longer
    return Explored(sequences, steps, pairs)


@pytest.fixture
def seldom_collected() -> Iterator[None]:
    """Each step leaves a pair behind, in cycles; to look for them as often as usual takes a fifth."""
    thresholds = gc.get_threshold()
    gc.set_threshold(100_000)
    yield
    gc.set_threshold(*thresholds)


BOTH_FAILED = {("REMOTE_CLOSING", "REMOTE_CLOSING")}  # needs both to fail, in eight actions
ONE_FAILED = {("OPEN", "REMOTE_CLOSING"), ("REMOTE_CLOSING", "OPEN")}


@pytest.mark.usefixtures("seldom_collected")
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
