"""`wsproto-harness`: its wheel and source archive work alone, in a folder that has other modules of those names."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING
from zipfile import ZipFile

import pytest

from tests.harness.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.serving import EchoServer

ROOT = Path(__file__).resolve().parents[2]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
BUILD = [*PIP, "wheel", "--no-index", "--no-deps", "--no-build-isolation"]  # setuptools is beside the tests
NAMES = ("harness", "tooling", "tests", "kosoku", "click", "json")
"""Modules that the folder of a user has: the harness must import none of them."""


def ran(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("wheel")
    ran(*BUILD, "--wheel-dir", folder, ROOT / "harness", cwd=folder)
    return only(folder, "*.whl")


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the distribution, and with a library that cannot be found."""
    folder = tmp_path_factory.mktemp("installed")
    ran(*PIP, "install", "--no-index", "--no-deps", "--target", folder, wheel, cwd=folder)
    (folder / "wsproto.py").write_text("raise ModuleNotFoundError(name=__name__)\n", "utf-8")
    return folder


@pytest.fixture
def users_folder(tmp_path: Path) -> Iterator[Path]:
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('of the user')\n", "utf-8")
    yield tmp_path
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "report") == sorted(NAMES)


def harness(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [installed / "bin" / "wsproto-harness", *arguments],
        cwd=cwd,
        env={**os.environ, "PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoServer]:
    with serving() as server:
        yield server
        server.process.terminate()
        server.process.communicate()


def test_the_wheel_has_one_package_and_all_of_the_harness(wheel: Path) -> None:
    names = {Path(name) for name in ZipFile(wheel).namelist()}
    assert {name.parts[0] for name in names} == {"wsproto_harness", f"{wheel.name[:21]}.dist-info"}
    inside = {name.relative_to("wsproto_harness") for name in names if name.parts[0] == "wsproto_harness"}
    kept = {
        path.relative_to(ROOT)
        for folder in ("harness", "tooling")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "setup.py" and "wsproto_harness" not in path.parts
    }
    assert kept <= inside
    assert not [name for name in inside if name.suffix in {".pyc", ".sh"} or "fuzz" in name.parts[:1]]
    licence = only_text(wheel, "LICENSE")
    assert licence == (ROOT / "LICENSE").read_text("utf-8")


def only_text(wheel: Path, name: str) -> str:
    with ZipFile(wheel) as archive:
        (found,) = [path for path in archive.namelist() if path.endswith(f"/{name}")]
        return archive.read(found).decode()


def test_the_source_archive_makes_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    copy = tmp_path / "copy"  # it is made beside the sources
    for name in ("harness", "tooling", "autobahn"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "reports"))
    (copy / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "requirements.csv", copy / "tests")
    program = f"from setuptools.build_meta import build_sdist; build_sdist({str(tmp_path)!r})"
    ran(sys.executable, "-c", program, cwd=copy / "harness")
    with tarfile.open(only(tmp_path, "*.tar.gz")) as archive:
        archive.extractall(tmp_path, filter="data")
    ran(*BUILD, "--wheel-dir", tmp_path, only(tmp_path, "wsproto_harness-*[0-9]"), cwd=tmp_path)
    with ZipFile(only(tmp_path, "*.whl")) as made, ZipFile(wheel) as direct:
        assert {entry.filename: entry.CRC for entry in made.infolist() if "RECORD" not in entry.filename} == {
            entry.filename: entry.CRC for entry in direct.infolist() if "RECORD" not in entry.filename
        }


def test_it_has_the_version_of_the_library(wheel: Path) -> None:
    assert f'__version__ = "{wheel.name.split("-")[1]}"' in (ROOT / "src/wsproto/_version.py").read_text()


def test_it_tests_a_server_and_reads_its_own_results(
    installed: Path, users_folder: Path, echo: EchoServer
) -> None:
    url = f"ws://127.0.0.1:{echo.address[1]}"
    tested = harness(installed, users_folder, "test", url, "--cases", "1.1.1", "X.3.1")
    assert (tested.returncode, tested.stderr) == (0, "")
    assert "server: 1 case of Autobahn and 1 extra one in" in tested.stdout
    assert (users_folder / "report" / "index.html").stat().st_size > 10_000
    assert '"commit": ""' in (users_folder / "report" / "results.json").read_text("utf-8")
    again = harness(installed, users_folder, "report", "report")
    assert (again.returncode, again.stderr) == (0, "")
    assert "report: report/index.html" in again.stdout


def test_it_lists_the_cases(installed: Path, users_folder: Path) -> None:
    shown = harness(installed, users_folder, "list", "6.4.1", "X.9.3")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert [line.split()[0] for line in shown.stdout.splitlines()] == ["6.4.1", "X.9.3"]


@pytest.mark.parametrize(
    ("arguments", "code", "missing"),
    [
        (["run", "--cases", "1.1.1"], 2, "wsproto is not installed: python -m pip install wsproto"),
        (["serve"], 2, "the library cannot be imported"),
        (["plant"], 3, "only a checkout of the repository has them"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_a_command_lacks_is_one_line(
    installed: Path, users_folder: Path, arguments: list[str], code: int, missing: str
) -> None:
    done = harness(installed, users_folder, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert missing in done.stderr
    assert done.stderr.count("\n") == 1
