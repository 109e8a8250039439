"""Which engines there are."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from harness.suite_docker import DockerSuite
from harness.suite_kosoku import KosokuSuite
from harness.suite_wstest import WstestSuite

if TYPE_CHECKING:
    from rich.console import Console

    from harness.suite import Suite

Engine = Literal["kosoku", "docker", "wstest"]
"""What plays Autobahn's part."""

ENGINES: tuple[Engine, ...] = get_args(Engine)


def suite_of(engine: Engine, wstest: str, console: Console) -> Suite:
    """Give the suite of an engine; `wstest` is the path of that program, or its name on PATH."""
    match engine:
        case "kosoku":
            return KosokuSuite()
        case "docker":
            return DockerSuite(console)
        case "wstest":
            return WstestSuite(wstest)
