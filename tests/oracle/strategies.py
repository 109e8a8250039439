"""What the property tests draw: payloads, frames, streams of frames, cuttings, offers, events to send."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from itertools import pairwise
from random import Random
from typing import TYPE_CHECKING, Any

from hypothesis import settings
from hypothesis import strategies as st

from tests.oracle.deflating import CLIENT, HELLO, HELLO_AGAIN, HELLO_FINAL, ROLES, SERVER, Deflater
from tests.oracle.handshake_bytes import ACCEPT, KEY
from tests.oracle.inflating import TAIL
from tests.oracle.reading import End, Reading, arriving
from tests.oracle.receiving import single_bytes
from tooling import frames as wire
from wsproto import Connection, Limits
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Message,
    Ping,
    Pong,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import LocalProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterable


def examples(share: float) -> settings:
    """Settings with `share` of the examples of the profile in use: costly properties take fewer."""
    return settings(max_examples=max(1, int(settings().max_examples * share)))


#: Either end of a connection.
roles = st.sampled_from(ROLES)

# Cuttings ----------------------------------------------------------------------------------------


def cut_at(data: bytes, places: Iterable[int]) -> list[bytes]:
    """Cut `data` at `places` (the same place twice gives an empty piece)."""
    bounds = [0, *sorted(places), len(data)]
    return [data[start:end] for start, end in pairwise(bounds)]


def cuttings(data: bytes) -> st.SearchStrategy[list[bytes]]:
    """Ways to receive `data`: whole, in single bytes, or in any pieces, empty ones among them."""
    places = st.lists(st.integers(0, len(data)), max_size=12)
    single = st.just(list(single_bytes(data)))
    return st.one_of(places.map(lambda places: cut_at(data, places)), single)


# Payloads and messages ---------------------------------------------------------------------------

CONTROL_PAYLOADS = st.one_of(
    st.binary(max_size=125),
    st.builds(lambda start, zeros: start + bytes(zeros), st.binary(max_size=8), st.integers(1, 117)),
)
SMALL_TEXT = st.text(max_size=60)
SMALL_BINARY = st.binary(max_size=100)
#: Sizes around the borders of the three length forms, and runs that deflate well.
SIZES = st.sampled_from([0, 1, 124, 125, 126, 127, 255, 4096, 65535, 65536, 65537])


#: Data that deflates by nothing but what stands further back than the smaller windows reach.
REPEATED_BLOCKS = st.builds(
    lambda seed, size: Random(seed).randbytes(size) * 2,
    st.integers(0, 1),
    st.sampled_from([300, 600, 1100, 2100]),
)


@st.composite
def payloads(draw: st.DrawFn) -> str | bytes:
    """The whole of one message."""
    kind = draw(st.integers(0, 4))
    if kind == 0:
        return draw(SMALL_TEXT)
    if kind == 1:
        return draw(SMALL_BINARY)
    if kind == 4:
        return draw(REPEATED_BLOCKS)
    size = draw(SIZES)
    unit = draw(st.binary(min_size=1, max_size=300))
    data = (unit * (size // len(unit) + 1))[:size]
    return data if kind == 2 else data.decode("latin-1")[: size // 2]


def message(data: str | bytes, *, finished: bool = True) -> Event:
    """The event that sends `data`; of the class that leaves its type to the data."""
    if isinstance(data, str):
        return Message(data, message_finished=finished)
    return Message(data, message_finished=finished)


@dataclass(frozen=True)
class Sent:
    """One message that an application sends: its fragments, and what it sends between them."""

    fragments: tuple[str | bytes, ...]
    between: tuple[Ping | Pong, ...] = ()

    @property
    def whole(self) -> str | bytes:
        """The joined message."""
        empty: Any = "" if isinstance(self.fragments[0], str) else b""
        return empty.join(self.fragments)  # type: ignore[no-any-return]

    def events(self) -> list[Event]:
        """What is sent, in order; `between` comes after the first fragment."""
        last = len(self.fragments) - 1
        messages = [message(piece, finished=index == last) for index, piece in enumerate(self.fragments)]
        return [messages[0], *self.between, *messages[1:]]

    def received(self) -> list[str | bytes | Event]:
        """What arrives, joined: the control frames first where the message goes on behind them."""
        if len(self.fragments) == 1:
            return [self.whole, *self.between]
        return [*self.between, self.whole]


controls = st.one_of(st.builds(Ping, CONTROL_PAYLOADS), st.builds(Pong, CONTROL_PAYLOADS))


@st.composite
def sent_messages(draw: st.DrawFn) -> Sent:
    """A message in one fragment or several, with pings and pongs between them."""
    whole = draw(payloads())
    places = sorted(draw(st.lists(st.integers(0, len(whole)), max_size=4)))
    bounds = [0, *places, len(whole)]
    fragments = tuple(whole[start:end] for start, end in pairwise(bounds))
    return Sent(fragments, tuple(draw(st.lists(controls, max_size=2))))


#: Some are longer than the 123 bytes that a Close has room for, cut at every byte of a code point.
REASONS = st.one_of(st.text(max_size=40), st.integers(0, 3).map(lambda count: "x" * count + "€" * 42))
CLOSINGS = st.one_of(
    st.builds(CloseConnection, st.sampled_from([1000, 1001, 1011, 1014, 3000, 4999]), REASONS),
    st.sampled_from(
        [CloseConnection(1000), CloseConnection(1005), CloseConnection(1006), CloseConnection(1015)]
    ),
)


@st.composite
def scripts(draw: st.DrawFn, *, closing: bool = True) -> tuple[list[Event], Reading]:
    """What an application sends in an order that it may, and what has to arrive; a Close may be the last."""
    messages = draw(st.lists(st.one_of(sent_messages(), controls), max_size=5))
    messages *= draw(st.integers(1, 2))  # again: it deflates by what was said the first time
    events: list[Event] = []
    expected: list[str | bytes | Event] = []
    for one in messages:
        events += one.events() if isinstance(one, Sent) else [one]
        expected += one.received() if isinstance(one, Sent) else [one]
    close = draw(st.one_of(st.none(), CLOSINGS)) if closing else None
    if close is None:
        return events, Reading(tuple(expected))
    return [*events, close], Reading(tuple(expected), arriving(close))


@st.composite
def deflates(draw: st.DrawFn) -> PerMessageDeflate:
    """One side's settings of permessage-deflate."""
    windows = st.one_of(st.none(), st.integers(9, 15))
    return PerMessageDeflate(
        draw(st.booleans()),
        draw(windows),
        draw(st.booleans()),
        draw(windows),
        compression_level=draw(st.integers(-1, 9)),
        memory_level=draw(st.integers(1, 9)),
        min_compress_size=draw(st.sampled_from([0, 0, 1, 50])),
    )


