"""permessage-deflate (RFC 7692): its settings and agreements, and what one connection makes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Generic, TypeVar

from .close_codes import CloseReason
from .deflate import Deflater, InflateError, Inflater
from .deflate_negotiation import (
    MAX_WINDOW_BITS,
    MIN_DEFLATE_WINDOW_BITS,
    MIN_WINDOW_BITS,
    DeflateParameters,
    NegotiationError,
    answer_offer,
    check_answer,
    parse,
)
from .errors import LocalValueError, RemoteProtocolError
from .extension import BoundExtension, Extension, HookState, Side
from .frame_header import NO_RSV, RSV1, Opcode, RsvBits
from .limits import checked_int

if TYPE_CHECKING:
    from types import EllipsisType

T = TypeVar("T")


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
    """permessage-deflate (RFC 7692).

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

    client_no_context_takeover = _Parameter(default=False)
    client_max_window_bits = _Parameter(DEFAULT_CLIENT_MAX_WINDOW_BITS)
    server_no_context_takeover = _Parameter(default=False)
    server_max_window_bits = _Parameter(DEFAULT_SERVER_MAX_WINDOW_BITS)

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
        if any(getattr(type(self), hook) is not getattr(PerMessageDeflate, hook) for hook in _HOOKS):
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
        return str(self._settings._replace(client_max_window_bits_named=True))

    def accept(self, offer: str) -> bool | str | None:
        """Return the parameters of a server's answer to `offer`, or None to decline it (RFC 7692 7.1)."""
        self._agree(None)
        try:
            agreed = answer_offer(parse(offer, answer=False), self._settings)
        except NegotiationError:
            return None
        self._agree(agreed)
        return str(agreed)

    def finalize(self, offer: str) -> None:
        """Take in the server's answer `offer` (RFC 7692 7.1).

        :raises RemoteProtocolError: for an answer that is invalid, or weaker than what was offered.
        """
        self._agree(None)
        try:
            self._agree(check_answer(parse(offer, answer=True), self._settings))
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
        state.inbound_control = opcode >= Opcode.CLOSE
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            state.inbound_compressed = rsv.rsv1
        elif rsv.rsv1:
            return CloseReason.PROTOCOL_ERROR
        return RSV1

    def frame_inbound_payload_data(self, proto: Side, data: bytes) -> bytes | CloseReason:
        """Inflate a piece of a compressed message (RFC 7692 7.2.2)."""
        state = self._state_of(proto)
        if state.inbound_control or not state.inbound_compressed:
            return data
        try:
            return state.inflater.inflate(data, state.room)
        except InflateError:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA

    def frame_inbound_complete(self, proto: Side, fin: bool) -> bytes | CloseReason | None:
        """Inflate the end of a compressed message (RFC 7692 7.2.2)."""
        state = self._state_of(proto)
        if state.inbound_control or not state.inbound_compressed or not fin:
            return None
        try:
            return state.inflater.finish(state.room)
        except InflateError:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA

    def frame_outbound(
        self, proto: Side, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
    ) -> tuple[RsvBits, bytes]:
        """Deflate a frame of a message, and mark the message's first one with RSV1 (RFC 7692 6.1, 7.2.1)."""
        if opcode >= Opcode.CLOSE:
            return rsv, data
        state = self._state_of(proto)
        if opcode is not Opcode.CONTINUATION:
            state.outbound_compressed = not fin or len(data) >= self._min_compress_size
            if state.outbound_compressed:
                rsv = RSV1 if rsv is NO_RSV else RsvBits(True, *rsv[1:])
        return rsv, state.deflater.deflate(data, fin=fin) if state.outbound_compressed else data

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._in_force}>"


_HOOKS = [name for name in vars(Extension) if name.startswith("frame_")]


class DeflateState(HookState):
    """What the hooks know of one connection: its inflater, its deflater, and the messages under way."""

    def __init__(self, agreed: DeflateParameters, level: int, memory_level: int) -> None:
        self.rest_size = Inflater.unit
        self._agreed = agreed
        self._level = level
        self._memory_level = memory_level
        self._inflater: Inflater | None = None
        self._deflater: Deflater | None = None
        self.inbound_control = False  # the frame being received is a control frame
        self.inbound_compressed = False  # the message being received is compressed
        self.outbound_compressed = False  # the message being sent is compressed

    @property
    def pending(self) -> bool:  # type: ignore[override]
        """Whether there is more to come of what was passed in before."""
        return self._inflater is not None and self._inflater.pending

    @property
    def unit(self) -> int:  # type: ignore[override]
        """What zlib is to be given at a time; what is not compressed may come as it does."""
        return Inflater.unit if self.inbound_compressed else 0

    @property
    def inflater(self) -> Inflater:
        """What inflates with the peer's window, made when it is first needed."""
        if self._inflater is None:
            bits, takeover = self._agreed.of_side(client=not self.client)
            self._inflater = Inflater(bits, context_takeover=takeover)
        return self._inflater

    @property
    def deflater(self) -> Deflater:
        """What deflates with this side's window, made when it is first needed."""
        if self._deflater is None:
            bits, takeover = self._agreed.of_side(client=self.client)
            bits = max(bits, MIN_DEFLATE_WINDOW_BITS)
            level, memory_level = self._level, self._memory_level
            self._deflater = Deflater(bits, context_takeover=takeover, level=level, memory_level=memory_level)
        return self._deflater

    def inbound_rest(self, data: bytes, fin: bool) -> bytes | CloseReason:
        """Inflate the rest of a frame, or a whole message (RFC 7692 7.2.2)."""
        self.inbound_control = False
        self.inbound_compressed = True
        try:
            return (self._inflater or self.inflater).inflate_unit(data, self.room, fin=fin)
        except InflateError:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA

    def end_inbound(self) -> None:
        """Let go of the inflater, and of what it has not read."""
        self._inflater = None
