"""What can go wrong around a campaign, and the exit code that tells it."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of `python -m fuzz`."""

    CLEAN = 0
    CRASHED = 1
    FAILED = 2
    MISSING = 3


class FuzzError(Exception):
    """The runner cannot do its work; the message is one line for the user."""

    exit_code = ExitCode.FAILED


class MissingError(FuzzError):
    """Something that fuzzing needs is not installed; the message says how to get it."""

    exit_code = ExitCode.MISSING
