"""The exchange that every project goes through, and what each project's check has around it."""

from __future__ import annotations

import importlib.metadata
import json
import queue
import sys
import time
import traceback
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from downstream_peers import (
    ASK_CLOSE,
    ASK_FRAGMENTS,
    ASK_PING,
    FRAGMENTS,
    PONG_ARRIVED,
    SERVER_CLOSE,
    Closed,
    Closes,
    Data,
    Endpoint,
    brief,
    joined,
    own_client,
    own_server,
    same,
    websockets_client,
    websockets_server,
)

import wsproto

if TYPE_CHECKING:
    from collections.abc import Callable
    from contextlib import AbstractContextManager

    OpenClient = Callable[[int], AbstractContextManager[Endpoint]]
    OpenServer = Callable[[Closes], AbstractContextManager[int]]

SOURCE = Path(__file__).resolve().parents[2] / "src"
CLIENT_CLOSE = (4001, "the client is done")
MEBIBYTE = bytes(range(256)) * 4096
COMPRESSIBLE = "all work and no play " * 10_000

RATES = "--rates"
RATE_ROUNDS = 4
RATE_SECONDS = 0.5
FLIGHTS: list[tuple[Data, int]] = [("x" * 32, 64), (MEBIBYTE[: 2**16], 4)]  # a message, how many at once


@dataclass(frozen=True)
class Abilities:
    """What the two ends of an exchange can do; what is absent here is not asked for."""

    compression: bool = True  # permessage-deflate must be negotiated, and is refused where this is False
    client_fragments: bool = True
    client_pings: bool = True
    server_fragments: bool = True
    server_pings: bool = True
    client_closes: bool = True  # with a code and a reason of the exchange
    told: tuple[int, str | None] = CLIENT_CLOSE  # what the server's application hears of the client's Close
    closes_are_told: bool = True  # to the client, with code and reason


@dataclass
class Exchange:
    """One client and one server; `done` names what was exchanged, `step` what is going on."""

    open_client: OpenClient
    open_server: OpenServer
    abilities: Abilities
    step: str = "start the server"
    done: list[str] = field(default_factory=list)

    def run(self) -> None:
        """Exchange everything over two connections, one for each side that closes."""
        closes: Closes = queue.Queue()
        with self.open_server(closes) as port:
            self.step = "open"
            with self.open_client(port) as client:
                self.messages(client)
                self.compression(client)
                self.fragments(client)
                self.pings(client)
                if self.abilities.client_closes:
                    self.step = "close from the client"
                    client.close(*CLIENT_CLOSE)
                    same(
                        self.abilities.told, closes.get(timeout=10), "what the server's application was told"
                    )
                    self.done.append(self.step)
            self.step = "close from the server"
            with self.open_client(port) as client:
                client.send(ASK_CLOSE)
                try:
                    raise AssertionError(f"a message came instead of Close: {brief(client.receive())}")
                except Closed as closed:
                    if self.abilities.closes_are_told:
                        same(SERVER_CLOSE, (closed.code, closed.reason), "what the client was told")
                self.done.append(self.step)

    def messages(self, client: Endpoint) -> None:
        """Text, binary, 1 MiB of both; each comes back."""
        cases: list[tuple[str, Data]] = [
            ("text", "gr\N{LATIN SMALL LETTER U WITH DIAERESIS}\N{SNOWMAN}\N{GRINNING FACE}"),
            ("empty text", ""),
            ("binary", bytes(range(256))),
            ("1 MiB binary", MEBIBYTE),
            ("1 MiB text", MEBIBYTE.decode("latin-1")[: 2**19 + 2**18].replace("\0", "0")),
        ]
        for name, message in cases:
            self.echo(client, name, message)

    def compression(self, client: Endpoint) -> None:
        """A text that compresses well: where deflate was agreed, the bytes on the wire are few."""
        self.step = "negotiate permessage-deflate"
        compressed = client.compressed()
        if compressed is not None:
            same(self.abilities.compression, compressed, "permessage-deflate negotiated")
        before = client.traffic()
        self.echo(
            client, "compressed text" if self.abilities.compression else "repetitive text", COMPRESSIBLE
        )
        after = client.traffic()
        if before is not None and after is not None and self.abilities.compression:
            self.step = "compress"
            if after - before > len(COMPRESSIBLE) // 10:
                raise AssertionError(
                    f"a text of 2 x {len(COMPRESSIBLE)} bytes took {after - before} on the wire"
                )

    def fragments(self, client: Endpoint) -> None:
        """Messages in several frames, from both sides."""
        if self.abilities.client_fragments:
            self.step = "fragments from the client"
            client.send_fragments(FRAGMENTS)
            same(joined(FRAGMENTS), client.receive(), "the echo")
            self.done.append(self.step)
        if self.abilities.server_fragments:
            self.step = "fragments from the server"
            client.send(ASK_FRAGMENTS)
            same(joined(FRAGMENTS), client.receive(), "the message")
            self.done.append(self.step)

    def pings(self, client: Endpoint) -> None:
        """Ping and pong, from both sides."""
        if self.abilities.client_pings:
            self.step = "ping from the client"
            client.ping(b"from the client")
            self.done.append(self.step)
        if self.abilities.server_pings:
            self.step = "ping from the server"
            client.send(ASK_PING)
            same(PONG_ARRIVED, client.receive(), "the message after the server's ping")
            self.done.append(self.step)

    def echo(self, client: Endpoint, name: str, message: Data) -> None:
        """Send a message, and receive the same."""
        self.step = name
        client.send(message)
        same(message, client.receive(), "the echo")
        self.done.append(name)


