"""The engine wstest: Autobahn's own program, where it is installed, in `harness.engines.wstest_worker`."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

from harness.engines.suite import Suite
from harness.engines.workers import work
from tooling.errors import CommandError, MissingError

if TYPE_CHECKING:
    from collections.abc import AsyncGenerator, Sequence

    from harness.engines.suite import Step

WORKER = "harness.engines.wstest_worker"
WSTEST = "wstest"

ANSWER_TIMEOUT = 30.0
"""Seconds that wstest has to tell its version."""


class WstestSuite(Suite):
    """The program wstest: a name on PATH, or a path."""

    def __init__(self, program: str = WSTEST) -> None:
        self._program = program
        self.options = " --engine wstest"
        if program != WSTEST:
            self.options += f" --wstest {shlex.quote(program)}"

    def version(self) -> str:
        """Ask the program, or raise `MissingError`."""
        path = self._path()
        try:
            said = subprocess.run(
                [path, "--autobahnversion"], capture_output=True, timeout=ANSWER_TIMEOUT, check=False
            ).stdout.decode(errors="replace")
        except (OSError, subprocess.TimeoutExpired) as error:
            raise CommandError(f"{path} cannot be run: {error}") from error
        if not (found := re.search(r"AutobahnTestSuite (\S+)", said)):
            raise CommandError(f"{path} is not Autobahn's wstest, it said {said!r:.80}")
        return f"wstest {found[1]}"

    def fuzz_server(self, url: str, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        """Run cases against a server."""
        return work("wstest", [WORKER, self._path(), "server", url, *cases], log)

    def fuzz_client(self, cases: Sequence[str], log: Path) -> AsyncGenerator[Step, None]:
        """Serve cases to a client."""
        return work("wstest", [WORKER, self._path(), "client", *cases], log)

    def _path(self) -> str:
        if path := shutil.which(self._program):
            return str(Path(path).absolute())
        raise MissingError(
            f"there is no program {self._program!r}: name it with --wstest PATH, "
            "or install it into a Python 2.7: pip install autobahntestsuite==25.10.1"
        )
