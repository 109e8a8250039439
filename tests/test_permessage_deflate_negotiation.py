"""permessage-deflate's negotiation (RFC 7692 5, 7, 7.1): offers and answers, as tables."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from tests.oracle.deflating import (
    SERVER,
    Deflater,
    accepted_client,
    accepting_server,
    compressed_text,
    extension_elements,
    joined,
    requesting_client,
    upgrade_request,
)
from tests.oracle.receiving import receive
from tooling import frames as wire
from wsproto import ConnectionState, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, RejectConnection, TextMessage
from wsproto.extensions import PerMessageDeflate
from wsproto.handshake import client_extensions_handshake, server_extensions_handshake
from wsproto.permessage_deflate import DeflateParameters
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

if TYPE_CHECKING:
    from wsproto.extensions import Extension

NAME = "permessage-deflate"

Settings = dict[str, Any]


def named(parameters: str) -> str:
    """The element of permessage-deflate with `parameters`."""
    return f"{NAME}; {parameters}" if parameters else NAME


def answer(settings: Settings, offer: str) -> str | None:
    """What a server with `settings` answers to one offer: the parameters, or None where it declines."""
    result = PerMessageDeflate(**settings).accept(offer)
    return result if isinstance(result, str) else None


# What a server answers --------------------------------------------------------------------------

ANSWERS = [
    pytest.param({}, "", "", id="plain"),
    pytest.param({}, "client_max_window_bits", "client_max_window_bits=15", id="bare client window"),
    pytest.param({}, "client_max_window_bits=10", "client_max_window_bits=10", id="client window hint"),
    pytest.param({}, "client_max_window_bits=15", "client_max_window_bits=15", id="client window 15"),
    pytest.param({}, "client_max_window_bits=8", "client_max_window_bits=8", id="a server inflates with 8"),
    pytest.param({}, "server_max_window_bits=12", "server_max_window_bits=12", id="server window"),
    pytest.param({}, "server_max_window_bits=9", "server_max_window_bits=9", id="server window 9"),
    pytest.param(
        {},
        "client_max_window_bits=10; server_max_window_bits=12",
        "client_max_window_bits=10; server_max_window_bits=12",
        id="both windows",
    ),
    pytest.param(
        {},
        "server_max_window_bits=12; client_max_window_bits=10",
        "client_max_window_bits=10; server_max_window_bits=12",
        id="both windows, the other order",
    ),
    pytest.param({}, "server_no_context_takeover", "server_no_context_takeover", id="server takeover"),
    pytest.param({}, "client_no_context_takeover", "client_no_context_takeover", id="client takeover"),
    pytest.param(
        {},
        "client_no_context_takeover; server_no_context_takeover",
        "client_no_context_takeover; server_no_context_takeover",
        id="no takeover either way",
    ),
    pytest.param({}, 'server_max_window_bits="10"', "server_max_window_bits=10", id="quoted"),
    pytest.param({}, 'server_max_window_bits="1\\0"', "server_max_window_bits=10", id="quoted pair"),
    pytest.param({}, 'client_max_window_bits="9"', "client_max_window_bits=9", id="quoted client window"),
    pytest.param({"server_max_window_bits": 10}, "", "server_max_window_bits=10", id="own server window"),
    pytest.param(
        {"server_max_window_bits": 10},
        "server_max_window_bits=12",
        "server_max_window_bits=10",
        id="own server window is smaller",
    ),
    pytest.param(
        {"server_max_window_bits": 12},
        "server_max_window_bits=9",
        "server_max_window_bits=9",
        id="own server window is bigger",
    ),
    pytest.param(
        {"client_max_window_bits": 10},
        "client_max_window_bits",
        "client_max_window_bits=10",
        id="own client window, bare hint",
    ),
    pytest.param(
        {"client_max_window_bits": 10},
        "client_max_window_bits=12",
        "client_max_window_bits=10",
        id="own client window is smaller",
    ),
    pytest.param(
        {"client_max_window_bits": 12},
        "client_max_window_bits=9",
        "client_max_window_bits=9",
        id="own client window is bigger",
    ),
    pytest.param(
        {"server_no_context_takeover": True}, "", "server_no_context_takeover", id="own server takeover"
    ),
    pytest.param(
        {"client_no_context_takeover": True}, "", "client_no_context_takeover", id="own client takeover"
    ),
]


@pytest.mark.requirement("R6455-9-02", "R7692-5-06")
@pytest.mark.requirement("R7692-7.1.1.1-02", "R7692-7.1.1.1-03", rows="server takeover|no takeover*")
@pytest.mark.requirement("R7692-7.1.1.1-04", rows="own server takeover")
@pytest.mark.requirement("R7692-7.1.1.2-02", rows="*client takeover|no takeover*")
@pytest.mark.requirement("R7692-7.1.2.1-03", "R7692-7.1.2.1-04", rows="server window*|own server window is*")
@pytest.mark.requirement("R7692-7.1.2.1-05", rows="own server window")
@pytest.mark.requirement("R7692-7.1.2.2-03", "R7692-7.1.2.2-04", rows="*client window*")
@pytest.mark.parametrize(("settings", "offer", "expected"), ANSWERS)
def test_a_server_answers_an_offer(settings: Settings, offer: str, expected: str) -> None:
    assert answer(settings, named(offer)) == expected
    header = server_extensions_handshake([named(offer)], [PerMessageDeflate(**settings)])
    assert header == named(expected).encode()


@pytest.mark.requirement("R7692-5-06")
@pytest.mark.parametrize(("settings", "offer", "expected"), ANSWERS)
def test_the_answer_stands_in_the_response(settings: Settings, offer: str, expected: str) -> None:
    _, value = accepting_server([named(offer)], [PerMessageDeflate(**settings)])
    assert value == named(expected)


def test_all_four_parameters_are_answered() -> None:
    offer = (
        "server_no_context_takeover; client_max_window_bits=9;"
        " server_max_window_bits=11; client_no_context_takeover"
    )
    result = answer({}, named(offer))
    assert result is not None
    assert extension_elements(result) == extension_elements(offer)


@pytest.mark.parametrize(
    "offer",
    [
        "permessage-deflate;server_max_window_bits=10",
        "permessage-deflate ;\tserver_max_window_bits=10 ",
        "permessage-deflate  ;  server_max_window_bits=10",
    ],
)
def test_white_space_around_a_semicolon_means_nothing(offer: str) -> None:
    assert answer({}, offer) == "server_max_window_bits=10"


@pytest.mark.requirement("R7692-7.1.2.2-05")
@pytest.mark.parametrize(
    "settings",
    [{}, {"client_max_window_bits": 15}, {"client_max_window_bits": 10}, {"client_max_window_bits": 8}],
)
def test_a_client_window_that_was_not_offered_is_not_answered(settings: Settings) -> None:
    """RFC 7692 7.1.2.2: the server cannot then bound the client, and takes up to 32 KiB."""
    assert answer(settings, NAME) == ""
    server, _ = accepting_server([NAME], [PerMessageDeflate(**settings)])
    first = bytes(range(33, 127)) * 10
    filler = "".join(chr(0x100 + index * 7 % 0x500) for index in range(15_000)).encode()
    deflater = Deflater()
    events = receive(server, compressed_text(server, deflater.message(first)))
    events += receive(server, compressed_text(server, deflater.message(filler)))
    events += receive(server, compressed_text(server, deflater.message(first)))
    assert joined(events) == [first.decode(), filler.decode(), first.decode()]


BAD_WINDOW_SIZES = [
    "7",
    "16",
    "0",
    "08",
    "010",
    "015",
    "100",
    "+10",
    "-10",
    "1_0",
    "10.0",
    "1e1",
    "0x0a",
    "abc",
    '"07"',
    '"16"',
    '"+10"',
    "99999999999999999999",
]

BAD_PARAMETERS = [
    "foo",
    "foo=1",
    "x",
    "server_max_window_bits",
    "server_max_window_bits=8",
    "server_max_window_bitsx=10",
    "server_max_window_bits_=10",
    "server_max_window=10",
    "client_max_window_bits_foo",
    "server_no_context_takeovers",
    "server_no_context_takeover=1",
    "server_no_context_takeover=true",
    "server_no_context_takeover=10",
    "client_no_context_takeover=0",
    "client_no_context_takeover=true",
    "server_no_context_takeover; server_no_context_takeover",
    "client_no_context_takeover; client_no_context_takeover",
    "client_max_window_bits; client_max_window_bits",
    "client_max_window_bits=10; client_max_window_bits=10",
    "client_max_window_bits; client_max_window_bits=10",
    "server_max_window_bits=10; server_max_window_bits=10",
    "server_max_window_bits=10; server_max_window_bits=12",
    "client_max_window_bits; foo",
    "foo; server_max_window_bits=10",
    *(f"server_max_window_bits={value}" for value in BAD_WINDOW_SIZES),
    *(f"client_max_window_bits={value}" for value in BAD_WINDOW_SIZES),
]

#: Elements that are no `extension` of RFC 6455 9.1.
MALFORMED = [
    "permessage-deflate;",
    "permessage-deflate; ; client_max_window_bits",
    "permessage-deflate; server_max_window_bits=",
    "permessage-deflate; =10",
    'permessage-deflate; server_max_window_bits="10',
    'permessage-deflate; server_max_window_bits="10"x',
    'permessage-deflate; server_max_window_bits=""',
    'permessage-deflate; server_max_window_bits=" 10"',
    'permessage-deflate; client_max_window_bits="10 "',
    'permessage-deflate; server_no_context_takeover=""',
    "permessage-deflate; server_max_window_bits=1 0",
    "permessage-deflate; server_max_window_bits==10",
    "permessage-deflate server_max_window_bits=10",
    "permessage-deflate; server max_window_bits=10",
    "permessage-deflate=1",
    "permessage-deflate; client_max_window_bits=(10)",
    "permessage-deflate; client_max_window_bits=\x0b10",
    "permessage-deflate; client_max_window_bits=\u0661\u0660",
    "permessage-deflate; client_max_window_bits=\uff11\uff10",
    "permessage-deflate\x1c; client_max_window_bits",
    "permessage-deflate; \udcff",
    "",
    ";",
]


@pytest.mark.requirement("R7692-5-10")
@pytest.mark.requirement(
    "R6455-9-04",
    "R6455-9.1-04",
    "R7692-7-01",
    rows="foo*|x|*_foo|*takeovers|*bitsx=10|*_=10|server_max_window=10",
)
@pytest.mark.requirement("R7692-7-02", rows="*takeover=*|server_max_window_bits|*bits=abc")
@pytest.mark.requirement("R7692-7-03", rows="*takeover; *|*_bits; c*|*_bits=10; *")
@pytest.mark.requirement("R7692-7-04", rows="server_max_window_bits=8")
@pytest.mark.requirement("R7692-7.1.2.1-02", rows="server_max_window_bits|server_max_window_bits=[!81]*")
@pytest.mark.requirement("R7692-7.1.2.2-02", rows="client_max_window_bits=[!1]*")
@pytest.mark.parametrize("parameters", BAD_PARAMETERS)
def test_a_bad_offer_is_declined(parameters: str) -> None:
    offer = named(parameters)
    assert answer({}, offer) is None
    assert server_extensions_handshake([offer], [PerMessageDeflate()]) is None
    server, value = accepting_server([offer], [PerMessageDeflate()])
    assert value is None
    assert server.state is ConnectionState.OPEN


@pytest.mark.parametrize("offer", MALFORMED)
def test_a_malformed_offer_is_declined(offer: str) -> None:
    """What reaches `accept` has been split already: it may hold anything, and nothing of it raises."""
    assert answer({}, offer) is None
    assert server_extensions_handshake([offer], [PerMessageDeflate()]) is None


@pytest.mark.requirement("R6455-9.1-01")
@pytest.mark.parametrize(
    "value",
    [
        "permessage-deflate;",
        "permessage-deflate; server_max_window_bits=",
        'permessage-deflate; server_max_window_bits="10',
        'permessage-deflate; server_max_window_bits="1 0"',
        "permessage-deflate server_max_window_bits=10",
        ", ,",
        "permessage-deflate; client_max_window_bits=(10)",
    ],
)
def test_a_request_whose_extensions_break_the_grammar_is_refused(value: str) -> None:
    """RFC 6455 9.1: the recipient of such data fails the connection."""
    server = WSConnection(SERVER)
    with pytest.raises(RemoteProtocolError) as caught:
        receive(server, upgrade_request([value]))
    hint = caught.value.event_hint
    assert isinstance(hint, RejectConnection)
    assert hint.status_code == 400
    assert server.send(hint).startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(
    "name", ["permessage-deflate2", "permessage", "xpermessage-deflate", "x-foo", "deflate"]
)
@pytest.mark.requirement("R6455-9-03")
def test_an_extension_of_another_name_is_not_answered(name: str) -> None:
    assert server_extensions_handshake([name], [PerMessageDeflate()]) is None


def test_nothing_requested_nothing_answered() -> None:
    assert server_extensions_handshake([], [PerMessageDeflate()]) is None
    _, value = accepting_server([], [PerMessageDeflate()])
    assert value is None


def test_nothing_supported_nothing_answered() -> None:
    assert server_extensions_handshake([NAME], []) is None


@pytest.mark.requirement("R7692-5-07", "R7692-7-04")
@pytest.mark.parametrize(
    "offer", ["", "server_max_window_bits=8", "server_max_window_bits=15", "client_max_window_bits"]
)
def test_a_server_that_may_only_deflate_with_window_8_declines(offer: str) -> None:
    """zlib cannot deflate raw with a window of 2^8."""
    assert answer({"server_max_window_bits": 8}, named(offer)) is None


# Several offers, several objects ----------------------------------------------------------------


@pytest.mark.requirement("R6455-9.1-02", "R6455-9.1-08", "R7692-5-03")
@pytest.mark.parametrize(
    ("offers", "expected"),
    [
        pytest.param(["server_max_window_bits=10", ""], "server_max_window_bits=10", id="the first of two"),
        pytest.param(["", "server_max_window_bits=10"], "", id="the first of two, plain"),
        pytest.param(
            ["server_max_window_bits=8; client_max_window_bits=9; server_no_context_takeover", ""],
            "",
            id="a declined offer leaves no trace",
        ),
        pytest.param(
            ["client_no_context_takeover; foo", "client_max_window_bits"],
            "client_max_window_bits=15",
            id="an unknown parameter, then a good offer",
        ),
        pytest.param(
            ["server_max_window_bits=99", "server_max_window_bits", "server_max_window_bits=11", ""],
            "server_max_window_bits=11",
            id="two bad ones, two good ones",
        ),
    ],
)
def test_the_first_acceptable_offer_wins_and_is_answered_once(offers: list[str], expected: str) -> None:
    elements = [named(offer) for offer in offers]
    assert server_extensions_handshake(elements, [PerMessageDeflate()]) == named(expected).encode()
    _, on_one_line = accepting_server([", ".join(elements)], [PerMessageDeflate()])
    _, on_many_lines = accepting_server(elements, [PerMessageDeflate()])
    assert on_one_line == on_many_lines == named(expected)


@pytest.mark.requirement("R7692-5-10")
def test_all_offers_declined_leaves_no_element() -> None:
    extension = PerMessageDeflate()
    elements = [named("foo"), named("server_max_window_bits=8")]
    assert server_extensions_handshake(elements, [extension]) is None
    assert not extension.enabled()


def test_a_comma_inside_a_quoted_string_smuggles_no_offer() -> None:
    """RFC 6455 9.1: the unquoted value has to be a token, so the whole request is refused."""
    value = 'x-foo; y=",permessage-deflate; client_max_window_bits,"'
    server = WSConnection(SERVER)
    with pytest.raises(RemoteProtocolError, match="does not follow its grammar"):
        receive(server, upgrade_request([value]))
    assert server_extensions_handshake([value], [PerMessageDeflate()]) is None


def test_a_client_s_window_of_8_is_not_offered() -> None:
    """zlib cannot deflate raw with it, so the hint would be no promise that is kept."""
    with pytest.raises(LocalProtocolError, match="8"):
        PerMessageDeflate(client_max_window_bits=8).offer()
    with pytest.raises(LocalProtocolError, match="8"):
        requesting_client([PerMessageDeflate(client_max_window_bits=8)])


def test_offers_of_others_are_passed_over() -> None:
    offers = ["x-foo", "x-bar; a=1", named("client_max_window_bits"), "x-foo; b"]
    assert (
        server_extensions_handshake(offers, [PerMessageDeflate()])
        == b"permessage-deflate; client_max_window_bits=15"
    )


@pytest.mark.requirement("R7692-5-08")
@pytest.mark.parametrize(
    "offers",
    [
        pytest.param([NAME], id="one offer"),
        pytest.param([named("server_max_window_bits=9"), NAME], id="two offers"),
    ],
)
def test_a_server_with_two_objects_answers_once(offers: list[str]) -> None:
    """Two extensions that use RSV1 conflict (RFC 7692 5)."""
    first, second = PerMessageDeflate(), PerMessageDeflate()
    header = server_extensions_handshake(offers, [first, second])
    assert header is not None
    assert header.count(b"permessage-deflate") == 1
    assert first.enabled() != second.enabled()


def test_the_second_object_answers_what_the_first_declines() -> None:
    first, second = PerMessageDeflate(server_max_window_bits=8), PerMessageDeflate()
    assert server_extensions_handshake([NAME], [first, second]) == b"permessage-deflate"
    assert [first.enabled(), second.enabled()] == [False, True]


# What a client offers ---------------------------------------------------------------------------


@pytest.mark.requirement("R7692-5-04", "R7692-7.1.2.1-01", rows="server window|a client inflates with 8")
@pytest.mark.requirement("R7692-5-05", rows="client window")
@pytest.mark.requirement("R7692-7.1.1.1-01", rows="server takeover")
@pytest.mark.requirement("R7692-7.1.1.2-01", rows="client takeover")
@pytest.mark.requirement("R7692-7.1.2.2-01", rows="default|client window|None is named")
@pytest.mark.parametrize(
    ("settings", "expected"),
    [
        pytest.param({}, {"client_max_window_bits"}, id="default"),
        pytest.param(
            {"server_max_window_bits": 10},
            {"client_max_window_bits", "server_max_window_bits=10"},
            id="server window",
        ),
        pytest.param(
            {"server_max_window_bits": 8},
            {"client_max_window_bits", "server_max_window_bits=8"},
            id="a client inflates with 8",
        ),
        pytest.param(
            {"client_max_window_bits": 9},
            {"client_max_window_bits=9"},
            id="client window",
        ),
        pytest.param(
            {"client_max_window_bits": None, "server_max_window_bits": None},
            {"client_max_window_bits=15", "server_max_window_bits=15"},
            id="None is named",
        ),
        pytest.param(
            {"client_no_context_takeover": True},
            {"client_no_context_takeover", "client_max_window_bits"},
            id="client takeover",
        ),
        pytest.param(
            {"server_no_context_takeover": True},
            {"server_no_context_takeover", "client_max_window_bits"},
            id="server takeover",
        ),
    ],
)
def test_a_client_offers_its_settings(settings: Settings, expected: set[str]) -> None:
    offer = PerMessageDeflate(**settings).offer()
    assert isinstance(offer, str)
    assert extension_elements(offer) == expected


def test_the_default_offer_is_the_one_of_browsers() -> None:
    """Deployed servers answer 400 to a needless server_max_window_bits=15, or decline it."""
    assert PerMessageDeflate().offer() == "client_max_window_bits"


def test_an_offer_has_a_fixed_order() -> None:
    extension = PerMessageDeflate(True, 15, True, 14)
    assert extension.offer() == (
        "client_max_window_bits=15; server_max_window_bits=14; "
        "client_no_context_takeover; server_no_context_takeover"
    )


@pytest.mark.requirement("R6455-9-01", "R7692-5-01")
def test_the_offer_stands_in_the_request() -> None:
    _, request = requesting_client([PerMessageDeflate()])
    offer = b"permessage-deflate; client_max_window_bits"
    assert b"\r\nSec-WebSocket-Extensions: " + offer + b"\r\n" in request


@pytest.mark.requirement("R7692-5-02")
def test_a_client_may_offer_several_in_order_of_preference() -> None:
    """RFC 7692 7.1.3's fallback: the small window first, then any."""
    _, request = requesting_client([PerMessageDeflate(server_max_window_bits=10), PerMessageDeflate()])
    small = b"permessage-deflate; client_max_window_bits; server_max_window_bits=10"
    plain = b"permessage-deflate; client_max_window_bits\r\n"
    assert small + b", " + plain in request


