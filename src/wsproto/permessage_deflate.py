"""permessage-deflate (RFC 7692): negotiation, settings and agreements, and what one connection makes of them.

An offer is answered, and an answer checked, by pure functions from parameters to parameters. An offer that
cannot be met is declined, an answer that may not stand fails the handshake. Whose window:

    server_*    how the server deflates, so how the client inflates
    client_*    how the client deflates, so how the server inflates
"""

from __future__ import annotations

from functools import cached_property
from typing import TYPE_CHECKING, Any, Generic, NamedTuple, TypeVar

from .close_codes import CloseReason
from .deflate import Deflater, Inflater, inflate_errors
from .errors import LocalValueError, RemoteProtocolError
from .extension import BoundExtension, Extension, HookState, Side
from .frame_header import NO_RSV, RSV1, Opcode, RsvBits
from .header_grammar import GrammarError, parse_extension
from .limits import checked_int

if TYPE_CHECKING:
    from types import EllipsisType

T = TypeVar("T")

MAX_WINDOW_BITS = 15  # R7692-7.2.1-07
MIN_WINDOW_BITS = 8
MIN_DEFLATE_WINDOW_BITS = 9  # zlib inflates raw data with a window of 8 bits, but cannot deflate with it

_NO_VALUE = ("client_no_context_takeover", "server_no_context_takeover")
_WINDOW_BITS = ("client_max_window_bits", "server_max_window_bits")
_WINDOW_BITS_VALUES = {str(bits): bits for bits in range(MIN_WINDOW_BITS, MAX_WINDOW_BITS + 1)}


class NegotiationError(ValueError):
    """An offer or an answer that cannot be accepted."""


class DeflateParameters(NamedTuple):
    """The four parameters of RFC 7692 7.1; None stands for a window that is not named.

    0 stands for one that is named without its size, as an offer may name the client's (7.1.2.2).
    """

    client_no_context_takeover: bool = False
    client_max_window_bits: int | None = None
    server_no_context_takeover: bool = False
    server_max_window_bits: int | None = None

    def __str__(self) -> str:
        """Return the parameters as they follow the extension's name."""
        sizes = [(name, getattr(self, name)) for name in _WINDOW_BITS]
        # R7692-5-04, -05, R7692-7.1.2.1-01
        windows = [f"{name}={bits}" if bits else name for name, bits in sizes if bits is not None]
        # R7692-7.1.1.1-01, R7692-7.1.1.2-01
        return "; ".join([*windows, *(name for name in _NO_VALUE if getattr(self, name))])

    def of_side(self, *, client: bool) -> tuple[int, bool]:
        """Return the window with which a side deflates, and whether it takes its context over."""
        if client:
            # R7692-7.2.2-09
            return self.client_max_window_bits or MAX_WINDOW_BITS, not self.client_no_context_takeover
        # R7692-7.2.2-07
        return self.server_max_window_bits or MAX_WINDOW_BITS, not self.server_no_context_takeover


def read_parameters(element: str, *, answer: bool) -> DeflateParameters:
    """Read an offer, or an answer, of permessage-deflate (RFC 7692 7.1).

    :raises NegotiationError: for a parameter that is unknown, repeated, or has a value that it must not have.
    """
    try:
        _, parameters = parse_extension(element.encode("ascii"))
    except (GrammarError, UnicodeEncodeError) as error:
        raise NegotiationError(str(error)) from error
    values: dict[str, Any] = {}
    for name, value in parameters:
        if name in values:  # R7692-7-03, -07
            raise NegotiationError(f"{name} is repeated in {element!r} (RFC 7692 7.1)")
        if name in _NO_VALUE:
            if value is not None:
                raise NegotiationError(f"{name} takes no value, not {value!r} (RFC 7692 7.1.1)")
            values[name] = True
        elif name not in _WINDOW_BITS:  # R6455-9.1-04, R7692-7-01, -05
            raise NegotiationError(f"{name!r} is not a parameter of permessage-deflate (RFC 7692 7.1)")
        elif value in _WINDOW_BITS_VALUES:
            values[name] = _WINDOW_BITS_VALUES[value]
        elif value is None and name == "client_max_window_bits" and not answer:
            values[name] = 0  # RFC 7692 7.1.2.2: an offer may leave the value out
        else:
            # R7692-7-02, -06, R7692-7.1.2.1-02, -04, R7692-7.1.2.2-02, -04
            raise NegotiationError(f"{name} must be 8 to 15, not {value!r} (RFC 7692 7.1.2)")
    return DeflateParameters(**values)


