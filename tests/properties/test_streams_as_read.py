"""What a `StreamHandshake` makes of header sections and data is what the strict reader says that it has to.

The judges are those of the fuzz targets: here Hypothesis puts the sections together.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.judging_handshakes import REQUESTS
from tests.oracle.judging_streams import Step, assert_client_handles, assert_server_handles
from tests.oracle.strategies import handshake_limits
from tests.oracle.stream_sections import CONNECT, ODD_FIELDS, odd_sections
from tooling import frames as wire
from wsproto import Limits
from wsproto.events import RejectConnection, Request

if TYPE_CHECKING:
    from wsproto.typing import Headers

ACCEPT = {b":status": b"200"}
REFUSAL: Headers = [(b":status", b"403")]
STATUSES = [
    {b":status": status}
    for status in (b"204", b"299", b"300", b"101", b"103", b"403", b"abc", b"2000", b"099", b"")
]
ODD_ANSWERS = [change for change in ODD_FIELDS if not {*change} & {*CONNECT}] + STATUSES
REQUEST_SECTIONS = odd_sections(CONNECT, ODD_FIELDS)
RESPONSE_SECTIONS = odd_sections(ACCEPT, ODD_ANSWERS)
HELLO = wire.frame(wire.TEXT, b"Hello", mask=wire.MASK)
CLOSE = wire.frame(wire.CLOSE, wire.close_payload(1000), mask=wire.MASK)


def named(sections: list[Headers]) -> list[str]:
    return [f"{number}" for number in range(len(sections))]


@pytest.mark.parametrize("section", REQUEST_SECTIONS, ids=named(REQUEST_SECTIONS))
def test_each_odd_request(section: Headers) -> None:
    assert_server_handles([section], Limits())
    assert_server_handles([section, HELLO, None], Limits())
    assert_server_handles([section, section], Limits())
    assert_server_handles([HELLO, section], Limits())
    size = sum(len(name) + len(value) + 32 for name, value in section)
    for bound in (size - 1, size):
        assert_server_handles([section], Limits(max_handshake_size=bound))


@pytest.mark.parametrize("request_", REQUESTS)
@pytest.mark.parametrize("section", RESPONSE_SECTIONS, ids=named(RESPONSE_SECTIONS))
def test_each_odd_response(section: Headers, request_: Request) -> None:
    runs: list[list[Step]] = [
        [section],
        [section, wire.frame(wire.TEXT, b"Hello"), None],
        [[(b":status", b"103")], section],
        [REFUSAL, b"body", section, None],
        [b"body", section],
    ]
    for run in runs:
        assert_client_handles(run, Limits(), request_)


def sections(first: dict[bytes, bytes], odd: list[dict[bytes, bytes]]) -> st.SearchStrategy[Headers]:
    """The fields of `first`, some of them changed, left out, repeated or in another place."""
    changes = st.lists(st.sampled_from(odd), max_size=2)
    changed = changes.map(lambda found: [field for change in found for field in change.items()])
    whole = changed.map(
        lambda found: sorted({**first, **dict(found)}.items(), key=lambda field: field[0][:1] != b":")
    )
    return (
        whole | st.tuples(whole, changed).map(lambda both: both[0] + both[1]) | whole.flatmap(st.permutations)
    )


def steps(kind: st.SearchStrategy[Headers]) -> st.SearchStrategy[list[Step]]:
    data = st.sampled_from([HELLO, CLOSE, b"", HELLO[:3], wire.frame(wire.TEXT, b"Hello")])
    rest: st.SearchStrategy[list[Step]] = st.lists(kind | data | st.none(), max_size=3)
    return st.tuples(kind, rest).map(lambda both: [both[0], *both[1]]) | rest


@given(
    steps(sections(CONNECT, [*ODD_FIELDS])),
    handshake_limits,
    st.sampled_from([None, RejectConnection(403), RejectConnection(403, has_body=True)]),
)
def test_requests(received: list[Step], limits: Limits, reject: RejectConnection | None) -> None:
    assert_server_handles(received, limits, reject=reject)


@given(steps(sections(ACCEPT, ODD_ANSWERS)), handshake_limits, st.sampled_from(REQUESTS))
def test_responses(received: list[Step], limits: Limits, request_: Request) -> None:
    assert_client_handles(received, limits, request_)
