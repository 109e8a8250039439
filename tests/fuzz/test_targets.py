"""The fuzz targets as modules: each has what runs it, judges its seeds, and tells faults of the library."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import os
import re
import subprocess
import sys
import tracemalloc
import zlib
from codecs import utf_8_decode
from configparser import ConfigParser
from functools import cache
from hashlib import sha256
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Any

import pytest
from docker.utils import exclude_paths

from fuzz import seeds
from fuzz.autobahn import case_frames
from fuzz.frames import CHOICES, CLIENT, DEFLATE
from fuzz.structured import Mutator, written
from tests.marks import pure_core
from tooling import frames as wire
from tooling.cores import NOT_BUILT
from tooling.mutation import READS, cut
from wsproto import deflate, frame_reader, handshake_messages, inbound_message
from wsproto.masking import unmasked_piece

if TYPE_CHECKING:
    from collections.abc import Callable

FUZZ = Path(__file__).parents[2] / "fuzz"
TARGETS = sorted(file.stem.removeprefix("fuzz_") for file in FUZZ.glob("targets/fuzz_*.py"))

targets = pytest.mark.parametrize("target", TARGETS)


def test_input_of(target: str) -> Callable[[bytes], None]:
    """The function that judges one input."""
    judge: Callable[[bytes], None] = importlib.import_module(f"fuzz.targets.fuzz_{target}").test_one_input
    return judge


test_input_of.__test__ = False  # type: ignore[attr-defined]


@cache
def seeds_of(target: str) -> list[bytes]:
    """Its seeds in an order that stays."""
    return sorted(set(seeds.SEEDS[target]()), key=lambda seed: sha256(seed).digest())


def test_there_is_one_for_everything_that_comes_from_outside() -> None:
    assert sorted(seeds.SEEDS) == TARGETS
    assert len(TARGETS) == 13


@targets
def test_it_is_a_program_that_bears_lines_in_front_of_it(target: str) -> None:
    """ClusterFuzzLite starts it, and measures coverage with lines that it puts there."""
    file = FUZZ / "targets" / f"fuzz_{target}.py"
    assert os.access(file, os.X_OK)
    source = file.read_text()
    assert source.startswith("#!/usr/bin/env python3\n")
    assert (ast.get_docstring(ast.parse(source)) or "").partition("\n")[0].endswith(".")
    compile(f"import atexit\n{source}", str(file), "exec")


@targets
def test_its_options_are_libfuzzer_s(target: str) -> None:
    options = ConfigParser(interpolation=None)
    assert options.read(FUZZ / "options" / f"fuzz_{target}.options")
    settings = dict(options["libfuzzer"])
    dictionary = settings.pop("dict", None)
    assert set(settings) - {"entropic_scale_per_exec_time"} == {"max_len", "len_control", "timeout"}
    assert settings["len_control"] == "0"
    assert all(value.isdigit() for value in settings.values())
    if dictionary is not None:
        lines = (FUZZ / "dictionaries" / dictionary).read_text().splitlines()
        entries = [line for line in lines if line and not line.startswith("#")]
        assert len(entries) > 20
        shape = re.compile(r'[a-z0-9_]+="(?:[^"\\]|\\\\|\\"|\\x[0-9a-f]{2})+"')
        assert [line for line in entries if not shape.fullmatch(line)] == []
        names = [line.partition("=")[0] for line in entries]
        assert len(names) == len(set(names))


@targets
def test_it_finds_nothing_wrong_with_its_seeds(target: str, tmp_path: Path) -> None:
    count = seeds.write(target, tmp_path)
    files = sorted(tmp_path.iterdir())
    assert len(files) == count >= 60
    assert {file.read_bytes() for file in files} == set(seeds_of(target))
    judge = test_input_of(target)
    if target == "cores" and importlib.util.find_spec("wsproto._core") is None:
        pytest.skip(NOT_BUILT)
    # A campaign begins with all of them.
    for seed in seeds_of(target)[:: 1 + count // 150]:
        judge(seed)


@targets
def test_it_takes_no_bytes_for_nothing(target: str) -> None:
    test_input_of(target)(b"")


def test_autobahn_s_cases_are_among_the_seeds() -> None:
    cases = case_frames()
    assert len(cases) > 400
    assert {name.partition(".")[0] for name in cases} == {*map(str, range(1, 8)), "9", "10", "12", "13"}
    assert [(frame.opcode, frame.fin) for frame in cases["5.3"]] == [(1, False), (0, True)]
    assert cases["7.3.2"][0].payload == b"a"
    assert all(frame.deflate for frame in cases["12.1.1"])


def test_it_says_what_is_missing_without_atheris(tmp_path: Path) -> None:
    (tmp_path / "atheris.py").write_text("raise ModuleNotFoundError('No module named atheris')")
    done = subprocess.run(  # noqa: S603 - a list
        [sys.executable, FUZZ / "targets" / "fuzz_inflate.py"],
        env=os.environ | {"PYTHONPATH": str(tmp_path)},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 3
    assert done.stderr == (
        "atheris is not installed: python -m pip install 'wsproto[fuzz]', on Python 3.11 to 3.14\n"
    )


def test_a_long_text_takes_little_memory_to_judge() -> None:
    """Judging 5 MB of inflated zeros took 700 MB, and a campaign ended with a MemoryError of the judge."""
    deflater = zlib.compressobj(wbits=-15)
    zeros = deflater.compress(bytes(5 * 10**6)) + deflater.flush(zlib.Z_SYNC_FLUSH)
    frame = wire.frame(wire.TEXT, zeros[:-4], rsv=wire.RSV1, mask=wire.MASK)
    tracemalloc.start()
    try:
        test_input_of("frames_server")(bytes([DEFLATE, 0, 0]) + frame)
        assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    finally:
        tracemalloc.stop()


# Cutting and mutating ----------------------------------------------------------------------------


def test_cuts_lose_nothing() -> None:
    stream = bytes(range(256)) * 3
    for choice in range(256):
        pieces = cut(stream, choice)
        assert b"".join(pieces) == stream, choice
        assert len(pieces) <= READS + 5, choice


def mutate(data: bytes, most: int) -> bytes:
    """Stands for libFuzzer's own mutation."""
    return (data[1:] + b"\x80")[:most]


