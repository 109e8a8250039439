"""Breaks of the library and of the testee's glue, put into a copy: the suite sees each of them."""

from __future__ import annotations

import os
import shutil
import sys
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from fuzz.planted.catalogue import FAULTS
from fuzz.planted.fault import LEFT_OUT, text_of
from harness.cli import main
from harness.stored_results import read_results
from harness.testee import commands
from tests.harness.breaks import BREAKS
from tests.harness.breaks_of_limits import LIMIT_BREAKS
from tests.harness.breaks_of_opening import OPENING_BREAKS

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.breaks import Break

ROOT = Path(__file__).parents[2]
ALL = [*BREAKS, *LIMIT_BREAKS, *OPENING_BREAKS]
SETUPS = sorted({found.seen_by.split()[0] for found in ALL})


class Copy:
    """A copy of the library and of the harness, with their bytecode, in a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        for name in ("src", "harness"):
            shutil.copytree(ROOT / name, folder / name, ignore=LEFT_OUT)
        for name in ("autobahn", "tests", "tooling"):
            (folder / name).symlink_to(ROOT / name)
        self._written = 0

    def testee(self) -> commands.Testee:
        """The testee of this copy."""
        command = (sys.executable, str(self.folder / "tooling" / "module.py"), "harness.testee")
        return commands.Testee("wsproto/copied", (*command, "serve"), (*command, "drive"), has_variants=True)

    @contextmanager
    def broken(self, broken: Break) -> Iterator[None]:
        """Put a break into its file, and take it out again."""
        path = self.folder / broken.file
        whole, text = path.read_text("utf-8"), text_of(path)
        assert text.count(broken.before) == 1, broken.before
        try:
            self._write(path, text.replace(broken.before, broken.after))
            yield
        finally:
            self._write(path, whole)

    def _write(self, path: Path, text: str) -> None:
        """Write a file; Python takes it for another by its time, a number of whole seconds, or its length."""
        path.write_text(text, "utf-8")
        self._written += 1
        os.utime(path, (self._written, self._written))


@pytest.fixture(scope="module")
def copied(tmp_path_factory: pytest.TempPathFactory) -> Copy:
    return Copy(tmp_path_factory.mktemp("copy"))


@pytest.fixture
def copy(copied: Copy, monkeypatch: pytest.MonkeyPatch) -> Copy:
    """Have runs in this process play the copy's testee: half of a run is to import the harness."""
    monkeypatch.setenv("PYTHONPATH", str(copied.folder / "src"))
    monkeypatch.setattr("harness.run.library", copied.testee)
    return copied


def options_for(folder: Path, setup: str, cases: list[str]) -> list[str]:
    role, _, variant = setup.partition("/")
    chosen = ["--role", role, "--variant", variant or "default"]
    return ["run", *chosen, "--cases", *cases, "--report", str(folder)]


@pytest.mark.parametrize("broken", ALL, ids=lambda broken: broken.name)
def test_the_suite_sees_a_break(
    copy: Copy, broken: Break, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    setup, case = broken.seen_by.split()
    options = options_for(tmp_path, setup, [case, *broken.besides.split()])
    options += ["-x", "--timeout", "1", *broken.options.split()]  # a break may be that nothing comes
    with copy.broken(broken):
        text = (copy.folder / broken.file).read_text("utf-8")
        planted = [fault.planted() for fault in FAULTS if f"src/wsproto/{fault.file}" == broken.file]
        assert text not in planted, "it is a fault of the fuzzers' table"
        code, said = main(options), "".join(capsys.readouterr())
    assert code == 1, said
    assert f"{setup} {case}: {broken.kind}\n" in said


@pytest.mark.usefixtures("copy")
@pytest.mark.parametrize("setup", SETUPS)
def test_the_cases_are_as_expected_without_a_break(setup: str, tmp_path: Path) -> None:
    cases = {
        case
        for found in ALL
        if found.seen_by.split()[0] == setup
        for case in [found.seen_by.split()[1], *found.besides.split()]
    }
    main(options_for(tmp_path, setup, sorted(cases)))
    differences = read_results(tmp_path)["setups"][setup]["differences"]
    assert [one for one in differences if one["kind"] != "slow"] == [], "others may use the machine"
