"""Plays a case of section H against a server, and writes its report in the shape of section X's."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
import ssl
import time
from dataclasses import dataclass
from datetime import datetime, timezone
from importlib import import_module
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from harness.extra.exchange import TIMEOUT
from harness.streams.case import OWNERS, Case
from harness.streams.expectations import Finding, Opens, outcome
from harness.streams.fields import text_of
from harness.streams.player import Player
from harness.streams.steps import ECHO, Ask, Credit, Do

if TYPE_CHECKING:
    from harness.results import ExtraCaseReport
    from harness.streams.codes import Transport
    from harness.streams.fields import Fields
    from harness.streams.wire import Stream, Wire

WIRES: dict[Transport, str] = {"h2": "harness.streams.http2_wire", "h3": "harness.streams.http3_wire"}
"""The module of each wire, which needs packages that the other one does not."""


@dataclass(frozen=True)
class Target:
    """A server under test: `https://HOST:PORT/PATH`, over HTTP/2 also `http://`."""

    transport: Transport
    url: str
    ca: str | None = None
    """A file with the certificates of the authorities to trust; None stands for the system's."""
    insecure: bool = False
    """Whether any certificate is taken."""
    fields: Fields = ()
    """Fields that every request has besides."""

    @property
    def values(self) -> dict[str, str]:
        """What a request to it has in the place of `{authority}` and the like."""
        parts = urlsplit(self.url)
        target = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        return {"scheme": parts.scheme, "authority": parts.netloc, "path": target}

    @property
    def address(self) -> tuple[str, int]:
        """Host and port."""
        parts = urlsplit(self.url)
        return parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)

    @property
    def over_tls(self) -> bool:
        """Whether it is reached over TLS."""
        return self.url.startswith("https")

    def context(self) -> ssl.SSLContext | None:
        """Return the settings of TLS over HTTP/2; None without TLS."""
        if not self.over_tls:
            return None
        context = ssl.create_default_context(cafile=self.ca)
        context.set_alpn_protocols(["h2"])
        if self.insecure:
            context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
        return context

    async def ends(self) -> tuple[tuple[str, int], Any]:
        """Return where a QUIC connection begins on this machine, and the server's address."""
        found = await asyncio.get_running_loop().getaddrinfo(*self.address, type=socket.SOCK_DGRAM)
        address = found[0][4]
        host = str(address[0])
        if not ipaddress.ip_address(host.partition("%")[0]).is_loopback:
            host = "::" if ":" in host else "0.0.0.0"  # noqa: S104  # a client's end
        return (host, 0), address

    async def connect(self, case: Case | None, timeout: float) -> Wire:
        """Connect, as a case wants it; raises `OSError`."""
        try:
            connect = import_module(WIRES[self.transport]).connect
            wire: Wire = await asyncio.wait_for(connect(self, case), timeout)
        except asyncio.TimeoutError:
            raise OSError(f"no connection within {timeout:g} s") from None
        came = await wire.until(lambda: bool(wire.settings), timeout)
        refused = case is not None and case.settings and (wire.gone or wire.error is not None)
        if not came and not refused:  # who finds fault with settings need not send its own
            wire.cut()
            raise OSError(wire.fault or f"no SETTINGS came within {timeout:g} s")
        if case:
            wire.hold = case.hold
        return wire


class Play:
    """One case against one server."""

    def __init__(self, case: Case, target: Target, agent: str, timeout: float = TIMEOUT) -> None:
        self.case, self.target, self.agent, self.timeout = case, target, agent, timeout

    async def run(self) -> ExtraCaseReport:
        """Play it."""
        began = Began()
        try:
            wire = await self.target.connect(self.case, self.timeout)
        except OSError as error:
            return failure_report(self.case, self.target.transport, self.agent, began, str(error))
        player = Player(self.case, wire, "server", self.target.values, self.timeout, self.target.fields)
        try:
            await player.play(self.case.steps)
            if player.streams:
                await player.finish()
            unserved = "" if player.lacking else await self._served(wire)
            return report_of(player, self.agent, began, unserved)
        finally:
            wire.end()

    async def _served(self, wire: Wire) -> str:
        """See that the next stream is served; where the peer ended the connection, on another one."""
        if not self.case.served:
            return ""
        try:
            same = self.case.served == "stream" and not wire.gone and wire.error is None
            again = wire if same else await self.target.connect(None, self.timeout)
        except OSError as error:
            return f"Afterwards no connection was possible: {error}."
        player = Player(AFTER, again, "server", self.target.values, self.timeout, self.target.fields)
        again.hold = False
        try:
            await player.play((Ask(),) if self.case.window is None or not same else (Ask(), Credit(65535)))
            await player.play(AFTER.steps)
            stream = player.streams[0] if player.streams else None
            if stream is None or not stream.seen.messages:
                where = "stream of the connection" if same else "connection"
                return f"Afterwards the next {where} was not served: the peer {outcome(stream, again)}."
            await player.finish()
        finally:
            if not same:
                again.end()
        return ""


