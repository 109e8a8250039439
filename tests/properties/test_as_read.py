"""What a connection gives is what the tests' own reader says that it has to, however the bytes are cut.

The judges are those of the fuzz targets: here Hypothesis writes the bytes.
"""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from tests import wire
from tests.deflating import CLIENT, ROLES, upgrade_request
from tests.expected_events import Deflate
from tests.handshake_bytes import KEY, response
from tests.judging import Setting, assert_can_be_echoed, assert_received_rightly
from tests.judging_handshakes import REQUESTS, assert_client_handles, assert_server_handles
from tests.strategies import any_frames, cuttings, mutated, odd_streams, peer_streams
from wsproto import ConnectionType, Limits

roles = st.sampled_from(ROLES)
bounds = st.one_of(st.none(), st.integers(0, 70))
limits = st.builds(
    Limits, max_frame_size=bounds, max_message_size=bounds, max_fragments=st.none() | st.integers(0, 4)
)
deflates = st.none() | st.builds(Deflate, st.integers(9, 15), st.booleans())
settings = st.builds(Setting, roles, deflates, limits, st.booleans())


def assert_right(setting: Setting, stream: bytes, data: st.DataObject) -> None:
    assert_received_rightly(
        setting,
        data.draw(cuttings(stream)),
        eof=data.draw(st.booleans()),
        one_by_one=data.draw(st.booleans()),
        together=data.draw(st.booleans()),
    )


@given(settings, st.data())
def test_a_stream(setting: Setting, data: st.DataObject) -> None:
    deflate = setting.deflate is not None
    stream = data.draw(peer_streams(client=setting.role is CLIENT, deflate=deflate)).data
    assert_right(setting, data.draw(st.just(stream) | mutated(stream)), data)


@given(settings, st.data())
def test_odd_frames(setting: Setting, data: st.DataObject) -> None:
    stream = data.draw(odd_streams(client=setting.role is CLIENT, deflate=setting.deflate is not None))
    assert_right(setting, stream, data)


@given(settings, st.lists(any_frames(), max_size=6), st.data())
def test_any_frames(setting: Setting, frames: list[bytes], data: st.DataObject) -> None:
    assert_right(setting, b"".join(frames), data)


@given(roles, deflates, st.data())
def test_what_comes_can_be_sent_back(
    role: ConnectionType, deflate: Deflate | None, data: st.DataObject
) -> None:
    setting = Setting(role, deflate)
    stream = data.draw(peer_streams(client=role is CLIENT, deflate=deflate is not None))
    assert_can_be_echoed(setting, assert_received_rightly(setting, [stream.data]))


@given(mutated(upgrade_request(["permessage-deflate", "x-foo"])), st.booleans(), st.data())
def test_a_request(request: bytes, eof: bool, data: st.DataObject) -> None:
    early = data.draw(peer_streams(client=False, deflate=True))
    assert_server_handles(data.draw(cuttings(request + early.data)), Limits(), eof=eof)


@given(st.sampled_from(REQUESTS), st.booleans(), st.booleans(), st.data())
def test_a_response(request: object, deflate: bool, eof: bool, data: st.DataObject) -> None:
    answer = (
        {b"Sec-WebSocket-Extensions": [b"permessage-deflate; server_max_window_bits=9"]} if deflate else {}
    )
    head = data.draw(mutated(response(KEY, answer)) | st.just(response(KEY, answer)))
    tail = wire.frame(wire.TEXT, b"Hello") + data.draw(peer_streams(client=True, deflate=deflate)).data
    assert_client_handles(data.draw(cuttings(head + tail)), Limits(), request, eof=eof)  # type: ignore[arg-type]
