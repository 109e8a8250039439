"""Negotiating permessage-deflate (RFC 7692 5, 7): pure functions from offers and answers to agreements.

An offer that cannot be met is declined, an answer that may not stand fails the handshake. Whose window:

    server_*    how the server deflates, so how the client inflates
    client_*    how the client deflates, so how the server inflates
"""

from __future__ import annotations

from typing import NamedTuple

from .header_grammar import GrammarError, parse_extension

MAX_WINDOW_BITS = 15
MIN_WINDOW_BITS = 8
MIN_DEFLATE_WINDOW_BITS = 9  # zlib inflates raw data with a window of 8 bits, but cannot deflate with it

_NO_VALUE = ("client_no_context_takeover", "server_no_context_takeover")
_WINDOW_BITS = ("client_max_window_bits", "server_max_window_bits")
_WINDOW_BITS_VALUES = {str(bits): bits for bits in range(MIN_WINDOW_BITS, MAX_WINDOW_BITS + 1)}


class NegotiationError(ValueError):
    """An offer or an answer that cannot be accepted."""


class DeflateParameters(NamedTuple):
    """The four parameters of RFC 7692 7.1; None stands for a window that is not named."""

    client_no_context_takeover: bool = False
    client_max_window_bits: int | None = None
    server_no_context_takeover: bool = False
    server_max_window_bits: int | None = None
    client_max_window_bits_named: bool = False
    """Whether an offer names `client_max_window_bits`, with or without a value (7.1.2.2)."""

    def __str__(self) -> str:
        """Return the parameters as they stand behind the extension's name."""
        windows = [f"{name}={bits}" for name in _WINDOW_BITS if (bits := getattr(self, name)) is not None]
        if self.client_max_window_bits_named and self.client_max_window_bits is None:
            windows.insert(0, "client_max_window_bits")
        return "; ".join([*windows, *(name for name in _NO_VALUE if getattr(self, name))])

    def of_side(self, *, client: bool) -> tuple[int, bool]:
        """Return the window with which a side deflates, and whether it takes its context over."""
        if client:
            return self.client_max_window_bits or MAX_WINDOW_BITS, not self.client_no_context_takeover
        return self.server_max_window_bits or MAX_WINDOW_BITS, not self.server_no_context_takeover


def parse(element: str, *, answer: bool) -> DeflateParameters:
    """Read an offer, or an answer, of permessage-deflate (RFC 7692 7.1).

    :raises NegotiationError: for a parameter that is unknown, repeated, or has a value that it must not have.
    """
    try:
        _, parameters = parse_extension(element.encode("ascii"))
    except (GrammarError, UnicodeEncodeError) as error:
        raise NegotiationError(str(error)) from error
    values: dict[str, int | bool | None] = {}
    for name, value in parameters:
        if name in values:
            raise NegotiationError(f"{name} is repeated in {element!r} (RFC 7692 7.1)")
        if name in _NO_VALUE:
            if value is not None:
                raise NegotiationError(f"{name} takes no value, not {value!r} (RFC 7692 7.1.1)")
            values[name] = True
        elif name not in _WINDOW_BITS:
            raise NegotiationError(f"{name!r} is no parameter of permessage-deflate (RFC 7692 7.1)")
        elif value in _WINDOW_BITS_VALUES:
            values[name] = _WINDOW_BITS_VALUES[value]
        elif value is None and name == "client_max_window_bits" and not answer:
            values[name] = None  # RFC 7692 7.1.2.2: an offer may leave the value out
        else:
            raise NegotiationError(f"{name} must be 8 to 15, not {value!r} (RFC 7692 7.1.2)")
    return DeflateParameters(client_max_window_bits_named="client_max_window_bits" in values, **values)  # type: ignore[arg-type]


def answer_offer(offer: DeflateParameters, own: DeflateParameters) -> DeflateParameters:
    """Decide on the answer of a server with the settings `own` (RFC 7692 7.1).

    A parameter that the client named is answered; beyond those, one that the settings ask for. Never
    `client_max_window_bits` unasked (7.1.2.2).

    :raises NegotiationError: where the server would have to deflate with a window of 8 bits.
    """
    server_bits = _smaller(offer.server_max_window_bits, own.server_max_window_bits)
    if server_bits == MIN_WINDOW_BITS:
        raise NegotiationError("zlib cannot deflate with server_max_window_bits=8")
    client_bits = None
    if offer.client_max_window_bits_named:
        client_bits = _smaller(offer.client_max_window_bits, own.client_max_window_bits) or MAX_WINDOW_BITS
    return DeflateParameters(
        client_no_context_takeover=offer.client_no_context_takeover or own.client_no_context_takeover,
        client_max_window_bits=client_bits,
        server_no_context_takeover=offer.server_no_context_takeover or own.server_no_context_takeover,
        server_max_window_bits=server_bits,
    )


def check_answer(answer: DeflateParameters, own: DeflateParameters) -> DeflateParameters:
    """Hold a server's answer against what a client with the settings `own` offered (RFC 7692 7.1).

    :raises NegotiationError: where the answer is weaker than the offer, or this side would have to deflate
        with a window of 8 bits.
    """
    if own.server_no_context_takeover and not answer.server_no_context_takeover:
        raise NegotiationError(
            "server_no_context_takeover was offered, the answer lacks it (RFC 7692 7.1.1.1)"
        )
    asked, answered = own.server_max_window_bits or MAX_WINDOW_BITS, answer.server_max_window_bits
    if (answered or MAX_WINDOW_BITS) > asked:
        raise NegotiationError(
            f"server_max_window_bits={asked} was offered, not {answered} (RFC 7692 7.1.2.1)"
        )
    client_bits = _smaller(answer.client_max_window_bits, own.client_max_window_bits)
    if client_bits == MIN_WINDOW_BITS:
        raise NegotiationError("zlib cannot deflate with client_max_window_bits=8")
    client_no_takeover = answer.client_no_context_takeover or own.client_no_context_takeover
    return answer._replace(client_no_context_takeover=client_no_takeover, client_max_window_bits=client_bits)


def _smaller(first: int | None, second: int | None) -> int | None:
    """Return the smaller of two window sizes, either of which may be unnamed."""
    named = [bits for bits in (first, second) if bits is not None]
    return min(named) if named else None
