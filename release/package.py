"""`make package`: builds all that is released, twice, and tries each file in empty environments."""

from __future__ import annotations

import json
import shutil
import sys
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Final

from release.archives import digest, unpack
from release.building import Built, build, compare, copy_tree, source_date, wheel
from release.commands import ProgramError, output_of
from release.environments import Environment
from tooling.errors import BadResultError
from tooling.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    Say = Callable[[str], None]

SUMS: Final = "SHA256SUMS"
PROGRAMS: Final = Path(sys.executable).parent
"""Where the programs of this environment are."""


def package(out: Path, pythons: Mapping[str, Path], *, tests: bool, say: Say) -> None:
    """Build into `out`, and check.

    :param pythons: those in which the files are installed, by version.
    :param tests: whether the tests of the library run in each.
    :raises BadResultError: says what was wrong; `out` is left as it was then.
    """
    with TemporaryDirectory(prefix="wsproto-release-") as folder:
        work = Path(folder)
        built = _built_twice(work, say)
        _check_contents(built, say)
        sources = unpack(built.source, work / "unpacked")
        _check_sources(sources, say)
        for version, python in pythons.items():
            for what, seen in _try_library(built, work / version, python, sources if tests else None):
                say(f"{version}, {what}: {seen}")
        if tests:
            _try_harness(built, work / "harness-environment", say)
        _hand_over(built, _bill_of_materials(built, work), out)
    for line in (out / SUMS).read_text("utf-8").splitlines():
        say(line)


def _built_twice(work: Path, say: Say) -> Built:
    say("building everything, twice")
    copy_tree(work / "once" / "tree")
    shutil.copytree(work / "once" / "tree", work / "again" / "other tree")
    built = build(work / "once" / "tree", work / "once")
    compare(built, build(work / "again" / "other tree", work / "again"))
    say("both builds gave the same bytes")
    return built


def _check_contents(built: Built, say: Say) -> None:
    files = [*map(str, built.files())]
    output_of([PROGRAMS / "twine", "check", "--strict", *files], ROOT)
    wheels = {built.pure: "wsproto", built.compiled: "wsproto", built.harness_wheel: "wsproto_harness"}
    for file, name in wheels.items():
        output_of([PROGRAMS / "check-wheel-contents", "--toplevel", name, file], ROOT)
    say(f"twine and check-wheel-contents find nothing in {len(files)} files")


def _check_sources(sources: Path, say: Say) -> None:
    """Check that every test of the library that the source archive holds finds what it imports."""
    tests = [*map(str, sorted(sources.glob("tests/test_*.py"))), "tests/properties", "tests/state_machines"]
    command = [sys.executable, "-m", "pytest", "-q", "--collect-only", "-p", "no:cacheprovider", *tests]
    say(f"source archive: {output_of(command, sources).splitlines()[-1]}")


def _try_library(built: Built, work: Path, python: Path, sources: Path | None) -> Iterator[tuple[str, str]]:
    """Install each file into an environment of its own; yield what it is, and what was seen.

    Without a compiler the source archive has to install the files of the pure wheel, byte for byte: the tests
    that ran on those are its own.

    :param sources: whose tests run, if any do.
    """
    work.mkdir()
    compiled = wheel(built.source, work / "built", core="compiled", python=python)
    tested: dict[str, str] = {}
    for what, file, core in (
        ("compiled wheel", compiled, "compiled"),
        ("pure wheel", built.pure, "pure"),
        ("source archive without compiler", built.source, "pure"),
    ):
        environment = Environment.make(work / what.replace(" ", "-"), python)
        environment.install(file, bare=file is built.source)
        environment.check(core)
        seen = ["h11 and wsproto alone", "runs under -W error -X dev -bb"]
        if file is compiled:
            seen.append(f"all {environment.check_types()} public names have types")
        if file is built.source:
            if environment.library() != tested:
                raise BadResultError("the source archive does not install the files of the pure wheel")
            seen.append("the same files as of the pure wheel")
        elif sources is not None:
            seen.append(environment.test(sources, core).strip("= "))
        tested = environment.library()
        yield what, "; ".join(seen)
    _refuses(built.source, work, python)


def _refuses(source: Path, work: Path, python: Path) -> None:
    """Check that WSPROTO_BUILD=yes fails without a compiler, and one that is neither yes nor no always."""
    for value, expected in (("yes", "'false'"), ("maybe", "it must be yes or no")):
        environment = Environment.make(work / value, python)
        try:
            environment.install(source, bare=True, WSPROTO_BUILD=value)
        except ProgramError as error:
            if expected not in error.said:
                raise
        else:
            raise BadResultError(f"WSPROTO_BUILD={value} installed something without a compiler")


def _try_harness(built: Built, folder: Path, say: Say) -> None:
    """Install the harness alone, and have it list a case."""
    environment = Environment.make(folder, Path(sys.executable))
    environment.install(built.harness_wheel)
    listed = output_of([environment.python.parent / "wsproto-harness", "list", "1.1.1"], folder)
    if not listed.startswith("1.1.1"):
        raise BadResultError(f"wsproto-harness list 1.1.1 printed {listed!r}")
    say("wsproto-harness: installed alone, lists its cases")


def _bill_of_materials(built: Built, work: Path) -> Path:
    """Write what the library comes with, in the format of CycloneDX; return the file."""
    environment = Environment.make(work / "materials", Path(sys.executable))
    environment.install(built.pure)
    file = work / f"{built.pure.name.partition('-py3')[0]}.cdx.json"
    options: list[str | Path] = [
        "--pyproject",
        ROOT / "pyproject.toml",
        "--mc-type",
        "library",
        "--output-reproducible",
    ]
    command: list[str | Path] = [
        PROGRAMS / "cyclonedx-py",
        "environment",
        environment.python,
        *options,
        "-o",
        file,
    ]
    output_of(command, work, {"SOURCE_DATE_EPOCH": str(source_date())})
    bill = json.loads(file.read_text("utf-8"))
    names = [bill["metadata"]["component"]["name"], *(part["name"] for part in bill["components"])]
    if names != ["wsproto", "h11"]:
        raise BadResultError(f"the bill of materials has {', '.join(names)}")
    return file


def _hand_over(built: Built, materials: Path, out: Path) -> None:
    """Copy all into `out`, with their hashes."""
    out.mkdir(parents=True, exist_ok=True)
    for old in out.glob("wsproto*"):
        old.unlink()
    files = sorted([*built.files(), materials], key=lambda file: file.name)
    for file in files:
        shutil.copy(file, out)
    sums = "".join(f"{digest(file)}  {file.name}\n" for file in files)
    (out / SUMS).write_text(sums, "utf-8")
