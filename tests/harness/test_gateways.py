"""The bridge against an independent gateway: HAProxy in its place gives the same verdicts.

`make gateways` runs this; it needs HAProxy 2.4 or later.
"""

from __future__ import annotations

import json
import shutil
import socket
import subprocess
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from harness.cli import main
from tests.examples.running import serving

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

CONFIGURATION = """
defaults
    mode http
    timeout connect 5s
    timeout client 60s
    timeout server 60s
    timeout tunnel 60s
frontend suite
    bind fd@{listener}
    default_backend testee
backend testee
    server testee 127.0.0.1:{port} proto h2
"""

LIMIT = str(2**20)
CASES = ["1", "2", "3", "4", "5", "6", "7", "10", "X.3", "X.4", "X.5", "X.7", "X.8", "X.9"]


@contextmanager
def bridge(port: int, _folder: Path) -> Iterator[str]:
    """Give the URL of the bridge to a server at a port."""
    command = [sys.executable, "-m", "harness.transports", "server", "h2", str(port)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:  # noqa: S603
        assert process.stdout
        yield process.stdout.readline().split()[-1]
        process.terminate()


@contextmanager
def haproxy(port: int, folder: Path) -> Iterator[str]:
    """Give the URL of HAProxy before a server at a port; it takes over a socket that listens."""
    program = shutil.which("haproxy")
    assert program, "apt-get install haproxy"
    with socket.create_server(("127.0.0.1", 0)) as listener:
        file = folder / "haproxy.cfg"
        file.write_text(CONFIGURATION.format(listener=listener.fileno(), port=port))
        command = [program, "-db", "-f", str(file)]
        with subprocess.Popen(command, pass_fds=[listener.fileno()]) as process:  # noqa: S603
            try:
                yield f"ws://127.0.0.1:{listener.getsockname()[1]}"
            finally:
                process.terminate()


def verdicts(url: str, folder: Path) -> dict[str, Any]:
    """Play the cases against a server at a URL."""
    main(["test", f"{url}/", "--max-message-size", LIMIT, "--report", str(folder), "--cases", *CASES])
    found = json.loads((folder / "results.json").read_text())
    assert found["complete"], found["stopped"]
    return {
        name: (report["behavior"], report["behaviorClose"], report["remoteCloseCode"], report.get("status"))
        for name, report in found["setups"]["server"]["cases"].items()
    }


@pytest.mark.engines
@pytest.mark.timeout(1200)
def test_haproxy_in_place_of_the_bridge_gives_the_same_verdicts(tmp_path: Path) -> None:
    found = {}
    for gateway in (bridge, haproxy):
        with (
            serving("http2_server.py", "--max-message-size", LIMIT) as server,
            gateway(server.port, tmp_path) as url,
        ):
            found[gateway] = verdicts(url, tmp_path / gateway.__name__)
    assert len(found[bridge]) > 400
    unlike = {
        name: (verdict, found[haproxy].get(name))
        for name, verdict in found[bridge].items()
        if found[haproxy].get(name) != verdict
    }
    assert unlike == {}
