"""Header fields of an opening handshake, over any transport: reading the peer's, checking our own.

Here and in the modules that read and write whole messages, a field of the peer's that breaks a rule raises
`RemoteProtocolError` with the response that says so, and a value of the application's that cannot be written
raises `LocalProtocolError`.
"""

from __future__ import annotations

from functools import cache
from typing import TYPE_CHECKING

from .errors import LocalTypeError, LocalValueError, RemoteProtocolError
from .events import RejectConnection
from .header_grammar import GrammarError, is_extension, is_field_value, is_protocol, is_token, split_list

if TYPE_CHECKING:
    from collections.abc import Iterable

    from .limits import Limits
    from .typing import Headers

Fields = dict[bytes, list[bytes]]  # the values of each header in order, by its name in lower case

WEBSOCKET_VERSION = b"13"  # R6455-4.1-34
"""The one version of the protocol (RFC 6455 4.1)."""

FRAMING = frozenset({b"content-length", b"transfer-encoding"})  # they say how long a message is
UPGRADING = frozenset({b"connection", b"upgrade"})
NEGOTIATING = frozenset({b"sec-websocket-protocol", b"sec-websocket-extensions"})
PROVING = frozenset({b"sec-websocket-key", b"sec-websocket-accept"})
# Fields that have a place of their own in the events, or say nothing to an application.
NOT_EXTRA_IN_REQUEST = NEGOTIATING | {b"host"}
NOT_EXTRA_IN_ACCEPT = NEGOTIATING | UPGRADING | {b"sec-websocket-accept"}
# Fields that the library writes itself, or that would give the handshake a body.
RESERVED = FRAMING | UPGRADING | NEGOTIATING | PROVING | {b"host", b"sec-websocket-version"}
# The grammar of each element of a list, and where it is written.
_GRAMMAR_OF_LIST = {
    "Connection": (is_token, "RFC 9110 7.6.1"),
    "Upgrade": (is_protocol, "RFC 9110 7.8"),
    "Sec-WebSocket-Protocol": (is_token, "RFC 6455 4.1"),
    "Sec-WebSocket-Extensions": (is_extension, "RFC 6455 9.1"),
}


def refused(message: str, status_code: int = 400, headers: Headers | None = None) -> RemoteProtocolError:
    """Make the error for a handshake message that breaks the protocol, with the response that says so."""
    # R6455-4.2.1-01, R6455-10.7-04
    return RemoteProtocolError(message, RejectConnection(status_code, headers or []))


def collected(headers: Iterable[tuple[bytes, bytes]]) -> Fields:
    """Collect the values of each name, which is in lower case already."""
    fields: Fields = {}
    for name, value in headers:
        fields.setdefault(name, []).append(value)
    return fields


def judge_lines(headers: Headers, size: int, limits: Limits) -> None:
    """Hold the header lines of a message, which has up to `size` bytes, to the limits (RFC 6585 5)."""
    if len(headers) > limits.max_headers:  # R9110-5.4-01
        raise refused(f"{len(headers)} header lines, at most {limits.max_headers} are permitted", 431)
    if size <= limits.max_header_line_size:
        return  # as is each of its lines
    for name, value in headers:
        if len(name) + len(value) + 2 > limits.max_header_line_size:
            raise refused(f"Header {name[:40]!r} is longer than {limits.max_header_line_size} bytes", 431)


@cache
def _key_of(name: str) -> bytes:
    return name.lower().encode()


def single(fields: Fields, name: str) -> bytes | None:
    """Return the value of a header that occurs at most once (RFC 6455 11.3), or None."""
    values = fields.get(_key_of(name), ())
    if len(values) > 1:  # R6455-11.3.1-01, R6455-11.3.3-01, R6455-11.3.4-02, R6455-11.3.5-02
        raise refused(f"Header {name!r} occurs {len(values)} times, at most one is permitted (RFC 6455 11.3)")
    return values[0] if values else None


def required(fields: Fields, name: str) -> bytes:
    """Return the value of a header that occurs exactly once."""
    value = single(fields, name)
    if value is None:  # R6455-4.2.1-01
        raise refused(f"Missing header, {name!r}")
    return value


def list_of(fields: Fields, name: str) -> list[bytes]:
    """Return the elements of a list over all lines of a header; empty ones count for nothing.

    RFC 9110 5.6.1.2 says so, and RFC 6455's `1#` is that of RFC 2616 2.1, which permits null elements.
    """
    is_well_formed, rule = _GRAMMAR_OF_LIST[name]
    found: list[bytes] = []
    try:
        # R6455-9.1-02, R6455-11.3.2-01, R6455-11.3.4-01, R9110-5.3-02
        for value in fields.get(_key_of(name), ()):
            found += split_list(value)
    except GrammarError as error:
        raise refused(f"Bad header {name!r}: {error}") from error
    for element in found:
        if not is_well_formed(element):  # R6455-4.3-01, R6455-9.1-01
            raise refused(f"Bad header {name!r}: {element!r} does not follow its grammar ({rule})")
    return found


def names_of(fields: Fields, name: str) -> list[str]:
    """Return the elements of a list that, where its header is there, has one at least (RFC 6455 4.3, 9.1)."""
    if _key_of(name) not in fields:
        return []
    found = list_of(fields, name)
    if not found:  # R6455-9.1-01
        raise refused(f"Bad header {name!r}: it has no element ({_GRAMMAR_OF_LIST[name][1]})")
    return [element.decode("ascii") for element in found]


def checked_headers(headers: Iterable[tuple[bytes, bytes]], reserved: frozenset[bytes]) -> Headers:
    """Return the application's header fields as bytes, safe to be written; none may be `reserved`."""
    result = []
    for field in headers:
        try:
            name, value = (
                part.encode("ascii") if isinstance(part, str) else bytes(memoryview(part)) for part in field
            )
        except (TypeError, ValueError) as error:
            raise LocalTypeError(f"A header field must be a pair of bytes, not {field!r}") from error
        if not is_token(name):  # R9113-8.3-04, R9114-4.3-02
            raise LocalValueError(f"{name!r} cannot be the name of a header (RFC 9110 5.1)")
        if not is_field_value(value):  # R6455-4.1-19, R9112-2.2-06, R9112-5.2-03
            raise LocalValueError(f"{value!r} cannot be the value of a header (RFC 9110 5.5)")
        if name.lower() in reserved:  # R9110-8.6-03, R9110-9.3.6-01, R9113-8.3.1-02
            raise LocalValueError(f"Header {name.decode()!r} is written by the library, or has no place here")
        result.append((name, value))  # R6455-4.1-32, -39
    return result


def written_extension(name: str, parameters: object) -> bytes:
    """Return an extension as bytes, with its parameters where they are a str (RFC 6455 9.1)."""
    element = name + (f"; {parameters}" if isinstance(parameters, str) and parameters else "")
    encoded = element.encode("utf-8", "surrogatepass")
    if not is_extension(encoded):
        raise LocalValueError(f"{element!r} is not an extension with its parameters (RFC 6455 9.1)")
    return encoded
