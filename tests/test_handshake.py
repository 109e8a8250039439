"""The opening handshake as a whole: both sides together, every cutting, early data, random input."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import settings

from tests.oracle.handshake_bytes import (
    KEY,
    accept_token,
    asked_server,
    asking_client,
    chunked,
    cuttings,
    feed,
    joined,
    read_head,
    read_response,
    rejection,
    request,
    response,
    state_of,
)
from tests.oracle.wire import MASK, TEXT, frame
from wsproto import ConnectionState, ConnectionType, WSConnection
from wsproto.events import (
    AcceptConnection,
    CloseConnection,
    Event,
    RejectConnection,
    RejectData,
    Request,
    TextMessage,
)
from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Callable

# -- Both sides together


@pytest.mark.requirement("R6455-4.1-02", "R6455-4.2.2-01", "R6455-4.2.2-18", "R6455-5.1-07")
def test_a_client_and_a_server_come_to_terms() -> None:
    client, server = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
    sent = Request(
        "b\N{LATIN SMALL LETTER U WITH DIAERESIS}cher.example:8080", "chat?a=b", subprotocols=["a", "b"]
    )
    (received,) = feed(server, client.send(sent))
    assert isinstance(received, Request)
    assert (received.host, received.target, received.subprotocols) == (sent.host, "/chat?a=b", ["a", "b"])
    answer = AcceptConnection(subprotocol="b", extra_headers=[(b"x-a", b"c")])
    assert feed(client, server.send(answer)) == [answer]
    assert client.state is server.state is ConnectionState.OPEN
    assert feed(server, client.send(TextMessage("Hello"))) == [TextMessage("Hello")]
    assert feed(client, server.send(TextMessage("World"))) == [TextMessage("World")]


def test_a_client_learns_why_a_server_refused_it() -> None:
    client, server = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
    feed(server, client.send(Request("localhost", "/")))
    sent = server.send(RejectConnection(403, [(b"x-a", b"b"), (b"content-length", b"5")], has_body=True))
    sent += server.send(RejectData(b"Hello"))
    assert joined(feed(client, sent)) == [
        RejectConnection(403, [(b"x-a", b"b"), (b"content-length", b"5")], has_body=True),
        RejectData(b"Hello"),
    ]
    assert client.state is server.state is ConnectionState.CLOSED


def test_a_client_reads_the_hint_for_another_version() -> None:
    server, (client, _) = WSConnection(ConnectionType.SERVER), asking_client()
    with pytest.raises(RemoteProtocolError) as caught:
        feed(server, request({b"Sec-WebSocket-Version": [b"8"]}))
    assert caught.value.event_hint is not None
    event, *_, last = feed(client, server.send(caught.value.event_hint))
    assert isinstance(event, RejectConnection)
    assert event.status_code == 426
    assert (b"sec-websocket-version", b"13") in event.headers
    assert last == RejectData(b"")


# -- Every cutting

FRAMES = frame(TEXT, b"Hello", mask=MASK) + frame(TEXT, b"World", mask=MASK)


@pytest.mark.requirement("R6455-6.2-01")
def test_a_request_and_frames_in_any_cutting() -> None:
    data = request({b"Connection": [b"keep-alive", b"Upgrade"], b"Sec-WebSocket-Protocol": [b"a", b"b"]})
    whole = feed(WSConnection(ConnectionType.SERVER), data)
    assert [type(event) for event in whole] == [Request]
    for pieces in cuttings(data + FRAMES):
        server = WSConnection(ConnectionType.SERVER)
        assert feed(server, *pieces) == whole
        server.send(AcceptConnection())
        assert joined(server.events()) == [TextMessage("Hello"), TextMessage("World")]


@pytest.mark.requirement("R6455-6.2-01", "R6455-4.1-50")
def test_a_response_and_frames_in_any_cutting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsproto.utilities.generate_nonce", lambda: KEY)
    early_hints = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    answer = response(KEY, {b"Connection": [b"keep-alive", b"Upgrade"], b"Server": [b"test"]})
    data = early_hints + answer + frame(TEXT, b"Hello") + frame(TEXT, b"World")
    for pieces in cuttings(data):
        client, _ = asking_client()
        assert joined(feed(client, *pieces)) == [
            AcceptConnection(extra_headers=[(b"server", b"test")]),
            TextMessage("Hello"),
            TextMessage("World"),
        ]


# -- What a client sends before it is answered


@pytest.mark.requirement("R9110-7.8-06")
@pytest.mark.parametrize("cut", range(len(FRAMES) + 1))
def test_early_data_is_read_once_the_request_is_accepted(cut: int) -> None:
    for early in ((request() + FRAMES[:cut],), (request(), FRAMES[:cut])):
        server = WSConnection(ConnectionType.SERVER)
        assert [type(event) for event in feed(server, *early)] == [Request]
        server.send(AcceptConnection())
        events = [*server.events(), *feed(server, FRAMES[cut:])]
        assert joined(events) == [TextMessage("Hello"), TextMessage("World")]


def test_early_data_is_compressed_where_that_was_agreed() -> None:
    client, key = asking_client(Request("localhost", "/", extensions=[PerMessageDeflate()]))
    answer = response(key, {b"Sec-WebSocket-Extensions": [b"permessage-deflate"]})
    assert len(feed(client, answer)) == 1
    server = asked_server(request({b"Sec-WebSocket-Extensions": [b"permessage-deflate"]}))
    feed(server, client.send(TextMessage("a" * 1000)))
    server.send(AcceptConnection(extensions=[PerMessageDeflate()]))
    assert list(server.events()) == [TextMessage("a" * 1000)]


def test_early_data_that_is_no_frame_fails_the_open_connection() -> None:
    server = asked_server(request())
    assert feed(server, frame(TEXT, b"Hello")) == []
    server.send(AcceptConnection())
    (event,) = server.events()
    assert isinstance(event, CloseConnection)
    assert event.code == 1002


def test_early_data_comes_in_the_loop_in_which_the_request_is_accepted() -> None:
    server = WSConnection(ConnectionType.SERVER)
    server.receive_data(request() + FRAMES)
    texts = []
    for event in server.events():
        if isinstance(event, Request):
            server.send(AcceptConnection())
        elif isinstance(event, TextMessage):
            texts.append(event.data)
    assert texts == ["Hello", "World"]


def test_a_generator_from_before_the_handshake_gives_the_frames_after_it() -> None:
    client, key = asking_client()
    early = client.events()
    assert feed(client, response(key)) == [AcceptConnection()]
    client.receive_data(frame(TEXT, b"Hello"))
    assert list(early) == [TextMessage("Hello")]
    assert list(client.events()) == []


def test_events_can_be_left_and_taken_up_again() -> None:
    client, key = asking_client()
    client.receive_data(response(key) + frame(TEXT, b"Hello"))
    for event in client.events():
        assert event == AcceptConnection()
        break
    assert list(client.events()) == [TextMessage("Hello")]


# -- Random input

SEEDS = range(12)
# 12,000 a role in everyday life, 200,000 in a campaign (`make campaign`).
CASES = 1_000 if settings().max_examples <= 100 else 17_000

PIECES = [
    b"\r\n",
    b"\n",
    b"\r",
    b"\r\n\r\n",
    b": ",
    b" ",
    b"\t",
    b",",
    b";",
    b'"',
    b"\\",
    b"=",
    b"\0",
    b"\x1c",
    b"\x85",
    b"\xff",
    b"\xc3\xa9",
    b"xn--",
    b"xn--0",
    b"xn--\xff",
    b"[::1]",
    b"13",
    b"-1",
    b"99999999999999999999",
    b"HTTP/1.1",
    b"HTTP/1.0",
    b"HTTP/2.0",
    b"GET ",
    b"POST ",
    b"http://",
    b"#",
    b"%",
    b"Host: ",
    b"\r\nHost: a",
    b"\r\nConnection: Upgrade",
    b"\r\nConnection: close",
    b"\r\nUpgrade: websocket",
    b"\r\nContent-Length: 5",
    b"\r\nContent-Length: x",
    b"\r\nTransfer-Encoding: chunked",
    b"\r\nExpect: 100-continue",
    b"\r\nSec-WebSocket-Key: " + KEY,
    b"\r\nSec-WebSocket-Accept: " + accept_token(KEY),
    b"\r\nSec-WebSocket-Version: 13",
    b"\r\nSec-WebSocket-Version: 8",
    b"\r\nSec-WebSocket-Protocol: a",
    b"\r\nSec-WebSocket-Extensions: permessage-deflate",
    b"\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits",
    b"\r\nSec-WebSocket-Extensions: permessage-deflate; client_max_window_bits=abc",
    b"\r\nSec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=8",
    b'\r\nSec-WebSocket-Extensions: x; y="',
    b"100 ",
    b"103 ",
    b"204 ",
    b"304 ",
    b"403 ",
    b"999 ",
    b"5\r\nHello\r\n",
    b"0\r\n\r\n",
    b"\x81\x05Hello",
    b"\x88\x00",
]

REQUESTS = [
    request(),
    request(
        {b"Sec-WebSocket-Protocol": [b"a, b"], b"Sec-WebSocket-Extensions": [b"permessage-deflate; x=1, y"]}
    ),
    request(
        {b"Connection": [b"keep-alive", b"Upgrade"], b"Host": [b"xn--bcher-kva.example:80"]},
        target=b"http://a/b",
    ),
    request() + FRAMES,
]

RESPONSES: list[Callable[[bytes], bytes]] = [
    response,
    lambda key: response(
        key, {b"Sec-WebSocket-Protocol": [b"a"], b"Sec-WebSocket-Extensions": [b"permessage-deflate"]}
    ),
    lambda key: b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + response(key) + frame(TEXT, b"Hello"),
    lambda _: rejection(b"403 Forbidden", (b"Content-Length", b"5"), body=b"Hello"),
    lambda _: rejection(b"403 Forbidden", (b"Transfer-Encoding", b"chunked"), body=chunked(b"He", b"llo")),
    lambda _: rejection(b"403 Forbidden", body=b"Hello"),
]


def mutated(rng: random.Random, data: bytes) -> bytes:
    """`data` with one to four changes; now and then, noise."""
    if rng.random() < 0.05:
        return b"".join(rng.choice(PIECES) for _ in range(rng.randrange(20)))
    if rng.random() < 0.05:
        return rng.randbytes(rng.randrange(60))
    for _ in range(rng.randint(1, 4)):
        start = rng.randrange(len(data) + 1)
        end = min(len(data), start + rng.choice([0, 0, 1, 1, 2, 8, 30]))
        change = rng.randrange(5)
        if change == 0:
            data = data[:start] + rng.choice(PIECES) + data[end:]
        elif change == 1:
            data = data[:start] + bytes([rng.randrange(256)]) + data[start + 1 :]
        elif change == 2:
            data = data[:start] + data[end:]
        elif change == 3:
            data = data[:end] + data[start:]
        else:
            # At the end of a line, where a header or the end of a value fits.
            places = [at for at in range(len(data)) if data.startswith(b"\r\n", at)] or [0]
            place = rng.choice(places)
            data = data[:place] + rng.choice(PIECES) + data[place:]
    return data


def cut(rng: random.Random, data: bytes) -> list[bytes | None]:
    places = sorted(rng.randrange(len(data) + 1) for _ in range(rng.choice([0, 0, 1, 2])))
    pieces: list[bytes | None] = [
        data[start:end] for start, end in zip([0, *places], [*places, len(data)], strict=True)
    ]
    return [*pieces, None] if rng.random() < 0.3 else pieces


def fed_until_closed(connection: WSConnection, pieces: list[bytes | None]) -> list[Event]:
    events: list[Event] = []
    for piece in pieces:
        if connection.state is ConnectionState.CLOSED:
            break
        events += feed(connection, piece)
    return events


def tried(
    connection: WSConnection, pieces: list[bytes | None], story: str
) -> list[Event] | RemoteProtocolError:
    """Feed `pieces`; anything but events and RemoteProtocolError fails the test with `story`."""
    try:
        return fed_until_closed(connection, pieces)
    except RemoteProtocolError as error:
        return error
    except Exception as error:
        raise AssertionError(story) from error


@pytest.mark.requirement("R6455-4.2.1-01", "R6455-10.7-01", "R6455-10.7-04")
@pytest.mark.uncovered
@pytest.mark.parametrize("seed", SEEDS)
def test_a_server_survives_mutated_requests(seed: int) -> None:
    rng = random.Random(seed)
    accepts = refusals = 0
    for case in range(CASES):
        data = mutated(rng, rng.choice(REQUESTS))
        pieces = cut(rng, data)
        story = f"seed {seed}, case {case}: {pieces!r}"
        server = WSConnection(ConnectionType.SERVER)
        outcome = tried(server, pieces, story)
        if isinstance(outcome, RemoteProtocolError):
            refusals += 1
            hint = outcome.event_hint
            assert isinstance(hint, RejectConnection), story
            assert read_response(server.send(hint))[0].status == hint.status_code, story
            assert server.state is ConnectionState.CLOSED, story
        elif any(isinstance(event, Request) for event in outcome):
            accepts += 1
            answer, _ = read_head(server.send(AcceptConnection(extensions=[PerMessageDeflate()])))
            assert answer.status in {100, 101}, story
    assert min(accepts, refusals) > CASES // 20


@pytest.mark.requirement("R6455-4.1-41", "R6455-10.7-01")
@pytest.mark.uncovered
@pytest.mark.parametrize("seed", SEEDS)
def test_a_client_survives_mutated_responses(seed: int) -> None:
    rng = random.Random(1_000 + seed)
    offer = Request("localhost", "/", extensions=[PerMessageDeflate()], subprotocols=["a"])
    failures = answers = 0
    for case in range(CASES):
        client, key = asking_client(offer)
        data = mutated(rng, rng.choice(RESPONSES)(key))
        pieces = cut(rng, data)
        story = f"seed {1_000 + seed}, case {case}, key {key!r}: {pieces!r}"
        outcome = tried(client, pieces, story)
        if isinstance(outcome, RemoteProtocolError):
            failures += 1
            assert client.state is ConnectionState.CLOSED, story
            hint = outcome.event_hint
            assert isinstance(hint, RejectConnection), story
            assert read_response(asked_server().send(hint))[0].status == hint.status_code, story
        elif outcome:
            answers += 1
            assert isinstance(outcome[0], AcceptConnection | RejectConnection), story
    assert min(failures, answers) > CASES // 20


def outcome_of(connection: WSConnection, pieces: list[bytes | None]) -> tuple[object, ...]:
    """All that an application sees: the events, the error with its hint, the state."""
    events: list[Event] = []
    try:
        for piece in pieces:
            if connection.state is not ConnectionState.CLOSED:
                connection.receive_data(piece)
                events += connection.events()
    except RemoteProtocolError as error:
        events += connection.events()
        return joined(events), str(error), error.event_hint, state_of(connection)
    return joined(events), None, None, state_of(connection)


@pytest.mark.requirement("R6455-6.2-01")
@pytest.mark.uncovered
@pytest.mark.parametrize("seed", range(4))
def test_the_cutting_of_mutated_input_changes_nothing(seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("wsproto.utilities.generate_nonce", lambda: KEY)
    rng = random.Random(3_000 + seed)
    for case in range(200):
        as_client = rng.random() < 0.5
        good = rng.choice(RESPONSES)(KEY) if as_client else rng.choice(REQUESTS)
        data = mutated(rng, good) or good
        cuts: list[list[bytes | None]] = [[data], [data[at : at + 1] for at in range(len(data))]]
        whole, bytewise = (
            outcome_of(asking_client()[0] if as_client else WSConnection(ConnectionType.SERVER), pieces)
            for pieces in cuts
        )
        assert whole == bytewise, f"seed {3_000 + seed}, case {case}: {data!r}"


HOSTILE = [
    "\r",
    "\n",
    "\0",
    "\r\nX: y",
    " ",
    "\t",
    ",",
    ";",
    '"',
    "\\",
    "=",
    "#",
    "/",
    "@",
    ":",
    "[",
    "]",
    "%",
    "\x7f",
    "\x1c",
]
HOSTILE += [
    "\x85",
    "\xa0",
    "\u2028",
    "\u2100",
    "\uff03",
    "\ud800",
    "\xe9",
    "\U0001f600",
    "a",
    "chat",
    "xn--",
    "xn--0",
    "",
    ".",
]


def hostile_text(rng: random.Random) -> Any:
    if rng.random() < 0.03:
        return rng.choice([None, 5, b"a", [], object(), 1.5])
    return "".join(rng.choice([*HOSTILE, "a", "b", "c"]) for _ in range(rng.randrange(6)))


def hostile_bytes(rng: random.Random) -> Any:
    text = hostile_text(rng)
    return text.encode("utf-8", "surrogatepass") if isinstance(text, str) and rng.random() < 0.95 else text


def hostile_event(rng: random.Random) -> Event:
    headers: Any = [(hostile_bytes(rng), hostile_bytes(rng)) for _ in range(rng.randrange(2))]
    kind = rng.randrange(3)
    if kind == 0:
        subprotocols = [hostile_text(rng) for _ in range(rng.randrange(3))]
        # One field at a time is often good, so that the others are reached.
        host = hostile_text(rng) if rng.random() < 0.5 else "localhost"
        target = hostile_text(rng) if rng.random() < 0.5 else "/"
        return Request(host, target, extra_headers=headers, subprotocols=subprotocols)
    if kind == 1:
        subprotocol = hostile_text(rng) if rng.random() < 0.5 else None
        return AcceptConnection(subprotocol=subprotocol, extra_headers=headers)
    return RejectConnection(rng.choice([0, 99, 100, 101, 200, 204, 403, 599, 1000]), headers)


@pytest.mark.requirement("R6455-4.1-19", "R6455-4.1-04")
@pytest.mark.uncovered
@pytest.mark.parametrize("seed", range(4))
def test_hostile_events_are_sent_well_formed_or_not_at_all(seed: int) -> None:
    rng = random.Random(2_000 + seed)
    sent = refused = 0
    for case in range(CASES):
        event = hostile_event(rng)
        story = f"seed {2_000 + seed}, case {case}: {event!r}"
        connection = WSConnection(ConnectionType.CLIENT) if isinstance(event, Request) else asked_server()
        try:
            data = connection.send(event)
        except LocalProtocolError:
            refused += 1
            assert state_of(connection) is ConnectionState.CONNECTING, story
            continue
        except Exception as error:
            raise AssertionError(story) from error
        sent += 1
        head, rest = read_head(data)
        assert rest == b"", story
        assert b"y" not in head.all(b"X"), story
    assert min(sent, refused) > CASES // 20