@pytest.mark.requirement("R7692-7.2.1-07", rows="*16*")
@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"client_max_window_bits": 7}, "7"),
        ({"client_max_window_bits": 16}, "16"),
        ({"client_max_window_bits": 0}, "0"),
        ({"server_max_window_bits": 7}, "7"),
        ({"server_max_window_bits": 16}, "16"),
        ({"server_max_window_bits": -15}, "-15"),
        ({"compression_level": 10}, "10"),
        ({"compression_level": -2}, "-2"),
        ({"memory_level": 0}, "0"),
        ({"memory_level": 10}, "10"),
        ({"min_compress_size": -1}, "-1"),
    ],
    ids=str,
)
def test_impossible_settings_are_refused_at_once(settings: Settings, message: str) -> None:
    with pytest.raises(LocalProtocolError, match=message) as caught:
        PerMessageDeflate(**settings)
    assert isinstance(caught.value, ValueError)


@pytest.mark.parametrize("name", ["compression_level", "memory_level", "min_compress_size"])
def test_the_newer_settings_are_keyword_only(name: str) -> None:
    with pytest.raises(TypeError):
        PerMessageDeflate(False, None, False, None, 1)  # type: ignore[call-arg]
    values: Settings = {name: 1}
    assert PerMessageDeflate(**values).offer() == PerMessageDeflate().offer()


