"""The record of a peer in a case: its frames, the messages that they make up, and how it ended."""

from __future__ import annotations

import zlib
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from harness.extra import deflating, flipping
from tooling.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, RSV2, TEXT, minimal_form

if TYPE_CHECKING:
    from harness.extra.deflating import Agreement
    from harness.extra.heads import Head
    from harness.roles import Role
    from tooling.frames import Frame

NEVER_SENT = {1004, 1005, 1006, 1015}
"""Close codes that no endpoint may send (RFC 6455 7.4.1)."""

Event = tuple[Any, ...]
"""`("message", payload, is_binary)`, `("ping", payload)` or `("pong", payload)`, as Autobahn has them."""


@dataclass
class Tls:
    """What a peer did in TLS."""

    opened: bool = False
    """Whether the handshake of TLS is complete."""
    server_name: str = ""
    """The host name in a client's SNI (RFC 6066 3)."""
    notified: bool = False
    """Whether it said that it sends no more: its close_notify (RFC 8446 6.1)."""
    fault: str = ""
    """The reason why TLS failed: the peer's alert, or this side's."""


@dataclass
class Seen:
    """All that a peer did; `role` is the role of the peer."""

    role: Role
    head: Head | None = None
    """Its request, or its final response."""
    head_fault: str = ""
    """The name of the field that is at fault in it."""
    interim: list[int] = field(default_factory=list)
    """The status of each interim response of a server."""
    authority: str = ""
    """The address that a client's request went to."""
    next_head: Head | None = None
    """Its response to a second request, where there was one."""
    tls: Tls | None = None
    """Its part in TLS, where the case is over TLS."""
    opened: bool = False
    """Whether there was a WebSocket connection."""
    agreed: Agreement | None = None
    """The permessage-deflate that both sides use."""
    layers: tuple[str, ...] = ()
    """The extensions that both sides use, in the order in which a sent message passes through them."""
    lacking: str = ""
    """The option that the case needs and the peer does not offer or accept."""
    fault: str = ""
    """The first rule that it broke."""
    events: list[Event] = field(default_factory=list)
    frames: list[Frame] = field(default_factory=list)
    close: Frame | None = None
    ended: Literal["", "closed", "reset"] = ""
    """How it ended the TCP connection, if it did."""
    failed: bool = False
    """Whether it closed or ended the connection on its own, before the harness did."""
    left_first: bool = False
    """Whether a client ended the TCP connection before the server did, after both Closes."""
    reset: bool = False
    """Whether it ended the TCP connection by RST."""
    late: str = ""
    """The step that it took late, or not at all, and the rule."""
    begins_close: bool = False
    """Whether it was to send the first Close; then it still has to answer pings (RFC 6455 5.5.2)."""
    answered_at: float | None = None
    """The time of its last message or pong."""
    close_at: float | None = None
    """The time of its Close."""
    came_at: list[float] = field(default_factory=list)
    """The time of each of its messages."""
    counts: Counter[str] = field(default_factory=Counter)
    """How many messages, pings and pongs there were."""
    rounds: int = 1
    """How often the frames of the case were sent."""
    growth: int | None = None
    """Bytes that its memory grew by at most, where that was measured."""
    known_keys: set[str] = field(default_factory=set)
    """The keys of its earlier requests."""

    _parts: list[Frame] = field(default_factory=list)
    _inflater: deflating.Inflater | None = None

    @property
    def messages(self) -> list[Event]:
        """Its messages."""
        return [event for event in self.events if event[0] == "message"]

    @property
    def refused_with(self) -> int | None:
        """The status of the response by which a server refused the handshake."""
        refused = self.role == "server" and self.head is not None and not self.opened
        return self.head.status if refused and self.head else None

    @property
    def code(self) -> int | None:
        """The code of its Close."""
        return int.from_bytes(self.close.payload[:2], "big") if self.close and self.close.payload else None

    @property
    def reason(self) -> str:
        """The reason of its Close."""
        return self.close.payload[2:].decode(errors="replace") if self.close else ""

    @property
    def over(self) -> bool:
        """Whether nothing more is to come: it has closed, broken a rule, or gone."""
        return bool(self.close or self.ended or self.fault)

    def agree(self, agreed: Agreement) -> None:
        """Let both sides use permessage-deflate from here on."""
        self.agreed = agreed
        self.layers += (deflating.NAME,)
        self._inflater = deflating.Inflater(agreed.bits(self.role), takes_over=agreed.takes_over(self.role))

    def agree_to_flip(self) -> None:
        """Let both sides use x-flipped-bits from here on."""
        self.layers += (flipping.NAME,)

    def blame(self, fault: str) -> None:
        """Note a broken rule, if it is the first."""
        self.fault = self.fault or fault

    def take(self, frame: Frame, at: float = 0.0) -> None:
        """Take in its next frame, which came at that time."""
        self.frames.append(frame)
        self.blame(self._fault_of(frame))
        if frame.opcode == CLOSE:
            self.close = self.close or frame
            self.close_at = self.close_at or at
        elif frame.opcode in {PING, PONG}:
            self._happened("ping" if frame.opcode == PING else "pong", frame.payload)
            self.answered_at = at
        else:
            self._take_part(frame, at)
            self.answered_at = at

    def _happened(self, kind: str, *what: Any) -> None:
        self.events.append((kind, *what))
        self.counts[kind] += 1

    def _fault_of(self, frame: Frame) -> str:
        if frame.masked != (self.role == "client"):
            return f"it sent a frame {'with' if frame.masked else 'without'} a mask (RFC 6455 5.1)"
        if frame.length_form != minimal_form(len(frame.payload)):
            return f"it wrote a length of {len(frame.payload)} in {frame.length_form} bits (RFC 6455 5.2)"
        if frame.opcode not in {CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG}:
            return f"it sent opcode {frame.opcode} (RFC 6455 5.2)"
        may_compress = self.agreed is not None and frame.opcode in {TEXT, BINARY}
        flipped = RSV2 if flipping.NAME in self.layers and frame.opcode < CLOSE else 0
        if frame.rsv & ~(flipped | (RSV1 if may_compress else 0)):
            return f"it sent reserved bits {frame.rsv:03b} with opcode {frame.opcode} (RFC 6455 5.2)"
        if flipped & ~frame.rsv:
            return f"it sent a data frame without RSV2, which {flipping.NAME} sets (RFC 6455 9.1)"
        if self.close and (fault := self._fault_behind_close(frame)):
            return fault
        if frame.opcode >= CLOSE:
            return self._control_fault(frame)
        if bool(self._parts) != (frame.opcode == CONTINUATION):
            return f"it sent opcode {frame.opcode} {'within' if self._parts else 'without'} a message"
        return ""

    def _fault_behind_close(self, frame: Frame) -> str:
        if frame.opcode < CLOSE:
            return "it sent data after its Close (RFC 6455 5.5.1)"
        if frame.opcode == CLOSE:
            return "it sent a second Close (RFC 6455 5.5.1)"
        if self.begins_close:
            return ""
        what = "ping" if frame.opcode == PING else "pong"
        return f"it sent a {what} after its Close, with which the connection ends (RFC 6455 5.5.1, 7.1.7)"

    def _control_fault(self, frame: Frame) -> str:
        if not frame.fin or len(frame.payload) > 125:
            return "it sent a control frame in fragments or over 125 bytes (RFC 6455 5.5)"
        if frame.opcode != CLOSE or not frame.payload:
            return ""
        code = int.from_bytes(frame.payload[:2], "big")
        if len(frame.payload) == 1 or code in NEVER_SENT or not 1000 <= code < 5000:
            return f"it sent a Close with the code {code} (RFC 6455 7.4)"
        return "" if _is_text(frame.payload[2:]) else "the reason of its Close is not UTF-8 (RFC 6455 5.5.1)"

    def _take_part(self, frame: Frame, at: float) -> None:
        self._parts.append(frame)
        if not frame.fin:
            return
        parts, self._parts = self._parts, []
        payload = b"".join(part.payload for part in parts)
        for layer in reversed(self.layers):
            if layer == flipping.NAME:
                payload = flipping.flip(payload)
            elif parts[0].rsv & RSV1:
                payload = self._inflated(payload)
        is_binary = parts[0].opcode == BINARY
        if not is_binary and not _is_text(payload):
            self.blame("its text is not UTF-8 (RFC 6455 5.6)")
        self._happened("message", payload, is_binary)
        self.came_at.append(at)

    def _inflated(self, payload: bytes) -> bytes:
        assert self._inflater is not None  # noqa: S101  # it is set together with the layer
        try:
            return self._inflater.message(payload)
        except zlib.error as error:
            self.blame(f"its compressed message does not inflate as was agreed: {error}")
            return payload


def _is_text(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True
