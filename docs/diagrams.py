"""Draws the pictures of the pages: `python -m docs.diagrams`.

Those of states are drawn from the tables in `wsproto.states`, that of the modules from their imports.
"""

from __future__ import annotations

import ast
from pathlib import Path
from typing import TYPE_CHECKING, Any

from docs.drawing import Arrow, Box, drawn
from wsproto.states import CLIENT_HANDSHAKE, CONNECTION, SERVER_HANDSHAKE

if TYPE_CHECKING:
    from collections.abc import Mapping

HERE = Path(__file__).resolve().parent
ACROSS, DOWN = 300, 120  # pixels between two states

SOURCE = HERE.parent / "src" / "wsproto"

GROUPS = {
    "values and rules": [
        "typing",
        "close_codes",
        "core",
        "event_base",
        "errors",
        "header_grammar",
        "utilities",
        "limits",
        "masking",
        "states",
        "frame_header",
    ],
    "events": ["extension", "events", "close_frame"],
    "compression": ["deflate", "permessage_deflate", "extensions"],
    "codec": [
        "frame_reader",
        "frame_writer",
        "inbound_message",
        "inbound_extensions",
        "frame_decoder",
        "frame_encoder",
        "codec",
        "frame_protocol",
    ],
    "connection": ["connection_front", "connection"],
    "opening handshake": [
        "handshake_fields",
        "authority",
        "handshake_messages",
        "handshake_stages",
        "http_exchange",
        "handshake",
        "stream_handshake",
    ],
    "for programs": ["messages", "wsconnection", "__init__"],
}
"""The modules of the library by what they are for: those of a group use groups above it alone."""

PLACES = {
    "connection": {
        "OPEN": (0, 0),
        "REMOTE_CLOSING": (1, 0),
        "LOCAL_CLOSING": (0, 1),
        "CLOSED": (1, 1),
    },
    "client": {
        "INITIAL": (0, 0),
        "REQUESTED": (1, 0),
        "ACCEPTED": (2, 0),
        "ENDED": (0, 1),
        "BODY": (1, 1),
    },
    "server": {
        "INITIAL": (0, 0),
        "REQUESTED": (1, 0),
        "ACCEPTED": (2, 0),
        "REFUSED": (1, 1),
        "BODY": (2, 1),
        "ENDED": (0, 2),
    },
}
"""Where each state stands: column and row."""

ON_ARROWS = {
    ("server", "REQUESTED", "ENDED"): 0.62,
    ("server", "INITIAL", "REFUSED"): 0.4,
}
"""Where the labels stand on arrows that meet others: 0 is the start, 1 the end."""


def of_states(kind: str, table: Mapping[Any, Mapping[Any, Any]]) -> str:
    """Draw a table of states, each change of state an arrow."""
    places = PLACES[kind]
    boxes = {
        name: Box(100 + ACROSS * column, 30 + DOWN * row, name)
        for name, (column, row) in places.items()
    }
    inputs: dict[tuple[str, str], list[str]] = {}
    for state, transitions in table.items():
        for what, following in transitions.items():
            if following is not state:
                inputs.setdefault((state.name, following.name), []).append(what.name)
    arrows = [
        Arrow(
            boxes[old],
            boxes[new],
            tuple(names),
            place=ON_ARROWS.get((kind, old, new), 0.5),
        )
        for (old, new), names in inputs.items()
    ]
    columns, rows = (max(place[axis] for place in places.values()) for axis in (0, 1))
    shown = {state.name for state in table} | {new for _, new in inputs}
    return drawn(
        [box for name, box in boxes.items() if name in shown],
        arrows,
        200 + ACROSS * columns,
        60 + DOWN * rows,
        f"The states of {kind}, and what leads from one to the other; the page has it as a table.",
    )