def test_the_older_settings_are_positional() -> None:
    offer = PerMessageDeflate(True, 10, True, 12).offer()
    assert isinstance(offer, str)
    assert extension_elements(offer) == {
        "client_no_context_takeover",
        "client_max_window_bits=10",
        "server_no_context_takeover",
        "server_max_window_bits=12",
    }


# What a client makes of an answer ---------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "response"),
    [
        pytest.param({}, "", id="plain"),
        pytest.param({}, "client_max_window_bits=15; server_max_window_bits=15", id="as offered"),
        pytest.param({}, "client_max_window_bits=9", id="client window 9"),
        pytest.param({}, "server_max_window_bits=9", id="server window 9"),
        pytest.param({}, "server_max_window_bits=8", id="a client inflates with 8"),
        pytest.param({}, "client_no_context_takeover", id="client takeover, unasked"),
        pytest.param({}, "server_no_context_takeover", id="server takeover, unasked"),
        pytest.param({}, 'server_max_window_bits="10"', id="quoted"),
        pytest.param(
            {},
            "server_no_context_takeover; client_max_window_bits=10; server_max_window_bits=11;"
            " client_no_context_takeover",
            id="all four",
        ),
        pytest.param({"server_max_window_bits": 10}, "server_max_window_bits=10", id="the window asked for"),
        pytest.param({"server_max_window_bits": 10}, "server_max_window_bits=9", id="a smaller window"),
        pytest.param({"server_max_window_bits": 15}, "", id="window 15 and absent is the same"),
        pytest.param(
            {"server_no_context_takeover": True}, "server_no_context_takeover", id="takeover asked for"
        ),
        pytest.param({"client_no_context_takeover": True}, "", id="a hint may be passed over"),
        pytest.param({"client_max_window_bits": 10}, "", id="a window hint may be passed over"),
        pytest.param(
            {"client_max_window_bits": 10},
            "client_max_window_bits=12",
            id="the answer to a hint may be bigger",
        ),
        pytest.param({"client_max_window_bits": 10}, "client_max_window_bits=9", id="smaller than the hint"),
    ],
)
def test_a_client_takes_an_answer(settings: Settings, response: str) -> None:
    extension = PerMessageDeflate(**settings)
    assert client_extensions_handshake([named(response)], [extension]) == [extension]
    assert extension.enabled()
    client, events = accepted_client(named(response), [extension])
    (accepted,) = events
    assert isinstance(accepted, AcceptConnection)
    assert accepted.extensions == [extension]
    assert client.state is ConnectionState.OPEN


