"""Extension and PerMessageDeflate as objects: what they hold, whom they serve, whose parameter is whose."""

from __future__ import annotations

import os
from importlib import import_module
from typing import TYPE_CHECKING, Any

import pytest

from tests.oracle.deflating import (
    CLIENT,
    HELLO,
    HELLO_AGAIN,
    ROLES,
    SERVER,
    Deflater,
    accepted_client,
    accepting_server,
    agreed,
    compressed_text,
    connect,
    joined,
    joined_pair,
)
from tests.oracle.inflating import Inflater
from tests.oracle.receiving import receive
from tooling import frames as wire
from wsproto import Connection, ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Ping, TextMessage
from wsproto.extensions import SUPPORTED_EXTENSIONS, Extension, PerMessageDeflate, set_zlib_backend
from wsproto.handshake import client_extensions_handshake, server_extensions_handshake
from wsproto.limits import Limits
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from collections.abc import Iterator


def hello(connection: Connection | WSConnection) -> bytes:
    """The payload of a "Hello" that `connection` sends compressed."""
    sent = wire.decode_frame(connection.send(TextMessage("Hello")))
    assert sent.rsv == wire.RSV1
    return sent.payload


# The class ---------------------------------------------------------------------------------------


def test_the_extension_has_its_registered_name() -> None:
    assert PerMessageDeflate.name == "permessage-deflate"
    assert PerMessageDeflate().name == "permessage-deflate"
    assert issubclass(PerMessageDeflate, Extension)


def test_the_supported_extensions_by_name() -> None:
    assert {"permessage-deflate": PerMessageDeflate} == SUPPORTED_EXTENSIONS


def test_it_is_disabled_until_it_was_negotiated() -> None:
    extension = PerMessageDeflate()
    assert extension.enabled() is False
    extension.offer()
    assert extension.enabled() is False
    extension.accept("permessage-deflate")
    assert extension.enabled() is True


def test_finalize_enables() -> None:
    assert agreed().enabled() is True


def test_a_declined_offer_does_not_enable() -> None:
    extension = PerMessageDeflate()
    extension.accept("permessage-deflate")
    extension.accept("permessage-deflate; foo")
    assert extension.enabled() is False


def test_a_refused_answer_does_not_enable() -> None:
    extension = agreed()
    with pytest.raises(RemoteProtocolError):
        extension.finalize("permessage-deflate; foo")
    assert extension.enabled() is False


@pytest.mark.parametrize("role", ROLES)
def test_a_connection_ignores_an_extension_that_is_not_enabled(role: ConnectionType) -> None:
    connection = Connection(role, [PerMessageDeflate()])
    assert wire.decode_frame(connection.send(TextMessage("Hello"))).rsv == 0
    (event,) = receive(connection, compressed_text(connection, HELLO))
    assert isinstance(event, CloseConnection)
    assert event.code == 1002


def test_its_repr_names_the_settings() -> None:
    text = repr(PerMessageDeflate(server_max_window_bits=10))
    assert "PerMessageDeflate" in text
    assert "server_max_window_bits=10" in text


# Which parameter is whose ------------------------------------------------------------------------


@pytest.mark.requirement("R7692-5-13")
@pytest.mark.parametrize(
    ("role", "parameters", "second"),
    [
        (CLIENT, "", HELLO_AGAIN),
        (SERVER, "", HELLO_AGAIN),
        (CLIENT, "client_no_context_takeover", HELLO),
        (SERVER, "client_no_context_takeover", HELLO_AGAIN),
        (CLIENT, "server_no_context_takeover", HELLO_AGAIN),
        (SERVER, "server_no_context_takeover", HELLO),
        (CLIENT, "client_no_context_takeover; server_no_context_takeover", HELLO),
        (SERVER, "client_no_context_takeover; server_no_context_takeover", HELLO),
    ],
)
def test_an_object_finalized_by_itself_serves_either_role(
    role: ConnectionType, parameters: str, second: bytes
) -> None:
    """As a proxy does: it reads the answer of one handshake and opens both ends of its own."""
    connection = connect(role, parameters)
    assert [hello(connection), hello(connection)] == [HELLO, second]


@pytest.mark.parametrize("role", ROLES)
@pytest.mark.parametrize(
    "answer",
    [
        "permessage-deflate",
        "permessage-deflate; client_max_window_bits=15",
        "permessage-deflate; server_max_window_bits=10; client_max_window_bits=9",
        "permessage-deflate; server_no_context_takeover",
        "permessage-deflate; client_no_context_takeover; server_max_window_bits=8",
    ],
)
def test_a_proxy_s_two_ends_understand_what_both_peers_send(role: ConnectionType, answer: str) -> None:
    """A window of 2^8 is for a client's inflater: no server of this library agrees to deflate with it."""
    if role is SERVER and "=8" in answer:
        answer = "permessage-deflate"
    extension = PerMessageDeflate()
    extension.finalize(answer)
    end = Connection(role, [extension])
    its_takeover = f"{'server' if role is CLIENT else 'client'}_no_context_takeover" not in answer
    peer = Deflater(window_bits=9, takeover=its_takeover)
    events = [
        event
        for text in ("Hello", "Hello", "World" * 50)
        for event in receive(end, compressed_text(end, peer.message(text.encode())))
    ]
    assert joined(events) == ["Hello", "Hello", "World" * 50]
    own_takeover = f"{'client' if role is CLIENT else 'server'}_no_context_takeover" not in answer
    inflater = Inflater(takeover=own_takeover)
    assert [inflater.message(hello(end)).data for _ in range(3)] == [b"Hello"] * 3


