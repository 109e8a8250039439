"""Hosts from one side to the other: what a client writes asks the domain that was meant (RFC 6455 11.1)."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from tests.oracle.handshake_bytes import read_head, request
from tests.oracle.receiving import feed
from wsproto import ConnectionType, WSConnection
from wsproto.events import Request
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

SHARP_S, CAPITAL_SHARP_S, FINAL_SIGMA = "\u00df", "\u1e9e", "\u03c2"
NON_JOINER, JOINER = "\u200c", "\u200d"
LETTERS = st.sampled_from(
    "aZ9-\u00df\u1e9e\u03c2\u200c\u200d\u03a3\u00fc\u00dc\u0628\u0661\u05d9\u05b4"
    "\u3002\uff0e\u2460\ufb01\u00ad\ufe0f\u0130\u212a\u2603\ud800\U0001f600"
)
LABELS = st.text(LETTERS | st.characters(), min_size=1, max_size=70)


def written(host: str) -> bytes:
    """What a client asks for."""
    return read_head(WSConnection(ConnectionType.CLIENT).send(Request(host, "/")))[0].one(b"Host")


def read(host: bytes) -> str:
    """What a server is told."""
    (event,) = feed(WSConnection(ConnectionType.SERVER), request({b"Host": [host]}))
    assert isinstance(event, Request)
    return event.host


@given(st.lists(LABELS, min_size=1, max_size=3))
def test_what_a_server_is_told_asks_the_same_domain_again(labels: list[str]) -> None:
    """A proxy hands on the host that it was given."""
    try:
        asked = written(".".join(labels))
    except LocalProtocolError:
        return
    assert asked.isascii()
    assert all(len(label) <= 63 for label in asked.split(b".") if label.startswith(b"xn--"))
    assert written(read(asked)).lower() == asked.lower()


@given(st.text("abcdefghijklmnopqrstuvwxyzABC0123456789-_", max_size=64))
@example("a")
@example("google-")
@example("--")
@example("-")
def test_punycode_is_read_or_left_or_refused(code: str) -> None:
    label = f"xn--{code}".encode()
    try:
        host = read(label + b":80").removesuffix(":80")
    except RemoteProtocolError:
        with pytest.raises(RemoteProtocolError, match="is not valid IDNA"):
            read(label)
        return
    if host.isascii():
        assert host == label.decode()
    else:
        assert written(host) == label.lower()
        assert host.replace(NON_JOINER, "").replace(JOINER, "").isprintable()


@pytest.mark.parametrize(
    ("meant", "other"),
    [
        (f"fa{SHARP_S}.de", b"fass.de"),
        (f"FA{SHARP_S}.DE", b"fass.de"),
        (f"fa{CAPITAL_SHARP_S}.de", b"fass.de"),
        (f"\u03b2\u03cc\u03bb\u03bf{FINAL_SIGMA}.com", b"xn--nxasmq6b.com"),
        (f"\u0646\u0627\u0645\u0647{NON_JOINER}\u0627\u06cc.com", b"xn--mgba3gch31f.com"),
        (f"\u0dc1\u0dca{JOINER}\u0dbb\u0dd3.com", b"xn--10cl1a0b.com"),
        (f"a.{SHARP_S}{JOINER}.{FINAL_SIGMA}", b"a.ss.xn--4xa"),
    ],
)
def test_a_client_never_asks_another_domain(meant: str, other: bytes) -> None:
    try:
        asked = written(meant)
    except LocalProtocolError:
        with pytest.raises(LocalProtocolError, match="xn-- form"):  # which is right, too
            written(meant)
    else:
        assert asked != other
        assert read(asked).lower() == meant.lower()


@pytest.mark.parametrize(
    ("host", "sent"),
    [
        ("::1", b"[::1]"),
        ("[fe80::1%25eth0]:80", b"[fe80::1]:80"),
        ("2001:db8::7:ab10", b"[2001:db8::7:ab10]"),
        ("::ffff:192.0.2.1%eth0", b"[::ffff:192.0.2.1]"),
        ("a:80", b"a:80"),
        ("a%41", b"a%41"),
        ("::ffff:1.2.3.255", b"[::ffff:1.2.3.255]"),
        ("\N{SNOWMAN}.de", b"xn--n3h.de"),
        ("de.\N{SNOWMAN}:8080", b"de.xn--n3h:8080"),
        ("\u0392\u038c\u039b\u039f\u03c2.com", b"xn--nxasmm1c.com"),  # in capitals, but for the final sigma
        ("\N{FULLWIDTH LATIN CAPITAL LETTER A}.de", b"a.de"),  # mapping leaves one letter
        (f"Stra{SHARP_S}e.de", b"xn--strae-oqa.de"),  # which is the name in small letters
        (f"{SHARP_S * 2}.de", b"xn--zcaa.de"),
        ("\u00e9" + "a" * 53, b"xn--" + b"a" * 53 + b"-9ve"),  # 61 of 63 characters
        ("\u00e9" + "a" * 55, b"xn--" + b"a" * 55 + b"-91e"),  # all 63
        *((f"a{dot}b\u00e9", b"a.xn--b-bga") for dot in ".\u3002\uff0e\uff61"),
    ],
)
def test_a_host_is_written(host: str, sent: bytes) -> None:
    assert written(host) == sent


#: Addresses that look like IPv6, and have too many groups, too few, or ones that are none (RFC 3986 3.2.2).
NOT_IPV6 = [
    "[:]",
    "[:::]",
    "[::::::]",
    "[1:2:3]",
    "[1:2:3:4:5:6:7:8:9]",
    "[1:2:3:4::5:6:7:8]",
    "[1::2::3]",
    "[1:2:3:4:5:6:7:]",
    "[12345::]",
    "[::1.2.3.256]",
    "[::1.2.3]",
    "[::1.2.3.4.5]",
    "[::01.2.3.4]",
    "[1.2.3.4]",
    "[1.2.3.4::]",
]
#: `%` stands before two hexadecimal digits alone.
NOT_ESCAPED = ["%", "a%4", "%zz", "a%4g.b"]


@pytest.mark.parametrize("host", [*NOT_IPV6, *NOT_ESCAPED])
def test_what_only_looks_like_a_host_is_refused_on_both_sides(host: str) -> None:
    with pytest.raises(LocalProtocolError, match=r"is not a host \(RFC 9110 7.2\)"):
        written(host)
    with pytest.raises(RemoteProtocolError, match=r"is not a host \(RFC 9112 3.2\)"):
        read(host.encode())


@pytest.mark.parametrize(
    "host",
    ["[::]", "[1::]", "[::1]:80", "[1:2:3:4:5:6:7:8]", "[::2:3:4:5:6:7:8]", "[1:2:3:4:5:6:255.0.10.99]"],
)
def test_an_address_is_given_as_it_came(host: str) -> None:
    assert read(host.encode()) == host


@pytest.mark.parametrize("host", [5, "a b", "a/b", f"STRA{CAPITAL_SHARP_S}E.de", "\ud800", "\u00e9" * 64])
def test_what_is_not_a_host_is_the_caller_s_fault(host: Any) -> None:
    with pytest.raises(LocalProtocolError):
        written(host)


@pytest.mark.parametrize("host", [b"[v1.xn--abc]", b"[vF.xn--]:8000"])
def test_an_address_of_a_later_version_has_no_labels(host: bytes) -> None:
    assert read(host) == host.decode()


@pytest.mark.parametrize(
    "host", [b"a b", b"a." * 150, b"xn--" + b"a" * 60, b"[abc]", b"a:" + b"1" * 300, b"[::1]:" + b"1" * 300]
)
def test_what_is_not_a_host_is_refused(host: bytes) -> None:
    with pytest.raises(RemoteProtocolError, match=r"^Bad header 'Host'"):
        read(host)


def test_a_host_of_another_type_is_named() -> None:
    with pytest.raises(LocalProtocolError, match=r"^A host must be a str, not 5$"):
        written(5)  # type: ignore[arg-type]


def test_a_host_has_at_most_255_bytes_and_a_port() -> None:
    """RFC 1035 2.3.4."""
    longest = b"a." * 127 + b"a:65535"
    assert len(longest) == 255 + 6
    assert read(longest) == longest.decode()
    with pytest.raises(RemoteProtocolError, match=r"^Bad header 'Host'"):
        read(b"a" + longest)


def test_a_label_has_at_most_63_characters() -> None:
    """RFC 1035 2.3.4."""
    label = b"xn--" + b"a" * 55 + b"-91e"
    assert len(label) == 63
    assert read(label) == "\u00e9" + "a" * 55
    with pytest.raises(RemoteProtocolError, match="is not valid IDNA"):
        read(b"xn--a" + label[4:])


@pytest.mark.parametrize("delimiter", [*"!$&'()*+,;=-._~", "%20"])
def test_a_name_may_have_the_delimiters_of_a_uri(delimiter: str) -> None:
    """RFC 3986 3.2.2."""
    host = f"a{delimiter}b"
    assert written(host) == host.encode()
    assert read(host.encode()) == host
    if delimiter != "%20":
        assert read(f"[v1.{host}:]".encode()) == f"[v1.{host}:]"


@pytest.mark.parametrize("name", [b"a%cb", b"[v1.%c]"])
def test_each_byte_may_stand_in_a_name_or_not(name: bytes) -> None:
    """RFC 3986 2.3, 3.2.2; in the future form of an address there may be colons."""
    allowed = set()
    for byte in range(256):
        with suppress(RemoteProtocolError):
            read(name % byte)
            allowed.add(byte)
    unreserved = "-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
    assert allowed == set(f"{unreserved}!$&'()*+,;={':' * (name[:1] == b'[')}".encode())


@pytest.mark.parametrize(
    "character",
    "\u034f\u115f\u1160\u17b4\u17b5\u180b\u180f\u3002\u3164\ufe00\ufe0f\uffa0\U000e0100\U000e01ef",
    ids=ascii,
)
def test_what_can_be_in_no_label_is_told_as_it_was_received(character: str) -> None:
    """It separates labels, or shows as nothing: the name would look like another."""
    label = "xn--" + f"a{character}b".encode("punycode").decode()
    assert read(label.encode()) == label


@pytest.mark.parametrize("character", [SHARP_S, FINAL_SIGMA, NON_JOINER, JOINER])
def test_a_character_of_which_idna_2003_makes_another_stays_itself(character: str) -> None:
    asked = written(f"\u03b2{character}\u03b2")
    assert asked == b"xn--" + f"\u03b2{character}\u03b2".encode("punycode")
    assert read(asked) == f"\u03b2{character}\u03b2"


def test_a_host_may_have_labels_of_either_kind() -> None:
    assert read(b"www.xn--n3h.de:80") == "www.\N{SNOWMAN}.de:80"
    assert read(b"xn-a0.xn--n3h.de:80") == "xn-a0.\N{SNOWMAN}.de:80"
    assert read(b"") == ""


def test_an_address_is_written_in_its_case() -> None:
    assert written("FE80::A") == b"[FE80::A]"


def test_a_label_that_is_too_long_in_its_xn_form_is_the_caller_s_fault() -> None:
    label = "".join(chr(0x4E00 + 37 * number) for number in range(40))
    with pytest.raises(LocalProtocolError, match=r"in its xn-- form, if it has one \(RFC 5891 4\)$"):
        written(label)
