"""Draws `docs/states.md` from the tables in `wsproto.states`: `python docs/states.py`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from wsproto.states import (
    CLIENT_HANDSHAKE,
    CONNECTION,
    SERVER_HANDSHAKE,
    STATE_OF_STAGE,
)

if TYPE_CHECKING:
    from collections.abc import Mapping
    from enum import Enum
    from typing import Any

    Table = Mapping[Any, Mapping[Any, Any]]

PAGE = Path(__file__).with_name("states.md")

INTRODUCTION = """\
# States

Drawn from [`src/wsproto/states.py`](../src/wsproto/states.py) by `python docs/states.py`; the theory
stands on top of that file.
An empty cell means that the state does not permit the input: where the program asks for it, that is a
`LocalProtocolError`. `can_send(event_type)` looks it up.

The state of an open connection changes when `events()` yields the event that changes it, and when `send`
returns. `receive_data(None)` may change it at once: it judges end of file where no bytes are left unread.
During the opening handshake `receive_data` and `send` change the state.

End of file before a client has its whole answer is a `RemoteProtocolError`, with two exceptions: the body of
a rejection may end with the connection, and an interim response becomes a rejection if the connection ends
after it. End of file after the 101 is judged by the connection. A read of nothing, `b""`, is not an input,
except where it ends the body of a rejection.
"""


def grid(table: Table) -> str:
    """Write a table as a grid: inputs down, states across, the next state in each cell."""
    kind: type[Enum] = type(
        next(what for transitions in table.values() for what in transitions)
    )
    rows = [["input", *(state.name for state in table)], ["---"] * (len(table) + 1)]
    for what in kind:
        following = [
            transitions[what].name if what in transitions else ""
            for transitions in table.values()
        ]
        if any(following):
            rows.append([what.name, *following])
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def page() -> str:
    """Return the whole page."""
    parts = [INTRODUCTION]
    for title, table, picture in (
        ("The connection", CONNECTION, "connection"),
        ("The opening handshake of a client", CLIENT_HANDSHAKE, "client"),
        ("The opening handshake of a server", SERVER_HANDSHAKE, "server"),
    ):
        parts += [
            f"## {title}\n",
            f"![{title}: its changes of state](states-{picture}.svg)\n",
            grid(table) + "\n",
        ]
    stages = "\n".join(
        f"| {stage.name} | {state.name} |" for stage, state in STATE_OF_STAGE.items()
    )
    parts += [
        "## The public state at each stage of the handshake\n",
        f"| stage | state |\n| --- | --- |\n{stages}\n",
    ]
    return "\n".join(parts)


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
