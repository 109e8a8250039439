"""Mutation testing: which mutants there are, and that tests notice those that they should."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tooling.mutants import compiled, survivors, trials
from tooling.mutants.record import Record
from tooling.mutants.source import MODULES, functions_of

if TYPE_CHECKING:
    from collections.abc import Sequence

ROOT = Path(__file__).parents[2]


def names(text: str, function: str = "m.f") -> list[str]:
    (found,) = [each for each in functions_of("m", text.encode()) if each.name == function]
    return [mutant.name.partition(" -> ")[2] for mutant in found.mutants]


@pytest.mark.parametrize(
    ("line", "mutants"),
    [
        ("x = a < 1", ["x = a < 2", "x = a <= 1"]),
        ("x = a is not b", ["x = a is b"]),
        ("x = a in (b, c)", ["x = a in (b,)", "x = a in (c,)", "x = a not in (b, c)"]),
        ("x = a and not b", ["x = a and b", "x = a or not b"]),
        ("x = -a + b", ["x = -a - b", "x = a + b"]),
        ("x += a", ["x -= a", "x = a"]),
        ("x.y = a", ["pass"]),
        ("x = f(a, b=c)", ["x = f(a)"]),
        ("x = a[b:c]", ["x = a[:c]", "x = a[b:]"]),
        ("x = min(a, True, 'Host')", ["x = max(a, True, 'Host')", "x = min(a, False, 'Host')"]),
        ("x = b''", ["x = b'XX'"]),
        ("if a: b()", ["if (not (a)): b()", "if a: pass"]),
        ("while a or b(): break", []),
        ("return a(b)", ["return None"]),
        ("raise ValueError(f'{a} is wrong', 'Host')", ["pass"]),
        ("x = 'It is wrong'", []),
        ("x: int | None = a", []),
        ("for x in a: continue", ["for x in a: break"]),
    ],
)
def test_what_changes_in_a_line(line: str, mutants: list[str]) -> None:
    found = names(f"def f():\n    'It does.'\n    {line}\n")
    assert set(mutants) <= set(found)
    assert mutants or all("It" not in each and "int" not in each for each in found)


def test_what_stands_outside_of_functions_is_the_module_s() -> None:
    text = "A = {b: c, d: 1}\n\nclass C:\n    def f(self, x=True):\n        return x + 1\n"
    assert names(text, "m") == [
        "A = {d: 1}",
        "A = {b: c}",
        "A = {b: c, d: 2}",
        "def f(self, x=False):",
    ]
    assert names(text, "m.C.f") == ["return None", "return x - 1", "return x + 2"]


def test_a_function_is_another_once_its_code_is_another() -> None:
    before, outside = functions_of("m", b"def f(x=1):\n    return x\n")[::-1]
    changed, same = functions_of("m", b"A = 1\ndef f(x=1):\n    return x + 1\n")[::-1]
    assert before.content != changed.content
    assert outside.content != same.content


@pytest.mark.parametrize("module", MODULES)
def test_mutants_are_python_with_every_line_at_its_number(module: str) -> None:
    mutants = [mutant for function in functions_of(module) for mutant in function.mutants]
    assert len({(mutant.function, mutant.name) for mutant in mutants}) == len(mutants)
    original = MODULES[module].read_bytes()
    for mutant in mutants[::5]:
        text = mutant.source()
        compile(text, module, "exec")
        assert text != original
        assert text.count(b"\n") == original.count(b"\n")


def test_each_test_file_named_after_a_module_is_of_one() -> None:
    files = [file for module in MODULES for file in trials.tests_of(module)]
    assert str(ROOT / "tests" / "test_handshake_stages_agreement.py") in trials.tests_of("handshake_stages")
    assert str(ROOT / "tests" / "test_handshake_client.py") in trials.tests_of("handshake")
    assert len(set(files)) > 50
    assert set(files) <= set(map(str, trials.all_tests()))


TRIAL = """
import json, sys
from pathlib import Path
from tooling.mutants import trials
from tooling.mutants.source import MODULES, Mutant, functions_of

