"""Every bound that the library puts on what a peer can make it hold or do (RFC 6455 10.4)."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from functools import cached_property
from typing import Any

from .errors import LocalTypeError, LocalValueError


def checked_int(name: str, value: Any, least: int, most: int | None = None) -> int:
    """Return a setting, which has to be an int from `least` to `most`.

    :raises LocalProtocolError: for another value, also a `ValueError`, or type, also a `TypeError`.
    """
    if not isinstance(value, int) or isinstance(value, bool):
        raise LocalTypeError(f"{name} must be an int, not {value!r}")
    if value < least or (most is not None and value > most):
        bounds = f"at least {least}" if most is None else f"{least} to {most}"
        raise LocalValueError(f"{name} must be {bounds}, not {value}")
    return value


_LEAST = "least"


def _elsewhere(default: int, *, least: int = 0) -> Any:
    """Make a bound that is judged elsewhere than on the frames of a message."""
    return field(default=default, metadata={_LEAST: least})


@dataclass(frozen=True)
class Limits:
    """Bounds on what a peer may send (RFC 6455 10.4). None stands for no bound; sizes are in bytes.

    Messages are unlimited by default, since the library hands their pieces on as they come and keeps none.
    A frame or message over its limit fails the connection with 1009, a handshake with a
    `RemoteProtocolError` whose hint is a 431, 414 or 400 response.
    """

    max_frame_size: int | None = None
    """Payload of one data frame, checked when its header arrives."""
    max_message_size: int | None = None
    """Payload of one message, after inflating."""
    max_fragments: int | None = None
    """Data frames in one message, empty ones included."""
    max_inflated_size: int = _elsewhere(2**20, least=1)
    """Inflated data in one event; more of it comes in further events."""
    max_handshake_size: int = _elsewhere(2**16)
    """The head of a request or response: its first line and its header fields.

    A chunk's line and the trailer section of a rejection's body (RFC 9112 7.1) have this bound, too.
    """
    max_header_line_size: int = _elsewhere(2**14)  # R9112-3-02
    """The request line (else 414) or one header line (else 431)."""
    max_headers: int = _elsewhere(128)
    """Header lines of a request or response."""
    max_interim_responses: int = _elsewhere(16)
    """Interim responses that a server may send before the final one (RFC 9110 15.2)."""
    max_early_data: int = _elsewhere(2**20)
    """What a client may send after its request, before that is answered."""
    max_reject_body_size: int = _elsewhere(2**20)
    """The body of a response that rejects the handshake."""

    def __post_init__(self) -> None:
        """Check each bound: it has to be at least 0, or 1 where 0 would mean no progress."""
        for bound in fields(self):
            value = getattr(self, bound.name)
            if value is None and bound.default is None:
                continue
            checked_int(bound.name, value, bound.metadata.get(_LEAST, 0))

    @cached_property
    def on_messages(self) -> dict[str, int]:
        """The bounds on frames and messages that are set, by name.

        Every bound belongs to this list unless `_elsewhere` makes it. The fast path asks the list: a bound
        that the fast path does not know keeps all messages off it.
        """
        return {
            bound.name: value
            for bound in fields(self)
            if _LEAST not in bound.metadata and (value := getattr(self, bound.name)) is not None
        }


DEFAULT_LIMITS = Limits()


def checked_limits(limits: Limits | None) -> Limits:
    """Return `limits`, for None the default ones; raises `LocalTypeError` for anything else."""
    if limits is None:
        return DEFAULT_LIMITS
    if not isinstance(limits, Limits):
        raise LocalTypeError(f"limits must be Limits, not {limits!r}")
    return limits
