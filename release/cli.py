"""The command line: `python -m release`."""

from __future__ import annotations

import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING

import click

from release import pythons
from release.package import package
from release.tagging import publish
from tooling import running
from tooling.errors import ExitCode
from tooling.tree import ROOT

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

HERE = f"{sys.version_info[0]}.{sys.version_info[1]}"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command line and return its exit code; whatever is wrong is one line on standard error."""
    with running.interrupted_by_sigterm():
        return running.run(cli, "python -m release", arguments)


def _clock() -> Callable[[str], None]:
    """Return what prints a line with the seconds since now."""
    start = time.monotonic()
    return lambda line: print(f"[{time.monotonic() - start:4.0f} s] {line}", flush=True)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
def cli() -> None:
    """Build what is released, try it, and tag it."""


@cli.command("package")
@click.option("--quick", is_flag=True, help="Only this Python, and no tests: under a minute.")
@click.option("--python", "only", multiple=True, metavar="3.N", help="Only these Pythons.")
@click.option(
    "--out",
    type=click.Path(file_okay=False, path_type=Path),
    default=ROOT / "dist",
    metavar="DIR",
    help="Where the files go (default: dist).",
)
def package_command(only: tuple[str, ...], out: Path, *, quick: bool) -> int:
    """Build source archives, wheels and the bill of materials, twice, and check them.

    Each is installed into empty environments of every installed Python, and the library's tests run there.
    """
    say = _clock()
    there = pythons.found()
    wanted = only or ((HERE,) if quick else tuple(there))
    unknown = [version for version in wanted if version not in there]
    if unknown:
        raise click.BadParameter(
            f"{', '.join(unknown)} is not here: {', '.join(there)} are", param_hint="--python"
        )
    left_out = [version for version in [*there, *pythons.missing(there)] if version not in wanted]
    package(out, {version: there[version] for version in wanted}, tests=not quick, say=say)
    if left_out:
        say(f"LEFT OUT: Python {', '.join(left_out)}")
    return ExitCode.GOOD


@cli.command("publish")
@click.option("--push", is_flag=True, help="Commit, tag and push, once everything passed.")
def publish_command(*, push: bool) -> int:
    """Check that a release can be made, and print what it would do; --push does it.

    The workflow `release` builds and uploads what the tag names.
    """
    publish(push=push, say=_clock())
    return ExitCode.GOOD
