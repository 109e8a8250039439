"""Nothing that Python can write into the compiled core makes it read beyond what is there.

A value that no code of the library would write is an error, or harmless. `make asan` shows that the memory
is right, too: so does what these tests do not look at.
"""

from __future__ import annotations

import binascii
import gc
import operator
import sys
import threading
from contextlib import suppress
from importlib import import_module
from importlib.machinery import ExtensionFileLoader, ModuleSpec
from importlib.util import module_from_spec
from itertools import product
from typing import Any

import pytest

from tests.marks import compiled_core, roles
from tests.oracle.deflating import CLIENT, HELLO, SERVER, Deflater, agreed
from tests.oracle.receiving import receive
from tooling import frames as wire
from tooling.cores import load, unload
from wsproto import Connection, ConnectionType, Limits, masking
from wsproto.events import BytesMessage, CloseConnection, Message, Ping, Pong, TextMessage
from wsproto.frame_protocol import FrameDecoder, FrameEncoder

pytestmark = compiled_core

GREATEST = 2**63 - 1
KNOWN = (Message, Ping, Pong, CloseConnection)

#: Where a connection stands when something is written: what it has received of a stream before.
STAGES = {
    "new": b"",
    "in a header": b"\x01",
    "in a frame": b"\x02\x05ab",
    "in a text, within a code point": b"\x01\x05a\xe2\x82",
    "between fragments": b"\x02\x01a",
    "between fragments, within a code point": b"\x01\x01\xc3",
}
REST = b"\xac\x80\x00cde\x80\x02\xa9f\x81\x05Hello\x89\x01p\x82\x7e\x00\x80" + bytes(128)


def decoder_of(connection: Connection) -> Any:
    return connection._decoder


def masked(role: ConnectionType, stream: bytes) -> bytes:
    """Write the same frames with a key of zeros where a server reads them; a rest that is no frame stays."""
    if role is CLIENT:
        return stream
    out = b""
    for frame in wire.leading_frames(stream):
        out += wire.frame(frame.opcode, frame.payload, fin=frame.fin, rsv=frame.rsv, mask=bytes(4))
    return out + stream[len(b"".join(map(written, wire.leading_frames(stream)))) :]


def written(frame: wire.Frame) -> bytes:
    return wire.frame(frame.opcode, frame.payload, fin=frame.fin, rsv=frame.rsv)


def go_on_anyhow(connection: Connection) -> None:
    """Let a connection read on, byte by byte in the end, whatever comes of it."""
    for piece in (REST, b"", *(bytes((byte,)) for byte in REST)):
        with suppress(Exception):
            for event in receive(connection, piece):
                assert isinstance(event, KNOWN)
                assert len(repr(event)) < 2000
    with suppress(Exception):
        connection.receive_data(None)
        list(connection.events())


VALUES: list[tuple[str, Any]] = [
    *product(("remaining",), (-(2**63), -5, -1, 0, 1, 3, 2**31, 2**62, GREATEST)),
    *product(("fragments", "size"), (-(2**63), -1, 0, GREATEST)),
    *product(("in_frame", "fin", "event_due"), (False, True)),
]


@roles
@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize(
    "limits",
    [Limits(), Limits(max_frame_size=100, max_message_size=100, max_fragments=3)],
    ids=["", "limited"],
)
def test_a_message_may_be_told_anything(role: ConnectionType, stage: str, limits: Limits) -> None:
    for deflate, first, second in product((False, True), VALUES, VALUES):
        connection = Connection(role, [agreed()] if deflate else [], limits=limits)
        receive(connection, masked(role, STAGES[stage]))
        message = decoder_of(connection)._message
        for name, value in (first, second):
            setattr(message, name, value)
        go_on_anyhow(connection)


@roles
def test_an_event_may_be_due_of_which_nothing_has_come(role: ConnectionType) -> None:
    connection = Connection(role)
    decoder_of(connection)._message.event_due = True
    assert receive(connection, b"") == []


@roles
@pytest.mark.parametrize("kind", [None, TextMessage, BytesMessage, Ping, 1])
@pytest.mark.parametrize("unfinished", [b"", b"\xe2", b"\xf0\x9f\x98", b"abc"])
def test_a_message_may_go_on_as_any_other(role: ConnectionType, kind: Any, unfinished: bytes) -> None:
    for stage in STAGES.values():
        connection = Connection(role)
        receive(connection, masked(role, stage))
        message = decoder_of(connection)._message
        message.go_on(kind, unfinished)
        assert message.unfinished_code_point == unfinished
        go_on_anyhow(connection)


