"""How many bytes a connection holds, counted object by object: quick enough to be asked after every step."""

from __future__ import annotations

import gc
import sys
from enum import Enum
from types import BuiltinFunctionType, FunctionType, ModuleType
from typing import TYPE_CHECKING

import wsproto

if TYPE_CHECKING:
    from collections.abc import Collection, Iterable

_CODE = (type, ModuleType, FunctionType, BuiltinFunctionType, Enum)


def _reached(roots: Iterable[object], left_out: Collection[int] = ()) -> dict[int, object]:
    """All objects that `roots` refer to, themselves included, by id; code is left out."""
    seen = {id(root): root for root in roots}
    to_visit = list(seen.values())
    while to_visit:
        for referent in gc.get_referents(to_visit.pop()):
            name = id(referent)
            if name not in seen and name not in left_out and not isinstance(referent, _CODE):
                seen[name] = referent
                to_visit.append(referent)
    return seen


def _constants() -> list[object]:
    """The tables of the library's modules, which all connections share."""
    modules = [module for module in vars(wsproto).values() if isinstance(module, ModuleType)]
    values = [value for module in modules for value in vars(module).values()]
    return [value for value in values if type(value) in (dict, frozenset, list, tuple)]


_SHARED = _reached(_constants())


def held(connection: wsproto.WSConnection) -> int:
    """The bytes of all objects that `connection` alone refers to; zlib's windows are not seen."""
    return sum(map(sys.getsizeof, _reached([connection], _SHARED).values()))
