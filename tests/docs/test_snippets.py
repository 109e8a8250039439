"""The short snippets of the pages do what the text says; `test_programs.py` runs the whole programs."""

from __future__ import annotations

import asyncio
import json
import re
import socket
import threading
import time
import tracemalloc
import zlib
from dataclasses import fields
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from tests.docs.snippets import (
    DOCS,
    HOST,
    PAGES,
    PYTHON,
    FakeSocket,
    blocks,
    fragments,
    from_client,
    open_client,
    open_server,
    output_of,
    page,
    program,
    program_name,
)
from tests.examples.running import ACCEPT_OF_REQUEST, REQUEST
from tooling import frames as wire
from wsproto import ConnectionState, ConnectionType, Ending, Limits, WSConnection
from wsproto.events import (
    AcceptConnection,
    BytesMessage,
    CloseConnection,
    Event,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate, set_zlib_backend

if TYPE_CHECKING:
    import ssl

TESTED = "".join(path.read_text(encoding="utf-8") for path in Path(__file__).parent.glob("test_*.py"))
WITH_CODE = [name for name in PAGES if blocks(name)]


@pytest.mark.parametrize("name", WITH_CODE)
def test_every_snippet_has_a_test(name: str) -> None:
    """`page` checks that all fragments of a page ran."""
    if fragments(name):
        assert f'page("{name}"' in TESTED
    for block in blocks(name):
        if own_name := program_name(block):
            assert f'"{name}", "{own_name}"' in TESTED


@pytest.mark.parametrize("name", WITH_CODE)
def test_no_line_of_code_needs_scrolling(name: str) -> None:
    assert [line for block in blocks(name) for line in block.splitlines() if len(line) > 88] == []


def test_getting_started_in_memory(capsys: pytest.CaptureFixture[str]) -> None:
    with page("start") as snippets:
        snippets.run()
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].startswith("[Request(host='example.com', target='/chat', ")
    assert printed[2] == "[TextMessage(data='Hello', frame_finished=True, message_finished=True)]"


def test_messages(capsys: pytest.CaptureFixture[str]) -> None:
    sock, ws = FakeSocket(), open_server()
    stored: list[bytes] = []
    with page("howto/messages", sock=sock, ws=ws) as snippets:
        snippets.run()
        assert sock.taken() == wire.frame(wire.TEXT, b"Hello") + wire.frame(wire.BINARY, b"\0\1")
        ws.receive_data(from_client(wire.TEXT, b"Hel", fin=False) + from_client(wire.CONTINUATION, b"lo"))
        snippets.run()
        assert capsys.readouterr().out == "Hello\n"
        ws.receive_data(from_client(wire.TEXT, bytes(2**20 + 1)) + from_client(wire.TEXT, b"next"))
        snippets.again()
        assert wire.decode_frame(sock.taken()).payload[:2] == wire.close_payload(1009)[:2]

        ws = open_server(from_client(wire.BINARY, b"a"))
        snippets.run(ws=ws, store=stored.append, finish=lambda: stored.append(b"end"))
        assert stored == [b"a", b"end"]
        snippets.run()
        first = wire.frame(wire.BINARY, b"first", fin=False)
        assert sock.taken() == first + wire.frame(wire.CONTINUATION, b"last")
        snippets.run(video=bytes(20_000), writer=sock)
        assert sock.taken() == wire.frame(wire.BINARY, bytes(20_000))
        snippets.run()
        assert list(ws.events()) == [TextMessage("from the proxy")]


@pytest.mark.parametrize(
    ("request_", "status"),
    [
        (REQUEST.replace(b"/chat", b"/elsewhere"), b"404"),
        (REQUEST.replace(b"GET", b"PUT"), b"400"),
        (REQUEST.replace(b"Version: 13", b"Version: 8"), b"426"),
        (REQUEST, None),
    ],
)
def test_accepting_and_refusing(request_: bytes, status: bytes | None) -> None:
    sock = FakeSocket()
    with page("howto/handshakes", sock=sock, headers=headers_of(REQUEST)) as snippets:
        snippets.run(data=REQUEST[:-2] + b"Sec-WebSocket-Protocol: chat\r\n\r\n")
        accepted = sock.taken()
        assert ACCEPT_OF_REQUEST in accepted
        assert b"Sec-WebSocket-Protocol: chat\r\n" in accepted
        snippets.run(data=request_)
        judge_refusal(sock.taken(), status)
        snippets.run(data=REQUEST)
        assert sock.taken().endswith(b"\r\n\r\nMembers only")
        snippets.run()
        assert snippets.names["ws"].can_send(AcceptConnection)
        snippets.run()
        assert b"Origin: https://example.com\r\n" in sock.taken()


def judge_refusal(sent: bytes, status: bytes | None) -> None:
    """A refusal ends the connection; a request that is welcome is not refused."""
    if status is None:
        assert sent == b""
        return
    assert sent.startswith(b"HTTP/1.1 " + status)
    assert sent.endswith(b"\r\n\r\n")
    assert b"\r\nConnection: close\r\n" in sent
    assert (b"\r\nConnection: Upgrade\r\n" in sent) == (status == b"426")


