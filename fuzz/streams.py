"""The input of a target for handshakes on streams: two bytes of choices, then the steps of the peer.

Steps end at 0xFE. One that begins with `D` is data, one that begins with `E` the end of the stream. All
others are header sections behind their first byte: fields end at 0xFF, and the first `=` ends a name.
"""

from __future__ import annotations

from fuzz.frames import limits_shown
from fuzz.heads import LIMITS
from tests.oracle.judging_handshakes import REQUESTS
from tests.oracle.judging_streams import Step, assert_client_handles, assert_server_handles
from wsproto import Limits
from wsproto.events import RejectConnection

CHOICES = 2
REJECT = 0x01
BODY = 0x02
STREAM_LIMITS = (
    *LIMITS,
    Limits(max_handshake_size=400, max_header_line_size=60, max_headers=12),
)
"""The second byte chooses one of them."""


def steps_of(data: bytes) -> list[Step]:
    """Read the steps of an input, behind its choices."""
    steps: list[Step] = []
    for step in data[CHOICES:].split(b"\xfe"):
        if step[:1] == b"D":
            steps.append(step[1:])
        elif step[:1] == b"E":
            steps.append(None)
        elif step:
            fields = [field.partition(b"=") for field in step[1:].split(b"\xff") if field]
            steps.append([(name, value) for name, _, value in fields])
    return steps


def written(steps: list[Step], flags: int = 0, limits: int = 0) -> bytes:
    """Write an input with these steps."""
    parts = []
    for step in steps:
        if isinstance(step, list):
            parts.append(b"H" + b"\xff".join(name + b"=" + value for name, value in step))
        else:
            parts.append(b"E" if step is None else b"D" + step)
    return bytes((flags, limits)) + b"\xfe".join(parts)


def _limits_of(data: bytes) -> Limits:
    return STREAM_LIMITS[data[1] % len(STREAM_LIMITS)]


def choices_of_request(data: bytes) -> list[str]:
    """Say what the choices of a server's input mean, a line each."""
    if len(data) < CHOICES:
        return []
    answer = "accepted, with permessage-deflate"
    if data[0] & REJECT:
        answer = "rejected by 403, with a body" if data[0] & BODY else "rejected by 403, no body"
    return ["role: server", f"limits: {limits_shown(_limits_of(data))}", f"a request is: {answer}"]


def choices_of_response(data: bytes) -> list[str]:
    """Say what the choices of a client's input mean, a line each."""
    if len(data) < CHOICES:
        return []
    asked = f"asked with: {REQUESTS[data[0] & 3]}"
    return ["role: client", f"limits: {limits_shown(_limits_of(data))}", asked]


def judge_request(data: bytes) -> None:
    """Let a server receive the steps of `data`."""
    if len(data) < CHOICES:
        return
    reject = RejectConnection(403, has_body=bool(data[0] & BODY)) if data[0] & REJECT else None
    assert_server_handles(steps_of(data), _limits_of(data), reject=reject)


def judge_response(data: bytes) -> None:
    """Let a client receive the steps of `data`."""
    if len(data) < CHOICES:
        return
    assert_client_handles(steps_of(data), _limits_of(data), REQUESTS[data[0] & 3])
