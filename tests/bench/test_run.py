"""A real run, small: this library against a copy of itself, in worker processes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, cast

import pytest

from bench import importing, instructions, scaling
from bench.drivers import wsproto as driver
from bench.peers import OURS, ROOT, SOURCE, Peer
from bench.processes import Worker
from bench.progress import Progress
from bench.results import Curve, noise
from bench.worker import Worker as Inside
from bench.worker import WrongOutputError
from bench.workloads import WORKLOADS
from tests.bench.conftest import this_python
from tooling.errors import BadResultError, CommandError, ExitCode

if TYPE_CHECKING:
    from bench.drivers.interface import Driver
    from bench.messages import Message
    from bench.results import Results
    from bench.workloads import Material

PYTHON = Path(sys.executable)


def test_a_run_measures_every_row_that_was_asked_for(results: Results) -> None:
    assert [row.label for row in results.rows] == [
        "receive text 32 B, one per call / server",
        "receive text 32 B, one per call / client",
        "close answered / server",
        "close answered / client",
        "close begun / server",
        "close begun / client",
        "handshake pair",
        "import",
    ]
    assert all(row.ours.low > 0 for row in results.rows)
    assert all(row.ours.low <= row.ours.value <= row.ours.high for row in results.rows)


def test_a_copy_of_this_library_costs_about_the_same(results: Results) -> None:
    """Loosely: a machine may be busy."""
    assert results.peers["copy"] == results.peers["ours"]
    found = noise(results.rows)
    assert len(found) == len(results.rows)
    assert 0.3 < found[len(found) // 2] < 3


def test_what_is_left_out_is_said(results: Results) -> None:
    assert results.notes == ["a quick run counts no instructions"]


def test_the_import_is_listed_with_who_wanted_it(results: Results) -> None:
    found = {module.name: module.importer for module in results.imports}
    assert found["wsproto"] == ""
    assert found["wsproto.events"].startswith("wsproto")
    assert found["hashlib"] == "wsproto.utilities"
    assert "h11" not in found  # few handshakes need it
    assert "sys" not in found


@pytest.mark.parametrize("workload", WORKLOADS, ids=lambda workload: workload.name)
def test_this_library_does_every_workload_right(workload: object) -> None:
    inside = Inside(cast("Driver", driver))
    assert isinstance(workload, type(WORKLOADS[0]))
    for role in workload.roles:
        inside.check(workload.name, role)


class Forgetful(driver.Endpoint):
    """An implementation that loses the last message."""

    def received(self, material: Material) -> list[Message]:
        return super().received(material)[:-1]

    def sent(self, material: Material) -> bytes:
        return super().sent(material).replace(b"\x82", b"\x81")


def test_wrong_output_is_noticed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(driver, "Endpoint", Forgetful)
    inside = Inside(cast("Driver", driver))
    with pytest.raises(WrongOutputError, match="199 messages where there were 200"):
        inside.check("receive text 32 B, one per call", "server")
    with pytest.raises(WrongOutputError, match="message 0 is 0x1 with 1024 bytes"):
        inside.check("send binary 1 KiB", "server")


def test_wrong_output_of_a_peer_is_exit_1_with_its_name() -> None:
    with Worker(OURS, PYTHON, SOURCE) as worker, pytest.raises(BadResultError) as caught:
        worker.ask("check", name="no such workload", role="server")
    assert str(caught.value) == "ours: no such workload / server: KeyError: 'no such workload'"
    assert caught.value.exit_code == ExitCode.BAD


def test_a_library_from_elsewhere_is_refused(tmp_path: Path) -> None:
    with Worker(OURS, PYTHON, SOURCE) as worker, pytest.raises(CommandError, match="was imported from"):
        worker.check_identity(tmp_path)


def test_another_version_is_refused() -> None:
    peer = Peer("wsproto", "wsproto", ("wsproto",), (), "1.3.2")
    with (
        Worker(peer, PYTHON, SOURCE) as worker,
        pytest.raises(CommandError, match=r"imported in version 1\.4"),
    ):
        worker.check_identity(SOURCE)


def test_a_worker_that_dies_is_one_line(tmp_path: Path) -> None:
    peer = Peer("nobody", "nobody", (), ())
    with (
        Worker(peer, PYTHON, tmp_path) as worker,
        pytest.raises(CommandError, match=r"No module named 'bench\.drivers\.nobody'"),
    ):
        worker.ask("identity")


def test_memory_is_weighed() -> None:
    with Worker(OURS, PYTHON, SOURCE) as worker:
        plain = worker.ask("idle", role="client", deflate=False, count=200, traced=True)
        resident = worker.ask("idle", role="client", deflate=False, count=2000, traced=False)
        peak = worker.ask("peak", name="peak, 64 MiB in one call", role="client")
    assert 300 < plain < 20_000
    assert plain / 2 < resident < plain * 3
    assert 1 <= peak < 1.05  # one copy


def test_a_missing_module_names_the_peer() -> None:
    peer = Peer("nobody", "nobody", ("no_such_module",), ())
    with pytest.raises(CommandError, match="cannot import nobody: ModuleNotFoundError"):
        importing.loaded(peer, PYTHON, [])


@pytest.mark.skipif(not instructions.available(), reason="needs valgrind, which `python -m bench` names too")
def test_the_instructions_of_a_pass_are_those_of_its_work() -> None:
    order = {"do": "passes_of", "action": "receive", "role": "client", "size": 1}
    assert 10**3 < instructions.of_a_pass(OURS, PYTHON, SOURCE, order, 100) < 10**5


def test_an_exponent_is_that_of_the_power_law() -> None:
    points = [(size, 5.0 + 3e-3 * size**1.1) for size in (1, 10, 10**6, 10**7, 10**8)]
    assert scaling.exponent(points, 10**6) == pytest.approx(1.1, abs=1e-3)
    with pytest.raises(ValueError, match="2 points from 10000000 on: 3 are needed"):
        scaling.exponent(points, 10**7)


def test_only_a_curve_with_a_limit_can_be_too_steep() -> None:
    points = [(1, 1.0), (10, 12.0), (100, 144.0)]
    free, bounded, good = (scaling.curve("c", points, 1, limit) for limit in (None, 1.05, 1.1))
    assert scaling.steep({"size": [free, bounded, good]}) == [bounded]
    assert isinstance(free, Curve)


def test_the_curves_of_a_short_range_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scaling, "SIZES", (1, 2**20, 2**21, 2**22))
    monkeypatch.setattr(scaling, "READS", (16, 64, 128, 256))
    monkeypatch.setattr(scaling, "TOTAL", 2**16)
    monkeypatch.setattr(scaling, "BY_READS", tuple(line._replace(fitted_from=1) for line in scaling.BY_READS))
    monkeypatch.setattr(instructions, "available", lambda: False)
    curves = scaling.measure(Progress(), quick=True, find_python=this_python)
    assert set(curves) == {"size", "reads"}
    assert [curve.label for curve in curves["size"]].count(scaling.COPY) == len(scaling.UNMASKED)
    assert [len(curve.points) for curve in curves["reads"]] == [3, 3]
    assert all(cost > 0 for found in curves.values() for curve in found for _, cost in curve.points)


def children_of(process: int) -> list[int]:
    found = Path(f"/proc/{process}/task/{process}/children").read_text(encoding="ascii")
    return [int(number) for number in found.split()]


@pytest.mark.skipif(not Path("/proc/self/task").exists(), reason="needs Linux's /proc")
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_no_worker_outlives_the_benchmark(number: signal.Signals) -> None:
    program = (
        "import signal, time\n"
        "signal.signal(signal.SIGTERM, signal.default_int_handler)\n"
        "from bench.processes import Worker\n"
        "from bench.peers import OURS, SOURCE\n"
        f"with Worker(OURS, {str(PYTHON)!r}, SOURCE) as worker:\n"
        "    worker.ask('identity')\n"
        "    print('ready', flush=True)\n"
        "    time.sleep(60)\n"
    )
    with subprocess.Popen(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", program], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, cwd=ROOT
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == b"ready\n"
        workers = children_of(process.pid)
        assert len(workers) == 1
        process.send_signal(number)
        process.wait(10)
    until = time.monotonic() + 10
    while Path(f"/proc/{workers[0]}").exists() and time.monotonic() < until:
        time.sleep(0.01)
    with pytest.raises(ProcessLookupError):
        os.kill(workers[0], 0)
