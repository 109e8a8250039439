"""Judges what a server did in a play by what the model says of it; what the RFCs leave open is right."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.case_texts import visible
from harness.extra.expectations import PROBE
from harness.fuzzing.rules import RULES
from tooling.frames import CLOSE, PING

if TYPE_CHECKING:
    from harness.extra.seen import Event, Seen
    from harness.fuzzing.model import Expected
    from harness.fuzzing.player import Played

MAX_SHOWN = 60
"""Characters of a payload or a field that a finding shows."""


AT_WILL = {0, 1000, 1001}
"""The codes by which a server may close whenever it likes, 0 for none (RFC 6455 7.3)."""


@dataclass(frozen=True)
class Fault:
    """What a server did wrong."""

    rule: str
    """The name of the rule, of `RULES`."""
    shape: str
    """What tells it from other breaches of the rule; two faults alike in both count as one."""
    came: str
    """What the server did, as a sentence."""
    slow: bool = False
    """Whether something did not come in time, so that more patience may show that it comes."""

    @property
    def key(self) -> tuple[str, str]:
        """Its rule and shape."""
        return self.rule, self.shape

    def report(self) -> dict[str, Any]:
        """Return it as JSON has it."""
        rule = RULES[self.rule]
        return {
            "rule": self.rule,
            "shape": self.shape,
            "level": rule.level,
            "section": rule.section,
            "sentence": rule.sentence,
            "came": self.came,
        }


def judge(played: Played) -> Fault | None:
    """Return the first fault in a play, or None."""
    fault = _judge_opening(played)
    if fault or not played.expected:
        return fault
    for judges in (_judge_frames, _judge_messages, _judge_end, _judge_code, _judge_missing):
        if fault := judges(played, played.expected):
            return fault
    return None


# The opening handshake:


def _judge_opening(played: Played) -> Fault | None:
    sequence, status = played.sequence, played.status
    oddity = sequence.oddity.partition(" and ")[0] or "a usual request"
    if played.missing == "response":
        return Fault("no answer", oddity, "The server did not answer the request.", slow=True)
    if sequence.wanted == "refuse" and played.seen.opened:
        return Fault(sequence.rule, oddity, "The server accepted the request with 101.")
    if sequence.wanted == "accept" and not played.seen.opened:
        how = f"with the status {status}" if status else "by the end of TCP"
        return Fault("right request", oddity, f"The server refused the request {how}.")
    if played.negotiation_fault:
        shape = re.sub(r"'[^']*'|\d+", "...", played.negotiation_fault)
        return Fault("negotiation", shape, f"{_begun(played.negotiation_fault)}.")
    if played.head_fault:
        return Fault("response", re.sub(r"\[.*\]", "", played.head_fault), f"{_begun(played.head_fault)}.")
    return None


# The frames behind it:


def _judge_frames(played: Played, expected: Expected) -> Fault | None:
    fault = played.seen.fault
    if not fault:
        return None
    behind_close = "after its Close" in fault and expected.closes_at is not None
    shape = re.sub(r"\d+", "N", fault) + (", the client's came first" if behind_close else "")
    return Fault("frames", shape, f"{_begun(fault)}.")


def _judge_messages(played: Played, expected: Expected) -> Fault | None:
    """Want each message as it was sent, in order, and none that came too late for the server."""
    messages = played.seen.messages
    for number, message in enumerate(messages):
        if expected.unclear_from is not None and number >= expected.unclear_from:
            break
        if number >= len(expected.messages):
            return _too_many(expected, message)
        if message != expected.messages[number]:
            shape = expected.shapes[number]
            rule = "compressed echo" if "compressed" in shape else "echo"
            return Fault(rule, f"{shape}, changed", _difference(expected.messages[number], message))
    stop = expected.stops_at
    unread = set() if stop is None else _unread_pings(played, stop)
    if any(("pong", payload) in played.seen.events for payload in unread):
        return _went_on(played, expected)
    return None


def _unread_pings(played: Played, stop: int) -> set[bytes]:
    """Return the payloads of pings that the server had no more reason to read."""
    pings = {at: frame.payload for at, frame in enumerate(played.frames) if frame.opcode == PING}
    read = {payload for at, payload in pings.items() if at <= stop}
    return {*pings.values(), PROBE.payload} - read - {b""}  # an empty pong may come without a ping


def _too_many(expected: Expected, message: Event) -> Fault:
    came = f"A message came that was not sent, or not to be read any more: {_shown(message)}."
    if expected.fails_at is not None:
        return Fault(expected.rule, "taken", came)
    return Fault("after Close" if expected.closes_at is not None else "echo", "another message", came)


def _went_on(played: Played, expected: Expected) -> Fault | None:
    """Judge a server that answered a ping which it had no more reason to read."""
    if expected.fails_at is None:
        return Fault("after Close", "pong", "The server answered a ping that came after the Close.")
    if played.seen.over:  # it failed the connection, only late
        return None
    came = "The server did not fail the connection: it answered the ping that followed."
    return Fault(expected.rule, "taken", came)


def _judge_end(played: Played, expected: Expected) -> Fault | None:
    """Want no end of a connection on which nothing was wrong."""
    seen = played.seen
    stopped = expected.stops_at is not None and played.sent > expected.stops_at
    if not seen.over or stopped:
        return None
    if expected.may_fail(played.sent) or played.closed_first:
        return None
    what = _what_was_sent(played, expected)
    if seen.close is None:
        how = "reset the connection" if seen.ended == "reset" else "ended TCP"
        return Fault("closed", what, f"The server {how} without a Close, though nothing was wrong.")
    if (seen.code or 0) in expected.codes(played.sent) | AT_WILL:
        return None
    return Fault(
        "compressed echo" if "compressed" in what else "closed as if wrong",
        f"{seen.code} after {what}",
        f"The server closed with the code {seen.code or 'none'}{_reason(seen)}, though nothing was wrong.",
    )


def _what_was_sent(played: Played, expected: Expected) -> str:
    """Say what the server has not answered before it closed."""
    answered = len(played.seen.messages)
    if answered < len(expected.shapes):
        return expected.shapes[answered]
    return "control frames"


def _judge_code(played: Played, expected: Expected) -> Fault | None:
    """Want a fitting code."""
    seen, rule = played.seen, expected.rule
    failed = expected.fails_at is not None and played.sent > expected.fails_at
    if failed and seen.close is None and seen.ended == "closed" and rule != "no mask":
        came = "The server ended TCP without a Close."
        return Fault("code", f"no Close after {rule}", came)
    if not seen.close:
        return None
    code = seen.code or 0
    if failed and code not in expected.codes(played.sent) and code in _later_codes(played, expected):
        came = f"The server did not fail the connection: it answered a Close, with {code or 'none'}."
        return Fault(rule, "taken", came)
    if failed and code not in expected.codes(played.sent):
        fitting = " or ".join(map(str, sorted(expected.codes(played.sent))))
        came = f"The server closed with the code {code or 'none'}{_reason(seen)}, not {fitting}."
        return Fault("code", f"{code} after {rule}", came)
    if code in expected.unfit_answers and played.sent > (expected.closes_at or 0):
        came = f"The server answered a right Close with the code {code}{_reason(seen)}."
        return Fault("code in answer", str(code), came)
    return None


def _later_codes(played: Played, expected: Expected) -> set[int]:
    """Return the codes that answer a Close which the server had no reason to take."""
    later = played.frames[expected.fails_at or 0 : played.sent]
    closes = [frame for frame in later if frame.opcode == CLOSE]
    return {code for frame in closes for code in (0, 1000, frame.close_code or 0)}


def _judge_missing(played: Played, expected: Expected) -> Fault | None:
    """Want all that is due."""
    what = _what_was_sent(played, expected)
    failed = expected.fails_at is not None
    match played.missing:
        case "messages":
            rule = "compressed echo" if "compressed" in what else "echo"
            return Fault(rule, f"{what}, missing", "A message did not come back.", slow=True)
        case "pong":
            return Fault("pong", "missing", "A ping was not answered by a pong with its payload.", slow=True)
        case "failure":
            came = "The server neither failed the connection nor answered the ping that followed."
            return Fault(expected.rule, "no answer", came, slow=True)
        case "close":
            return Fault("answer to Close", "missing", "The server did not answer the Close.", slow=True)
        case "end":
            rule = "end of TCP after a failure" if failed else "end of TCP"
            shape = f"after {expected.rule}" if failed else "after the Close"
            return Fault(rule, shape, "The server did not end TCP after both Closes.", slow=True)
        case _:
            closing = played.closed_first or (expected.closes_at is not None and not expected.failures)
            if closing and not played.seen.close and played.seen.ended == "closed":
                came = "The server ended TCP, and did not answer the Close."
                return Fault("answer to Close", "end of TCP", came)
            return None


# Words:


def _begun(text: str) -> str:
    return f"{text[:1].upper()}{visible(text)[1:]}"


def _shown(event: Event) -> str:
    payload: bytes = event[1]
    kind = "binary" if event[2] else "text"
    more = " ..." if len(payload) > MAX_SHOWN else ""
    return f"{kind}, {len(payload)} bytes {visible(payload[:MAX_SHOWN].decode('latin-1'))!r}{more}"


def _difference(wanted: Event, came: Event) -> str:
    if wanted[1] == came[1]:
        return f"A message came back as another type: {_shown(came)}."
    pairs = zip(wanted[1], came[1], strict=False)
    place = next(
        (at for at, (one, other) in enumerate(pairs) if one != other), min(len(wanted[1]), len(came[1]))
    )
    return f"A message came back changed, from byte {place} on: {_shown(came)}, not {_shown(wanted)}."


def _reason(seen: Seen) -> str:
    return f" ({visible(seen.reason[:MAX_SHOWN])!r})" if seen.reason else ""
