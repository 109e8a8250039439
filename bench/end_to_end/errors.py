"""What can go wrong around a measurement, and the exit code that tells it."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of `python -m bench.end_to_end`."""

    MEASURED = 0
    FAILED = 2
    MISSING = 3


class BenchError(Exception):
    """The measurement cannot be made; the message is one line for the user."""

    exit_code = ExitCode.FAILED


class MissingError(BenchError):
    """Something that the measurement needs cannot be installed."""

    exit_code = ExitCode.MISSING
