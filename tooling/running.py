"""Runs a command: every error becomes an exit code and one line on standard error."""

from __future__ import annotations

import os
import signal
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import click

from tooling.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence


def run(command: click.Command, name: str, arguments: Sequence[str] | None, given: object = None) -> int:
    """Run the command line and return its exit code.

    :param name: the command, as the user types it.
    :param arguments: by default those of the process.
    :param given: the object that `click.pass_obj` passes.
    """
    try:
        return int(command.main(arguments, prog_name=name, standalone_mode=False, obj=given) or ExitCode.GOOD)
    except click.ClickException as error:
        return _fail(error.format_message(), ExitCode.FAILED)
    except CommandError as error:
        return _fail(str(error), error.exit_code)
    except BrokenPipeError:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # for the flush at exit
        return _fail("standard output was closed", ExitCode.FAILED)
    except OSError as error:  # a full disk, a folder that may not be read
        return _fail(str(error), ExitCode.FAILED)
    except (click.Abort, KeyboardInterrupt):
        return _fail("interrupted", ExitCode.FAILED)


@contextmanager
def interrupted_by_sigterm() -> Iterator[None]:
    """Let SIGTERM raise KeyboardInterrupt as SIGINT does, so that nothing is left behind."""
    previous = signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, previous)


def _fail(message: str, code: ExitCode) -> ExitCode:
    print(f"error: {' '.join(message.split())}", file=sys.stderr)
    return code
