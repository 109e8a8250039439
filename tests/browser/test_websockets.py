"""`WebSocket` of real browsers against the example servers, over HTTP/1.1 and HTTP/2: `make browser`.

Firefox takes part where it is installed.
"""

from __future__ import annotations

import asyncio
import json
import re
import shutil
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import pytest
from playwright.sync_api import Error
from websockets.asyncio.client import connect

from docs.screenshots import chromium
from tests.examples.running import serving

if TYPE_CHECKING:
    from collections.abc import Callable

    from websockets.asyncio.client import ClientConnection

pytestmark = [pytest.mark.browser, pytest.mark.timeout(120)]

HERE = Path(__file__).resolve().parent
SERVER = str(HERE / "websocket_server.py")
SCRIPT = (HERE / "websockets.js").read_text("utf-8")

PROTOCOLS = {"h2": "HTTP/2", "http/1.1": "HTTP/1.1"}

FOUND: dict[str, Any] = {
    "opens": "open",
    "noProtocol": "",
    "text": "Hello, é€😀",
    "empty": "",
    "binary": [0, 1, 254, 255],
    "mebibyte": True,
    "binaryMebibyte": True,
    "closedByPage": [4000, "the page's ✓", True],
    "opensToo": "open",
    "protocol": "chat",
    "closedByServer": [4001, "the server's ✓", True],
    "refused": "closed",
    "afterRefusal": [1006, "", False],
    "several": [[f"number {number}", 1005] for number in range(10)],
}
"""What a page finds."""


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("certificates")
    subprocess.run([sys.executable, "-m", "trustme", "-q", "-d", folder], check=True)  # noqa: S603
    return folder


def in_chromium(port: int) -> dict[str, Any]:
    with chromium() as browser, browser.new_context(ignore_https_errors=True) as context:
        with suppress(Error):  # an older Chromium asks no permission for it
            context.grant_permissions(["local-network-access"])
        page = context.new_page()
        # A page without an origin of its own shares no connection: its WebSockets never use HTTP/2.
        page.route("**/page", lambda route: route.fulfill(content_type="text/html", body="<p>A page"))
        page.goto(f"https://127.0.0.1:{port}/page")
        found: dict[str, Any] = page.evaluate(SCRIPT, port)
    return found


class Bidi:
    """As much of WebDriver BiDi as runs a script in a page; Firefox speaks it by itself."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._last = 0

    async def call(self, method: str, **params: object) -> dict[str, Any]:
        self._last += 1
        await self._connection.send(json.dumps({"id": self._last, "method": method, "params": params}))
        while True:
            answer = json.loads(await self._connection.recv())
            if answer.get("id") == self._last:
                assert answer["type"] == "success", answer
                result: dict[str, Any] = answer["result"]
                return result


def in_firefox(port: int) -> dict[str, Any]:
    program = shutil.which("firefox-esr") or shutil.which("firefox")
    assert program is not None
    with TemporaryDirectory(ignore_cleanup_errors=True) as profile:  # it may still write there when it ends
        return asyncio.run(_in_firefox(program, profile, port))


async def _in_firefox(program: str, profile: str, port: int) -> dict[str, Any]:
    options = ("--headless", "--no-remote", "--profile", profile, "--remote-debugging-port", "0")
    process = await asyncio.create_subprocess_exec(program, *options, stderr=subprocess.PIPE)
    try:
        assert process.stderr is not None
        async for line in process.stderr:
            if url := re.search(rb"WebDriver BiDi listening on (ws://\S+)", line):
                break
        else:
            pytest.fail("Firefox does not speak WebDriver BiDi")
        async with connect(f"{url[1].decode()}/session", proxy=None, max_size=None) as connection:
            bidi = Bidi(connection)
            await bidi.call("session.new", capabilities={"alwaysMatch": {"acceptInsecureCerts": True}})
            context = (await bidi.call("browsingContext.create", type="tab"))["context"]
            result = await bidi.call(
                "script.evaluate",
                expression=f"({SCRIPT.rstrip().rstrip(';')})({port}).then(JSON.stringify)",
                target={"context": context},
                awaitPromise=True,
            )
        assert result["type"] == "success", result
        found: dict[str, Any] = json.loads(result["result"]["value"])
        return found
    finally:
        process.kill()
        await process.wait()


BROWSERS = {"chromium": in_chromium}
if shutil.which("firefox-esr") or shutil.which("firefox"):
    BROWSERS["firefox"] = in_firefox


@pytest.mark.parametrize("protocol", PROTOCOLS)
@pytest.mark.parametrize("play", BROWSERS.values(), ids=BROWSERS)
def test_a_page_can_do_all_with_its_websockets(
    play: Callable[[int], dict[str, Any]], protocol: str, certificates: Path
) -> None:
    files = ("--certificate", certificates / "server.pem", "--key", certificates / "server.key")
    with serving(SERVER, protocol, *files) as server:
        found = play(server.port)
        ended = server.stop()
    extensions = found.pop("extensions")
    assert extensions.partition(";")[0] == "permessage-deflate", extensions
    assert found == FOUND
    assert set(re.findall(r"^HTTP/.*$", ended.output, re.MULTILINE)) == {PROTOCOLS[protocol]}
    assert ended.output.count("accepted '/'\n") == 10
    assert "refused '/elsewhere': 404\n" in ended.output
    assert 'closed with 4000 "the page\'s ✓"\n' in ended.output
    assert 'closed with 4001 "the server\'s ✓"\n' in ended.output
    assert (ended.status, ended.errors) == (0, "")