@dataclass(frozen=True)
class Sender:
    """One end of an open connection that sends, and the other end's view of the same agreement."""

    connection: Connection
    received_by: End

    def send(self, events: list[Event]) -> bytes:
        """The bytes of all `events`."""
        return b"".join(self.connection.send(event) for event in events)


@st.composite
def senders(draw: st.DrawFn) -> Sender:
    """Either end, without permessage-deflate or with it in any agreement about its direction."""
    role = draw(st.sampled_from(ROLES))
    if draw(st.integers(0, 2)) == 0:
        return Sender(Connection(role), End(client=role is SERVER))
    bits, takeover = draw(st.integers(9, 15)), draw(st.booleans())
    own = "client" if role is CLIENT else "server"
    extension = PerMessageDeflate(
        compression_level=draw(st.integers(-1, 9)),
        memory_level=draw(st.integers(1, 9)),
        min_compress_size=draw(st.sampled_from([0, 0, 1, 50])),
    )
    agreement = f"permessage-deflate; {own}_max_window_bits={bits}"
    extension.finalize(agreement if takeover else f"{agreement}; {own}_no_context_takeover")
    return Sender(Connection(role, [extension]), End(role is SERVER, True, bits, takeover))


# What a peer writes ------------------------------------------------------------------------------


@dataclass
class PeerStream:
    """The bytes that a peer writes, and the joined events that they stand for."""

    data: bytes = b""
    expected: list[str | bytes | Event] = field(default_factory=list)

    def reading(self) -> Reading:
        """The same, its Close by itself."""
        last = self.expected[-1] if self.expected else None
        if isinstance(last, CloseConnection):
            return Reading(tuple(self.expected[:-1]), last)
        return Reading(tuple(self.expected))


