"""`wsproto-harness` works alone, where a folder has modules of the same names; action.yml runs it."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import tarfile
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zipfile import ZipFile

import pytest
import yaml

from tests.harness.serving import serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.serving import EchoServer

ROOT = Path(__file__).resolve().parents[2]
PIP = [sys.executable, "-m", "pip", "--disable-pip-version-check", "--quiet"]
BUILD = [*PIP, "wheel", "--no-index", "--no-deps", "--no-build-isolation"]  # setuptools is beside the tests
NAMES = ("harness", "tooling", "tests", "kosoku", "click", "json")
"""Modules that the folder of a user has: the harness must import none of them."""


def ran(*command: str | Path, cwd: Path) -> str:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)  # noqa: S603
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


ACTION: dict[str, Any] = yaml.safe_load((ROOT / "action.yml").read_text("utf-8"))
STEPS: dict[str, Any] = {step["name"]: step for step in ACTION["runs"]["steps"] if "run" in step}
EXPRESSION = re.compile(r"\$\{\{ inputs\.([a-z-]+) \}\}")
OFFLINE = {
    "PIP_NO_INDEX": "1",
    "PIP_NO_DEPS": "1",
    "PIP_NO_BUILD_ISOLATION": "0",  # pip reads it as the value of `build isolation`
    "PYTHONPATH": sysconfig.get_path("purelib"),
}
"""What the network would bring is beside the tests."""


def act(
    name: str, folder: Path, *, temporary: Path | None = None, env: dict[str, str] | None = None, **given: str
) -> subprocess.CompletedProcess[str]:
    """Run a step of the action in bash, as GitHub does, with these inputs and the defaults of the others."""
    values = {key: str(value["default"]) for key, value in ACTION["inputs"].items()}
    values.update({key.replace("_", "-"): value for key, value in given.items()})
    inputs = {
        variable: values[found[1]]
        for variable, text in STEPS[name]["env"].items()
        if (found := EXPRESSION.fullmatch(text))
    }
    places = {
        "GITHUB_ACTION_PATH": str(ROOT),
        "GITHUB_STEP_SUMMARY": str(folder / "step-summary"),
        "RUNNER_TEMP": str(temporary or folder),
    }
    return subprocess.run(  # noqa: S603
        ["bash", "--noprofile", "--norc", "-eo", "pipefail", "-c", STEPS[name]["run"]],  # noqa: S607
        cwd=folder,
        env={**os.environ, **places, **inputs, **(env or {})},
        capture_output=True,
        text=True,
        check=False,
    )


def only(folder: Path, pattern: str) -> Path:
    (found,) = folder.glob(pattern)
    return found


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The wheel that a source archive makes; the action makes one from the checkout."""
    folder = tmp_path_factory.mktemp("wheel")
    copy = folder / "copy"  # the archive is made beside the sources
    for name in ("harness", "tooling", "autobahn"):
        shutil.copytree(ROOT / name, copy / name, ignore=shutil.ignore_patterns("__pycache__", "reports"))
    (copy / "tests").mkdir()
    shutil.copy(ROOT / "tests" / "requirements.csv", copy / "tests")
    program = f"from setuptools.build_meta import build_sdist; build_sdist({str(folder)!r})"
    ran(sys.executable, "-c", program, cwd=copy / "harness")
    shutil.rmtree(copy)
    with tarfile.open(only(folder, "*.tar.gz")) as archive:
        archive.extractall(folder, filter="data")
    ran(*BUILD, "--wheel-dir", folder, only(folder, "wsproto_harness-*[0-9]"), cwd=folder)
    return only(folder, "*.whl")


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The command, as the action installs it: in an environment of its own, which has no library."""
    folder = tmp_path_factory.mktemp("installed")
    done = act("Install the harness", folder, env={**OFFLINE, "PYTHON": sys.executable})
    assert done.returncode == 0, done.stdout + done.stderr
    return folder / "wsproto-harness" / "bin" / "wsproto-harness"


@pytest.fixture
def users_folder(tmp_path: Path) -> Iterator[Path]:
    for name in NAMES:
        (tmp_path / name).mkdir()
        (tmp_path / name / "__init__.py").write_text("raise SystemExit('of the user')\n", "utf-8")
    yield tmp_path
    assert sorted(path.name for path in tmp_path.iterdir() if path.name != "report") == sorted(NAMES)


def harness(installed: Path, cwd: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603
        [installed, *arguments],
        cwd=cwd,
        env={**os.environ, **OFFLINE},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture(scope="module")
def echo() -> Iterator[EchoServer]:
    with serving() as server:
        yield server
        server.process.terminate()
        server.process.communicate()


def test_the_wheel_has_one_package_and_all_of_the_harness(wheel: Path) -> None:
    names = {Path(name) for name in ZipFile(wheel).namelist()}
    assert {name.parts[0] for name in names} == {"wsproto_harness", f"{wheel.name[:21]}.dist-info"}
    inside = {name.relative_to("wsproto_harness") for name in names if name.parts[0] == "wsproto_harness"}
    kept = {
        path.relative_to(ROOT)
        for folder in ("harness", "tooling")
        for path in (ROOT / folder).rglob("*.py")
        if path.name != "setup.py" and "wsproto_harness" not in path.parts
    }
    assert kept <= inside
    assert not [name for name in inside if name.suffix in {".pyc", ".sh"} or "fuzz" in name.parts[:1]]
    licence = only_text(wheel, "LICENSE")
    assert licence == (ROOT / "LICENSE").read_text("utf-8")


def only_text(wheel: Path, name: str) -> str:
    with ZipFile(wheel) as archive:
        (found,) = [path for path in archive.namelist() if path.endswith(f"/{name}")]
        return archive.read(found).decode()


def test_it_has_the_version_of_the_library(wheel: Path) -> None:
    assert f'__version__ = "{wheel.name.split("-")[1]}"' in (ROOT / "src/wsproto/_version.py").read_text()


def test_it_lists_the_cases(installed: Path, users_folder: Path) -> None:
    shown = harness(installed, users_folder, "list", "6.4.1", "X.9.3")
    assert (shown.returncode, shown.stderr) == (0, "")
    assert [line.split()[0] for line in shown.stdout.splitlines()] == ["6.4.1", "X.9.3"]


@pytest.mark.parametrize(
    ("arguments", "code", "missing"),
    [
        (["run", "--cases", "1.1.1"], 2, "wsproto is not installed: python -m pip install wsproto"),
        (["serve"], 2, "the library cannot be imported"),
        (["plant"], 3, "only a checkout of the repository has them"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_what_a_command_lacks_is_one_line(
    installed: Path, users_folder: Path, arguments: list[str], code: int, missing: str
) -> None:
    done = harness(installed, users_folder, *arguments)
    assert (done.returncode, done.stdout) == (code, "")
    assert missing in done.stderr
    assert done.stderr.count("\n") == 1


def test_the_action_hands_every_input_over_in_a_variable() -> None:
    used = {
        name
        for step in ACTION["runs"]["steps"]
        for name in re.findall(r"inputs\.([a-z-]+)", str({**step, "run": ""}))
    }
    assert used == set(ACTION["inputs"])
    for step in STEPS.values():
        assert "${{" not in step["run"]
    assert all(EXPRESSION.fullmatch(text) for text in STEPS["Test"]["env"].values())


def test_the_example_workflow_gives_the_action_inputs_that_it_has() -> None:
    workflow = yaml.safe_load((ROOT / "examples/workflows/websocket-conformance.yml").read_text("utf-8"))
    steps = workflow["jobs"]["conformance"]["steps"]
    (given,) = [step["with"] for step in steps if step.get("uses") == "python-hyper/wsproto@main"]
    (upload,) = [step["with"] for step in steps if "upload" in step.get("uses", "")]
    assert given.keys() <= ACTION["inputs"].keys()
    assert upload["path"] == ACTION["inputs"]["report"]["default"]


def in_action(installed: Path, folder: Path, **given: str) -> subprocess.CompletedProcess[str]:
    return act("Test", folder, temporary=installed.parents[2], env=OFFLINE, **given)


def test_the_action_tests_a_server(installed: Path, users_folder: Path, echo: EchoServer) -> None:
    url = f"ws://127.0.0.1:{echo.address[1]}"
    cases, exclude = "1.1.1 1.2.*\n X.3.1", "1.2.[3-9]"
    done = in_action(installed, users_folder, url=url, cases=cases, exclude=exclude, report="report")
    assert (done.returncode, done.stderr) == (0, "")
    assert "server: 3 cases of Autobahn and 1 extra one in" in done.stdout
    assert "extra one, none breaks a MUST\n" in (users_folder / "step-summary").read_text("utf-8")
    (users_folder / "step-summary").unlink()
    again = harness(installed, users_folder, "report", "report")
    assert (again.returncode, again.stderr) == (0, "")
    assert "report: report/index.html" in again.stdout
    assert '"commit": ""' in (users_folder / "report" / "results.json").read_text("utf-8")


def test_the_action_fails_where_a_rule_is_broken(installed: Path, tmp_path: Path, echo: EchoServer) -> None:
    url = f"ws://127.0.0.1:{echo.address[1]}"
    options = f"--header=X-A: b c\n--max-failures=1\n--max-message-size={2**20}"
    done = in_action(installed, tmp_path, url=url, cases="X.9.3", options=options)
    assert (done.returncode, done.stderr) == (1, "")
    assert "**1 breaks a MUST**" in (tmp_path / "step-summary").read_text("utf-8")
    assert (tmp_path / "websocket-report" / "junit.xml").is_file()


def test_the_action_tests_a_client(installed: Path, tmp_path: Path) -> None:
    client = f"cd '{ROOT}' && '{sys.executable}' -m harness.testee drive {{url}} --agent 'a b'"
    done = in_action(
        installed, tmp_path, role="client", command=client, cases="1.1.1", without="limits handshakes"
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert "none breaks a MUST" in (tmp_path / "step-summary").read_text("utf-8")


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"url": "ws://127.0.0.1:1/$(touch made)`touch made`; touch made"}, "error: "),
        ({"url": "--version", "cases": "$(touch made) '; touch made"}, "error: "),
        ({"role": "both"}, "error: role: 'both' is neither server nor client"),
        ({"role": "client"}, "error: role client: command is empty"),
        (
            {"role": "client", "command": "touch made", "profile": "no"},
            "error: Invalid value for '--profile'",
        ),
    ],
    ids=str,
)
def test_the_action_refuses_and_runs_nothing_of_it(
    installed: Path, tmp_path: Path, given: dict[str, str], says: str
) -> None:
    done = in_action(installed, tmp_path, **given)
    assert done.returncode == 2
    assert done.stderr.startswith(says)
    assert list(tmp_path.iterdir()) == []
