"""Options that several commands have."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from harness.cases import PROFILES

if TYPE_CHECKING:
    from collections.abc import Callable

profile_option = click.option(
    "--profile",
    type=click.Choice(PROFILES),
    default="full",
    show_default=True,
    help="How much of the suite.",
)
report_option = click.option(
    "--report",
    "folder",
    type=click.Path(file_okay=False, path_type=Path),
    default="report",
    show_default=True,
    metavar="DIR",
    help="Folder for the report (results.json, index.html and others) and for logs.",
)


def failures_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Add the options that stop a run at a verdict that differs."""
    for decorate in (
        click.option(
            "-x",
            "max_failures",
            flag_value=1,
            type=click.IntRange(1),
            help="Stop when a verdict differs; the same as --max-failures 1.",
        ),
        click.option(
            "--max-failures",
            "max_failures",
            type=click.IntRange(1),
            metavar="COUNT",
            help="Stop when so many verdicts differ.",
        ),
    ):
        command = decorate(command)
    return command
