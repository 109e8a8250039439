"""What a case of section H wants beside the usual: each check names what is wrong, or nothing."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.streams.codes import ENABLE_CONNECT_PROTOCOL
from harness.streams.fields import OF_HTTP1, Fields, section_fault, values

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.streams.played import Played

PSEUDO = frozenset({b":method", b":protocol", b":scheme", b":authority", b":path"})
"""The pseudo-headers of an extended CONNECT (RFC 8441 4)."""

_EXTENSIONS = b"sec-websocket-extensions"


def advertised(played: Played) -> str:
    """Have the first SETTINGS allow extended CONNECT."""
    said = played.wire.settings[0].get(ENABLE_CONNECT_PROTOCOL)
    return "" if said == 1 else f"its first SETTINGS have ENABLE_CONNECT_PROTOCOL = {said}, not 1"


def chosen(played: Played) -> str:
    """Have a subprotocol be one of chat and superchat."""
    chosen = values(played.streams[0].answer, b"sec-websocket-protocol")
    good = not chosen or (len(chosen) == 1 and chosen[0] in {b"chat", b"superchat"})
    return "" if good else f"it chose the subprotocol {chosen}, of chat and superchat"


def no_accept(played: Played) -> str:
    """Want no Sec-WebSocket-Accept."""
    got = values(played.streams[0].answer, b"sec-websocket-accept")
    return f"it sent Sec-WebSocket-Accept {got}, which nobody needs (RFC 8441 5)" if got else ""


def clean(played: Played) -> str:
    """Want no field of HTTP/1.1, nor a length, in the response."""
    answer = played.streams[0].answer or ()
    bad = [name.decode() for name, _ in answer if name in OF_HTTP1 | {b"content-length"}]
    return f"its 2xx response to CONNECT has {', '.join(bad)}" if bad else ""


def is_200(played: Played) -> str:
    """Want the status 200."""
    status = played.streams[0].status
    return "" if status == 200 else f"the status is {status}, not 200"


def names_13(played: Played) -> str:
    """Have the refusal name version 13."""
    named = b",".join(values(played.streams[0].answer, b"sec-websocket-version"))
    return (
        ""
        if b"13" in [part.strip() for part in named.split(b",")]
        else "the response does not name version 13"
    )


def no_extension(played: Played) -> str:
    """Want no extension in the response."""
    answered = values(played.streams[0].answer, _EXTENSIONS)
    return f"it answered with {answered}" if answered else ""


def ended(played: Played) -> str:
    """Have the stream end behind the refusal."""
    return "" if played.streams[0].over else "it did not end the stream behind the refusal"


def close_first(played: Played) -> str:
    """Have a Close with 1002 come before the end."""
    stream = played.streams[0]
    if stream.seen.close is None:
        return "no Close came before the end of the stream"
    return "" if stream.seen.code == 1002 else f"the Close has the code {stream.seen.code}, not 1002"


def is_reset(played: Played) -> bool:
    """Tell whether the peer has reset the stream, or stopped it."""
    return played.streams[0].reset is not None or played.streams[0].stopped is not None


def sixty(played: Played) -> str:
    """Have sixty streams open and end."""
    left = sum(one.over_at is None for one in played.streams)
    opened = sum(one.opened for one in played.streams)
    return "" if opened == 60 and not left else f"of {opened} streams that opened, {left} were left open"


def stopped_at(*counts: int) -> Callable[[Played], str]:
    """Have no more bytes come, each time that they were counted, than there was room for."""

    def check(played: Played) -> str:
        over = [(count, most) for count, most in zip(played.counted, counts, strict=False) if count > most]
        return f"{over[0][0]} bytes came where there was room for {over[0][1]}" if over else ""

    return check


def request(played: Played) -> Fields:
    """Return the client's request."""
    return played.streams[0].request


def well_formed(played: Played) -> str:
    """Have the request be an extended CONNECT for a WebSocket."""
    fields = request(played)
    if fault := section_fault(fields, PSEUDO, played.wire.transport_name):
        return fault
    if values(fields, b":method") != [b"CONNECT"] or values(fields, b":protocol") != [b"websocket"]:
        return f"it asks {values(fields, b':method')} with the protocol {values(fields, b':protocol')}"
    versions = values(fields, b"sec-websocket-version")
    return "" if versions == [b"13"] else f"Sec-WebSocket-Version is {versions}, not 13"


def no_http1(played: Played) -> str:
    """Want no field of HTTP/1.1, and no other Host."""
    fields = request(played)
    bad = [name.decode() for name, _ in fields if name in OF_HTTP1]
    hosts, authority = values(fields, b"host"), values(fields, b":authority")
    if hosts and hosts != authority:
        return f"it sends Host {hosts} and ':authority' {authority}"
    return f"it sends {', '.join(bad)}" if bad else ""


def scheme(played: Played) -> str:
    """Have ':scheme' fit the URL."""
    scheme, wanted = values(request(played), b":scheme"), played.values["scheme"]
    return "" if scheme == [wanted.encode()] else f"':scheme' is {scheme}, not {wanted} (RFC 8441 5)"


def fresh_keys(played: Played) -> str:
    """Have every frame have a key of its own."""
    keys = [frame.mask for frame in played.streams[0].seen.frames]
    return "" if len(set(keys)) == len(keys) else "a masking key came twice"


def no_end(played: Played) -> str:
    """Want no end of the stream with the request or the first Close."""
    stream = played.streams[0]
    if stream.ended_with_request:
        return "its CONNECT ends the stream"
    return "its first Close ends the stream" if stream.close_with_end else ""


def no_new_stream(played: Played) -> str:
    """Want no stream behind the GOAWAY."""
    later = [number for number in played.wire.streams if number > played.streams[0].number]
    return f"it opened stream {later[0]} behind the GOAWAY" if later else ""


def got_close(played: Played) -> str:
    """Want a Close."""
    return "" if played.streams[0].seen.close is not None else "no Close came back"