def test_a_code_point_has_at_most_three_bytes_unfinished() -> None:
    message = decoder_of(Connection(CLIENT))._message
    with pytest.raises(ValueError, match="at most 3 bytes, not 4"):
        message.go_on(TextMessage, b"abcd")
    with pytest.raises(TypeError):
        message.go_on(TextMessage, "abc")
    assert (message.kind, message.unfinished_code_point) == (None, b"")


@roles
@pytest.mark.parametrize("stage", STAGES)
def test_a_place_is_within_what_is_unread(role: ConnectionType, stage: str) -> None:
    connection = Connection(role)
    receive(connection, masked(role, STAGES[stage]))
    decoder = decoder_of(connection)
    size = len(decoder._buffer)
    for position in (-(2**62), -1, decoder._position - 1, size + 1, 2**62):
        for payload in (False, True):
            with pytest.raises(IndexError):
                decoder._go_to(position, payload)
    with pytest.raises(OverflowError):
        decoder._go_to(2**64)
    if role is SERVER:  # there is a masking key before a payload
        for position in range(decoder._position, min(size + 1, decoder._position + 4)):
            with pytest.raises(IndexError):
                decoder._go_to(position, True)
    decoder._go_to(decoder._position)
    go_on_anyhow(connection)


@roles
@pytest.mark.parametrize("stage", STAGES)
def test_a_payload_is_taken_from_what_is_there(role: ConnectionType, stage: str) -> None:
    connection = Connection(role)
    receive(connection, masked(role, STAGES[stage]))
    decoder = decoder_of(connection)
    decoder.receive_bytes(b"abc")
    for most, error in ((-1, ValueError), (-(2**62), ValueError), (2**70, OverflowError), ("1", TypeError)):
        with pytest.raises(error):
            decoder._take_payload(most)
    decoder._message.remaining = -1
    with pytest.raises(ValueError, match="must not be negative"):
        decoder._take_payload()
    decoder._message.remaining = GREATEST
    assert len(decoder._take_payload(2)) <= 2
    assert len(decoder._take_payload()) <= len(STAGES[stage]) + 3
    assert decoder._take_payload() == b""
    go_on_anyhow(connection)


@pytest.mark.parametrize(
    "name", ["client", "_buffer", "_position", "_mask", "_pending", "_message", "drained"]
)
def test_what_a_reader_reads_by_cannot_be_written(name: str) -> None:
    decoder: Any = FrameDecoder(True)
    with pytest.raises((AttributeError, TypeError)):
        setattr(decoder, name, 1)
    with pytest.raises((AttributeError, TypeError)):
        delattr(decoder, name)


