"""Header fields of a handshake: reading and judging the peer's, checking the application's."""

from __future__ import annotations

from typing import Any

import pytest

from wsproto.events import RejectConnection
from wsproto.handshake_fields import (
    RESERVED,
    checked_extension,
    checked_headers,
    collected,
    extensions_of,
    list_of,
    names_of,
    refused,
    required,
    single,
)
from wsproto.header_grammar import is_token
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

RULE = "RFC 0 1.2"


def test_fields_are_collected_in_order() -> None:
    assert collected([(b"a", b"1"), (b"b", b"2"), (b"a", b"3")]) == {b"a": [b"1", b"3"], b"b": [b"2"]}


def test_a_refusal_says_how_to_answer() -> None:
    assert refused("why").event_hint == RejectConnection(400)
    assert refused("why", 426, [(b"a", b"b")]).event_hint == RejectConnection(426, [(b"a", b"b")])


def test_a_header_that_stands_once() -> None:
    fields = {b"x-a": [b"1"], b"x-b": [b"1", b"1"]}
    assert single(fields, "X-A") == required(fields, "X-A") == b"1"
    assert single(fields, "X-C") is None
    with pytest.raises(RemoteProtocolError, match=r"^Header 'X-B' occurs 2 times, at most one is permitted"):
        single(fields, "X-B")
    with pytest.raises(RemoteProtocolError, match=r"^Missing header, 'X-C'$"):
        required(fields, "X-C")


def test_a_list_goes_over_all_lines_and_its_empty_elements_count_for_nothing() -> None:
    fields = {b"x-a": [b"a, ,b", b"", b",c"]}
    assert list_of(fields, "X-A", well_formed=is_token, rule=RULE) == [b"a", b"b", b"c"]
    assert names_of(fields, "X-A", well_formed=is_token, rule=RULE) == ["a", "b", "c"]
    assert list_of(fields, "X-B", well_formed=is_token, rule=RULE) == []
    assert names_of(fields, "X-B", well_formed=is_token, rule=RULE) == []


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (b"a, b c", r"Bad header 'X-A': b'b c' does not follow its grammar \(RFC 0 1.2\)"),
        (b'a, "b', "Bad header 'X-A': "),
        (b" ,,", r"Bad header 'X-A': it has no element \(RFC 0 1.2\)"),
    ],
)
def test_a_bad_list_is_refused(value: bytes, text: str) -> None:
    with pytest.raises(RemoteProtocolError, match=f"^{text}"):
        names_of({b"x-a": [value]}, "X-A", well_formed=is_token, rule=RULE)


def test_extensions_are_read_with_their_parameters() -> None:
    fields = {b"sec-websocket-extensions": [b'x-a; b=1, x-c; d="e"']}
    assert extensions_of(fields) == ["x-a; b=1", 'x-c; d="e"']
    assert extensions_of({}) == []


def test_the_application_s_fields_are_given_as_bytes() -> None:
    given: list[Any] = [("X-A", "b"), (bytearray(b"x-c"), memoryview(b"\xff"))]
    assert checked_headers(given) == [(b"X-A", b"b"), (b"x-c", b"\xff")]
    assert checked_headers([(b"Upgrade", b"a")], permitted=frozenset({b"upgrade"})) == [(b"Upgrade", b"a")]


@pytest.mark.parametrize("name", sorted(RESERVED))
def test_what_the_library_writes_itself_is_refused(name: bytes) -> None:
    with pytest.raises(LocalProtocolError, match="is written by the library, or has no place here"):
        checked_headers([(name.upper(), b"a")])


@pytest.mark.parametrize(
    "field",
    [(b"X",), (1, 2), None, ("\xe9", b"a"), (b"X", None), (b"X Y", b"a"), (b"", b"a"), (b"X", b"a\nb")],
)
def test_what_cannot_stand_on_a_line_is_refused(field: Any) -> None:
    with pytest.raises(LocalProtocolError):
        checked_headers([field])


def test_an_extension_is_written_as_it_is_given() -> None:
    assert checked_extension("x-a; b=1") == b"x-a; b=1"
    for bad in ("x-a, x-b", "x-a\r\n", "\ud800", ""):
        with pytest.raises(LocalProtocolError, match="is not an extension with its parameters"):
            checked_extension(bad)
