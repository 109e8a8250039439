"""`make release`: everything that has to hold, then the commands that make a release of it."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Final

from release.commands import output_of
from tooling.errors import BadResultError
from tooling.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

GATES: Final = (("bash", ".ci/run"), ("make", "package"))
"""What has to pass, in this order."""

BRANCH: Final = "main"
CHANGES: Final = Path("changes")
CHANGELOG: Final = Path("CHANGELOG.md")
_VERSION: Final = re.compile(r'(?m)^(?:__version__|version) = "(\d+(?:\.\d+)+)"')


def publish(
    *, push: bool, say: Callable[[str], None], root: Path = ROOT, gates: Sequence[Sequence[str]] = GATES
) -> None:
    """Check everything, then print the commands of a release, or run them.

    :param push: whether to run them.
    :param root: the checkout.
    :param gates: the commands that have to pass.
    :raises BadResultError: where anything is wrong; `say` got a line for each.
    """
    version = version_of(root / "src" / "wsproto" / "_version.py")
    wrong = list(obstacles(root, version))
    for line in wrong:
        say(f"REFUSED: {line}")
    if wrong:
        raise BadResultError(f"{version} cannot be released")
    for gate in gates:
        say(f"running {shlex.join(gate)}")
        if code := subprocess.run(gate, cwd=root, check=False).returncode:  # noqa: S603 - a list
            raise BadResultError(f"{version} cannot be released: {shlex.join(gate)} ended with {code}")
    for command in commands(version):
        say(f"{'running' if push else 'would run'} {shlex.join(command)}")
        if push:
            output_of(command, root)
            if command[1:3] == ["-m", "towncrier"]:
                join_changes(root / CHANGELOG, version)
    if not push:
        say("nothing was done: --push does it")


def version_of(file: Path) -> str:
    """Return the version that a file sets."""
    found = _VERSION.search(file.read_text("utf-8"))
    if found is None:
        raise BadResultError(f"{file} sets no version of plain numbers")
    return found[1]


def obstacles(root: Path, version: str) -> Iterator[str]:
    """Yield what forbids a release, before anything is built."""
    changed = output_of(["git", "status", "--porcelain"], root).splitlines()
    if changed:
        yield f"the tree is not clean: {len(changed)} files, {changed[0][3:]} among them"
    branch = output_of(["git", "branch", "--show-current"], root).strip()
    if branch != BRANCH:
        yield f"the branch is {branch or 'none'}, not {BRANCH}"
    harness = version_of(root / "harness" / "pyproject.toml")
    if harness != version:
        yield f"harness/pyproject.toml has version {harness}"
    if output_of(["git", "tag", "--list", tag_of(version)], root).strip():
        yield f"the tag {tag_of(version)} is there already"
    if not (fragments(root) or unreleased(version) in (root / CHANGELOG).read_text("utf-8")):
        yield f"{CHANGES} has no fragment, and {CHANGELOG} no section {unreleased(version)!r}"


def commands(version: str) -> Iterator[list[str]]:
    """Yield the commands of a release, in their order."""
    yield [sys.executable, "-m", "towncrier", "build", "--yes", "--version", version]
    yield ["git", "commit", "--quiet", "--all", "--message", f"Release {version}"]
    yield ["git", "tag", "--annotate", "--message", f"wsproto {version}", tag_of(version)]
    yield ["git", "push", "--atomic", "origin", BRANCH, tag_of(version)]


def join_changes(changelog: Path, version: str) -> None:
    """Let the changes that were written before there were fragments follow those of the fragments."""
    text = changelog.read_text("utf-8")
    changelog.write_text(text.replace(f"{unreleased(version)}\n\n", ""), "utf-8")


def fragments(root: Path) -> list[Path]:
    """Return the files that say what has changed."""
    return [file for file in sorted((root / CHANGES).glob("*.md")) if file.name != "README.md"]


def unreleased(version: str) -> str:
    """Return the heading of the changes that CHANGELOG.md has before the release."""
    return f"## {version} (unreleased)"


def tag_of(version: str) -> str:
    """Return the tag of a version."""
    return f"v{version}"