REFUSED_ANSWERS = [
    pytest.param({}, "foo", id="unknown"),
    pytest.param({}, "foo=10", id="unknown, with what a window may have"),
    pytest.param({}, "client_max_window_bits", id="client window without a value"),
    pytest.param({}, "client_max_window_bits=8", id="a client cannot deflate with 8"),
    pytest.param({}, "server_max_window_bits", id="server window without a value"),
    pytest.param({}, "server_no_context_takeover=1", id="takeover with a value"),
    pytest.param({}, "client_no_context_takeover=true", id="client takeover with a value"),
    pytest.param({}, "server_no_context_takeover; server_no_context_takeover", id="takeover twice"),
    pytest.param({}, "client_max_window_bits=10; client_max_window_bits=10", id="client window twice"),
    pytest.param({}, "server_max_window_bits=10; server_max_window_bits=12", id="server window twice"),
    *(
        pytest.param({}, f"client_max_window_bits={value}", id=f"client {value}")
        for value in BAD_WINDOW_SIZES
    ),
    *(
        pytest.param({}, f"server_max_window_bits={value}", id=f"server {value}")
        for value in BAD_WINDOW_SIZES
    ),
    pytest.param({"server_max_window_bits": 10}, "", id="the asked window is missing"),
    pytest.param({"server_max_window_bits": 14}, "", id="window 14 is missing"),
    pytest.param({"server_max_window_bits": 10}, "server_max_window_bits=11", id="a bigger window"),
    pytest.param({"server_max_window_bits": 8}, "server_max_window_bits=9", id="a bigger window than 8"),
    pytest.param({"server_no_context_takeover": True}, "", id="the asked takeover is missing"),
    pytest.param(
        {"server_no_context_takeover": True}, "client_no_context_takeover", id="only the other takeover"
    ),
]