class Began:
    """When a case began."""

    def __init__(self) -> None:
        self.monotonic = time.monotonic()
        self.iso = datetime.now(timezone.utc).isoformat()

    @property
    def duration(self) -> int:
        """Milliseconds since then."""
        return round((time.monotonic() - self.monotonic) * 1000)


def _texts(case: Case, transport: Transport) -> dict[str, Any]:
    row = case.requirement_for(transport)
    where = f"{row['rfc']} {row['section']}"
    return {
        "description": f"{case.title}.",
        "expectation": f"{case.expect} {where}: {row['statement']} It is decided by {OWNERS[case.of]}.",
        "rfc": where,
        "requirement": row["id"],
        "of": case.of,
    }


def failure_report(case: Case, transport: Transport, agent: str, began: Began, why: str) -> ExtraCaseReport:
    """Report that a case could not be played."""
    return {
        "behavior": "FAILED",
        "behaviorClose": "FAILED",
        "remoteCloseCode": None,
        "status": None,
        "duration": began.duration,
        "agent": agent,
        "started": began.iso,
        "result": f"The case could not be played: {why}.",
        "resultClose": "There was no WebSocket connection to close.",
        **_texts(case, transport),  # type: ignore[typeddict-item]  # its keys are those of the report
    }


def judged(player: Player, unserved: str) -> tuple[Finding, Finding]:
    """Return both verdicts."""
    if player.lacking:
        return ("UNIMPLEMENTED", player.lacking), ("OK", "The case was not played.")
    found, closing = player.case.expect.verdicts(player)
    if unserved and found[0] in {"OK", "NON-STRICT", "INFORMATIONAL"}:
        found = "FAILED", unserved
    return found, closing


def report_of(player: Player, agent: str, began: Began, unserved: str = "") -> ExtraCaseReport:
    """Report on a case."""
    case, wire = player.case, player.wire
    found, closing = judged(player, unserved)
    stream = player.streams[0] if player.streams else None
    why = f" {found[0]} and no failure: {case.why}." if case.why and found[0] == case.unmet else ""
    answer, request = (stream.answer, stream.request) if stream else (None, ())
    refused = stream is not None and wire.role == "server" and not stream.opened
    return {
        "behavior": found[0],
        "behaviorClose": closing[0],
        "remoteCloseCode": stream.seen.code if stream else None,
        "status": stream.status if stream and refused else None,
        "duration": began.duration,
        "agent": agent,
        "started": began.iso,
        "result": f"{found[1]}{why}",
        "resultClose": closing[1],
        "expected": {},
        "expectedClose": {},
        "received": [],
        "timing": _timing(player, stream),
        "wirelog": wire.log,
        "httpRequest": text_of(request),
        "httpResponse": text_of(answer or ()),
        "createWirelog": True,
        "isServer": wire.role == "client",
        "closedByMe": bool(stream and stream.sent_close),
        "wasClean": bool(stream and stream.sent_close and stream.seen.close),
        "remoteCloseReason": (stream.seen.reason or None) if stream else None,
        **_texts(case, wire.transport_name),  # type: ignore[typeddict-item]  # its keys are those of the report
    }


def _timing(player: Player, stream: Stream | None) -> Any:
    def between(start: float | None, end: float | None) -> float | None:
        return None if start is None or end is None else round(max(end - start, 0.0) * 1000, 1)

    if stream is None:
        return {"answer": None, "close": None, "end": None}
    return {
        "answer": between(player.sent_at, stream.seen.answered_at),
        "close": between(stream.sent_close, stream.seen.close_at),
        "end": between(stream.seen.close_at, stream.over_at),
    }


AFTER = Case("The next stream", "R8441-5-09", "R9220-3-01", Opens(), (Do.AWAIT_ANSWER, *ECHO))
