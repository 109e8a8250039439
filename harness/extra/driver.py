"""Plays a case against a server or a client, and writes its report under Autobahn's names."""

from __future__ import annotations

import asyncio
import base64
import os
import time
from dataclasses import replace
from datetime import datetime, timezone
from functools import partial
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harness.extra.deflating import NAME, NegotiationError, agreement, parse_extensions
from harness.extra.exchange import Connection, Exchange, steps_of, timing
from harness.extra.frames import Frame
from harness.extra.heads import accept_token, response_fault
from harness.extra.memory import MemoryWatch
from harness.extra.seen import Seen
from harness.extra.wire import PIECE, Wire

if TYPE_CHECKING:
    from harness.extra.case import Case
    from harness.extra.deflating import Element
    from harness.extra.expectations import Finding
    from harness.extra.heads import Head
    from harness.results import ExtraCaseReport
    from harness.roles import Role

TIMEOUT = 3.0
"""Seconds that a peer has for each step, by default."""

EVENTS = 100
"""Messages and pongs that a report lists."""

NOT_IN_REPORT = 60
"""Characters of a message that a report shows."""


class Play:
    """One case against one peer; `role` is the peer's."""

    def __init__(self, case: Case, role: Role, agent: str, timeout: float = TIMEOUT) -> None:
        if case.mode and role == "server":
            case = replace(case, request=case.request.begin(f"GET {case.mode} HTTP/1.1"))
        self.case = case
        self.timeout = timeout
        self.seen = Seen(role)
        self.agent = agent
        self._began = time.monotonic()
        self._started = datetime.now(timezone.utc).isoformat()
        self._heads = {"client": "", "server": ""}
        self._others: list[Connection] = []

    async def against_server(self, url: str) -> ExtraCaseReport:
        """Play it as the client of a server at `url`."""
        server = urlsplit(url)
        try:
            wire = await self._connect(url)
        except OSError as error:
            self.seen.ended = "reset"
            return self._report(Wire(), f"cannot connect to {url}: {error}")
        try:
            watch = MemoryWatch.of_listener(server.port) if self.case.watch_memory else None
            await self._ask(wire, server.netloc)
            if self.seen.opened and self.case.expect.answered and not self.seen.lacking:
                await self._exchange(wire, watch, url)
        finally:
            for connection in self._others:
                connection.wire.abort()
            wire.abort()
        return self._report(wire)

    async def against_client(self, wire: Wire, request: Head, known_keys: set[str]) -> ExtraCaseReport:
        """Play it as the server of a client that has sent its request."""
        wire.began = self._began
        try:
            port = wire.transport.get_extra_info("peername")[1]
            watch = MemoryWatch.of_connection(port) if self.case.watch_memory else None
            self.seen.head = request
            self.seen.known_keys = known_keys
            await self._answer(wire, request)
            if not self.seen.lacking:
                await self._exchange(wire, watch)
            wire.close()
            await wire.wait_end(self.timeout)
        finally:
            wire.abort()
        return self._report(wire)

    def unplayed(self) -> ExtraCaseReport:
        """Report that the peer lacks the mode that the case needs."""
        self.seen.lacking = f"The {self.seen.role} has no mode {self.case.mode_name!r}."
        return self._report(Wire())

    async def _connect(self, url: str) -> Wire:
        server = urlsplit(url)
        _, wire = await asyncio.get_running_loop().create_connection(
            Wire, server.hostname or "", server.port or 80
        )
        wire.began = self._began
        return wire

    # The opening handshake:

    async def _ask(self, wire: Wire, host: str) -> None:
        """Send the request and take the response."""
        key = base64.b64encode(os.urandom(16)).decode()
        request = self.case.request
        if self.case.deflate:
            offer = self.case.deflate.format(testee="server", harness="client")
            request = request.add("Sec-WebSocket-Extensions", offer)
        sent = request.encode(host=host, key=key) + self.case.body
        self._heads["client"] = sent.decode("latin-1").strip()
        if self.case.at_once:
            sent += wire.encode(self._frames())
        await wire.send(sent, piece=1 if self.case.byte_by_byte else PIECE)
        head = await wire.read_head(TIMEOUT)
        while head and 100 <= head.status < 200 and head.status != 101:
            head = await wire.read_head(TIMEOUT)
        self.seen.head = head
        if head is None or head.status != 101:
            self.seen.ended = "closed" if wire.ended else ""
        if head:
            self._heads["server"] = _written(head)
            if head.status == 101:
                self.seen.opened = True
                self.seen.blame(response_fault(head, key))
                self._take_answer(head)

    def _take_answer(self, head: Head) -> None:
        """Judge the server's answer to the offers."""
        if not self.case.expect.negotiates:
            return
        answers = parse_extensions(head.values("Sec-WebSocket-Extensions"))
        offered = (self.case.fits or self.case.deflate).format(testee="server", harness="client")
        offers = [offer for offer in parse_extensions([offered]) if offer[0] == NAME]
        if offers and not answers:
            self.seen.lacking = f"The server declined the offer {offered!r}."
        elif answers and (len(answers) > 1 or not offers):
            self.seen.blame(f"the answer has extensions that were not offered: {answers}")
        elif answers:
            self._agree(offers, answers[0])

    def _agree(self, offers: list[Element], answer: Element) -> None:
        """Take an answer that fits one of the offers."""
        faults = []
        for offer in offers:
            try:
                self.seen.agree(agreement(offer, answer))
            except NegotiationError as error:
                faults.append(str(error))
            else:
                return
        self.seen.blame(faults[0])

    async def _answer(self, wire: Wire, request: Head) -> None:
        """Send the response to the client's request."""
        keys = request.values("Sec-WebSocket-Key")
        response = self.case.response
        if self.case.deflate:
            response = response.add("Sec-WebSocket-Extensions", self._answer_to(request))
        if self.seen.lacking:
            return
        key = keys[0] if keys else ""
        sent = response.encode(accept=accept_token(key), key=key)
        self._heads["client"], self._heads["server"] = _written(request), sent.decode("latin-1").strip()
        self.seen.opened = True
        sent = self.case.interim + sent
        if self.case.at_once:
            sent += wire.encode(self._frames())
        await wire.send(sent, piece=1 if self.case.byte_by_byte else PIECE)

    def _answer_to(self, request: Head) -> str:
        """Return the case's answer, with the fields that the client's offer demands."""
        answer = self.case.deflate.format(testee="client", harness="server")
        if not self.case.expect.negotiates:
            return answer
        offers = [
            offer
            for offer in parse_extensions(request.values("Sec-WebSocket-Extensions"))
            if offer[0] == NAME
        ]
        if not offers:
            self.seen.lacking = "The client does not offer permessage-deflate."
            return ""
        offered = dict(offers[0][1])
        if "server_no_context_takeover" in offered and "server_no_context_takeover" not in answer:
            answer += "; server_no_context_takeover"
        if "server_max_window_bits" in offered and "server_max_window_bits" not in answer:
            answer += f"; server_max_window_bits={offered['server_max_window_bits']}"
        try:
            self.seen.agree(agreement(offers[0], parse_extensions([answer])[0]))
        except NegotiationError:
            self.seen.lacking = (
                f"The client's offer {request.values('Sec-WebSocket-Extensions')} does not permit {answer!r}."
            )
        return answer

    # After the handshake:

    async def _exchange(self, wire: Wire, watch: MemoryWatch | None, url: str = "") -> None:
        """Play the frames and steps; where the peer is a server at `url`, on several connections."""
        first = Connection(wire, self.seen, self.case.expect)
        connect = partial(self._open_another, url) if url else None
        await Exchange(self.case, first, self.timeout, connect).run(watch)

    async def _open_another(self, url: str) -> Connection | None:
        """Open another connection to the server, and note where that fails."""
        other = Play(self.case, "server", self.agent, self.timeout)
        try:
            wire = await other._connect(url)
        except OSError as error:
            self.seen.blame(f"no other connection was possible: {error}")
            return None
        connection = Connection(wire, other.seen, self.case.another)
        self._others.append(connection)
        await other._ask(wire, urlsplit(url).netloc)
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
        return {
            "behavior": found[0],
            "behaviorClose": closing[0],
            "remoteCloseCode": seen.code,
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
            "httpRequest": self._heads["client"],
            "httpResponse": self._heads["server"],
            "createWirelog": True,
            "isServer": seen.role == "client",
            "closedByMe": wire.sent_close is not None,
            "wasClean": seen.close is not None and wire.sent_close is not None,
            "localCloseCode": wire.sent_close,
            "remoteCloseReason": seen.reason or None,
            "rfc": where,
            "requirement": requirement["id"],
        }


def _written(head: Head) -> str:
    return head.encode().decode("latin-1").strip()


def _shown(event: tuple[Any, ...]) -> list[Any]:
    """Make an event fit for JSON, and short."""
    payload = event[1].decode("latin-1")
    cut = f"{payload[:NOT_IN_REPORT]} ..." if len(payload) > NOT_IN_REPORT else payload
    return [event[0], cut, *event[2:]]
