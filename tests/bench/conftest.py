"""A run of the benchmark that needs no network: this library against itself, on this very interpreter."""

from __future__ import annotations

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from bench.progress import Progress
from bench.rounds import Pace
from bench.run import Order, run
from bench.selection import select

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.peers import Peer
    from bench.results import Results

TINY = Pace(rounds=6, seconds=0.0005)


def this_python(_peer: Peer, _say: Callable[[str], None]) -> Path:
    """Stand in for an environment: the tests' own has all that the library needs."""
    return Path(sys.executable)


@pytest.fixture(scope="session")
def results() -> Results:
    """Measure a few workloads of each kind, in a few moments."""
    patterns = ["receive text 32 B, one per call", "handshake pair", "close *", "import"]
    order = Order(select([*patterns, "instructions: send*"]), [], TINY, quick=True)
    return run(order, Progress(), this_python)
