"""The addresses that the example clients take, and those that they refuse."""

from __future__ import annotations

import socket
import sys
from importlib.util import module_from_spec, spec_from_file_location
from typing import TYPE_CHECKING

import pytest

from tests.examples.running import EXAMPLES, accept, raw_server, read_frame, run
from tooling import frames as wire

if TYPE_CHECKING:
    from types import ModuleType

CLIENTS = ["synchronous_client.py", "asyncio_client.py"]


def load() -> ModuleType:
    spec = spec_from_file_location("example_addresses", EXAMPLES / "addresses.py")
    assert spec is not None
    assert spec.loader is not None
    module = module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


ADDRESSES = load()


@pytest.mark.parametrize(
    ("url", "node", "port", "authority", "target"),
    [
        ("ws://example.com", "example.com", 80, "example.com", "/"),
        ("wss://EXAMPLE.com:443/chat?room=1", "example.com", 443, "example.com", "/chat?room=1"),
        ("wss://example.com:80?room=1", "example.com", 80, "example.com:80", "/?room=1"),
        (
            "ws://b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.de/",
            "xn--bcher-kva.de",
            80,
            "xn--bcher-kva.de",
            "/",
        ),
        ("ws://xn--strae-oqa.de/", "xn--strae-oqa.de", 80, "xn--strae-oqa.de", "/"),
        ("ws://a/%C3%A9/\N{LATIN SMALL LETTER E WITH ACUTE}?{}", "a", 80, "a", "/%C3%A9/%C3%A9?{}"),
        ("ws://127.0.0.1:8000/", "127.0.0.1", 8000, "127.0.0.1:8000", "/"),
        ("ws://[::1]:8000/", "::1", 8000, "[::1]:8000", "/"),
        # RFC 6874: "%25" stands before the zone, which is used to connect and means nothing to the server.
        ("ws://[fe80::1%25lo]:8000/", "fe80::1%lo", 8000, "[fe80::1]:8000", "/"),
        ("ws://[fe80::1%25wl%2Dp3s0]/", "fe80::1%wl-p3s0", 80, "[fe80::1]", "/"),
        ("ws://[fe80::1%eth0]/", "fe80::1%eth0", 80, "[fe80::1]", "/"),
    ],
)
def test_a_url_is_taken_apart(url: str, node: str, port: int, authority: str, target: str) -> None:
    address = ADDRESSES.address_of_url(url)
    assert (address.node, address.port, address.authority, address.target) == (node, port, authority, target)


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("ws://user@example.com/", "user info"),
        ("ws://user:secret@example.com/", "user info"),
        ("ws://example.com/#top", "fragment"),
        ("http://example.com/", "neither ws:// nor wss://"),
        ("ws://example.com:0/", "port 0"),
        ("ws://example.com:65536/", "[Pp]ort"),
        ("ws://example.com:http/", "[Pp]ort"),
        ("ws:///chat", "host name"),
        ("ws://a..b/", "label"),
        (f"ws://{'a' * 64}.example/", "label"),
        ("ws://stra\N{LATIN SMALL LETTER SHARP S}e.de/", "'strasse.de': write its labels in their xn-- form"),
        ("ws://exa mple.com/", "white space"),
        ("ws://exa\tmple.com/", "white space"),
        ("ws://exa%6Dple.com/", "host name"),
        ("ws://[::1/", "IPv6"),
        ("ws://[::1%25]/", "bad zone|IPv6"),
        ("ws://[fe80::1%25a%20b]/", "bad zone|IPv6"),
        ("ws://[fe80::x]/", "IPv6"),
    ],
)
def test_what_is_no_address_is_refused_with_the_rule(url: str, rule: str) -> None:
    with pytest.raises(ADDRESSES.AddressError, match=rule) as caught:
        ADDRESSES.address_of_url(url)
    assert "\n" not in str(caught.value)


def has_ipv6_loopback() -> bool:
    try:
        with socket.create_server(("::1", 0), family=socket.AF_INET6):
            return True
    except OSError:
        return False


@pytest.mark.skipif(not has_ipv6_loopback(), reason="the system has no IPv6 loopback address")
@pytest.mark.parametrize("program", CLIENTS)
@pytest.mark.parametrize("url", [True, False])
def test_a_zone_is_used_to_connect_and_not_sent(program: str, *, url: bool) -> None:
    requests = []

    def serve(sock: socket.socket) -> None:
        requests.append(accept(sock))
        read_frame(sock)
        sock.sendall(wire.frame(wire.CLOSE, wire.close_payload(1001)))
        read_frame(sock)

    # The loopback interface has the number 1; a name would be taken for a link-local address alone.
    with raw_server(serve, "::1") as port:
        where = [f"ws://[::1%251]:{port}/"] if url else ["::1%1", port]
        client = run(program, *where)
    assert (client.status, client.output) == (1, "connected\n")
    assert client.errors == f"[::1]:{port}: the server closed with 1001 ''\n"
    assert f"\r\nHost: [::1]:{port}\r\n".encode() in requests[0]