def answer_offer(offer: DeflateParameters, own: DeflateParameters) -> DeflateParameters:
    """Decide on the answer of a server with the settings `own` (RFC 7692 7.1).

    A parameter that the client named is answered; beyond those, one that the settings ask for. Never
    `client_max_window_bits` unasked (7.1.2.2).

    :raises NegotiationError: where the server would have to deflate with a window of 8 bits.
    """
    server_bits = _smaller(offer.server_max_window_bits, own.server_max_window_bits)  # R7692-7.1.2.1-03, -05
    if server_bits == MIN_WINDOW_BITS:  # R7692-5-07, R7692-7-04
        raise NegotiationError("zlib cannot deflate with server_max_window_bits=8")
    client_bits = None
    if offer.client_max_window_bits is not None:  # R7692-7.1.2.2-05
        # R7692-7.1.2.2-03
        client_bits = _smaller(offer.client_max_window_bits, own.client_max_window_bits) or MAX_WINDOW_BITS
    return DeflateParameters(
        # R7692-7.1.1.2-02
        client_no_context_takeover=offer.client_no_context_takeover or own.client_no_context_takeover,
        client_max_window_bits=client_bits,
        # R7692-7.1.1.1-02, -03, -04
        server_no_context_takeover=offer.server_no_context_takeover or own.server_no_context_takeover,
        server_max_window_bits=server_bits,
    )


def check_answer(answer: DeflateParameters, own: DeflateParameters) -> DeflateParameters:
    """Hold a server's answer against what a client with the settings `own` offered (RFC 7692 7.1).

    :raises NegotiationError: where the answer is weaker than the offer, or this side would have to deflate
        with a window of 8 bits.
    """
    if own.server_no_context_takeover and not answer.server_no_context_takeover:  # R7692-7.1.1.1-05
        raise NegotiationError(
            "server_no_context_takeover was offered, the answer lacks it (RFC 7692 7.1.1.1)"
        )
    asked, answered = own.server_max_window_bits or MAX_WINDOW_BITS, answer.server_max_window_bits
    if (answered or MAX_WINDOW_BITS) > asked:  # R7692-7.1.2.1-06
        raise NegotiationError(
            f"server_max_window_bits={asked} was offered, not {answered} (RFC 7692 7.1.2.1)"
        )
    client_bits = _smaller(answer.client_max_window_bits, own.client_max_window_bits)  # R7692-7.2.1-13
    if client_bits == MIN_WINDOW_BITS:  # R7692-7-08
        raise NegotiationError("zlib cannot deflate with client_max_window_bits=8")
    # R7692-7.1.1.2-03
    client_no_takeover = answer.client_no_context_takeover or own.client_no_context_takeover
    return answer._replace(client_no_context_takeover=client_no_takeover, client_max_window_bits=client_bits)


def _smaller(first: int | None, second: int | None) -> int | None:
    """Return the smaller of two window sizes, either of which may be unnamed."""
    return min(filter(None, (first, second)), default=None)


def _window(name: str, value: int | EllipsisType | None) -> int | None:
    """Return the size of a window: None stands for 15, and what was not given for None."""
    if value is ...:
        return None
    return checked_int(name, MAX_WINDOW_BITS if value is None else value, MIN_WINDOW_BITS, MAX_WINDOW_BITS)


class _Parameter(Generic[T]):
    """A parameter of RFC 7692 7.1 as an attribute: as agreed on, else as set. Assigning it changes both."""

    def __init__(self, default: T) -> None:
        self._default: T = default

    def __set_name__(self, _owner: type, name: str) -> None:
        self._name = name

    def __get__(self, extension: PerMessageDeflate | None, _owner: type) -> T:
        value: T | None = None if extension is None else getattr(extension._in_force, self._name)
        return self._default if value is None else value

    def __set__(self, extension: PerMessageDeflate, value: T | None) -> None:
        asked: Any = value
        given: Any = bool(asked) if isinstance(self._default, bool) else _window(self._name, asked)
        extension._settings = extension._settings._replace(**{self._name: given})
        if extension._agreed is not None:
            extension._agreed = extension._agreed._replace(**{self._name: given})


