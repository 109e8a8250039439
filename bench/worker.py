"""Runs inside a peer's environment: prepares, checks and times workloads, as its standard input asks.

Orders and answers are JSON objects, one a line. It needs the standard library and the peer alone, and ends
with its standard input.
"""

from __future__ import annotations

import gc
import json
import os
import random
import sys
import zlib
from functools import cache, partial
from importlib import import_module
from typing import TYPE_CHECKING, Any, cast

from bench import handshakes, memory, timing
from bench.drivers.interface import UnsupportedError
from bench.messages import Message
from bench.workloads import BY_NAME, sized
from tooling.frames import CLOSE, CONTINUATION, RSV1, decode_frames

if TYPE_CHECKING:
    from collections.abc import Callable

    from bench.drivers.interface import Driver, Once, Timed
    from bench.workloads import Action, Material, Role, Workload

MAX_FRESH = 100
"""Connections made for one sample of a workload that uses each only once."""


class WrongOutputError(Exception):
    """A library's output is not what its input demands."""


class Worker:
    """The workloads of one implementation, each prepared once."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.material = cache(lambda workload, role: workload.material(role))
        self.timed = cache(self._timed)

    def identity(self) -> dict[str, str]:
        """Say which library was imported."""
        return {**self.driver.identity(), "python": sys.version.split()[0]}

    @staticmethod
    def pin() -> None:
        """Stay on one core, the same for all workers: on a shared machine no two are equally fast."""
        if hasattr(os, "sched_setaffinity"):  # Linux
            os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})

    def check(self, name: str, role: Role) -> None:
        """Do a workload once and compare its output with its input."""
        workload = BY_NAME[name]
        material = self.material(workload, role)
        complaint = _complaint(self.driver, workload, role, material)
        if complaint:
            raise WrongOutputError(complaint)

    def calibrate(self, name: str, role: Role, seconds: float) -> int:
        """Find out how many passes fill a time."""
        repeat = 1
        while (took := self.sample(name, role, repeat)) < seconds / 2:
            repeat *= max(2, min(16, int(seconds / max(took, 1e-6) / 2)))
            if self._is_fresh(name) and repeat >= MAX_FRESH:
                return MAX_FRESH
        return max(1, round(repeat * seconds / took))

    def sample(self, name: str, role: Role, repeat: int) -> float:
        """Do so many passes; gives the CPU seconds of all of them."""
        workload = BY_NAME[name]
        timed = self._prepare_fresh(workload, role, repeat) if self._is_fresh(name) else None
        if timed is None:
            timed = self.timed(workload, role)
            if repeat > 1:
                timed(1)  # the caches held another process's data
        return timing.sample(timed, repeat)

    def passes(self, name: str, role: Role, repeat: int) -> None:
        """Do so many passes."""
        self.timed(BY_NAME[name], role)(repeat)

    def passes_of(self, action: Action, role: Role, size: int, repeat: int) -> None:
        """Do so many passes of one message of a size."""
        self._sized(action, role, size)(repeat)

    def per_pass(self, name: str, role: Role) -> int:
        """Say how many operations the cost of one pass is divided by."""
        return len(self.material(BY_NAME[name], role).messages) or 1

    def idle(self, role: Role, *, deflate: bool, count: int, traced: bool) -> float:
        """Return the bytes that an open connection holds, over so many of them."""
        if self.driver.Endpoint.no_idle:
            raise UnsupportedError(self.driver.Endpoint.no_idle)
        for _ in range(20):
            self.driver.Endpoint(role, deflate=deflate)  # a driver makes here what all its endpoints share
        return memory.held(lambda: self.driver.Endpoint(role, deflate=deflate), count, traced=traced)

    def peak(self, name: str, role: Role) -> float:
        """Return the most bytes that a library holds while it receives, in sizes of the message."""
        if self.driver.Endpoint.no_peak:
            raise UnsupportedError(self.driver.Endpoint.no_peak)
        workload = BY_NAME[name]
        material = self.material(workload, role)
        timed = self._endpoint(workload, role).receive(material)
        return memory.peak(partial(timed, 1)) / sum(len(message.payload) for message in material.messages)

    def scale(
        self, action: Action, role: Role, size: int, read: int | None, seconds: float
    ) -> tuple[float, float]:
        """Return the median costs in seconds of a message, in reads of a size, and of a plain copy of it."""
        timed = self._sized(action, role, size, read)
        view = memoryview(random.randbytes(size))

        def copy(repeat: int) -> None:
            for _ in range(repeat):
                bytes(view)

        message, copied = timing.costs([timed, copy], seconds)
        return message, copied

    def _sized(self, action: Action, role: Role, size: int, read: int | None = None) -> Timed:
        workload = sized(action, size, read)
        timed: Timed = getattr(self._endpoint(workload, role), action)(workload.material(role))
        return timed

    @staticmethod
    def _is_fresh(name: str) -> bool:
        return BY_NAME[name].action in {"answer_close", "begin_close"}

    def _prepare_fresh(self, workload: Workload, role: Role, repeat: int) -> Timed:
        material = self.material(workload, role)
        calls = [
            cast("Once", getattr(self._endpoint(workload, role), workload.action)(material))
            for _ in range(repeat)
        ]

        def run(_: int) -> None:
            for call in calls:
                call()

        return run

    def _timed(self, workload: Workload, role: Role) -> Timed:
        if workload.action in {"shake_hands", "accept"}:
            call = self._handshake(workload)

            def run(repeat: int) -> None:
                for _ in range(repeat):
                    call()

            return run
        timed: Timed = getattr(self._endpoint(workload, role), workload.action)(self.material(workload, role))
        _freeze()
        return timed

    def _handshake(self, workload: Workload) -> Callable[[], object]:
        if workload.action == "accept":
            return self.driver.accept(handshakes.BROWSER_REQUEST)
        return self.driver.shake_hands(deflate=workload.deflate)

    def _endpoint(self, workload: Workload, role: Role) -> Any:
        return self.driver.Endpoint(role, deflate=workload.deflate)


def _freeze() -> None:
    """Keep the collector away from modules and prepared bytes: they are not part of the measurement."""
    gc.collect()
    gc.freeze()


def _complaint(driver: Driver, workload: Workload, role: Role, material: Material) -> str:
    """Name the fault of a library's output; empty where it is right."""
    if workload.action == "accept":
        answer = driver.accept(handshakes.BROWSER_REQUEST)()
        return handshakes.complaint(handshakes.BROWSER_REQUEST, answer, deflate=True)
    if workload.action == "shake_hands":
        request, answer = driver.shake_hands(deflate=workload.deflate)()
        offers = bool(handshakes.header(request, b"Sec-WebSocket-Extensions"))
        if offers != workload.deflate:
            return f"the request offers {handshakes.header(request, b'Sec-WebSocket-Extensions')!r}"
        return handshakes.complaint(request, answer, deflate=workload.deflate)
    endpoint = driver.Endpoint(role, deflate=workload.deflate)
    if workload.action == "receive":
        return _difference(endpoint.received(material), material.messages)
    if workload.action == "send":
        data = endpoint.sent(material)
    elif workload.action == "answer_pings":
        data = endpoint.answered(material)
    else:
        data = getattr(endpoint, workload.action)(material)()
    return _wire_complaint(data, workload, role, material)


