"""Real measurements of this library's server, as short as they can be."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

import pytest

from bench.end_to_end import cli
from bench.end_to_end.load import Scenario, connected
from bench.end_to_end.measure import Effort, measure
from bench.end_to_end.peers import LIBRARY, PEERS, Peer
from bench.end_to_end.server_process import serving
from wsproto import __version__

if TYPE_CHECKING:
    from pathlib import Path

EFFORT = Effort(rounds=2, seconds=0.05, warm_up=0.02, least_cpu=0.02)
SCENARIOS = (Scenario(size=32, connections=2, in_flight=4), Scenario(size=2**16, connections=1, in_flight=2))


def test_this_library_is_measured_and_written_down(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "QUICK", EFFORT)
    files = ["--json", str(tmp_path / "a.json"), "--html", str(tmp_path / "a.html"), "--docs", str(tmp_path)]
    assert cli.main(["--quick", "--only", "wsproto", *files]) == 0
    out, errors = capsys.readouterr()
    assert re.search(r"^64 KiB, 64 connections, 4 in flight +$", out, flags=re.MULTILINE)
    assert "32 bytes, 1 connection, 16 in flight: round 2 of 2\n" in errors

    content = json.loads((tmp_path / "a.json").read_text())
    assert content["format"] == 1
    assert len(content["scenarios"]) == 6
    for scenario in content["scenarios"]:
        server = scenario["servers"]["wsproto"]
        assert server["releases"].startswith(f"wsproto {__version__}, ")
        assert server["cpuRatio"] is None
        assert len(server["samples"]) == EFFORT.rounds
        assert min(sample["messages"] for sample in server["samples"]) > 0
        assert server["messagesPerSecond"]["lowest"] <= server["messagesPerSecond"]["median"]

    page = (tmp_path / "a.html").read_text()
    assert "<svg" in page
    assert not re.findall(r"<(?:script|link|img)\b|url\(http", page), "a page that needs no other file"
    document = (tmp_path / "end-to-end.md").read_text()
    assert "](end-to-end.svg)" in document
    assert "| this library |" in document
    assert (tmp_path / "end-to-end.svg").read_text().startswith("<?xml")
    assert {path.name for path in tmp_path.iterdir()} == {
        "a.json",
        "a.html",
        "end-to-end.md",
        "end-to-end.svg",
    }


def test_the_ratio_of_a_server_to_its_own_copy_is_near_one() -> None:
    results = measure([LIBRARY, PEERS["wsproto-again"]], EFFORT, SCENARIOS[:1])
    ratio = results.ratio(results.measured[1])
    assert ratio is not None
    assert 0.1 < ratio.median < 10
    assert results.ratio(results.measured[0]) is None


@pytest.mark.parametrize("peer", [LIBRARY, PEERS["asyncio"]], ids=lambda peer: peer.name)
@pytest.mark.parametrize("scenario", SCENARIOS, ids=str)
def test_all_that_was_sent_has_come_back(scenario: Scenario, peer: Peer) -> None:
    with serving(peer) as server, connected(server, scenario) as load:
        before = server.cpu_time()
        load.run(0.2)
        assert load.echoed > scenario.connections * scenario.in_flight
        while server.cpu_time() == before:  # the system counts in hundredths of a second
            load.run(0.2)
        assert server.cpu_time() > before
        load.close()
