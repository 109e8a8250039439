"""Tries mutants of the compiled core: `python -m tooling.mutants.compiled`.

A mutant changes one operator, number, condition or call in the text of src/core, which clang-format has laid
out: a binary operator has spaces around it. Each is built out of the tree. One whose object file is that of
the original, or that does not compile, is none.
"""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tempfile
from functools import partial
from importlib.machinery import ExtensionFileLoader
from pathlib import Path
from random import Random, SystemRandom
from typing import TYPE_CHECKING, Final, NamedTuple

import click

from tooling import running
from tooling.building import COMPILER, FLAGS, has_compiler, headers_of
from tooling.console import Output, say
from tooling.errors import CommandError, ExitCode, MissingError
from tooling.mutants import trials
from tooling.mutants.forks import NONE, PROCESSORS, forked, noticed, reports
from tooling.mutants.survivors import LEAST, faults, read_reasons, wrong
from tooling.sanitized import TESTS
from tooling.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

SOURCE: Final = ROOT / "src" / "core"
SECONDS: Final = 900.0
"""Time of the processor that all tests may take, three times what they do."""
_COMMENT: Final = re.compile(
    rb"/\*.*?\*/|\"(?:[^\"\\]|\\.)*\"|'(?:[^'\\]|\\.)*'|^[ \t]*#(?:[^\n]*\\\n)*[^\n]*",
    re.DOTALL | re.MULTILINE,
)
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


class Mutant(NamedTuple):
    """One edit of a file of src/core."""

    file: str
    name: str
    """Its line before and after, distinct within the file."""
    line: int
    start: int
    stop: int
    text: bytes

    def source(self) -> bytes:
        """Return the text of the file with this edit."""
        source = (SOURCE / self.file).read_bytes()
        return source[: self.start] + self.text + source[self.stop :]


def mutants() -> list[Mutant]:
    """Return all mutants of the compiled core, but those of its declarations."""
    return [mutant for path in sorted(SOURCE.glob("*.c")) for mutant in _mutants_of(path)]


def names() -> set[tuple[str, str]]:
    """Return by what the mutants stand in the list of survivors."""
    return {(mutant.file, mutant.name) for mutant in mutants()}


