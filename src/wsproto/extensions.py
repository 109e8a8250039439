"""Extensions: what one is (RFC 6455 9), and permessage-deflate (RFC 7692)."""

from __future__ import annotations

from typing import Protocol

from .close_codes import CloseReason
from .deflate import Deflater, InflateError, Inflater
from .errors import LocalTypeError, LocalValueError, RemoteProtocolError
from .frame_header import NO_RSV, Opcode, RsvBits
from .limits import DEFAULT_LIMITS
from .negotiation import (
    MAX_WINDOW_BITS,
    MIN_DEFLATE_WINDOW_BITS,
    MIN_WINDOW_BITS,
    DeflateParameters,
    NegotiationError,
    answer_offer,
    check_answer,
    parse,
)


class Codec(Protocol):
    """What the frame hooks of an extension get to know of their connection."""

    client: bool
    """Whether this is the client's side."""


class Extension:
    """Base of all extensions: one that is never offered, never accepted and changes no frame.

    The handshake calls `offer` and `finalize` on a client, `accept` on a server. What is enabled then sees
    every frame: received ones in the order header, payload (any number of pieces), complete.
    """

    name: str
    """The token of the extension (RFC 6455 9.1)."""

    inbound_pending: bool = False
    """Whether `frame_inbound_payload_data(proto, b"")` would give more of what was passed in before."""
    inbound_unit: int = 0
    """Bytes in each piece of the present frame's payload but its last; 0 for pieces as they come.

    An extension whose results depend on the pieces makes them independent of the reads by it.
    """
    inbound_rest: int = 0
    """Bytes of payload for which `frame_inbound_rest` may stand for other inbound hooks, at most."""
    inbound_limit: int = DEFAULT_LIMITS.max_inflated_size
    """Bytes that the next inbound hook may return; set by the connection before each call."""

    def enabled(self) -> bool:
        """Tell whether the handshake agreed on this extension."""
        return False

    def reset(self) -> None:
        """Forget what was negotiated: a new handshake begins."""

    def for_connection(self) -> Extension:
        """Return the object that one connection uses."""
        return self

    def offer(self) -> bool | str:
        """Return a client's parameters, True for none, False to offer nothing."""
        return False

    def accept(self, offer: str) -> bool | str | None:
        """Return a server's answer to `offer`: parameters, True for none, False or None to decline."""
        return None

    def finalize(self, response: str) -> None:
        """Take in the server's answer.

        :raises RemoteProtocolError: for one that may not stand.
        """

    def frame_inbound_header(
        self,
        proto: Codec,
        opcode: Opcode,
        rsv: RsvBits,
        payload_length: int,
    ) -> CloseReason | RsvBits:
        """Return the reserved bits that this extension gives a meaning, or the code to fail with."""
        return NO_RSV

    def frame_inbound_payload_data(self, proto: Codec, data: bytes) -> bytes | CloseReason:
        """Return what a piece of payload stands for, or the code to fail with."""
        return data

    def frame_inbound_complete(self, proto: Codec, fin: bool) -> bytes | CloseReason | None:
        """Return what is left at the end of a frame, or the code to fail with; `fin` ends the message."""
        return None

    def frame_inbound_rest(self, proto: Codec, data: bytes, limit: int) -> bytes | CloseReason:
        """Do the work of two hooks for the last piece of a message with RSV1, and end it.

        Where that message has come whole, it does the work of `frame_inbound_header`, too.

        :param data: at most `inbound_rest` bytes.
        :param limit: bytes to return, at most; with more to come, `inbound_pending` is true.
        """
        return data

    def end_inbound(self) -> None:
        """Let go of what was received: nothing more is read."""

    def frame_outbound(
        self,
        proto: Codec,
        opcode: Opcode,
        rsv: RsvBits,
        data: bytes,
        fin: bool,
    ) -> tuple[RsvBits, bytes]:
        """Return the reserved bits and the payload of a frame to be sent."""
        return rsv, data


