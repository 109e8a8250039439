"""The goals: each means some row, and each row has one."""

from __future__ import annotations

from fnmatch import fnmatchcase

import pytest

from bench.goals import COMPILED, GOALS, Goal, goals_of
from bench.peers import PEERS
from bench.ratios import Estimate
from bench.results import Row, exact
from bench.selection import everything, labels

LABELS = labels(everything())


def test_labels_are_distinct() -> None:
    assert len(set(LABELS)) == len(LABELS)


@pytest.mark.parametrize("goal", [*GOALS, *COMPILED], ids=lambda goal: goal.pattern)
def test_a_goal_means_a_row_and_a_peer(goal: Goal) -> None:
    assert [label for label in LABELS if fnmatchcase(label, goal.pattern)]
    assert goal.peer in {"", *(peer.name for peer in PEERS)}
    assert goal.limit > 0


@pytest.mark.parametrize("compiled", [False, True])
@pytest.mark.parametrize("label", LABELS)
def test_nothing_may_be_slower_than_the_published_package(label: str, compiled: bool) -> None:
    limits = [goal.limit for goal in goals_of(label, compiled=compiled) if goal.peer == "wsproto"]
    assert len(limits) == 1
    assert limits[0] <= 1


@pytest.mark.parametrize(
    ("label", "expected"),
    [
        ("receive text 32 B, 64 KiB reads / server", {("websockets", 0.45), ("wsproto", 0.13)}),
        ("receive text 32 B, 64 KiB reads / client", {("websockets", 0.32), ("wsproto", 1.0)}),
        ("receive 1 MiB, 1460 B reads / server", {("wsproto", 0.5)}),
        ("receive 1 MiB, 1460 B reads / client", {("websockets", 1.0), ("wsproto", 1.0)}),
        ("receive binary 8 KiB, byte by byte / client", {("wsproto", 0.15)}),
        ("idle connection, unused deflate / server", {("", 2500), ("wsproto", 1.0)}),
        ("peak, 64 MiB in one call / client", {("", 1.05), ("wsproto", 1.0)}),
        ("handshake pair, deflate", {("wsproto", 0.8)}),
        ("pong received / server", {("wsproto", 1.0)}),
    ],
)
def test_the_goals_of_a_row(label: str, expected: set[tuple[str, float]]) -> None:
    assert {(goal.peer, goal.limit) for goal in goals_of(label)} == expected


def test_a_verdict_says_what_was_missed_and_whether_that_is_sure() -> None:
    ratios = {"websockets": Estimate(0.5, 0.4, 0.6), "wsproto": Estimate(0.1, 0.09, 0.11)}
    row = Row("receive text 32 B, 64 KiB reads / server", "µs", exact(1), ratios)
    verdicts = {verdict.peer: (verdict.met, verdict.sure) for verdict in row.verdicts()}
    assert verdicts == {"websockets": (False, False), "wsproto": (True, True)}


def test_a_peer_that_was_left_out_is_not_judged() -> None:
    assert Row("import", "ms", exact(1), {}).verdicts() == []


def test_a_bound_in_bytes_is_on_our_own_value() -> None:
    (verdict,) = Row("idle connection / client", "bytes", exact(2501), {}).verdicts()
    assert not verdict.met
