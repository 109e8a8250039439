"""The snippets of the page on HTTP/2 make a server."""

from __future__ import annotations

import re
from typing import Any

import h2.events
from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.settings import SettingCodes, Settings

from tests.docs.snippets import page
from tooling import frames as wire
from wsproto import events


class Http2Server:
    """A server made of the snippets of the chapter on HTTP/2, in memory, and an h2 client of it."""

    def __init__(self) -> None:
        self.http: list[h2.events.Event] = []  # what the HTTP code gets
        self.names: dict[str, Any] = {
            "answer": self.answer,
            "serve_http": self.http.append,
            "streams": {},
            "http2": self.connection(client=False),
        }
        self.client = self.connection(client=True)
        with page("howto/http2", **self.names) as snippets:
            self.stream, self.loop = snippets.left
            self.names = snippets.run()
            snippets.left.clear()  # `exchange` runs the loop
        self.exchange()

    @staticmethod
    def connection(*, client: bool) -> H2Connection:
        made = H2Connection(H2Configuration(client_side=client, header_encoding=None))
        if not client:
            settings = {SettingCodes.ENABLE_CONNECT_PROTOCOL: 1}
            made.local_settings = Settings(client=False, initial_values=settings)
        made.initiate_connection()
        return made

    @staticmethod
    def answer(stream: Any, event: events.Event) -> None:
        if isinstance(event, events.Request):
            welcome = event.target == "/chat"
            stream.send(events.AcceptConnection() if welcome else events.RejectConnection(404))
        elif isinstance(event, events.TextMessage):
            stream.send(event)
        elif isinstance(event, events.CloseConnection) and event.code != 1006:
            stream.send(event.response())

    def exchange(self) -> list[h2.events.Event]:
        """Let the server read what the client has sent; return what the client gets."""
        self.names["data"] = self.client.data_to_send()
        exec(self.loop, self.names)  # noqa: S102
        return self.client.receive_data(self.names["http2"].data_to_send())

    def connect(self, stream: int, **changes: str) -> list[h2.events.Event]:
        request = {
            "method": "CONNECT",
            "protocol": "websocket",
            "scheme": "https",
            "path": "/chat",
            **changes,
        }
        headers = [(f":{name}", value) for name, value in request.items() if value]
        self.client.send_headers(stream, [*headers, (":authority", "a"), ("sec-websocket-version", "13")])
        return self.exchange()

    def send(self, opcode: int, payload: bytes = b"", stream: int = 1) -> bytes:
        """Send a frame of the client's; return the data that comes back before there is new window."""
        data = wire.frame(opcode, payload, mask=wire.MASK)
        for start in range(0, len(data), 16384):
            self.client.send_data(stream, data[start : start + 16384])
        return self.data(self.exchange())

    def data(self, found: list[h2.events.Event]) -> bytes:
        """The data among events; the window for it is given back with the next exchange."""
        received = b""
        for event in found:
            if isinstance(event, h2.events.DataReceived):
                self.client.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                received += event.data
        return received


def statuses(found: list[h2.events.Event]) -> list[bytes]:
    responses = [event for event in found if isinstance(event, h2.events.ResponseReceived)]
    return [dict(response.headers)[b":status"] for response in responses]


def test_an_h2_server_speaks_websocket_with_some_forty_lines() -> None:
    server = Http2Server()
    assert len(re.findall(r"\S.*\n", server.stream.partition("class ")[2])) <= 46
    assert statuses(server.connect(1)) == [b"200"]
    for _ in range(5):
        echoed = wire.decode_frames(server.send(wire.TEXT, b"a" * 30_000))
        assert b"".join(frame.payload for frame in echoed) == b"a" * 30_000
        server.exchange()


def test_an_h2_server_of_the_page_waits_for_window() -> None:
    server = Http2Server()
    server.client.update_settings({SettingCodes.INITIAL_WINDOW_SIZE: 5})
    server.exchange()
    server.connect(1)
    whole = wire.frame(wire.TEXT, b"abcdef")
    assert server.send(wire.TEXT, b"abcdef") == whole[:5]
    server.client.increment_flow_control_window(5, stream_id=1)
    assert server.data(server.exchange()) == whole[5:]


def test_an_h2_server_of_the_page_closes_in_order() -> None:
    server = Http2Server()
    server.connect(1)
    server.client.send_data(1, wire.frame(wire.CLOSE, wire.close_payload(1000), mask=wire.MASK))
    found = server.exchange()
    assert server.data(found) == wire.frame(wire.CLOSE, wire.close_payload(1000))
    assert any(isinstance(event, h2.events.StreamEnded) for event in found)


def test_an_h2_server_of_the_page_refuses_routes_and_survives_resets() -> None:
    server = Http2Server()
    assert statuses(server.connect(1, path="/elsewhere")) == [b"404"]
    assert statuses(server.connect(3, path="chat")) == [b"400"]
    server.connect(5, protocol="", method="GET")
    assert any(isinstance(event, h2.events.RequestReceived) for event in server.http)
    server.connect(7)
    server.connect(9)
    server.client.send_data(9, wire.frame(wire.TEXT, b"a", mask=wire.MASK))
    server.client.reset_stream(9)
    assert server.data(server.exchange()) == b""
    assert server.send(wire.TEXT, b"a", 7) == wire.frame(wire.TEXT, b"a")
