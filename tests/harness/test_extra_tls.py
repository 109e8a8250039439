"""The cases over TLS find out peers that end it, name it or trust in it as they should not."""

from __future__ import annotations

import asyncio
import socket
import ssl
from contextlib import aclosing, closing, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qs, urlsplit

import pytest

from harness.engines.extra import ExtraSuite
from harness.engines.suite import Ended, Listening
from harness.extra import EXTRA
from harness.extra.case import TRUSTED
from harness.extra.certificates import EARLY, EXPIRED, HOST, OTHER_NAME, STRANGE, Certificates
from harness.extra.driver import Play
from harness.order import Order
from harness.roles import ROLES
from harness.setups import VARIANTS
from tests.harness import lax_peers
from tests.harness.serving import serving
from tests.harness.test_extra_verdicts import NOWHERE, not_ok
from tooling import frames as wire
from tooling.frames import TEXT

if TYPE_CHECKING:
    from collections.abc import Awaitable, Callable, Iterable

    Peer = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]

SILENT = {lax_peers.silent_server, lax_peers.staying_client}

BAD = (OTHER_NAME, STRANGE, EXPIRED, EARLY)


def patience(peer: Peer) -> float:
    """Seconds that a peer has for each step: enough on a busy machine, or little, since nothing comes."""
    return 0.2 if peer in SILENT else 10.0


def named(title: str) -> str:
    return next(name for name, case in EXTRA.items() if case.over_tls and title in case.title)


CLOSING, SNI, REQUEST = named("closing handshake"), named("SNI"), named("The request")
FIRST, HTTP = named("A text over TLS"), named("HTTP")


