"""What the fuzzer plays on one connection: a request and the frames behind it, as data that a file holds."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

from harness.case_texts import visible
from harness.extra.frames import Frame
from harness.extra.heads import REQUEST, Head
from harness.fuzzing.rules import RULES
from tooling.errors import CommandError
from tooling.frames import CLOSE

if TYPE_CHECKING:
    from pathlib import Path

FORMAT = 1
"""The number of the shape of a case file."""

Form = Literal["", "takeover", "stored", "fixed", "huffman", "final", "blocks"]
"""How a message is deflated: not at all, with the window of those before it, or on its own."""

FORMS: tuple[Form, ...] = get_args(Form)

Wanted = Literal["accept", "refuse", "either"]

NAMES = {0: "continuation", 1: "text", 2: "binary", 8: "Close", 9: "ping", 10: "pong"}

MAX_SHOWN = 32
"""Bytes of a payload, and characters of a field, that the words of a sequence show."""

LONGEST_UNIT = 64
"""Bytes that a case file looks for as the unit which a long payload repeats."""


@dataclass(frozen=True)
class Sent(Frame):
    """A frame of a sequence; its `mask` is always given, so that each play sends the same bytes.

    `form` has the payload deflated before it goes out, if permessage-deflate was agreed on; the frames of a
    message have the same one. `waits` has the fuzzer wait before it for all that is due.
    """

    form: Form = ""
    waits: bool = False


@dataclass(frozen=True)
class Sequence:
    """A request, and the frames that follow where it is accepted."""

    request: Head = REQUEST
    wanted: Wanted = "accept"
    """What a server has to do with the request."""
    rule: str = "right request"
    """The name of the rule that says so, of `RULES`."""
    oddity: str = ""
    """What is odd about the request."""
    key: str = "dGhlIHNhbXBsZSBub25jZQ=="
    frames: tuple[Sent, ...] = ()
    cut: int = 0
    """How the bytes are cut into pieces: see `tooling.mutation.cut`."""
    times: int = 1
    """How often it is played: once, but where the memory grows."""

    def words(self) -> list[str]:
        """Describe it, a line each."""
        asked = self.oddity or "a usual request"
        offers = [value for name, value in self.request.fields if name == "Sec-WebSocket-Extensions"]
        offer = f", which offers {', '.join(offers)!r}" if offers else ""
        lines = [f"{asked}{offer}"[: 4 * MAX_SHOWN]] + [frame_words(frame) for frame in self.frames]
        if self.cut and self.frames:
            lines.append(
                f"cut into {'single bytes' if self.cut == 1 else f'pieces of about {self.cut} bytes'}"
            )
        if self.times > 1:
            lines.append(f"all of it {self.times} times, a connection each")
        return lines


def frame_words(frame: Sent) -> str:
    """Describe a frame."""
    name = NAMES.get(frame.opcode, f"opcode {frame.opcode}")
    size = len(frame.payload) if frame.declared is None else frame.declared
    parts = [name, f"{size} bytes{_payload_words(frame)}"]
    if not frame.fin:
        parts.append("FIN clear")
    parts += [f"RSV{bit}" for bit in (1, 2, 3) if frame.rsv & 8 >> bit]
    if frame.form:
        parts.append("compressed" if frame.form == "takeover" else f"compressed ({frame.form})")
    if frame.wrong_mask:
        parts.append("not masked")
    if frame.declared is not None:
        parts.append(f"of which {len(frame.payload)} come")
    elif frame.length_form is not None and frame.length_form > (
        7 if size < 126 else 16 if size < 2**16 else 64
    ):
        parts.append(f"its length in {frame.length_form} bits")
    return ("then, when all answers are here: " if frame.waits else "") + ", ".join(parts)


def _payload_words(frame: Sent) -> str:
    payload = frame.payload
    if not payload:
        return ""
    if frame.opcode == CLOSE and len(payload) > 1:
        code, reason = int.from_bytes(payload[:2], "big"), payload[2:]
        return f" (code {code}{f', reason {_bytes_words(reason)}' if reason else ''})"
    return f" ({_bytes_words(payload)})"


def _bytes_words(data: bytes) -> str:
    cut = data[:MAX_SHOWN]
    more = " ..." if len(data) > MAX_SHOWN else ""
    try:
        text = cut.decode()
    except UnicodeDecodeError:
        return f"0x{cut.hex()}{more}"
    return f"{visible(text)!r}{more}"


# The file:


def to_json(sequence: Sequence) -> dict[str, Any]:
    """Return it as JSON has it."""
    request = sequence.request
    return {
        "request": {"start": request.start, "fields": [list(pair) for pair in request.fields]},
        "wanted": sequence.wanted,
        "rule": sequence.rule,
        "oddity": sequence.oddity,
        "key": sequence.key,
        "frames": [_frame_to_json(frame) for frame in sequence.frames],
        "cut": sequence.cut,
        "times": sequence.times,
    }


def from_json(data: dict[str, Any]) -> Sequence:
    """Read it; raises KeyError, TypeError or ValueError where it is not as `to_json` writes it."""
    fields = tuple((str(name), str(value)) for name, value in data["request"]["fields"])
    if data["wanted"] not in get_args(Wanted) or data["rule"] not in RULES:
        raise ValueError("an unknown rule")
    return Sequence(
        request=Head(str(data["request"]["start"]), fields),
        wanted=data["wanted"],
        rule=data["rule"],
        oddity=str(data["oddity"]),
        key=str(data["key"]),
        frames=tuple(_frame_from_json(frame) for frame in data["frames"]),
        cut=int(data["cut"]),
        times=int(data["times"]),
    )


def _frame_to_json(frame: Sent) -> dict[str, Any]:
    usual = Sent(0)
    written: dict[str, Any] = {"opcode": frame.opcode, **_payload_to_json(frame.payload)}
    written["mask"] = (frame.mask or b"").hex()
    for name in ("fin", "rsv", "declared", "wrong_mask", "form", "waits"):
        if getattr(frame, name) != getattr(usual, name):
            written[name] = getattr(frame, name)
    if frame != replace(frame, length_form=None):
        written["length_form"] = frame.length_form
    return written


def _payload_to_json(payload: bytes) -> dict[str, Any]:
    for size in range(1, LONGEST_UNIT + 1):
        if (
            len(payload) > 2 * size
            and payload == (payload[:size] * (len(payload) // size + 1))[: len(payload)]
        ):
            return {"unit": payload[:size].hex(), "size": len(payload)}
    return {"payload": payload.hex()}


def _frame_from_json(data: dict[str, Any]) -> Sent:
    if "unit" in data:
        unit, size = bytes.fromhex(data["unit"]), int(data["size"])
        payload = (unit * (size // len(unit) + 1))[:size]
    else:
        payload = bytes.fromhex(data["payload"])
    known = {"fin", "rsv", "declared", "wrong_mask", "form", "waits", "length_form"}
    rest = {name: value for name, value in data.items() if name in known}
    if rest.get("form", "") not in FORMS:
        raise ValueError(f"an unknown form {rest['form']!r}")
    return Sent(int(data["opcode"]), payload, mask=bytes.fromhex(data["mask"]) or None, **rest)


@dataclass(frozen=True)
class CaseFile:
    """A sequence that found something, and what it found."""

    sequence: Sequence
    found: dict[str, Any] = field(default_factory=dict)


def _check_format(found: object) -> None:
    if found != FORMAT:
        raise ValueError(f"it has the format {found!r}, not {FORMAT}")


def read_case(path: Path) -> CaseFile:
    """Read a case file; raises `CommandError`, which names it."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        _check_format(data["format"])
        return CaseFile(from_json(data["sequence"]), dict(data["found"]))
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        why = error.strerror if isinstance(error, OSError) else f"{type(error).__name__}: {error}"
        raise CommandError(f"--case {str(path)!r} is not a case of `harness fuzz`: {why}") from None
