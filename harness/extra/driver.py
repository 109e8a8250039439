"""Plays a case against a server or a client, and writes its report under Autobahn's names."""

from __future__ import annotations

import asyncio
import re
import time
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any

from harness.extra.exchange import TIMEOUT, Connection, Exchange, steps_of, timing
from harness.extra.frames import Frame, close, text
from harness.extra.heads import KEY, RESPONSE, accept_token
from harness.extra.memory import MemoryWatch
from harness.extra.opening import Opening
from harness.extra.place import Place
from harness.extra.seen import Seen
from harness.extra.tls_wire import TlsWire
from harness.extra.wire import Wire

if TYPE_CHECKING:
    from harness.extra.case import Case
    from harness.extra.certificates import Certificates
    from harness.extra.expectations import Finding
    from harness.extra.heads import Head
    from harness.results import CaseReport, ExtraCaseReport
    from harness.roles import Role

SECURED = re.compile(r"wss://localhost:[1-9]\d{,4}")
"""The address that a server says in the mode tls."""

EVENTS = 100
"""Messages and pongs that a report lists."""

NOT_IN_REPORT = 60
"""Characters of a message that a report shows."""


class Play:
    """One case against one peer; `role` is the peer's.

    :param certificates: those of the run, where the case is over TLS and the peer is a server.
    """

    def __init__(
        self,
        case: Case,
        role: Role,
        agent: str,
        timeout: float = TIMEOUT,
        certificates: Certificates | None = None,
    ) -> None:
        if case.mode and role == "server" and not case.over_tls:
            case = replace(case, request=case.request.begin(f"GET {case.mode} HTTP/1.1"))
        self.case = case
        self.timeout = timeout
        self.seen = Seen(role)
        self.agent = agent
        self._certificates = certificates
        self._began = time.monotonic()
        self._started = datetime.now(timezone.utc).isoformat()
        self._opening = Opening(case, self.seen, self._frames)
        self._others: list[Connection] = []

    async def against_server(self, url: str | Place) -> ExtraCaseReport:
        """Play it as the client of a server at `url`, or at a place that wants more of a request."""
        try:
            place = self._place_of(url) if isinstance(url, str) else url
            wire = await self._connect(place)
        except OSError as error:
            self.seen.ended = "reset"
            self.seen.blame("no connection was possible")
            where = url if isinstance(url, str) else url.authority
            return self._report(Wire(), f"cannot connect to {where}: {error}")
        try:
            watch = place.watch() if self.case.watch_memory else None
            await self._opening.ask(wire, place, self.timeout, watch)
            goes_on = self.seen.opened or self.case.reset
            if goes_on and self.case.expect.answered and not self.seen.lacking:
                await self._exchange(wire, None if self.case.flood else watch, place)
        finally:
            for connection in self._others:
                connection.wire.abort()
            wire.abort()
        return self._report(wire)

    async def against_client(self, wire: Wire, request: Head | None, known_keys: set[str]) -> ExtraCaseReport:
        """Play it as the server of a client that has sent its request, or none, where it ended TLS."""
        wire.began = self._began
        seen, tls = self.seen, wire.tls
        seen.head, seen.tls, seen.known_keys = request, tls, known_keys
        if self.case.over_tls and not tls:
            seen.blame("it did not come over TLS")
        elif not request and self.case.expect.answered:
            seen.blame(f"no request came over TLS: {(tls and tls.fault) or 'the client said nothing'}")
        try:
            if request and self.case.expect.answered and not seen.fault:
                await self._serve(wire, request)
            else:
                seen.ended = "closed" if wire.ended else ""
            wire.close()
            await wire.wait_end(self.timeout)
        finally:
            wire.abort()
        return self._report(wire)

    async def _serve(self, wire: Wire, request: Head) -> None:
        """Answer a client's request, and go on from there."""
        port = wire.transport.get_extra_info("peername")[1]
        watch = MemoryWatch.of_connection(port) if self.case.watch_memory else None
        await self._opening.answer(wire, request, watch)
        if self.seen.lacking:
            await tell(wire, request)
        else:
            await self._exchange(wire, None if self.case.flood else watch)

    def unplayed(self) -> ExtraCaseReport:
        """Report that the peer lacks the mode that the case needs."""
        self.seen.lacking = f"The {self.seen.role} {_lacks(self.case.mode_name)}"
        return self._report(Wire())

    def unasked(self, wire: Wire) -> ExtraCaseReport:
        """Report on a client that heard something before its request, and did not ask any more."""
        self.seen.opened = True
        self.seen.ended = "closed" if wire.ended else ""
        self.seen.failed = bool(wire.ended)
        return self._report(wire)

    def _place_of(self, url: str) -> Place:
        """Return the place of a URL; in the mode tls that of the address that the server has said."""
        place = Place.of(url)
        if not self.case.over_tls:
            return place
        if not SECURED.fullmatch(url):
            raise OSError(f"the answer in the mode tls is {url!r:.80}, not wss://localhost:PORT")
        certificates = None if self.case.without_tls else self._certificates
        return replace(place, host="127.0.0.1", context=certificates.trusting if certificates else None)

    async def _connect(self, place: Place) -> Wire:
        connecting = asyncio.get_running_loop().create_connection(place.wire, place.host, place.port)
        try:
            _, wire = await asyncio.wait_for(connecting, self.timeout)
        except asyncio.TimeoutError:
            raise OSError(f"not accepted within {self.timeout:g} s") from None
        wire.began = self._began
        self.seen.tls = wire.tls
        if isinstance(wire, TlsWire):
            await wire.shake_hands(self.timeout)
        return wire

    # After the handshake:

    async def _exchange(self, wire: Wire, watch: MemoryWatch | None, place: Place | None = None) -> None:
        """Play the frames and steps; where the peer is a server at a place, on several connections."""
        first = Connection(wire, self.seen, self.case.expect, gone=self.case.reset)
        first.cut_at = time.monotonic() if self.case.eof else None
        connect = partial(self._open_another, place) if place else None
        await Exchange(self.case, first, self.timeout, connect).run(watch)

    async def _open_another(self, place: Place) -> Connection | None:
        """Open another connection to the server, and note where that fails."""
        case = replace(self.case, eof=False, reset=False)
        other = Play(case, "server", self.agent, self.timeout, self._certificates)
        try:
            wire = await other._connect(place)
        except OSError as error:
            self.seen.blame(f"no other connection was possible: {error}")
            return None
        connection = Connection(wire, other.seen, self.case.another)
        self._others.append(connection)
        await other._opening.ask(wire, place, self.timeout, None)
        if not other.seen.opened:
            self.seen.blame("another connection was not accepted")
            return None
        return connection

    def _frames(self) -> list[Frame]:
        """List the frames of a case that sends them at once."""
        return [step for step in steps_of(self.case, self.seen) if isinstance(step, Frame)]

    # The report:

    def _judge(self) -> tuple[Finding, Finding]:
        """Judge the first connection, then the others, until one is not OK."""
        case = self.case
        found, closing = case.expect.judge(self.seen, case.unmet), case.expect.judge_close(self.seen)
        for other in self._others:
            if found[0] == closing[0] == "OK":
                found, closing = (
                    other.expect.judge(other.seen, "FAILED"),
                    other.expect.judge_close(other.seen),
                )
                if found[0] != "OK":
                    found = found[0], f"On another connection: {found[1]}"
        return found, closing

    def _report(self, wire: Wire, trouble: str = "") -> ExtraCaseReport:
        seen, case = self.seen, self.case
        requirement = case.requirement_for(seen.role)
        if seen.lacking and not seen.fault:
            found, closing = ("UNIMPLEMENTED", seen.lacking), ("OK", "The case was not played.")
        else:
            found, closing = self._judge()
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
            "expected": {"OK": [_shown(event) for event in case.expect.events()[:EVENTS]]},
            "expectedClose": {},
            "received": [_shown(event) for event in seen.events[:EVENTS]],
            "timing": timing(wire, seen),
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