async def without_close_notify(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Echoes as it should, and ends TCP alone."""
    writer.write(lax_peers.accepted(await reader.readuntil(b"\r\n\r\n")))
    await echo_once(reader, writer, None)


async def leaving_server(_reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
    """Ends each connection at once."""


async def echo_once(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, mask: bytes | None) -> None:
    data = bytearray()
    for _ in range(2):
        while not (found := wire.take_frame(data, 100)):
            data += await reader.read(100)
        writer.write(lax_peers.echoed(found, mask))
    await writer.drain()
    writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)


async def cutting_client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Echoes as it should, and ends TCP alone."""
    await reader.readuntil(b"\r\n\r\n")
    await echo_once(reader, writer, wire.MASK)


def against(peer: Peer, names: Iterable[str], shown: str | None = TRUSTED) -> dict[str, Any]:
    """Play cases against a server that shows a certificate, or has no TLS."""

    async def served(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError):
            await peer(reader, writer)
        writer.transport.abort()

    async def run() -> dict[str, Any]:
        with closing(Certificates()) as certificates:
            tls = certificates.showing(shown) if shown else None
            server = await asyncio.start_server(served, "127.0.0.1", 0, ssl=tls)
            url = f"wss://localhost:{server.sockets[0].getsockname()[1]}"
            plays = {name: Play(EXTRA[name], "server", "lax", patience(peer), certificates) for name in names}
            reports = {name: await play.against_server(url) for name, play in plays.items()}
            server.close()
            await asyncio.sleep(0.05)  # for the ends of the connections
            return dict(reports)

    return asyncio.run(run())


def by(peer: Peer, names: Iterable[str], **how: Any) -> dict[str, Any]:
    """Let a client that says it has the mode run cases; `how` it comes there, see `come`."""
    names = list(names)

    async def drive(url: str) -> None:
        for number in range(1, len(names) + 1):
            mode = await asked(url, f"/getCaseMode?case={number}&modes=tls")
            await come(peer, url, mode, f"/runCase?case={number}&agent=lax", **how)
        await come(lax_peers.lax_client, url, "/", "/updateReports?agent=lax", to_tls=False)

    async def run() -> dict[str, Any]:
        async with aclosing(ExtraSuite("lax", patience(peer)).fuzz_client(names, NOWHERE)) as steps:
            listening = await anext(steps)
            assert isinstance(listening, Listening)
            driving = asyncio.create_task(drive(listening.url))
            reports: dict[str, Any] = {
                step.case: step.report async for step in steps if isinstance(step, Ended)
            }
            await driving
        return reports

    return asyncio.run(run())


async def come(
    peer: Peer,
    url: str,
    mode: str,
    target: str,
    *,
    to_tls: bool = True,
    trusts: bool = True,
    sni: str = HOST,
    host: str = "",
    asks: bool = True,
) -> None:
    """Connect, over TLS if so, and send a request, if so."""
    query = {key: values[0] for key, values in parse_qs(urlsplit(mode).query).items()}
    context = ssl.create_default_context(cafile=query["authority"]) if to_tls else None
    if context and not trusts:
        context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    server = urlsplit(query["server"] if to_tls else url)
    with suppress(OSError, asyncio.IncompleteReadError):
        reader, writer = await asyncio.open_connection(
            "127.0.0.1", server.port, ssl=context, server_hostname=sni if context else None
        )
        with suppress(OSError, asyncio.IncompleteReadError):
            if asks:
                writer.write(lax_peers.REQUEST.format(target=target, host=host or server.netloc).encode())
            await peer(reader, writer)
        writer.close()
        await writer.wait_closed()


async def asked(url: str, target: str) -> str:
    """The text that the suite answers."""
    server = urlsplit(url)
    reader, writer = await asyncio.open_connection(server.hostname, server.port)
    request = lax_peers.REQUEST.replace("Sec-WebSocket-Extensions", "X-Unknown")
    writer.write(request.format(target=target, host=server.netloc).encode())
    await reader.readuntil(b"\r\n\r\n")
    data = bytearray()
    while not (found := wire.take_frame(data, 2**16)):
        data += await reader.read(2**16)
    writer.write(wire.frame(8, b"\x03\xe8", mask=wire.MASK))
    writer.close()
    return found.payload.decode(errors="replace")


def cases(role: Any) -> list[str]:
    return [name for name, case in EXTRA.items() if case.over_tls and role in case.roles]


@pytest.mark.parametrize(
    ("shown", "why"),
    [
        (OTHER_NAME, "Hostname mismatch"),
        (STRANGE, "unable to get local issuer|self.signed certificate in"),
        (EXPIRED, "certificate has expired"),
        (EARLY, "certificate is not yet valid"),
    ],
)
def test_a_certificate_is_bad_for_the_reason_that_its_name_says(shown: str, why: str) -> None:
    with closing(Certificates()) as certificates:
        to_client, to_server = ssl.MemoryBIO(), ssl.MemoryBIO()
        client = certificates.trusting().wrap_bio(to_client, to_server, server_hostname=HOST)
        server = certificates.showing(shown).wrap_bio(to_server, to_client, server_side=True)
        for side in (client, server):
            with suppress(ssl.SSLWantReadError):
                side.do_handshake()
        with pytest.raises(ssl.SSLCertVerificationError, match=why):
            client.do_handshake()


def test_the_files_are_gone_with_the_certificates() -> None:
    with closing(Certificates()) as certificates:
        query = parse_qs(urlsplit(certificates.server_mode()).query)
        files = [Path(query[name][0]) for name in ("certificate", "key")]
        assert [file.read_bytes()[:10] for file in files] == [b"-----BEGIN", b"-----BEGIN"]
        assert oct(files[1].parent.stat().st_mode)[-3:] == "700"
    assert not files[1].parent.exists()


def test_tls_is_played_in_one_variant() -> None:
    """It is none of the library's."""
    names = sorted({*cases("server"), *cases("client")})
    assert list(map(str, Order(ROLES, "full", names, variants=VARIANTS).cases())) == ["server", "client"]


def test_every_case_finds_out_some_server() -> None:
    found_out = not_ok(against(lax_peers.lax_server, cases("server")))
    found_out |= not_ok(against(lax_peers.lax_server, [HTTP], shown=None))
    found_out |= not_ok(against(without_close_notify, [CLOSING]))
    found_out |= not_ok(against(lax_peers.silent_server, set(cases("server")) - found_out))
    assert found_out == set(cases("server"))


def test_every_case_finds_out_some_client() -> None:
    found_out = not_ok(by(lax_peers.lax_client, cases("client"), trusts=False, sni="127.0.0.1", host="a"))
    found_out |= not_ok(by(lax_peers.leaving_client, set(cases("client")) - found_out))
    assert found_out == set(cases("client"))


@pytest.mark.parametrize(
    ("peer", "shown", "name", "verdict", "said"),
    [
        (lax_peers.lax_server, TRUSTED, FIRST, "OK", ""),
        (lax_peers.lax_server, TRUSTED, CLOSING, "OK", ""),
        (lax_peers.lax_server, TRUSTED, HTTP, "OK", "dropped the connection"),
        (without_close_notify, TRUSTED, FIRST, "OK", ""),
        (without_close_notify, TRUSTED, CLOSING, "NON-STRICT", "ended TCP without a close_notify before"),
        (lax_peers.lax_server, STRANGE, FIRST, "FAILED", "no handshake of TLS: certificate verify failed"),
        (lax_peers.lax_server, OTHER_NAME, FIRST, "FAILED", "no handshake of TLS: certificate verify failed"),
        (lax_peers.silent_server, None, FIRST, "FAILED", "no handshake of TLS within"),
        (leaving_server, None, FIRST, "FAILED", "the peer did not go on with it"),
        (lax_peers.lax_server, None, HTTP, "FAILED", "accepted the request with 101"),
    ],
)
def test_a_server(peer: Peer, shown: str | None, name: str, verdict: str, said: str) -> None:
    report = against(peer, [name], shown)[name]
    assert (report["behavior"], said in report["result"]) == (verdict, True), report["result"]


@pytest.mark.parametrize(
    ("peer", "name", "how", "verdict", "said"),
    [
        (lax_peers.lax_client, FIRST, {}, "OK", ""),
        (lax_peers.lax_client, CLOSING, {}, "OK", ""),
        (lax_peers.lax_client, SNI, {}, "OK", ""),
        (lax_peers.lax_client, REQUEST, {}, "OK", ""),
        (cutting_client, CLOSING, {}, "NON-STRICT", "ended TCP without a close_notify before"),
        (lax_peers.lax_client, SNI, {"trusts": False, "sni": "127.0.0.1"}, "FAILED", "SNI is '', not"),
        (lax_peers.lax_client, SNI, {"trusts": False, "sni": "example"}, "FAILED", "SNI is 'example', not"),
        (lax_peers.lax_client, REQUEST, {"host": "localhost"}, "FAILED", "has Host ['localhost'], not"),
        (lax_peers.lax_client, FIRST, {"to_tls": False}, "FAILED", "did not come over TLS"),
        (lax_peers.lax_client, FIRST, {"sni": "example"}, "FAILED", "no request came over TLS"),
        (lax_peers.staying_client, FIRST, {"asks": False}, "FAILED", "the client said nothing"),
        *((lax_peers.lax_client, named(bad), {}, "OK", "ended the connection") for bad in BAD),
        *(
            (lax_peers.lax_client, named(bad), {"trusts": False}, "FAILED", "took the certificate, and sent")
            for bad in BAD
        ),
        (lax_peers.lax_client, named(BAD[0]), {"to_tls": False}, "FAILED", "did not come over TLS"),
        (lax_peers.staying_client, named(BAD[0]), {"trusts": False, "asks": False}, "FAILED", "neither"),
    ],
)
def test_a_client(peer: Peer, name: str, how: dict[str, Any], verdict: str, said: str) -> None:
    report = by(peer, [name], **how)[name]
    assert (report["behavior"], said in report["result"]) == (verdict, True), report["result"]


@pytest.mark.parametrize("name", [FIRST, HTTP])
def test_a_server_that_says_another_url_is_named(name: str) -> None:
    play = Play(EXTRA[name], "server", "lax")
    report: Any = asyncio.run(play.against_server("wss://example.com:443"))
    assert report["behavior"] == "FAILED"
    assert "in the mode tls is 'wss://example.com:443', not wss://localhost:PORT" in report["result"]


def test_the_log_shows_plaintext() -> None:
    log = against(lax_peers.lax_server, [FIRST])[FIRST]["wirelog"]
    assert [entry[1] for entry in log if entry[0] in {"TF", "RF"}] == [
        [5, "Hello"],
        [5, "Hello"],
        [2, "0x03e8"],
        [2, "0x03e8"],
    ]
    assert ["RO", [7, wire.frame(TEXT, b"Hello").hex()]] in [entry[:2] for entry in log]


def test_the_server_listens_once_for_a_certificate() -> None:
    with closing(Certificates()) as certificates, serving() as server:
        url = f"ws://127.0.0.1:{server.address[1]}"
        path = certificates.server_mode()
        first, second = (asyncio.run(asked(url, path)) for _ in range(2))
        assert first == second
        assert first.startswith("wss://localhost:")
        report: Any = asyncio.run(
            Play(EXTRA[FIRST], "server", "lax", 10.0, certificates).against_server(first)
        )
        assert report["behavior"] == "OK"
        assert "tls" in asyncio.run(asked(url, "/modes")).split()
        for path in ("/tls", f"/tls?certificate={__file__}&key={__file__}"):
            assert "the path names no certificate and key" in asyncio.run(asked(url, path))
