"""The detectors of a fault: the properties, the state machines and the targets take turns, again and again.

Every fault meets the same turns in the same order: first the tests with few examples, then with some; then
the properties that enumerate their inputs, the properties as `make test` runs them, the targets with their
seeds, and the machines. The targets take longer turns later.
"""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING, Final

from fuzz.planted import profiles
from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from fuzz.folders import Target

FIRST_TURN: Final = 1
"""Seconds for which a target fuzzes in its first turn, after it has read its seeds."""
LONGEST_TURN: Final = 16

PYTEST: Final = ("pytest", "-q", "-x", "-p", "no:cacheprovider", "-p", "fuzz.planted.profiles")
TESTS: Final = {
    "property": ("tests/properties", "--timeout=15", "--timeout-method=thread"),
    "machine": ("tests/state_machines", "--timeout=0"),
}
"""The folders of the tests, and the seconds after which a test hangs; each machine is one long test."""

DRAWN: Final = ("-m", "hypothesis")
"""The tests for which Hypothesis draws values."""
ENUMERATED: Final = ("-m", "not hypothesis")

_FAILED: Final = re.compile(
    r"^FAILED tests/(?P<file>.+?)::(?P<test>.+?)(?: - (?P<message>.*))?$", re.MULTILINE
)
_HUNG: Final = re.compile(
    r"\+ (?P<message>Timeout) \+.*?/tests/(?P<file>[^\"]+)\", line \d+, in (?P<test>test_\w+)", re.DOTALL
)
_RAISED: Final = re.compile(r"=== Uncaught Python exception: ===\n(?P<message>.*)")
_ENDED: Final = re.compile(r"ERROR: libFuzzer: (?P<message>.*)")


@dataclass(frozen=True)
class Found:
    """The detector that found a fault."""

    kind: str
    """`property`, `machine` or `target`."""
    by: str
    """The test or the target."""
    message: str
    """Its message, in a line."""


@dataclass(frozen=True)
class Turn:
    """One process that may find a fault."""

    kind: str
    name: str
    arguments: Sequence[str]
    """The arguments of `fuzz.planted.child` after the copy."""

    def judge(self, code: int, said: str) -> Found | None:
        """Tell whether it found the fault; raises `CommandError` if it did not do its work."""
        if code == 0:
            return None
        if self.kind == "target":
            found = _RAISED.search(said) or _ENDED.search(said)
        else:
            found = _FAILED.search(said) or _HUNG.search(said)
        if found is None or (self.kind != "target" and code != 1):
            last = " ".join(said.splitlines()[-1:])
            raise CommandError(f"{self.name} did not run, exit code {code}: {last}")
        by = self.name if self.kind == "target" else f"{found['file']}::{found['test']}"
        return Found(self.kind, by, " ".join((found["message"] or "").split())[:200])


def turns(targets: Sequence[Target], seeds: Path, work: Path, seed: int) -> Iterator[Turn]:
    """Yield turns without end.

    :param seeds: has a folder of seeds for each target.
    :param work: the folder for the inputs that the targets add.
    :param seed: seeds the random choices; each turn derives another seed from it.
    """
    numbers = count(seed)
    yield _tests("machine", DRAWN, profiles.QUICK, next(numbers))
    yield _tests("property", DRAWN, profiles.QUICK, next(numbers))
    yield _tests("machine", DRAWN, profiles.MEDIUM, next(numbers))
    yield _tests("property", DRAWN, profiles.MEDIUM, next(numbers))
    yield _tests("property", ENUMERATED, profiles.FULL, next(numbers))
    seconds = FIRST_TURN
    while True:
        yield _tests("property", DRAWN, profiles.FULL, next(numbers))
        for target in targets:
            yield _target(target, seconds, (work, seeds), next(numbers))
        yield _tests("machine", DRAWN, profiles.FULL, next(numbers))
        if seconds == FIRST_TURN:  # once, as it is the same each time
            yield _tests("machine", ENUMERATED, profiles.FULL, next(numbers))
        seconds = min(2 * seconds, LONGEST_TURN)


def _tests(kind: str, which: Sequence[str], examples: int, seed: int) -> Turn:
    settings = (f"--hypothesis-profile={profiles.profile(examples)}", f"--hypothesis-seed={seed}")
    return Turn(kind, TESTS[kind][0], (*PYTEST, *settings, *which, *TESTS[kind]))


def _target(target: Target, seconds: int, corpora: Sequence[Path], seed: int) -> Turn:
    folders = [folder / target.name for folder in corpora]
    folders[0].mkdir(exist_ok=True)
    options = target.options | {
        "max_total_time": str(seconds),
        "seed": str(seed),
        "artifact_prefix": f"{folders[0]}/",
    }
    arguments = [f"-{name}={value}" for name, value in options.items()]
    return Turn("target", target.name, (str(target.file), *arguments, *map(str, folders)))


def command(copy: Path, turn: Turn) -> list[str]:
    """Return the command of a turn."""
    return [sys.executable, "-m", "fuzz.planted.child", str(copy), *turn.arguments]