def is_unplayed(report: CaseReport, mode: str) -> bool:
    """Tell whether a report says that the peer lacks a mode."""
    return report.get("result", "").endswith(_lacks(mode))


def _lacks(mode: str) -> str:
    return f"has no mode {mode!r}."


async def tell(wire: Wire, request: Head, answer: str | None = None) -> None:
    """Accept a client's request, send it a message, if there is one, and a Close."""
    await accept(wire, request)
    await send_away(wire, answer)


async def accept(wire: Wire, request: Head) -> None:
    """Accept a client's request without more ado."""
    key = request.values(KEY)
    await wire.send(RESPONSE.encode(accept=accept_token(key[0] if key else "")))


async def send_away(wire: Wire, answer: str | None = None) -> None:
    """Send a client a message, if there is one, and a Close, and end the connection."""
    await wire.send(wire.encode([*([text(answer)] if answer else []), close(1000)]))
    seen = Seen("client")
    await wire.read_frames(seen, lambda: bool(seen.close or seen.ended), TIMEOUT)
    wire.close()
    await wire.wait_end(TIMEOUT)


def _shown(event: tuple[Any, ...]) -> list[Any]:
    """Make an event fit for JSON, and short."""
    payload = event[1].decode("latin-1")
    cut = f"{payload[:NOT_IN_REPORT]} ..." if len(payload) > NOT_IN_REPORT else payload
    return [event[0], cut, *event[2:]]
