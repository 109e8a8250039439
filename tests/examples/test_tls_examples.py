"""The examples over TLS, with certificates that the test makes."""

from __future__ import annotations

import signal
import ssl
from contextlib import suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest
import trustme

from tests.examples.running import (
    ACCEPT_OF_REQUEST,
    HOST,
    REQUEST,
    TIMEOUT,
    Server,
    raw_server,
    read_frame,
    read_head,
    run,
    serving,
)
from tooling import frames as wire

if TYPE_CHECKING:
    import socket
    from pathlib import Path

SERVERS = ["synchronous_server.py", "asyncio_server.py"]
CLIENTS = ["synchronous_client.py", "asyncio_client.py"]


@dataclass(frozen=True)
class Certificates:
    """Files in PEM: an authority, and what it has signed for HOST."""

    authority: Path
    certificate: Path
    key: Path

    @property
    def options(self) -> tuple[str, str, str, str]:
        return "--certificate", str(self.certificate), "--key", str(self.key)

    def connect(self, server: Server) -> ssl.SSLSocket:
        context = ssl.create_default_context(cafile=self.authority)
        return context.wrap_socket(server.connect(), server_hostname=HOST)


@pytest.fixture(scope="module")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    folder = tmp_path_factory.mktemp("certificates")
    made = Certificates(*(folder / name for name in ("authority.pem", "certificate.pem", "key.pem")))
    authority = trustme.CA()
    leaf = authority.issue_cert(HOST)
    authority.cert_pem.write_to_path(made.authority)
    leaf.private_key_pem.write_to_path(made.key)
    for blob in leaf.cert_chain_pems:
        blob.write_to_path(made.certificate, append=True)
    return made


@pytest.mark.parametrize("server_program", SERVERS)
def test_every_client_talks_to_every_server(server_program: str, certificates: Certificates) -> None:
    texts = ["hello", "x" * 100_000]
    received = "".join(f"received {text!r}\n" for text in texts)
    with serving(server_program, *certificates.options) as server:
        for program in CLIENTS:
            client = run(program, "--ca", certificates.authority, f"wss://{HOST}:{server.port}/", *texts)
            assert (client.status, client.errors) == (0, "")
            assert client.output == (
                f"connected\n{received}received pong b'still there?'\nclosed with 1000 'bye'\n"
            )
        ended = server.stop()
    assert (ended.status, ended.errors) == (0, "")
    assert ended.output.count("closed with 1000 'bye'\n") == len(CLIENTS)
    assert "lost" not in ended.output


def test_http2_client_talks_to_http2_server(certificates: Certificates) -> None:
    with serving("http2_server.py", *certificates.options) as server:
        client = run(
            "http2_client.py", "--ca", certificates.authority, f"wss://{HOST}:{server.port}/", "hello"
        )
        assert (client.status, client.errors) == (0, "")
        ended = server.stop()
    assert (ended.status, ended.errors) == (0, "")
    assert "closed with 1000 'bye'\n" in ended.output


def test_one_port_serves_http1_and_http2(certificates: Certificates) -> None:
    with serving("alpn_server.py", *certificates.options) as server:
        url = f"wss://{HOST}:{server.port}/"
        for program in (*CLIENTS, "http2_client.py"):
            client = run(program, "--ca", certificates.authority, url, "hello")
            assert (client.status, client.errors) == (0, "")
        context = ssl.create_default_context(cafile=certificates.authority)
        context.set_alpn_protocols(["http/1.1", "h2"])
        with context.wrap_socket(server.connect(), server_hostname=HOST) as sock:
            assert sock.selected_alpn_protocol() == "h2"  # the server's choice
        ended = server.stop()
    assert (ended.status, ended.errors) == (0, "")
    assert ended.output.count("closed with 1000 'bye'\n") == 3


