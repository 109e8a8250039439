"""The compiled core gives back what it takes: over many streams, and where there is no memory left."""

from __future__ import annotations

import gc
import os
import subprocess
import sys
import weakref
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

import wsproto
from tests.marks import compiled_core
from tests.oracle.deflating import Deflater
from tests.oracle.two_cores import CALLS, EXTENSIONS, Player, Setting, copies
from tooling import frames as wire
from tooling.mutation import cut
from wsproto import Connection, ConnectionType
from wsproto.events import BytesMessage, Ping, Pong, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.frame_protocol import FrameDecoder

if TYPE_CHECKING:
    from wsproto.events import Event

pytestmark = compiled_core

STREAMS = 200
PASSES = 6
GOOD = (
    *((wire.TEXT, payload) for payload in (b"", b"a", b"\xc3\xa9" * 30)),
    *((wire.BINARY, bytes(size)) for size in (0, 125, 126, 70_000)),
    *((wire.PING, b"p"), (wire.PONG, b"")),
)
PAYLOADS = (b"", b"a", b"\xc3\xa9" * 30, b"ab\xff", b"\xe2\x82", bytes(125), bytes(126), bytes(70_000))


def one_stream(random: Random, *, client: bool, deflates: bool) -> bytes:
    """Return up to five frames that are right, messages among them, and then some of which few are."""
    frames = b""
    for opcode, payload in random.choices(GOOD, k=random.randrange(6)):
        compressed = deflates and opcode < wire.CLOSE and random.random() < 0.7
        sent = Deflater().message(payload) if compressed else payload
        frames += wire.peer_frame(client, opcode, sent, rsv=wire.RSV1 if compressed else 0)
    for _ in range(random.randrange(1, 8)):
        payload = random.choice(PAYLOADS)
        opcode = random.choice((0, 1, 1, 2, 2, 8, 9, 10, 11))
        rsv = 0
        if random.random() < 0.3:
            payload, rsv = Deflater().message(payload), random.choice((wire.RSV1, wire.RSV1, 7))
        if opcode >= wire.CLOSE:
            payload = payload[:125]
        fin = random.random() < 0.7 or opcode >= wire.CLOSE
        frames += wire.peer_frame(client, opcode, payload, fin=fin, rsv=rsv)
    return frames[: random.randrange(len(frames))] if random.random() < 0.3 else frames


def one_pass() -> int:
    """Play all streams, and return how many blocks are allocated then."""
    random = Random(6455)
    for number in range(STREAMS):
        client = number % 2 == 0
        limits = {"max_message_size": 100} if number % 5 == 0 else {}
        extension = EXTENSIONS[number % len(EXTENSIONS)]
        setting = Setting(
            client,
            extension,
            limits,
            codec_alone=number % 7 == 0,
            sends_for_keys=number % 3 == 0,
        )
        player = Player(copies()[1], setting)
        stream = one_stream(random, client=client, deflates=extension.startswith("deflate"))
        for piece in cut(stream, random.randrange(256)):
            player.receive(piece)
            random.choice(CALLS)[1](player)
        player.take(None)
    gc.collect()
    return sys.getallocatedblocks()


def test_passes_over_the_same_streams_leave_nothing_behind() -> None:
    blocks = [one_pass() for _ in range(PASSES)]
    # A leak adds to each pass. Some passes grow without one: pytest's threads allocate, and so does
    # CPython 3.10 for code that has run often.
    assert min(later - earlier for earlier, later in pairwise(blocks)) <= 3, blocks


