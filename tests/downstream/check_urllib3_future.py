"""urllib3.future as client: `WSConnection` does the opening handshake, its `connection` the rest."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import urllib3_future
from downstream_exchange import Abilities, check_client, run_check
from downstream_peers import HOST, TIMEOUT_SECONDS, Closed, Data

if TYPE_CHECKING:
    from collections.abc import Iterator


class Urllib3Endpoint:
    """A WebSocket of urllib3.future."""

    def __init__(self, extension: Any) -> None:
        self._extension = extension

    def send(self, data: Data) -> None:
        self._extension.send_payload(data)

    def send_fragments(self, pieces: list[Data]) -> None:
        raise NotImplementedError("urllib3.future sends whole messages")

    def receive(self) -> Data:
        message: Data | None = self._extension.next_payload()
        if message is None:  # it does not tell the code
            raise Closed(0, "")
        return message

    def ping(self, payload: bytes) -> None:
        raise NotImplementedError("urllib3.future pings without a payload, and does not wait")

    def close(self, code: int, reason: str) -> None:
        raise NotImplementedError("urllib3.future closes with a code of its own")

    def compressed(self) -> bool | None:
        return None

    def traffic(self) -> int | None:
        return None


@contextmanager
def urllib3_client(port: int) -> Iterator[Urllib3Endpoint]:
    """Connect with urllib3.future."""
    with urllib3_future.PoolManager(timeout=TIMEOUT_SECONDS) as pool:
        response = pool.urlopen("GET", f"ws://{HOST}:{port}/")
        assert response.extension is not None
        yield Urllib3Endpoint(response.extension)
        response.extension.close()


run_check(
    "urllib3-future",
    check_client(
        urllib3_client,
        Abilities(
            compression=False,
            client_fragments=False,
            client_pings=False,
            client_closes=False,
            closes_are_told=False,
        ),
    ),
)
