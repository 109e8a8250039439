"""The files of the matrix in any language: their heads, what they lack, how they are built; what is kept."""

from __future__ import annotations

import asyncio
import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.matrix.implementations import implementations
from harness.matrix.kept import Kept, harness_fingerprint
from harness.matrix.metadata import read_testee
from harness.matrix.player import doubtful
from harness.matrix.programs import Program, lacking, program_of, title_of
from harness.matrix.results import without_limit
from harness.setups import Setup
from tests.harness.test_matrix import run_matrix
from tooling import environments
from tooling.errors import CommandError, ExitCode, MissingError

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.results import CaseReport

OK: CaseReport = {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000}

HEAD = """// Something of somebody's.
// /// script
// [tool.testee]
// {lines}
// ///
"""


def write(folder: Path, name: str, *lines: str) -> Path:
    folder.mkdir(exist_ok=True)
    path = folder / name
    path.write_text(HEAD.format(lines="\n// ".join(lines)))
    return path


def test_a_head_says_what_a_file_needs_in_any_language(tmp_path: Path) -> None:
    file = read_testee(
        write(
            tmp_path,
            "this_testee.cpp",
            'title = "This"',
            'needs = ["g++"]',
            'npm = ["ws==1.0"]',
            'debian = ["libthis-dev"]',
            "build = \"g++ -o {folder}/testee '{source}'\"",
            'start = "{folder}/testee"',
        )
    )
    assert (file.language, file.title, file.needs) == ("C++", "This", ("g++",))
    assert (file.npm, file.debian) == (("ws==1.0",), ("libthis-dev",))
    assert file.build == ("g++", "-o", "{folder}/testee", "{source}")
    assert file.start == ("{folder}/testee",)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("start = 7", "start of tool.testee is not a text: 7"),
        ('needs = "go"', "needs of tool.testee is not a list of names: 'go'"),
        ('compiler = "go"', "tool.testee has no key 'compiler': choose from name, title, needs,"),
        ('unlimited = "yes"', "unlimited of tool.testee is not true or false: 'yes'"),
        ('transports = ["h4"]', "tool.testee knows no transport 'h4': choose from h1, h2, h3"),
        ('behind = "h9"', "tool.testee knows no transport 'h9': choose from h1, h2, h3"),
        ('start = "{binary}"', r"start of tool.testee may have {source} and {folder} in it: '{binary}'"),
        ('start = "{"', "start of tool.testee may have {source} and {folder} in it: '{'"),
        ('needs = ["go"]', "tool.testee has no start, the command that starts it"),
        ('start = "x"\n// npm = ["nobody-has"]', "'npm:nobody-has' is not pinned"),
        ('start = "x"\n// needs = [', "its metadata cannot be read"),
    ],
)
def test_a_head_that_is_wrong_is_one_line_with_the_value(tmp_path: Path, line: str, problem: str) -> None:
    path = write(tmp_path, "this_server.go", line)
    with pytest.raises(CommandError) as caught:
        read_testee(path)
    assert str(caught.value).startswith(f"{path}: ")
    assert problem in str(caught.value)
    assert "\n" not in str(caught.value).partition(" (at")[0]


def test_a_table_that_is_none_is_one_line(tmp_path: Path) -> None:
    path = tmp_path / "this_server.go"
    path.write_text("# /// script\n# tool = {testee = 1}\n# ///\n")
    with pytest.raises(CommandError, match=r"tool\.testee is not a table: 1"):
        read_testee(path)


def test_a_file_for_both_roles_may_get_its_name_from_its_head(tmp_path: Path) -> None:
    write(tmp_path, "testee.js", 'name = "mine"', 'start = "node {source}"')
    write(tmp_path, "other_client.js", 'start = "node {source}"')
    (tmp_path / "contract.js").write_text("// a helper")
    known = {found.name: found for found in implementations([tmp_path, tmp_path / "absent"])}
    assert list(known) == ["library", "mine", "other"]
    assert set(known["mine"].files) == {Setup("server"), Setup("client")}
    assert set(known["other"].files) == {Setup("client")}
    assert [helper.name for helper in known["mine"].files[Setup("client")].helpers()] == ["contract.js"]
    write(tmp_path, "testee.go", 'start = "x"')
    with pytest.raises(CommandError, match=r"testee\.go has no name: its tool\.testee has to give one"):
        implementations([tmp_path])