class PerMessageDeflate(Extension):
    """permessage-deflate (RFC 7692 7).

    On a client the settings are what it offers, on a server the most that it agrees to. The four parameters
    may be assigned, also inside `accept` and `finalize`. The object may serve any number of connections, also
    at once: each gets zlib objects of its own.

    A subclass that overrides frame hooks is called for every frame, and its calls of `super()` inflate and
    deflate; without hooks of its own it costs nothing.

    :param client_no_context_takeover: the client compresses each message by itself.
    :param client_max_window_bits: the client's window, 8 to 15; None stands for 15. A window that is given,
        None included, is offered with its value.
    :param server_no_context_takeover: the server compresses each message by itself.
    :param server_max_window_bits: the same for the server's window.
    :param compression_level: zlib's, from -1 (its default) and 0 (none) to 9 (most).
    :param memory_level: zlib's, from 1 (least memory) to 9.
    :param min_compress_size: bytes below which an unfragmented message goes out uncompressed.
    :raises LocalProtocolError: for a setting out of its range, also a `ValueError`.
    """

    name = "permessage-deflate"

    DEFAULT_CLIENT_MAX_WINDOW_BITS = MAX_WINDOW_BITS
    DEFAULT_SERVER_MAX_WINDOW_BITS = MAX_WINDOW_BITS

    client_no_context_takeover: _Parameter[bool] = _Parameter(default=False)
    client_max_window_bits: _Parameter[int] = _Parameter(DEFAULT_CLIENT_MAX_WINDOW_BITS)
    server_no_context_takeover: _Parameter[bool] = _Parameter(default=False)
    server_max_window_bits: _Parameter[int] = _Parameter(DEFAULT_SERVER_MAX_WINDOW_BITS)

    def __init__(
        self,
        client_no_context_takeover: bool = False,
        client_max_window_bits: int | EllipsisType | None = ...,
        server_no_context_takeover: bool = False,
        server_max_window_bits: int | EllipsisType | None = ...,
        *,
        compression_level: int = -1,
        memory_level: int = 8,
        min_compress_size: int = 0,
    ) -> None:
        self._settings = DeflateParameters(
            bool(client_no_context_takeover),
            _window("client_max_window_bits", client_max_window_bits),
            bool(server_no_context_takeover),
            _window("server_max_window_bits", server_max_window_bits),
        )
        self._agreed: DeflateParameters | None = None
        self._compression_level = checked_int("compression_level", compression_level, -1, 9)
        self._memory_level = checked_int("memory_level", memory_level, 1, 9)
        self._min_compress_size = checked_int("min_compress_size", min_compress_size, 0)
        self._enabled = False
        self._state: DeflateState | None = None  # for hooks that no connection of this library calls

    def enabled(self) -> bool:
        """Tell whether the handshake agreed on permessage-deflate."""
        return self._enabled

    def reset(self) -> None:
        """Forget what was negotiated: a new handshake begins."""
        self._agree(None)

    def _agree(self, agreed: DeflateParameters | None) -> None:
        self._agreed = agreed
        self._enabled = agreed is not None  # subclasses that negotiate by themselves set it
        self._state = None

    @property
    def _in_force(self) -> DeflateParameters:
        return self._agreed or self._settings

    def for_connection(self) -> BoundExtension:
        """Return this extension with zlib state for one connection."""
        state = self._new_state()
        kind = type(self)
        if kind is not PerMessageDeflate and any(
            getattr(kind, hook) is not getattr(PerMessageDeflate, hook) for hook in _HOOKS
        ):
            state.rest_size = 0  # no shortcut around hooks of a subclass
        return BoundExtension(self, state)

    def _new_state(self) -> DeflateState:
        return DeflateState(self._in_force, self._compression_level, self._memory_level)

    def offer(self) -> bool | str:
        """Return the parameters of a client's offer (RFC 7692 7.1): those that were set.

        :raises LocalProtocolError: for a client's window of 8 bits, with which zlib cannot deflate.
        """
        if self._settings.client_max_window_bits == MIN_WINDOW_BITS:
            raise LocalValueError(f"zlib cannot deflate with client_max_window_bits={MIN_WINDOW_BITS}")
        window = self._settings.client_max_window_bits or 0
        return str(self._settings._replace(client_max_window_bits=window))  # R7692-7.1.2.2-01

    def accept(self, offer: str) -> bool | str | None:
        """Return the parameters of a server's answer to `offer`, or None to decline it (RFC 7692 7.1)."""
        self._agree(None)
        try:
            agreed = answer_offer(read_parameters(offer, answer=False), self._settings)
        except NegotiationError:
            return None  # R7692-5-10
        self._agree(agreed)
        return str(agreed)

    def finalize(self, offer: str) -> None:
        """Take in the server's answer `offer` (RFC 7692 7.1).

        :raises RemoteProtocolError: for an answer that is invalid, or weaker than what was offered.
        """
        self._agree(None)
        try:
            self._agree(check_answer(read_parameters(offer, answer=True), self._settings))
        except NegotiationError as error:
            raise RemoteProtocolError(f"Bad answer to permessage-deflate: {error}") from error

    def _state_of(self, proto: Side) -> DeflateState:
        """Return the state of a connection of this library, or one of our own for anybody else's calls."""
        if isinstance(proto, DeflateState):
            return proto
        state = self._state = self._state or self._new_state()
        state.client = proto.client
        return state

    def frame_inbound_header(
        self, proto: Side, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> CloseReason | RsvBits:
        """Give RSV1 a meaning on a message's first frame; elsewhere it is an error (RFC 7692 6.1)."""
        state = self._state_of(proto)
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            state.inbound_compressed = rsv.rsv1  # R7692-6-02
        elif rsv.rsv1:  # R7692-6.1-04
            return CloseReason.PROTOCOL_ERROR
        state.unit = Inflater.unit if state.inbound_compressed and opcode < Opcode.CLOSE else 0
        return RSV1

    def frame_inbound_payload_data(self, proto: Side, data: bytes) -> bytes | CloseReason:
        """Inflate a piece of a compressed message (RFC 7692 7.2.2)."""
        state = self._state_of(proto)
        return state.inbound_rest(data, fin=False) if state.unit else data  # R7692-6.2-02

    def frame_inbound_complete(self, proto: Side, fin: bool) -> bytes | CloseReason | None:
        """Inflate the end of a compressed message (RFC 7692 7.2.2)."""
        state = self._state_of(proto)
        return state.inbound_rest(b"", fin) if fin and state.unit else None

    def frame_outbound(
        self, proto: Side, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
    ) -> tuple[RsvBits, bytes]:
        """Deflate a frame of a message, and mark the message's first one with RSV1 (RFC 7692 6.1, 7.2.1)."""
        if opcode >= Opcode.CLOSE:  # R7692-6-01
            return rsv, data
        state = self._state_of(proto)
        if opcode is not Opcode.CONTINUATION:  # R7692-6.1-01, -03
            state.outbound_compressed = not fin or len(data) >= self._min_compress_size
            if state.outbound_compressed:
                rsv = RSV1 if rsv is NO_RSV else RsvBits(True, *rsv[1:])
        # R7692-6.1-02
        return rsv, state.deflater.deflate(data, fin=fin) if state.outbound_compressed else data

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._in_force}>".replace(" >", ">")


