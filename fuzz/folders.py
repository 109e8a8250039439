"""The targets and the files of each: options, dictionary, corpus, crashes."""

from __future__ import annotations

import ast
import configparser
import hashlib
import importlib.util
import os
import sys
import tempfile
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Final

from tooling.errors import CommandError

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from types import ModuleType

PROBE: Final = bytes(2**18)
"""What is written to see that a folder takes files: more than the largest input and its explanation."""

HASH_LENGTH: Final = 12
"""Hexadecimal digits of SHA-256 in a file's name."""


def hash_of(data: bytes) -> str:
    """Return the end of a kept input's name, a hash of its bytes."""
    return hashlib.sha256(data).hexdigest()[:HASH_LENGTH]


@dataclass(frozen=True)
class Target:
    """One file `targets/fuzz_NAME.py`."""

    root: Path
    name: str

    @property
    def file(self) -> Path:
        """The program that fuzzes."""
        return self.root / "targets" / f"fuzz_{self.name}.py"

    @property
    def corpus(self) -> Path:
        """The folder from which libFuzzer reads, and to which it adds inputs that reach a new branch."""
        return self.root / "corpus" / self.name

    @property
    def title(self) -> str:
        """The first line of its docstring, read without importing it."""
        try:
            text = ast.get_docstring(ast.parse(self.file.read_bytes()))
        except SyntaxError as error:
            raise CommandError(f"{self.file}:{error.lineno}: {error.msg}") from error
        return (text or "").partition("\n")[0]

    @cached_property
    def options(self) -> dict[str, str]:
        """Options of libFuzzer for it, as `options/fuzz_NAME.options` has them; `dict` is a path."""
        file = self.root / "options" / f"fuzz_{self.name}.options"
        parser = configparser.ConfigParser(interpolation=None)
        try:
            parser.read(file, encoding="utf-8")
        except (configparser.Error, UnicodeDecodeError) as error:
            raise CommandError(f"{file}: {error}") from error
        options = dict(parser["libfuzzer"]) if parser.has_section("libfuzzer") else {}
        if "dict" in options:
            dictionary = self.root / "dictionaries" / options["dict"]
            if not dictionary.is_file():
                raise CommandError(
                    f"{file} names the dictionary {options['dict']!r}, but {dictionary} is not a file"
                )
            options["dict"] = str(dictionary)
        return options

    def inputs(self) -> list[Path]:
        """List the files of its corpus."""
        return sorted(file for file in self.corpus.rglob("*") if file.is_file())

    def load(self) -> ModuleType:
        """Import it; it needs no atheris for that."""
        return _load(self.file, f"fuzz.targets.fuzz_{self.name}")


@dataclass(frozen=True)
class Folders:
    """A folder with targets, and the folders around them: corpora, crashes, regressions, reports."""

    root: Path

    @property
    def crashes(self) -> Path:
        """Where crashes are kept, as `NAME-HASH`."""
        return self.root / "crashes"

    @property
    def regressions(self) -> Path:
        """Inputs that once failed, committed, as `NAME-HASH`."""
        return self.root / "regressions"

    @property
    def report(self) -> Path:
        """The folder that a campaign writes."""
        return self.root / "report"

    def log_of(self, name: str) -> Path:
        """Return the file with all that a target printed in a campaign."""
        return self.report / "logs" / f"{name}.txt"

    def check_writable(self, targets: Sequence[Target]) -> None:
        """Raise `CommandError` where a campaign over `targets` could not keep what it finds."""
        corpora = [target.corpus for target in targets]
        for folder in (self.crashes, self.report, self.log_of("any").parent, *corpora):
            check_takes_files(folder)
        for log in (self.log_of(target.name) for target in targets):
            with _said_of(log):
                log.open("ab").close()  # an old one may be another user's

    def targets(self, names: Sequence[str] = ()) -> list[Target]:
        """Return these targets, or all; raises `CommandError` for an unknown name."""
        known = sorted(file.stem.removeprefix("fuzz_") for file in self.root.glob("targets/fuzz_*.py"))
        if not known:
            raise CommandError(f"there is no target, no file targets/fuzz_*.py, in {self.root}")
        for name in names:
            if name not in known:
                raise CommandError(f"there is no target {name!r}: choose from {', '.join(known)}")
        return [Target(self.root, name) for name in dict.fromkeys(names or known)]

    def target_of(self, file: Path) -> Target:
        """Return the target that an input belongs to, by its name `NAME-HASH`."""
        name, dash, _ = file.name.partition("-")
        if not dash:
            raise CommandError(f"{file.name!r} is not TARGET-HASH: name its target with --target")
        return self.targets([name])[0]

    def seed(self, target: Target, folder: Path | None = None) -> int:
        """Write the seeds of a target into its corpus, or another folder, and return their number."""
        seeds = self.root / "seeds.py"
        if not seeds.is_file():
            raise CommandError(f"{seeds} is missing, which makes the seeds")
        folder = folder or target.corpus
        folder.mkdir(parents=True, exist_ok=True)
        count: int = _load(seeds, "fuzz.seeds").write(target.name, folder)
        return count


PACKAGE: Final = Folders(Path(__file__).parent)
"""The targets of this package."""


def check_takes_files(folder: Path) -> None:
    """Make a folder, and see that it takes a file of the size of a large input.

    :raises CommandError: where it does not: the disk is full, or the folder may only be read.
    """
    with _said_of(folder):
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryFile(dir=folder) as probe:
            probe.write(PROBE)


@contextmanager
def _said_of(path: Path) -> Iterator[None]:
    try:
        yield
    except OSError as error:
        raise CommandError(f"cannot write to {shown(path)}: {error.strerror}") from error


def inputs_in(paths: Sequence[Path]) -> list[Path]:
    """List the inputs that files and folders hold, without notes and unfinished files.

    :raises CommandError: where a folder holds none, or does not exist.
    """
    found: list[Path] = []
    for path in paths:
        held = [path] if not path.is_dir() else sorted(path.rglob("*"))
        inputs = [file for file in held if file == path or (file.is_file() and _is_input(file))]
        if not inputs or not path.exists():
            raise CommandError(f"there is no input in {shown(path)}: inputs are files named TARGET-HASH")
        found += inputs
    return found


def shown(path: Path) -> str:
    """Return the shorter way to write a path: from the working directory, where that does not lead up."""
    relative = os.path.relpath(path)
    return str(path) if relative.startswith("..") else relative


def _is_input(file: Path) -> bool:
    return file.suffix not in {".txt", ".md", ".original"} and not file.name.startswith(".")


def _load(file: Path, name: str) -> ModuleType:
    """Import a file of the folder, under the name that it has in this package."""
    loaded = sys.modules.get(name)
    if loaded is not None and loaded.__file__ == str(file):
        return loaded
    spec = importlib.util.spec_from_file_location(name, file)
    if spec is None or spec.loader is None:
        raise CommandError(f"{file} cannot be imported")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[name]
        raise
    return module
