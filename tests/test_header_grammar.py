"""Lists, tokens, quoted strings and parameters in header values (RFC 9110 5.6, RFC 6455 9.1)."""

from __future__ import annotations

import pytest

from tests.oracle.handshake_bytes import (
    accepted,
    asked_server,
    asking_client,
    failed,
    read_head,
    refused,
    request,
    response,
)
from tests.oracle.receiving import feed
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Request
from wsproto.extensions import Extension, PerMessageDeflate
from wsproto.handshake import client_extensions_handshake, server_extensions_handshake
from wsproto.header_grammar import (
    GrammarError,
    is_extension,
    is_field_value,
    is_protocol,
    parse_extension,
    split_list,
)
from wsproto.utilities import RemoteProtocolError

TOKEN_CHARACTERS = b"!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
#: What may stand in a header value, though not in a token (comma and semicolon split).
SEPARATORS = b'()/:<=>?@[\\]{}"'
CONTROLS = bytes(byte for byte in [*range(0x20), 0x7F] if byte not in b"\t\n\r")
SMUGGLING = b'x; y=",permessage-deflate; client_max_window_bits,"'


class Known(Extension):
    """An extension that agrees to everything."""

    name = "x-known"

    def __init__(self) -> None:
        self.seen: list[str] = []

    def enabled(self) -> bool:
        return True

    def offer(self) -> bool | str:
        return True

    def accept(self, offer: str) -> bool | str | None:
        self.seen.append(offer)
        return True

    def finalize(self, offer: str) -> None:
        self.seen.append(offer)


def requested(name: bytes, *lines: bytes) -> Request:
    (event,) = feed(WSConnection(ConnectionType.SERVER), request({name: lines}))
    assert type(event) is Request
    return event


def test_every_token_character_can_stand_in_a_token() -> None:
    token = TOKEN_CHARACTERS.decode()
    assert requested(b"Sec-WebSocket-Protocol", TOKEN_CHARACTERS).subprotocols == [token]
    assert requested(b"Sec-WebSocket-Extensions", TOKEN_CHARACTERS).extensions == [token]


@pytest.mark.requirement("R6455-4.2.1-01", "R6455-9.1-01")
@pytest.mark.parametrize("name", [b"Sec-WebSocket-Protocol", b"Sec-WebSocket-Extensions"])
@pytest.mark.parametrize("byte", SEPARATORS + CONTROLS + b"\x80\xa0\xff", ids=hex)
def test_no_other_character_can_stand_in_a_token(name: bytes, byte: int) -> None:
    refused(request({name: [b"a%cb" % byte]}), 400)


@pytest.mark.requirement("R6455-4.2.1-10")
@pytest.mark.parametrize(
    ("value", "extensions"),
    [
        (b"a", ["a"]),
        (b"a; b", ["a; b"]),
        (b"a; b=1; c", ["a; b=1; c"]),
        (b'a; b="1"', ['a; b="1"']),
        (b'a; b="\\1\\2"', ['a; b="\\1\\2"']),
        (b"a, b; c=1, d", ["a", "b; c=1", "d"]),
        (b"\ta\t,\tb \t", ["a", "b"]),
        (b"a; b, a; b", ["a; b", "a; b"]),
    ],
)
def test_extension_list(value: bytes, extensions: list[str]) -> None:
    assert requested(b"Sec-WebSocket-Extensions", value).extensions == extensions


@pytest.mark.requirement("R6455-4.2.1-10")
@pytest.mark.parametrize(
    "value", [b"x-known;b=1", b"x-known ; b = 1", b"x-known\t;\tb\t=\t1", b'x-known; b="1"']
)
def test_white_space_around_semicolon_and_equals_sign_counts_for_nothing(value: bytes) -> None:
    known = Known()
    head, _ = read_head(
        asked_server(request({b"Sec-WebSocket-Extensions": [value]})).send(
            AcceptConnection(extensions=[known])
        )
    )
    assert head.one(b"Sec-WebSocket-Extensions") == b"x-known"
    assert [seen.replace(" ", "").replace("\t", "").replace('"', "") for seen in known.seen] == [
        "x-known;b=1"
    ]


