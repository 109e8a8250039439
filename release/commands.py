"""Programs that the release runs: to their end, within a time, with what they said where they fail."""

from __future__ import annotations

import os
import shlex
import subprocess
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING, Final

from tooling.errors import BadResultError, CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

SECONDS: Final = 1800.0
"""How long a program may take."""

NAME: Final = 80
"""Characters of a command that an error shows."""

PIP: Final = ("--disable-pip-version-check", "--no-input", "--quiet")
"""Options of every pip."""


class ProgramError(BadResultError):
    """A program failed."""

    def __init__(self, words: Sequence[str], done: subprocess.CompletedProcess[str]) -> None:
        self.output = done.stdout
        """What it wrote to standard output."""
        self.said = f"{shlex.join(words)}\n{done.stdout}{done.stderr}"
        """The command, and all that it wrote."""
        with NamedTemporaryFile("w", prefix="wsproto-release-", suffix=".log", delete=False) as log:
            log.write(self.said)
        last = self.said.strip().splitlines()[-1]
        super().__init__(f"{_shown(words)} ended with {done.returncode}: {last} (all of it in {log.name})")


def output_of(command: Sequence[str | Path], folder: Path, variables: Mapping[str, str] | None = None) -> str:
    """Run a program and return its standard output.

    :param variables: of its environment, in place of those of this process or beside them.
    :raises ProgramError: where it fails, with the last line that it said, and the file that has all.
    :raises CommandError: where it takes too long, or is not there.
    """
    words = [str(word) for word in command]
    try:
        done = subprocess.run(  # noqa: S603 - a list
            words,
            cwd=folder,
            env={**os.environ, **(variables or {})},
            capture_output=True,
            text=True,
            check=False,
            timeout=SECONDS,
        )
    except FileNotFoundError as error:
        raise CommandError(f"cannot run {words[0]}: there is no {error.filename}") from None
    except subprocess.TimeoutExpired:
        raise CommandError(f"{_shown(words)}: no end within {SECONDS:g} s") from None
    if done.returncode:
        raise ProgramError(words, done)
    return done.stdout


def _shown(words: Sequence[str]) -> str:
    return " ".join([Path(words[0]).name, *words[1:]])[:NAME]