def _wire_complaint(data: bytes, workload: Workload, role: Role, material: Material) -> str:
    """Compare frames that a library wrote with the messages that they should hold."""
    inflater = zlib.decompressobj(wbits=-15)
    messages, parts, opcode, compressed = [], b"", 0, False
    for frame in decode_frames(data):
        if frame.masked != (role == "client"):
            return f"a frame of a {role} has masked = {frame.masked}"
        if frame.opcode != CONTINUATION:
            opcode, compressed = frame.opcode, bool(frame.rsv & RSV1)
        if material.fragment and len(frame.payload) != material.fragment:
            return f"a fragment has {len(frame.payload)} bytes"
        if compressed != (workload.deflate and opcode < CLOSE):
            return f"a frame has compressed = {compressed}"
        parts += frame.payload
        if frame.fin:
            whole = inflater.decompress(parts + b"\x00\x00\xff\xff") if compressed else parts
            messages.append(Message(opcode, whole))
            parts = b""
    expected = material.messages
    if workload.action == "answer_pings":
        expected = [Message(message.opcode + 1, message.payload) for message in expected]
    return _difference(messages, expected)


def _difference(messages: list[Message], expected: list[Message]) -> str:
    if len(messages) != len(expected):
        return f"{len(messages)} messages where there were {len(expected)}"
    for number, (found, wanted) in enumerate(zip(messages, expected, strict=True)):
        if found != wanted:
            return f"message {number} is {_shown(found)} instead of {_shown(wanted)}"
    return ""


def _shown(message: Message) -> str:
    return f"{message.opcode:#x} with {len(message.payload)} bytes {message.payload[:20]!r}"


def main(driver: str, *sources: str) -> None:
    """Answer until standard input ends."""
    sys.path[:0] = sources
    worker = Worker(cast("Driver", import_module(f"bench.drivers.{driver}")))
    # Until a large block has been freed once, glibc may give back the top of its heap after every message and
    # get it anew: 64 KiB inflated then take 40 % more, in one of two processes with the same code.
    bytes(2**24)
    _freeze()
    for line in sys.stdin:
        order = json.loads(line)
        answer: dict[str, Any]
        try:
            answer = {"result": getattr(worker, order.pop("do"))(**order)}
        except UnsupportedError as error:
            answer = {"unsupported": str(error)}
        except Exception as error:  # noqa: BLE001  # whatever a library raises is the answer
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), flush=True)


if __name__ == "__main__":
    main(*sys.argv[1:])