def headers_of(request: bytes) -> list[tuple[bytes, bytes]]:
    lines = request.split(b"\r\n")[1:-2]
    return [(name, value) for name, _, value in (line.partition(b": ") for line in lines)]


def test_errors() -> None:
    sock, logged = FakeSocket(), list[Exception]()
    ws = open_server(wire.frame(wire.TEXT, b"no mask"))
    with page("howto/errors", sock=sock, ws=ws, log=logged.append) as snippets:
        snippets.run()
    assert "RFC 6455 5.1" in str(logged[0])
    assert wire.decode_frame(sock.sent).payload[:2] == wire.close_payload(1002)
    assert ws.state is ConnectionState.CLOSED


def test_closing(capsys: pytest.CaptureFixture[str]) -> None:
    answer = from_client(wire.TEXT, b"late") + from_client(wire.CLOSE, wire.close_payload(1000))
    sock = FakeSocket(answer)
    with page("howto/closing", sock=sock, ws=open_server()) as snippets:
        snippets.run()
        assert wire.decode_frame(sock.taken()).payload == wire.close_payload(1000, b"bye")
        assert snippets.names["ws"].ending is Ending.END
        assert [line.split("(")[0] for line in capsys.readouterr().out.splitlines()] == [
            "TextMessage",
            "CloseConnection",
        ]
        snippets.run(ws=open_server(from_client(wire.CLOSE, wire.close_payload(1001))))
        assert sock.taken() == wire.frame(wire.CLOSE, wire.close_payload(1001))


class Stream:
    """A reader and a writer of asyncio in one, which says in which order it was used."""

    def __init__(self, *received: bytes) -> None:
        self.received = [*received]
        self.calls: list[str] = []

    async def read(self, _size: int) -> bytes:
        self.calls.append("read")
        return self.received.pop(0) if self.received else b""

    def write(self, _data: bytes) -> None:
        self.calls.append("write")

    async def drain(self) -> None:
        self.calls.append("drain")


def test_back_pressure() -> None:
    async def handle(event: Event) -> list[Event]:
        return [event] if isinstance(event, TextMessage) else []

    async def fill() -> None:
        stream = Stream(*[from_client(wire.TEXT, b"a") * 10] * 3)
        reading = asyncio.create_task(snippets.names["read"](open_server(), stream))
        await asyncio.sleep(0.01)
        assert stream.calls == ["read", "read"]  # 16 of 20 events wait in the queue, so nothing more is read
        reading.cancel()
        full: asyncio.Queue[Event] = asyncio.Queue(1)
        full.put_nowait(TextMessage("before"))
        snippets.names["broadcast"]("a", [full, empty := asyncio.Queue[Event]()])
        assert [full.get_nowait(), empty.get_nowait()] == [
            CloseConnection(1013, "too slow"),
            TextMessage("a"),
        ]

    with page("howto/backpressure", asyncio=asyncio) as snippets:
        snippets.run()
        stream = Stream(from_client(wire.TEXT, b"a") * 2)
        asyncio.run(snippets.names["serve"](open_server(), stream, stream, handle))
        assert stream.calls == ["read", *["write", "drain"] * 2, "read"]
        snippets.run()
        snippets.run()
        asyncio.run(fill())


def test_limits() -> None:
    with page("howto/limits") as snippets:
        limits: Limits = Limits()
        snippets.run()
    rows = re.findall(r"^\| `(\w+)` \| ([^|]+) \|", (DOCS / "howto/limits.md").read_text(), re.MULTILINE)
    units = {"none": None, "1 MiB": 2**20, "64 KiB": 2**16, "16 KiB": 2**14}
    said = {name: units.get(value, value) for name, value in rows}
    assert {name: int(value) if isinstance(value, str) else value for name, value in said.items()} == {
        field.name: getattr(limits, field.name) for field in fields(limits)
    }


def test_compression() -> None:
    sock, client, server = FakeSocket(), WSConnection(ConnectionType.CLIENT), open_request()
    with page("howto/compression", sock=sock, ws=client) as snippets:
        snippets.run()
        assert b"Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits\r\n" in sock.taken()
        snippets.run(ws=server)
        assert b"101" in sock.taken()
        snippets.run()
        snippets.run(ws=WSConnection(ConnectionType.CLIENT))
        assert b"server_no_context_takeover, permessage-deflate" in re.sub(
            rb"; client_\w+", b"", sock.taken()
        )
        try:
            snippets.run()
        finally:
            set_zlib_backend(zlib)


def open_request() -> WSConnection:
    ws = WSConnection(ConnectionType.SERVER)
    ws.receive_data(REQUEST)
    list(ws.events())
    return ws


