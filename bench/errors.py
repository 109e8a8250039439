"""What can go wrong around a measurement, and the exit code that tells it."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of `python -m bench`."""

    MEASURED = 0
    WRONG_OUTPUT = 1
    FAILED = 2
    MISSING = 3


class BenchError(Exception):
    """The benchmark cannot do its work; the message is one line for the user."""

    exit_code = ExitCode.FAILED


class MissingError(BenchError):
    """Something that the benchmark needs is not installed; the message says how to get it."""

    exit_code = ExitCode.MISSING


class WrongOutputError(BenchError):
    """An implementation gave something else than it should: its time would mean nothing."""

    exit_code = ExitCode.WRONG_OUTPUT