@pytest.mark.requirement("R7692-7-05", rows="unknown*")
@pytest.mark.requirement("R7692-7-06", rows="*with* a value|client *|server *")
@pytest.mark.requirement("R7692-7-07", rows="*twice")
@pytest.mark.requirement("R7692-7-08", rows="a client cannot deflate with 8")
@pytest.mark.requirement("R7692-7.1.1.1-05", rows="the asked takeover is missing|only the other takeover")
@pytest.mark.requirement("R7692-7.1.2.1-04", rows="server window without a value|server [!w]*")
@pytest.mark.requirement("R7692-7.1.2.1-06", rows="the asked window is missing|window 14*|a bigger window*")
@pytest.mark.requirement("R7692-7.1.2.2-04", rows="client window without a value|client [!wt]*")
@pytest.mark.parametrize(("settings", "response"), REFUSED_ANSWERS)
def test_a_client_refuses_a_weaker_or_invalid_answer(settings: Settings, response: str) -> None:
    extension = PerMessageDeflate(**settings)
    with pytest.raises(RemoteProtocolError):
        extension.finalize(named(response))
    assert not extension.enabled()
    with pytest.raises(RemoteProtocolError):
        client_extensions_handshake([named(response)], [extension])
    with pytest.raises(RemoteProtocolError):
        accepted_client(named(response), [extension])