def deflated_fragments(fragments: list[bytes], deflater: Deflater) -> list[bytes]:
    """Deflate each fragment by itself; the tail stays on all but the last (RFC 7692 7.2.1)."""
    pieces = [deflater.message(fragment) + TAIL for fragment in fragments]
    pieces[-1] = pieces[-1][: -len(TAIL)]
    return pieces


@st.composite
def peer_streams(draw: st.DrawFn, *, client: bool, deflate: bool) -> PeerStream:
    """Some messages and control frames, each message compressed or not, text split anywhere."""
    stream = PeerStream()
    deflater = Deflater(level=draw(st.sampled_from([0, 1, 9])))
    length_forms = st.just(None)

    def write(opcode: int, payload: bytes, *, fin: bool = True, rsv: int = 0) -> None:
        stream.data += wire.peer_frame(
            client, opcode, payload, fin=fin, rsv=rsv, length_form=draw(length_forms)
        )

    def write_control() -> None:
        event = draw(controls)
        stream.expected.append(event)
        write(wire.PING if isinstance(event, Ping) else wire.PONG, event.payload)

    for whole in draw(st.lists(st.one_of(SMALL_TEXT, SMALL_BINARY), max_size=5)):
        opcode = wire.TEXT if isinstance(whole, str) else wire.BINARY
        data = whole.encode() if isinstance(whole, str) else whole
        fragments = cut_at(data, draw(st.lists(st.integers(0, len(data)), max_size=3)))
        rsv = wire.RSV1 if deflate and draw(st.booleans()) else 0
        pieces = deflated_fragments(fragments, deflater) if rsv else fragments
        for index, piece in enumerate(pieces):
            if draw(st.integers(0, 4)) == 0:
                write_control()
            write(
                wire.CONTINUATION if index else opcode,
                piece,
                fin=index == len(pieces) - 1,
                rsv=0 if index else rsv,
            )
        stream.expected.append(whole)
    if draw(st.booleans()):
        code = draw(st.sampled_from([1000, 1001, 1011, 3000, 4999]))
        reason = draw(st.text(max_size=20))
        stream.expected.append(CloseConnection(code, reason))
        write(wire.CLOSE, wire.close_payload(code, reason))
    return stream


#: Limits so tight that most streams come near to one.
tight_limits = st.builds(
    Limits,
    max_frame_size=st.one_of(st.none(), st.integers(0, 60)),
    max_message_size=st.one_of(st.none(), st.integers(0, 60)),
    max_fragments=st.one_of(st.none(), st.integers(0, 4)),
    max_inflated_size=st.sampled_from([1, 2, 7, 2**20]),
)
some_limits = st.one_of(st.just(Limits()), tight_limits)
_HANDSHAKE_BOUNDS: dict[str, st.SearchStrategy[int]] = {
    "max_handshake_size": st.integers(0, 600),
    "max_header_line_size": st.integers(0, 300),
    "max_headers": st.integers(0, 8),
    "max_interim_responses": st.integers(0, 2),
    "max_early_data": st.integers(0, 8),
    "max_reject_body_size": st.integers(0, 8),
}
#: None of them, one of them, or any of them is tight.
handshake_limits = st.one_of(
    st.just(Limits()),
    *(st.builds(Limits, **{name: bound}) for name, bound in _HANDSHAKE_BOUNDS.items()),
    st.fixed_dictionaries({}, optional=_HANDSHAKE_BOUNDS).map(lambda bounds: Limits(**bounds)),
)


@st.composite
def any_frames(draw: st.DrawFn) -> bytes:
    """One frame with any header: most break some rule, and each is well-formed enough to be parsed."""
    return wire.frame(
        draw(st.integers(0, 15)),
        draw(st.binary(max_size=140)),
        fin=draw(st.booleans()),
        rsv=draw(st.sampled_from([0, 0, 0, 4, 4, 1, 7])),
        mask=draw(st.one_of(st.none(), st.just(wire.MASK), st.just(bytes(4)))),
        length_form=draw(st.sampled_from([None, None, None, 16, 64])),
    )