source = MODULES["close_codes"].read_bytes()

def edit(function, old, new):
    start = source.index(old)
    line = source.count(b"\\n", 0, start) + 1
    defined = source.find(b"def " + function.partition(".")[2].encode() + b"(")
    begins = source.count(b"\\n", 0, defined) + 1 if "." in function else 0
    return Mutant(function, new.decode(), begins, range(line, line + 1), start, start + len(old), new)

edits = [
    edit("close_codes.may_travel", b"3000 <= code", b"3000 <= code"),
    edit("close_codes.may_travel", b"3000 <= code", b"3001 <= code"),
    edit("close_codes.named", b"CloseReason(code) if", b"exec('while True: pass') if"),
    edit("close_codes", b"GOING_AWAY = 1001", b"GOING_AWAY = 1_001"),
    edit("close_codes", b"GOING_AWAY = 1001", b"GOING_AWAY = 1004"),
    edit("close_codes", b"GOING_AWAY = 1001", b"GOING_AWAY = 1 / 0"),
]
found = trials.tried(edits, trials.tests_of("close_codes"), 2, 1e12, Path(sys.argv[1]))
print(json.dumps({mutant.name: noticed for mutant, noticed in found}))
"""


def run(command: Sequence[str | Path]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, *map(str, command)], cwd=ROOT, capture_output=True, text=True, check=False
    )


def test_a_trial_notices_what_its_tests_notice(tmp_path: Path) -> None:
    """In a process of its own, which has not imported the library: a number, a loop, a table, an import."""
    done = run(["-c", TRIAL, tmp_path / "log"])
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout) == {
        "3000 <= code": False,
        "3001 <= code": True,
        "exec('while True: pass') if": True,
        "GOING_AWAY = 1_001": False,
        "GOING_AWAY = 1004": True,
        "GOING_AWAY = 1 / 0": True,
    }


def test_a_module_that_its_tests_do_not_cover_is_shown() -> None:
    """Alone: here with the tests of another module in place of its own."""
    code = (
        "import sys; from tooling.mutants import alone, trials\n"
        f"trials.tests_of = lambda module: [{str(ROOT / 'tests/test_close_codes.py')!r}]\n"
        "sys.exit(alone.main(['close_codes', 'close_frame']))"
    )
    done = run(["-c", code])
    assert done.returncode == 1, done.stderr
    assert "close_frame: its tests do not cover it alone" in done.stdout
    assert "close_codes:" not in done.stdout


def test_a_record_keeps_what_is_in_order(tmp_path: Path) -> None:
    record = Record(tmp_path)
    assert record.changed() == record.functions
    one, two = record.functions[:2]
    record.keep(one, in_order=True)
    record.keep(two, in_order=False)
    assert one not in Record(tmp_path).changed()
    assert two in Record(tmp_path).changed()
    record.keep(one, in_order=False)
    assert one in Record(tmp_path).changed()
    (tmp_path / "functions.csv").write_text(f"function,content\nno.more,0\n{one.name},0\n", encoding="utf-8")
    assert one in Record(tmp_path).changed()
    Record(tmp_path).keep(two, in_order=True)
    assert "no.more" not in (tmp_path / "functions.csv").read_text(encoding="utf-8")


def test_the_lists_of_survivors_name_mutants_and_reasons() -> None:
    """An entry whose mutant is no more has to go."""
    there = {(each.function, each.name) for function in Record().functions for each in function.mutants}
    assert survivors.faults(survivors.read_reasons(), there) == []
    there = {(each.function, each.name) for each in compiled.mutants()}
    assert survivors.faults(survivors.read_reasons(compiled.LIST), there) == []
    reasons = {("m.f", "a"): "equivalent: the same", ("m.f", "b"): "because", ("m.g", "a"): "speed alone: so"}
    assert len(survivors.faults(reasons, {("m.f", "a"), ("m.f", "b")})) == 2


@pytest.mark.parametrize(
    ("listed", "noticed", "what"),
    [(True, False, None), (False, True, None), (True, True, "none can"), (False, False, "survives")],
)
def test_a_mutant_is_noticed_or_listed(listed: bool, noticed: bool, what: str | None) -> None:
    found = survivors.wrong({("m", "a"): "r"} if listed else {}, ("m", "a"), noticed=noticed)
    assert found is None if what is None else what in str(found)


def test_mutants_of_the_compiled_core() -> None:
    mutants = compiled.mutants()
    assert len({(mutant.function, mutant.name) for mutant in mutants}) == len(mutants) > 500
    assert {mutant.path for mutant in mutants} == {*compiled.SOURCE.glob("*.c")}
    names = {mutant.name for mutant in mutants if mutant.function == "frames.c: read_header"}
    assert names >= {
        "if (there [< -> <=] 1) return WANT",
        "if (there < [1 -> 0]) return WANT",
        "if [( -> (!]there < 1) return WANT",
        "if (size [> -> >=] MAX_CONTROL_PAYLOAD)",
        "[there -= frame->start; -> ;]",
    }


def test_the_name_of_a_mutant_survives_another_layout(tmp_path: Path) -> None:
    """Line breaks and comments are no part of it."""
    found = []
    for text in ("if (a < b && c) /* why */\n", "if (a <\n            b\n        && c)\n"):
        file = tmp_path / "some.c"
        file.write_text(f"static int f(PyObject *Py_UNUSED(x)) {{\n    {text}        return 3;\n}}\n")
        found.append({(mutant.function, mutant.name) for mutant in compiled.mutants(tmp_path)})
    assert found[0] & found[1] >= {
        ("some.c: f", "if (a < b [&& -> ||] c) return 3"),
        ("some.c: f", "if (a < b && c) return [3 -> 4]"),
    }


COMPILED_TRIAL = """
import json, sys
from pathlib import Path
from tooling.errors import CommandError
from tooling.mutants import compiled

