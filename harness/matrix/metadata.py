"""The head of a testee's file: what it needs, how it is built, how it is started.

It is inline script metadata, as packaging tools know it, in comments of the file's language: between
`/// script` and `///` stands TOML, each line behind `#` or `//`. A program in Python names its packages:

    # /// script
    # dependencies = ["websockets"]
    # ///

One in any other language has a table `tool.testee`, with the keys that `KEYS` lists:

    // /// script
    // [tool.testee]
    // needs = ["g++"]
    // debian = ["libboost-dev"]
    // build = "g++ -o {folder}/testee {source}"
    // start = "{folder}/testee"
    // ///
"""

from __future__ import annotations

import re
import shlex
import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from harness.setups import TRANSPORTS
from tooling.errors import CommandError
from tooling.peers import NPM, pinned

if sys.version_info >= (3, 11):
    import tomllib
else:
    import tomli as tomllib

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from harness.setups import Transport

HEAD = re.compile(r"(?m)^(?P<mark>#|//) /// script$\n(?P<toml>(?:^(?P=mark)(?: .*)?$\n)+?)^(?P=mark) ///$")

KEYS: dict[str, type] = {
    "name": str,  # of the implementation, where the file's name has none
    "title": str,  # of its row; otherwise its first package
    "needs": list,  # programs that have to be there: compilers, interpreters
    "npm": list,  # packages that are installed beside the file
    "debian": list,  # packages that have to be there
    "language": str,  # of the implementation, where it is not that of the file
    "transports": list,  # h1, h2, h3: those that it has; without this, h1
    "tls": bool,  # whether it has HTTP/2 over TLS alone
    "behind": str,  # of a proxy: the transport of the server behind it, for which it gets `--echo COMMAND`
    "unlimited": bool,  # whether it has no limit of a message that could be set
    "build": str,  # a command, run once
    "start": str,  # a command, which gets the arguments of the contract
}
"""The keys of `tool.testee`. In commands, `{source}` is a copy of the file, `{folder}` its folder."""

LANGUAGES = {
    ".c": "C",
    ".cpp": "C++",
    ".go": "Go",
    ".java": "Java",
    ".js": "JavaScript",
    ".pl": "Perl",
    ".py": "Python",
    ".rb": "Ruby",
}


@dataclass(frozen=True)
class TesteeFile:
    """A program: one role of an implementation, or both."""

    path: Path
    packages: tuple[str, ...] = ()
    """Those of PyPI that it needs, pinned: `NAME==VERSION`."""
    name: str = ""
    title: str = ""
    needs: tuple[str, ...] = ()
    npm: tuple[str, ...] = ()
    """Pinned as well: `NAME==VERSION`."""
    debian: tuple[str, ...] = ()
    of: str = ""
    """The language of the implementation, where it is not that of the file."""
    transports: tuple[Transport, ...] = ("h1",)
    tls: bool = False
    """Whether it has HTTP/2 over TLS alone."""
    behind: Transport | None = None
    """Of a proxy: the transport of this library's server behind it, which it starts by itself."""
    unlimited: bool = False
    """Whether it has no limit that `--max-message-size` could set."""
    build: tuple[str, ...] = ()
    """The words of the command; none where nothing is to be built."""
    start: tuple[str, ...] = ()
    """The words of the command; none where the interpreter of an environment starts it."""

    @property
    def language(self) -> str:
        """What its head says, or else the language by the end of the file's name."""
        return self.of or LANGUAGES.get(self.path.suffix, self.path.suffix[1:])

    def helpers(self) -> list[Path]:
        """List the files of its language beside it that are no testees: it may import them."""
        beside = sorted(self.path.parent.glob(f"*{self.path.suffix}"))
        return [path for path in beside if not TESTEE.fullmatch(path.name)]


TESTEE = re.compile(r"(?:(?P<name>\w+)_)?(?P<role>server|client|testee)\.\w+")
"""The name of a file that is a testee, as one role or as both."""


def read_testee(path: Path) -> TesteeFile:
    """Read the head of a file; raises `CommandError` where it cannot be understood."""
    try:
        return _read(path)
    except CommandError as error:
        raise CommandError(f"{path}: {error}") from error


def _read(path: Path) -> TesteeFile:
    found = HEAD.search(path.read_text(encoding="utf-8"))
    if not found:
        return TesteeFile(path)
    try:
        head = tomllib.loads(re.sub(rf"(?m)^{found['mark']} ?", "", found["toml"]))
    except tomllib.TOMLDecodeError as error:
        raise CommandError(f"its metadata cannot be read: {error}") from error
    tools = head.get("tool", {})
    table = tools.get("testee", {}) if isinstance(tools, dict) else {}
    _check(head.get("dependencies", []), table, path)
    return TesteeFile(
        path,
        _pins(head.get("dependencies", [])),
        table.get("name", ""),
        table.get("title", ""),
        tuple(table.get("needs", ())),
        tuple(pin.removeprefix(NPM) for pin in _pins(f"{NPM}{name}" for name in table.get("npm", ()))),
        tuple(table.get("debian", ())),
        table.get("language", ""),
        tuple(table.get("transports", ("h1",))),
        table.get("tls", False),
        table.get("behind"),
        table.get("unlimited", False),
        tuple(shlex.split(table.get("build", ""))),
        tuple(shlex.split(table.get("start", ""))),
    )


def _check(dependencies: Any, table: Any, path: Path) -> None:
    if not _are_names(dependencies):
        raise CommandError(f"its dependencies are not a list of packages: {dependencies!r:.80}")
    if not isinstance(table, dict):
        raise CommandError(f"tool.testee is not a table: {table!r:.80}")
    for key, value in table.items():
        if key not in KEYS:
            raise CommandError(f"tool.testee has no key {key!r}: choose from {', '.join(KEYS)}")
        if not (_are_names(value) if KEYS[key] is list else isinstance(value, KEYS[key])):
            kind = {list: "a list of names", str: "a text", bool: "true or false"}[KEYS[key]]
            raise CommandError(f"{key} of tool.testee is not {kind}: {value!r:.80}")
    named = [*table.get("transports", ()), *([table["behind"]] if "behind" in table else [])]
    if unknown := [name for name in named if name not in TRANSPORTS]:
        raise CommandError(
            f"tool.testee knows no transport {unknown[0]!r}: choose from {', '.join(TRANSPORTS)}"
        )
    if path.suffix != ".py" and "start" not in table:
        raise CommandError("tool.testee has no start, the command that starts it")
    for key in ("build", "start"):
        try:
            table.get(key, "").format(source="", folder="", python="", pins=["", ""])
        except (LookupError, ValueError) as error:
            known = "{source} and {folder}"
            raise CommandError(f"{key} of tool.testee may have {known} in it: {table[key]!r:.80}") from error


def _are_names(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(name, str) for name in value)


def _pins(names: Iterable[str]) -> tuple[str, ...]:
    return tuple(name if "==" in name else pinned(name)[0] for name in names)