def test_the_mutator_keeps_frames_well_formed() -> None:
    random = Random(6455)
    data = b""
    opcodes, sizes = set(), set()
    for _ in range(1500):
        data = Mutator(data, random, mutate).mutated(100_000)
        assert len(data) <= 100_000
        frames = wire.leading_frames(data[CHOICES:])
        assert data[CHOICES:] == b"".join(map(written, frames))
        inside = False
        for frame in frames:
            assert (frame.mask is None) is bool(data[0] & CLIENT)
            assert frame.length_form == wire.minimal_form(len(frame.payload))
            if frame.opcode >= wire.CLOSE:
                assert (frame.fin, frame.rsv) == (True, 0)
                assert len(frame.payload) <= 125
            else:
                assert (frame.opcode == wire.CONTINUATION) is inside
                assert frame.rsv in ((0, wire.RSV1) if data[0] & DEFLATE and not inside else (0,))
                inside = not frame.fin
            opcodes.add(frame.opcode)
            sizes.add(len(frame.payload))
        if len(frames) > 30:
            data = b""
    assert opcodes == {0, 1, 2, 8, 9, 10}
    assert {0, 125, 126, 65_535, 65_536} <= sizes


def test_the_mutator_keeps_to_its_size() -> None:
    random = Random(6455)
    for size in (0, 1, 2, 3, 10, 50):
        assert len(Mutator(bytes(100), random, mutate).mutated(size)) <= size


# Teeth -------------------------------------------------------------------------------------------


def fails(target: str) -> bool:
    """Whether one of its seeds makes `target` raise."""
    judge = test_input_of(target)
    for seed in seeds_of(target):
        try:
            judge(seed)
        except Exception:  # noqa: BLE001 - whatever a fault raises
            return True
    return False


def late(data: bytes, errors: str, final: bool) -> tuple[str, int]:
    """UTF-8 that is checked at the end of a message only."""
    return utf_8_decode(data, errors, final) if final else ("", 0)


class Unbounded:
    """A decompressor that keeps to no limit."""

    def __init__(self, wbits: int) -> None:
        self._zlib = zlib.decompressobj(wbits)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._zlib, name)

    def decompress(self, data: bytes, _limit: int) -> bytes:
        return self._zlib.decompress(data)


class UnboundedModule:
    """zlib with such decompressors."""

    error = zlib.error
    decompressobj = Unbounded


@pure_core
@pytest.mark.parametrize("target", ["frames_server", "frames_structured"])
def test_a_mask_off_by_one_is_seen(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def wrong(data: bytes, start: int, stop: int, key: bytes) -> bytes:
        return unmasked_piece(data, start, stop, key[1:] + key[:1])

    monkeypatch.setattr(frame_reader, "unmasked_piece", wrong)
    assert fails(target)


@pytest.mark.parametrize("target", ["frames_server", "frames_client", "inflate"])
def test_late_utf_8_is_seen(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbound_message, "utf_8_decode", late)
    assert fails(target)


@pytest.mark.parametrize("target", ["frames_server", "inflate"])
def test_an_unbounded_inflate_is_seen(target: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(deflate._Backend, "module", UnboundedModule)  # noqa: SLF001 - zlib, as it is found there
    assert fails(target)


def test_an_escaped_exception_is_seen(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handshake_messages, "read_host", lambda received: received.decode("ascii"))
    assert fails("handshake_server")


# Building ----------------------------------------------------------------------------------------


def test_the_image_gets_what_the_targets_need() -> None:
    """ClusterFuzzLite copies the checkout, less what `.dockerignore` keeps back."""
    root = FUZZ.parent
    lines = (root / ".dockerignore").read_text().splitlines()
    copied = set(exclude_paths(str(root), [line for line in lines if not line.startswith("#")]))
    needed = {f"fuzz/targets/fuzz_{target}.py" for target in TARGETS} | {
        f"fuzz/options/fuzz_{target}.options" for target in TARGETS
    }
    needed |= {
        "pyproject.toml",
        "README.md",
        "src/wsproto/__init__.py",
        "fuzz/seeds.py",
        "fuzz/handshake_seeds.py",
        "tests/oracle/judging.py",
        "tooling/frames.py",
    }
    needed |= {
        ".clusterfuzzlite/build.sh",
        "fuzz/dictionaries/frames.dict",
        "tests/properties/test_offers.py",
    }
    assert needed - copied == set()
