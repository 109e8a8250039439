"""The closing handshake without chance: every sequence of calls and deliveries, up to a depth.

Two sequences that lead both connections, their models and the pipes to equal states, down to the last private
field, have the same continuations. So each state is continued once, and counted as often as it is reached.
"""

from __future__ import annotations

import copyreg
import io
import pickle
from collections import Counter
from itertools import product
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

from tests.conftest import EXAMPLES
from tests.state_machines.pipes import End, Pair, joined
from wsproto.events import CloseConnection, Ping, TextMessage
from wsproto.masking import MaskingKeys

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

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
    end.incoming.spoil(0, 0x10)


CALLS_AND_DELIVERIES = (
    send_fragment,
    send_ping,
    send_close,
    read,
    deliver,
    End.receive_end_of_file,
)
WITH_ABUSE = (*CALLS_AND_DELIVERIES, deliver_a_part, read_one_and_abandon, spoil)


class _Pickler(pickle.Pickler):
    """Writes all there is; of the masking keys, which are constant here, only that there are some."""

    dispatch_table = copyreg.dispatch_table | {MaskingKeys: lambda keys: (type(keys), ())}


def snapshot(pair: Pair) -> bytes:
    file = io.BytesIO()
    _Pickler(file, pickle.HIGHEST_PROTOCOL).dump(pair)
    return file.getvalue()


def explore(actions: Sequence[Action], depth: int) -> tuple[int, int]:
    """Take every sequence of up to `depth` actions of either end; count them, and the steps made for it."""
    reached = Counter([snapshot(joined())])  # by how many sequences
    sequences = steps = 0
    for left in range(depth - 1, -1, -1):
        longer: Counter[bytes] = Counter()
        for state, times in reached.items():
            for side, action in product((0, 1), actions):
                pair: Pair = pickle.loads(state)  # noqa: S301 - written above
                action(pair.ends[side])
                for end in pair.ends:
                    end.check()
                sequences += times
                steps += 1
                if left:
                    longer[snapshot(pair)] += times
            restored: Pair = pickle.loads(state)  # noqa: S301
            restored.close()
        reached = longer
    return sequences, steps


@pytest.mark.parametrize(
    ("actions", "depth"),
    [
        pytest.param(CALLS_AND_DELIVERIES, 6, id="calls and deliveries"),
        pytest.param(WITH_ABUSE, 4, id="spoiled frames, parts of frames and abandoned reads too"),
    ],
)
@pytest.mark.uncovered  # a hundred thousand steps
def test_every_sequence(
    actions: Sequence[Action],
    depth: int,
    monkeypatch: pytest.MonkeyPatch,
    record_property: Callable[[str, object], None],
) -> None:
    monkeypatch.setattr("wsproto.masking.random_bytes", bytes)
    depth += settings().max_examples > EXAMPLES
    sequences, steps = explore(actions, depth)
    choices = 2 * len(actions)
    assert sequences == sum(choices**length for length in range(1, depth + 1))
    record_property(
        "counted", f"{sequences:,} sequences of up to {depth} of {choices} actions, in {steps:,} steps"
    )
