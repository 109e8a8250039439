"""Which core does the work is chosen once, by what was built and by `WSPROTO_PURE`."""

from __future__ import annotations

import inspect
import os
import subprocess
import sys
from contextlib import nullcontext
from importlib import import_module
from importlib.util import find_spec, module_from_spec
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

import wsproto
import wsproto.core
from tests.marks import compiled_core
from tooling.cores import NOT_BUILT, load

if TYPE_CHECKING:
    from types import ModuleType

SOURCE = Path(wsproto.__file__).parents[1]
#: The classes and functions that a compiled core replaces, by their modules.
TWINS = {
    "connection_front": ["ConnectionFront"],
    "event_base": ["MessageFields", "ControlFields"],
    "frame_reader": ["FrameReader", "MessageState"],
    "frame_writer": ["FrameWriter"],
    "masking": ["masked"],
}


def says(code: str, **environment: str) -> str:
    """What `code` prints in a Python of its own."""
    given = {name: value for name, value in os.environ.items() if name != "WSPROTO_PURE"}
    return subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", code],
        env={**given, "PYTHONPATH": str(SOURCE), **environment},
        check=True,
        capture_output=True,
        text=True,
    ).stdout.strip()


ASKED = (
    "import wsproto, wsproto.frame_reader as reader; print(wsproto.compiled, reader.FrameReader.__module__)"
)


@compiled_core
@pytest.mark.parametrize("value", ["", "0"])
def test_the_compiled_core_is_taken_where_it_was_built(value: str) -> None:
    assert says(ASKED, WSPROTO_PURE=value) == "True wsproto._core"
    assert says(ASKED) == "True wsproto._core"


@pytest.mark.parametrize("value", ["1", "yes", "true"])
def test_a_variable_takes_the_one_in_python(value: str) -> None:
    assert says(ASKED, WSPROTO_PURE=value) == "False wsproto.frame_reader"


@pytest.mark.parametrize(
    ("value", "taken"), [(None, True), ("", True), ("0", True), ("1", False), ("00", False), ("no", False)]
)
def test_the_variable_is_read_where_the_package_is_imported(
    monkeypatch: pytest.MonkeyPatch, value: str | None, taken: bool
) -> None:
    """Whatever core was built: what stands for the compiled one is an object of the test."""
    monkeypatch.setitem(sys.modules, "wsproto._core", SimpleNamespace(masked="compiled"))
    monkeypatch.delenv("WSPROTO_PURE", raising=False)
    if value is not None:
        monkeypatch.setenv("WSPROTO_PURE", value)
    spec = find_spec("wsproto.core")
    assert spec is not None
    assert spec.loader is not None
    core = module_from_spec(spec)
    spec.loader.exec_module(core)
    assert core.compiled is taken

    def masked() -> None: ...

    assert core.twin(masked) == ("compiled" if taken else masked)


def test_so_does_an_extension_that_cannot_be_imported() -> None:
    """It was not built, or for another Python."""
    hidden = "import sys; sys.modules['wsproto._core'] = None; "
    assert says(hidden + ASKED) == "False wsproto.frame_reader"


def test_a_copy_takes_the_core_that_it_is_told_to() -> None:
    copy = load("wsproto_python", pure=True)
    assert not copy.compiled
    built = find_spec("wsproto._core") is not None
    with nullcontext() if built else pytest.raises(ImportError, match=NOT_BUILT):
        assert load("wsproto_built", pure=False).compiled


def test_a_twin_that_the_core_lacks_is_the_one_in_python() -> None:
    def no_such_function() -> None: ...

    assert wsproto.core.twin(no_such_function) is no_such_function


@pytest.fixture(scope="module")
def pure() -> ModuleType:
    return load("wsproto_pure", pure=True)


@compiled_core
@pytest.mark.parametrize(("module", "name"), [(module, name) for module in TWINS for name in TWINS[module]])
def test_each_twin_is_compiled(pure: ModuleType, module: str, name: str) -> None:
    one = getattr(import_module(f"{pure.__name__}.{module}"), name)
    assert one.__module__ == f"{pure.__name__}.{module}"
    assert getattr(import_module(f"wsproto.{module}"), name) is getattr(import_module("wsproto._core"), name)


@compiled_core
def test_nothing_is_compiled_that_has_no_twin() -> None:
    there = {name for name in vars(import_module("wsproto._core")) if not name.startswith("_")}
    assert there - {"Events"} == {name for names in TWINS.values() for name in names}


@compiled_core
@pytest.mark.parametrize("name", ["send", "receive_data", "events"])
def test_a_compiled_method_is_documented_as_its_twin(pure: ModuleType, name: str) -> None:
    twin = getattr(pure.Connection, name)
    compiled = getattr(wsproto.Connection, name)
    assert inspect.getdoc(compiled) == inspect.getdoc(twin)
    names = [list(inspect.signature(one).parameters) for one in (compiled, twin)]
    assert names[0] == names[1]
