"""The duty of a peer in a flood: to take it, or to refuse it, within bounds of memory and time."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.extra.expectations import Echoes

if TYPE_CHECKING:
    from harness.extra.expectations import Finding
    from harness.extra.seen import Seen

MAX_FLOOD = 16 * 2**20
"""Bytes by which it may grow in a flood that it takes."""

TIMES = 10
"""How many fragments the second message of a `Linear` case has for each of the first."""

LONGER = 40
"""How many times as long it may take; work that grows with the square takes 100 times as long."""

AT_LEAST = 2.0
"""Seconds that it may take in any case: a machine with other work may stop for so long, and to copy what has
come with each further fragment takes longer."""


class Flooded(Echoes):
    """The messages come back, and meanwhile the peer's memory does not grow with what it is sent."""

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Want the messages; a peer may also refuse the flood, where `unmet` says so, but not change it."""
        expected = set(self.events())
        changed = any(message not in expected for message in seen.messages)
        found = super().judge(seen, "FAILED" if changed else unmet)
        if found[0] == "OK" and seen.growth is not None and seen.growth > MAX_FLOOD:
            return "NON-STRICT", (
                f"The peer's memory grew by {seen.growth // 2**20} MiB. NON-STRICT and no failure: RFC 6455 "
                f"10.4 names no number; {MAX_FLOOD // 2**20} MiB is the harness's."
            )
        if found[0] == "OK" and seen.growth is not None:
            return "OK", f"{found[1][:-1]}; the peer's memory grew by {seen.growth // 2**20} MiB at most."
        return found


class Linear(Flooded):
    """The time for the last message, of more fragments, grows with their number, not with its square."""

    def judge(self, seen: Seen, unmet: str) -> Finding:
        """Want both messages, and compare the times between the last three that came."""
        found = super().judge(seen, unmet)
        if found[0] != "OK":
            return found
        begun, first, second = seen.came_at[-3:]
        short, long = first - begun, second - first
        compared = f"{TIMES} times as many fragments took {long / short:.0f} times as long"
        if long > max(LONGER * short, AT_LEAST):
            return "NON-STRICT", (
                f"{compared}, {long:.1f} s. NON-STRICT and no failure: RFC 6455 10.4 names no number; "
                f"{LONGER} is the harness's."
            )
        return "OK", f"{found[1][:-1]}; {compared}."
