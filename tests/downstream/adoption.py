"""The page docs/adoption.md on the projects that are built on wsproto, from a run of them."""

from __future__ import annotations

import ast
import json
import platform
import re
from dataclasses import dataclass
from datetime import datetime, timezone
from pathlib import Path
from runpy import run_path
from typing import TYPE_CHECKING

from downstream_environments import (
    HERE,
    MITMPROXY,
    PEERS,
    PUBLISHED,
    PUBLISHED_MITMPROXY,
    ROOT,
    NoInterpreterError,
    published_pin,
    run_limited,
)
from suites import NO_SUITE, SUITES

if TYPE_CHECKING:
    from collections.abc import Iterator

RATE_SECONDS = 400
PROBE_SECONDS = 20
PROBE = (
    "import importlib.metadata, importlib.util, sys, wsproto; "
    "print(importlib.metadata.version(sys.argv[1])); "
    "print(importlib.util.find_spec(sys.argv[2]).origin); "
    "print(getattr(wsproto, 'compiled', False))"
)

HEAD = """# Projects that are built on wsproto

Written on {date} by `python3 tests/downstream/run.py --suites --markdown docs/adoption.md`, on Python
{python}: each project as the package index has it, with wsproto {ours} in place of {published}. Nothing in
them is changed.

* **Its own tests** are those of the project's source archive that concern WebSockets.
* **Messages a second** are echoed by the project and an independent peer in one process, and counted by the
  CPU time of both: first on {published}, then on this library with its {core} core. There is no compression;
  64 messages of 32 bytes are under way at once, 4 of 64 KiB.

| project | version | its own tests | 32 bytes: before, after | 64 KiB: before, after |
| --- | --- | --- | ---: | ---: |
"""


@dataclass(frozen=True)
class Project:
    """A project, the module that it is, and what it uses the library as."""

    name: str
    module: str
    use: str


PROJECTS = (
    Project("hypercorn", "hypercorn", "ASGI server"),
    Project("uvicorn", "uvicorn", 'ASGI server, with `ws="wsproto"`'),
    Project("trio-websocket", "trio_websocket", "client and server on trio"),
    Project(
        "simple-websocket", "simple_websocket", "client and server on threads and asyncio, under Flask-Sock"
    ),
    Project("httpx-ws", "httpx_ws", "client on HTTPX"),
    Project("mitmproxy", "mitmproxy", "intercepting proxy: server and client at once"),
    Project("anycorn", "anycorn", "ASGI server on anyio, a fork of hypercorn"),
    Project("twisted", "twisted", "server and client: `twisted.web.websocket`"),
    Project("urllib3-future", "urllib3_future", "HTTP client, under niquests"),
)


def page(suites: dict[str, tuple[bool, str]]) -> str:
    """Give the page; measures each project in turn.

    :param suites: what came of the tests of each project: whether they passed, and a line.
    """
    rows, sections, cores = [], [], set()
    for project in PROJECTS:
        print(f"measuring {project.name} ...", flush=True)
        of_mitmproxy = project.name == "mitmproxy"
        ours = MITMPROXY if of_mitmproxy else PEERS
        try:
            after, before = (
                ours.interpreter(),
                (PUBLISHED_MITMPROXY if of_mitmproxy else PUBLISHED).interpreter(),
            )
        except NoInterpreterError as error:
            print(f"LEFT OUT  {project.name}: {error}", flush=True)
            continue
        version, origin, compiled = run_limited(
            [str(after), "-c", PROBE, project.name, project.module], PROBE_SECONDS
        )[1].split()
        cores.add("compiled" if compiled == "True" else "pure")
        measured = zip(rates(project, before), rates(project, after), strict=True)
        columns = [f"{old:,.0f}, **{new:,.0f}**" for old, new in measured]
        rows.append(f"| {project.name} | {version} | {tested(project, suites)} | {' | '.join(columns)} |")
        sections.append(section(project, Path(origin).parent))
    head = HEAD.format(
        date=datetime.now(timezone.utc).date(),
        python=platform.python_version(),
        ours=run_path(str(ROOT / "src" / "wsproto" / "_version.py"))["__version__"],
        published=published_pin().replace("==", " "),
        core=" or ".join(sorted(cores)),
    )
    return head + "\n".join(rows) + "\n" + "".join(sections)


def rates(project: Project, python: Path) -> list[float]:
    """Give the messages a second of the project's check, on the library of that environment."""
    check = HERE / f"check_{project.name.replace('-', '_')}.py"
    status, output, errors = run_limited([str(python), str(check), "--rates"], RATE_SECONDS)
    if status != 0:
        raise RuntimeError(f"{project.name} cannot be measured: {errors.strip().splitlines()[-1:]}")
    measured: list[float] = json.loads(output)
    return measured


def tested(project: Project, suites: dict[str, tuple[bool, str]]) -> str:
    """Give what came of a project's own tests."""
    if project.name in NO_SUITE:
        return f"{NO_SUITE[project.name]}; `make downstream` runs it"
    passed, line = suites[project.name]
    if not passed:
        return f"**fail**: {line.splitlines()[0]}"
    counts = re.findall(r"\d+ (?:passed|skipped)", line)
    known = next(len(suite.known) for suite in SUITES if suite.project == project.name)
    return ", ".join([*counts, *([f"{known} known to fail"] if known else [])])


def section(project: Project, folder: Path) -> str:
    """Give what a project imports, and which of its tests are known to fail, and why."""
    known = {reason for suite in SUITES if suite.project == project.name for reason in suite.known.values()}
    lines = [
        f"\n## {project.name}\n",
        f"{project.use[0].upper()}{project.use[1:]}. It imports {', '.join(imported(folder))}.",
    ]
    lines += [f"\nKnown to fail: {reason}." for reason in sorted(known)]
    return "\n".join(lines) + "\n"


def imported(folder: Path) -> list[str]:
    """Give the names of wsproto that the modules below a folder import, but for their tests."""
    names = {
        name
        for file in folder.rglob("*.py")
        if not {"test", "tests"} & {*file.relative_to(folder).parts}
        for name in names_in(file)
    }
    return [f"`{name}`" for name in sorted(names)]


def names_in(file: Path) -> Iterator[str]:
    """Yield what a file imports from wsproto."""
    text = file.read_text("utf-8", errors="replace")
    if "wsproto" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names if alias.name.partition(".")[0] == "wsproto"]
            yield from (name.partition(".")[2] or name for name in names)
        elif isinstance(node, ast.ImportFrom) and (node.module or "").partition(".")[0] == "wsproto":
            below = (node.module or "").partition(".")[2]
            yield from (f"{below}.{alias.name}".lstrip(".") for alias in node.names)
