"""The words of a verdict on all cases, by a baseline or by the rules of the RFCs alone; and of commands."""

from __future__ import annotations

import shlex
import sys
from typing import TYPE_CHECKING

from tooling.tree import IS_CHECKOUT

if TYPE_CHECKING:
    from harness.results import Results

RULES: dict[str, str] = {"must": "a MUST", "should": "a MUST or a SHOULD"}

PROGRAM = ("python", "-m", "harness") if IS_CHECKOUT else ("wsproto-harness",)
HARNESS = shlex.join(PROGRAM)
"""The command, as a user types it."""
TEST = f"{HARNESS} test"
FUZZSERVER = f"{HARNESS} fuzzserver"
RUN = f"{HARNESS} run"


def this_command() -> str:
    """Return the command line that is running."""
    return shlex.join([*PROGRAM, *sys.argv[1:]])


def judged(differing: int, judged_by: str = "baseline") -> str:
    """Return `as expected`, `3 not as expected`, `3 break a MUST`, or `none breaks a MUST`."""
    if rule := RULES.get(judged_by):
        return f"{differing} break{'s' * (differing == 1)} {rule}" if differing else f"none breaks {rule}"
    return f"{differing} not as expected" if differing else "as expected"


def verdict_on(differing: int, judged_by: str) -> str:
    """Return the same as a title."""
    if rule := RULES.get(judged_by):
        cases = f"{differing} case{'s break' if differing != 1 else ' breaks'}"
        return f"{cases if differing else 'No case breaks'} {rule}"
    return f"{differing} verdict{'s' * (differing != 1)} not as expected" if differing else "All as expected"


def lead_on(ran: str, differing: int, accepted: int, judged_by: str) -> str:
    """Say below the title which cases have run, and what stands first."""
    if rule := RULES.get(judged_by):
        said = f"{ran} have run." + (f" What breaks {rule} stands first." if differing else "")
        return said + (" What is not strict follows." if accepted else "")
    if differing:
        return f"{ran} have run. What differs from the baseline stands first."
    said = f"{ran}: every verdict is the one in the baseline."
    return said + (
        " The baseline accepts that a rule of an RFC is broken; why stands below." if accepted else ""
    )


def accepted_on(accepted: int, judged_by: str) -> str:
    """Say how many cases break a rule, and are no difference."""
    if judged_by in RULES:
        return f"{accepted} {'is' if accepted == 1 else 'are'} not strict"
    return f"{accepted} accepted violation{'s' * (accepted != 1)}"


def title_of_causes(judged_by: str) -> str:
    """Return the title of what differs."""
    return f"What breaks {RULES[judged_by]}" if judged_by in RULES else "What differs"


def title_of_accepted(judged_by: str) -> str:
    """Return the title of what breaks a rule, and is no difference."""
    if judged_by in RULES:
        return "What is not strict: it breaks a SHOULD, or does in an unusual way what an RFC leaves open"
    return "Accepted violations"


def peer_of(results: Results) -> str:
    """Return what the tested side is called: `library`, or of another endpoint its role."""
    roles = {found["role"] for found in results["setups"].values()}
    return "library" if not results["endpoint"] else roles.pop() if len(roles) == 1 else "endpoint"


def repeat_all_of(results: Results) -> str:
    """Return the command that repeats all that differ."""
    for found in results["setups"].values():
        for difference in found["differences"]:
            if difference["repeat"].startswith((TEST, FUZZSERVER)):
                return f"{difference['repeat'].rpartition(' --cases ')[0]} --failed"
    return f"{RUN} --failed"