def test_what_a_file_lacks_is_named(tmp_path: Path) -> None:
    path = write(
        tmp_path,
        "this_server.go",
        'needs = ["go-of-nobody"]',
        'debian = ["wsproto-nobody-has"]',
        'start = "x"',
    )
    assert lacking(read_testee(path)) == "go-of-nobody, Debian's wsproto-nobody-has"
    (found,) = implementations([tmp_path], ["this"])
    assert title_of(found) == "wsproto-nobody-has"


def prepare(path: Path, say: Callable[[str], None]) -> Program:
    return asyncio.run(program_of(read_testee(path), say, path.parents[1] / "cache"))


def test_a_file_is_built_once_beside_its_helpers(tmp_path: Path) -> None:
    python = f"'{sys.executable}'"
    build = f'{python} -c \'open(\\"{{folder}}/built\\", \\"a\\").write(\\"x\\")\''
    path = write(tmp_path / "of", "this_server.go", f'build = "{build}"', 'start = "{folder}/built {source}"')
    (tmp_path / "of" / "contract.go").write_text("a helper")
    said: list[str] = []
    programs = [prepare(path, said.append) for _ in range(2)]
    assert programs[0] == programs[1]
    built, source = programs[0].command
    folder = next(folder for folder in (tmp_path / "cache").iterdir() if folder.is_dir())
    assert (built, source) == (f"{folder}/built", f"{folder}/this_server.go")
    assert (folder / "built").read_text() == "x", "it was built once"
    assert (folder / "contract.go").read_text() == "a helper"
    assert said == [f"installing this_server.go into {folder}"]
    (tmp_path / "of" / "contract.go").write_text("another helper")
    changed = prepare(path, said.append)
    assert changed.fingerprint != programs[0].fingerprint


def test_a_python_file_may_have_more_done_to_its_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    ran: list[tuple[str, ...]] = []

    async def made_by(commands: list[tuple[str, ...]], *_: object) -> None:
        ran.extend(commands)

    monkeypatch.setattr(environments, "made_by", made_by)
    path = tmp_path / "of" / "this_server.py"
    path.parent.mkdir()
    build = 'build = "{python} -m pip download -d {folder} {pins[0]}"'
    path.write_text(f'# /// script\n# dependencies = ["x==1.0"]\n# [tool.testee]\n# {build}\n# ///\n')
    python, _ = prepare(path, lambda _: None).command
    folder = str(Path(python).parents[1])
    assert ran[-1] == (sys.executable, "-m", "pip", "download", "-d", folder, "x==1.0")


def test_a_proxy_gets_the_command_of_the_server_behind_it(tmp_path: Path) -> None:
    path = tmp_path / "of" / "this_server.py"
    path.parent.mkdir()
    fingerprints = set()
    for behind, said in (
        ("h1", "harness.testee serve --variant default"),
        ("h2", "http2_server.py 127.0.0.1 0"),
    ):
        path.write_text(f'# /// script\n# [tool.testee]\n# behind = "{behind}"\n# ///\n')
        program = prepare(path, lambda _: None)
        assert program.command[:3] == (sys.executable, str(path), "--echo")
        assert said in program.command[3]
        fingerprints.add(program.fingerprint)
    assert len(fingerprints) == 2


def test_a_build_that_fails_is_one_line(tmp_path: Path) -> None:
    path = write(tmp_path / "of", "this_server.go", 'build = "false"', 'start = "x"')
    with pytest.raises(MissingError, match=r"^cannot install this_server\.go: the installation ended with"):
        prepare(path, lambda _: None)


LACKING = 'needs = ["go-of-nobody"]', 'start = "x"'


def test_what_cannot_be_run_here_is_left_out_and_the_page_says_so(tmp_path: Path) -> None:
    write(tmp_path / "testees", "this_server.go", *LACKING)
    outcome, printed, rows = run_matrix(tmp_path, tmp_path / "testees", ["1.1.1", "X.1.15", "X.3.1"])
    assert outcome == ExitCode.GOOD
    assert "this is left out: it needs go-of-nobody\n" in printed
    assert rows["this"] == {
        "name": "this",
        "title": "this",
        "language": "Go",
        "leftOut": "needs go-of-nobody",
    }
    assert "this, which needs go-of-nobody." in (tmp_path / "matrix.html").read_text()


