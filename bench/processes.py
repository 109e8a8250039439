"""The worker processes, from the outside: one for each implementation, ended whatever happens."""

from __future__ import annotations

import json
import os
import subprocess
import threading
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bench.peers import ROOT
from tooling.errors import BadResultError, CommandError

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from bench.peers import Peer

TIME_LIMIT = 120.0
"""Seconds that a worker may take for one answer."""


class Unsupported(str):
    """The reason why an implementation takes no part in a workload."""

    __slots__ = ()


class Worker:
    """A process that measures one implementation."""

    def __init__(
        self,
        peer: Peer,
        python: Path,
        source: Path | None = None,
        *,
        prefix: Sequence[str] = (),
        variables: Mapping[str, str] | None = None,
    ) -> None:
        self.peer = peer
        command = [*prefix, str(python), "-m", "bench.worker", peer.driver]
        # Out of the reach of a Ctrl-C at the terminal: it ends when its standard input closes.
        self._process = subprocess.Popen(
            command if source is None else [*command, str(source)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env={**environment(), **({"WSPROTO_PURE": "1"} if peer.pure else {}), **(variables or {})},
            start_new_session=True,
        )

    def __enter__(self) -> Worker:  # noqa: PYI034  # typing.Self came with Python 3.11
        """Make it end with the block."""
        return self

    def __exit__(self, *_: object) -> None:
        """End it, and wait for that."""
        self._process.kill()
        self._process.communicate()

    def ask(self, do: str, **arguments: Any) -> Any:
        """Have it do something, and return the result, or `Unsupported` where it cannot."""
        assert self._process.stdin is not None  # noqa: S101  # all three were asked for
        assert self._process.stdout is not None  # noqa: S101
        timer = threading.Timer(TIME_LIMIT, self._process.kill)
        timer.start()
        try:
            self._process.stdin.write(json.dumps({"do": do, **arguments}) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        finally:
            timer.cancel()
        if not line:
            raise self._death(do)
        answer = json.loads(line)
        if "unsupported" in answer:
            return Unsupported(answer["unsupported"])
        if "error" in answer:
            where = f"{self.peer.title}: {arguments.get('name', do)} / {arguments.get('role', '')}".rstrip(
                " /"
            )
            raise BadResultError(f"{where}: {answer['error']}")
        return answer["result"]

    def check_identity(self, folder: Path) -> dict[str, str]:
        """Return what it imported; refuse a library from another folder, or of another version."""
        identity: dict[str, str] = self.ask("identity")
        if not Path(identity["file"]).resolve().is_relative_to(folder.resolve()):
            raise CommandError(f"{self.peer.title} was imported from {identity['file']}, not from {folder}")
        if self.peer.version and identity["version"] != self.peer.version:
            raise CommandError(f"{self.peer.title} was imported in version {identity['version']}")
        return identity

    def post(self, orders: Sequence[Mapping[str, object]]) -> None:
        """Have it do all these; `finish` waits for it."""
        assert self._process.stdin is not None  # noqa: S101  # it was asked for
        self._process.stdin.writelines(json.dumps(order) + "\n" for order in orders)
        self._process.stdin.flush()

    def finish(self) -> str:
        """Let it end by itself, and return its standard error."""
        try:
            answers, errors = self._process.communicate(timeout=TIME_LIMIT)
        except subprocess.TimeoutExpired:
            raise CommandError(f"the worker of {self.peer.title} did not end in {TIME_LIMIT:.0f} s") from None
        for answer in map(json.loads, answers.splitlines()):
            if "result" not in answer:
                raise BadResultError(f"{self.peer.title}: {next(iter(answer.values()))}")
        return errors

    def _death(self, do: str) -> CommandError:
        self._process.kill()
        _, errors = self._process.communicate()
        said = errors.strip().splitlines()
        how = said[-1] if said else f"exit code {self._process.returncode}"
        return CommandError(f"the worker of {self.peer.title} ended while it was asked to {do}: {how}")


def environment() -> dict[str, str]:
    """Return the environment variables of a worker: without those of the caller's Python."""
    kept = {key: value for key, value in os.environ.items() if not key.startswith("PYTHON")}
    return {**kept, "PYTHONPATH": str(ROOT), "PYTHONHASHSEED": "0"}
