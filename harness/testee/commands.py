"""A testee: the library or another implementation, as commands that keep to a contract.

A server is started as `COMMAND --port PORT` (0: any free one), and prints `Listening on ws://HOST:PORT` once
it accepts connections. A client is started as `COMMAND ws://HOST:PORT --agent NAME`, drives the cases of the
fuzzing server there, prints `case N of M` as each begins, and ends. Both take `--max-message-size BYTES`, and
end at SIGTERM or when their standard input ends. `README.md` has the whole contract.
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.testee.echo import AGENT

if TYPE_CHECKING:
    from collections.abc import Sequence


@dataclass(frozen=True)
class Testee:
    """An implementation; a command is empty where the implementation does not have that role."""

    name: str
    server: Sequence[str] = ()
    client: Sequence[str] = ()


LIBRARY = Testee(
    AGENT,
    server=(sys.executable, "-m", "harness.testee", "serve", "--supervised"),
    client=(sys.executable, "-m", "harness.testee", "drive", "--supervised"),
)
"""This library."""
