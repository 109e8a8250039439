"""What setup.py makes of the sources: with the compiled core or without it, and nothing that is left over."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

import wsproto
from tooling.building import has_compiler

ROOT = Path(__file__).resolve().parents[1]
MODULE = f"wsproto/_core{sysconfig.get_config_var('EXT_SUFFIX')}"
CORE = {f"src/core/{path.name}" for path in (ROOT / "src" / "core").iterdir()}

pytestmark = [
    pytest.mark.uncovered,
    pytest.mark.skipif(sys.implementation.name != "cpython", reason="other Pythons have no compiled core"),
]


needs_a_compiler = pytest.mark.skipif(not has_compiler(), reason="there is no C compiler, or no Python.h")


@pytest.fixture
def sources(tmp_path: Path) -> Path:
    copy = tmp_path / "sources"
    shutil.copytree(
        ROOT / "src",
        copy / "src",
        ignore=shutil.ignore_patterns("__pycache__", "*.so", "*.pyd", "*.egg-info"),
    )
    for name in ("pyproject.toml", "setup.py", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, copy)
    return copy


def built(sources: Path, kind: str, **variables: str) -> subprocess.CompletedProcess[str]:
    """Build as pip does, by the build backend, which is beside the tests."""
    program = f"from setuptools.build_meta import build_{kind}; build_{kind}('made')"
    environment = {name: value for name, value in os.environ.items() if name != "WSPROTO_BUILD"}
    (sources / "made").mkdir(exist_ok=True)
    return subprocess.run(  # noqa: S603
        [sys.executable, "-c", program],
        cwd=sources,
        env={**environment, **variables},
        capture_output=True,
        text=True,
        check=False,
    )


def wheel(sources: Path, **variables: str) -> tuple[str, set[str]]:
    """The tag of the wheel, and what is in it."""
    done = built(sources, "wheel", **variables)
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = (sources / "made").glob("*.whl")
    with ZipFile(made) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    made.unlink()
    return made.stem.partition("-")[2].partition("-")[2], names


def python_files() -> set[str]:
    package = ROOT / "src" / "wsproto"
    return {f"wsproto/{path.name}" for path in package.iterdir() if path.suffix in {".py", ".typed"}}


@needs_a_compiler
def test_a_wheel_has_the_core_and_none_of_its_sources(sources: Path) -> None:
    tag, names = wheel(sources, WSPROTO_BUILD="yes")
    assert tag.startswith(f"cp{sys.version_info[0]}{sys.version_info[1]}-")
    assert names == {*python_files(), "wsproto/py.typed", MODULE}


def test_a_pure_wheel_is_for_every_python_also_where_a_core_is_left_over(sources: Path) -> None:
    """An object of an earlier build, in place or in `build/`, is no part of it."""
    (sources / "src" / MODULE).write_bytes(b"stale")
    for folder in ("lib", f"lib.{sysconfig.get_platform()}-{sys.implementation.cache_tag}"):
        (sources / "build" / folder / "wsproto").mkdir(parents=True)
        (sources / "build" / folder / MODULE).write_bytes(b"stale")
    tag, names = wheel(sources, WSPROTO_BUILD="no")
    assert tag == "py3-none-any"
    assert names == {*python_files(), "wsproto/py.typed"}


def test_without_a_compiler_the_package_is_pure(sources: Path) -> None:
    stale = sources / "build" / f"lib.{sysconfig.get_platform()}-{sys.implementation.cache_tag}"
    (stale / "wsproto").mkdir(parents=True)
    (stale / MODULE).write_bytes(b"stale")
    _, names = wheel(sources, CC="no-such-compiler", LDSHARED="no-such-compiler")
    assert names == {*python_files(), "wsproto/py.typed"}


def test_without_a_compiler_a_core_that_is_wanted_is_an_error(sources: Path) -> None:
    done = built(sources, "wheel", WSPROTO_BUILD="yes", CC="no-such-compiler", LDSHARED="no-such-compiler")
    assert done.returncode != 0
    assert "no-such-compiler" in done.stderr


def test_another_value_is_an_error_of_one_line(sources: Path) -> None:
    done = built(sources, "wheel", WSPROTO_BUILD="maybe")
    assert done.returncode == 1
    assert done.stderr.strip().splitlines()[-1] == "WSPROTO_BUILD is 'maybe', it must be yes or no"


def test_a_source_archive_has_all_that_the_core_is_made_of(sources: Path) -> None:
    done = built(sources, "sdist")
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = (sources / "made").glob("*.tar.gz")
    with tarfile.open(made) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    assert {*CORE, "setup.py"} <= names
    assert not [name for name in names if name.endswith((".so", ".pyd"))]


def test_every_link_and_picture_of_the_readme_leads_to_the_repository_at_this_version(sources: Path) -> None:
    done = built(sources, "wheel", WSPROTO_BUILD="no")
    assert done.returncode == 0, done.stdout + done.stderr
    (made,) = (sources / "made").glob("*.whl")
    with ZipFile(made) as archive:
        metadata = archive.read(f"wsproto-{wsproto.__version__}.dist-info/METADATA").decode()
    shown, given = (
        re.findall(r"\]\(([^)]+)\)", text) for text in (metadata, (ROOT / "README.md").read_text("utf-8"))
    )
    repository = "https://github.com/python-hyper/wsproto"
    assert f"Project-URL: Source, {repository}\n" in metadata
    assert "Description-Content-Type: text/markdown\n" in metadata
    assert "docs/start.md" in given
    assert f"{repository}/blob/v{wsproto.__version__}/docs/start.md" in shown
    assert f"{repository}/raw/v{wsproto.__version__}/docs/report-light.png" in shown
    assert len(shown) == len(given) > 10
    pairs = zip(shown, given, strict=True)
    assert [one for one, link in pairs if not (one.startswith("https://") and one.endswith(link))] == []
