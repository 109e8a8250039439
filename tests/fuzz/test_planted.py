"""The planted faults: each can still be planted, and what looks for it looks into the copy."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from fuzz import campaign
from fuzz.cli import main
from fuzz.folders import PACKAGE
from fuzz.planted import faults
from fuzz.planted.catalogue import FAULTS, named
from fuzz.planted.child import ROOT, WRONG_COPY
from fuzz.planted.detectors import Found, Turn, turns
from fuzz.planted.fault import SOURCE, Fault, plant
from fuzz.planted.hunt import Hunt, Hunter, Outcome, assert_can_be_planted
from fuzz.planted.shown import write_hunt
from tests.fuzz.toys import toys
from tooling.errors import CommandError

#: These hold names, and hooks that do nothing.
WITHOUT = {"__init__.py", "_version.py", "core.py", "extensions.py", "typing.py"}

SECOND_CLOSE = "a second Close may be sent"
HARMLESS = Fault(
    "nothing is wrong",
    "RFC 6455 5.3",
    "masking.py",
    '"""Masking (RFC 6455 5.3)',
    '"""Masking, as ever (RFC 6455 5.3)',
)


@pytest.mark.parametrize("fault", FAULTS, ids=lambda fault: fault.name)
def test_it_can_be_planted_and_compiles(fault: Fault) -> None:
    planted = fault.planted()
    assert planted != (SOURCE / "wsproto" / fault.file).read_text("utf-8")
    compile(planted, fault.file, "exec")


def test_there_are_some_in_every_module() -> None:
    assert len({fault.name for fault in FAULTS}) == len(FAULTS) >= 25
    modules = {file.name for file in (SOURCE / "wsproto").glob("*.py")}
    assert {fault.file for fault in FAULTS} == modules - WITHOUT
    assert modules - WITHOUT == {file.name for file in Path(faults.__path__[0]).glob("[a-z]*.py")}


@pytest.mark.parametrize(
    ("file", "text", "wrong"),
    [
        ("masking.py", "no such text", r"has its text 0 times, not once \(no other file has it\)"),
        ("masking.py", "import", r"has its text [2-9] times, not once"),
        ("limits.py", HARMLESS.before, r"has its text 0 times, not once \(masking.py has it\)"),
        ("gone.py", HARMLESS.before, r"does not exist \(masking.py has it\)"),
    ],
)
def test_text_that_is_not_there_once_is_an_error_that_names_the_fault(
    file: str, text: str, wrong: str
) -> None:
    fault = replace(HARMLESS, file=file, before=text)
    with pytest.raises(
        CommandError,
        match=f"^the fault 'nothing is wrong' has to be written anew: src/wsproto/{file} {wrong}",
    ):
        fault.planted()


def test_all_faults_that_have_to_be_written_anew_are_named_at_once() -> None:
    faults = [
        HARMLESS,
        replace(HARMLESS, name="one", file="gone.py"),
        replace(HARMLESS, name="two", before="?!"),
    ]
    with pytest.raises(CommandError) as caught:
        assert_can_be_planted(faults)
    assert [line.split("'")[1] for line in str(caught.value).splitlines()] == ["one", "two"]


def child(copy: Path, program: Path, imported_from: Path) -> tuple[int, str]:
    """The exit code and the output of a program over a copy."""
    with subprocess.Popen(  # noqa: S603 - this very interpreter
        [sys.executable, "-m", "fuzz.planted.child", str(copy), str(program)],
        env={"PYTHONPATH": str(imported_from)},
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        start_new_session=True,  # it kills its group when its standard input ends
    ) as running:
        assert running.stdout is not None
        said = running.stdout.read()
    return running.returncode, said