def _mutants_of(path: Path) -> Iterator[Mutant]:
    source = path.read_bytes()
    code = _COMMENT.sub(lambda match: re.sub(rb"[^\n]", b"~", match[0]), source)
    inside = {
        place
        for body in re.finditer(rb"\) \{\n.*?^\}", code, re.DOTALL | re.MULTILINE)
        for place in range(*body.span())
    }
    edits = [(*match.span(), new) for pattern, new in _EDITS for match in pattern.finditer(code)]
    edits += [(*match.span(), b"%d" % (int(match[1], 0) + 1)) for match in _NUMBER.finditer(code)]
    names: dict[str, int] = {}
    for start, stop, text in sorted(edits):
        if start not in inside:
            continue
        begin, end = source.rfind(b"\n", 0, start) + 1, source.index(b"\n", stop)
        lines = source[begin:end], source[begin:start] + text + source[stop:end]
        name = " -> ".join(line.strip().decode() for line in lines)
        names[name] = names.get(name, 0) + 1
        number = f" ({names[name]})" if names[name] > 1 else ""
        yield Mutant(path.name, name + number, source.count(b"\n", 0, start) + 1, start, stop, text)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code."""
    with running.interrupted_by_sigterm():
        return running.run(cli, "python -m tooling.mutants.compiled", arguments)


@click.command(context_settings={"help_option_names": ["-h", "--help"]})
@click.option("--sample", type=click.IntRange(1), default=200, show_default=True, help="Mutants to try.")
@click.option("--seed", type=int, help="Draws the sample; by default another each time.")
@click.option("--jobs", type=click.IntRange(1), default=PROCESSORS, help="Trials at a time.")
def cli(sample: int, seed: int | None, jobs: int) -> ExitCode:
    """Try a sample of the mutants of src/core on the tests of the library, compiled.

    Exit code 0 where tests notice all but those for which tests/mutants/survivors.csv gives a reason, and
    these are few enough.
    """
    if not has_compiler():
        raise MissingError(f"there is no compiler {COMPILER}, or no Python.h")
    output = Output()
    seed = SystemRandom().randrange(10**6) if seed is None else seed
    every = mutants()
    drawn = Random(seed).sample(every, len(every))  # noqa: S311 - it has to repeat
    say(output, f"--seed {seed}: {sample} of {len(every)} mutants of the compiled core")
    with tempfile.TemporaryDirectory() as folder:
        found = _tried(drawn, sample, jobs, Path(folder), partial(say, output))
    return _judged(found, partial(say, output))


def _judged(found: dict[Mutant, bool], tell: Callable[[str], None]) -> ExitCode:
    reasons = read_reasons()
    bad = faults({name: reasons[name] for name in reasons if name[0].endswith(".c")}, names())
    for mutant, was_noticed in found.items():
        if what := wrong(reasons, (mutant.file, mutant.name), noticed=was_noticed):
            bad.append(f"{mutant.file}, line {mutant.line}: {mutant.name}: {what}")
    for line in bad:
        tell(line)
    percent = 100 * sum(found.values()) / len(found)
    tell(f"{percent:.1f} % of {len(found)} mutants are noticed")
    return ExitCode.BAD if bad or percent < LEAST else ExitCode.GOOD


def _tried(
    drawn: Sequence[Mutant], sample: int, jobs: int, folder: Path, tell: Callable[[str], None]
) -> dict[Mutant, bool]:
    """Try the first of the mutants that can be built; return whether tests notice them."""
    built = _built(drawn, sample, jobs, folder)
    os.environ["WSPROTO_PURE"] = "0"
    loaders = (
        (index, partial(ExtensionFileLoader, "wsproto._core", str(path)))
        for index, path in enumerate(built.values())
    )
    first = [test for test in TESTS if test.startswith("tests/test_")]
    rest = sorted({f"tests/{path.name}" for path in trials.all_tests()} - set(first))
    trying = trials.Anew(loaders, [first, [*rest, "tests/properties"]], SECONDS, jobs)
    tried: dict[Mutant, bool] = {}
    for index, code in reports(trying.run, folder / "log"):
        mutant = list(built)[index]
        tried[mutant] = noticed(mutant.name, code, folder / "log")
        how = "noticed" if tried[mutant] else "SURVIVES"
        tell(f"{len(tried)} of {len(built)}: {mutant.file}, line {mutant.line}: {mutant.name}: {how}")
    return tried


def _built(drawn: Sequence[Mutant], sample: int, jobs: int, folder: Path) -> dict[Mutant, Path]:
    """Build the core with each of the first mutants with which that is possible, and makes a difference."""
    objects = {path.stem: _compiled(path, folder / f"{path.stem}.o") for path in sorted(SOURCE.glob("*.c"))}
    built: dict[Mutant, Path] = {}
    queue = list(drawn)
    while queue and len(built) < sample:
        some, queue = queue[: sample - len(built)], queue[sample - len(built) :]
        tasks = []
        for mutant in some:
            path = folder / f"{mutant.file}-{mutant.start}-{mutant.text.hex()}" / "_core.so"
            tasks.append(((mutant, path), partial(_build, mutant, objects, path)))
        for (mutant, path), code in forked(tasks, jobs):
            if code not in {0, NONE}:
                raise CommandError(f"{mutant.file} cannot be built with {mutant.name}")
            if code == 0:
                built[mutant] = path
    return built


def _compiled(path: Path, to: Path) -> Path:
    include, _ = headers_of(sys.executable)
    command = [
        COMPILER,
        *FLAGS,
        f"-I{include}",
        f"-I{SOURCE}",
        "-O2",
        "-g0",
        "-w",
        "-c",
        str(path),
        "-o",
        str(to),
    ]
    subprocess.run(command, check=True, capture_output=True)  # noqa: S603 - the compiler
    return to


def _build(mutant: Mutant, objects: dict[str, Path], built: Path) -> int:
    built.parent.mkdir()
    changed = built.with_name(mutant.file)
    changed.write_bytes(mutant.source())
    try:
        made = _compiled(changed, changed.with_suffix(".o"))
    except subprocess.CalledProcessError:
        return NONE
    if made.read_bytes() == objects[changed.stem].read_bytes():
        return NONE
    linked = {**objects, changed.stem: made}.values()
    subprocess.run([COMPILER, "-shared", *map(str, linked), "-o", str(built)], check=True)  # noqa: S603
    return 0


if __name__ == "__main__":
    sys.exit(main())