names = [
    "return 2 [+ -> -] more",
    "[Py_XSETREF(writer->pool, pool); -> ;]",
    "if (dot [== -> !=] NULL || (size_t)(dot - name) + 2 > sizeof(core->package))",
    "if [( -> (!]name_of == NULL) return -1",
    "if (size > PY_SSIZE_T_MAX - [14 -> 15]) return PyErr_NoMemory()",
    "if (pool == [NULL -> 0]) return -1",
]
mutants = {mutant.name: mutant for mutant in compiled.mutants()}
same = mutants["if (pool [== -> !=] NULL) return -1"]._replace(name=names[-1], text=b"==")
folder, test, wrong = map(Path, sys.argv[1:])
built = compiled.build([*(mutants[name] for name in names[:-1]), same], 6, 2, folder)
found = compiled.tried(built, [[str(test)]], 2, folder, lambda _: None)
noticed = {mutant.name: value for mutant, value in found.items()}  # in the order in which they came
print(json.dumps([noticed.get(name) for name in names]))
try:
    compiled.tried(built, [[str(wrong)]], 2, folder, lambda _: None)
except CommandError as error:
    print(error)
"""


def test_a_trial_of_the_compiled_core(tmp_path: Path) -> None:
    """A test fails, Python crashes, the import raises (twice), nobody sees it; the last one is no mutant."""
    wrong = tmp_path / "test_wrong.py"
    wrong.write_text("def test_wrong():\n    assert False\n", encoding="utf-8")
    done = run(["-c", COMPILED_TRIAL, tmp_path, "tests/test_frame_writer.py", wrong])
    assert done.returncode == 0, done.stderr
    found, message = done.stdout.splitlines()
    assert json.loads(found) == [True, True, True, True, False, None]
    assert message == "a test fails without any mutant"


@pytest.mark.parametrize("tool", ["tooling.mutants", "tooling.mutants.alone", "tooling.mutants.compiled"])
def test_a_bad_command_line_is_one_line(tool: str) -> None:
    done = run(["-m", tool, "--jobs", "0"])
    assert done.returncode == 2
    assert done.stderr.startswith("error: ")
    assert done.stderr.count("\n") == 1