def test_what_cannot_be_run_here_is_an_error_where_it_was_asked_for(tmp_path: Path) -> None:
    write(tmp_path / "testees", "this_server.go", *LACKING)
    outcome, _, rows = run_matrix(tmp_path, tmp_path / "testees", ["X.3.1"], ["this"])
    assert outcome == "cannot run this: it needs go-of-nobody"
    assert rows == {}


def test_a_case_is_played_once(tmp_path: Path) -> None:
    (tmp_path / "testees").mkdir()
    _, printed, first = run_matrix(tmp_path, tmp_path / "testees", ["X.3.1"], ["library"])
    assert "as server in 0:" in printed
    _, printed, again = run_matrix(tmp_path, tmp_path / "testees", ["X.3.1"], ["library"])
    assert "(this library) as server kept: 1 OK" in printed
    assert first == again
    kept = tmp_path / "cache" / "results" / "library-server.json"
    content = json.loads(kept.read_text())
    kept.write_text(json.dumps(content | {"key": "of another version"}))
    _, printed, _ = run_matrix(tmp_path, tmp_path / "testees", ["X.3.1"], ["library"])
    assert "as server in 0:" in printed


@pytest.mark.parametrize(
    "content",
    [None, "", "[]", '{"key": "k"}', '{"key": "k", "duration": 1, "reports": []}', '{"key": "of another"}'],
)
def test_what_is_damaged_or_of_something_else_is_not_taken(tmp_path: Path, content: str | None) -> None:
    file = tmp_path / "results" / "this-server.json"
    if content is not None:
        file.parent.mkdir()
        file.write_text(content)
    kept = Kept.read(file, "k")
    assert kept.missing(["1.1.1", "X.3.1"]) == ["1.1.1", "X.3.1"]
    kept.add({}, 1.0)
    kept.add({"1.1.1": OK}, 1.5)
    assert Kept.read(file, "k").missing(["1.1.1", "X.3.1"]) == ["X.3.1"]
    assert Kept.read(file, "k").duration == 1.5
    assert Kept.read(file, "of another").reports == {}


def test_who_has_no_limit_breaks_a_should(tmp_path: Path) -> None:
    failed: CaseReport = {
        "behavior": "FAILED",
        "behaviorClose": "OK",
        "remoteCloseCode": None,
        "result": "No.",
    }
    fair = without_limit("X.9.3", failed)
    assert fair["behavior"] == "NON-STRICT"
    assert fair.get("result", "").startswith(
        "No. NON-STRICT and no failure: it has no limit that could be set"
    )
    assert without_limit("X.3.1", failed) == failed
    assert without_limit("X.9.3", OK) == OK
    path = tmp_path / "this_client.py"
    path.write_text("# /// script\n# [tool.testee]\n# unlimited = true\n# ///\n")
    assert read_testee(path).unlimited


def test_what_took_too_long_is_played_again_where_it_is_rare() -> None:
    slow: CaseReport = {**OK, "behavior": "FAILED", "result": "The server under test hangs: it did not end."}
    cases = [f"1.1.{number}" for number in range(10)]
    assert doubtful(cases, dict.fromkeys(cases[:9], OK)) == [cases[9]]
    assert doubtful(cases, {**dict.fromkeys(cases, OK), **dict.fromkeys(cases[:2], slow)}) == cases[:2]
    assert doubtful(cases, {**dict.fromkeys(cases[:9], OK), **dict.fromkeys(cases[:3], slow)}) == [cases[9]]


def test_settings_and_cases_are_part_of_the_key() -> None:
    assert harness_fingerprint("kosoku 1", 3.0) == harness_fingerprint("kosoku 1", 3.0)
    assert harness_fingerprint("kosoku 1", 3.0) != harness_fingerprint("kosoku 2", 3.0)
    assert harness_fingerprint("kosoku 1", 3.0) != harness_fingerprint("kosoku 1", 3.0, streams=True)
