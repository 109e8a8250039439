"""The rules of HTTP that hold for the heads of an opening handshake (RFC 9110, RFC 9112), one by one."""

from __future__ import annotations

import pytest

from tests.oracle.handshake_bytes import (
    accepted,
    asked_server,
    asking_client,
    every_cutting,
    failed,
    read_head,
    refused,
    request,
    response,
)
from tests.oracle.receiving import feed
from tooling.frames import TEXT, peer_frame
from wsproto import ConnectionType, WSConnection
from wsproto.connection import Ending
from wsproto.events import AcceptConnection, RejectConnection, Request, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import LocalProtocolError, RemoteProtocolError


def received(data: bytes) -> Request:
    (event,) = feed(WSConnection(ConnectionType.SERVER), data)
    assert isinstance(event, Request)
    return event


def value_of(event: Request | AcceptConnection, name: bytes) -> list[bytes]:
    return [value for key, value in event.extra_headers if key == name]


def ending_of(connection: WSConnection) -> Ending:
    """What a type checker does not take for the same after a call."""
    return connection.ending


# -- A server reads


@pytest.mark.requirement("R9110-2.5-01")
def test_a_later_minor_version_is_read_as_the_one_that_is_known() -> None:
    assert received(request(start_line=b"GET /chat HTTP/1.2")) == received(request())
    client, key = asking_client()
    assert accepted(client, response(key, status_line=b"HTTP/1.9 101 Later")) == AcceptConnection()


@pytest.mark.requirement("R9112-2.3-01")
@pytest.mark.parametrize(
    "version", [b"http/1.1", b"HTTP/1", b"HTTP/1.", b"HTTP/11", b"HTTP/1.1.1", b"HTTPS/1.1", b"HTTP/1,1"]
)
def test_a_version_that_is_written_otherwise_is_not_http(version: bytes) -> None:
    refused(request(start_line=b"GET /chat " + version), 400)
    client, key = asking_client()
    failed(client, response(key, status_line=version + b" 101 Switching Protocols"))


@pytest.mark.requirement("R9110-9.1-01")
@pytest.mark.parametrize("method", [b"get", b"Get", b"gET"])
def test_a_method_has_its_case(method: bytes) -> None:
    assert str(refused(request(start_line=method + b" /chat HTTP/1.1"), 400)) == "Request method must be GET"


@pytest.mark.requirement("R9112-2.2-03")
@pytest.mark.parametrize("line_end", [b"\n", b"\r\n"], ids=["lf", "crlf"])
def test_a_line_may_end_with_a_lf_alone(line_end: bytes) -> None:
    for pieces in every_cutting(request().replace(b"\r\n", line_end)):
        server = WSConnection(ConnectionType.SERVER)
        assert feed(server, *pieces) == [received(request())]
    client, key = asking_client()
    assert accepted(client, response(key).replace(b"\r\n", line_end)) == AcceptConnection()


@pytest.mark.requirement("R9112-2.2-04", "R9112-2.2-05")
@pytest.mark.parametrize("line", [b" X: y", b"\tX: y", b" ", b" Host: evil"])
def test_white_space_before_the_first_field_is_not_http(line: bytes) -> None:
    head, _, fields = request().partition(b"\r\n")
    error = refused(head + b"\r\n" + line + b"\r\n" + fields, 400)
    assert str(error) == "Bad HTTP message"
    client, key = asking_client()
    head, _, fields = response(key).partition(b"\r\n")
    assert str(failed(client, head + b"\r\n" + line + b"\r\n" + fields)) == "Bad HTTP message"


@pytest.mark.requirement("R9112-2.2-05", rows="no-http")
@pytest.mark.requirement("R9112-6.3-01", rows="coding|chunked-not-last")
@pytest.mark.requirement("R9112-6.3-02", rows="*length*")
@pytest.mark.requirement("R9112-9.3-02", rows="body")
@pytest.mark.parametrize(
    "data",
    [
        b"\x16\x03\x01\r\n\r\n",
        request({b"Transfer-Encoding": [b"gzip"]}),
        request({b"Transfer-Encoding": [b"chunked, gzip"]}),
        request({b"Content-Length": [b"5, 6"]}),
        request({b"Content-Length": [b"-5"]}),
        request({b"Content-Length": [b"5"]}) + b"Hello",
    ],
    ids=["no-http", "coding", "chunked-not-last", "two-lengths", "negative-length", "body"],
)
def test_a_refused_request_is_the_last_one_of_its_connection(data: bytes) -> None:
    server = WSConnection(ConnectionType.SERVER)
    with pytest.raises(RemoteProtocolError, match=r"Bad HTTP message|has a body") as caught:
        feed(server, data)
    assert caught.value.event_hint == RejectConnection(400)
    assert ending_of(server) is Ending.NONE
    server.send(RejectConnection(400))
    assert ending_of(server) is Ending.END
    with pytest.raises(LocalProtocolError):
        server.receive_data(request())


