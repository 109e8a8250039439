"""What libFuzzer prints, read from real output: recorded with atheris 3.0.0, some lines left out."""

from __future__ import annotations

from pathlib import Path

import pytest

from fuzz.libfuzzer import Monitor, executed

RECORDED = Path(__file__).parent / "recorded"


def lines(name: str) -> list[str]:
    return (RECORDED / f"{name}.txt").read_text(encoding="utf-8").splitlines()


def monitor_of(name: str) -> Monitor:
    monitor = Monitor()
    for line in lines(name):
        monitor.feed(line)
    return monitor


def test_a_run_without_a_crash() -> None:
    monitor = monitor_of("clean")
    assert (monitor.executions, monitor.edges, monitor.corpus) == (51580, 287, 71)
    assert monitor.fuzzing
    assert monitor.artifacts == []


def test_figures_grow_line_by_line() -> None:
    monitor = Monitor()
    figures: list[tuple[int, int, int]] = []
    for line in lines("clean"):
        monitor.feed(line)
        if line.startswith("#") and len(figures) < 4:
            figures.append((monitor.executions, monitor.edges, monitor.corpus))
    assert figures == [(2, 81, 1), (4, 93, 2), (5, 96, 3), (8, 99, 4)]


@pytest.mark.parametrize(
    ("name", "artifact"),
    [
        ("crash", "crash-06d945942aa26a61be18c3e22bf19bbca8dd2b5d"),
        ("segv", "crash-06d945942aa26a61be18c3e22bf19bbca8dd2b5d"),
        ("timeout", "timeout-06d945942aa26a61be18c3e22bf19bbca8dd2b5d"),
        ("oom", "oom-06d945942aa26a61be18c3e22bf19bbca8dd2b5d"),
    ],
)
def test_what_it_wrote_down_is_known(name: str, artifact: str) -> None:
    monitor = monitor_of(name)
    assert monitor.artifacts == [Path("artifacts") / artifact]
    assert monitor.executions == 2
    assert not monitor.fuzzing


def test_an_artifact_that_the_disk_did_not_take_whole_is_read_from_the_output(tmp_path: Path) -> None:
    monitor = monitor_of("crash")
    artifact = tmp_path / monitor.artifacts[0].name
    assert monitor.content_of(artifact) == b"AB"
    artifact.write_bytes(b"A")
    assert monitor.content_of(artifact) == b"AB"
    monitor.printed.clear()
    assert monitor.content_of(artifact) is None
    artifact.write_bytes(b"AB")
    assert monitor.content_of(artifact) == b"AB"
    monitor.feed("The input in Base64: QUJD")  # a target of this package says that
    assert monitor.content_of(tmp_path / "crash-3c01bdbb26f358bab27f267924aa2c9a03fcfdb8") == b"ABC"


def test_a_death_without_a_word() -> None:
    monitor = monitor_of("died")
    assert monitor.artifacts == []
    assert not monitor.fuzzing
    assert monitor.last_words == ""


def test_the_last_words_are_what_it_said_itself() -> None:
    monitor = monitor_of("died")
    monitor.feed("ModuleNotFoundError: No module named 'nothing'")
    monitor.feed("")
    assert monitor.last_words == "ModuleNotFoundError: No module named 'nothing'"


def test_lots_of_the_empty_input_are_counted() -> None:
    assert sum(map(executed, lines("empty_input"))) == 4
    assert not any(map(executed, lines("clean")))