PEER_CLIENTS: dict[str, OpenClient] = {"websockets": websockets_client, "wsproto": own_client}
PEER_SERVERS: dict[str, OpenServer] = {"websockets": websockets_server, "wsproto": own_server}


def check_server(open_server: OpenServer, abilities: Abilities) -> list[Exchange]:
    """Drive a project's server with both independent clients."""
    return [Exchange(open_client, open_server, abilities) for open_client in PEER_CLIENTS.values()]


def check_client(open_client: OpenClient, abilities: Abilities) -> list[Exchange]:
    """Let a project's client talk to both independent servers."""
    return [Exchange(open_client, open_server, abilities) for open_server in PEER_SERVERS.values()]


def rates(exchange: Exchange) -> list[float]:
    """Give how many messages are echoed in a second of CPU time, of both ends: of 32 bytes, and of 64 KiB.

    The best of several rounds, without compression; as many messages as `FLIGHTS` says are under way at once.
    """
    open_client = exchange.open_client
    if open_client is websockets_client:
        open_client = partial(websockets_client, compression=None)
    closes: Closes = queue.Queue()
    with exchange.open_server(closes) as port, open_client(port) as client:
        return [
            max(_rate(client, message, flight) for _ in range(RATE_ROUNDS)) for message, flight in FLIGHTS
        ]


def _rate(client: Endpoint, message: Data, flight: int) -> float:
    echoed = 0
    start = time.process_time()
    while (used := time.process_time() - start) < RATE_SECONDS:
        for _ in range(flight):
            client.send(message)
        for _ in range(flight):
            same(message, client.receive(), "the echo")
        echoed += flight
    return echoed / used


def run_check(project: str, exchanges: list[Exchange]) -> None:
    """Run a project's exchanges: one line on success, one line and status 1 on the first difference.

    With `--rates` it measures the first of them instead, on whichever wsproto is installed.
    """
    if sys.argv[1:] == [RATES]:
        print(json.dumps(rates(exchanges[0])))
        return
    module = Path(wsproto.__file__).resolve()
    if not module.is_relative_to(SOURCE):
        sys.exit(f"{project}: `import wsproto` gave {module}, not this project's {SOURCE}")
    done: list[str] = []
    for exchange in exchanges:
        try:
            exchange.run()
        except Exception as error:  # noqa: BLE001  (whatever a project raises is a finding)
            traceback.print_exc()
            ends = f"{exchange.open_client.__name__} with {exchange.open_server.__name__}"
            sys.exit(f"{ends}, step '{exchange.step}': {type(error).__name__}: {error}")
        done += [step for step in exchange.done if step not in done]
    print(f"{project} {importlib.metadata.version(project)}, {len(exchanges)} pairs: {', '.join(done)}")
