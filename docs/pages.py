"""The pages of the site: where their text stands, and where their links lead."""

from __future__ import annotations

import re
from pathlib import Path

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
REPOSITORY = "https://github.com/python-hyper/wsproto"

ELSEWHERE = {
    "harness": "harness/README.md",
    "autobahn": "autobahn/README.md",
    "fuzzing": "fuzz/README.md",
    "benchmarks": "bench/README.md",
    "tests": "tests/README.md",
    "properties": "tests/properties/README.md",
    "changelog": "CHANGELOG.md",
}
"""Pages whose text stands beside the code that it is about, and the files that have it."""

_PAGE_OF = {ROOT / file: HERE / f"{page}.md" for page, file in ELSEWHERE.items()}
_FENCED = re.compile(r"(^```.*?^```$)", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<=\]\()[^)\s]+(?=\))")
_OUTWARD = re.compile(r"[a-z]+:|#")


def path_of(page: str) -> Path:
    """Return the file that has the text of a page."""
    return ROOT / ELSEWHERE[page] if page in ELSEWHERE else HERE / f"{page}.md"


def linked(text: str, folder: Path) -> tuple[str, list[str]]:
    """Return the text of a page in `folder` with links that fit on the site, and the links to nowhere.

    A link to a page of the site stays on the site; one to another file of the repository leads to GitHub.
    """
    dead: list[str] = []

    def target(found: re.Match[str]) -> str:
        link = found[0]
        if _OUTWARD.match(link):
            return link
        name, hash_, anchor = link.partition("#")
        path = (folder / name).resolve()
        if not path.exists():
            dead.append(link)
            return link
        path = _PAGE_OF.get(path, path)
        if path.is_relative_to(HERE) and path.suffix in {".md", ".svg", ".png"}:
            return "/" + path.relative_to(HERE).as_posix() + hash_ + anchor
        kind = "tree" if path.is_dir() else "blob"
        return f"{REPOSITORY}/{kind}/main/{path.relative_to(ROOT).as_posix()}{hash_}{anchor}"

    parts = _FENCED.split(text)
    parts[::2] = [_LINK.sub(target, part) for part in parts[::2]]
    return "".join(parts), dead
