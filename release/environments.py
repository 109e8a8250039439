"""Empty environments, in which what was built has to work."""

from __future__ import annotations

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from release.archives import digest
from release.commands import PIP, ProgramError, output_of
from tooling.errors import BadResultError

STRICT: Final = ("-I", "-W", "error", "-X", "dev", "-bb")
"""Every warning is an error, and what Python can check of memory and of mixed types it does."""

PROGRAM: Final = Path(__file__).with_name("installed.py")
ALONE: Final = "h11 wsproto"
TESTS: Final = ("tests/properties", "tests/state_machines")


@dataclass(frozen=True)
class Environment:
    """A virtual environment without anything, not even pip."""

    folder: Path

    @classmethod
    def make(cls, folder: Path, python: Path) -> Environment:
        """Make one for that Python."""
        output_of([python, "-m", "venv", "--without-pip", folder], folder.parent)
        return cls(folder)

    @property
    def python(self) -> Path:
        """Its interpreter."""
        return self.folder / "bin" / "python"

    @property
    def variables(self) -> dict[str, str]:
        """Those of a shell that has entered it."""
        return {
            "PATH": f"{self.python.parent}{os.pathsep}{os.environ['PATH']}",
            "VIRTUAL_ENV": str(self.folder),
        }

    def install(self, *what: str | Path, bare: bool = False, **variables: str) -> None:
        """Install, with the pip that is beside this program.

        :param bare: on a machine without compiler and without git: PATH has the environment's programs alone.
        :param variables: of the environment of pip, besides.
        """
        pip = [sys.executable, "-m", "pip", f"--python={self.python}", *PIP, "install", "--no-compile"]
        without = {"PATH": str(self.python.parent), "CC": "false", "LDSHARED": "false"} if bare else {}
        output_of([*pip, *what], self.folder, {**without, **variables})

    def check(self, core: str) -> None:
        """Check what an installation of the library must do, with the core `compiled` or `pure`.

        :raises BadResultError: where it does not, or where anything but h11 came with it.
        """
        names = output_of([self.python, *STRICT, PROGRAM, core], self.folder).strip()
        if names != ALONE:
            raise BadResultError(f"{self.python} has {names}, it must have {ALONE}")

    def library(self) -> dict[str, str]:
        """Return the SHA-256 of each file of the library that is installed, by its name."""
        (folder,) = self.folder.glob("lib/python3.*/site-packages/wsproto")
        return {file.name: digest(file) for file in sorted(folder.iterdir()) if file.is_file()}

    def test(self, sources: Path, core: str) -> str:
        """Run the tests of the library that a source archive holds; return pytest's last line."""
        self.install(f"wsproto[test]=={sources.name.partition('-')[2]}")  # pip takes no other one then
        tests = sorted(path.relative_to(sources) for path in (sources / "tests").glob("test_*.py"))
        options: list[str | Path] = [
            "-q",
            "-p",
            "no:cacheprovider",
            "-n",
            "auto",
            "--dist",
            "worksteal",
            "-rN",
            "--timeout=600",  # the checks of -X dev take twice the time, and a machine may have other work
        ]
        return output_of(
            [self.python, "-W", "error", "-X", "dev", "-bb", "-m", "pytest", *options, *tests, *TESTS],
            sources,
            self.variables | {"WSPROTO_PURE": "0" if core == "compiled" else "1"},
        ).splitlines()[-1]

    def check_types(self) -> int:
        """Have pyright verify that every public name has a type; return how many there are.

        :raises BadResultError: names those that have none.
        """
        pyright = Path(sys.executable).with_name("basedpyright")
        command: list[str | Path] = [pyright, "--verifytypes", "wsproto", "--ignoreexternal", "--outputjson"]
        try:
            said = output_of(command, self.folder, self.variables)
        except ProgramError as error:  # it judges by its exit code; the report has the names
            said = error.output
        symbols = [
            symbol for symbol in json.loads(said)["typeCompleteness"]["symbols"] if symbol["isExported"]
        ]
        unknown = [
            symbol["name"] for symbol in symbols if symbol["isTypeAmbiguous"] or not symbol["isTypeKnown"]
        ]
        if unknown or not symbols:
            raise BadResultError(
                f"{len(unknown)} of {len(symbols)} public names lack a type: {', '.join(unknown)}"
            )
        return len(symbols)
