"""With a real Docker engine: `make engines`. Without one these tests fail; `make test` leaves them out."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from harness.cli import main
from harness.extra import EXTRA
from harness.roles import ROLES
from tests.harness.processes import all_end, descendants_of
from tests.harness.serving import TIMEOUT, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = [pytest.mark.engines, pytest.mark.timeout(600)]

TREE = Path(__file__).resolve().parents[2]
WSTEST = os.environ.get("WSTEST", "wstest")
PROJECT = f"wsproto-copy-{os.getpid()}"
FAST = {**os.environ, "PROFILE": "fast"}


def docker(*arguments: str) -> str:
    return subprocess.run(  # noqa: S603
        ["docker", *arguments],  # noqa: S607
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    ).stdout


def containers() -> set[str]:
    return set(docker("ps", "--all", "--quiet", "--filter", "label=wsproto-harness").split())


def all_are_removed(known: set[str]) -> bool:
    until = time.monotonic() + TIMEOUT
    while containers() - known and time.monotonic() < until:
        time.sleep(0.1)
    return not containers() - known


def test_engines_agree_on_the_fast_profile(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    engines = ["--engine", "kosoku", "--engine", "docker"]
    if shutil.which(WSTEST):
        engines += ["--engine", "wstest", "--wstest", WSTEST]
    exit_code = main(["agree", "--profile", "fast", "--report", str(tmp_path), *engines])
    last = capsys.readouterr().out.splitlines()[-1]
    counts = [
        f"247 cases of Autobahn and {sum(role in case.roles for case in EXTRA.values())} extra ones as {role}"
        for role in ROLES
    ]
    assert last.endswith(f" agree: {', '.join(counts)}")
    assert exit_code == 0
    with capsys.disabled():
        print(f"\n{last}{'' if shutil.which(WSTEST) else f' (no program {WSTEST} to ask)'}")  # noqa: T201


@contextmanager
def running(folder: Path, *options: str) -> Iterator[subprocess.Popen[str]]:
    """Start a run that takes some seconds, and wait until it is at its cases in both roles."""
    command = [sys.executable, "-m", "harness", "run", "--engine", "docker", "--report", str(folder)]
    with subprocess.Popen(  # noqa: S603
        [*command, *options, "--variant", "default", "--cases", "6.4"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    ) as process:
        try:
            assert process.stdout is not None
            begun: set[str] = set()
            while begun != {"server", "client"}:
                line = process.stdout.readline()
                assert line, process.communicate()[1]
                begun |= {role for role in ("server", "client") if f"{role}: case 6.4.1" in line}
            yield process
        finally:
            process.kill()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_a_signal_to_the_harness_leaves_no_container(tmp_path: Path, number: signal.Signals) -> None:
    known = containers()
    with running(tmp_path) as process:
        left = descendants_of(process.pid)
        assert len(containers() - known) == 2
        process.send_signal(number)
        _, errors = process.communicate(timeout=TIMEOUT)
        if number != signal.SIGKILL:
            assert not containers() - known
            assert errors == f"error: interrupted by {number.name}, all children have ended\n"
    assert all_end(set(left))
    assert all_are_removed(known)


def test_a_killed_worker_leaves_no_container(tmp_path: Path) -> None:
    known = containers()
    with running(tmp_path) as process:
        left = descendants_of(process.pid)
        os.kill(next(pid for pid, line in left.items() if "docker_worker" in line), signal.SIGKILL)
        _, errors = process.communicate(timeout=TIMEOUT)
    assert (process.returncode, errors) == (2, "error: wstest in Docker was killed by SIGKILL\n")
    assert all_end(set(left))
    assert all_are_removed(known)


def test_a_killed_container_is_one_line(tmp_path: Path) -> None:
    known = containers()
    with running(tmp_path) as process:
        docker("kill", (containers() - known).pop())
        _, errors = process.communicate(timeout=TIMEOUT)
    assert process.returncode == 2
    assert "wstest was killed" in errors
    assert errors.count("\n") == 1
    assert all_are_removed(known)


def test_a_suite_that_stands_still_costs_the_case_and_not_the_run(tmp_path: Path) -> None:
    known = containers()
    with running(tmp_path, "--time-limit", "10") as process:
        for container in containers() - known:
            docker("pause", container)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (1, "")
    for role in ROLES:
        assert f"{role} 6.4.1: regression" in output
    assert "the case did not end within 10 s (--time-limit)" in " ".join(output.split())
    assert all_are_removed(known)


@pytest.fixture
def copy(tmp_path: Path) -> Iterator[Path]:
    """Copy what docker-compose.yml needs, and clear away what it made."""
    for name in ("docker-compose.yml", ".dockerignore", "pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(TREE / name, tmp_path)
    for name in ("src", "tooling", "harness", "autobahn"):
        shutil.copytree(TREE / name, tmp_path / name, ignore=shutil.ignore_patterns("reports", "__pycache__"))
    (tmp_path / "tests").mkdir()
    shutil.copy(TREE / "tests" / "requirements.csv", tmp_path / "tests")
    yield tmp_path
    compose(tmp_path, "down", "--volumes")
    docker("image", "rm", *(f"{PROJECT}-{service}" for service in ("report", "server", "client")))


def compose_command(*arguments: str) -> list[str]:
    return ["docker", "compose", "--project-name", PROJECT, *arguments]


def compose(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    command = compose_command(*arguments)
    return subprocess.run(command, cwd=folder, env=FAST, capture_output=True, text=True, check=False)  # noqa: S603


def test_compose_fails_and_names_the_cases_where_one_echo_is_broken(copy: Path) -> None:
    echo = copy / "harness" / "testee" / "echo.py"
    sound = "        before = self._send_rest()\n"
    broken = "        if len(message.data) == 126:\n            message = type(message)(message.data[:-1])\n"
    assert echo.read_text().count(sound) == 1
    echo.write_text(echo.read_text().replace(sound, broken + sound))
    found = compose(copy, "up", "--exit-code-from", "report")
    assert found.returncode == 1, found.stdout + found.stderr
    for words in ("server 1.1.3: regression", "so are   client 1.2.3", "client: 247 cases in"):
        assert words in found.stdout, found.stdout[-4000:]
    assert "server: 247 cases in" in found.stdout


def test_compose_takes_no_reports_of_an_earlier_run(copy: Path) -> None:
    stale = copy / "autobahn" / "reports" / "server"
    stale.mkdir(parents=True)
    (stale / "index.json").write_text("{}")
    (copy / "autobahn" / "specs" / "fast" / "fuzzingclient.json").write_text("{")  # wstest cannot start
    found = compose(copy, "up", "--exit-code-from", "report")
    assert found.returncode == 2, found.stdout + found.stderr
    assert "there is no /autobahn/reports/server/index.json" in found.stdout + found.stderr


def test_compose_fails_where_a_container_is_killed(copy: Path) -> None:
    command = compose_command("up", "--exit-code-from", "report")
    with subprocess.Popen(command, cwd=copy, env=FAST, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout is not None
        next(line for line in process.stdout if "Running test case" in line)
        compose(copy, "kill", "server")
        process.communicate(timeout=60)
    assert process.returncode not in {0, 1}


def test_the_image_tests_a_server_of_this_machine_for_any_user(tmp_path: Path) -> None:
    image = f"{PROJECT}-harness"
    docker("build", "--quiet", "--file", str(TREE / "autobahn/Dockerfile"), "--tag", image, str(TREE))
    report = tmp_path / "report"
    report.mkdir()
    run = ["run", "--rm", "--network", "host", "--user", f"{os.getuid()}", "--volume"]
    try:
        with serving() as server:
            url = f"ws://127.0.0.1:{server.address[1]}"
            said = docker(*run, f"{report}:/wsproto/report", image, "test", url, "--cases", "1.1.1", "X.3.1")
    finally:
        docker("image", "rm", image)
    assert "server: 1 case of Autobahn and 1 extra one in" in said
    assert (report / "index.html").stat().st_uid == os.getuid()
