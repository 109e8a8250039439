"""What is released, built from what git tracks: source archives and wheels, the same bytes each time."""

from __future__ import annotations

import os
import shutil
import sys
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Final

from release.archives import digest, make_reproducible
from release.commands import PIP, output_of
from tooling.errors import BadResultError
from tooling.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

HARNESS: Final = "harness"
"""The folder of the distribution `wsproto-harness`."""


@dataclass(frozen=True)
class Built:
    """What is released for every machine, and a wheel for the Python that runs this."""

    source: Path
    pure: Path
    compiled: Path
    harness_source: Path
    harness_wheel: Path

    def files(self) -> Iterator[Path]:
        """Yield them all."""
        yield from vars(self).values()


def copy_tree(folder: Path) -> None:
    """Copy the files that git tracks, as they are now, into `folder`."""
    for name in output_of(["git", "ls-files", "-z"], ROOT).split("\0"):
        file = ROOT / name
        if name and file.is_file():
            (folder / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(file, folder / name)


@cache
def source_date() -> int:
    """Return SOURCE_DATE_EPOCH where it is set, else the time of the last commit; in seconds since 1970.

    It is read once, so that a commit that is made in the meantime does not tell two builds apart.
    """
    given = os.environ.get("SOURCE_DATE_EPOCH")
    return int(given or output_of(["git", "log", "-1", "--format=%ct"], ROOT))


def build(tree: Path, folder: Path) -> Built:
    """Build the project in `tree` below `folder`, with this Python and the setuptools that is beside it."""
    source = source_archive(tree, folder)
    harness = source_archive(tree / HARNESS, folder)
    return Built(
        source,
        wheel(source, folder / "pure", core="pure"),
        wheel(source, folder / "compiled", core="compiled"),
        harness,
        wheel(harness, folder / "harness", core="pure"),
    )


def source_archive(tree: Path, out: Path) -> Path:
    """Build the source archive of the project in `tree`; return it."""
    made = out / f"source-{tree.name}"
    command: list[str | Path] = [
        sys.executable,
        "-m",
        "build",
        "--sdist",
        "--no-isolation",
        "--outdir",
        made,
        tree,
    ]
    output_of(command, tree)
    archive = _only(made)
    make_reproducible(archive, source_date())
    return archive


def wheel(source: Path, out: Path, *, core: str, python: Path | None = None) -> Path:
    """Build a wheel of a source archive, with the core `compiled` or `pure`; return it.

    :param python: is the one to build for, with a setuptools that pip fetches; by default this one.
    """
    isolation = ["--no-build-isolation"] if python is None else []
    words = [f"--python={python or sys.executable}", *PIP, "wheel", "--no-deps", "--no-cache-dir", *isolation]
    variables = {
        "SOURCE_DATE_EPOCH": str(source_date()),
        "WSPROTO_BUILD": "yes" if core == "compiled" else "no",
    }
    output_of([sys.executable, "-m", "pip", *words, "--wheel-dir", out, source], out.parent, variables)
    return _only(out)


def _only(folder: Path) -> Path:
    (file,) = folder.iterdir()
    return file


def compare(first: Built, second: Built) -> None:
    """Check that two builds gave the same bytes.

    :raises BadResultError: names those that differ.
    """
    pairs = zip(first.files(), second.files(), strict=True)
    different = [one.name for one, other in pairs if digest(one) != digest(other)]
    if different:
        raise BadResultError(f"two builds differ: {', '.join(different)}")
