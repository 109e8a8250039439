"""The two messages of an opening handshake, as far as they are alike over any transport.

A request offers (a client writes it, RFC 6455 4.1, a server reads it, 4.2.1), a response chooses or rejects
(a server writes it, 4.2.2, a client reads it, 4.1).
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from .authority import read_host
from .errors import LocalProtocolError, LocalTypeError, LocalValueError, RemoteProtocolError
from .events import AcceptConnection, RejectConnection, Request
from .handshake_fields import (
    FRAMING,
    NOT_EXTRA_IN_ACCEPT,
    NOT_EXTRA_IN_REQUEST,
    WEBSOCKET_VERSION,
    Fields,
    names_of,
    refused,
    required,
    single,
    written_extension,
)
from .header_grammar import is_token

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from .extensions import Extension
    from .typing import Headers

# A target that is a whole URI: its authority, and its path and query (RFC 9112 3.2.2).
# R6455-3-02
ABSOLUTE = r"(?i:https?|wss?)://([^/?#]*)([^#]*)"  # compiled when a target is not a path
_NOT_IN_TARGET = re.compile(r"[\x00-\x20\x7f#]")


def offer_fields(event: Request) -> tuple[Headers, list[Extension]]:
    """Return the fields in which a client says what it offers, and the offered extensions."""
    headers = [(b"Sec-WebSocket-Version", WEBSOCKET_VERSION)]  # R6455-4.1-33
    if event.subprotocols:
        # R6455-4.1-35, R9110-5.6.3-01
        headers.append((b"Sec-WebSocket-Protocol", b", ".join(_checked_subprotocols(event.subprotocols))))
    offers = []
    offered = []
    for extension in event.extensions:
        if isinstance(extension, str):
            raise LocalTypeError(f"A client offers Extension objects, not the str {extension!r}")
        offer = extension.offer()
        if offer is not False and offer is not None:
            offers.append(written_extension(extension.name, offer))
            offered.append(extension)
    if offers:
        # R6455-4.1-38, R6455-9-01, R7692-5-01, -02
        headers.append((b"Sec-WebSocket-Extensions", b", ".join(offers)))
    return headers, offered


def _checked_subprotocols(subprotocols: list[str]) -> list[bytes]:
    """Return subprotocols as bytes; they are distinct tokens (RFC 6455 4.1)."""
    if isinstance(subprotocols, str):
        raise LocalTypeError(f"Subprotocols must be a list of str, not the str {subprotocols!r}")
    found = []
    for subprotocol in subprotocols:
        if not isinstance(subprotocol, str):
            raise LocalTypeError(f"A subprotocol must be a str, not {subprotocol!r}")
        encoded = subprotocol.encode("utf-8", "surrogatepass")
        if not is_token(encoded):  # R6455-4.1-36, R9110-5.6.1.1-01
            raise LocalValueError(f"Subprotocol {subprotocol!r} is not a token (RFC 6455 4.1)")
        if encoded in found:  # R6455-4.1-37
            raise LocalValueError(f"Subprotocol {subprotocol!r} is given twice (RFC 6455 4.1)")
        found.append(encoded)
    return found


def written_target(target: str) -> bytes:
    """Return `target` as it stands in a request (RFC 6455 3, 4.1).

    An absolute URI stays as it is, all else becomes a path. Beyond ASCII it is UTF-8, percent-encoded (11.1).
    """
    if not isinstance(target, str):
        raise LocalTypeError(f"A target must be a str, not {target!r}")
    if _NOT_IN_TARGET.search(target):  # R6455-3-04, R6455-4.1-04, -19
        raise LocalValueError(
            f"Target {target!r} has white space, a control character or a fragment (RFC 6455 3)"
        )
    # R6455-3-03, R6455-4.1-22, R9112-3.2.1-01
    if not target.startswith("/") and not re.match(ABSOLUTE, target):
        target = "/" + target
    try:
        encoded = target.encode()
    except UnicodeEncodeError as error:
        raise LocalValueError(f"Target {target!r} is not valid Unicode: {error.reason}") from error
    if target.isascii():  # R6455-11.1.1-02, R6455-11.1.2-02
        return encoded  # R6455-3-05
    return b"".join(b"%c" % byte if byte < 0x80 else b"%%%02X" % byte for byte in encoded)


def judge_content(fields: Fields) -> None:
    """Refuse a request that says it has content (RFC 6455 4.1): frames follow it (RFC 9110 7.8, 9.3.6)."""
    length = single(fields, "Content-Length")
    # R9110-7.8-08, R9110-9.3.6-03, R9112-6-01, R9112-6.1-02
    if b"transfer-encoding" in fields or (length is not None and not re.fullmatch(b"0+", length)):
        raise refused("The request has a body (RFC 6455 4.1)")


def judge_version(fields: Fields, status_code: int) -> None:
    """Refuse every version but 13 with a response of this status that names 13 (RFC 6455 4.4)."""
    name = "Sec-WebSocket-Version"
    # R6455-4.2.1-08, R6455-4.2.2-07, R6455-4.3-02, R6455-4.4-01
    if required(fields, name) != WEBSOCKET_VERSION:
        # Users compare the text, which says the same of a version that is missing and of another one.
        raise refused(f"Missing header, {name!r}", status_code, [(name.encode(), WEBSOCKET_VERSION)])


def read_offers(headers: Headers, fields: Fields, host: bytes, target: str) -> Request:
    """Return the event for a request with the fields `headers`, all others in order (RFC 6455 4.2.1)."""
    request = Request(
        host=read_host(host),
        target=target,
        extensions=names_of(fields, "Sec-WebSocket-Extensions"),  # R6455-4.2.1-10
        # R6455-4.2.1-11, R6455-4.2.2-05, R6455-10.2-01, R9110-5.1-01
        extra_headers=[field for field in headers if field[0] not in NOT_EXTRA_IN_REQUEST],
        subprotocols=names_of(fields, "Sec-WebSocket-Protocol"),  # R6455-4.2.1-09
    )
    if len(set(request.subprotocols)) < len(request.subprotocols):
        raise refused(f"Subprotocols {request.subprotocols!r} are not distinct (RFC 6455 4.1)")
    return request


def answer_fields(event: AcceptConnection, request: Request) -> tuple[Headers, list[Extension]]:
    """Return the fields in which a server says what it chose, and the chosen extensions."""
    headers = []
    chosen = event.subprotocol
    if chosen is not None:  # R6455-4.2.2-10
        if chosen not in request.subprotocols:  # R6455-4.2.2-09
            raise LocalValueError(f"unexpected subprotocol {chosen!r}: the client did not offer it")
        headers.append((b"Sec-WebSocket-Protocol", chosen.encode("ascii")))
    answer, extensions = _chosen_extensions(map(str, request.extensions), event.extensions)
    if answer is not None:
        headers.append((b"Sec-WebSocket-Extensions", answer))  # R6455-4.2.2-17, R7692-5-06
    return headers, extensions


def read_answer(
    headers: Headers, fields: Fields, request: Request, offered: Sequence[Extension]
) -> AcceptConnection:
    """Return the event for a response that accepts `request`, of which it may choose (RFC 6455 4.1)."""
    subprotocol = None
    answer = single(fields, "Sec-WebSocket-Protocol")
    if answer is not None:
        # One token, no list (RFC 6455 4.3): commas around it are a fault.
        subprotocol = answer.decode("ascii", "backslashreplace")
        if subprotocol not in request.subprotocols:  # R6455-4.1-47, R6455-4.3-03
            raise refused(f"unrecognized subprotocol {subprotocol}")
    # R6455-11.3.2-02
    single(fields, "Sec-WebSocket-Extensions")  # at most one line (RFC 6455 11.3.2)
    extensions = client_extensions_handshake(names_of(fields, "Sec-WebSocket-Extensions"), offered)
    extra_headers = [field for field in headers if field[0] not in NOT_EXTRA_IN_ACCEPT]
    return AcceptConnection(subprotocol, extensions, extra_headers)


def rejection_fields(event: RejectConnection, own: Headers) -> tuple[Headers, int | None]:
    """Return the application's fields of a rejection with what they lack, and the length that they declare.

    A rejection without a body has a Content-Length of 0, where it may have one (RFC 9110 8.6).
    """
    status = event.status_code
    if not isinstance(status, int):
        raise LocalTypeError(f"A status must be an int, not {status!r}")
    if not 200 <= status <= 999:
        raise LocalValueError(f"A rejection cannot have the status {status} (RFC 9110 15)")
    bodiless = status in (204, 304)
    if bodiless and event.has_body:
        raise LocalValueError(f"A response with the status {status} has no body (RFC 9110 6.4.1)")
    framed = not FRAMING.isdisjoint(name.lower() for name, _ in own)
    if framed and status == 204:  # R9110-8.6-01, R9112-6.1-03
        raise LocalValueError(f"A response with the status {status} has no length (RFC 9110 8.6)")
    lengths = [value for name, value in own if name.lower() == b"content-length"]
    if len(lengths) > 1 or not all(map(bytes.isdigit, lengths)):
        raise LocalValueError(f"Content-Length must be one number, not {lengths!r} (RFC 9110 8.6)")
    length = int(lengths[0]) if lengths else None
    if not event.has_body:
        if length:
            raise LocalValueError("A rejection without a body has a Content-Length of 0")
        if not bodiless and not framed:
            own = [*own, (b"content-length", b"0")]
    return own, length


def server_extensions_handshake(requested: Iterable[str], supported: list[Extension]) -> bytes | None:
    """Choose from a client's offers (RFC 6455 9.1, RFC 7692 5): of each name the first that is accepted.

    :param requested: the offers with their parameters, in the client's order.
    :param supported: the server's extensions; those chosen are `enabled()` afterwards.
    :returns: the value of `Sec-WebSocket-Extensions` to answer with, None for no header.
    :raises LocalProtocolError: for an answer of an extension that cannot be written.
    """
    return _chosen_extensions(requested, supported)[0]


def _chosen_extensions(
    requested: Iterable[str], supported: list[Extension]
) -> tuple[bytes | None, list[Extension]]:
    """Return the header value, and the extensions in the order that it names them."""
    for extension in supported:
        extension.reset()
    answers: dict[str, bytes] = {}
    chosen = []
    for offer in requested:
        name = _name_of(offer)
        if name in answers:  # R6455-9.1-08, R7692-5-03, -08
            continue
        for extension in supported:
            # R6455-4.2.2-11, -12, R6455-9-03
            answer = extension.accept(offer) if extension.name == name else None
            if answer is not None and answer is not False:  # R6455-9-02
                answers[name] = _written_answer(extension, answer, supported)
                chosen.append(extension)
                break
    return b", ".join(answers.values()) if answers else None, chosen


def _written_answer(extension: Extension, answer: object, supported: list[Extension]) -> bytes:
    """Write the answer of one of the supported extensions; where it cannot be written, none is enabled."""
    try:
        return written_extension(extension.name, answer)
    except LocalProtocolError:
        for one in supported:
            one.reset()
        raise


def client_extensions_handshake(accepted: Iterable[str], supported: Sequence[Extension]) -> list[Extension]:
    """Take in what a server has chosen (RFC 6455 4.1, 9.1; RFC 7692 5).

    :param accepted: the answers with their parameters, in the server's order.
    :param supported: the extensions that were offered.
    :returns: those that are in use, in the server's order.
    :raises RemoteProtocolError: for an answer that was not asked for, comes twice, or may not stand.
    """
    for extension in supported:
        extension.reset()
    used: dict[str, Extension] = {}
    for answer in accepted:
        name = _name_of(answer)
        if name in used:  # R7692-5-09
            raise refused(f"Extension {name} is answered twice (RFC 6455 9.1)")
        # R6455-9.1-05
        used[name] = _finalized(answer, [extension for extension in supported if extension.name == name])
    return list(used.values())


def _finalized(answer: str, offered: list[Extension]) -> Extension:
    """Return the first of the offers of one extension that the answer fits (RFC 7692 5)."""
    fault = f"unrecognized extension {_name_of(answer)}"
    for extension in offered:
        try:
            extension.finalize(answer)
        except RemoteProtocolError as error:
            fault = str(error)
        else:
            return extension
    raise refused(fault)  # R6455-4.1-46, R6455-9-04, R7692-5-12


def _name_of(element: str) -> str:
    return element.partition(";")[0].strip(" \t")
