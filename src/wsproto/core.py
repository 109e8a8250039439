"""Which core does the work: `wsproto._core`, compiled from src/core, or its twins in Python.

The compiled core reads and writes what needs no judgement. Each of its classes and functions, but the
iterator `Events`, has a twin of the same name in Python. That defines what is right, and serves where the
compiled core was not built, or where the environment variable `WSPROTO_PURE` is anything but 0 or empty.
"""

from __future__ import annotations

import os
from contextlib import suppress
from importlib import import_module
from typing import Any, TypeVar

T = TypeVar("T")

_core: Any = None
if os.environ.get("WSPROTO_PURE", "0") in {"", "0"}:
    with suppress(ImportError):  # it was not built
        _core = import_module("._core", __package__)

compiled: bool = _core is not None
"""Whether the compiled core does the work."""


def twin(pure: T) -> T:
    """Return what does the work of the class or function `pure`: the compiled one of its name, or itself."""
    name: str = getattr(pure, "__name__")  # noqa: B009 - type checkers do not know that `T` has one
    return getattr(_core, name, pure)
