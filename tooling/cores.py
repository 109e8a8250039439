"""Loads the library a second time, under a name of its own, with either core."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import EXTENSION_SUFFIXES, ExtensionFileLoader, ModuleSpec
from importlib.util import find_spec, module_from_spec
from typing import TYPE_CHECKING, Any, Final

if TYPE_CHECKING:
    from collections.abc import Iterator
    from types import ModuleType

ORIGINAL: Final = "wsproto"
NOT_BUILT: Final = "the compiled core is not there: it was not built for this Python"


class _CopyLoader(Loader):
    """Runs the code of a module under another name; fuzzers have instrumented that code where they do so."""

    def __init__(self, original: ModuleSpec) -> None:
        self._original = original

    def exec_module(self, module: ModuleType) -> None:
        loader: Any = self._original.loader
        exec(loader.get_code(self._original.name), module.__dict__)  # noqa: S102 - it is the library's


class _CopyFinder(MetaPathFinder):
    """Finds the modules of a copy where those of the library are."""

    def __init__(self, name: str) -> None:
        self._name = name

    def find_spec(self, fullname: str, _path: object, _target: object = None) -> ModuleSpec | None:
        package, dot, module = fullname.partition(".")
        original = find_spec(f"{ORIGINAL}{dot}{module}") if package == self._name else None
        if original is None:
            return None
        origin = original.origin or ""
        if origin.endswith(tuple(EXTENSION_SUFFIXES)):
            return ModuleSpec(fullname, ExtensionFileLoader(fullname, origin), origin=origin)
        spec = ModuleSpec(fullname, _CopyLoader(original), origin=origin, is_package=not module)
        spec.has_location = bool(origin)
        return spec


@contextmanager
def _pure(value: str) -> Iterator[None]:
    before = os.environ.get("WSPROTO_PURE")
    os.environ["WSPROTO_PURE"] = value
    try:
        yield
    finally:
        if before is None:
            del os.environ["WSPROTO_PURE"]
        else:
            os.environ["WSPROTO_PURE"] = before


def load(name: str, *, pure: bool) -> ModuleType:
    """Import the library under `name`, all of its modules anew; import modules of it as `NAME.MODULE`.

    :param pure: whether to take the core in Python, and not the compiled one.
    :raises ImportError: where the compiled core was not built.
    """
    if name in sys.modules:
        return sys.modules[name]
    import_module(ORIGINAL)  # which chooses its own core: to find a module imports its package
    finder = _CopyFinder(name)
    sys.meta_path.insert(0, finder)
    spec = finder.find_spec(name, None)
    if spec is None:
        raise ImportError(f"{ORIGINAL} is not there")
    sys.modules[name] = module = module_from_spec(spec)
    with _pure("1" if pure else "0"):
        spec.loader.exec_module(module)  # type: ignore[union-attr]
    if not pure and not module.compiled:
        unload(name)
        raise ImportError(NOT_BUILT)
    return module


def unload(name: str) -> None:
    """Forget a copy; its objects live on for as long as somebody refers to them."""
    sys.meta_path[:] = [
        one for one in sys.meta_path if not (isinstance(one, _CopyFinder) and vars(one)["_name"] == name)
    ]
    for module in [module for module in sys.modules if module.partition(".")[0] == name]:
        del sys.modules[module]
