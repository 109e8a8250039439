"""Tries mutants of the compiled core: `python -m tooling.mutants.compiled`.

A mutant changes one operator, number, condition or call in the text of src/core, which clang-format has laid
out: a binary operator has spaces around it. Each is built out of the tree. One whose object file is that of
the original, or that does not compile, is none.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from importlib import import_module
from pathlib import Path
from random import Random, SystemRandom
from sysconfig import get_path
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from tooling import running
from tooling.building import COMPILER, FLAGS, has_compiler
from tooling.console import Output, say
from tooling.errors import CommandError, ExitCode, MissingError
from tooling.mutants import trials
from tooling.mutants.forks import NONE, PROCESSORS, SURVIVED, failure, forked, noticed, reports
from tooling.mutants.survivors import LEAST, faults, read_reasons, wrong
from tooling.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from tooling.mutants.survivors import Name

SOURCE: Final = ROOT / "src" / "core"
PACKAGE: Final = ROOT / "src" / "wsproto"
LIST: Final = "core_survivors.csv"
SECONDS: Final = 30.0
"""Time of the processor that a test may take, several times what any does."""
FIRST: Final = tuple(
    f"tests/test_{name}.py"
    for name in (
        *("frame_reader_streams", "core_alone", "frame_writer", "connection_front", "masking"),
        *("event_base_values", "connection", "inbound_message", "permessage_deflate"),
        *("core_reentrancy", "core_leaks", "core", "core_written"),
    )
)
"""The tests that notice most, the quickest before the others."""
BLIND: Final = (
    *("authority", "build", "docs", "handshake", "header_grammar", "http_exchange", "layering"),
    *("requirements", "stream_handshake"),
)
"""How the names of those begin whose tests look at the sources, or at what comes before the first frame."""
_STAYS: Final = re.compile(
    rb"/\*.*?\*/|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*"
    rb"|(?<=char )[\w\[\], ]+(?=;)",  # an array may have more room
    re.DOTALL | re.MULTILINE,
)
_FUNCTION: Final = re.compile(rb"(\w+)\((?:[^();{}]|\([^()]*\))*\) (\{\n.*?^\})", re.DOTALL | re.MULTILINE)
_OPERATORS: Final = [
    (re.compile(rb"(?<= )%b(?= )" % re.escape(old)), new)
    for old, new in (
        *((b"<", b"<="), (b"<=", b"<"), (b">", b">="), (b">=", b">"), (b"==", b"!="), (b"!=", b"==")),
        *((b"&&", b"||"), (b"||", b"&&"), (b"+", b"-"), (b"-", b"+"), (b"&", b"|"), (b"|", b"&")),
        *((b"<<", b">>"), (b">>", b"<<"), (b"+=", b"-="), (b"-=", b"+="), (b"+=", b"="), (b"^", b"&")),
    )
]
_EDITS: Final = [
    *_OPERATORS,
    (re.compile(rb"!(?=[\w(])"), b""),
    (re.compile(rb"(?<=\bif )\((?=.*\)(?: \{)?$)", re.MULTILINE), b"(!"),  # an operand of the condition
    (
        re.compile(
            rb"(?<=^    )(?:    )*\w[\w>.-]*(?: [|&^+-]?= [^\n;]*|\([^\n;]*\)|\+\+|--);", re.MULTILINE
        ),
        b";",
    ),
    (re.compile(rb"(?<=    )continue;"), b"break;"),
]
_NUMBER: Final = re.compile(rb"(?<![\w.])(0[xX][0-9A-Fa-f]+|\d+)(?=[uUlL]*\b)")

_FLIPPED: Final = {b"0": b"1", b"1": b"0"}
"""Most of these numbers are true or false, or stand behind a minus for a failure."""


class Mutant(NamedTuple):
    """One edit of a file of src/core."""

    function: str
    """File and name."""
    name: str
    """Its statement, as one line without comments, with `[before -> after]` at the edit; distinct within the
    function, and the same however the statement is laid out."""
    path: Path
    line: int
    start: int
    stop: int
    text: bytes

    def source(self) -> bytes:
        """Return the text of the file with this edit."""
        source = self.path.read_bytes()
        return source[: self.start] + self.text + source[self.stop :]


def mutants(folder: Path = SOURCE) -> list[Mutant]:
    """Return all mutants of the C in a folder, but those of its declarations."""
    return [mutant for path in sorted(folder.glob("*.c")) for mutant in _mutants_of(path)]


def _mutants_of(path: Path) -> Iterator[Mutant]:
    def blank(match: re.Match[bytes]) -> bytes:
        return re.sub(rb"[^\n]", b" ", match[0])

    source = path.read_bytes()
    text = _STAYS.sub(lambda match: blank(match) if match[0].lstrip()[:1] in b"#/" else match[0], source)
    code = _STAYS.sub(blank, source)
    edits = [(*match.span(), new) for pattern, new in _EDITS for match in pattern.finditer(code)]
    edits += [
        (*match.span(), _FLIPPED.get(match[1], b"%d" % (int(match[1], 0) + 1)))
        for match in _NUMBER.finditer(code)
    ]
    for function in _FUNCTION.finditer(code):
        names: dict[str, int] = {}
        for start, stop, new in sorted(edits):
            if not function.start(2) < start < function.end():
                continue
            begin = max(code.rfind(mark, 0, start) for mark in (b";", b"{", b"}")) + 1
            end = min(place for mark in (b";", b"{", b"}") if (place := code.find(mark, stop)) >= 0)
            parts = text[begin:start], b"[%b -> %b]" % (text[start:stop].strip(), new), text[stop:end]
            name = " ".join(b"".join(parts if code[stop - 1 : stop] != b";" else parts[:2]).decode().split())
            names[name] = names.get(name, 0) + 1
            number = f" ({names[name]})" if names[name] > 1 else ""
            line = source.count(b"\n", 0, start) + 1
            yield Mutant(f"{path.name}: {function[1].decode()}", name + number, path, line, start, stop, new)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    with running.interrupted_by_sigterm():
        return running.run(cli, "python -m tooling.mutants.compiled", arguments)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--sample", type=click.IntRange(1), default=200, show_default=True, help="Mutants to try.")
@click.option("--seed", type=int, help="Seed of the sample; by default a new one each time.")
@click.option("--jobs", type=click.IntRange(1), default=PROCESSORS, help="Trials to run at once.")
def cli(sample: int, seed: int | None, jobs: int) -> ExitCode:
    """Try a sample of the mutants of src/core on the tests of the library, compiled.

    Exit code 0 if tests notice all but those for which tests/mutants/core_survivors.csv gives a reason,
    and these are few enough.
    """
    if not has_compiler():
        raise MissingError(f"there is no compiler {COMPILER}, or no Python.h")
    tell = partial(say, Output())
    seed = SystemRandom().randrange(10**6) if seed is None else seed
    every = mutants()
    drawn = Random(seed).sample(every, len(every))  # noqa: S311 - it has to repeat
    tell(f"--seed {seed}: {sample} of {len(every)} mutants of the compiled core")
    with tempfile.TemporaryDirectory() as folder:
        built = build(drawn, sample, jobs, Path(folder))
        found = tried(built, [[test] for test in FIRST], jobs, Path(folder), tell)
        left = {mutant: built[mutant] for mutant in (None, *found) if not (mutant and found[mutant])}
        if len(left) > 1:
            tell(f"{len(left) - 1} are to be tried on more tests")
            found |= tried(left, [["tests/properties"], rest()], jobs, Path(folder), tell)
    return _judged(found, {(mutant.function, mutant.name) for mutant in every}, tell)


def _judged(found: dict[Mutant, bool], every: set[Name], tell: Callable[[str], None]) -> ExitCode:
    reasons = read_reasons(LIST)
    bad = faults(reasons, every)
    for mutant, was_noticed in found.items():
        if what := wrong(reasons, (mutant.function, mutant.name), noticed=was_noticed):
            bad.append(f"{mutant.function}, line {mutant.line}: {mutant.name}: {what}")
    for line in bad:
        tell(line)
    percent = 100 * sum(found.values()) / len(found)
    tell(f"tests notice {percent:.1f} % of {len(found)} mutants of the compiled core")
    return ExitCode.BAD if bad or percent < LEAST else ExitCode.GOOD


def rest() -> list[str]:
    """Return the other tests that a mutant may fail."""
    names = [path.stem.removeprefix("test_") for path in trials.all_tests()]
    files = [f"tests/test_{name}.py" for name in names if not name.startswith(BLIND)]
    return [file for file in files if file not in FIRST]


def tried(
    built: dict[Mutant | None, Path],
    batches: Sequence[Sequence[str]],
    jobs: int,
    folder: Path,
    tell: Callable[[str], None],
) -> dict[Mutant, bool]:
    """Try mutants, and the core without any; return whether tests notice them.

    :param built: is as `build` returns it.
    :param batches: are for `trials.Anew`.
    :param folder: for what pytest prints.
    :raises CommandError: where a test fails without a mutant.
    """
    os.environ["WSPROTO_PURE"] = "0"
    mutants = ((index, partial(_takes_place, path)) for index, path in enumerate(built.values()))
    trying, log = trials.Anew(mutants, batches, SECONDS, jobs), folder / "log"
    found: dict[Mutant, bool] = {}
    for index, code in reports(trying.run, log):
        mutant = list(built)[index]
        if mutant is None:
            if code != SURVIVED:
                raise failure("a test fails without any mutant", log)
            continue
        found[mutant] = noticed(mutant.name, code, log)
        how = "noticed" if found[mutant] else "SURVIVES"
        tell(f"{len(found)} of {len(built) - 1}: {mutant.function}, line {mutant.line}: {mutant.name}: {how}")
    return found


def _takes_place(folder: Path) -> bool:
    """Have the library imported from `folder`, by children too; tell whether that takes its compiled core."""
    sys.path.insert(0, str(folder))
    os.environ["PYTHONPATH"] = str(folder)
    try:
        return bool(import_module("wsproto").compiled)
    except Exception:  # noqa: BLE001 - whatever a mutant of its start does, no test can begin
        return False


def build(drawn: Sequence[Mutant], sample: int, jobs: int, folder: Path) -> dict[Mutant | None, Path]:
    """Build the core as it is, and with each of the first mutants with which it can be, and is another one.

    :returns: the folders from which to import the library with it.
    """
    objects = {path.stem: _compiled(path, folder / f"{path.stem}.o") for path in sorted(SOURCE.glob("*.c"))}
    built: dict[Mutant | None, Path] = {None: folder / "original"}
    _link(objects, built[None])
    queue = list(drawn)
    while queue and len(built) <= sample:
        some, queue = queue[: sample + 1 - len(built)], queue[sample + 1 - len(built) :]
        tasks = []
        for mutant in some:
            to = folder / f"{mutant.path.stem}-{mutant.start}-{mutant.text.hex()}"
            tasks.append(((mutant, to), partial(_build, mutant, objects, to)))
        for (mutant, to), code in forked(tasks, jobs):
            if code not in {0, NONE}:
                raise CommandError(f"{mutant.path.name} cannot be built with {mutant.name}")
            if code == 0:
                built[mutant] = to
    return built


def _compiled(path: Path, to: Path) -> Path:
    include = f"-I{get_path('include')}"
    command = [COMPILER, *FLAGS, include, f"-I{SOURCE}", "-O1", "-g0", "-w", "-c", str(path), "-o", str(to)]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - the compiler
    return to


def _build(mutant: Mutant, objects: dict[str, Path], to: Path) -> int:
    to.mkdir()
    changed = to / mutant.path.name
    changed.write_bytes(mutant.source())
    try:
        made = _compiled(changed, changed.with_suffix(".o"))
    except subprocess.CalledProcessError:
        return NONE
    if made.read_bytes() == objects[changed.stem].read_bytes():
        return NONE
    _link({**objects, changed.stem: made}, to)
    return 0


def _link(objects: dict[str, Path], to: Path) -> None:
    """Give a folder the package, and link its core there."""
    ignore = shutil.ignore_patterns("*.so")
    package = shutil.copytree(PACKAGE, to / "wsproto", ignore=ignore, copy_function=os.symlink)
    command = [COMPILER, "-shared", *map(str, objects.values()), "-o", str(package / "_core.so")]
    subprocess.run(command, check=True)  # noqa: S603 - the compiler


if __name__ == "__main__":
    if os.environ.get("PYTHONMALLOC") != "debug":  # it ends a trial that writes beyond what was allocated
        os.environ["PYTHONMALLOC"] = "debug"
        os.execv(sys.executable, [sys.executable, "-m", "tooling.mutants.compiled", *sys.argv[1:]])  # noqa: S606
    sys.exit(main())