@pytest.mark.parametrize("program", SERVERS)
def test_server_shows_no_traceback_whatever_a_client_does(program: str, certificates: Certificates) -> None:
    with serving(program, *certificates.options) as server:
        with server.connect():
            pass  # leaves before TLS
        with server.connect() as sock, suppress(ConnectionResetError):
            sock.sendall(REQUEST)  # speaks no TLS
            while sock.recv(65536):
                pass
        with certificates.connect(server) as sock:
            pass  # leaves without close_notify, before the request
        with certificates.connect(server) as sock:
            sock.sendall(REQUEST)
            assert ACCEPT_OF_REQUEST in read_head(sock)  # leaves without a Close
        with certificates.connect(server) as sock:
            sock.sendall(REQUEST.replace(b"Version: 13", b"Version: 8"))
            head = read_head(sock).lower()
            assert head.startswith(b"http/1.1 426 ")
            assert b"\r\nconnection: close\r\n" in head
            assert sock.recv(1) == b""
        with certificates.connect(server) as sock:
            sock.sendall(REQUEST)
            read_head(sock)
            sock.sendall(wire.frame(wire.TEXT, b"bare"))
            assert read_frame(sock).close_code == 1002
            with suppress(OSError):  # the server has gone, or goes
                while True:
                    sock.sendall(wire.frame(wire.TEXT, b"and more", mask=wire.MASK) * 1000)
        ended = server.stop()
    assert (ended.status, ended.errors) == (0, "")


@pytest.mark.parametrize("program", SERVERS)
def test_server_ends_tls_in_order_after_the_closing_handshake(
    program: str, certificates: Certificates
) -> None:
    with serving(program, *certificates.options) as server, certificates.connect(server) as sock:
        sock.sendall(REQUEST)
        read_head(sock)
        sock.sendall(wire.frame(wire.CLOSE, wire.close_payload(4000, "over"), mask=wire.MASK))
        close = read_frame(sock)
        assert (close.close_code, close.close_reason) == (4000, "over")
        with sock.unwrap():  # raises where the server ended TCP without close_notify
            pass


@pytest.mark.parametrize("program", SERVERS)
def test_server_that_stops_says_goodbye(program: str, certificates: Certificates) -> None:
    with (
        serving(program, *certificates.options, LINGER_SECONDS=TIMEOUT) as server,
        server.connect(),  # has not begun TLS
        certificates.connect(server) as sock,
    ):
        sock.sendall(REQUEST)
        read_head(sock)
        server.signal(signal.SIGINT)
        close = read_frame(sock)
        assert (close.opcode, close.close_code) == (wire.CLOSE, 1001)
        sock.sendall(wire.frame(wire.CLOSE, wire.close_payload(1001), mask=wire.MASK))
        assert sock.recv(1) == b""
        sock.close()
        ended = server.end()
    assert (ended.status, ended.errors) == (0, "")


@pytest.mark.parametrize("program", CLIENTS)
def test_client_trusts_no_unknown_certificate_unless_told_to(
    program: str, certificates: Certificates
) -> None:
    with serving("asyncio_server.py", *certificates.options) as server:
        url = f"wss://{HOST}:{server.port}/"
        refused = run(program, url)
        assert (refused.status, refused.output) == (2, "")
        assert "certificate verify failed" in refused.errors
        assert refused.errors.count("\n") == 1
        assert run(program, "--insecure", url).status == 0
        plain = run(program, f"ws://{HOST}:{server.port}/")
        assert (plain.status, plain.output, plain.errors.count("\n")) == (2, "", 1)
        ended = server.stop()
    assert (ended.status, ended.errors) == (0, "")


@pytest.mark.parametrize("program", CLIENTS)
def test_client_of_a_server_without_tls_says_so(program: str) -> None:
    def serve(sock: socket.socket) -> None:
        sock.settimeout(TIMEOUT)
        sock.recv(65536)
        sock.sendall(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")

    with raw_server(serve) as port:
        client = run(program, "--insecure", f"wss://{HOST}:{port}/")
    assert (client.status, client.output, client.errors.count("\n")) == (2, "", 1)
    assert client.errors.startswith(f"{HOST}:{port}: ")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--certificate", "/nowhere"], ["'/nowhere'", "No such file"]),
        (["--key", "/nowhere"], ["'/nowhere'", "--certificate"]),
        (["--max-message-size", "much"], ["'much'", "whole number of bytes"]),
        ([HOST, "0", "more"], ["'more'", "HOST and PORT"]),
    ],
)
def test_server_names_a_wrong_argument_in_one_line(arguments: list[str], words: list[str]) -> None:
    ended = run("asyncio_server.py", *arguments)
    assert (ended.status, ended.output, ended.errors.count("\n")) == (2, "", 1)
    for word in words:
        assert word in ended.errors
