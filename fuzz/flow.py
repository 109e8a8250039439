"""Finds out which bytes that a connection received are those that another one has sent.

A test has to hand them on: as literals they would stay those of the library that was wrong.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzz.recording import Call

SENDING: Final = ("send", "ping", "pong", "close", "send_data")
RECEIVING: Final = ("receive_data", "receive_bytes")


def variable_of(name: str) -> str:
    """Return the variable with the bytes that a connection has sent."""
    return f"sent_by_{name}"


@dataclass
class _Sent:
    """What a connection has sent since all of it was received."""

    data: bytes = b""
    read: int = 0
    calls: list[int] = field(default_factory=list)


@dataclass
class Flow:
    """The calls of a story whose bytes go on, by `id()`."""

    arguments: dict[int, str] = field(default_factory=dict)
    """What a call receives."""
    kept: dict[int, str] = field(default_factory=dict)
    """How a call that sends keeps its bytes: `=` or `+=`."""


def flow_of(calls: Sequence[Call]) -> Flow:
    """Follow the bytes."""
    flow = Flow()
    under_way: dict[str, _Sent] = {}
    for call in calls:
        if call.method in SENDING and isinstance(call.result, bytes) and call.result:
            sent = under_way.setdefault(call.name, _Sent())
            if sent.read == len(sent.data):
                sent = under_way[call.name] = _Sent()
            sent.data += call.result
            sent.calls.append(id(call))
        elif call.method in RECEIVING and call.given:
            _receive(flow, under_way, call)
    return flow


def _receive(flow: Flow, under_way: dict[str, _Sent], call: Call) -> None:
    for name, sent in under_way.items():
        end = sent.read + len(call.given)
        if name == call.name or sent.data[sent.read : end] != call.given:
            continue
        begin = sent.read or ""
        last = "" if end == len(sent.data) else end
        part = f"[{begin}:{last}]" if begin or last else ""
        flow.arguments[id(call)] = f"{variable_of(name)}{part}"
        for number, one in enumerate(sent.calls):
            flow.kept[one] = "+=" if number else "="
        sent.read = end
        return