_HOOKS = [name for name in vars(Extension) if name.startswith("frame_")]


class DeflateState(HookState):
    """What the hooks know of one connection: its inflater, its deflater, and the messages under way."""

    def __init__(self, agreed: DeflateParameters, level: int, memory_level: int) -> None:
        self.rest_size: int = Inflater.unit
        self._agreed = agreed
        self._level = level
        self._memory_level = memory_level
        self.inbound_compressed: bool = False  # the message being received is compressed
        self.outbound_compressed = False  # the message being sent is compressed

    @property
    def pending(self) -> bool:  # type: ignore[override]
        """Whether there is more to come of what was passed in before."""
        return self.inflater.pending

    @cached_property
    def inflater(self) -> Inflater:
        """What inflates with the peer's window."""
        bits, takeover = self._agreed.of_side(client=not self.client)  # R7692-7.2.2-06, -08
        return Inflater(bits, context_takeover=takeover)

    @cached_property
    def deflater(self) -> Deflater:
        """What deflates with this side's window."""
        # R7692-5-13, R7692-7.2.1-12, -14, R7692-7.2.2-10
        bits, takeover = self._agreed.of_side(client=self.client)
        bits = max(bits, MIN_DEFLATE_WINDOW_BITS)
        return Deflater(bits, context_takeover=takeover, level=self._level, memory_level=self._memory_level)

    def inbound_rest(self, data: bytes, fin: bool, inflated: bytes | None = None) -> bytes | CloseReason:
        """Inflate a piece of a frame, its rest, or a whole message (RFC 7692 7.2.2)."""
        self.unit: int = Inflater.unit
        try:
            return self.inflater.inflate(data, self.room, inflated, fin=fin)  # R7692-6.2-01
        except inflate_errors():
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA

    def end_inbound(self) -> None:
        """Let go of the inflater, and of what it has not read."""
        vars(self).pop("inflater", None)