#: Text that ends or begins inside a code point, or is none.
PIECES_OF_TEXT = st.sampled_from(
    [b"", b"Hello", "€".encode(), b"\xe2", b"\x82", b"\x82\xac", b"\xed\xa0", b"\xf4\x8f", b"\x80", b"\xff"]
)
#: What stands in compressed frames, intact and not; the same twice is not the same message twice.
DEFLATED = st.sampled_from(
    [HELLO, HELLO_AGAIN, HELLO_FINAL, b"", b"\x00", b"\x03\x00", HELLO + TAIL, HELLO[:3], b"\xff\xff"]
)
#: Both sides of every border between the codes that may travel and those that may not, and any others.
WIRE_CODES = st.one_of(
    st.sampled_from([999, 1000, 1003, 1004, 1005, 1006, 1007, 1014, 1015, 1016, 2999, 3000, 4999, 5000]),
    st.integers(0, 65535),
)
CLOSES = st.builds(wire.close_payload, WIRE_CODES, PIECES_OF_TEXT)


def _faulty(draw: st.DrawFn, frame: wire.Frame) -> wire.Frame:
    """`frame` with one fault, or one thing unusual."""
    kind = draw(st.integers(0, 6))
    if kind == 0:
        return replace(frame, opcode=draw(st.sampled_from([*range(16), *(0, 1, 2) * 5])))
    if kind == 1:
        return replace(frame, fin=not frame.fin)
    if kind == 2:
        return replace(frame, rsv=frame.rsv ^ draw(st.sampled_from([wire.RSV1, wire.RSV2, wire.RSV3])))
    if kind == 3:
        return replace(frame, mask=wire.MASK if frame.mask is None else None)
    if kind == 4:
        return replace(frame, length_form=draw(st.sampled_from([16, 64])))
    if kind == 5:
        size = draw(st.sampled_from([125, 126]))
        return replace(
            frame, payload=frame.payload.ljust(size, b"\0")[:size], length_form=wire.minimal_form(size)
        )
    return replace(frame, payload=draw(st.binary(max_size=3)))


@st.composite
def odd_streams(draw: st.DrawFn, *, client: bool, deflate: bool) -> bytes:
    """Frames in an order that they may have, with payloads that may be wrong; some have a fault."""
    stream = b""
    inside = compressed = False
    for _ in range(draw(st.integers(1, 7))):
        opcode = wire.CONTINUATION if inside else draw(st.sampled_from([wire.TEXT, wire.BINARY]))
        # One frame in nine is of a message where another one is under way, or goes on where none is.
        wrong = draw(st.sampled_from([wire.TEXT, wire.BINARY])) if inside else wire.CONTINUATION
        opcode = draw(st.sampled_from([opcode] * 5 + [wrong, wire.PING, wire.PONG, wire.CLOSE]))
        frame = wire.Frame(opcode, mask=None if client else wire.MASK)
        if opcode >= wire.CLOSE:
            frame = replace(frame, payload=draw(CLOSES if opcode == wire.CLOSE else CONTROL_PAYLOADS))
        else:
            if not inside:
                compressed = deflate and draw(st.booleans())
                frame = replace(frame, rsv=wire.RSV1 if compressed else 0)
            inside = draw(st.booleans())
            frame = replace(frame, fin=not inside, payload=draw(DEFLATED if compressed else PIECES_OF_TEXT))
        stream += (_faulty(draw, frame) if draw(st.integers(0, 3)) == 0 else frame).encode()
    return stream


@st.composite
def mutated(draw: st.DrawFn, data: bytes) -> bytes:
    """`data` with some bytes changed, left out, doubled, or put in."""
    result = bytearray(data)
    for _ in range(draw(st.integers(1, 4))):
        place = draw(st.integers(0, len(result)))
        kind = draw(st.integers(0, 3))
        if kind == 0 and place < len(result):
            result[place] ^= 1 << draw(st.integers(0, 7))
        elif kind == 1:
            del result[place : place + draw(st.integers(1, 8))]
        elif kind == 2:
            result[place:place] = draw(st.binary(min_size=1, max_size=8))
        else:
            result[place:place] = result[place : place + draw(st.integers(1, 30))]
    return bytes(result)