@pytest.mark.parametrize("name", ["kind", "unfinished_code_point"])
def test_nor_can_what_is_known_of_a_message(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(decoder_of(Connection(CLIENT))._message, name, b"abcdef")


@roles
@pytest.mark.parametrize("opcode", [1, 2, 3, 8, 200, 255])
def test_a_writer_may_be_told_any_opcode(role: ConnectionType, opcode: int) -> None:
    encoder: Any = FrameEncoder(role is CLIENT)
    encoder._opcode = opcode
    assert encoder.message_begun
    for event in (TextMessage("a"), BytesMessage(b"a", message_finished=False), Ping(b"p"), TextMessage("b")):
        with suppress(Exception):
            assert isinstance(encoder.send(event), bytes)


@pytest.mark.parametrize("name", ["client", "_plain", "message_begun"])
def test_the_role_of_a_writer_cannot_be_written(name: str) -> None:
    with pytest.raises(AttributeError):
        setattr(FrameEncoder(True), name, False)


class Direct:
    """What says that it inflates, and does something else."""

    def __init__(self, direct: Any) -> None:
        self.direct = direct


class Meddling:
    """What reads the connection on when it is asked."""

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    @property
    def direct(self) -> Any:
        decoder_of(self.connection)._end_reading()
        return b"".join


@roles
@pytest.mark.parametrize(
    "direct", [None, 1, len, b"".join, [].append, "".join, print, bytes.join, binascii.b2a_qp]
)
def test_what_inflates_may_be_anything(role: ConnectionType, direct: Any) -> None:
    connection = Connection(role, [agreed()])
    decoder_of(connection)._inflater = Direct(direct)
    with suppress(Exception):
        receive(connection, wire.peer_frame(role is CLIENT, wire.TEXT, HELLO, rsv=wire.RSV1))
    decoder_of(connection)._inflater = direct
    with suppress(Exception):
        receive(connection, wire.peer_frame(role is CLIENT, wire.TEXT, HELLO, rsv=wire.RSV1))
    go_on_anyhow(connection)


@roles
def test_what_inflates_to_no_bytes_is_an_error(role: ConnectionType) -> None:
    connection = Connection(role, [agreed()])
    decoder_of(connection)._inflater = Direct(operator.is_)
    connection.receive_data(wire.peer_frame(role is CLIENT, wire.TEXT, HELLO, rsv=wire.RSV1))
    iterator = connection.events()
    with pytest.raises(TypeError, match="has to return bytes, not False"):
        next(iterator)


@roles
def test_what_inflates_has_to_say_whether_it_is_at_its_end(role: ConnectionType) -> None:
    connection = Connection(role, [agreed()])
    decoder_of(connection)._inflater = Direct({HELLO + b"\x00\x00\xff\xff": b"Hello"}.get)
    connection.receive_data(wire.peer_frame(role is CLIENT, wire.TEXT, HELLO, rsv=wire.RSV1))
    with pytest.raises(AttributeError, match="eof"):
        list(connection.events())


@roles
def test_what_inflates_may_read_on_meanwhile(role: ConnectionType) -> None:
    """Found by reading: the payload was unmasked from where it had been, beyond a shorter buffer."""
    connection = Connection(role, [agreed()])
    decoder_of(connection)._inflater = Meddling(connection)
    connection.receive_data(wire.peer_frame(role is CLIENT, wire.TEXT, HELLO * 1000, rsv=wire.RSV1))
    with pytest.raises(RuntimeError, match="read elsewhere"):
        list(connection.events())


# Objects that are not made as usual ---------------------------------------------------------------


def bare(kind: Any) -> Any:
    return kind.__new__(kind)


@pytest.mark.parametrize("kind", [FrameDecoder, FrameDecoder.__mro__[1]])
def test_a_reader_without_its_init_reads_nothing(kind: Any) -> None:
    decoder = bare(kind)
    decoder.receive_bytes(b"\x81\x00")
    decoder.receive_bytes(b"\x81\x00")
    decoder.receive_eof()
    with pytest.raises(TypeError, match="__init__"):
        decoder.events()
    with pytest.raises(ValueError, match="must not be negative"):
        decoder._take_payload()
    decoder._go_to(0)
    with pytest.raises(AttributeError):
        _ = decoder._message
    decoder._end_reading()
    assert decoder.drained


def test_a_message_without_its_init_knows_nothing() -> None:
    connection = Connection(CLIENT)
    message = bare(type(decoder_of(connection)._message).__mro__[1])
    assert (message.kind, message.unfinished_code_point, message.remaining) == (None, b"", 0)
    decoder = bare(FrameDecoder)
    reader: Any = FrameDecoder.__mro__[1]
    reader.__init__(decoder, True, message)
    decoder.receive_bytes(b"\x81\x01a\x82\x03abc")
    with suppress(Exception):
        list(decoder.events())


def test_a_reader_wants_a_message() -> None:
    reader: Any = FrameDecoder.__mro__[1]
    for arguments in ((), (True,), (True, None), (True, object()), (True, reader)):
        with pytest.raises(TypeError):
            reader(*arguments)


def test_a_writer_without_its_init_writes_as_a_server_or_not_at_all() -> None:
    encoder = bare(FrameEncoder)
    with suppress(AttributeError):
        encoder.send(Ping(b"p"))
    assert encoder._frame(0x89, b"p") == b"\x89\x01p"
    with pytest.raises(OverflowError):
        encoder._frame(256, b"p")
    with pytest.raises(TypeError):
        encoder._frame(1, "p")


def test_a_connection_without_its_init_is_none() -> None:
    connection = bare(Connection)
    for call in (
        lambda: connection.send(Ping(b"p")),
        lambda: connection.receive_data(b"\x81\x00"),
        lambda: list(connection.events()),
    ):
        with pytest.raises(AttributeError):
            call()


def test_an_event_without_its_init_has_no_fields() -> None:
    for kind in (TextMessage, BytesMessage, Ping, Pong):
        event = bare(kind)
        with pytest.raises(AttributeError):
            Connection(CLIENT).send(event)
        with pytest.raises(AttributeError):
            _ = event.payload if isinstance(event, (Ping, Pong)) else event.data
    with pytest.raises(AttributeError):
        bare(Ping).response()


def test_an_iterator_is_made_by_a_reader_alone() -> None:
    kind: Any = type(Connection(CLIENT).events())
    with pytest.raises(TypeError):
        kind()


@pytest.mark.parametrize("name", ["_decoder", "_encoder", "_state", "_eof", "_waiting"])
def test_a_connection_may_lose_any_part(name: str) -> None:
    connection: Any = Connection(SERVER)
    iterator = connection.events()
    with suppress(AttributeError, TypeError):
        delattr(connection, name)
    for call in (
        lambda: connection.send(Ping(b"p")),
        lambda: connection.receive_data(b"\x89\x80\x00\x00\x00\x00"),
        lambda: list(connection.events()),
        lambda: list(iterator),
    ):
        with suppress(AttributeError):
            call()


@pytest.mark.parametrize(
    "other", [None, 1, b"", object(), Connection(CLIENT)], ids=lambda one: type(one).__name__
)
@pytest.mark.parametrize("name", ["_decoder", "_encoder", "_state", "_waiting"])
def test_or_get_a_foreign_one(name: str, other: object) -> None:
    connection: Any = Connection(SERVER)
    setattr(connection, name, other)
    for call in (
        lambda: connection.send(Ping(b"p")),
        lambda: connection.receive_data(b"\x89\x80\x00\x00\x00\x00"),
        lambda: list(connection.events()),
    ):
        with suppress(Exception):
            call()


def test_two_connections_may_share_a_codec() -> None:
    one, other = Connection(CLIENT), Connection(CLIENT)
    shared: Any = one
    shared._decoder, shared._encoder = decoder_of(other), other._encoder
    one.receive_data(b"\x81\x01a")
    assert list(other.events()) == [TextMessage("a")]
    assert one.send(Ping(b"p"))[:2] == b"\x89\x81"


@pytest.mark.parametrize(
    "arguments",
    [
        (b"abc", -1, 2, bytes(4)),
        (b"abc", 2, 1, bytes(4)),
        (b"abc", 0, 4, bytes(4)),
        (b"abc", 0, 2**62, bytes(4)),
        (b"abc", 0, 3, bytes(3)),
        (b"abc", 0, 3, bytes(5)),
    ],
)
def test_masking_takes_a_part_of_its_data(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(ValueError, match="a part of its data"):
        masking.masked(*arguments)
    assert masking.masked(b"abc", 0, 3, b"\1\2\3\4") == b"```", "all of it"


@pytest.mark.parametrize(
    "hold",
    [
        lambda kind, event: kind(event),
        lambda kind, event: kind("a", event),
        lambda kind, event: kind("a", True, event),
        lambda kind, event: kind("a", message_finished=event),
    ],
)
def test_events_may_hold_each_other_to_any_depth(hold: Any) -> None:
    """Letting go of the last one lets go of all.

    The stack is too short to free all of them one within the other, and long enough for 10,000, which CPython
    3.13 frees so, whether they are lists or events.

    Found by reading: an event whose data refers to nothing held others by its second field.
    """

    def work() -> None:
        for kind in kinds:
            event: Any = b""
            for _ in range(50_000):
                event = hold(kind, event)
            del event
        done.append(True)

    kinds = [TextMessage, TextMessage.__mro__[2]]
    if hold(TextMessage, b"").data == b"":
        kinds += [Ping, Ping.__mro__[2]]
    done: list[bool] = []
    usual = threading.stack_size(1024 * 1024)
    try:
        thread = threading.Thread(target=work)
        thread.start()
    finally:
        threading.stack_size(usual)
    thread.join()
    assert done


#: To be called as the type checkers would not permit it.
ANY: dict[str, Any] = {
    **{
        kind.__name__: kind
        for kind in (TextMessage, BytesMessage, Ping, FrameDecoder, FrameEncoder, Connection)
    },
    "masked": masking.masked,
}


@pytest.mark.parametrize(
    "call",
    [
        ANY["TextMessage"],
        lambda: ANY["TextMessage"]("a", True, True, True),
        lambda: ANY["BytesMessage"](b"a", finished=True),
        lambda: ANY["Ping"](b"a", b"b"),
        lambda: ANY["Ping"](data=b"a"),
        lambda: ANY["FrameDecoder"](True).events(None, None),
        lambda: ANY["FrameDecoder"](True)._go_to(),
        lambda: ANY["FrameDecoder"](True)._take_payload(1, 2),
        decoder_of(Connection(CLIENT))._message.go_on,
        lambda: type(decoder_of(Connection(CLIENT))._message).__mro__[1](()),
        lambda: ANY["FrameEncoder"].__mro__[1](True),
        lambda: ANY["FrameEncoder"](True)._frame(1),
        lambda: ANY["Ping"](b"a")._as(1),
        Connection(CLIENT).send,
        lambda: ANY["Connection"](CLIENT).receive_data(b"", b""),
        lambda: ANY["Connection"](CLIENT).send(data=Ping()),
        lambda: decoder_of(Connection(CLIENT))._message.count_frame("1"),
        lambda: ANY["FrameDecoder"](True).events(until=1),
        lambda: ANY["masked"](b"abc", 0, 3),
        lambda: ANY["masked"]("abc", 0, 3, bytes(4)),
    ],
)
def test_wrong_arguments_are_a_type_error(call: Any) -> None:
    with pytest.raises(TypeError):
        call()


def test_masking_behind_a_header() -> None:
    assert masking.masked(b"abc", 1, 3, b"\1\2\3\4", b"head") == b"head" + bytes((ord("b") ^ 1, ord("c") ^ 2))


@roles
def test_a_compressed_text_that_is_wrong_is_gone_on_with_by_python(role: ConnectionType) -> None:
    """zlib has it already: it must not be inflated a second time."""
    connection = Connection(role, [agreed()])
    deflater = Deflater()
    for text in (b"Hello", b"ab\xff"):
        payload = deflater.message(text)
        events = receive(connection, wire.peer_frame(role is CLIENT, wire.TEXT, payload, rsv=wire.RSV1))
    assert [getattr(event, "data", None) for event in events] == ["ab", None]
    assert isinstance(events[-1], CloseConnection)
    assert events[-1].code == 1007


def core_named(name: str) -> None:
    """Load the compiled core once more, as a module of this name."""
    origin = import_module("wsproto._core").__file__
    assert origin is not None
    spec = ModuleSpec(name, ExtensionFileLoader(name, origin), origin=origin)
    spec.loader.exec_module(module_from_spec(spec))  # type: ignore[union-attr]


@pytest.mark.parametrize("name", ["_core", f"{'n' * 63}._core", f"{'n' * 64}._core"])
def test_the_module_belongs_to_a_package_of_a_short_name(name: str) -> None:
    """Else it would find none of the classes that it makes events of."""
    core_named(f"{'n' * 62}._core")
    with pytest.raises(ImportError, match="is not a module of a package"):
        core_named(name)


def test_a_core_that_does_not_find_what_it_looks_for_leaves_nothing_behind() -> None:
    """It looks again each time."""
    copy: Any = load("wsproto_lacking", pure=False)
    blocks: list[int] = []
    try:
        del copy.utilities.as_bytes
        with pytest.raises(AttributeError, match="as_bytes"):
            copy.frame_writer.FrameWriter(True, True)
        counts = []
        for _ in range(2):
            for _ in range(100):
                with suppress(AttributeError):
                    copy.frame_writer.FrameWriter(True, True)
            gc.collect()
            counts.append((sys.getrefcount(copy.events), sys.getrefcount(copy.events.Ping)))
            blocks.append(sys.getallocatedblocks())
        assert counts[0] == counts[1]
        assert blocks[1] - blocks[0] < 500  # a name that is lost each time would be a thousand
    finally:
        unload("wsproto_lacking")


def test_a_core_takes_the_classes_that_it_finds_where_they_fit() -> None:
    """It looks for them when the first connection is made."""
    copy: Any = load("wsproto_changed", pure=False)
    try:
        text_message, as_bytes = copy.events.TextMessage, copy.utilities.as_bytes
        copy.events.TextMessage = int
        with pytest.raises(TypeError, match=r"events\.TextMessage is not a subclass of"):
            copy.Connection(copy.ConnectionType.CLIENT)
        copy.events.TextMessage = text_message
        copy.utilities.as_bytes = lambda *_: 1
        let_go: list[object] = []
        copy.events.Pong.__del__ = lambda _: let_go.append(None)
        connection = copy.Connection(copy.ConnectionType.CLIENT)
        with pytest.raises(TypeError, match=r"as_bytes\(\) has to return bytes"):
            connection.receive_data(bytearray(b"\x81\x01a"))
        connection.receive_data(b"\x81\x01a\x8a\x00")
        assert [type(event).__name__ for event in connection.events()] == ["TextMessage", "Pong"]
        assert len(let_go) == 1
        copy.utilities.as_bytes = as_bytes
    finally:
        unload("wsproto_changed")
