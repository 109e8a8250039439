"""`python -m fuzz.worker`: calls `test_one_input` of a target, in a process that may hang or die.

    python -m fuzz.worker ROOT TARGET TIME_LIMIT MEMORY_LIMIT [COVERAGE_FILE]

Standard input brings inputs, each after its length in 4 bytes; for each a line of JSON goes out: null, or the
failure with `type`, `message`, `place` and `traceback`. An input that takes longer than TIME_LIMIT seconds
ends the process, with a traceback on standard error; memory ends at MEMORY_LIMIT MiB with a MemoryError. With
a COVERAGE_FILE the branches of wsproto are recorded there.
"""

from __future__ import annotations

import faulthandler
import json
import os
import queue
import resource
import sys
import sysconfig
import threading
import traceback
from io import FileIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import hypothesis

from fuzz.folders import Folders

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).parent.parent
"""The working directory, so that `import fuzz` finds this checkout."""

TIMED_OUT = "Timeout"
"""The beginning of faulthandler's output when an input takes too long."""


def main(root: str, name: str, time_limit: str, memory_limit: str, coverage_file: str = "") -> None:
    """Answer for inputs until there are no more."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # answers go to the old standard output, a target's prints to standard error
    inputs: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
    # Unbuffered: a thread that waits for a buffered file aborts Python when it ends.
    threading.Thread(target=_read, args=(FileIO(0), inputs), daemon=True).start()
    measured = _measure(coverage_file) if coverage_file else None
    limit_memory(int(memory_limit))
    replay_settings()
    target = Folders(Path(root)).targets([name])[0].load()
    print(json.dumps("ready"), file=answers, flush=True)
    while (data := inputs.get()) is not None:
        faulthandler.dump_traceback_later(float(time_limit), exit=True)
        failure = _try(target.test_one_input, data)
        faulthandler.cancel_dump_traceback_later()
        print(json.dumps(failure), file=answers, flush=True)
    if measured is not None:
        measured.stop()
        measured.save()


def limit_memory(mebibytes: int) -> None:
    """Let memory end at so many MiB, and a crash leave no core file."""
    limit = mebibytes * 2**20
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def replay_settings() -> None:
    """Let Hypothesis do as under atheris: what it does with some bytes may not depend on the clock."""
    hypothesis.settings.register_profile(
        "replay", database=None, deadline=None, suppress_health_check=list(hypothesis.HealthCheck)
    )
    hypothesis.settings.load_profile("replay")


def _read(source: FileIO, inputs: queue.SimpleQueue[bytes | None]) -> None:
    """Hand inputs on, and None at their end, which ends this process, a hanging one by its time limit."""
    while header := _exactly(source, 4):
        inputs.put(_exactly(source, int.from_bytes(header, "big")))
    inputs.put(None)


def _exactly(source: FileIO, size: int) -> bytes:
    data = b""
    while len(data) < size and (piece := source.read(size - len(data))):
        data += piece
    return data


def _measure(file: str) -> Any:
    import coverage  # noqa: PLC0415  # only this needs it, and it slows imports down

    measured = coverage.Coverage(data_file=file, branch=True, source_pkgs=["wsproto"], config_file=False)
    measured.start()
    return measured


def _try(test_one_input: Callable[[bytes], None], data: bytes) -> dict[str, str] | None:
    try:
        test_one_input(data)
    except BaseException as error:  # noqa: BLE001  # SystemExit and KeyboardInterrupt are defects here too
        kind = type(error)
        name = (
            kind.__qualname__ if kind.__module__ == "builtins" else f"{kind.__module__}.{kind.__qualname__}"
        )
        # Without the frame of this function:
        inner = error.__traceback__.tb_next if error.__traceback__ else None
        return {
            "type": name,
            "message": str(error),
            "place": _place(traceback.extract_tb(inner)),
            "traceback": "".join(traceback.format_exception(kind, error, inner)),
        }
    return None


def _place(frames: traceback.StackSummary) -> str:
    """Say where it was raised: in the innermost code that is neither Python's nor an installed package's."""
    if not frames:
        return ""
    libraries = [sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")]
    own = [
        frame
        for frame in frames
        if not frame.filename.startswith((*libraries, "<")) and frame.lineno is not None
    ]
    frame = (own or list(frames))[-1]
    file = Path(frame.filename)
    if file.is_relative_to(ROOT):
        file = file.relative_to(ROOT)
    return f"{file}:{frame.lineno} in {frame.name}"


if __name__ == "__main__":
    main(*sys.argv[1:])