NO_MEMORY = """
import gc, sys, faulthandler
faulthandler.enable()
sys.path.insert(0, sys.argv[1])
sys.path.insert(1, sys.argv[2])
import _testcapi
import wsproto.masking
from wsproto import Connection, ConnectionType
from wsproto.events import *
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import LocalProtocolError

def deflating():
    extension = PerMessageDeflate()
    extension.finalize("permessage-deflate")
    return [extension]

CLIENT = ConnectionType.CLIENT
text = TextMessage("h\\u00e9" * 100)
message = TextMessage("Hello")
hello = bytes.fromhex("c107f248cdc9c90700")
long = b"\\x82\\x7e\\x01\\x00" + bytes(256)
failed = done = 0

def tried(make, work):
    global failed, done
    for at in range(40):
        made = make()
        try:
            try:
                _testcapi.set_nomemory(at, at + 1)
                work(made)
            finally:
                _testcapi.remove_mem_hooks()
        except MemoryError:
            failed += 1
        except SystemError as error:  # of Python's own calls of functions; no such error is the core's
            place = error.__traceback__
            while place.tb_next:
                place = place.tb_next
            assert place.tb_frame.f_code.co_filename.endswith(".py"), error
            failed += 1
        else:
            done += 1
        try:  # what is left of it may be read, used and let go of
            list(made.events())
            made.send(message)
        except (MemoryError, LocalProtocolError):
            pass

def received(*pieces, extensions=list):
    def make():
        connection = Connection(CLIENT, extensions())
        connection.receive_data(hello if extensions is deflating else b"\\x89\\x01p")
        for event in connection.events():
            pass
        for piece in pieces:
            connection.receive_data(piece)
        return connection
    return make

def drain(connection):
    for event in connection.events():
        pass

def called_wrongly(connection, arguments=(None,) * 30):  # a tuple too long for CPython's free lists
    try:
        TextMessage(*arguments)
    except TypeError:
        pass

def try_all():
    tried(received(), lambda one: one.send(text))
    tried(received(), lambda one: one.send(message))
    tried(received(), lambda one: one.send(Ping(b"p")))
    tried(received(), lambda one: one.receive_data(b"\\x81"))
    tried(received(b"\\x81"), lambda one: one.receive_data(b"\\x01a"))
    tried(received(b"\\x89\\x01p"), drain)
    tried(received(b"\\x89\\x01p"), lambda one: (one.events(), one.events()))  # one has spare memory
    tried(received(b"\\x81\\x05Hello\\x01\\x03a\\xe2\\x82\\x80\\x01\\xac"), drain)
    tried(received(b"\\x01\\x03a\\xe2", b"\\x82\\x80\\x01", b"\\xac"), drain)
    tried(received(long[:100], long[100:]), drain)
    tried(received(b"\\x82\\x7e", b"\\x00\\x7e" + bytes(126)), lambda one: next(one.events()))
    tried(received(b"\\x81\\x02a\\xff"), drain)
    tried(received(b"\\x88\\x02\\x03\\xe8"), drain)
    tried(received(hello, extensions=deflating), drain)
    tried(received(b"\\xc1\\x01\\xff", extensions=deflating), drain)
    tried(lambda: Connection(CLIENT), lambda one: TextMessage("a", message_finished=False))
    tried(lambda: Connection(CLIENT), called_wrongly)
    tried(lambda: Connection(CLIENT), lambda one: Ping(payload=b"a").response())
    tried(lambda: Connection(CLIENT), lambda one: [TextMessage("a", True, True) for _ in range(3)])

blocks = []
for _ in range(6):
    try_all()
    [TextMessage("a", message_finished=False) for _ in range(1000)].clear()  # their memory alone is kept
    gc.collect()
    blocks.append(sys.getallocatedblocks() - len(blocks))
if sys.version_info < (3, 12):  # 3.12.1 and 3.13.0 crash by themselves, in dataclasses.fields; 3.11 leaks
    tried(lambda: Connection(CLIENT), lambda one: Connection(CLIENT))
least = min(later - earlier for earlier, later in zip(blocks, blocks[1:]))
print(failed > 50 and done > 50, least <= 0)  # a leak adds to each pass
"""


def test_no_memory_is_an_error_that_leaves_nothing_behind() -> None:
    """Each allocation in turn fails; in a process of its own, which a fault would end."""
    pytest.importorskip("_testcapi", reason="this Python has no _testcapi, which lets allocations fail")
    folders = [str(Path(wsproto.__file__).parents[1]), str(Path(__file__).parents[1])]
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", NO_MEMORY, *folders], capture_output=True, text=True, check=False
    )
    assert (done.returncode, done.stdout.strip()) == (0, "True True"), done.stderr[-3000:]


# What an event leaves --------------------------------------------------------------------------------


def events_of(connection: Connection) -> list[Event]:
    """Four events, of each class that the core makes; then what they left may serve the next ones."""
    connection.receive_data(b"\x81\x05Hello\x82\x01a\x89\x01p\x8a\x01q")
    return list(connection.events())


def test_events_leave_their_classes_as_often_referred_to_as_they_were() -> None:
    def use() -> list[type]:
        connection = Connection(ConnectionType.CLIENT)
        decoder: Any = connection._decoder
        parts = [connection, decoder, decoder._message, connection._encoder]
        [TextMessage("a"), BytesMessage(b"a", True), Ping(b"p").response(), Pong()].clear()
        return [type(one) for one in (*parts, connection.events(), *events_of(connection))]

    classes = use()
    gc.collect()
    before = [sys.getrefcount(kind) for kind in classes]
    for _ in range(100):
        use()
    gc.collect()
    assert [sys.getrefcount(kind) for kind in classes] == before


def test_reading_on_leaves_none_as_often_referred_to_as_it_was() -> None:
    """Python returns it where a frame has not all come; the rest of the frame waits to be read."""
    extension = PerMessageDeflate()
    extension.finalize("permessage-deflate")
    connection = Connection(ConnectionType.CLIENT, [extension])
    before = sys.getrefcount(None)
    for _ in range(1000):
        connection.receive_data(b"\x82")
        connection.receive_data(b"\x01a")
        assert list(connection.events()) == [BytesMessage(b"a")]
    assert sys.getrefcount(None) - before < 500


