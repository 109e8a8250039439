"""Section H: WebSockets over HTTP/2 and HTTP/3 (RFC 8441, RFC 9220), by cases of the harness's own.

The cases are data (`case`, `steps`, `expectations`), in the tables `requests`, `tunnels` and `clients`; one
`player` plays them, over a wire for each transport, which sends whatever a case says. What needs the packages
of HTTP/2 or HTTP/3 is imported when a case is played, not here.
"""

from __future__ import annotations

from harness.streams.case import Case
from harness.streams.clients import ENDINGS as ENDINGS_OF_CLIENTS
from harness.streams.clients import REQUESTS, RESPONSES
from harness.streams.flows import FLOWS
from harness.streams.requests import FIELDS, HANDSHAKE, PSEUDO, ROUTING, SETTING, Group
from harness.streams.tunnels import ENDINGS, TUNNELS

_GROUPS: dict[str, tuple[str, Group]] = {
    "H.1": ("Setting", SETTING),
    "H.2": ("Routing", ROUTING),
    "H.3": ("Pseudo-headers", PSEUDO),
    "H.4": ("Fields", FIELDS),
    "H.5": ("Handshake", HANDSHAKE),
    "H.6": ("Tunnel", TUNNELS),
    "H.7": ("Ending", ENDINGS),
    "H.8": ("Flow control and connections", FLOWS),
    "H.9": ("Client's request", REQUESTS),
    "H.10": ("Client and responses", RESPONSES),
    "H.11": ("Client's ending", ENDINGS_OF_CLIENTS),
}

GROUPS = {group: title for group, (title, _) in _GROUPS.items()}
"""The title of each group."""

STREAMS: dict[str, Case] = {}
"""Every case, by name: `H.3.1`, and `H.3.4.1` where several share a number."""

SHARED: dict[str, str] = {}
"""The titles of numbers that several cases share."""

for _group, (_, _cases) in _GROUPS.items():
    for _number, _case in enumerate(_cases, 1):
        _name = f"{_group}.{_number}"
        if isinstance(_case, Case):
            STREAMS[_name] = _case
        else:
            STREAMS.update({f"{_name}.{_place}": _one for _place, _one in enumerate(_case, 1)})
            SHARED[_name] = " / ".join(_one.title for _one in _case[:2]) + (" ..." if len(_case) > 2 else "")
