"""trio-websocket in both roles: trio runs in a thread, the exchange outside of it."""

from __future__ import annotations

import queue
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import trio
import trio_websocket
from downstream_exchange import Abilities, Exchange, check_client, check_server, run_check
from downstream_peers import HOST, TIMEOUT_SECONDS, Closed, Closes, Data, serve_script

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterator

MAX_MESSAGE_BYTES = 2**21


class TrioEndpoint:
    """A connection of trio-websocket, used from outside of trio's thread."""

    def __init__(
        self, connection: trio_websocket.WebSocketConnection, token: trio.lowlevel.TrioToken
    ) -> None:
        self._connection = connection
        self._token = token

    def send(self, data: Data) -> None:
        self._call(self._connection.send_message, data)

    def send_fragments(self, pieces: list[Data]) -> None:
        raise NotImplementedError("trio-websocket sends whole messages")

    def receive(self) -> Data:
        try:
            message: Data = self._call(self._connection.get_message)
        except trio_websocket.ConnectionClosed as error:
            if error.reason is None:
                raise Closed(1006, "") from error
            raise Closed(error.reason.code, error.reason.reason) from error
        return message

    def ping(self, payload: bytes) -> None:
        self._call(self._connection.ping, payload)

    def close(self, code: int, reason: str) -> None:
        self._call(self._connection.aclose, code, reason)

    def compressed(self) -> bool | None:
        headers = dict(self._connection.handshake_headers)
        return b"sec-websocket-extensions" in headers if self._connection.is_client else None

    def traffic(self) -> int | None:
        return None

    def _call(self, function: Callable[..., Awaitable[Any]], *arguments: object) -> Any:
        async def call() -> Any:
            with trio.fail_after(TIMEOUT_SECONDS):
                return await function(*arguments)

        return trio.from_thread.run(call, trio_token=self._token)


@contextmanager
def trio_thread(main: Callable[[queue.Queue[Any]], Awaitable[None]]) -> Iterator[Any]:
    """Run `main` under trio in a thread until this context ends; gives what it puts into its queue."""
    started: queue.Queue[Any] = queue.Queue()

    async def run() -> None:
        with trio.CancelScope() as scope:
            started.put((trio.lowlevel.current_trio_token(), scope))
            try:
                await main(started)
            except BaseException as error:
                started.put(error)
                raise

    thread = threading.Thread(target=trio.run, args=(run,), daemon=True)
    thread.start()
    token, scope = started.get(timeout=TIMEOUT_SECONDS)
    value = started.get(timeout=TIMEOUT_SECONDS)
    if isinstance(value, BaseException):
        raise value
    yield value
    token.run_sync_soon(scope.cancel)
    thread.join(TIMEOUT_SECONDS)


@contextmanager
def trio_client(port: int) -> Iterator[TrioEndpoint]:
    """Connect with trio-websocket."""

    async def main(started: queue.Queue[Any]) -> None:
        connecting = trio_websocket.open_websocket(
            HOST, port, "/", use_ssl=False, max_message_size=MAX_MESSAGE_BYTES
        )
        async with connecting as connection:
            started.put(TrioEndpoint(connection, trio.lowlevel.current_trio_token()))
            await trio.sleep_forever()

    with trio_thread(main) as endpoint:
        yield endpoint


@contextmanager
def trio_server(closes: Closes) -> Iterator[int]:
    """Serve with trio-websocket; gives the port."""

    async def handle(request: trio_websocket.WebSocketRequest) -> None:
        endpoint = TrioEndpoint(await request.accept(), trio.lowlevel.current_trio_token())
        await trio.to_thread.run_sync(serve_script, endpoint, closes, abandon_on_cancel=True)

    async def main(started: queue.Queue[Any]) -> None:
        async with trio.open_nursery() as nursery:
            server = await nursery.start(
                lambda *, task_status: trio_websocket.serve_websocket(
                    handle, HOST, 0, None, max_message_size=MAX_MESSAGE_BYTES, task_status=task_status
                )
            )
            started.put(server.port)

    with trio_thread(main) as port:
        yield port


# trio-websocket neither offers nor accepts an extension, and sends whole messages.
as_server = Abilities(compression=False, server_fragments=False)
as_client = Abilities(compression=False, client_fragments=False)
run_check(
    "trio-websocket",
    [
        *check_server(trio_server, as_server),
        *check_client(trio_client, as_client),
        Exchange(
            trio_client,
            trio_server,
            Abilities(compression=False, client_fragments=False, server_fragments=False),
        ),
    ],
)