def test_a_process_imports_the_copy_or_does_not_begin(tmp_path: Path) -> None:
    copy = plant(HARMLESS, tmp_path)
    program = tmp_path / "program.py"
    program.write_text("import wsproto.masking as m, wsproto; print(wsproto.__file__, m.__doc__[:16])")
    module = str(copy / "wsproto" / "__init__.py")
    assert child(copy, program, copy) == (0, f"{module} Masking, as ever\n")
    code, said = child(copy, program, tmp_path)
    assert code == WRONG_COPY
    assert said == f"wsproto would come from {SOURCE / 'wsproto' / '__init__.py'}, not from {copy}\n"


def test_the_library_itself_is_never_written_to(tmp_path: Path) -> None:
    before = {file: file.read_bytes() for file in SOURCE.rglob("*.py")}
    for fault in FAULTS[:3]:
        assert plant(fault, tmp_path / fault.name) == tmp_path / fault.name / "src"
    assert {file: file.read_bytes() for file in SOURCE.rglob("*.py")} == before


PYTEST_SAID = """F
=========================== short test summary info ============================
FAILED tests/state_machines/test_close.py::test_it[calls and more] - AssertionError: assert 1 - 1 == 2
"""
PYTEST_TIMED_OUT = """.
+++++++++++++++++++++++++++++++++++ Timeout ++++++++++++++++++++++++++++++++++++
~~~~~~~~~~~~~~~~~~~~~ Stack of MainThread (1) ~~~~~~~~~~~~~~~~~~~~~~
  File "/somewhere/pytest/__main__.py", line 9, in <module>
    raise SystemExit(pytest.console_main())
  File "/somewhere/tests/properties/test_as_read.py", line 43, in test_a_stream
    @given(settings, st.data())
  File "/somewhere/tests/oracle/judging.py", line 122, in assert_received_rightly
    events += taken(connection, setting, len(piece), one_by_one=one_by_one)
"""
ATHERIS_SAID = """INFO: Seed: 1
 === Uncaught Python exception: ===
AssertionError: not this
Traceback (most recent call last):
"""


@pytest.mark.parametrize(
    ("kind", "code", "said", "found"),
    [
        ("machine", 0, "3 passed", None),
        (
            "machine",
            1,
            PYTEST_SAID,
            Found(
                "machine",
                "state_machines/test_close.py::test_it[calls and more]",
                "AssertionError: assert 1 - 1 == 2",
            ),
        ),
        (
            "property",
            1,
            PYTEST_TIMED_OUT,
            Found("property", "properties/test_as_read.py::test_a_stream", "Timeout"),
        ),
        ("target", 0, "Done 100 runs in 2 second(s)", None),
        ("target", 77, ATHERIS_SAID, Found("target", "name", "AssertionError: not this")),
        (
            "target",
            70,
            "==7== ERROR: libFuzzer: timeout after 10 seconds",
            Found("target", "name", "timeout after 10 seconds"),
        ),
    ],
)
def test_what_a_process_found_is_read_from_what_it_says(
    kind: str, code: int, said: str, found: Found | None
) -> None:
    assert Turn(kind, "name", ()).judge(code, said) == found


@pytest.mark.parametrize(
    ("kind", "code", "said"),
    [
        ("property", 2, "FAILED tests/a.py::b - interrupted"),
        ("property", 1, "ImportError while loading conftest"),
        ("property", WRONG_COPY, "wsproto would come from elsewhere"),
        ("target", 1, "ModuleNotFoundError: No module named 'atheris'"),
    ],
)
def test_a_process_that_could_not_do_its_work_has_found_nothing(kind: str, code: int, said: str) -> None:
    with pytest.raises(CommandError, match=f"name did not run, exit code {code}: "):
        Turn(kind, "name", ()).judge(code, said)


def test_every_target_and_all_tests_have_a_turn(tmp_path: Path) -> None:
    coming = turns(PACKAGE.targets(), tmp_path, tmp_path, 1)
    names = [next(coming).name for _ in range(8 + len(PACKAGE.targets()))]
    machines, properties = "tests/state_machines", "tests/properties"
    assert names[:6] == [machines, properties, machines, *[properties] * 3]
    assert names[6:-2] == [target.name for target in PACKAGE.targets()]
    assert names[-2:] == [machines, machines]


