"""An input that fails: replayed, minimised, explained."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from fuzz import replay as replaying
from fuzz.cli import main
from fuzz.crashes import keep
from fuzz.folders import hash_of, inputs_in
from fuzz.frames_shown import frame_lines, hex_lines
from fuzz.minimizer import Budget, minimize
from fuzz.replay import Replay
from tests.fuzz.toys import toys
from tooling import frames as wire
from tooling.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

LONG = b"AB" + bytes(range(256)) * 4


def test_minimizing_finds_the_smallest_and_plainest() -> None:
    def fails(data: bytes) -> bool:
        return b"needle" in data and len(data) >= 8

    found = minimize(bytes(range(1, 200)) + b"needle" + b"hay" * 100, fails, Budget(10))
    assert len(found) == 8
    assert found.replace(b"needle", b"") == bytes(2)


def test_minimizing_ends_with_its_time() -> None:
    tried: list[bytes] = []

    def fails(data: bytes) -> bool:
        tried.append(data)
        return False

    assert minimize(LONG, fails, Budget(10, lambda: len(tried) > 5)) == LONG
    assert len(tried) == 6


def test_what_fails_is_told_apart(tmp_path: Path) -> None:
    folders = toys(tmp_path, "raising", "dying", "killed")
    found = {}
    for target in folders.targets():
        with Replay(target) as replay:
            assert replay.run(b"x") is None
            found[target.name] = replay.run(b"AB")
            assert replay.run(b"x") is None, "it goes on in a new process"
    titles = {name: failure.title for name, failure in found.items() if failure}
    assert titles == {
        "raising": "ValueError: planted | <b>here</b>",
        "dying": "exit code 7",
        "killed": "killed by SIGKILL",
    }
    assert found["raising"] is not None
    assert found["raising"].place == f"{tmp_path / 'targets' / 'fuzz_raising.py'}:30 in test_one_input"
    assert not found["raising"].same_as(found["dying"])


def test_a_hang_ends_and_says_where(tmp_path: Path) -> None:
    (target,) = toys(tmp_path, "hanging").targets()
    with Replay(target, time_limit=0.2) as replay:
        failure = replay.run(b"AB")
    assert failure is not None
    assert failure.title == "hang: more than 0.2 s"
    assert "fuzz_hanging.py" in failure.traceback
    assert "worker.py" not in failure.traceback


def test_memory_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replaying, "MEMORY_LIMIT", 500)
    folders = toys(tmp_path, "fine")
    text = folders.targets()[0].file.read_text(encoding="utf-8")
    (tmp_path / "targets" / "fuzz_fine.py").write_text(
        text.replace("pass", "bytearray(2**29)"), encoding="utf-8"
    )
    with Replay(folders.targets()[0]) as replay:
        failure = replay.run(b"AB")
    assert failure is not None
    assert failure.type == "MemoryError"


def test_a_target_that_cannot_be_imported_is_an_error(tmp_path: Path) -> None:
    (target,) = toys(tmp_path, "unimportable").targets()
    with Replay(target) as replay, pytest.raises(CommandError, match="nothing_of_that_name"):
        replay.run(b"")


def test_a_crash_is_kept_with_all_that_is_known(tmp_path: Path) -> None:
    folders = toys(tmp_path, "raising")
    finding = keep(folders, folders.targets()[0], LONG, "crash", Budget(10))
    name = f"raising-{hash_of(b'AB')}"
    assert (folders.crashes / name).read_bytes() == b"AB"
    assert (folders.crashes / f"{name}.original").read_bytes() == LONG
    note = (folders.crashes / f"{name}.txt").read_text(encoding="utf-8")
    assert "ValueError: planted | <b>here</b>\nat " in note
    assert "2 bytes, minimised from 1026" in note
    assert "0000  41 42" in note
    assert "half a header: 42" in note
    assert "raise ValueError" in note
    assert finding.command in note
    assert finding.test.splitlines()[-1] in note


def test_inputs_that_become_the_same_are_all_kept(tmp_path: Path) -> None:
    folders = toys(tmp_path, "raising")
    target, file = folders.targets()[0], folders.crashes / f"raising-{hash_of(b'AB')}"
    for data, name in ((b"ABx", ""), (b"ABy", ".2"), (b"ABx", ""), (b"ABz", ".3")):
        finding = keep(folders, target, data, "crash", Budget(10))
        original = file.with_name(f"{file.name}{name}.original")
        assert finding.original == str(original)
        assert original.read_bytes() == data
        assert f"which are kept as {original}" in file.with_suffix(".txt").read_text("utf-8")
    assert len(inputs_in([folders.crashes])) == 1


def test_minimizing_to_where_nothing_can_be_written_prints_it(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = toys(tmp_path, "raising")
    folders.crashes.touch()
    file = tmp_path / "raising-crash-1"
    file.write_bytes(LONG)
    command = "echo QUI= | base64 -d | python -m fuzz replay --target raising /dev/stdin"
    assert main(["minimize", str(file)], folders) == 2
    assert command in capsys.readouterr().out
    assert main(["replay", str(file)], folders) == 1
    printed = capsys.readouterr().out
    assert "raise ValueError" in printed
    assert f"cannot write {folders.crashes}" in printed


@pytest.mark.parametrize("names", [(), ("NAME.txt", "raising-1.original", ".hidden")])
def test_replay_of_a_folder_without_inputs_is_an_error(
    names: tuple[str, ...], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = toys(tmp_path, "raising")
    empty = tmp_path / "empty"
    empty.mkdir()
    for name in names:
        (empty / name).write_bytes(b"AB")
    said = f"error: there is no input in {empty}: inputs are files named TARGET-HASH\n"
    assert main(["replay", str(empty)], folders) == 2
    assert capsys.readouterr().err == said
    assert main(["replay", "--target", "raising", str(empty)], folders) == 2
    assert capsys.readouterr().err == said
    assert main(["replay"], folders) == 2  # fuzz/regressions does not exist here
    assert capsys.readouterr().err == said.replace(str(empty), str(folders.regressions))


def test_replay_of_a_folder_with_inputs_of_no_target_is_an_error(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folders = toys(tmp_path, "raising")
    folders.crashes.mkdir()
    (folders.crashes / "gone-1").write_bytes(b"AB")
    assert main(["replay", str(folders.crashes)], folders) == 2
    assert capsys.readouterr().err == "error: there is no target 'gone': choose from raising\n"


def test_the_ready_test_fails_as_the_target_does(tmp_path: Path) -> None:
    folders = toys(tmp_path, "raising")
    finding = keep(folders, folders.targets()[0], b"AB" * 100, "crash", Budget(0))
    assert finding.size == 200
    case: dict[str, object] = {}
    source = finding.test.replace("from fuzz.targets import fuzz_raising", "")
    exec(source, {"fuzz_raising": folders.targets()[0].load()}, case)  # noqa: S102 - that is its purpose
    (test,) = case.values()
    with pytest.raises(ValueError, match="planted"):
        test()  # type: ignore[operator]


def test_what_happened_only_once_is_kept_too(tmp_path: Path) -> None:
    folders = toys(tmp_path, "fine")
    finding = keep(folders, folders.targets()[0], LONG, "oom", Budget(10))
    assert finding.title == "oom, which does not happen again when the input is replayed alone"
    assert (folders.crashes / f"fine-{hash_of(LONG)}").read_bytes() == LONG


def test_frames_are_decoded_whatever_they_are() -> None:
    stream = (
        wire.frame(wire.TEXT, b"Hello", mask=wire.MASK, rsv=4)
        + wire.frame(3, b"x" * 200)
        + wire.frame(wire.PING, b"", fin=False, length_form=64)
        + wire.frame(wire.BINARY, b"ab", length=70000)
    )
    assert frame_lines(stream) == [
        "0000  text FIN RSV1 mask=37fa213d length=5 b'Hello'",
        f"000b  reserved 0x3 FIN unmasked length=200 b'{'x' * 32}' ...",
        "00d7  ping unmasked length=0",
        "00e1  binary FIN unmasked length=70000 (69998 bytes are missing) b'ab'",
    ]
    assert frame_lines(b"\x81") == ["0000  half a header: 81"]
    assert frame_lines(b"\x81\x85\1\2") == ["0000  a part of a header: 81 85 01 02"]
    assert frame_lines(b"\x81\xfe\0") == ["0000  a part of a header: 81 fe 00"]
    assert frame_lines(bytes(500))[-1] == "... and 300 more bytes"


def test_hex_is_bounded() -> None:
    assert hex_lines(b"") == "(empty)"
    assert hex_lines(b"\x00A") == "0000  00 41" + " " * 44 + ".A"
    assert hex_lines(bytes(2000)).endswith("\n... and 976 more bytes")


def test_replay_names_what_fails(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = toys(tmp_path, "raising", "fine")
    folders.regressions.mkdir()
    for name in ("raising-000000000000", "fine-000000000000"):
        (folders.regressions / name).write_bytes(b"ABC")
    assert main(["replay"], folders) == 1
    printed = capsys.readouterr().out
    assert "raising-000000000000 fails:" in printed
    assert "raise ValueError" in printed
    assert "2 inputs replayed, 1 fail" in printed
    assert (folders.crashes / f"raising-{hash_of(b'ABC')}.txt").is_file()
    assert main(["replay", "--target", "fine", str(folders.regressions)], folders) == 0
    assert "2 inputs replayed, 0 fail" in capsys.readouterr().out


def test_minimize_writes_the_smaller_input(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    folders = toys(tmp_path, "raising")
    file = tmp_path / "raising-crash-1"
    file.write_bytes(LONG)
    assert main(["minimize", str(file)], folders) == 0
    assert "2 bytes, minimised from 1026" in capsys.readouterr().out
    assert (folders.crashes / f"raising-{hash_of(b'AB')}").read_bytes() == b"AB"
    file.write_bytes(b"harmless")
    assert main(["minimize", str(file)], folders) == 2
    assert "does not fail with the target raising" in capsys.readouterr().err