@pytest.mark.requirement("R9112-6.1-02")
def test_both_signs_of_a_body_end_the_connection_with_the_answer() -> None:
    server = WSConnection(ConnectionType.SERVER)
    with pytest.raises(RemoteProtocolError, match="has a body"):
        feed(server, request({b"Transfer-Encoding": [b"chunked"], b"Content-Length": [b"0"]}))
    server.send(RejectConnection(400))
    assert server.ending is Ending.END


@pytest.mark.requirement("R9112-6-01")
@pytest.mark.parametrize(
    ("name", "value"),
    [(b"Content-Length", b"1"), (b"Transfer-Encoding", b"chunked")],
    ids=["length", "coding"],
)
def test_a_get_may_say_that_it_has_a_body(name: bytes, value: bytes) -> None:
    assert str(refused(request({name: [value]}), 400)) == "The request has a body (RFC 6455 4.1)"
    assert isinstance(received(request({b"Content-Length": [b"00"]})), Request)


# -- The values of fields


@pytest.mark.requirement("R9112-5-01", "R9110-5.5-04")
@pytest.mark.parametrize("before", [b"", b" ", b"\t", b" \t  "], ids=repr)
@pytest.mark.parametrize("behind", [b"", b"\t "], ids=repr)
def test_white_space_around_a_value_is_no_part_of_it(before: bytes, behind: bytes) -> None:
    line = b"X-A:" + before + b"a \tb" + behind
    head, _, fields = request().partition(b"\r\n")
    assert value_of(received(head + b"\r\n" + line + b"\r\n" + fields), b"x-a") == [b"a \tb"]
    client, key = asking_client()
    head, _, fields = response(key).partition(b"\r\n")
    event = accepted(client, head + b"\r\n" + line + b"\r\n" + fields)
    assert value_of(event, b"x-a") == [b"a \tb"]


@pytest.mark.requirement("R9110-5.5-03")
@pytest.mark.parametrize("value", [b"\xff\x80", "\N{SNOWMAN}".encode()], ids=["any", "utf-8"])
def test_what_is_beyond_ascii_is_handed_on_as_it_is(value: bytes) -> None:
    assert value_of(received(request({b"X-A": [value]})), b"x-a") == [value]
    client, key = asking_client()
    assert value_of(accepted(client, response(key, {b"X-A": [value]})), b"x-a") == [value]


@pytest.mark.requirement("R9110-5.5-02")
@pytest.mark.parametrize("control", [b"\x01", b"\x7f"], ids=bytes.hex)
def test_another_control_character_is_kept_where_the_library_does_not_judge_the_value(control: bytes) -> None:
    value = b"a" + control + b"b"
    assert value_of(received(request({b"X-A": [value]})), b"x-a") == [value]
    refused(request({b"Sec-WebSocket-Protocol": [value]}), 400)


@pytest.mark.requirement("R9112-5.2-01", "R9112-5.2-02")
@pytest.mark.parametrize("fold", [b"\r\n ", b"\r\n\t"], ids=repr)
def test_a_folded_line_is_one_value_with_a_space(fold: bytes) -> None:
    assert value_of(received(request({b"X-A": [b"a" + fold + b"b"]})), b"x-a") == [b"a b"]
    client, key = asking_client()
    event = accepted(client, response(key, {b"X-A": [b"a" + fold + b"b"]}))
    assert value_of(event, b"x-a") == [b"a b"]


@pytest.mark.requirement("R9110-5.6.1.2-01")
@pytest.mark.parametrize("value", [b"a, , b", b",a,b", b"a,b,", b" ,\t, a ,, b , "], ids=repr)
def test_empty_elements_of_a_list_count_for_nothing(value: bytes) -> None:
    assert received(request({b"Sec-WebSocket-Protocol": [value]})).subprotocols == ["a", "b"]
    assert received(request({b"Connection": [value + b",Upgrade"]})).target == "/chat"


@pytest.mark.requirement("R6455-4.3-04", "R9110-5.6.3-02")
@pytest.mark.parametrize("space", [b"", b" ", b"\t", b" \t "], ids=repr)
def test_blanks_and_tabs_between_tokens_change_nothing(space: bytes) -> None:
    value = space.join([b"x", b";", b"y", b"=", b"1", b",", b"z"])
    (first, second) = received(request({b"Sec-WebSocket-Extensions": [value]})).extensions
    assert "".join(str(first).split()) == "x;y=1"
    assert second == "z"


@pytest.mark.requirement("R9110-5.3-02")
def test_the_lines_of_one_name_are_one_list() -> None:
    apart = received(request({b"Sec-WebSocket-Protocol": [b"a", b"b, c"], b"Connection": [b"x", b"Upgrade"]}))
    assert apart.subprotocols == ["a", "b", "c"]


# -- A client reads


