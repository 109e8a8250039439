"""What can go wrong around a run, and the exit code that tells it."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of `python -m harness`."""

    AS_EXPECTED = 0
    DIFFERENT = 1
    FAILED = 2
    MISSING = 3


class HarnessError(Exception):
    """The harness cannot do its work; the message is one line for the user."""

    exit_code = ExitCode.FAILED


class MissingError(HarnessError):
    """Something that the harness needs is not installed; the message says how to get it."""

    exit_code = ExitCode.MISSING