# One object, many connections --------------------------------------------------------------------


def test_a_second_handshake_starts_clean_on_a_server() -> None:
    extension = PerMessageDeflate()
    everything = (
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover;"
        " client_max_window_bits=9; server_max_window_bits=9"
    )
    _, first = accepting_server([everything], [extension])
    assert first != "permessage-deflate"
    server, second = accepting_server(["permessage-deflate"], [extension])
    assert second == "permessage-deflate"
    assert [hello(server), hello(server)] == [HELLO, HELLO_AGAIN]


def test_a_second_handshake_starts_clean_on_a_client() -> None:
    extension = PerMessageDeflate()
    answer = "permessage-deflate; client_no_context_takeover; client_max_window_bits=9"
    accepted_client(answer, [extension])
    assert extension.offer() == "client_max_window_bits"
    client, events = accepted_client("permessage-deflate", [extension])
    assert isinstance(events[0], AcceptConnection)
    assert [hello(client), hello(client)] == [HELLO, HELLO_AGAIN]


def test_zlib_state_does_not_pass_to_the_next_connection() -> None:
    extension = PerMessageDeflate()
    first, _ = accepting_server(["permessage-deflate"], [extension])
    assert joined(receive(first, compressed_text(first, HELLO))) == ["Hello"]
    assert hello(first) == HELLO
    second, _ = accepting_server(["permessage-deflate"], [extension])
    assert hello(second) == HELLO
    (event,) = receive(second, compressed_text(second, HELLO_AGAIN))
    assert isinstance(event, CloseConnection)
    assert event.code == 1007


def test_a_message_left_unfinished_does_not_pass_to_the_next_connection() -> None:
    extension = PerMessageDeflate()
    first, _ = accepting_server(["permessage-deflate"], [extension])
    first.send(TextMessage("He", message_finished=False))
    receive(first, wire.peer_frame(False, wire.TEXT, HELLO[:3], fin=False, rsv=wire.RSV1))
    second, _ = accepting_server(["permessage-deflate"], [extension])
    assert hello(second) == HELLO
    assert joined(receive(second, compressed_text(second, HELLO))) == ["Hello"]


@pytest.mark.parametrize(
    "second_offer",
    [
        pytest.param("permessage-deflate", id="accepted"),
        pytest.param("permessage-deflate; server_no_context_takeover", id="accepted otherwise"),
        pytest.param("permessage-deflate; foo", id="declined"),
        pytest.param("x-foo", id="not asked for"),
    ],
)
def test_an_open_connection_does_not_notice_the_next_handshake_of_its_object(second_offer: str) -> None:
    extension = PerMessageDeflate()
    first, _ = accepting_server(["permessage-deflate"], [extension])
    assert hello(first) == HELLO
    second, answer = accepting_server([second_offer], [extension])
    assert hello(first) == HELLO_AGAIN
    assert joined(receive(first, compressed_text(first, HELLO))) == ["Hello"]
    assert joined(receive(first, compressed_text(first, HELLO_AGAIN))) == ["Hello"]
    if answer is None:
        assert wire.decode_frame(second.send(TextMessage("Hello"))).rsv == 0
    else:
        assert hello(second) == HELLO


def test_an_open_client_does_not_notice_that_a_second_handshake_failed() -> None:
    extension = PerMessageDeflate()
    first, _ = accepted_client("permessage-deflate", [extension])
    assert hello(first) == HELLO
    with pytest.raises(RemoteProtocolError):
        accepted_client("permessage-deflate; foo", [extension])
    assert not extension.enabled()
    assert hello(first) == HELLO_AGAIN
    assert joined(receive(first, compressed_text(first, HELLO))) == ["Hello"]


def test_one_object_serves_both_ends_at_once() -> None:
    extension = agreed()
    client, server = Connection(CLIENT, [extension]), Connection(SERVER, [extension])
    for text in ("Hello", "Hello", "World"):
        assert joined(receive(server, client.send(TextMessage(text)))) == [text]
        assert joined(receive(client, server.send(TextMessage(text)))) == [text]


def test_the_handshake_functions_forget_an_earlier_negotiation() -> None:
    """A program over HTTP/2 calls them by itself."""
    extension = PerMessageDeflate()
    requested = ["permessage-deflate; server_no_context_takeover"]
    assert server_extensions_handshake(requested, [extension]) == requested[0].encode()
    assert server_extensions_handshake(["x-foo"], [extension]) is None
    assert not extension.enabled()
    assert client_extensions_handshake(requested, [extension]) == [extension]
    assert client_extensions_handshake([], [extension]) == []
    assert not extension.enabled()


