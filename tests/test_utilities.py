"""The helpers of `wsproto.utilities`."""

from __future__ import annotations

import hashlib
import re
from base64 import b64decode

import pytest

from tests.oracle.handshake_bytes import ACCEPT, KEY, accept_token
from wsproto.utilities import (
    LocalProtocolError,
    RemoteProtocolError,
    as_bytes,
    generate_accept_token,
    generate_nonce,
    normed_header_dict,
    split_comma_header,
)


@pytest.mark.requirement("R6455-4.1-29", "R6455-4.1-30")
def test_a_nonce_is_sixteen_fresh_bytes_in_base64() -> None:
    nonces = [generate_nonce() for _ in range(100)]
    assert {type(nonce) for nonce in nonces} == {bytes}
    assert all(re.fullmatch(rb"[A-Za-z0-9+/]{22}==", nonce) for nonce in nonces)
    assert {len(b64decode(nonce, validate=True)) for nonce in nonces} == {16}
    assert len(set(nonces)) == 100


@pytest.mark.requirement("R6455-4.2.2-16", "R6455-4.1-45")
def test_the_accept_token_of_rfc_6455_1_3() -> None:
    token = generate_accept_token(KEY)
    assert token == ACCEPT
    assert type(token) is bytes


@pytest.mark.requirement("R6455-4.2.2-16")
@pytest.mark.parametrize("key", [b"", b"x", b"AQIDBAUGBwgJCgsMDQ4PEA==", b"a" * 1000], ids=len)
def test_the_key_is_hashed_as_it_stands(key: bytes) -> None:
    assert generate_accept_token(key) == accept_token(key)


def test_sha1_is_asked_for_as_what_secures_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    """A Python of FIPS 140 has no other SHA-1."""

    def sha1(data: bytes, *, usedforsecurity: bool = True) -> hashlib._Hash:
        assert not usedforsecurity
        return plain(data)

    plain = hashlib.sha1
    monkeypatch.setattr(hashlib, "sha1", sha1)
    assert generate_accept_token(KEY) == ACCEPT


@pytest.mark.parametrize(
    ("value", "elements"),
    [
        (b"a", ["a"]),
        (b"a,b", ["a", "b"]),
        (b"a, b , c", ["a", "b", "c"]),
        (b"\ta\t,\tb\t", ["a", "b"]),
        (b"keep-alive, Upgrade", ["keep-alive", "Upgrade"]),
        (b"a; b=1; c, d", ["a; b=1; c", "d"]),
        (b'a; b="1, 2", c', ['a; b="1, 2"', "c"]),
        (b'a; b="\\",", c', ['a; b="\\","', "c"]),
        (b'"," , ","', ['","', '","']),
        (b"a\x1c,b\x0b", ["a\x1c", "b\x0b"]),
    ],
)
def test_split_comma_header(value: bytes, elements: list[str]) -> None:
    split = split_comma_header(value)
    assert split == elements
    assert {type(element) for element in split} == {str}


@pytest.mark.parametrize("value", [b"\xff", b"a, \xc3\xa9", b'"a', b'a, "b\\"'], ids=repr)
def test_split_comma_header_refuses_what_cannot_be_split(value: bytes) -> None:
    with pytest.raises(RemoteProtocolError):
        split_comma_header(value)


@pytest.mark.requirement("R6455-4.1-49")
def test_normed_header_dict_has_lower_case_names_and_joins_repeated_ones() -> None:
    headers = [(b"Host", b"a"), (b"X-A", b"1"), (b"x-a", b"2"), (b"X-a", b"3, 4"), (b"X-Empty", b"")]
    assert normed_header_dict(headers) == {b"host": b"a", b"x-a": b"1, 2, 3, 4", b"x-empty": b""}


def test_normed_header_dict_of_nothing_is_empty() -> None:
    assert normed_header_dict([]) == {}


def test_bytes_of_anything_bytes_like() -> None:
    data = b"abc"
    assert as_bytes(data, "Data") is data
    for other in (bytearray(data), memoryview(data), memoryview(b"aXbXcX")[::2]):
        copied = as_bytes(other, "Data")
        assert (copied, type(copied)) == (data, bytes)
    released = memoryview(data)
    released.release()
    for bad, name in [("abc", "str"), (5, "int"), (None, "NoneType"), (released, "memoryview")]:
        with pytest.raises(LocalProtocolError, match=f"^Data must be bytes, not {name}$"):
            as_bytes(bad, "Data")  # type: ignore[arg-type]


def test_bytes_of_a_subclass_become_bytes() -> None:
    class Own(bytes):
        """A payload with attributes, as some HTTP libraries make them."""

    taken = as_bytes(Own(b"ab"), "Data")
    assert (taken, type(taken)) == (b"ab", bytes)