@pytest.mark.zlib_output
@pytest.mark.parametrize(
    ("settings", "said"),
    re.findall(
        r"^\| `(.*?)` \| (\d+) \|$", (DOCS / "howto/compression.md").read_text(encoding="utf-8"), re.MULTILINE
    ),
)
def test_memory_of_compression(settings: str, said: str) -> None:
    arguments = settings.removeprefix("PerMessageDeflate(").removesuffix(")")
    names: dict[str, Any] = {"PerMessageDeflate": PerMessageDeflate}
    extension: PerMessageDeflate = eval(f"PerMessageDeflate({arguments})", names)  # noqa: S307
    pairs = [pair(extension) for _ in range(10)]
    tracemalloc.start()
    for client, server in pairs:
        for sender, receiver in ((client, server), (server, client)):
            receiver.receive_data(sender.send(TextMessage("a" * 300)))
            list(receiver.events())
    held = tracemalloc.get_traced_memory()[0] / 20 / 1024
    tracemalloc.stop()
    assert held == pytest.approx(int(said), rel=0.05, abs=0.5)


def pair(extension: PerMessageDeflate) -> tuple[WSConnection, WSConnection]:
    client, server = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
    server.receive_data(client.send(Request(host="localhost", target="/", extensions=[extension])))
    list(server.events())
    client.receive_data(server.send(AcceptConnection(extensions=[extension])))
    list(client.events())
    return client, server


def test_an_extension_of_ones_own(capsys: pytest.CaptureFixture[str]) -> None:
    with page("howto/extensions") as snippets:
        snippets.run()
        snippets.run()
        assert "extensions=['x-inverted']" in capsys.readouterr().out
        sent = snippets.names["server"].send(BytesMessage(b"Hello"))
        assert wire.decode_frame(sent).payload == bytes(255 - byte for byte in b"Hello")


def test_origins() -> None:
    def request(origin: bytes) -> bytes:
        return REQUEST[:-2] + b"Origin: " + origin + b"\r\nCookie: id=1\r\n\r\n"

    sock = FakeSocket()
    with page("howto/origins", sock=sock, known=lambda *_: True) as snippets:
        snippets.run()
        ws = WSConnection(ConnectionType.SERVER)
        ws.receive_data(request(b"https://example.com"))
        snippets.run(ws=ws)
        assert sock.taken().startswith(b"HTTP/1.1 101")
        for known, status in ((True, b"403"), (False, b"401")):
            ws = WSConnection(ConnectionType.SERVER)
            ws.receive_data(request(b"https://evil-example.com" if known else b"https://example.com"))
            snippets.again(ws=ws, known=lambda *_, known=known: known)
            assert sock.taken().startswith(b"HTTP/1.1 " + status)


def test_sockets() -> None:
    with page("howto/sockets") as snippets:
        snippets.run()
        shake_hands = snippets.names["shake_hands"]
        here, there = socket.socketpair()
        with here, there:
            there.sendall(REQUEST)
            ws = WSConnection(ConnectionType.SERVER)
            shake_hands(ws, here, lambda _: AcceptConnection())
            assert ACCEPT_OF_REQUEST in there.recv(65536)
            with pytest.raises(TimeoutError):
                shake_hands(WSConnection(ConnectionType.SERVER), here, AcceptConnection, seconds=0.05)
        with socket.socket() as sock:
            snippets.run(sock=sock)
            assert sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY)
        snippets.run()
        here, there = socket.socketpair()
        with there:
            threading.Timer(0.05, there.close).start()
            began = time.monotonic()
            snippets.names["hang_up"](here, seconds=60)
            assert time.monotonic() - began < 50, "it ends with the peer's end, not after its time"
            assert here.fileno() == -1
        here, there = socket.socketpair()
        with there:  # a peer that stays
            snippets.names["hang_up"](here, seconds=0.05)
            assert here.fileno() == -1


def test_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The commands make the certificate that the snippets load."""
    monkeypatch.chdir(tmp_path)
    output_of(PYTHON, "-m", "trustme", "--quiet")
    with page("howto/tls") as snippets:
        context: ssl.SSLContext = snippets.run()["context"]
    client = program("howto/tls", "tls_client.py", tmp_path)
    with socket.create_server((HOST, 0)) as listener:
        port = listener.getsockname()[1]

        def serve() -> None:
            accepted, _ = listener.accept()
            with context.wrap_socket(accepted, server_side=True) as sock:
                ws = WSConnection(ConnectionType.SERVER)
                while ws.ending is Ending.NONE:
                    ws.receive_data(sock.recv(65536) or None)
                    for event in ws.events():
                        answer = {Request: AcceptConnection(), TextMessage: event}.get(type(event))
                        sock.sendall(ws.send(answer or CloseConnection(1000)))

        thread = threading.Thread(target=serve)
        thread.start()
        printed = output_of(PYTHON, client, "localhost", port, "client.pem", folder=tmp_path)
        thread.join()
    assert printed == "Hello over TLS\nclosed with 1000\n"


def test_coming_from_wsproto(capsys: pytest.CaptureFixture[str]) -> None:
    with page("migrating") as snippets:
        counting = snippets.run()["Counting"]()
        client, server = pair(counting)
        server.receive_data(client.send(TextMessage("a" * 1000)))
        list(server.events())
        assert counting.inflated == 1000
        stamped = snippets.run()["Stamped"]("a")
        stamped.received_at = 1.0
        assert open_client().send(stamped)
        snippets.run()
        written = json.loads(capsys.readouterr().out)
        assert written == {"data": "Hello", "frame_finished": True, "message_finished": True}
