"""A release is refused with a line for each thing that is wrong; otherwise it is shown, or made."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from release.tagging import publish
from tooling.errors import BadResultError

if TYPE_CHECKING:
    from collections.abc import Callable

ROOT = Path(__file__).resolve().parents[2]
GOOD = (("true",),)
OLD = "## 0.9.0 (2020-01-01)\n\n* Old.\n"


def git(folder: Path, *arguments: str) -> str:
    return subprocess.run(  # noqa: S603
        ["git", *arguments],  # noqa: S607
        cwd=folder,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


@pytest.fixture
def checkout(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A clone of a repository with a version, a changelog and a fragment."""
    for variable in ("GIT_AUTHOR_NAME", "GIT_AUTHOR_EMAIL", "GIT_COMMITTER_NAME", "GIT_COMMITTER_EMAIL"):
        monkeypatch.setenv(variable, "tests@localhost")
    root = tmp_path / "checkout"
    git(tmp_path, "init", "--quiet", "--bare", "--initial-branch=main", "origin")
    git(tmp_path, "clone", "--quiet", "origin", "checkout")
    git(root, "checkout", "--quiet", "-B", "main")
    for name, text in {
        "src/wsproto/__init__.py": "",
        "src/wsproto/_version.py": '__version__ = "1.0.0"\n',
        "harness/pyproject.toml": '[project]\nversion = "1.0.0" # the library\'s\n',
        "CHANGELOG.md": f"# Changelog\n\n<!-- towncrier release notes start -->\n\n{OLD}",
        "changes/README.md": "What it is for.\n",
        "changes/+limits.added.md": "A limit.\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text, "utf-8")
    shutil.copy(ROOT / "pyproject.toml", root)
    git(root, "add", ".")
    git(root, "commit", "--quiet", "--message", "Begin")
    git(root, "push", "--quiet", "origin", "main")
    return root


def said(root: Path, *, push: bool = False, gates: tuple[tuple[str, ...], ...] = GOOD) -> list[str]:
    lines: list[str] = []
    publish(push=push, say=lines.append, root=root, gates=gates)
    return lines


def test_without_push_it_shows_the_commands_and_does_nothing(checkout: Path) -> None:
    before = git(checkout, "log", "--format=%H")
    lines = said(checkout)
    assert lines[0] == "running true"
    assert [line.split()[2].rpartition("/")[2] for line in lines[1:-1]] == ["python", "git", "git", "git"]
    assert lines[-1] == "nothing was done: --push does it"
    assert git(checkout, "log", "--format=%H") == before
    assert git(checkout, "status", "--porcelain") == git(checkout, "tag") == ""


def test_with_push_it_makes_the_changelog_and_the_tag_and_pushes_both(checkout: Path) -> None:
    said(checkout, push=True)
    origin = checkout.parent / "origin"
    assert git(origin, "log", "-1", "--format=%s", "main") == "Release 1.0.0"
    assert git(origin, "rev-parse", "v1.0.0^{commit}") == git(origin, "rev-parse", "main")
    changelog = git(origin, "show", "main:CHANGELOG.md")
    assert "## 1.0.0 (" in changelog
    assert "### Added\n\n- A limit.\n" in changelog
    assert OLD.strip() in changelog
    assert git(origin, "ls-tree", "--name-only", "main", "changes/") == "changes/README.md"


def test_what_was_written_before_there_were_fragments_follows_them(checkout: Path) -> None:
    changelog = checkout / "CHANGELOG.md"
    by_hand = "## 1.0.0 (unreleased)\n\n### Added\n\n* By hand.\n\n"
    changelog.write_text(changelog.read_text("utf-8").replace(OLD, by_hand + OLD), "utf-8")
    git(checkout, "commit", "--quiet", "--all", "--message", "Tell by hand")
    said(checkout, push=True)
    text = changelog.read_text("utf-8")
    assert text.count("## 1.0.0") == 1
    assert "unreleased" not in text
    assert text.index("## 1.0.0 (") < text.index("A limit.") < text.index("* By hand.") < text.index(OLD)


def dirty(root: Path) -> None:
    (root / "left over.txt").touch()


def on_a_branch(root: Path) -> None:
    git(root, "checkout", "--quiet", "-b", "topic")


def tagged(root: Path) -> None:
    git(root, "tag", "v1.0.0")


def two_versions(root: Path) -> None:
    (root / "harness" / "pyproject.toml").write_text('version = "1.0.1"\n', "utf-8")
    git(root, "commit", "--quiet", "--all", "--message", "Be ahead")


def nothing_new(root: Path) -> None:
    git(root, "rm", "--quiet", "changes/+limits.added.md")
    git(root, "commit", "--quiet", "--message", "Have nothing to tell")


@pytest.mark.parametrize(
    ("spoil", "line"),
    [
        (dirty, 'the tree is not clean: 1 files, "left over.txt" among them'),
        (on_a_branch, "the branch is topic, not main"),
        (tagged, "the tag v1.0.0 is there already"),
        (two_versions, "harness/pyproject.toml has version 1.0.1"),
        (nothing_new, "changes has no fragment, and CHANGELOG.md no section '## 1.0.0 (unreleased)'"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_it_refuses_before_anything_runs(checkout: Path, spoil: Callable[[Path], None], line: str) -> None:
    spoil(checkout)
    lines: list[str] = []
    with pytest.raises(BadResultError, match=r"^1\.0\.0 cannot be released$"):
        publish(push=True, say=lines.append, root=checkout, gates=(("touch", "ran"),))
    assert lines == [f"REFUSED: {line}"]
    assert not (checkout / "ran").exists()


def test_it_refuses_where_a_check_fails(checkout: Path) -> None:
    with pytest.raises(BadResultError, match=r"^1\.0\.0 cannot be released: false ended with 1$"):
        said(checkout, push=True, gates=(("false",), ("touch", "ran")))
    assert not (checkout / "ran").exists()
    assert git(checkout, "tag") == ""
