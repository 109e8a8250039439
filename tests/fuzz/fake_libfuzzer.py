"""Plays atheris for targets of the tests: the arguments, the output and the exit codes of libFuzzer.

What it prints has the form of `recorded/`, which is real. It mutates nothing: it executes the corpus, then
works until the time is over.
"""

from __future__ import annotations

import base64
import hashlib
import os
import sys
import time
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from fuzz.target import PRINTED_BY_LIBFUZZER

if TYPE_CHECKING:
    from collections.abc import Callable


def fuzz(test_one_input: Callable[[bytes], None]) -> None:
    options = dict(argument[1:].split("=", 1) for argument in sys.argv[1:] if argument.startswith("-"))
    paths = [Path(argument) for argument in sys.argv[1:] if not argument.startswith("-")]
    if all(path.is_file() for path in paths):
        for path in paths:
            for _ in range(int(options["runs"])):
                _execute(test_one_input, path.read_bytes(), options)
            _say(f"Executed {path} in 0 ms")
            _work()
        return
    inputs = [file.read_bytes() for path in paths for file in path.iterdir()]
    for data in inputs:
        _execute(test_one_input, data, options)
    count = len(inputs)
    _say(f"#{count}\tINITED cov: 81 ft: 81 corp: {count}/9b exec/s: 0 rss: 47Mb")
    until = time.monotonic() + float(options["max_total_time"]) * 0.2  # the tests have no time
    while time.monotonic() < until:
        count += 1
    with suppress(OSError):
        (paths[0] / "new").write_bytes(b"new")
    _say(f"#{count}\tDONE   cov: 93 ft: 94 corp: 2/2b lim: 64 exec/s: 12895 rss: 47Mb")
    _say(f"stat::number_of_executed_units: {count}")


def _work() -> None:
    until = time.process_time() + 0.002
    while time.process_time() < until:
        pass


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


def _execute(test_one_input: Callable[[bytes], None], data: bytes, options: dict[str, str]) -> None:
    try:
        test_one_input(data)
    except Exception:  # noqa: BLE001  # whatever a target raises
        _say("\n === Uncaught Python exception: ===")
        _say(traceback.format_exc())
        artifact = f"{options['artifact_prefix']}crash-{hashlib.sha1(data).hexdigest()}"  # noqa: S324  # as libFuzzer
        with suppress(OSError):  # it says the same on a full disk
            Path(artifact).write_bytes(data)
        _say(f"artifact_prefix='{options['artifact_prefix']}'; Test unit written to {artifact}")
        if len(data) <= PRINTED_BY_LIBFUZZER:
            _say(f"Base64: {base64.b64encode(data).decode()}")
        os._exit(77)
