"""Runs kosoku: `python -m harness.engines.kosoku_worker MODE`; MODE is `server URL CASE ...`,
`client CASE ...`, or `single`.

It prints the lines that `workers` reads. It is a process of its own since kosoku cannot be told to stop and
puts Autobahn's modules on the import path.

kosoku's fuzzing server tells verdicts only at its end. So that each can be had at once, and a case be run
again, `single` listens on a port where each connection gets a server of its own for one case: it sends the
name of the case in a line, and gets the port; when the client has left it sends another line, and gets the
reports as JSON, in a line: a list, which is empty where the case did not begin.
"""

from __future__ import annotations

import asyncio
import json
import os
import re
import sys
from typing import TYPE_CHECKING, Any

import kosoku

from harness.engines.workers import FIELDS, say

if TYPE_CHECKING:
    from collections.abc import Sequence

    from harness.results import CaseReport

MAX_PAYLOAD = 60
"""Characters of a message that a report shows (the wire log cuts them by itself)."""

RESULT_TIMEOUT = 5.0
"""Seconds in which kosoku has its result: it waits one for a client that has not left."""

UPDATE_REPORTS = (
    b"GET /updateReports?agent=harness HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\n"
    b"Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"
)


def report_of(result: Any) -> CaseReport:
    """Turn a `kosoku.CaseResult` into a report under Autobahn's names: `wasClean` is its `was_clean`."""
    names = (name for name in FIELDS if name not in {"behavior", "behaviorClose"})
    report: dict[str, Any] = {name: getattr(result, _snake(name)) for name in names}
    report["behavior"] = result.behavior.value
    report["behaviorClose"] = result.behavior_close.value
    report["expected"] = {verdict: _shown(events) for verdict, events in (result.expected or {}).items()}
    report["expectedClose"] = result.expected_close or {}
    report["received"] = _shown(result.received or [])
    report["trafficStats"] = result.traffic_stats and result.traffic_stats.__json__()
    return report  # type: ignore[return-value]  # its keys are the type's


def _snake(name: str) -> str:
    return re.sub(r"(?=[A-Z])", "_", name).lower()


def _shown(events: Sequence[Sequence[Any]]) -> list[list[Any]]:
    return [[_cut(field) for field in event] for event in events]


def _cut(field: Any) -> Any:
    """Make a field of an event fit for JSON, and short."""
    if isinstance(field, bytes):
        field = field.decode("latin-1")
    if isinstance(field, str) and len(field) > MAX_PAYLOAD:
        return f"{field[:MAX_PAYLOAD]} ..."
    return field


async def fuzz_server(url: str, cases: Sequence[str]) -> None:
    """Run each case by itself, and so tell when each begins and ends."""
    for case in cases:
        say(begun=case)
        try:
            results = await kosoku.run_fuzzingclient(url, [case])
        except kosoku.FailureError as failure:
            results = failure.results
        for result in results:
            say(ended=result.case_id, report=report_of(result))


async def fuzz_client(cases: Sequence[str]) -> None:
    """Serve the cases until the client asks for the reports."""
    async with kosoku.run_fuzzingserver(cases, host="127.0.0.1", port=0) as server:
        say(listening=f"ws://{server.address}:{server.port}")
        try:
            results = await server.get_result()
        except kosoku.FailureError as failure:
            results = failure.results
        for result in results:
            say(ended=result.case_id, report=report_of(result))


async def serve_single_cases() -> None:
    """Serve one case to each client that the harness hands on, until SIGTERM."""
    listener = await asyncio.start_server(_serve_single_case, "127.0.0.1", 0)
    port = listener.sockets[0].getsockname()[1]
    say(listening=f"tcp://127.0.0.1:{port}")
    await asyncio.Event().wait()


async def _serve_single_case(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    case = (await reader.readline()).decode().strip()
    async with kosoku.run_fuzzingserver([case], host="127.0.0.1", port=0) as server:
        writer.write(f"{server.port}\n".encode())
        if await reader.readline():  # else the harness has given the case up
            results = await _results_of(server)
            writer.write(json.dumps([report_of(result) for result in results]).encode() + b"\n")
    writer.close()


async def _results_of(server: kosoku.FuzzingServer) -> Sequence[Any]:
    """Ask a server for its results, as a client does; there are none where no case has begun."""
    _, writer = await asyncio.open_connection(server.address, server.port)
    writer.write(UPDATE_REPORTS)
    try:
        return await asyncio.wait_for(server.get_result(), RESULT_TIMEOUT)
    except kosoku.FailureError as failure:
        return failure.results
    except asyncio.TimeoutError:
        return []
    finally:
        writer.close()


def main() -> None:
    """Run."""
    mode, *rest = sys.argv[1:]
    match mode:
        case "server":
            asyncio.run(fuzz_server(rest[0], rest[1:]))
        case "client":
            asyncio.run(fuzz_client(rest))
        case _:
            asyncio.run(serve_single_cases())
    os._exit(0)  # kosoku 0.1.0 sometimes aborts in the shutdown of Python 3.13, after its last line


if __name__ == "__main__":
    main()
