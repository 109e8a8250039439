"""What an installation must do: the interpreter of an empty environment runs this file, which knows no other.

    python -I -W error -X dev -bb installed.py compiled|pure

It imports every module, opens a connection between two ends, sends messages both ways, compressed and not,
and closes. Any warning is an error. It prints the names of what is installed, which must be h11 and wsproto.
"""

from __future__ import annotations

import importlib
import importlib.metadata
import pkgutil
import sys

import wsproto
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Message,
    Ping,
    Pong,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate

CORE = "wsproto._core"


def main(core: str) -> None:
    """Do it; `core` is the one that must be in use."""
    wanted = core == "compiled"
    if wsproto.compiled is not wanted:
        sys.exit(f"wsproto.compiled is {wsproto.compiled}, the {core} core should be in use")
    modules = [module.name for module in pkgutil.iter_modules(wsproto.__path__, "wsproto.")]
    if (CORE in modules) is not wanted:
        sys.exit(f"{CORE} is {'missing' if wanted else 'there'}")
    for name in modules:
        importlib.import_module(name)
    for deflate in (False, True):
        converse(deflate=deflate)
    print(*sorted(found.metadata["Name"].lower() for found in importlib.metadata.distributions()))


def converse(*, deflate: bool) -> None:
    """Open a connection, send messages both ways, and close it."""
    client = wsproto.WSConnection(wsproto.ConnectionType.CLIENT)
    server = wsproto.WSConnection(wsproto.ConnectionType.SERVER)
    offered = [PerMessageDeflate()] if deflate else []
    server.receive_data(client.send(Request("example.com", "/chat", extensions=offered)))
    seen: list[object] = [type(event) for event in server.events()]
    client.receive_data(server.send(AcceptConnection(extensions=offered)))
    seen += [type(event) for event in client.events()]
    for sender, receiver in ((client, server), (server, client)):
        for event in (TextMessage("grüße" * 100), BytesMessage(bytes(range(256)) * 300), Ping(b"there?")):
            receiver.receive_data(sender.send(event))
            pieces = list(receiver.events())
            if isinstance(event, Message):
                joined = type(event.data)().join(piece.data for piece in pieces)  # type: ignore[attr-defined]
                assert joined == event.data, pieces  # noqa: S101 - this is a test
            else:
                sender.receive_data(receiver.send(event.response()))
                seen += [*pieces, *sender.events()]
    server.receive_data(client.send(CloseConnection(1000, "bye")))
    seen += server.events()
    client.receive_data(server.send(CloseConnection(1000, "bye")))
    seen += client.events()
    pings = [Ping(b"there?"), Pong(b"there?")] * 2
    closes = [CloseConnection(1000, "bye")] * 2
    if seen != [Request, AcceptConnection, *pings, *closes]:
        sys.exit(f"the events are {seen}")


if __name__ == "__main__":
    main(sys.argv[1])
