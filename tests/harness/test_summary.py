"""The end of a run, as the terminal shows it."""

from __future__ import annotations

from rich.console import Console

from harness.judge import Difference
from harness.setups import Setup
from harness.summary import print_differences


def test_cases_that_differ_alike_are_named_by_setup_and_of_many_the_first() -> None:
    setups = [Setup("server"), Setup("client", "limits")]
    differences = {
        setup: [Difference(setup, f"1.1.{number}", "missing", None, None) for number in range(1, 15)]
        for setup in setups
    }
    console = Console(width=300)
    with console.capture() as shown:
        print_differences(console, differences, {setup: {} for setup in setups})
    (line,) = [line for line in shown.get().splitlines() if line.startswith("  so are")]
    assert line == (
        "  so are   server 1.1.2, 1.1.3, 1.1.4, 1.1.5, 1.1.6, 1.1.7, 1.1.8, 1.1.9 and 5 more; "
        "client/limits 1.1.1, 1.1.2, 1.1.3, 1.1.4, 1.1.5, 1.1.6, 1.1.7, 1.1.8 and 6 more"
    )
