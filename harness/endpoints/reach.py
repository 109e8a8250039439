"""Opens one WebSocket to the server under test, and says in one line what is wrong with it."""

from __future__ import annotations

import asyncio
import re
import socket
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.case_texts import visible
from harness.extra.frames import text
from harness.extra.heads import ACCEPT, KEY, REQUEST, accept_token, response_fault
from harness.extra.seen import Seen
from harness.streams.codes import ENABLE_CONNECT_PROTOCOL
from tooling.errors import CommandError

if TYPE_CHECKING:
    from harness.endpoints.target import Target
    from harness.extra.heads import Head
    from harness.extra.place import Place
    from harness.extra.wire import Wire
    from harness.streams.driver import Target as StreamTarget

MAX_SHOWN = 120
"""Characters that are shown of what a server says."""

KNOWN_KEY = "dGhlIHNhbXBsZSBub25jZQ=="

GREETING = "Hello"

TRUST = "(--ca FILE trusts its authority, --insecure any certificate)"
"""What helps against a certificate that is not trusted."""

SPOKEN = {"h2": "HTTP/2", "h3": "HTTP/3"}

OF_A_PROXY = {502, 503, 504}
"""The statuses by which a proxy says that the server behind it is gone (RFC 9110 15.6)."""


class UnreachableError(CommandError):
    """No WebSocket can be opened; the message says why, without the URL."""

    slow = False
    """Whether more time could have helped."""


class GoneError(UnreachableError):
    """Nobody accepts connections there."""


@dataclass(frozen=True)
class Reached:
    """A server that answers."""

    name: str
    """Its name and version, as its Server field says; nothing where it has none."""


async def connect(place: Place, timeout: float) -> Wire:
    """Open a connection; raises `UnreachableError`."""
    connecting = asyncio.get_running_loop().create_connection(place.wire, place.host, place.port)
    try:
        _, made = await asyncio.wait_for(connecting, timeout)
    except asyncio.TimeoutError:
        raise _slow(GoneError(f"no connection within {timeout:g} s")) from None
    except (socket.gaierror, UnicodeError) as error:
        why = error.strerror if isinstance(error, socket.gaierror) else str(error)
        raise UnreachableError(f"the host {place.host!r} is not known: {why}") from None
    except OSError as error:
        raise GoneError(f"no connection: {_plain(error)}") from None
    wire: Any = made
    if place.context:
        try:
            await wire.shake_hands(timeout)
        except TimeoutError as error:
            raise _slow(UnreachableError(str(error))) from None
        except OSError as error:
            raise UnreachableError(_of_tls(str(error))) from None
    return made


def _slow(error: UnreachableError) -> UnreachableError:
    error.slow = True
    return error


def _plain(error: OSError) -> str:
    """Say what an error means, in the words of the system alone."""
    if isinstance(error, ConnectionRefusedError) or "Errno 111" in str(error):
        return "refused, nobody listens there"
    return (error.strerror or str(error)).lower()


def _of_tls(error: str) -> str:
    if "certificate verify failed" in error:
        return f"{error} {TRUST}"
    if "wrong version number" in error or "record layer" in error:
        return f"{error} (it does not seem to speak TLS: ws://?)"
    return error


async def reach(target: Target, timeout: float) -> Reached:
    """Open a WebSocket, and have a text come back; raises `UnreachableError`, which names the URL."""
    try:
        return await _reach(target.place, timeout)
    except UnreachableError as error:
        raise type(error)(f"{target.url}: {error}") from None


async def offers_streams(target: StreamTarget, timeout: float) -> None:
    """Have a server allow extended CONNECT in its first SETTINGS; raises `UnreachableError`."""
    try:
        wire = await target.connect(None, timeout)
    except OSError as error:
        if isinstance(error, ssl.SSLError):
            raise UnreachableError(_of_tls(str(error))) from None
        if "certificate" in str(error):  # of QUIC, which has its own words
            raise UnreachableError(f"{error} {TRUST}") from None
        raise UnreachableError(f"it does not speak {SPOKEN[target.transport]}: {error}") from None
    allowed = wire.settings[0].get(ENABLE_CONNECT_PROTOCOL)
    wire.end()
    if allowed != 1:
        rule = "RFC 8441 3" if target.transport == "h2" else "RFC 9220 3"
        said = f"it speaks {SPOKEN[target.transport]}, but its first SETTINGS do not allow extended CONNECT"
        raise UnreachableError(f"{said} ({rule})")


async def still_answers(target: Target, timeout: float) -> None:
    """Have the server answer a request, with whatever status; raises `UnreachableError` where it does not."""
    wire = await connect(target.place, timeout)
    try:
        await _ask(wire, target.place)
        head = await wire.read_head(timeout)
        if head and head.status in OF_A_PROXY:
            raise GoneError(f"a request is answered by {visible(head.start)[:MAX_SHOWN]!r}")
        if not head and not wire.unread and not wire.ended:
            raise UnreachableError(f"a request was not answered within {timeout:g} s")
    finally:
        wire.abort()


async def _ask(wire: Wire, place: Place) -> Head:
    request = place.asked(REQUEST)
    await wire.send(request.encode(host=place.authority, key=KNOWN_KEY))
    return request


async def _reach(place: Place, timeout: float) -> Reached:
    wire = await connect(place, timeout)
    try:
        request = await _ask(wire, place)
        head = await wire.read_head(timeout)
        if head is None:
            raise UnreachableError(_no_head(wire, timeout))
        _check(head, request)
        await _check_echo(wire, timeout)
        server = " ".join(head.values("Server"))
    finally:
        wire.abort()
    return Reached(visible(server)[:MAX_SHOWN])


def _no_head(wire: Wire, timeout: float) -> str:
    said = bytes(wire.unread[:MAX_SHOWN])
    if said.startswith(b"\x15\x03"):
        return "it answers with an alert of TLS (wss://?)"
    if said:
        return f"it does not answer by HTTP, but with {said[:40]!r}"
    if wire.ended:
        return "it ended the connection without an answer to the opening handshake"
    return f"it did not answer the opening handshake within {timeout:g} s"


def _check(head: Head, request: Head) -> None:
    if not re.match(r"HTTP/1\.\d \d{3}", head.start):
        raise UnreachableError(f"it does not answer by HTTP/1.1, but with {head.start[:40]!r}")
    if head.status != 101:
        where = "".join(f", Location: {value}" for value in head.values("Location"))
        said = visible(head.start + where)[:MAX_SHOWN]
        raise UnreachableError(f"it does not open a WebSocket: it answers {said!r}, not 101 (RFC 6455 4.2.2)")
    if fault := response_fault(head, KNOWN_KEY, request):
        wanted = (
            f", not {accept_token(KNOWN_KEY)!r} for the {KEY} {KNOWN_KEY!r}" if fault.field == ACCEPT else ""
        )
        raise UnreachableError(
            f"its 101 is wrong: {visible(fault.text)[:MAX_SHOWN]}{wanted} (RFC 6455 4.2.2)"
        )


async def _check_echo(wire: Wire, timeout: float) -> None:
    """Have anything come back for a text: what it is, the cases judge."""
    seen = Seen("server")
    await wire.send(wire.encode([text(GREETING)]))
    with suppress(ssl.SSLError):
        await wire.read_frames(seen, lambda: bool(seen.frames or seen.ended or seen.fault), timeout)
    if not seen.frames and not seen.fault and not seen.ended:
        raise UnreachableError(
            f"nothing came back within {timeout:g} s for the text {GREETING!r}: the cases need an echo"
        )
