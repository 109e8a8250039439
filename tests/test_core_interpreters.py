"""The compiled core in several interpreters, each with its GIL, and in two copies of the package."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import wsproto
from tests.marks import compiled_core
from tests.oracle.two_cores import CALLS
from tooling.building import COMPILER, build, copy_of_source, has_compiler
from tooling.cores import load, unload
from wsproto import Connection, ConnectionType
from wsproto.events import Ping

needs_compiler = pytest.mark.skipif(not has_compiler(), reason=f"there is no compiler {COMPILER}")

#: What each interpreter does: it imports the library anew, reads and sends, fails, and lets go of all.
WORK = """
import sys
sys.path.insert(0, {source!r})
import gc
import wsproto
from wsproto import Connection, ConnectionType
from wsproto.events import BytesMessage, CloseConnection, Ping, TextMessage
assert wsproto.compiled
for number in range(300):
    connection = Connection(ConnectionType.CLIENT)
    connection.receive_data(b"\\x81\\x05Hello\\x01\\x02a\\xc3\\x89\\x01p\\x80\\x01\\xa9")
    connection.receive_data(b"\\x82\\x7e\\x00\\x80" + bytes(128))
    text, first, ping, last, binary = connection.events()
    assert (text, ping) == (TextMessage("Hello"), Ping(b"p")), (text, ping)
    assert first.data + last.data == "a\\xe9"
    assert binary == BytesMessage(bytes(128))
    assert connection.send(ping.response())[:2] == b"\\x8a\\x81"
    connection.receive_data(b"\\x81\\x01\\xff")
    (close,) = connection.events()
    assert close.code == 1007
    connection.itself = connection
gc.collect()
"""
OWN_GIL = """
import sys, threading
try:
    import _interpreters
    create = lambda: _interpreters.create("isolated")
except ImportError:
    import _xxsubinterpreters as _interpreters
    create = lambda: _interpreters.create(isolated=True)
work = {work!r}
exec(work)
failures = []

def run():
    name = create()
    try:
        for _ in range(2):
            failure = _interpreters.run_string(name, work)
            if failure is not None:
                failures.append(failure)
    except Exception as error:
        failures.append(repr(error))
    finally:
        _interpreters.destroy(name)

threads = [threading.Thread(target=run) for _ in range(4)]
for thread in threads:
    thread.start()
for thread in threads:
    thread.join()
exec(work)
print("failures:", failures)
"""


def ran(python: str, code: str) -> str:
    environment = {**os.environ, "WSPROTO_PURE": "0"}
    done = subprocess.run(  # noqa: S603 - one of the Pythons here
        [python, "-c", code], env=environment, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout.strip()


ASKED = """
import json, os, sys, sysconfig
has_headers = os.path.isfile(os.path.join(sysconfig.get_path("include"), "Python.h"))
print(json.dumps([*sys.version_info[:2]] if has_headers else []))
"""


def version_of(python: str) -> tuple[int, ...]:
    """Its version, if one can build for it."""
    try:
        done = subprocess.run([python, "-c", ASKED], capture_output=True, text=True, check=False)  # noqa: S603
        return tuple(json.loads(done.stdout or "[]"))
    except OSError:
        return ()


def interpreter(version: str) -> str:
    """A Python of this version: this one, or one on the path."""
    wanted = tuple(map(int, version.split(".")))
    shimmed = [str(path) for path in Path.home().glob(f".pyenv/versions/{version}*/bin/python")]
    for python in (sys.executable, shutil.which(f"python{version}"), *shimmed):
        if python is not None and version_of(python) == wanted:
            return python
    pytest.skip(f"there is no Python {version}")


@needs_compiler
@pytest.mark.parametrize("version", ["3.12", "3.13", "3.14"])
def test_interpreters_with_a_gil_of_their_own(version: str, tmp_path: Path) -> None:
    """From 3.12 on each has its own, and they run at the same time."""
    python = interpreter(version)
    source = copy_of_source(tmp_path)
    build(source, python=python)
    assert ran(python, OWN_GIL.format(work=WORK.format(source=str(source)))) == "failures: []"


@needs_compiler
@pytest.mark.parametrize("version", ["3.10", "3.11", "3.12", "3.13", "3.14"])
def test_every_python_builds_it_without_a_warning_and_runs_it(version: str, tmp_path: Path) -> None:
    python = interpreter(version)
    source = copy_of_source(tmp_path)
    build(source, "-Werror", "-Wno-cast-function-type", python=python)
    assert ran(python, WORK.format(source=str(source)) + "print('done')") == "done"


MASKING = """
import sys
sys.path.insert(0, {source!r})
import wsproto.masking
assert wsproto.compiled
data, key = bytes(range(256)) * 3, bytes((1, 2, 4, 8))
for size in range(400):
    for start in (0, 1, 2, 3, 5):
        expected = bytes(byte ^ key[at % 4] for at, byte in enumerate(data[start : start + size]))
        assert wsproto.masking.masked(data, start, start + size, key) == expected, (start, size)
