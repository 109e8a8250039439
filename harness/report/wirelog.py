"""Makes a suite's wire log readable: frames with header fields and payload, and the octets as they went.

An entry of Autobahn's wire log is a list that opens with its kind:

    ["TF", [length, payload], opcode, fin, rsv, mask, repeat, chop, sync]   a frame that the suite sent
    ["RF", [length, payload], opcode, fin, rsv, masked, mask]               a frame that the suite received
    ["TO", [length, hex], sync], ["RO", [length, hex]]                      octets sent and received
    ["TH", text], ["RH", text, field]                                       a head; the field at fault, or ""
    ["KL", seconds], ["CT", seconds, tag], ["CTE", tag], ...                what the suite waits for

A payload is text, or hex after `0x`; payload and octets are cut after 64 bytes, then ` ...` follows. Where
`repeat` is a number, the payload is sent over and over, to that length. In a direction without frame entries
the frames are decoded from the octets. `["TX", hex]` and `["RX", hex]` are octets as well. An entry may end
with `{"at": ms}`, its time since the case began. Where no head is logged as text, the one that the report has
is shown before its octets, of which the log has only the first.
"""

from __future__ import annotations

import json
import re
from codecs import getincrementaldecoder
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

from harness.case_texts import visible

if TYPE_CHECKING:
    from collections.abc import Mapping

Sender = Literal["suite", "library"]

MAX_ENTRIES = 200
"""Entries that are shown of a wire log."""

MAX_OCTETS = 4096
"""Octets that are shown of an entry: all that a suite logs."""

MAX_HTTP = 4096
"""Characters that are shown of a request or a response."""

REPEATED = 256
"""Octets that are shown of a payload that is sent over and over."""

CUT = " ..."
CUT_AT = 64
"""Bytes of a payload that Autobahn logs of a longer one."""

OPCODES = {0: "continuation", 1: "text", 2: "binary", 8: "close", 9: "ping", 10: "pong"}
SENDERS: dict[str, Sender] = {
    "TF": "suite",
    "TO": "suite",
    "TX": "suite",
    "RF": "library",
    "RO": "library",
    "RX": "library",
    "TH": "suite",
    "RH": "library",
}


Entry = dict[str, Any]
"""A line of the page; but a note has a `sender`, `"suite"` or `"library"`.

    a frame     opcode, name, fin, rsv, length, hex, cut, and where it has them mask, code, text
    octets      octets (in hex), length, cut, and writes, the number of pieces that they came in
    handshake   http, and where it is known field, the name of the field at fault
    a note      note

Any may have `at`, in milliseconds.
`length` is in bytes, of a frame those of the payload; where not all of them are shown, `cut` is true.
"""


def decode(
    wirelog: object, request: str = "", response: str = "", *, suite_is_server: bool = False
) -> list[Entry]:
    """List the lines of a wire log, and the heads of the report; an unknown entry is shown as it is."""
    if not isinstance(wirelog, list):
        wirelog = []
    logs_heads = any(_kind(entry) in {"TH", "RH"} for entry in wirelog)
    heads = [] if logs_heads else [text for text in (request, response) if text]
    framed = {SENDERS[kind] for kind in ("TF", "RF") if any(_kind(entry) == kind for entry in wirelog)}
    streams: dict[Sender, _Stream] = {
        sender: _Stream(sender) for sender in SENDERS.values() if sender not in framed
    }
    entries: list[Entry] = []
    begun: set[Sender] = set()
    for logged in wirelog:
        content, time = _timed(logged)
        for entry in _entries_of(content, streams):
            entry.update(time)
            if "octets" in entry and entry["sender"] not in begun:
                begun.add(entry["sender"])
                if head := _head_of(entry, heads):
                    _insert_head(entries, {**head, **time})
            if not _joined(entries, entry) and not ("http" in entry and _has_head(entries, entry)):
                entries.append(entry)
    if heads and not any("http" in entry for entry in entries):
        entries[:0] = [
            _http("library" if text.startswith("HTTP/") != suite_is_server else "suite", text)
            for text in heads
        ]
    if len(entries) > MAX_ENTRIES:
        left_out = len(entries) - MAX_ENTRIES
        entries[MAX_ENTRIES:] = [{"note": f"{left_out} more entries are in results.json"}]
    for entry in entries:
        _bound_octets(entry)
    return entries


def _timed(logged: Any) -> tuple[Any, Entry]:
    """Take the time off an entry."""
    match logged:
        case [*entry, {"at": int() | float() as time}] if entry:
            return entry, {"at": time}
    return logged, {}


