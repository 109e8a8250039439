"""Starts a command; imports only the standard library."""

from __future__ import annotations

import gc
import sys
from importlib import import_module
from typing import TYPE_CHECKING, NoReturn

from tooling.errors import ExitCode
from tooling.tree import IS_CHECKOUT

if TYPE_CHECKING:
    from collections.abc import Callable

FROM_CHECKOUT = {
    "harness": "-e ./harness",
    "requirements": "-e '.[test]' -e './harness[streams]'",
    "wsproto": "-e .",
}
"""What pip installs for a tool, or a package; else an extra of pyproject.toml."""


def start(package: str) -> NoReturn:
    """Run `package.cli.main` and exit."""
    sys.exit(main_of(package)())


def main_of(package: str) -> Callable[[], int]:
    """Return `package.cli.main`, or exit and say how to install what is missing.

    The garbage collector does not look through what is imported, which stays: that is a tenth of the start.
    """
    gc.disable()
    try:
        main: Callable[[], int] = import_module(f"{package}.cli").main
    except ModuleNotFoundError as error:
        print(f"error: {error.name} is not installed: {_install(str(error.name), package)}", file=sys.stderr)
        sys.exit(ExitCode.MISSING)
    gc.freeze()
    gc.enable()
    return main


def _install(missing: str, package: str) -> str:
    tool = package.partition(".")[0]
    what = FROM_CHECKOUT.get(missing) or FROM_CHECKOUT.get(tool) or f"-e '.[{tool}]'"
    return f"python -m pip install {what if IS_CHECKOUT else missing}"
