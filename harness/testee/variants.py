"""The variants of the library's testee: configurations that lead through different paths of the library."""

from __future__ import annotations

from copy import copy
from dataclasses import dataclass
from typing import TYPE_CHECKING, Final

from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.frame_protocol import CloseReason, Opcode, RsvBits
from wsproto.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from harness.setups import Variant

QUICK = 1
"""The compression level of the variant that plays the whole suite: by default it takes a quarter longer."""

MAX_FRAGMENTS = 100_000
"""Fragments of the longest message in the variant `limits`: as many as the extra case with most has."""

NO_BITS = RsvBits(rsv1=False, rsv2=False, rsv3=False)
RSV2 = RsvBits(rsv1=False, rsv2=True, rsv3=False)

FLIPPED: Final = bytes(255 - byte for byte in range(256))
"""Turns every bit of a byte."""


class FlippedBits(Extension):
    """An extension of one's own, `x-flipped-bits`: turns every bit of data frames, which it marks by RSV2."""

    name = "x-flipped-bits"

    def __init__(self) -> None:
        self._agreed = False
        self._flips = False

    def enabled(self) -> bool:
        """Tell whether the handshake agreed on it."""
        return self._agreed

    def reset(self) -> None:
        """Forget the last handshake."""
        self._agreed = False

    def for_connection(self) -> FlippedBits:
        """Return a copy: the bits of one connection are not those of another."""
        return copy(self)

    def offer(self) -> bool:
        """Offer it without parameters."""
        return True

    def accept(self, offer: str) -> bool:
        """Accept it without parameters."""
        self._agreed = offer == self.name
        return self._agreed

    def finalize(self, offer: str) -> None:
        """Take in the server's answer."""
        self._agreed = True

    # ruff: noqa: ARG002, FBT001  # the signatures are those of the base

    def frame_inbound_header(
        self, proto: object, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> RsvBits | CloseReason:
        """Account for RSV2, which every data frame has to have."""
        self._flips = not opcode.iscontrol()
        if self._flips and not rsv.rsv2:
            return CloseReason.PROTOCOL_ERROR
        return RSV2 if self._flips else NO_BITS

    def frame_inbound_payload_data(self, proto: object, data: bytes) -> bytes:
        """Turn the bits of a piece of payload."""
        return bytes(data).translate(FLIPPED) if self._flips else data

    def frame_outbound(
        self, proto: object, opcode: Opcode, rsv: RsvBits, data: bytes, fin: bool
    ) -> tuple[RsvBits, bytes]:
        """Turn the bits of a frame that goes out."""
        if opcode.iscontrol():
            return rsv, data
        return rsv._replace(rsv2=True), bytes(data).translate(FLIPPED)


@dataclass(frozen=True)
class Configuration:
    """The settings of a variant; all connections share the objects, as in most programs."""

    limits: Callable[[int], Limits | None] = lambda _: None
    """Makes the limits; it gets the longest message to take, in bytes."""
    joiner_bounds: bool = True
    """Whether the program bounds messages, too; its bound hides where the library forgets one."""
    offers: Sequence[Extension] = (
        PerMessageDeflate(compression_level=QUICK),
        PerMessageDeflate(client_no_context_takeover=True, compression_level=QUICK),
    )
    """The extensions of a client. Autobahn's 13.2, 13.5 and 13.6 ask only for what is offered: two kinds."""
    accepts: Sequence[Extension] = (PerMessageDeflate(compression_level=QUICK),)
    """The extensions of a server."""


CONFIGURATIONS: dict[Variant, Configuration] = {
    "default": Configuration(),
    "pure": Configuration(),  # without the compiled core, which the command of the testee sees to
    "limits": Configuration(
        limits=lambda size: Limits(
            max_message_size=size,
            max_frame_size=size,
            max_fragments=MAX_FRAGMENTS,
            max_inflated_size=2**14,
        ),
        joiner_bounds=False,
        offers=(PerMessageDeflate(), PerMessageDeflate(client_no_context_takeover=True)),
        accepts=(PerMessageDeflate(),),
    ),
    "settings": Configuration(
        offers=(
            PerMessageDeflate(
                client_no_context_takeover=True,
                client_max_window_bits=12,
                compression_level=9,
                memory_level=9,
            ),
            PerMessageDeflate(min_compress_size=64),
            FlippedBits(),
        ),
        accepts=(
            PerMessageDeflate(
                server_no_context_takeover=True,
                server_max_window_bits=12,
                compression_level=9,
                memory_level=9,
                min_compress_size=64,
            ),
            FlippedBits(),
        ),
    ),
}
"""The configuration of each variant."""