print("done")
"""


@needs_compiler
@pytest.mark.parametrize("flags", [(), ("-DWITHOUT_AVX2",)], ids=["", "without AVX2"])
def test_masking_with_and_without_vectors(flags: tuple[str, ...], tmp_path: Path) -> None:
    source = copy_of_source(tmp_path)
    build(source, *flags)
    assert ran(sys.executable, MASKING.format(source=str(source))) == "done"


@compiled_core
def test_what_is_left_when_the_program_ends_calls_no_core_that_is_gone() -> None:
    """Objects of the program outlive its modules, and their finalizers call their connections."""
    code = WORK.format(source=str(Path(wsproto.__file__).parents[1])) + (
        "class Kept:\n"
        "    __slots__ = ('connection',)\n"
        "    def __del__(self, Ping=Ping):\n"
        "        self.connection.receive_data(b'\\x89\\x00')\n"
        "        list(self.connection.events())\n"
        "        self.connection.send(Ping(b'p'))\n"
        "        print('let go')\n"
        "kept = Kept()\n"
        "kept.connection = Connection(ConnectionType.CLIENT)\n"
        "other = Kept()\n"
        "other.connection = Connection(ConnectionType.CLIENT)\n"
    )
    assert ran(sys.executable, code).split("\n") == ["let go", "let go"]


@compiled_core
def test_two_copies_have_classes_of_their_own() -> None:
    copy: Any = load("wsproto_copied", pure=False)
    try:
        connection = copy.Connection(copy.ConnectionType.CLIENT)
        connection.receive_data(b"\x89\x01p")
        (ping,) = connection.events()
        assert type(ping).__module__ == "wsproto_copied.events"
        assert not isinstance(ping, Ping)
        with pytest.raises(Exception, match="cannot be sent"):
            Connection(ConnectionType.SERVER).send(ping)
        assert connection.send(ping)[:2] == b"\x89\x81"
        other: Any = Connection(ConnectionType.CLIENT)
        other._decoder = connection._decoder  # a reader of another core
        other.receive_data(b"\x89\x01q")
        assert [type(event).__module__ for event in other.events()] == ["wsproto_copied.events"]
    finally:
        unload("wsproto_copied")
    assert len(CALLS) > 30


@compiled_core
def test_a_copy_may_be_forgotten_while_its_objects_live() -> None:
    import gc  # noqa: PLC0415

    for _ in range(3):
        copy: Any = load("wsproto_forgotten", pure=False)
        connection = copy.Connection(copy.ConnectionType.CLIENT)
        iterator = connection.events()
        unload("wsproto_forgotten")
        del copy
        gc.collect()
        connection.receive_data(b"\x81\x05Hello")
        assert [event.data for event in iterator] == ["Hello"]
        connection.itself = connection, connection.events(), iterator  # a cycle, with all modules in it
        del connection, iterator
        gc.collect()