@pytest.mark.requirement("R9112-4-01", "R9112-4-02")
@pytest.mark.parametrize(
    "line",
    [b"HTTP/1.1 101", b"HTTP/1.1 101 ", b"HTTP/1.1 101 404 Not Found", b"HTTP/1.1 101 \xe9t\xe9"],
    ids=repr,
)
def test_the_reason_phrase_says_nothing(line: bytes) -> None:
    client, key = asking_client()
    assert accepted(client, response(key, status_line=line)) == AcceptConnection()


@pytest.mark.requirement("R9112-6.3-03")
@pytest.mark.parametrize(
    "framing", [b"Content-Length: 5", b"Transfer-Encoding: chunked"], ids=["length", "chunked"]
)
@pytest.mark.parametrize("status", [b"101 Switching Protocols", b"103 Early Hints"])
def test_an_interim_response_has_no_body_whatever_it_says(status: bytes, framing: bytes) -> None:
    client, key = asking_client()
    data = response(key)
    if status.startswith(b"103"):
        data = b"HTTP/1.1 " + status + b"\r\n" + framing + b"\r\n\r\n" + data
    else:
        data = data.replace(b"\r\n", b"\r\n" + framing + b"\r\n", 1)
    first, second = feed(client, data + peer_frame(client.client, TEXT, b"a"))
    assert isinstance(first, AcceptConnection)
    assert second == TextMessage("a")


@pytest.mark.requirement("R9110-15.2-02")
def test_an_interim_response_that_nobody_expects_is_ignored() -> None:
    client, key = asking_client()
    assert feed(client, b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 102 Processing\r\n\r\n") == []
    assert accepted(client, response(key)) == AcceptConnection()


@pytest.mark.requirement("R9112-9.2-01", "R9112-9.2-02")
@pytest.mark.parametrize("data", [response(b"dGhlIHNhbXBsZSBub25jZQ=="), b"Hello", b"\x81\x01a"])
def test_what_comes_before_the_request_is_no_response(data: bytes) -> None:
    client = WSConnection(ConnectionType.CLIENT)
    error = failed(client, data)
    assert "before the request" in str(error)
    assert client.ending is Ending.RESET


@pytest.mark.requirement("R9112-9.6-01")
def test_behind_a_rejection_the_connection_ends() -> None:
    server = asked_server()
    server.send(RejectConnection(403, [(b"Connection", b"close")]))
    assert server.ending is Ending.END
    client, _ = asking_client()
    feed(client, b"HTTP/1.1 403 No\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
    assert client.ending is Ending.END
    for connection in (server, client):
        with pytest.raises(LocalProtocolError):
            connection.receive_data(b"x")


# -- What is written


@pytest.mark.requirement("R9112-3-02")
@pytest.mark.parametrize("size", [8000, 2**14 - len("GET  HTTP/1.1\r\n")])
def test_a_request_line_of_8000_octets_is_written_and_read(size: int) -> None:
    target = "/" + "a" * (size - 1)
    sent = WSConnection(ConnectionType.CLIENT).send(Request("localhost", target))
    assert received(sent).target == target


@pytest.mark.requirement("R9112-4-03")
@pytest.mark.parametrize("status", [401, 404, 426, 599])
def test_a_blank_stands_behind_the_status_even_where_no_reason_follows(status: int) -> None:
    sent = asked_server().send(RejectConnection(status))
    assert sent.startswith(b"HTTP/1.1 %d " % status)


@pytest.mark.requirement("R9110-5.6.3-01", "R9110-5.6.1.1-01")
def test_a_list_is_written_with_one_blank_and_no_empty_element() -> None:
    head, _ = read_head(WSConnection(ConnectionType.CLIENT).send(Request("a", "/", subprotocols=["b", "c"])))
    assert head.one(b"Sec-WebSocket-Protocol") == b"b, c"
    with pytest.raises(LocalProtocolError):
        WSConnection(ConnectionType.CLIENT).send(Request("a", "/", subprotocols=["b", ""]))


@pytest.mark.requirement("R9112-6.2-01")
def test_no_message_has_both_signs_of_a_body() -> None:
    both = [(b"Content-Length", b"5"), (b"Transfer-Encoding", b"chunked")]
    head, _ = read_head(asked_server().send(RejectConnection(403, both, has_body=True)))
    assert head.all(b"Content-Length") == []
    assert head.all(b"Transfer-Encoding") == [b"chunked"]


@pytest.mark.requirement("R9110-5.3-01")
def test_nothing_happens_before_the_whole_head_has_come() -> None:
    server = WSConnection(ConnectionType.SERVER)
    for place in range(len(request()) - 1):
        assert feed(server, request()[place : place + 1]) == []
        assert not server.can_send(AcceptConnection)
    assert feed(server, request()[-1:]) == [received(request())]


@pytest.mark.requirement("R9110-5.6.4-01")
@pytest.mark.parametrize("value", ['"1\\2"', '"\\1\\2"', '"12"'])
def test_a_backslash_in_a_quoted_string_stands_for_what_follows(value: str) -> None:
    answer = PerMessageDeflate().accept(f"permessage-deflate; server_max_window_bits={value}")
    assert answer == "server_max_window_bits=12"