def test_reset_forgets_what_was_negotiated() -> None:
    extension = agreed("client_no_context_takeover")
    extension.reset()
    assert not extension.enabled()
    extension.finalize("permessage-deflate")
    connection = Connection(CLIENT, [extension])
    assert [hello(connection), hello(connection)] == [HELLO, HELLO_AGAIN]


def test_settings_survive_a_reset() -> None:
    extension = PerMessageDeflate(server_max_window_bits=10, min_compress_size=6)
    extension.reset()
    assert extension.offer() == "client_max_window_bits; server_max_window_bits=10"
    client, _ = accepted_client("permessage-deflate; server_max_window_bits=10", [extension])
    assert wire.decode_frame(client.send(TextMessage("Hello"))).rsv == 0


def test_a_connection_has_state_of_its_own() -> None:
    extension = agreed()
    first, second = extension.for_connection(), extension.for_connection()
    assert len({id(extension), id(first), id(second)}) == 3
    assert first.enabled()
    assert first.name == "permessage-deflate"


# Several objects ---------------------------------------------------------------------------------


def test_the_object_that_was_accepted_is_the_one_in_use() -> None:
    slow, tiny = PerMessageDeflate(server_max_window_bits=8), PerMessageDeflate(min_compress_size=6)
    server, answer = accepting_server(["permessage-deflate"], [slow, tiny])
    assert answer == "permessage-deflate"
    assert wire.decode_frame(server.send(TextMessage("Hello"))).rsv == 0
    assert wire.decode_frame(server.send(TextMessage("Hello!"))).rsv == wire.RSV1


def test_both_ends_may_offer_and_support_several() -> None:
    client, server = joined_pair(
        [PerMessageDeflate(server_max_window_bits=9), PerMessageDeflate()],
        [PerMessageDeflate(), PerMessageDeflate()],
    )
    for text in ("Hello", "Hello"):
        assert joined(receive(server, client.send(TextMessage(text)))) == [text]
        assert joined(receive(client, server.send(TextMessage(text)))) == [text]


@pytest.mark.parametrize(
    "settings",
    [{"compression_level": "6"}, {"server_max_window_bits": 12.0}, {"min_compress_size": None}],
    ids=str,
)
def test_a_setting_of_another_type_is_refused(settings: dict[str, Any]) -> None:
    with pytest.raises(TypeError, match="must be an int") as error:
        PerMessageDeflate(**settings)
    assert isinstance(error.value, LocalProtocolError)


@pytest.fixture(params=["zlib", "zlib_ng.zlib_ng", "isal.isal_zlib"])
def backend(request: pytest.FixtureRequest) -> Iterator[None]:
    set_zlib_backend(import_module(request.param))
    yield
    set_zlib_backend(import_module(os.environ.get("WSPROTO_TEST_ZLIB", "zlib")))


@pytest.mark.usefixtures("backend")
@pytest.mark.parametrize("level", [-1, 0, 1, 9])
@pytest.mark.parametrize("role", ROLES)
def test_messages_arrive_whatever_compresses(role: ConnectionType, level: int) -> None:
    """isal has no levels above 3; 0 compresses there, too."""
    extension = PerMessageDeflate(compression_level=level)
    extension.finalize("permessage-deflate")
    other = SERVER if role is CLIENT else CLIENT
    sender, receiver = Connection(role, [extension]), Connection(other, [agreed()])
    texts = ["Hello " * 100, "", "Hello " * 100, "x" * 100_000]
    for text in texts:
        receiver.receive_data(sender.send(TextMessage(text)))
    assert joined(receiver.events()) == texts


@pytest.mark.usefixtures("backend")
def test_final_blocks_in_events_of_a_byte_whatever_inflates() -> None:
    """isal takes in what it has no room for, and gives back what is behind a final block."""
    connection = Connection(CLIENT, [agreed()], limits=Limits(max_inflated_size=1))
    connection.receive_data(bytes.fromhex("c10ef348cdc9c90700f248cdc9c907008900"))
    assert joined(connection.events()) == ["HelloHello", Ping(b"")]


@pytest.mark.usefixtures("backend")
def test_bad_data_fails_the_connection_whatever_inflates() -> None:
    connection = Connection(CLIENT, [agreed()])
    connection.receive_data(bytes.fromhex("c103ffffff"))
    (closed,) = connection.events()
    assert closed == CloseConnection(1007, "The extension permessage-deflate refused a frame's payload")


def test_what_cannot_compress_is_refused_and_named() -> None:
    with pytest.raises(LocalProtocolError, match="it lacks compressobj, decompressobj"):
        set_zlib_backend(os)


def test_a_whole_message_may_begin_with_a_part_of_a_code_point() -> None:
    """The first event of a byte says nothing: the frame was read anew then, as a message inside of it."""
    connection = Connection(CLIENT, [agreed()], limits=Limits(max_inflated_size=1))
    connection.receive_data(bytes.fromhex("c108000200fdffc28000") * 2)
    assert joined(connection.events()) == ["\x80", "\x80"]
