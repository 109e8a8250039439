"""The configurations of reverse proxies on the page about them carry a WebSocket, as the page says."""

from __future__ import annotations

import shutil
import socketserver
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from tests.docs.snippets import HOST, PORT, PYTHON, blocks, free_port, output_of, program, started
from tests.docs.test_programs import module
from wsproto.events import AcceptConnection, Event, Request
from wsproto.extensions import PerMessageDeflate

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.proxies

FOLDER, LISTENS = "/tmp/wsproto", "8443"  # noqa: S108 - on the page
NGINX_ALONE = ["-g", "daemon off; pid nginx.pid; error_log stderr;"]
PROXIES = {
    "nginx": (["-e", "stderr", "-p", "{folder}", *NGINX_ALONE, "-c"], "nginx", 0),
    "haproxy": (["-f"], "text", 0),
    "apache2": (["-DFOREGROUND", "-f"], "apache", 0),
}


@contextmanager
def recording(folder: Path) -> Iterator[tuple[int, list[Request]]]:
    """Run the echo server of the first page, which compresses here, and keep its clients' requests."""
    requests: list[Request] = []
    echo: Any = module(program("start", "echo_server.py", folder)).Echo

    class Recording(echo):  # type: ignore[misc]
        def answer(self, event: Event) -> Event | None:
            if isinstance(event, Request):
                requests.append(event)
                return AcceptConnection(extensions=[PerMessageDeflate()])
            answer: Event | None = super().answer(event)
            return answer

    handler: Any = Recording
    with socketserver.ThreadingTCPServer((HOST, 0), handler) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        try:
            yield server.server_address[1], requests
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def certificates(tmp_path: Path) -> Path:
    """The files that the page's commands make."""
    output_of(PYTHON, "-m", "trustme", "--quiet", "--dir", tmp_path)
    both = (tmp_path / "server.pem").read_text() + (tmp_path / "server.key").read_text()
    (tmp_path / "both.pem").write_text(both)
    return tmp_path


@pytest.mark.parametrize("name", PROXIES)
def test_a_client_reaches_the_server_through(name: str, certificates: Path) -> None:
    options, language, place = PROXIES[name]
    assert shutil.which(name), f"{name} is not here: apt-get install nginx haproxy apache2"
    port = free_port()
    with recording(certificates) as (behind, requests):
        text = blocks("howto/proxies", language)[place]
        text = text.replace(FOLDER, str(certificates)).replace(LISTENS, str(port)).replace(PORT, str(behind))
        file = certificates / f"{name}.conf"
        file.write_text(text)
        command = [option.format(folder=certificates) for option in options]
        with started(name, *command, file, port=port):
            client = program("howto/tls", "tls_client.py", certificates)
            printed = output_of(PYTHON, client, "localhost", port, certificates / "client.pem")
    assert blocks("howto/proxies", "console")[1].endswith(printed)
    (request,) = requests
    assert request.host == f"localhost:{port}"
    assert (b"x-forwarded-for", HOST.encode()) in request.extra_headers
    assert str(request.extensions[0]).startswith("permessage-deflate")