def test_a_fault_is_found_and_reported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(campaign, "has_atheris", lambda: False)
    table = tmp_path / "table.md"
    arguments = ["plant", SECOND_CLOSE, "--seed", "1", "--markdown", str(table)]
    assert main(arguments, toys(tmp_path / "toys", "fine")) == 0
    printed = capsys.readouterr().out
    assert f"{SECOND_CLOSE}: " in printed
    assert "1 of 1 faults found within 60 s each" in printed
    assert "the targets were left out" in printed
    assert SECOND_CLOSE in table.read_text("utf-8")
    assert (tmp_path / "toys" / "report" / "planted.json").is_file()


def test_what_is_missed_is_named_and_exit_1(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(campaign, "has_atheris", lambda: False)
    monkeypatch.setattr("fuzz.planted.catalogue.FAULTS", (HARMLESS,))
    folders = toys(tmp_path, "fine")
    assert main(["plant", "nothing is wrong", "--seconds", "1", "--jobs", "1"], folders) == 1
    printed = capsys.readouterr()
    assert printed.err == "error: not found: nothing is wrong\n"
    assert "NOT FOUND" in printed.out
    assert "**not found**" in (tmp_path / "report" / "planted.md").read_text("utf-8")


def test_what_is_found_without_a_fault_is_an_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("fuzz.planted.hunt.plant", lambda _, folder: plant(named([SECOND_CLOSE])[0], folder))
    hunter = Hunter(toys(tmp_path, "fine"), Hunt(60, 2, 1, with_targets=False))
    with pytest.raises(CommandError, match=r"test_close\.py.* fails without any fault"):
        hunter.run([HARMLESS], lambda *_: None, control=True)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_it_in_one_line_and_leaves_nothing(number: signal.Signals, tmp_path: Path) -> None:
    program = (
        "from fuzz.planted import hunt; from fuzz.folders import PACKAGE;"
        "print('begun', flush=True);"
        "hunt.Hunter(PACKAGE, hunt.Hunt(60, 2, 1, with_targets=False)).run([], print, control=True)"
    )
    with subprocess.Popen(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=ROOT,
        env=os.environ | {"TMPDIR": str(tmp_path)},
    ) as running:
        assert running.stdout is not None
        assert running.stdout.readline() == "begun\n"
        while not list(tmp_path.glob("fuzz-planted-*/work")):
            time.sleep(0.05)
        time.sleep(1)
        running.send_signal(number)
        _, said = running.communicate(timeout=60)
    assert said.splitlines()[-1] == "KeyboardInterrupt"
    assert "ignored" not in said
    assert list(tmp_path.iterdir()) == []


def test_a_cell_stays_in_its_cell(tmp_path: Path) -> None:
    hunt = Hunt(60, 2, 1, with_targets=True)
    found = Found("property", "test_it[a|b]", "assert 0")
    hunt.outcomes.append(Outcome(replace(HARMLESS, name="a | b"), found, 1.25, 2.5))
    write_hunt(hunt, [tmp_path / "table.md"])
    row = (tmp_path / "table.md").read_text("utf-8").splitlines()[-1]
    assert row == (r"| a \| b | RFC 6455 5.3 | `masking.py` | `test_it[a\|b]` | property | 1.2 | 2.5 |")


def test_list_shows_the_faults_and_a_name_chooses(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plant", "--list", "Close may be sent", "ping"]) == 0
    printed = capsys.readouterr().out
    assert SECOND_CLOSE in printed
    assert "masking key" not in printed
    assert main(["plant", "--list", "no such fault"]) == 2
    assert capsys.readouterr().err == (
        "error: 'no such fault' is in the name of no fault: python -m fuzz plant --list\n"
    )