@pytest.mark.parametrize("response", MALFORMED)
def test_a_client_refuses_a_malformed_answer(response: str) -> None:
    with pytest.raises(RemoteProtocolError):
        PerMessageDeflate().finalize(response)
    with pytest.raises(RemoteProtocolError):
        client_extensions_handshake([response], [PerMessageDeflate()])


@pytest.mark.requirement("R7692-5-12")
@pytest.mark.parametrize(
    ("response", "extensions"),
    [
        pytest.param(NAME, [], id="nothing offered"),
        pytest.param("x-foo", [PerMessageDeflate()], id="another name"),
        pytest.param("permessage-deflate2", [PerMessageDeflate()], id="a longer name"),
        pytest.param("permessage", [PerMessageDeflate()], id="a shorter name"),
    ],
)
def test_a_client_refuses_what_it_did_not_offer(response: str, extensions: list[Extension]) -> None:
    with pytest.raises(RemoteProtocolError, match=f"unrecognized extension {response}"):
        client_extensions_handshake([response], extensions)
    with pytest.raises(RemoteProtocolError, match=f"unrecognized extension {response}"):
        accepted_client(response, extensions)


@pytest.mark.requirement("R7692-5-09")
@pytest.mark.parametrize("objects", [1, 2])
def test_a_client_refuses_two_that_use_rsv1(objects: int) -> None:
    extensions = [PerMessageDeflate() for _ in range(objects)]
    with pytest.raises(RemoteProtocolError):
        client_extensions_handshake([NAME, NAME], extensions)
    with pytest.raises(RemoteProtocolError):
        accepted_client(f"{NAME}, {NAME}", [PerMessageDeflate() for _ in range(objects)])


