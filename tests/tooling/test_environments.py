"""Environments for peers, and the one place that pins what is in them."""

from __future__ import annotations

import asyncio
import re
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from tooling.environments import READY, environment_with, make_environment
from tooling.errors import CommandError, MissingError
from tooling.peers import PEERS, pinned, versions

ROOT = Path(__file__).resolve().parents[2]


def make_wheel(folder: Path) -> None:
    info = "tiny_thing-1.0.dist-info"
    with zipfile.ZipFile(folder / "tiny_thing-1.0-py3-none-any.whl", "w") as wheel:
        wheel.writestr("tiny_thing.py", "answer = 42\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tiny-thing\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")


def test_an_environment_is_made_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    make_wheel(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    said: list[str] = []
    cache = tmp_path / "cache"
    python = make_environment(["tiny-thing==1.0"], said.append, cache)
    command = [str(python), "-c", "import tiny_thing; print(tiny_thing.answer)"]
    found = subprocess.run(command, capture_output=True, text=True, check=True)  # noqa: S603 - made just now
    assert found.stdout == "42\n"
    assert said == [f"installing tiny-thing==1.0 into {python.parents[1]}"]
    assert make_environment(["tiny-thing==1.0"], said.append, cache) == python
    assert len(said) == 1, "the second time it is there"
    (python.parents[1] / READY).unlink()  # as if it had been interrupted
    (tmp_path / "tiny_thing-1.0-py3-none-any.whl").unlink()
    with pytest.raises(MissingError, match=r"cannot install tiny-thing==1\.0: the installation ended with"):
        make_environment(["tiny-thing==1.0"], said.append, cache)
    assert not python.exists(), "half an environment is not kept"


def test_what_needs_no_package_runs_in_this_environment(tmp_path: Path) -> None:
    assert make_environment([], pytest.fail, tmp_path) == Path(sys.executable)


def test_two_that_want_the_same_environment_make_it_once(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_wheel(tmp_path)
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(tmp_path))
    said: list[str] = []

    async def both() -> list[Path]:
        making = [environment_with(["tiny-thing==1.0"], said.append, tmp_path / "cache") for _ in range(2)]
        return await asyncio.gather(*making)

    first, second = asyncio.run(both())
    assert first == second
    assert len(said) == 1


def test_what_cannot_be_installed_is_one_line_with_the_reason(tmp_path: Path) -> None:
    with pytest.raises(MissingError, match=r"^cannot install .*/absent: .* does not exist\. .*\.log\)$"):
        make_environment([f"{tmp_path}/absent"], lambda _: None, tmp_path / "cache")


def test_a_pin_is_a_name_with_its_version() -> None:
    assert pinned("websockets", "h11") == (
        f"websockets=={versions()['websockets']}",
        f"h11=={versions()['h11']}",
    )


def test_a_package_that_is_not_pinned_is_named() -> None:
    with pytest.raises(
        CommandError, match=r"^'gevent' is not pinned: .*peers\.txt has a line for each of aiohttp,"
    ):
        pinned("gevent")


def test_a_line_that_pins_nothing_is_named(tmp_path: Path) -> None:
    (tmp_path / "peers.txt").write_text("# all\nwebsockets>=17\n")
    with pytest.raises(CommandError, match=r"'websockets>=17' is not NAME==VERSION"):
        versions(tmp_path / "peers.txt")


def test_no_other_file_pins_a_peer() -> None:
    names = "|".join(versions())
    pin = re.compile(rf"\b({names})(\[\w+\])? ?[=~<>]=? ?\d")
    files = [
        *(file for folder in ("harness", "bench") for file in (ROOT / folder).rglob("*.py")),
        *(ROOT / "tests" / "downstream").glob("*.txt"),
    ]
    found = {
        file: pin.findall(re.sub("#.*", "", file.read_text(encoding="utf-8")))
        for file in files
        if file != PEERS
    }
    assert len(found) > 50
    assert {file: pins for file, pins in found.items() if pins} == {}
