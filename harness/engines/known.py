"""The engines by name."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

from harness.engines.kosoku import KosokuSuite
from harness.engines.wstest import WstestSuite
from tooling.errors import MissingError

if TYPE_CHECKING:
    from rich.console import Console

    from harness.engines.suite import Suite

Engine = Literal["kosoku", "docker", "wstest"]
"""The name of an engine, for `--engine`."""

INSTALL = "python -m pip install 'docker>=7.1,<8'"

ENGINES: tuple[Engine, ...] = get_args(Engine)


def suite_of(engine: Engine, wstest: str, console: Console) -> Suite:
    """Return the suite of an engine; `wstest` is the path of that program, or its name on PATH.

    Raises `MissingError` where the Python package of the engine is not installed.
    """
    match engine:
        case "kosoku":
            return KosokuSuite()
        case "docker":
            try:  # here, since it is slow to import, and no other engine needs it
                from harness.engines.docker import DockerSuite  # noqa: PLC0415
            except ModuleNotFoundError as error:
                raise MissingError(f"{error.name} is not installed: {INSTALL}") from None
            return DockerSuite(console)
        case "wstest":
            return WstestSuite(wstest)