@pytest.mark.parametrize(
    ("response", "accepted"), [("server_max_window_bits=10", 0), ("", 1), ("server_max_window_bits=12", 1)]
)
def test_an_answer_belongs_to_the_first_offer_that_it_fits(response: str, accepted: int) -> None:
    """RFC 7692 5: the client need not know which of its offers was taken, only that the answer suits one."""
    extensions: list[Extension] = [PerMessageDeflate(server_max_window_bits=10), PerMessageDeflate()]
    assert client_extensions_handshake([named(response)], extensions) == [extensions[accepted]]
    assert [extension.enabled() for extension in extensions] == [accepted == 0, accepted == 1]


@pytest.mark.requirement("R6455-9.1-05", "R7692-5-11")
def test_a_client_without_an_answer_goes_on_uncompressed() -> None:
    extension = PerMessageDeflate()
    client, events = accepted_client(None, [extension])
    assert events == [AcceptConnection(extensions=[])]
    assert not extension.enabled()
    sent = wire.decode_frame(client.send(TextMessage("Hello" * 10)))
    assert (sent.rsv, sent.payload) == (0, b"Hello" * 10)
    (event,) = receive(client, b"\xc1\x07")
    assert isinstance(event, CloseConnection)
    assert event.code == 1002


@pytest.mark.requirement("R7692-5-11")
def test_a_server_that_declined_goes_on_uncompressed() -> None:
    server, _ = accepting_server([named("foo")], [PerMessageDeflate()])
    sent = wire.decode_frame(server.send(TextMessage("Hello" * 10)))
    assert (sent.rsv, sent.payload) == (0, b"Hello" * 10)
    (event,) = receive(server, b"\xc1\x87")
    assert isinstance(event, CloseConnection)
    assert event.code == 1002


@pytest.mark.requirement("R7692-5.1-01")
def test_an_application_that_needs_compression_closes_with_1010() -> None:
    client, _ = accepted_client(None, [PerMessageDeflate()])
    sent = wire.decode_frame(client.send(CloseConnection(1010, NAME)))
    assert (sent.opcode, sent.close_code, sent.close_reason) == (wire.CLOSE, 1010, NAME)


def test_what_a_side_deflates_with() -> None:
    none, all_of_them = DeflateParameters(), DeflateParameters(True, 9, True, 10)
    assert none.of_side(client=True) == none.of_side(client=False) == (15, True)
    assert all_of_them.of_side(client=True) == (9, False)
    assert all_of_them.of_side(client=False) == (10, False)