def _http(sender: Sender, text: str, field_at_fault: str = "") -> Entry:
    entry: Entry = {"sender": sender, "http": http_text(text)}
    return {**entry, "field": visible(field_at_fault)} if field_at_fault else entry


def _head_of(octets: Entry, heads: list[str]) -> Entry | None:
    """Return the head that begins with these octets, if the report has it."""
    known = bytes.fromhex(octets["octets"])
    for text in heads:
        first = text.encode("latin-1", "replace")
        if known and (first.startswith(known) or known.startswith(first[:CUT_AT])):
            return _http(octets["sender"], text)
    return None


def _insert_head(entries: list[Entry], head: Entry) -> None:
    """Put a head before the frames that were written with it, and logged first."""
    at = len(entries)
    while at and "opcode" in entries[at - 1] and entries[at - 1]["sender"] == head["sender"]:
        at -= 1
    entries.insert(at, head)


def _has_head(entries: list[Entry], head: Entry) -> bool:
    return any(entry.get("http") and entry["sender"] == head["sender"] for entry in entries)


def _kind(logged: object) -> str:
    return logged[0] if isinstance(logged, list) and logged and isinstance(logged[0], str) else ""


def _entries_of(logged: Any, streams: Mapping[Sender, _Stream]) -> list[Entry]:
    match logged:
        case ["TF" | "RF" as kind, [int(length), str(shown)], int(opcode), bool(fin), int(rsv), *rest]:
            mask = next((_from_hex(found) for found in rest if isinstance(found, str)), None)
            payload = _payload(length, shown)
            match rest:
                case [_, int(repeat), *_] if payload:  # it is sent over and over
                    length, payload = repeat, payload * -(-REPEATED // len(payload))
            return [_frame(SENDERS[kind], _Header(fin, rsv, opcode, length, mask or b""), payload)]
        case ["TH" | "RH" as kind, str(text), *rest]:
            return [_http(SENDERS[kind], text, next((name for name in rest if isinstance(name, str)), ""))]
        case ["TO" | "RO" | "TX" | "RX" as kind, [int(length), str(shown)], *_]:
            entries = _octets(SENDERS[kind], length, shown, streams)
        case ["TO" | "RO" | "TX" | "RX" as kind, str(shown), *_]:
            entries = _octets(SENDERS[kind], 0, shown, streams)
        case _:
            entries = []
    return entries or [{"note": _note(logged)}]


def _octets(sender: Sender, length: int, shown: str, streams: Mapping[Sender, _Stream]) -> list[Entry]:
    """List the octets, and the frames that they complete; nothing where they are not hex."""
    known = _from_hex(shown.removesuffix(CUT))
    if known is None:
        return []
    length = max(length, len(known))
    frames = streams[sender].feed(known, length) if sender in streams else []
    return [{"sender": sender, "length": length, "octets": known.hex(), "writes": 1}, *frames]


def _note(logged: Any) -> str:
    match logged:
        case ["KL", int() | float() as seconds]:
            return f"the suite fails the connection unless it ends within {seconds:g} s"
        case ["KLE"]:
            return "the suite fails the connection"
        case ["TI", int() | float() as seconds]:
            return f"the suite closes the connection after {seconds:g} s"
        case ["TIE"]:
            return "the suite closes the connection"
        case ["CT", int() | float() as seconds, tag]:
            return f"the suite waits {seconds:g} s{_tag(tag)}"
        case ["CTE", tag]:
            return f"the suite goes on{_tag(tag)}"
        case ["TN" | "RN" as kind, str(text), *_]:  # of section H: what is no frame of the WebSocket
            return f"{SENDERS[kind[:1] + 'F']}: {visible(text)}"
        case ["WLM", bool(on)]:
            return f"the wire log is switched {'on' if on else 'off'}"
    return visible(json.dumps(logged, ensure_ascii=False, default=str)[:MAX_OCTETS])


def _tag(tag: object) -> str:
    return "" if tag is None else f" ({visible(str(tag))})"


def _joined(entries: list[Entry], entry: Entry) -> bool:
    """Add octets to the octets right before them: a suite may write each by itself."""
    if not entries or "octets" not in entry or "octets" not in entries[-1]:
        return False
    last = entries[-1]
    if last["sender"] != entry["sender"] or len(last["octets"]) != 2 * last["length"]:
        return False
    last["length"] += entry["length"]
    last["octets"] += entry["octets"]
    last["writes"] += entry["writes"]
    return True


def _bound_octets(entry: Entry) -> None:
    """Cut octets that are too many to show, and say of octets and payloads whether they are cut."""
    if "octets" in entry:
        entry["octets"] = entry["octets"][: 2 * MAX_OCTETS]
        entry["cut"] = len(entry["octets"]) < 2 * entry["length"]


def _from_hex(text: str) -> bytes | None:
    return bytes.fromhex(text) if re.fullmatch(r"([0-9A-Fa-f]{2})*", text) else None


def _payload(length: int, shown: str) -> bytes:
    """Return the payload, as far as it was logged."""
    known = min(length, CUT_AT)
    if length > CUT_AT - len(CUT):
        shown = shown.removesuffix(CUT)
    octets = _from_hex(shown[2:]) if shown.startswith("0x") else None
    if octets is not None and len(octets) == known:
        return octets
    if len(shown) == known and (octets := _latin_1(shown)) is not None:
        return octets  # text with one byte a character, or bytes that Autobahn took for such text
    return shown.encode("utf-8", "backslashreplace")[:length]


def _latin_1(text: str) -> bytes | None:
    try:
        return text.encode("latin-1")
    except UnicodeEncodeError:
        return None


def _frame(sender: Sender, header: _Header, payload: bytes) -> Entry:
    shown = payload[: min(header.length, MAX_OCTETS)]
    cut = len(shown) < header.length
    entry: Entry = {
        "sender": sender,
        "opcode": header.opcode,
        "name": OPCODES.get(header.opcode, f"reserved 0x{header.opcode:X}"),
        "fin": header.fin,
        "rsv": header.rsv,
        "length": header.length,
        "hex": shown.hex(),
        "cut": cut,
    }
    if header.mask:
        entry["mask"] = header.mask.hex()
    if header.opcode == 8 and len(shown) >= 2:
        entry["code"] = int.from_bytes(shown[:2], "big")
        shown = shown[2:]
    if shown and not header.rsv:  # with reserved bits the payload is not text but an extension's output
        entry["text"] = _text(shown, whole=not cut)
    return entry


def _text(octets: bytes, *, whole: bool) -> str:
    r"""Return octets as text: octets that are not UTF-8 as `\xff`, and no half of a character at a cut."""
    return visible(getincrementaldecoder("utf-8")("backslashreplace").decode(octets, final=whole))


@dataclass
class _Stream:
    """The octets of one side: finds the frames in them, and before those the HTTP of the handshake."""

    sender: Sender
    octets: bytearray = field(default_factory=bytearray)
    unknown: int = 0
    """The number of octets behind `octets` that the log leaves out; those behind them are unknown as well."""

    def feed(self, known: bytes, length: int) -> list[Entry]:
        """Take `length` octets, of which the first are known, and list what is complete with them."""
        if self.unknown:
            self.unknown += length
        else:
            self.octets += known
            self.unknown = length - len(known)
        found = []
        while entry := self._http() or self._frame():
            found.append(entry)
        return found

    def _http(self) -> Entry | None:
        if not self.octets.startswith((b"GET ", b"HTTP/")) or b"\r\n\r\n" not in self.octets:
            return None
        head, _, rest = self.octets.partition(b"\r\n\r\n")
        self.octets = rest
        return {"sender": self.sender, "http": http_text(head.decode("latin-1"))}

    def _frame(self) -> Entry | None:
        if self.octets[:1].isalpha() and self.octets[:1].isascii():
            return None  # a head that has not ended, or whose end was not logged
        header = _Header.read(self.octets)
        if header is None or header.size + header.length > len(self.octets) + self.unknown:
            return None
        end = header.size + header.length
        payload = bytes(self.octets[header.size : end])
        del self.octets[:end]
        self.unknown -= header.length - len(payload)
        if header.mask:
            payload = bytes(octet ^ header.mask[index % 4] for index, octet in enumerate(payload))
        return _frame(self.sender, header, payload)


@dataclass(frozen=True)
class _Header:
    """The header of a frame (RFC 6455 5.2), of a faulty one too."""

    fin: bool
    rsv: int
    opcode: int
    length: int
    mask: bytes
    size: int = 0

    @classmethod
    def read(cls, octets: bytearray) -> _Header | None:
        """Read it, or give None where it is not complete."""
        if len(octets) < 2:
            return None
        length = octets[1] & 0x7F
        end = 2 + {126: 2, 127: 8}.get(length, 0)
        size = end + 4 * (octets[1] >> 7)
        if len(octets) < size:
            return None
        length = length if end == 2 else int.from_bytes(octets[2:end], "big")
        return cls(
            octets[0] >= 0x80, octets[0] >> 4 & 7, octets[0] & 0x0F, length, bytes(octets[end:size]), size
        )


def http_text(text: str) -> str:
    """Return the head of a request or a response, a field a line."""
    return visible(text.strip().replace("\r\n", "\n"), keep="\n")[:MAX_HTTP]
