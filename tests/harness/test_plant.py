"""Planted faults under the suite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from fuzz.planted.catalogue import FAULTS
from harness.cli import main
from harness.plant import Sight, markdown_of
from harness.unseen import UNSEEN

if TYPE_CHECKING:
    import pytest


def test_what_cannot_be_seen_is_a_fault_of_the_catalogue_and_says_why() -> None:
    assert UNSEEN.keys() <= {fault.name for fault in FAULTS}
    assert all(len(why) > 40 for why in UNSEEN.values())


def test_a_fault_is_as_it_should_be_where_it_is_seen_or_cannot_be() -> None:
    hidden = next(fault for fault in FAULTS if fault.name in UNSEEN)
    shown = next(fault for fault in FAULTS if fault.name not in UNSEEN)
    judged = {
        (fault and fault.name, by): Sight(fault, by, 1.0).as_it_should_be
        for fault in (None, hidden, shown)
        for by in ("", "server 1.1.1")
    }
    assert judged == {
        (None, ""): True,
        (None, "server 1.1.1"): False,
        (hidden.name, ""): True,
        (hidden.name, "server 1.1.1"): False,
        (shown.name, ""): False,
        (shown.name, "server 1.1.1"): True,
    }


def test_the_table_names_the_case_or_the_reason() -> None:
    hidden = next(fault for fault in FAULTS if fault.name in UNSEEN)
    shown = next(fault for fault in FAULTS if fault.name not in UNSEEN)
    sights = [
        Sight(hidden, "", 1.0),
        Sight(shown, "server/limits 1.1.1", 1.0),
        Sight(shown, "", 1.0),
    ]
    table = markdown_of(sights)
    assert (
        "Of 3 faults 1 are seen by a case. 1 cannot be seen on the wire: the table says why. 1\nare" in table
    )
    assert f"| cannot be seen: {UNSEEN[hidden.name]} |" in table
    assert "| not seen yet |" in table
    assert "| server/limits 1.1.1, Send text message with payload 0. |" in table


def test_a_name_of_no_fault_is_one_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plant", "no such fault"]) == 2
    assert capsys.readouterr().err.startswith("error: 'no such fault' is in the name of no fault")
