"""What the Makefile, `.ci/run`, the workflows, the image of the fuzz targets and the pages name is there."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILES = sorted(
    path.relative_to(ROOT).as_posix()
    for pattern in ("Makefile", ".ci/run", ".github/workflows/*.yml", ".clusterfuzzlite/*", "oss-fuzz/*")
    for path in ROOT.glob(pattern)
)
PAGES = sorted(
    path.relative_to(ROOT).as_posix()
    for folder in (".", "autobahn", "bench", "changes", "docs", "fuzz", "harness", "oss-fuzz", "tests")
    for path in ROOT.glob("*.md" if folder == "." else f"{folder}/**/*.md")
)
FOLDERS = "src|tests|fuzz|harness|bench|tooling|examples|docs|autobahn|release|changes|.ci|.clusterfuzzlite"
TARGETS = set(re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8")))
MADE = {
    "fuzz/corpus",
    "fuzz/crashes",
    "fuzz/report",
    "autobahn/reports",
    "autobahn/reports/summary.md",
    "src/*.egg-info",
    "harness/*.egg-info",
}

each_file = pytest.mark.parametrize("file", FILES)


def commands(file: str) -> str:
    """The lines of a file without its comments."""
    return re.sub(r"(?m)(^|\s)#.*", "", (ROOT / file).read_text(encoding="utf-8"))


def test_all_of_them_are_read() -> None:
    assert len(FILES) > 14
    assert {"README.md", "CONTRIBUTING.md", "docs/howto/tls.md", "harness/README.md"} <= set(PAGES)


@each_file
def test_the_paths_exist(file: str) -> None:
    named = set(re.findall(rf"(?<![\w./-])(?:{FOLDERS})/[\w*][\w./*-]*", commands(file)))
    named = {re.sub(r"/?\*\*$", "", path).rstrip("./") for path in named} - MADE
    assert [path for path in sorted(named) if not path.endswith("_") and not [*ROOT.glob(path)]] == []


@each_file
def test_the_targets_of_make_exist(file: str) -> None:
    assert set(re.findall(r"(?m)(?:^|[ \"])make ([a-z-]+)", commands(file))) <= TARGETS


@pytest.mark.parametrize("page", PAGES)
def test_the_targets_of_make_that_a_page_names_exist(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    assert set(re.findall(r"(?m)(?:^\$ |`|&& )make ([a-z-]+)", text)) <= TARGETS


@pytest.mark.parametrize("file", [*FILES, *PAGES])
def test_the_modules_that_run_exist(file: str) -> None:
    for name in re.findall(r"python\d?\"? -m ([a-z]\w*(?:\.\w+)*)", commands(file)):
        spec = importlib.util.find_spec(name)
        assert spec is not None, name
        if spec.submodule_search_locations:
            assert importlib.util.find_spec(f"{name}.__main__"), name


def test_what_the_readme_tells_to_run_is_run() -> None:
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    told = set(re.findall(r"(?m)^\| `make ([a-z]+)`", readme))
    assert "test" in told
    run = commands(".ci/run")
    # The tests of the library alone are among `make test`'s.
    assert [name for name in told - {"test-core"} if not re.search(rf"(?m)^ *make {name}\b", run)] == []
