"""The common part of the testees: arguments, readiness line, end.

It needs the standard library alone. The README of the harness has the
contract; a testee in another language has to do the same.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import sys
import traceback
from collections.abc import Awaitable, Callable
from urllib.parse import quote

HOST = "127.0.0.1"


def server_arguments() -> argparse.Namespace:
    """Read `--port` and `--max-message-size`."""
    parser = argparse.ArgumentParser(description="An echo server, to be tested.")
    parser.add_argument("--port", type=int, default=0, help="TCP port; 0 takes a free one")
    _add_limit(parser)
    return parser.parse_args()


def _add_limit(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--max-message-size", type=int, default=16 * 2**20, metavar="BYTES", help="longest message to take"
    )


def ready(port: int) -> None:
    """Say that the server accepts connections."""
    print(f"Listening on ws://{HOST}:{port}", flush=True)


async def until_ended() -> None:
    """Wait for SIGTERM or SIGINT."""
    stop = asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    await stop.wait()


Echo = Callable[[str, int], Awaitable[None]]
"""Connects to a URL and sends every message back until the server closes; gets the longest size to take."""

Ask = Callable[[str], Awaitable[str]]
"""Connects to a URL and returns the text that the server sends."""


def drive(echo: Echo, ask: Ask) -> None:
    """Run every case of the fuzzing server that the command line names.

    Whatever a case does to the client, the next one follows; standard error gets what it raised.
    """
    parser = argparse.ArgumentParser(description="An echo client, to be tested.")
    parser.add_argument("url", metavar="ws://HOST:PORT")
    parser.add_argument("--agent", required=True)
    _add_limit(parser)
    arguments = parser.parse_args()
    asyncio.run(_drive(arguments, echo, ask))


async def _drive(arguments: argparse.Namespace, echo: Echo, ask: Ask) -> None:
    agent = quote(arguments.agent, safe="")
    count = int(await ask(f"{arguments.url}/getCaseCount"))
    for number in range(1, count + 1):
        print(f"case {number} of {count}", flush=True)
        url = f"{arguments.url}/runCase?case={number}&agent={agent}"
        await _tolerating(echo(url, arguments.max_message_size))
    await _tolerating(echo(f"{arguments.url}/updateReports?agent={agent}", arguments.max_message_size))


async def _tolerating(case: Awaitable[None]) -> None:
    try:
        await case
    except Exception as error:  # noqa: BLE001  # a client may raise anything at what a case sends
        print("".join(traceback.format_exception_only(type(error), error)).strip()[:200], file=sys.stderr)
