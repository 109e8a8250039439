"""Archives are the same bytes whenever they are made, and what is wrong is one line."""

from __future__ import annotations

import os
import sys
import tarfile
from dataclasses import replace
from pathlib import Path

import pytest

from release import pythons
from release.archives import digest, make_reproducible, unpack
from release.building import Built, compare
from release.cli import main
from release.commands import ProgramError, output_of
from release.environments import Environment
from tooling.errors import BadResultError, CommandError

EPOCH = 1_700_000_000


def archive(folder: Path, *, mtime: int, order: int = 1) -> Path:
    """Write an archive as setuptools does: with times, owners, and whatever order."""
    (folder / "name-1.0" / "inside").mkdir(parents=True)
    for name, text in (("inside/module.py", "pass\n"), ("run.sh", "exit\n")):
        file = folder / "name-1.0" / name
        file.write_text(text, "utf-8")
        os.utime(file, (mtime, mtime))
    (folder / "name-1.0" / "run.sh").chmod(0o700)
    made = folder / "name-1.0.tar.gz"
    with tarfile.open(made, "w:gz") as new:
        for file in sorted((folder / "name-1.0").rglob("*"))[::order]:
            new.add(file, file.relative_to(folder), recursive=False)
    return made


def test_times_order_and_owners_are_not_in_the_archive(tmp_path: Path) -> None:
    first = archive(tmp_path / "first", mtime=1_000_000_000)
    second = archive(tmp_path / "second", mtime=1_500_000_000, order=-1)
    assert digest(first) != digest(second)
    for made in (first, second):
        make_reproducible(made, EPOCH)
    assert digest(first) == digest(second)
    with tarfile.open(first) as packed:
        assert {(member.mtime, member.uid, member.uname) for member in packed} == {(EPOCH, 0, "")}
    unpacked = unpack(first, tmp_path / "unpacked")
    assert unpacked.name == "name-1.0"
    assert (unpacked / "inside" / "module.py").read_text("utf-8") == "pass\n"
    assert os.access(unpacked / "run.sh", os.X_OK)
    assert not os.access(unpacked / "inside" / "module.py", os.X_OK)


def test_builds_that_differ_are_named(tmp_path: Path) -> None:
    files = [tmp_path / name for name in ("a", "b", "c", "d", "e", "f")]
    for file in files:
        file.write_text("the same", "utf-8")
    first = Built(*files[:5])
    second = replace(first, harness_wheel=files[5])
    compare(first, second)
    files[5].write_text("another", "utf-8")
    with pytest.raises(BadResultError, match=r"^two builds differ: e$"):
        compare(first, second)


def test_the_python_that_runs_this_is_found() -> None:
    there = pythons.found()
    assert f"{sys.version_info[0]}.{sys.version_info[1]}" in there
    assert {*there, *pythons.missing(there)} == {f"3.{minor}" for minor in pythons.MINORS}


def test_a_program_that_fails_is_one_line_and_a_file_that_has_all(tmp_path: Path) -> None:
    program = "import sys; print('out'); sys.exit('first\\nlast')"
    with pytest.raises(ProgramError) as caught:
        output_of([sys.executable, "-c", program], tmp_path)
    line = str(caught.value)
    assert "\n" not in line
    log = Path(line.rpartition("(all of it in ")[2].removesuffix(")"))
    assert "ended with 1: last (all" in line
    assert log.read_text("utf-8").splitlines()[-3:] == ["out", "first", "last"]
    log.unlink()


def test_a_program_that_is_not_there_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"^cannot run no-such-program: there is no no-such-program$"):
        output_of(["no-such-program"], tmp_path)


def test_an_environment_without_the_library_is_found_out(tmp_path: Path) -> None:
    environment = Environment.make(tmp_path / "empty", Path(sys.executable))
    with pytest.raises(ProgramError, match="No module named 'wsproto'"):
        environment.check("pure")


def test_a_python_that_is_not_here_is_one_line(capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["package", "--python", "2.7"]) == 2
    assert capfd.readouterr().err.startswith("error: Invalid value for --python: 2.7 is not here: 3.")