def test_what_was_sent_is_let_go_of() -> None:
    text, data, payload = str(10**5), bytes(bytearray(b"abc")), bytes(bytearray(b"pq"))
    for role in ConnectionType:
        connection = Connection(role)
        before = [sys.getrefcount(one) for one in (text, data, payload)]
        for event in (
            TextMessage(text),
            BytesMessage(data),
            Ping(payload),
            Pong(payload),
            BytesMessage(data),
        ):
            connection.send(event)
            connection.send_parts(event)
        del event
        assert [sys.getrefcount(one) for one in (text, data, payload)] == before


def test_weak_references_end_with_their_event() -> None:
    """Each event lies where the one before was."""
    connection = Connection(ConnectionType.CLIENT)
    ended: list[str] = []
    for _ in range(3):
        events = events_of(connection)
        references = [weakref.ref(event, lambda _: ended.append("")) for event in events]
        assert [reference() for reference in references] == events
        del events
        again = events_of(connection)
        assert [reference() for reference in references] == [None] * 4
        del again
    assert len(ended) == 12


def is_freed(kind: type) -> bool:
    """Tell whether the garbage collector frees all objects of a class.

    Weak references cannot tell: the collector ends them before it frees anything.
    """
    gc.collect()
    return not any(type(one) is kind for one in gc.get_objects())


@pytest.mark.parametrize(
    ("kind", "name"), [(TextMessage, "data"), (BytesMessage, "data"), (Ping, "payload"), (Pong, "payload")]
)
def test_an_event_that_holds_itself_is_freed(kind: Any, name: str) -> None:
    own: Any = type("Own", (kind,), {"__slots__": ()})
    event = own(b"a")
    object.__setattr__(event, name, event)
    del event
    assert is_freed(own)


@pytest.mark.parametrize(
    ("make", "name"),
    [
        *((Connection, name) for name in ("_state", "_decoder", "_encoder", "_waiting")),
        (FrameDecoder, "_inflater"),
    ],
)
def test_what_holds_itself_is_freed(make: Any, name: str) -> None:
    """Nothing but the core can break the cycle."""
    own: Any = type("Own", (make,), {})
    holder = own(ConnectionType.CLIENT)
    setattr(holder, name, holder)
    del holder
    assert is_freed(own)


@pytest.mark.parametrize("base", [Connection, FrameDecoder])
def test_a_class_that_holds_an_object_of_its_own_is_freed(base: Any) -> None:
    own: Any = type("Own", (base,), {})
    own.one = own(ConnectionType.CLIENT)
    reference = weakref.ref(own)
    del own
    gc.collect()
    assert reference() is None


def test_garbage_may_be_collected_while_an_object_is_freed() -> None:
    class Collecting:
        def __del__(self) -> None:
            collected.append(gc.collect())

    collected: list[int] = []
    for name in ("_state", "_decoder", "_encoder", "_waiting"):
        connection = Connection(ConnectionType.CLIENT)
        setattr(connection, name, Collecting())
        del connection
    assert len(collected) == 4


def test_events_of_a_class_of_ones_own_are_made_and_freed_as_any_other() -> None:
    class Own(TextMessage):
        __slots__ = ("more",)

    class Counted(Ping):
        made = 0

        def __init__(self, *arguments: Any) -> None:
            super().__init__(*arguments)
            type(self).made += 1

    connection = Connection(ConnectionType.CLIENT)
    for _ in range(3):
        own: Any = Own("a", message_finished=False)
        object.__setattr__(own, "more", [own])
        reference = weakref.ref(own)
        assert connection.send(TextMessage("a"))[:2] == b"\x81\x81"
        del own
        gc.collect()
        assert reference() is None
        assert Counted(b"p").response() == Pong(b"p")
    assert Counted.made == 3


def test_a_class_that_is_made_otherwise_is_called_as_python_calls_any(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    seen: list[tuple[object, ...]] = []
    plain = TextMessage.__init__

    def noting(self: TextMessage, *arguments: Any) -> None:
        seen.append(arguments)
        plain(self, *arguments)

    Connection(ConnectionType.CLIENT)
    monkeypatch.setattr(TextMessage, "__init__", noting)
    assert (TextMessage("a").data, seen) == ("a", [("a",)])
    monkeypatch.undo()
    assert (TextMessage("a").data, len(seen)) == ("a", 1)


def test_the_spare_iterator_is_freed_before_the_type_that_it_reads() -> None:
    """The end of the interpreter crashed where freed memory is overwritten: `python -X dev`."""
    program = (
        "import wsproto; connection = wsproto.Connection(wsproto.ConnectionType.CLIENT); "
        "assert wsproto.compiled; list(connection.events())"
    )
    environment = {**os.environ, "PYTHONMALLOC": "debug", "WSPROTO_PURE": "0"}
    done = subprocess.run(  # noqa: S603
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, env=environment
    )
    assert (done.returncode, done.stderr) == (0, "")
