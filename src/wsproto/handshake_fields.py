"""Header fields of an opening handshake, over any transport: reading the peer's, checking our own."""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from .errors import LocalTypeError, LocalValueError, RemoteProtocolError
from .events import RejectConnection
from .header_grammar import GrammarError, is_extension, is_field_value, is_token, split_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .typing import Headers

WEBSOCKET_VERSION = b"13"
"""The one version of the protocol (RFC 6455 4.1)."""

# What the library writes itself, or what would give the handshake a body.
RESERVED = frozenset(
    {
        b"connection",
        b"content-length",
        b"host",
        b"sec-websocket-accept",
        b"sec-websocket-extensions",
        b"sec-websocket-key",
        b"sec-websocket-protocol",
        b"sec-websocket-version",
        b"transfer-encoding",
        b"upgrade",
    }
)


def refused(message: str, status_code: int = 400, headers: Headers | None = None) -> RemoteProtocolError:
    """Make the error for a handshake message that breaks the protocol, with the response that says so."""
    return RemoteProtocolError(
        message, event_hint=RejectConnection(status_code=status_code, headers=headers or [])
    )


def collected(headers: Iterable[tuple[bytes, bytes]]) -> dict[bytes, list[bytes]]:
    """Collect the values of each name, which is in lower case already, in order."""
    fields: dict[bytes, list[bytes]] = {}
    for name, value in headers:
        if name in fields:
            fields[name].append(value)
        else:
            fields[name] = [value]
    return fields


@cache
def _key_of(name: str) -> bytes:
    """Return the key in `collected` fields of one of the handshake's headers."""
    return name.lower().encode()


def single(fields: dict[bytes, list[bytes]], name: str) -> bytes | None:
    """Return the value of a header that occurs at most once (RFC 6455 11.3), or None.

    :raises RemoteProtocolError: where it occurs more often.
    """
    values = fields.get(_key_of(name))
    if values is None:
        return None
    if len(values) > 1:
        raise refused(f"Header {name!r} occurs {len(values)} times, at most one is permitted (RFC 6455 11.3)")
    return values[0]


def required(fields: dict[bytes, list[bytes]], name: str) -> bytes:
    """Return the value of a header that occurs exactly once.

    :raises RemoteProtocolError: where it does not.
    """
    value = single(fields, name)
    if value is None:
        raise refused(f"Missing header, {name!r}")
    return value


def list_of(
    fields: dict[bytes, list[bytes]], name: str, *, well_formed: Callable[[bytes], bool], rule: str
) -> list[bytes]:
    """Return the elements of a list over all lines of a header; empty ones count for nothing.

    RFC 9110 5.6.1.2 says so, and RFC 6455's `1#` is that of RFC 2616 2.1, which permits null elements.

    :param well_formed: what each element has to be.
    :param rule: where that is written.
    :raises RemoteProtocolError: for one that is not.
    """
    found: list[bytes] = []
    try:
        for value in fields.get(_key_of(name), ()):
            found += split_list(value)
    except GrammarError as error:
        raise refused(f"Bad header {name!r}: {error}") from error
    for element in found:
        if not well_formed(element):
            raise refused(f"Bad header {name!r}: {element!r} does not follow its grammar ({rule})")
    return found


def names_of(
    fields: dict[bytes, list[bytes]], name: str, *, well_formed: Callable[[bytes], bool], rule: str
) -> list[str]:
    """Return the elements of a header that, where it is there, has one at least (RFC 6455 4.3, 9.1).

    :raises RemoteProtocolError: where it has none, or one that is not `well_formed`.
    """
    if _key_of(name) not in fields:
        return []
    found = list_of(fields, name, well_formed=well_formed, rule=rule)
    if not found:
        raise refused(f"Bad header {name!r}: it has no element ({rule})")
    return [element.decode("ascii") for element in found]


def extensions_of(fields: dict[bytes, list[bytes]]) -> list[str]:
    """Return the elements of `Sec-WebSocket-Extensions`, each with its parameters (RFC 6455 9.1).

    :raises RemoteProtocolError: for one that does not follow the grammar.
    """
    return names_of(fields, "Sec-WebSocket-Extensions", well_formed=is_extension, rule="RFC 6455 9.1")


def checked_headers(
    headers: Iterable[tuple[bytes, bytes]], *, permitted: frozenset[bytes] = frozenset()
) -> Headers:
    """Return the application's header fields as bytes, safe to be written (RFC 9110 5).

    :param permitted: names among `RESERVED` that the application may give all the same.
    :raises LocalProtocolError: for a name that is not a token or is the library's, or for a value that does
        not stay on its line.
    """
    result = []
    for field in headers:
        try:
            name, value = (
                part.encode("ascii") if isinstance(part, str) else bytes(memoryview(part)) for part in field
            )
        except (TypeError, ValueError) as error:
            raise LocalTypeError(f"A header field must be a pair of bytes, not {field!r}") from error
        if not is_token(name):
            raise LocalValueError(f"{name!r} cannot be the name of a header (RFC 9110 5.1)")
        if not is_field_value(value):
            raise LocalValueError(f"{value!r} cannot be the value of a header (RFC 9110 5.5)")
        if name.lower() in RESERVED and name.lower() not in permitted:
            raise LocalValueError(f"Header {name.decode()!r} is written by the library, or has no place here")
        result.append((name, value))
    return result


def checked_extension(element: str) -> bytes:
    """Return an extension with its parameters as bytes, safe to be written (RFC 6455 9.1).

    :raises LocalProtocolError: where it does not follow the grammar.
    """
    encoded = element.encode("utf-8", "surrogatepass")
    if not is_extension(encoded):
        raise LocalValueError(f"{element!r} is not an extension with its parameters (RFC 6455 9.1)")
    return encoded
