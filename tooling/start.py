"""Starts a command; imports only the standard library."""

from __future__ import annotations

import sys
from importlib import import_module
from typing import NoReturn

from tooling.errors import ExitCode


def start(package: str) -> NoReturn:
    """Run `package.cli.main` and exit, or say which extra of pyproject.toml brings a missing package."""
    try:
        main = import_module(f"{package}.cli").main
    except ModuleNotFoundError as error:
        extra = package.partition(".")[0]
        print(f"error: {error.name} is not installed: python -m pip install -e '.[{extra}]'", file=sys.stderr)
        sys.exit(ExitCode.MISSING)
    sys.exit(main())