#: What is right in one place of a head, and wrong in others.
HEAD_PIECES = st.sampled_from(
    [bytes([byte]) for byte in b'\r\n \t:,;"\\=#%\0\x1c\x85\xff']
    + [b"\r\n\r\n", b"\r\n ", b"\xc3\xa9", b"xn--", b"xn--0", b"xn--\xff", b"[::1]", b"13", b"-1", b"9" * 20]
    + [b"HTTP/1.1", b"HTTP/1.0", b"HTTP/2.0", b"GET ", b"POST ", b"http://"]
    + [b"100 ", b"103 ", b"204 ", b"304 ", b"403 ", b"999 ", b"5\r\nHello\r\n", b"0\r\n\r\n"]
    + [
        b"\r\n" + line
        for line in (
            b"Host: a",
            b"Upgrade: websocket",
            b"Connection: Upgrade",
            b"Connection: close",
            b"Content-Length: 5",
            b"Content-Length: x",
            b"Transfer-Encoding: chunked",
            b"Expect: 100-continue",
            b"Sec-WebSocket-Key: " + KEY,
            b"Sec-WebSocket-Accept: " + ACCEPT,
            b"Sec-WebSocket-Version: 13",
            b"Sec-WebSocket-Version: 8",
            b"Sec-WebSocket-Protocol: chat",
            b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
            b"Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8",
            b'Sec-WebSocket-Extensions: x; y="',
        )
    ]
)


@st.composite
def changed_heads(draw: st.DrawFn, head: bytes) -> bytes:
    """`head` with pieces of heads put in, every other one where a line ends; perhaps with bytes changed."""
    for _ in range(draw(st.integers(1, 3))):
        line_ends = [place for place in range(len(head)) if head.startswith(b"\r\n", place)]
        place = draw(st.sampled_from(line_ends) if draw(st.booleans()) else st.integers(0, len(head)))
        head = head[:place] + draw(HEAD_PIECES) + head[place:]
    return draw(st.just(head) | mutated(head))


# Offers ------------------------------------------------------------------------------------------

WINDOW_BITS = st.one_of(st.none(), st.integers(8, 15))

PARAMETER_NAMES = st.sampled_from(
    [
        "client_max_window_bits",
        "server_max_window_bits",
        "client_no_context_takeover",
        "server_no_context_takeover",
        "unknown",
    ]
)
ODD_VALUES = st.sampled_from(
    ["", "08", "+9", "1_0", "true", '"10"', '"1', '"', "\u0661\u0660", "10 ", "9" * 30]
)
PARAMETER_VALUES = st.one_of(
    st.none(), st.integers(6, 17).map(str), ODD_VALUES, ODD_VALUES, st.text(max_size=4)
)
#: What RFC 7692 7.1 lets a parameter be.
FITTING_VALUES = {
    "client_max_window_bits": st.one_of(st.none(), st.integers(8, 15).map(str)),
    "server_max_window_bits": st.integers(8, 15).map(str),
    "client_no_context_takeover": st.none(),
    "server_no_context_takeover": st.none(),
}


@st.composite
def offers(draw: st.DrawFn) -> str:
    """An element of Sec-WebSocket-Extensions, or what is near to one."""
    parts = [draw(st.sampled_from(["permessage-deflate"] * 6 + ["x-foo", "", "permessage-deflate "]))]
    for name in draw(st.lists(PARAMETER_NAMES, max_size=4)):
        fitting = draw(st.integers(0, 2)) > 0
        value = draw(FITTING_VALUES.get(name, PARAMETER_VALUES) if fitting else PARAMETER_VALUES)
        parts.append(name if value is None else f"{name}={value}")
    return draw(st.sampled_from(["; ", ";", " ;\t"])).join(parts)


# What an application does ------------------------------------------------------------------------


def _view(data: bytes) -> memoryview:
    return memoryview(data)


JUNK = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-3, 70_000),
    st.floats(allow_nan=False),
    st.text(max_size=10),
    st.binary(max_size=10),
    st.sampled_from(["\ud800", "a\r\nb", "a\0b", "\xff", "é" * 80, object(), [], {}, b"\xff" * 126]),
    st.binary(max_size=5).map(bytearray),
    st.binary(max_size=5).map(_view),
)


