"""Plays a case against a server or a client, and writes its report under Autobahn's names."""

from __future__ import annotations

import asyncio
import time
from datetime import datetime, timezone
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harness.extra.deflating import Agreement
from harness.extra.expectations import PROBE
from harness.extra.frames import Frame, close
from harness.extra.memory import MemoryWatch
from harness.extra.opening import Opening
from harness.extra.seen import Seen
from harness.extra.wire import Wire

if TYPE_CHECKING:
    from harness.extra.case import Case
    from harness.extra.heads import Head
    from harness.results import ExtraCaseReport
    from harness.roles import Role

TIMEOUT = 3.0
"""Seconds that a peer has for each step."""

GRACE = 0.5
"""Further seconds that a peer has to fail the connection, where it has already answered the ping."""

NOT_IN_REPORT = 60
"""Characters of a message that a report shows."""


class Play:
    """One case against one peer; `role` is the peer's."""

    def __init__(self, case: Case, role: Role, agent: str) -> None:
        self.case = case
        self.seen = Seen(role)
        self.agent = agent
        self._began = time.monotonic()
        self._started = datetime.now(timezone.utc).isoformat()
        self._opening = Opening(case, self.seen, self._frames)

    async def against_server(self, url: str) -> ExtraCaseReport:
        """Play it as the client of a server at `url`."""
        server = urlsplit(url)
        try:
            _, wire = await asyncio.get_running_loop().create_connection(
                Wire, server.hostname or "", server.port or 80
            )
        except OSError as error:
            self.seen.ended = "reset"
            return self._report(Wire(), f"cannot connect to {url}: {error}")
        try:
            watch = MemoryWatch.of_listener(server.port) if self.case.watch_memory else None
            await self._opening.ask(wire, server.netloc, TIMEOUT, watch)
            if self.seen.opened and self.case.expect.answered and not self.seen.lacking:
                await self._exchange(wire, watch)
        finally:
            wire.abort()
        return self._report(wire)

    async def against_client(self, wire: Wire, request: Head, known_keys: set[str]) -> ExtraCaseReport:
        """Play it as the server of a client that has sent its request."""
        try:
            port = wire.transport.get_extra_info("peername")[1]
            watch = MemoryWatch.of_connection(port) if self.case.watch_memory else None
            self.seen.known_keys = known_keys
            await self._opening.answer(wire, request, watch)
            if not self.seen.lacking:
                await self._exchange(wire, None if self.case.flood else watch)
            wire.close()
            await wire.wait_end(TIMEOUT)
        finally:
            wire.abort()
        return self._report(wire)

    # After the handshake:

    async def _exchange(self, wire: Wire, watch: MemoryWatch | None) -> None:
        """Send the frames, wait for what is expected, and end the connection."""
        seen, expect = self.seen, self.case.expect
        if watch:
            watch.start()
        if not self.case.at_once:
            await wire.send(wire.encode(self._frames()), seen)
        if expect.probes and not seen.over:
            await wire.send(wire.encode([PROBE]))
        if expect.ends_early:
            wire.close()
        await wire.read_frames(seen, lambda: expect.settled(seen), TIMEOUT)
        if expect.probes and not seen.over:
            await wire.read_frames(seen, lambda: seen.over, GRACE)
        if watch:
            seen.growth = await watch.stop()
        seen.failed = bool(seen.close or seen.ended)
        if not seen.ended:
            await self._close(wire)

    async def _close(self, wire: Wire) -> None:
        """Take part in the closing handshake, or begin it."""
        seen = self.seen
        if wire.unfinished:
            wire.close()  # a Close would be taken for more of the payload
        elif wire.sent_close is None and not self.case.expect.ends_early:
            await wire.send(wire.encode([close(1000 if seen.close is None else seen.code)]))
        patience = TIMEOUT if seen.frames else GRACE  # a silent peer will hardly begin now
        await wire.read_frames(seen, lambda: bool(seen.close or seen.ended), patience)
        if seen.role == "server":
            seen.in_time = await wire.wait_end(TIMEOUT)

    def _frames(self) -> tuple[Frame, ...]:
        if not callable(self.case.send):
            return self.case.send
        mine = "client" if self.seen.role == "server" else "server"
        return self.case.send((self.seen.agreed or Agreement()).bits(mine))

    # The report:

    def _report(self, wire: Wire, trouble: str = "") -> ExtraCaseReport:
        seen, case = self.seen, self.case
        requirement = case.requirement_for(seen.role)
        if seen.lacking and not seen.fault:
            found, closing = ("UNIMPLEMENTED", seen.lacking), ("OK", "The case was not played.")
        else:
            found, closing = case.expect.judge(seen, case.unmet), case.expect.judge_close(seen)
            if case.optional and seen.role == "client" and seen.ended and not seen.frames:
                found = "UNIMPLEMENTED", "The client does not support the answer: it ended the connection."
                closing = "OK", "The case was not played."
            if found[0] == case.unmet != "FAILED" and closing[0] in {"UNCLEAN", "WRONG CODE"}:
                closing = found[0], closing[1]
        where = f"{requirement['rfc']} {requirement['section']}"
        why = f" {found[0]} and no failure: {case.why}" if case.why and found[0] == case.unmet else ""
        wire.mark_head(seen.head_fault)
        return {
            "behavior": found[0],
            "behaviorClose": closing[0],
            "remoteCloseCode": seen.code,
            "status": seen.refused_with,
            "duration": round((time.monotonic() - self._began) * 1000),
            "agent": self.agent,
            "started": self._started,
            "description": f"{case.title}.",
            "expectation": f"{case.expect} {where}: {requirement['statement']}",
            "result": f"{trouble or found[1]}{why}",
            "resultClose": closing[1],
            "expected": {"OK": [_shown(event) for event in case.expect.events()]},
            "expectedClose": {},
            "received": [_shown(event) for event in seen.events],
            "wirelog": wire.log,
            "httpRequest": self._opening.heads["client"],
            "httpResponse": self._opening.heads["server"],
            "createWirelog": True,
            "isServer": seen.role == "client",
            "closedByMe": wire.sent_close is not None,
            "wasClean": seen.close is not None and wire.sent_close is not None,
            "localCloseCode": wire.sent_close,
            "remoteCloseReason": seen.reason or None,
            "rfc": where,
            "requirement": requirement["id"],
        }


def _shown(event: tuple[Any, ...]) -> list[Any]:
    """Make an event fit for JSON, and short."""
    payload = event[1].decode("latin-1")
    cut = f"{payload[:NOT_IN_REPORT]} ..." if len(payload) > NOT_IN_REPORT else payload
    return [event[0], cut, *event[2:]]
