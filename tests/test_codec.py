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
from wsproto.extensions import Extension
from wsproto.frame_protocol import FrameProtocol, Opcode, ParseFailed, RsvBits
from wsproto.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence


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


class Seen(Extension):
    """Notes what its hooks get, the side first, and takes RSV3 for its own."""

    name = "seen"

    def __init__(self) -> None:
        self.log: list[tuple[Any, ...]] = []

    def frame_inbound_header(self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int) -> RsvBits:
        self.log.append((proto.client, opcode, rsv, payload_length))
        return RSV3

    def frame_outbound(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
    ) -> tuple[RsvBits, bytes]:
        self.log.append((proto.client, opcode, rsv, fin))
        return RSV3, data


RSV3 = RsvBits(False, False, True)


@roles
def test_a_codec_has_its_extensions_on_its_side(role: ConnectionType) -> None:
    seen, client = Seen(), role is ConnectionType.CLIENT
    decoder, encoder = frame_codec([seen], None, client=client)
    decoder.receive_bytes(wire.peer_frame(client, wire.TEXT, b"a", rsv=wire.RSV3))
    assert list(decoder.events()) == [TextMessage("a")]
    assert encoder.send(Ping())[0] == 0x80 | 0x10 | wire.PING
    none = RsvBits(False, False, False)
    assert seen.log == [(client, Opcode.TEXT, RSV3, 1), (client, Opcode.PING, none, True)]


@roles
def test_a_codec_has_its_limits(role: ConnectionType) -> None:
    client = role is ConnectionType.CLIENT
    decoder, _ = frame_codec([], Limits(max_frame_size=1), client=client)
    decoder.receive_bytes(wire.peer_frame(client, wire.TEXT, b"ab"))
    with pytest.raises(ParseFailed, match="limit 1"):
        list(decoder.events())


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
