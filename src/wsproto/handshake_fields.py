"""Header fields of the opening handshake: collecting the peer's, checking our own, refusing a message."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .errors import LocalTypeError, LocalValueError, RemoteProtocolError
from .events import RejectConnection
from .header_grammar import GrammarError, is_extension, is_field_value, is_protocol, is_token, split_list

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from .limits import Limits
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
        fields.setdefault(name, []).append(value)
    return fields


def single(fields: dict[bytes, list[bytes]], name: str) -> bytes | None:
    """Return the value of a header that occurs at most once (RFC 6455 11.3), or None.

    :raises RemoteProtocolError: where it occurs more often.
    """
    values = fields.get(name.lower().encode())
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


def elements(values: Iterable[bytes], name: str) -> list[bytes]:
    """Return the elements of a list over all lines of a header; there are no empty ones (RFC 6455 4.3).

    :raises RemoteProtocolError: for a list that does not follow its grammar.
    """
    found = []
    for value in values:
        try:
            found += split_list(value)
        except GrammarError as error:
            raise refused(f"Bad header {name!r}: {error}") from error
    if not all(found):
        raise refused(f"Bad header {name!r}: {list(values)!r} has an empty element (RFC 6455 4.3)")
    return found


def options(
    fields: dict[bytes, list[bytes]], name: str, *, well_formed: Callable[[bytes], bool]
) -> list[bytes]:
    """Return the elements of a list over all lines of a header, in lower case; empty ones count for nothing.

    :param well_formed: what each element has to be (RFC 9110 5.6.1.2, 7.6.1, 7.8).
    :raises RemoteProtocolError: for one that is not.
    """
    values = fields.get(name.lower().encode(), [])
    try:
        found = [element.lower() for value in values for element in split_list(value) if element]
    except GrammarError as error:
        raise refused(f"Bad header {name!r}: {error}") from error
    for element in found:
        if not well_formed(element):
            raise refused(f"Bad header {name!r}: {element!r} does not follow its grammar (RFC 9110 7)")
    return found


def connection_upgrades(fields: dict[bytes, list[bytes]]) -> list[bytes]:
    """Return the protocols of `Upgrade`, which `Connection` has to name (RFC 6455 4.1, 4.2.1).

    :raises RemoteProtocolError: where `websocket` is not among them.
    """
    if b"upgrade" not in options(fields, "Connection", well_formed=is_token):
        raise refused("Missing header, 'Connection: Upgrade'")
    protocols = options(fields, "Upgrade", well_formed=is_protocol)
    if b"websocket" not in protocols:
        raise refused("Missing header, 'Upgrade: websocket'")
    return protocols


def extension_elements(values: Iterable[bytes]) -> list[str]:
    """Return the elements of `Sec-WebSocket-Extensions`, each with its parameters (RFC 6455 9.1).

    :raises RemoteProtocolError: for one that does not follow the grammar.
    """
    found = elements(values, "Sec-WebSocket-Extensions")
    for element in found:
        if not is_extension(element):
            raise refused(
                f"Bad header 'Sec-WebSocket-Extensions': {element!r} is no extension (RFC 6455 9.1)"
            )
    return [element.decode("ascii") for element in found]


def judge_head_size(headers: Iterable[tuple[bytes, bytes]], limits: Limits) -> None:
    """Hold the header lines of a request or response to the limits.

    :raises RemoteProtocolError: with the hint 431.
    """
    count = 0
    for name, value in headers:
        count += 1
        if len(name) + len(value) + 2 > limits.max_header_line_size:
            raise refused(f"Header {name[:40]!r} is longer than {limits.max_header_line_size} bytes", 431)
    if count > limits.max_headers:
        raise refused(f"{count} header lines, at most {limits.max_headers} are permitted", 431)


def checked_headers(
    headers: Iterable[tuple[bytes, bytes]], *, permitted: frozenset[bytes] = frozenset()
) -> Headers:
    """Return the application's header fields as bytes, safe to be written (RFC 9110 5).

    :param permitted: names among `RESERVED` that the application may give all the same.
    :raises LocalProtocolError: for a name that is no token or is the library's, or for a value that does not
        stay on its line.
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
            raise LocalValueError(f"{name!r} is no name of a header (RFC 9110 5.1)")
        if not is_field_value(value):
            raise LocalValueError(f"{value!r} is no value of a header (RFC 9110 5.5)")
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
        raise LocalValueError(f"{element!r} is no extension with its parameters (RFC 6455 9.1)")
    return encoded


def written_head(first_line: bytes, headers: Headers) -> bytes:
    """Write the head of a request or response."""
    return b"\r\n".join([first_line, *[name + b": " + value for name, value in headers], b"", b""])
