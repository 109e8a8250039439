"""Extensions of a program's own on a connection: they see every frame, and judge every reserved bit."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracle.deflating import ROLES, from_peer, joined
from tests.oracle.receiving import receive
from tooling import frames as wire
from wsproto import Connection, ConnectionType
from wsproto.events import CloseConnection, Ping
from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, Opcode, RsvBits

RSV2 = RsvBits(False, True, False)


class ClaimsRsv2(Extension):
    """Gives RSV2 a meaning, and notes each frame."""

    name = "x-rsv2"

    def __init__(self) -> None:
        self.seen: list[tuple[Opcode, RsvBits, int, bool]] = []

    def enabled(self) -> bool:
        return True

    def frame_inbound_header(
        self, proto: Any, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        self.seen.append((opcode, rsv, payload_length, proto.client))
        return RSV2


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("size", [0, 5, 125, 126, 65_536])
def test_an_extension_that_claims_rsv2_alone_sees_every_frame(role: ConnectionType, size: int) -> None:
    extension = ClaimsRsv2()
    connection = Connection(role, [extension])
    stream = (
        from_peer(connection, wire.BINARY, bytes(size), rsv=wire.RSV2)
        + from_peer(connection, wire.BINARY, bytes(size))
        + from_peer(connection, wire.PING, b"p")
    )
    assert joined(receive(connection, stream)) == [bytes(size), bytes(size), Ping(b"p")]
    client = role is ConnectionType.CLIENT
    none = RsvBits(False, False, False)
    assert extension.seen == [
        (Opcode.BINARY, RSV2, size, client),
        (Opcode.BINARY, none, size, client),
        (Opcode.PING, none, 1, client),
    ]


@pytest.mark.requirement("R6455-5.2-03")
@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize("rsv", [wire.RSV1, wire.RSV1 | wire.RSV2, wire.RSV3])
@pytest.mark.parametrize("size", [0, 5, 126])
def test_a_bit_that_it_does_not_claim_fails(role: ConnectionType, rsv: int, size: int) -> None:
    """RFC 6455 5.2: it claims RSV2, so RSV1 has no meaning, whatever the size of the frame."""
    connection = Connection(role, [ClaimsRsv2()])
    [close] = receive(connection, from_peer(connection, wire.BINARY, bytes(size), rsv=rsv))
    assert isinstance(close, CloseConnection)
    assert close.code == 1002