BAD_EXTENSIONS = [
    b";",
    b"; a",
    b"a;",
    b"a; ",
    b"a;;b",
    b"a; b;",
    b"a; =1",
    b"a; b=",
    b"a; b==1",
    b"a; b=1=2",
    b"a b",
    b"a; b c",
    b"a; b=1 2",
    b"a=1",
    b"a; b='1 2'",
    b'a; b="',
    b'a; b="1',
    b'a; b="1\\"',
    b'a; b=""',
    b'a; b="1 2"',
    b'a; b="1;2"',
    b'a; b="\\ "',
    b'a; b="\xff"',
    b'a; b="1"2',
    b'a; b=1"2"',
    b'a; "b"=1',
    b'"a"',
    b'a; b="1" "2"',
    b"a; b=\xff",
    b"\xffa",
]


@pytest.mark.requirement("R6455-4.2.1-01", "R6455-4.3-01", "R6455-9.1-01")
@pytest.mark.parametrize("value", BAD_EXTENSIONS, ids=repr)
def test_a_malformed_extension_list_is_refused(value: bytes) -> None:
    refused(request({b"Sec-WebSocket-Extensions": [value]}), 400)
    refused(request({b"Sec-WebSocket-Extensions": [b"good; x=1, " + value]}), 400)


@pytest.mark.requirement("R6455-4.3-01", "R6455-9.1-01")
@pytest.mark.parametrize("value", [b"", b" ", b",", b"\t, ,"], ids=repr)
def test_nothing_but_empty_elements_is_no_list_of_extensions(value: bytes) -> None:
    error = refused(request({b"Sec-WebSocket-Extensions": [value, value]}), 400)
    assert str(error) == "Bad header 'Sec-WebSocket-Extensions': it has no element (RFC 6455 9.1)"
    client, key = asking_client(Request("localhost", "/", extensions=[Known()]))
    failed(client, response(key, {b"Sec-WebSocket-Extensions": [value]}))


@pytest.mark.requirement("R6455-9.1-01")
@pytest.mark.parametrize(
    "value", [b"x-known,", b",x-known", b"\t,, x-known ,", b' ,x-known; b="1",'], ids=repr
)
def test_empty_elements_beside_an_extension_count_for_nothing(value: bytes) -> None:
    """RFC 9110 5.6.1.2; the `1#` of RFC 6455 is RFC 2616's, where null elements are allowed."""
    head, _ = read_head(
        asked_server(request({b"Sec-WebSocket-Extensions": [b"", value, b", "]})).send(
            AcceptConnection(extensions=[Known()])
        )
    )
    assert head.one(b"Sec-WebSocket-Extensions") == b"x-known"
    known = Known()
    client, key = asking_client(Request("localhost", "/", extensions=[known], subprotocols=["chat"]))
    changes = {b"Sec-WebSocket-Extensions": [value], b"Sec-WebSocket-Protocol": [b"chat"]}
    assert accepted(client, response(key, changes)) == AcceptConnection("chat", [known])


@pytest.mark.requirement("R6455-9.1-01", "R6455-4.3-01", "R6455-7.2.1-01")
@pytest.mark.parametrize("value", BAD_EXTENSIONS, ids=repr)
def test_a_malformed_extension_list_in_a_response_fails_the_handshake(value: bytes) -> None:
    known, other = Known(), Known()
    other.name = "a"
    client, key = asking_client(Request("localhost", "/", extensions=[known, other]))
    failed(client, response(key, {b"Sec-WebSocket-Extensions": [b"x-known, " + value]}))


@pytest.mark.requirement("R6455-9.1-02")
@pytest.mark.parametrize("bad", [[b"a", b";"], [b"=", b"a"], [b'a; b="1', b'2"']], ids=repr)
def test_each_line_of_extensions_is_judged(bad: list[bytes]) -> None:
    refused(request({b"Sec-WebSocket-Extensions": bad}), 400)


