"""This library against `websockets`, in both roles, and against itself."""

from __future__ import annotations

from downstream_exchange import Abilities, Exchange, run_check
from downstream_peers import own_client, own_server, websockets_client, websockets_server

run_check(
    "websockets",
    [
        Exchange(own_client, websockets_server, Abilities()),
        Exchange(websockets_client, own_server, Abilities()),
        Exchange(own_client, own_server, Abilities()),
    ],
)
