"""The seam between a connection and its codec: a connection uses what `codec.py` states, and nothing else."""

from __future__ import annotations

import inspect
from typing import TYPE_CHECKING, Any

import pytest

import wsproto.connection
from tests.marks import roles
from tooling import frames as wire
from wsproto import Connection, ConnectionType
from wsproto.codec import Decoder, Encoder, frame_codec
from wsproto.events import CloseConnection, Ping, Pong, TextMessage
from wsproto.frame_protocol import FrameProtocol

if TYPE_CHECKING:
    from collections.abc import Sequence

    from wsproto.extensions import Extension
    from wsproto.limits import Limits


def public(kind: type) -> set[str]:
    return {name for name in vars(kind) if not name.startswith("_")}


class Only:
    """An object of which nothing can be had but what a contract names."""

    def __init__(self, behind: object, contract: type, used: set[str]) -> None:
        self._behind, self._names, self._used = behind, public(contract), used

    def __getattr__(self, name: str) -> Any:
        if name not in self._names:
            raise AttributeError(f"the contract has no {name}")
        self._used.add(name)
        return getattr(self._behind, name)


@roles
def test_a_connection_uses_all_of_the_contract_and_nothing_else(
    role: ConnectionType, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: set[str] = set()

    def narrowed(
        extensions: Sequence[Extension], limits: Limits | None, *, client: bool
    ) -> tuple[Only, Only]:
        decoder, encoder = frame_codec(extensions, limits, client=client)
        return Only(decoder, Decoder, used), Only(encoder, Encoder, used)

    monkeypatch.setattr(wsproto.connection, "frame_codec", narrowed)
    connection = Connection(role)
    client = role is ConnectionType.CLIENT
    connection.receive_data(
        wire.peer_frame(client, wire.TEXT, b"a") + wire.peer_frame(client, wire.PING, b"p")
    )
    assert list(connection.events()) == [TextMessage("a"), Ping(b"p")]
    connection.send(Pong(b"p"))
    assert connection.can_send(TextMessage)
    connection.send_parts(TextMessage("a"))
    connection.send(CloseConnection(1000))
    connection.receive_data(None)
    assert list(connection.events()) == [CloseConnection(1006)]
    assert used == public(Decoder) | public(Encoder)


@pytest.mark.parametrize("kind", [Decoder, Encoder, FrameProtocol])
def test_everything_public_explains_itself(kind: type) -> None:
    """`help()` shows what each takes and does."""
    for name in public(kind) - {"client", "extensions"}:
        member = inspect.getattr_static(kind, name)
        assert inspect.getdoc(member), name
        if inspect.isfunction(member):
            signature = inspect.signature(member)
            assert signature.return_annotation is not signature.empty, name
            assert all(
                parameter.annotation is not parameter.empty
                for parameter in list(signature.parameters.values())[1:]
            ), name


def test_a_frame_protocol_has_plain_methods() -> None:
    protocol = FrameProtocol(True, [])
    for name in ("receive_bytes", "received_frames", "send_data", "ping", "pong", "close"):
        assert inspect.ismethod(getattr(protocol, name))