@pytest.mark.requirement("R6455-4.3-01", "R6455-9.1-01")
def test_a_comma_in_a_quoted_string_smuggles_no_offer() -> None:
    refused(request({b"Sec-WebSocket-Extensions": [SMUGGLING]}), 400)


@pytest.mark.requirement("R6455-9-03")
def test_an_offer_in_a_quoted_string_is_not_answered() -> None:
    assert server_extensions_handshake([SMUGGLING.decode()], [PerMessageDeflate()]) is None


@pytest.mark.requirement("R6455-9.1-01")
def test_a_comma_in_a_quoted_string_smuggles_no_acceptance() -> None:
    extensions: list[Extension] = [PerMessageDeflate(), Known()]
    client, key = asking_client(Request("localhost", "/", extensions=extensions))
    value = b'x-known; y=",permessage-deflate,"'
    failed(client, response(key, {b"Sec-WebSocket-Extensions": [value]}))


@pytest.mark.requirement("R6455-4.2.2-17", "R6455-9-02", "R6455-9.1-08")
def test_server_extensions_handshake_gives_the_header_value() -> None:
    known = Known()
    assert server_extensions_handshake(["x-other", "x-known; a=1"], [known]) == b"x-known"
    assert known.seen == ["x-known; a=1"]


@pytest.mark.parametrize("offers", [[], ["x-other"], ["x-known2"]], ids=repr)
def test_server_extensions_handshake_gives_none_where_nothing_fits(offers: list[str]) -> None:
    assert server_extensions_handshake(offers, [Known()]) is None
    assert server_extensions_handshake(offers, []) is None


def test_server_extensions_handshake_takes_any_iterable() -> None:
    assert server_extensions_handshake(iter(["x-known"]), [Known()]) == b"x-known"


def test_client_extensions_handshake_gives_the_accepted_objects() -> None:
    known, deflate = Known(), PerMessageDeflate()
    accepted = client_extensions_handshake(["x-known; a=1"], [deflate, known])
    assert len(accepted) == 1
    assert accepted[0] is known
    assert known.seen == ["x-known; a=1"]


def test_what_an_earlier_handshake_agreed_on_is_forgotten() -> None:
    deflate = PerMessageDeflate()
    assert server_extensions_handshake(["permessage-deflate"], [deflate]) is not None
    assert deflate.enabled()
    assert server_extensions_handshake([], [deflate]) is None
    assert not deflate.enabled()
    assert client_extensions_handshake(["permessage-deflate"], [deflate]) == [deflate]
    assert client_extensions_handshake([], [deflate]) == []
    assert not deflate.enabled()


class Choosy(Known):
    """An extension that agrees to one parameter only."""

    def __init__(self, parameter: str) -> None:
        super().__init__()
        self.parameter = parameter

    def accept(self, offer: str) -> bool | str | None:
        return self.parameter if self.parameter in offer else None

    def finalize(self, offer: str) -> None:
        if self.parameter not in offer:
            raise RemoteProtocolError(f"{self.parameter} was asked for")


def test_of_two_objects_of_one_name_the_one_that_fits_is_used() -> None:
    first, second = Choosy("a"), Choosy("b")
    for fitting, parameter in ((first, "a"), (second, "b")):
        (agreed,) = client_extensions_handshake([f"x-known; {parameter}"], [first, second])
        assert agreed is fitting
        answer = server_extensions_handshake([f"x-known; {parameter}"], [first, second])
        assert answer == b"x-known; " + parameter.encode()


@pytest.mark.requirement("R6455-9-04", "R6455-9.1-04")
def test_an_answer_that_fits_no_object_of_its_name_is_refused() -> None:
    with pytest.raises(RemoteProtocolError):
        client_extensions_handshake(["x-known; c"], [Choosy("a"), Choosy("b")])