class PerMessageDeflate(Extension):
    """permessage-deflate (RFC 7692).

    On a client the settings are what it offers, on a server the most that it agrees to. Negotiating
    and frames concern one connection; the object itself may serve any number of them, also at once.

    :param client_no_context_takeover: the client compresses each message by itself.
    :param client_max_window_bits: the client's window, 8 to 15; None stands for 15.
    :param server_no_context_takeover: the server compresses each message by itself.
    :param server_max_window_bits: the server's window, 8 to 15; None stands for 15.
    :param compression_level: zlib's, from -1 (its default) and 0 (none) to 9 (most).
    :param memory_level: zlib's, from 1 (least memory) to 9.
    :param min_compress_size: bytes below which an unfragmented message goes out uncompressed.
    :raises LocalProtocolError: for a setting out of its range, also a `ValueError`.
    """

    name = "permessage-deflate"

    def __init__(
        self,
        client_no_context_takeover: bool = False,
        client_max_window_bits: int | None = None,
        server_no_context_takeover: bool = False,
        server_max_window_bits: int | None = None,
        *,
        compression_level: int = -1,
        memory_level: int = 8,
        min_compress_size: int = 0,
    ) -> None:
        for what, value, least, most in (
            ("client_max_window_bits", client_max_window_bits, MIN_WINDOW_BITS, MAX_WINDOW_BITS),
            ("server_max_window_bits", server_max_window_bits, MIN_WINDOW_BITS, MAX_WINDOW_BITS),
            ("compression_level", compression_level, -1, 9),
            ("memory_level", memory_level, 1, 9),
            ("min_compress_size", min_compress_size, 0, None),
        ):
            _check_setting(what, value, least, most)
        self._settings = DeflateParameters(
            client_no_context_takeover=bool(client_no_context_takeover),
            client_max_window_bits=client_max_window_bits,
            server_no_context_takeover=bool(server_no_context_takeover),
            server_max_window_bits=server_max_window_bits,
        )
        self._compression_level = compression_level
        self._memory_level = memory_level
        self._min_compress_size = min_compress_size
        self._agreed: DeflateParameters | None = None
        self._forget_frames()

    def _forget_frames(self) -> None:
        self._inflater: Inflater | None = None
        self._deflater: Deflater | None = None
        self._inbound_control = False  # the frame being received is a control frame
        self._inbound_compressed = False  # the message being received is compressed
        self._outbound_compressed = False  # the message being sent is compressed

    @property
    def _in_force(self) -> DeflateParameters:
        return self._agreed or self._settings

    @property
    def client_no_context_takeover(self) -> bool:
        """The parameter, as agreed or else as set."""
        return self._in_force.client_no_context_takeover

    @property
    def server_no_context_takeover(self) -> bool:
        """The parameter, as agreed or else as set."""
        return self._in_force.server_no_context_takeover

    @property
    def client_max_window_bits(self) -> int:
        """The parameter, as agreed or else as set."""
        return self._in_force.client_max_window_bits or MAX_WINDOW_BITS

    @property
    def server_max_window_bits(self) -> int:
        """The parameter, as agreed or else as set."""
        return self._in_force.server_max_window_bits or MAX_WINDOW_BITS

    def enabled(self) -> bool:
        """Tell whether the handshake agreed on permessage-deflate."""
        return self._agreed is not None

    def reset(self) -> None:
        """Forget what was negotiated: a new handshake begins."""
        self._agreed = None

    def for_connection(self) -> PerMessageDeflate:
        """Return a copy with the agreement made, and with zlib state of its own."""
        bound = object.__new__(type(self))
        bound.__dict__.update(self.__dict__)
        bound._forget_frames()
        # A class of a user's own may do more in the three hooks.
        bound.inbound_rest = Inflater.unit if type(self) is PerMessageDeflate else 0
        return bound

    def offer(self) -> bool | str:
        """Return the parameters of a client's offer (RFC 7692 7.1), both window sizes among them.

        :raises LocalProtocolError: for a client's window of 8 bits, with which zlib cannot deflate.
        """
        if self._settings.client_max_window_bits == MIN_WINDOW_BITS:
            raise LocalValueError(f"zlib cannot deflate with client_max_window_bits={MIN_WINDOW_BITS}")
        settings = self._settings
        return str(
            DeflateParameters(
                client_no_context_takeover=settings.client_no_context_takeover,
                client_max_window_bits=settings.client_max_window_bits or MAX_WINDOW_BITS,
                server_no_context_takeover=settings.server_no_context_takeover,
                server_max_window_bits=settings.server_max_window_bits or MAX_WINDOW_BITS,
            )
        )

    def accept(self, offer: str) -> bool | str | None:
        """Return the parameters of a server's answer to `offer`, or None to decline it (RFC 7692 7.1)."""
        self._agreed = None
        try:
            self._agreed = answer_offer(parse(offer, answer=False), self._settings)
        except NegotiationError:
            return None
        return str(self._agreed)

    def finalize(self, response: str) -> None:
        """Take in the server's answer (RFC 7692 7.1).

        :raises RemoteProtocolError: for an answer that is invalid, or weaker than what was offered.
        """
        self._agreed = None
        try:
            self._agreed = check_answer(parse(response, answer=True), self._settings)
        except NegotiationError as error:
            raise RemoteProtocolError(f"Bad answer to permessage-deflate: {error}") from error

    def frame_inbound_header(
        self,
        proto: Codec,
        opcode: Opcode,
        rsv: RsvBits,
        payload_length: int,
    ) -> CloseReason | RsvBits:
        """Claim RSV1 of a message's first frame; elsewhere it is an error (RFC 7692 6.1)."""
        self._inbound_control = opcode >= Opcode.CLOSE
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            self._inbound_compressed = rsv.rsv1
            return RSV1
        return CloseReason.PROTOCOL_ERROR if rsv.rsv1 else NO_RSV

    @property
    def inbound_pending(self) -> bool:  # type: ignore[override]
        """Whether there is more to come of what was passed in before."""
        return self._inflater is not None and self._inflater.pending

    @property
    def inbound_unit(self) -> int:  # type: ignore[override]
        """What zlib is to be given at a time; what is not compressed may come as it does."""
        return Inflater.unit if self._inbound_compressed else 0

    def frame_inbound_payload_data(self, proto: Codec, data: bytes) -> bytes | CloseReason:
        """Inflate a piece of a compressed message (RFC 7692 7.2.2), to at most `inbound_limit` bytes."""
        if self._inbound_control or not self._inbound_compressed:
            return data
        try:
            return self._inflater_of(proto).inflate(data, self.inbound_limit)
        except InflateError:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA

    def frame_inbound_complete(self, proto: Codec, fin: bool) -> bytes | CloseReason | None:
        """Inflate the end of a compressed message (RFC 7692 7.2.2), to at most `inbound_limit` bytes."""
        if self._inbound_control or not self._inbound_compressed or not fin:
            return None
        try:
            return self._inflater_of(proto).finish(self.inbound_limit)
        except InflateError:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA

    def frame_inbound_rest(self, proto: Codec, data: bytes, limit: int) -> bytes | CloseReason:
        """Inflate the rest of a message, or all of it (RFC 7692 7.2.2), to at most `limit` bytes."""
        self._inbound_control = False
        self._inbound_compressed = True
        try:
            return (self._inflater or self._inflater_of(proto)).inflate_rest(data, limit)
        except InflateError:
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA

    def end_inbound(self) -> None:
        """Let go of the inflater, and of what it has not read."""
        self._inflater = None

    def _inflater_of(self, proto: Codec) -> Inflater:
        if self._inflater is None:
            self._inflater = (
                Inflater(self.server_max_window_bits, context_takeover=not self.server_no_context_takeover)
                if proto.client
                else Inflater(
                    self.client_max_window_bits, context_takeover=not self.client_no_context_takeover
                )
            )
        return self._inflater

    def frame_outbound(
        self, proto: Codec, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
    ) -> tuple[RsvBits, bytes]:
        """Deflate a frame of a message, and mark the message's first one with RSV1 (RFC 7692 6.1, 7.2.1)."""
        if opcode >= Opcode.CLOSE:
            return rsv, data
        if opcode is not Opcode.CONTINUATION:
            self._outbound_compressed = not fin or len(data) >= self._min_compress_size
            if self._outbound_compressed:
                rsv = RSV1 if rsv is NO_RSV else RsvBits(True, *rsv[1:])
        if not self._outbound_compressed:
            return rsv, data
        return rsv, self._deflater_of(proto).deflate(data, fin=fin)

    def _deflater_of(self, proto: Codec) -> Deflater:
        if self._deflater is None:
            bits, takeover = (
                (self.client_max_window_bits, not self.client_no_context_takeover)
                if proto.client
                else (self.server_max_window_bits, not self.server_no_context_takeover)
            )
            self._deflater = Deflater(
                max(bits, MIN_DEFLATE_WINDOW_BITS),
                context_takeover=takeover,
                level=self._compression_level,
                memory_level=self._memory_level,
            )
        return self._deflater

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {self._in_force}>"


RSV1 = RsvBits(rsv1=True, rsv2=False, rsv3=False)


def _check_setting(what: str, value: object, least: int, most: int | None) -> None:
    """Refuse a setting that is no int of at least `least` and at most `most`."""
    if value is None and what.endswith("_bits"):
        return
    if not isinstance(value, int):
        raise LocalTypeError(f"{what} must be an int, not {value!r}")
    if value < least or (most is not None and value > most):
        bound = f"at least {least}" if most is None else f"{least} to {most}"
        raise LocalValueError(f"{what} must be {bound}, not {value}")


SUPPORTED_EXTENSIONS: dict[str, type[Extension]] = {PerMessageDeflate.name: PerMessageDeflate}
"""Every extension of this library, by name."""