def _attempt(kind: type[Event], arguments: tuple[Any, ...]) -> Event | None:
    """Make an event; None where its class refuses to, which only a LocalProtocolError may say."""
    try:
        return kind(*arguments)
    except LocalProtocolError:
        return None


def _built(kind: type[Event], *arguments: st.SearchStrategy[Any]) -> st.SearchStrategy[Event]:
    made = st.tuples(*arguments).map(lambda drawn: _attempt(kind, drawn))
    return made.filter(lambda event: event is not None).map(lambda event: event)  # type: ignore[arg-type, return-value]


def _or_junk(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """`strategy`, and now and then anything at all."""
    return st.integers(0, 5).flatmap(lambda dice: JUNK if dice == 0 else strategy)


CLOSE_CODES = st.one_of(
    st.sampled_from([1000, 1001, 1005, 1006, 1015, 1004, 1016, 999, 0, -1, 2999, 3000, 4999, 5000, 70_000]),
    st.integers(-10, 70_000),
)

#: One in four ends in half of a surrogate pair, which is no Unicode text.
ANY_TEXT = st.tuples(SMALL_TEXT, st.sampled_from(["", "", "", "\ud800"])).map("".join)

#: Events as an application makes them on an open connection, right and wrong ones.
OPEN_EVENTS = st.one_of(
    _built(TextMessage, _or_junk(ANY_TEXT), st.booleans(), st.booleans()),
    _built(BytesMessage, _or_junk(SMALL_BINARY), st.booleans(), st.booleans()),
    _built(Message, _or_junk(st.one_of(ANY_TEXT, SMALL_BINARY)), st.booleans(), st.booleans()),
    _built(Ping, _or_junk(st.binary(max_size=130))),
    _built(Pong, _or_junk(st.binary(max_size=130))),
    _built(CloseConnection, _or_junk(CLOSE_CODES), _or_junk(st.one_of(st.none(), st.text(max_size=200)))),
)

#: Texts of characters that end, part or spoil what they stand in, CR and LF first of all.
ODD_TEXT = st.lists(
    st.sampled_from(
        [
            *'\r\n\0 \t,;"\\=#/@:[]%.ab\x7f\x1c\x85\xa0\u2028\u2100\uff03\ud800é\U0001f600',
            *("\r\nX: y", "xn--", "xn--0", "chat"),
        ]
    ),
    max_size=5,
).map("".join)


def _or_odd(*good: str | None) -> st.SearchStrategy[Any]:
    """One of `good`, an odd text, or anything at all."""
    return _or_junk(st.one_of(st.sampled_from(good), st.sampled_from(good), ODD_TEXT))


_odd_bytes = ODD_TEXT.map(lambda text: text.encode("utf-8", "surrogatepass"))
_headers = st.lists(
    st.tuples(
        _or_junk(
            st.sampled_from([b"X-Test", b"Cookie", b"Host", b"Upgrade", b"Sec-WebSocket-Key", b"a b", b""])
            | _odd_bytes
        ),
        _or_junk(st.sampled_from([b"1", b"", b"a\r\nX: y", b" x ", b"\xff"]) | _odd_bytes),
    ),
    max_size=3,
)
_subprotocols = st.lists(_or_odd("chat", "superchat", "a b", "", "chat,x"), max_size=3)

#: Events of the opening handshake, right and wrong ones.
HANDSHAKE_EVENTS = st.one_of(
    _built(
        Request,
        _or_odd("example.com", "example.com:80", "[::1]:80", "bücher.example", "a b", ""),
        _or_odd("/", "foo", "/a?b", "/#c", "http://example.com/", "/\r\n", "/é", "*", ""),
        _or_junk(st.just([])),
        _or_junk(_headers),
        _or_junk(_subprotocols),
    ),
    _built(
        AcceptConnection,
        _or_odd(None, "chat", "other", "a b"),
        _or_junk(st.just([])),
        _or_junk(_headers),
    ),
    _built(RejectConnection, _or_junk(st.integers(90, 700)), _or_junk(_headers), st.booleans()),
    _built(RejectData, _or_junk(SMALL_BINARY), st.booleans()),
)

ANY_EVENTS = st.one_of(OPEN_EVENTS, HANDSHAKE_EVENTS)
