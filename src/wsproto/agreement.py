"""What a finished opening handshake leaves to the connection that it opens."""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from .extensions import Extension


class Agreement(NamedTuple):
    """All that the two sides agreed on, and what came behind it already."""

    extensions: list[Extension]
    """Those in use, in the order of the response: the objects of this one connection."""
    trailing_data: bytes
    """Bytes behind the handshake, for the connection to read."""
    eof: bool
    """Whether the transport ended behind them."""


def agreed(extensions: list[Extension], trailing_data: bytes, *, eof: bool = False) -> Agreement:
    """Bind the extensions that were agreed on to one connection."""
    if extensions:
        extensions = [extension.for_connection() for extension in extensions if extension.enabled()]
    return Agreement(extensions, trailing_data, eof)
