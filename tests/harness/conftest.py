from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from tests.harness.serving import TIMEOUT, serving

if TYPE_CHECKING:
    from collections.abc import Iterator

    from tests.harness.serving import EchoServer


@pytest.fixture(scope="session")
def echo_server() -> Iterator[EchoServer]:
    with serving() as server:
        yield server
        assert server.process.poll() is None, "it died"
        server.process.terminate()
        _, errors = server.process.communicate(timeout=TIMEOUT)
        assert server.process.returncode == 0
        assert errors == ""