def test_client_extensions_handshake_of_nothing_is_empty() -> None:
    assert client_extensions_handshake([], [Known()]) == []
    assert client_extensions_handshake(iter(()), (Known(),)) == []


@pytest.mark.requirement("R6455-4.1-46", "R6455-9-03")
@pytest.mark.parametrize("answer", ["x-other", "x-other; a=1", "x-known2"])
def test_client_extensions_handshake_refuses_what_is_not_supported(answer: str) -> None:
    with pytest.raises(RemoteProtocolError) as caught:
        client_extensions_handshake([answer], [Known()])
    assert str(caught.value) == f"unrecognized extension {answer.partition(';')[0]}"
    assert caught.value.event_hint is not None


LONG = 15_000


@pytest.mark.timeout(20)
@pytest.mark.parametrize(
    "value",
    [
        b'a; b="' + b"x" * LONG,
        b'a; b="' + b"\\" * LONG,
        b'a; b="' + b'\\"' * (LONG // 2),
        b"a; b=" + b'"' * LONG,
        b"a; b" + b"\t" * LONG + b"c",
        b"a" + b" " * LONG + b"b",
        b"a" + b"; b" * (LONG // 3) + b" c",
        b"a" + b";b=1" * (LONG // 4) + b"\xff",
        b"a," * (LONG // 2) + b"\xff",
        b" ," * (LONG // 2) + b"a b",
        b"a;b=" + b"1" * LONG + b" 2",
    ],
    ids=lambda value: repr(value[:8]),
)
def test_a_long_malformed_value_is_refused_at_once(value: bytes) -> None:
    for name in (b"Sec-WebSocket-Extensions", b"Sec-WebSocket-Protocol"):
        for _ in range(50):
            refused(request({name: [value]}), 400)


def test_what_can_be_read_by_itself() -> None:
    assert [is_protocol(value) for value in (b"h2c", b"HTTP/1.1", b"", b"/1", b"a/", b"a b")] == [
        *(True, True, False, False, False, False)
    ]
    assert [is_field_value(value) for value in (b"", b"a\xff", b" a", b"a\t", b"a\nb")] == [
        *(True, True, False, False, False)
    ]
    assert is_extension(b"a; b=1")
    assert not is_extension(b"a;")
    assert parse_extension(b'a; b; c=1; d="2\\3"') == ("a", [("b", None), ("c", "1"), ("d", "23")])
    with pytest.raises(GrammarError, match="is not an extension with its parameters"):
        parse_extension(b"a;")


@pytest.mark.parametrize(
    ("value", "elements"),
    [
        (b"a, b", [b"a", b"b"]),
        (b'a, "b,c" ,d', [b"a", b'"b,c"', b"d"]),
        (b'"a\\",b",c', [b'"a\\",b"', b"c"]),
        (b'"a",,"b"', [b'"a"', b'"b"']),
        (b"", []),
    ],
)
def test_a_list_is_split_outside_of_quoted_strings(value: bytes, elements: list[bytes]) -> None:
    assert split_list(value) == elements


@pytest.mark.parametrize("value", [b'"', b'a, "b', b'"a\\"', b'"a" "'])
def test_a_quoted_string_has_an_end(value: bytes) -> None:
    with pytest.raises(GrammarError, match="has a quoted string that does not end"):
        split_list(value)


def test_each_byte_may_stand_in_a_field_value_or_not() -> None:
    """RFC 9110 5.5: visible ASCII, SP, HTAB, and the bytes from 128 on."""
    allowed = {byte for byte in range(256) if is_field_value(b"a%cb" % byte)}
    assert allowed == {0x09, *range(0x20, 0x7F), *range(0x80, 0x100)}


def test_a_second_offer_of_a_name_hides_none_that_follows() -> None:
    other = Known()
    other.name = "x-other"
    answer = server_extensions_handshake(["x-known; a", "x-known; b", "x-other"], [Known(), other])
    assert answer == b"x-known, x-other"
