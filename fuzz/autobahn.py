"""The frames of Autobahn's cases, as seeds: `python -m fuzz.autobahn` prints those of each case as JSON.

The cases come with kosoku and run here without a peer, each with a connection that records what the
case sends. This is a program of its own, since kosoku's cases put their modules on the import path.
"""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NamedTuple

LONGEST: Final = 70_000
"""Bytes that a case may send: cases with more test speed."""


class CaseFrame(NamedTuple):
    """A frame that a case sends; `deflate` means that permessage-deflate would still deflate it."""

    opcode: int
    payload: bytes
    fin: bool
    rsv: int
    deflate: bool


def case_frames() -> dict[str, list[CaseFrame]]:
    """Run all cases; return the frames of each by its name, as `6.4.1`.

    :raises subprocess.CalledProcessError: where kosoku is missing; standard error has the reason.
    """
    command = [sys.executable, "-m", "fuzz.autobahn"]
    root = Path(__file__).resolve().parents[1]
    done = subprocess.run(command, cwd=root, stdout=subprocess.PIPE, check=True)  # noqa: S603 - a list
    cases: dict[str, list[list[Any]]] = json.loads(done.stdout)
    return {
        case: [
            CaseFrame(opcode, bytes.fromhex(payload), fin, rsv, deflate)
            for opcode, payload, fin, rsv, deflate in frames
        ]
        for case, frames in cases.items()
    }


def _octets(payload: str | bytes | int) -> bytes:
    """Return the bytes that a case from the days of Python 2 means by a payload."""
    if isinstance(payload, int):
        return bytes([payload])
    return payload.encode() if isinstance(payload, str) else payload


@dataclass
class _Factory:
    isServer: bool = False  # noqa: N815 - Autobahn's names, here and below


class _Recorder:
    """Takes the place of a case's connection: keeps the frames that are sent, and never waits."""

    def __init__(self, constants: type) -> None:
        self.frames: list[CaseFrame] = []
        self.factory = _Factory()
        self.state = vars(constants)["STATE_OPEN"]
        self.autoFragmentSize = 0
        self._perMessageCompress: object = None
        self._opcode = 1
        self._frame = b""
        for name, value in vars(constants).items():
            if name.isupper():
                setattr(self, name, value)

    def __getattr__(self, name: str) -> Any:
        """Let methods without frames, such as `killAfter`, do nothing."""
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *_arguments, **_named: None

    def continueLater(self, _delay: float, function: Any, _tag: object = None) -> None:  # noqa: N802
        function()

    def sendFrame(  # noqa: N802
        self,
        opcode: int,
        payload: str | bytes = "",
        fin: bool = True,  # noqa: FBT001, FBT002
        rsv: int = 0,
        payload_len: int | None = None,
        **_how: object,
    ) -> None:
        data = _octets(payload)
        if payload_len is not None:
            data = (data * (payload_len // max(1, len(data)) + 1))[: min(payload_len, LONGEST + 1)]
        self.frames.append(CaseFrame(opcode, data, fin, rsv, deflate=False))

    def sendMessage(  # noqa: N802
        self,
        payload: str | bytes,
        isBinary: bool = False,  # noqa: FBT001, FBT002, N803
        fragmentSize: int | None = None,  # noqa: N803
    ) -> None:
        data = _octets(payload)
        size = fragmentSize or self.autoFragmentSize or len(data) or 1
        pieces = [data[start : start + size] for start in range(0, len(data), size)] or [b""]
        deflate = self._perMessageCompress is not None
        for index, piece in enumerate(pieces):
            opcode = 0 if index else 2 if isBinary else 1
            self.frames.append(CaseFrame(opcode, piece, index == len(pieces) - 1, 0, deflate))

    def sendClose(self, code: int | None = None, reason: str | bytes = b"") -> None:  # noqa: N802
        self.sendCloseFrame(code, reason)

    def sendCloseFrame(  # noqa: N802
        self,
        code: int | None = None,
        reasonUtf8: str | bytes = b"",  # noqa: N803
        **_how: object,
    ) -> None:
        payload = b"" if code is None else code.to_bytes(2, "big")
        self.frames.append(CaseFrame(8, payload + _octets(reasonUtf8), fin=True, rsv=0, deflate=False))

    def beginMessage(self, opcode: int = 1) -> None:  # noqa: N802
        self._opcode = opcode

    def sendMessageFrameData(self, payload: str | bytes | int) -> None:  # noqa: N802
        self._frame += _octets(payload)

    def endMessage(self) -> None:  # noqa: N802
        self.frames.append(CaseFrame(self._opcode, self._frame, fin=True, rsv=0, deflate=False))
        self._frame = b""


def _run() -> None:
    try:
        from kosoku import cases  # noqa: PLC0415 - it changes the import path
    except ModuleNotFoundError:
        sys.exit("kosoku is not installed: python -m pip install 'wsproto[fuzz]'")
    from autobahn.websocket.protocol import (  # type: ignore[import-not-found]  # noqa: PLC0415 - kosoku's
        WebSocketProtocol,
    )

    found: dict[str, list[Any]] = {}
    for name, case_class in cases.CASES.items():
        recorder = _Recorder(WebSocketProtocol)
        case: Any = case_class(recorder)
        if name.startswith(("12.", "13.")):
            recorder._perMessageCompress = case_class  # noqa: SLF001 - Autobahn's name
        case.onOpen()
        if sum(len(frame.payload) for frame in recorder.frames) <= LONGEST:
            found[name] = [frame._replace(payload=frame.payload.hex()) for frame in recorder.frames]  # type: ignore[arg-type]
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    _run()
