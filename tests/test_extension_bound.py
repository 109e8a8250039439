"""An extension bound to a connection: a subclass of PerMessageDeflate keeps its hooks and its own state."""

from __future__ import annotations

from typing import Any

import pytest

from tests.oracle.deflating import (
    HELLO,
    HELLO_AGAIN,
    ROLES,
    accepting_server,
    compressed_text,
    header_values,
    requesting_client,
)
from tests.oracle.receiving import receive_cut, single_bytes
from tooling import frames as wire
from wsproto import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, TextMessage
from wsproto.extension import Extension, HookState
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import CloseReason, Opcode, RsvBits


class Counting(PerMessageDeflate):
    """Adds up how much was inflated, and refuses more than its bound."""

    def __init__(self, bound: int, sizes: list[int]) -> None:
        super().__init__()
        self.bound = bound
        self.sizes = sizes

    def frame_inbound_payload_data(self, proto: Any, data: bytes) -> bytes | CloseReason:
        result = super().frame_inbound_payload_data(proto, data)
        if not isinstance(result, CloseReason):
            self.sizes.append(len(result))
            if sum(self.sizes) > self.bound:
                return CloseReason.MESSAGE_TOO_BIG
        return result

    def frame_inbound_complete(self, proto: Any, fin: bool) -> bytes | CloseReason | None:
        result = super().frame_inbound_complete(proto, fin)
        if isinstance(result, bytes):
            self.sizes.append(len(result))
            if sum(self.sizes) > self.bound:
                return CloseReason.MESSAGE_TOO_BIG
        return result


@pytest.mark.parametrize("cut", [False, True], ids=["whole", "byte by byte"])
@pytest.mark.parametrize(("bound", "good"), [(5, True), (4, False)])
def test_a_subclass_sees_what_was_inflated(cut: bool, bound: int, good: bool) -> None:
    sizes: list[int] = []
    server, _ = accepting_server(["permessage-deflate"], [Counting(bound, sizes)])
    stream = compressed_text(server, HELLO)
    *_, event = receive_cut(server, single_bytes(stream) if cut else [stream])
    if good:
        assert sum(sizes) == 5
        assert server.protocol_error is None
    else:
        assert isinstance(event, CloseConnection)
        assert event.code == 1009


@pytest.mark.zlib_output
@pytest.mark.parametrize("role", ROLES)
def test_a_subclass_may_leave_messages_uncompressed(role: ConnectionType) -> None:
    class TextOnly(PerMessageDeflate):
        def frame_outbound(
            self, proto: Any, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
        ) -> tuple[RsvBits, bytes]:
            if opcode is Opcode.BINARY:
                return rsv, data
            return super().frame_outbound(proto, opcode, rsv, data, fin)

    extension = TextOnly()
    extension.finalize("permessage-deflate")
    connection = Connection(role, [extension])
    frames = [
        wire.decode_frame(connection.send(event))
        for event in (TextMessage("Hello"), BytesMessage(b"Hello"), TextMessage("Hello"))
    ]
    assert [(frame.rsv, frame.payload) for frame in frames] == [
        (wire.RSV1, HELLO),
        (0, b"Hello"),
        (wire.RSV1, HELLO_AGAIN),
    ]


def test_a_subclass_may_bring_its_own_offer() -> None:
    class Plain(PerMessageDeflate):
        def offer(self) -> str:
            return "client_max_window_bits"

    _, request = requesting_client([Plain()])
    offer = "permessage-deflate; client_max_window_bits"
    assert header_values(request, "Sec-WebSocket-Extensions") == [offer]


def test_what_a_state_says_where_nobody_has_set_it() -> None:
    state = HookState()
    assert (state.client, state.pending) == (False, False)
    assert (state.room, state.unit, state.rest_size) == (2**20, 0, 0)


def test_an_extension_changes_nothing_by_itself() -> None:
    extension, none = Extension(), RsvBits(False, False, False)
    assert extension.frame_inbound_header(HookState(), Opcode.TEXT, none, 1) == none
    assert extension.frame_inbound_payload_data(HookState(), b"a") == b"a"
    assert extension.frame_inbound_complete(HookState(), True) is None
    assert extension.frame_outbound(HookState(), Opcode.TEXT, none, b"a", True) == (none, b"a")
