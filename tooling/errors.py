"""Exit codes, and the errors that end a command."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """The exit codes of every command."""

    GOOD = 0
    """Everything is as it should be."""
    BAD = 1
    """A result is wrong: a verdict differs, an input fails, an output is wrong."""
    FAILED = 2
    """The command could not do its work, or was called wrongly."""
    MISSING = 3
    """Something that it needs is not installed."""


class CommandError(Exception):
    """The command cannot do its work; the message is one line for the user."""

    exit_code = ExitCode.FAILED


class MissingError(CommandError):
    """Something that the command needs is not installed; the message says how to get it."""

    exit_code = ExitCode.MISSING


class BadResultError(CommandError):
    """A result is not as it should be."""

    exit_code = ExitCode.BAD