def sandwich() -> str:
    """Draw the library between the program and the network."""
    program = Box(190, 35, "your program", ("acts on events, makes events",), 340)
    library = Box(
        190, 175, "wsproto", ("the protocol: no sockets, no clock, no threads",), 340
    )
    network = Box(
        190, 315, "your transport", ("socket, TLS, event loop, HTTP/2 stream",), 340
    )
    left, right = -90, 90

    def beside(box: Box, shift: float) -> Box:
        return box._replace(x=box.x + shift)

    arrows = [
        Arrow(beside(program, left), beside(library, left), ("send(event)",)),
        Arrow(
            beside(library, left), beside(network, left), ("its return value: bytes",)
        ),
        Arrow(beside(network, right), beside(library, right), ("receive_data(bytes)",)),
        Arrow(beside(library, right), beside(program, right), ("events()",)),
    ]
    return drawn(
        [program, library, network],
        arrows,
        380,
        350,
        "wsproto between a program and its transport",
    )


def imported_by(module: str) -> set[str]:
    """Return the modules of the library that one of them imports."""
    names: set[str] = set()
    for node in ast.walk(
        ast.parse((SOURCE / f"{module}.py").read_text(encoding="utf-8"))
    ):
        if isinstance(node, ast.ImportFrom) and node.level == 1:
            names |= (
                {node.module} if node.module else {alias.name for alias in node.names}
            )
    return names


def architecture() -> str:
    """Draw the groups of modules, and which uses which."""
    group_of = {
        module: group for group, modules in GROUPS.items() for module in modules
    }
    there = {path.stem for path in SOURCE.glob("*.py")} - {"_version"}
    if there != group_of.keys():
        raise SystemExit(
            f"GROUPS and src/wsproto differ in {sorted(there ^ group_of.keys())}"
        )
    uses = {
        (group, group_of[name])
        for module, group in group_of.items()
        for name in imported_by(module) & group_of.keys()
        if group_of[name] != group
    }
    # An arrow that others stand for would only hide them.
    shown = {
        (user, used)
        for user, used in uses
        if not any(
            (user, between) in uses and (between, used) in uses for between in GROUPS
        )
    }
    return _layered(shown)


def _layered(uses: set[tuple[str, str]]) -> str:
    """Draw each group below all those that it uses."""
    rows: dict[str, int] = {}
    for group in GROUPS:
        needs = [used for user, used in uses if user == group]
        if any(used not in rows for used in needs):
            raise SystemExit(f"{group!r} uses a group that stands below it, of {needs}")
        rows[group] = max((rows[used] + 1 for used in needs), default=0)
    boxes: dict[str, Box] = {}
    top = 10.0
    for row in range(max(rows.values()) + 1):
        members = [group for group in GROUPS if rows[group] == row]
        made = [
            Box(
                (number + 0.5) * 640 / len(members),
                0,
                group,
                _lines(GROUPS[group]),
                315,
            )
            for number, group in enumerate(members)
        ]
        height = max(box.height for box in made)
        boxes |= {box.name: box._replace(y=top + height / 2) for box in made}
        top += height + 40
    arrows = [
        Arrow(boxes[user], boxes[used], bend=0 if rows[user] == rows[used] + 1 else -90)
        for user, used in sorted(uses)
    ]
    return drawn(
        [*boxes.values()],
        arrows,
        640,
        top - 30,
        "The groups of modules, and which imports which",
    )


def _lines(names: list[str]) -> tuple[str, ...]:
    lines = [""]
    for name in names:
        if len(lines[-1]) + len(name) > 42:
            lines.append("")
        lines[-1] += f"{name}  "
    return tuple(line.strip() for line in lines)


def pictures() -> dict[str, str]:
    """Return all pictures, by the names of their files."""
    return {
        "sandwich.svg": sandwich(),
        "architecture.svg": architecture(),
        "states-connection.svg": of_states("connection", CONNECTION),
        "states-client.svg": of_states("client", CLIENT_HANDSHAKE),
        "states-server.svg": of_states("server", SERVER_HANDSHAKE),
    }


if __name__ == "__main__":
    for name, picture in pictures().items():
        (HERE / name).write_text(picture, encoding="utf-8")
