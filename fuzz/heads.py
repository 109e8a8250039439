"""The input of a handshake target: three bytes of choices, then the bytes that the peer writes."""

from __future__ import annotations

from fuzz.frames import CHOICES, cut
from tests.oracle.judging_handshakes import REQUESTS, assert_client_handles, assert_server_handles
from wsproto import Limits
from wsproto.events import RejectConnection

#: Bits of the first byte.
END_OF_FILE = 0x01
REJECT = 0x02
BODY = 0x04
LENGTH = 0x08  # a body has it, or else comes in chunks

LIMITS = (
    Limits(),
    Limits(max_handshake_size=150, max_header_line_size=40),
    Limits(max_headers=5, max_early_data=0, max_interim_responses=1, max_reject_body_size=4),
)
"""The second byte chooses one of them."""


def judge_request(data: bytes) -> None:
    """Let a server receive the bytes behind the choices of `data`."""
    if len(data) < CHOICES:
        return
    flags, limits, cuts = data[:CHOICES]
    headers = [(b"Content-Length", b"3")] if flags & BODY and flags & LENGTH else []
    reject = RejectConnection(403, headers, has_body=bool(flags & BODY)) if flags & REJECT else None
    assert_server_handles(
        cut(data[CHOICES:], cuts),
        LIMITS[limits % len(LIMITS)],
        eof=bool(flags & END_OF_FILE),
        reject=reject,
    )


def judge_response(data: bytes) -> None:
    """Let a client receive the bytes behind the choices of `data`."""
    if len(data) < CHOICES:
        return
    flags, limits, cuts = data[:CHOICES]
    assert_client_handles(
        cut(data[CHOICES:], cuts),
        LIMITS[limits % len(LIMITS)],
        REQUESTS[flags >> 1 & 3],
        eof=bool(flags & END_OF_FILE),
    )
