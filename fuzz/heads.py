"""The input of a handshake target: three bytes of choices, then the bytes that the peer writes."""

from __future__ import annotations

from fuzz.frames import CHOICES, limits_shown, reads_shown
from tests.oracle.judging_handshakes import REQUESTS, assert_client_handles, assert_server_handles
from tooling.mutation import cut
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


def choices_of_request(data: bytes) -> list[str]:
    """Say what the choices of a server's input mean, a line each."""
    if len(data) < CHOICES:
        return []
    flags = data[0]
    answer = "accepted, with permessage-deflate"
    if flags & REJECT:
        body = (
            "no body"
            if not flags & BODY
            else f"a body {'with its length' if flags & LENGTH else 'in chunks'}"
        )
        answer = f"rejected by 403, {body}"
    return ["role: server", *_common_choices(data), f"a request is: {answer}"]


def choices_of_response(data: bytes) -> list[str]:
    """Say what the choices of a client's input mean, a line each."""
    if len(data) < CHOICES:
        return []
    return ["role: client", *_common_choices(data), f"asked with: {REQUESTS[data[0] >> 1 & 3]}"]


def _common_choices(data: bytes) -> list[str]:
    flags, limits, cuts = data[:CHOICES]
    return [
        f"limits: {limits_shown(LIMITS[limits % len(LIMITS)])}",
        f"reads: {reads_shown(cut(data[CHOICES:], cuts))}",
        f"end of file behind it: {'yes' if flags & END_OF_FILE else 'no'}",
    ]


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
