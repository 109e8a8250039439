"""The common part of the testees: arguments, readiness line, end.

It needs the standard library alone. The README of the harness has the
contract; a testee in another language has to do the same.
"""

from __future__ import annotations

import argparse
import asyncio
import signal
import ssl
import sys
import traceback
from collections.abc import Awaitable, Callable
from typing import NamedTuple
from urllib.parse import parse_qsl, quote, unquote, urlsplit

HOST = "127.0.0.1"


def server_arguments() -> argparse.Namespace:
    """Read `--port`, `--max-message-size` and the options of HTTP/2 and HTTP/3; a proxy gets `--echo`."""
    parser = argparse.ArgumentParser(description="An echo server, to be tested.")
    parser.add_argument("--port", type=int, default=0, help="TCP port; 0 takes a free one")
    parser.add_argument("--certificate", help="PEM file of the certificate, where the transport has TLS")
    parser.add_argument("--key", help="PEM file of its key")
    parser.add_argument("--echo", default="", help="command of the server that a proxy stands in front of")
    _add_transport(parser)
    _add_limit(parser)
    return parser.parse_args()


class Mode(NamedTuple):
    """What a path asks for beside echoing; the README has the list. `rest` is what follows its name."""

    name: str = ""
    rest: str = ""
    values: dict[str, str] = {}  # noqa: RUF012  # nobody changes it

    @property
    def code(self) -> int:
        """The code of the Close to send."""
        return int(self.values.get("code", 1000))

    @property
    def delay(self) -> float:
        """The seconds to wait before the request is accepted."""
        return float(self.values.get("after", 0)) if self.name == "accept" else 0.0

    @property
    def fields(self) -> dict[str, str]:
        """The fields that a client adds to its request."""
        return self.values if self.name == "fields" else {}


def listening_context(mode: Mode) -> ssl.SSLContext:
    """Return the context of a server in the mode tls: its certificate."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(mode.values["certificate"], mode.values["key"])
    return context


def trusting_context(mode: Mode) -> ssl.SSLContext | None:
    """Return the context of a client in the mode tls, which trusts one authority; otherwise none."""
    return ssl.create_default_context(cafile=mode.values["authority"]) if mode.name == "tls" else None


def mode_of(path: str) -> Mode:
    """Read the mode from a path."""
    url = urlsplit(path)
    name, _, rest = url.path.lstrip("/").partition("/")
    return Mode(name, unquote(rest), dict(parse_qsl(url.query, keep_blank_values=True)))


def _add_transport(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--transport", choices=("h1", "h2", "h3"), default="h1", help="HTTP/1.1, 2 or 3")


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


Echo = Callable[[str, int, Mode], Awaitable[None]]
"""Connects to a URL and sends every message back until the server closes.

It gets the longest size to take, and the mode, which is none where the client names no modes that it has.
"""

Ask = Callable[[str], Awaitable[str]]
"""Connects to a URL and returns the text that the server sends."""


def drive(echo: Echo, ask: Ask, modes: tuple[str, ...] = ()) -> None:
    """Run every case of the fuzzing server that the command line names; `modes` are those that it has.

    Whatever a case does to the client, the next one follows; standard error gets what it raised.
    """
    parser = argparse.ArgumentParser(description="An echo client, to be tested.")
    parser.add_argument("url", metavar="ws://HOST:PORT")
    parser.add_argument("--agent", required=True)
    parser.add_argument("--modes", action="store_true", help="ask the server for the mode of each case")
    _add_limit(parser)
    arguments = parser.parse_args()
    asyncio.run(_drive(arguments, echo, ask, modes if arguments.modes else ()))


async def _drive(arguments: argparse.Namespace, echo: Echo, ask: Ask, modes: tuple[str, ...]) -> None:
    agent = quote(arguments.agent, safe="")
    count = int(await ask(f"{arguments.url}/getCaseCount"))
    for number in range(1, count + 1):
        print(f"case {number} of {count}", flush=True)
        names = f"&agent={agent}&modes={','.join(modes)}"
        answer = await ask(f"{arguments.url}/getCaseMode?case={number}{names}") if modes else "/"
        mode = mode_of(answer)
        server = mode.values["server"] if mode.name == "tls" else arguments.url
        url = f"{server}/runCase?case={number}&agent={agent}"
        await _tolerating(echo(url, arguments.max_message_size, mode))
    reports = f"{arguments.url}/updateReports?agent={agent}"
    await _tolerating(echo(reports, arguments.max_message_size, Mode()))


async def _tolerating(case: Awaitable[None]) -> None:
    try:
        await case
    except Exception as error:  # noqa: BLE001  # a client may raise anything at what a case sends
        print("".join(traceback.format_exception_only(type(error), error)).strip()[:200], file=sys.stderr)
