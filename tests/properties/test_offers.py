"""Whatever is offered or answered: a server never raises, a client fails or agrees with it."""

from __future__ import annotations

from itertools import product

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.oracle.deflating import accepting_server, extension_elements
from tests.oracle.offers import assert_judges_element, is_acceptable
from tests.oracle.strategies import FITTING_VALUES, WINDOW_BITS, offers
from wsproto.extensions import PerMessageDeflate
from wsproto.handshake import client_extensions_handshake, server_extensions_handshake
from wsproto.utilities import LocalProtocolError, RemoteProtocolError

settings = st.builds(PerMessageDeflate, st.booleans(), WINDOW_BITS, st.booleans(), WINDOW_BITS)


@given(offers())
def test_a_server_accepts_just_what_the_rfc_permits(offer: str) -> None:
    answer = server_extensions_handshake([offer], [PerMessageDeflate()])
    assert (answer is not None) == is_acceptable(offer)


@pytest.mark.parametrize("name", ["client_max_window_bits", "server_max_window_bits"])
def test_every_short_value_of_a_window(name: str) -> None:
    """It is a decimal number without leading zeros (RFC 7692 7.1.2), not whatever `int` takes for one."""
    for size in (1, 2, 3):
        for characters in product('0189+-_.exa" ', repeat=size):
            offer = f"permessage-deflate; {name}={''.join(characters)}"
            assert isinstance(PerMessageDeflate().accept(offer), str) == is_acceptable(offer), offer


def test_any_two_parameters() -> None:
    """Also the same one twice, and each without a value where it has one and with one where it has none."""
    parameters = ["unknown"]
    for name in FITTING_VALUES:
        parameters += [name, f"{name}=10"]
    for pair in product(parameters, repeat=2):
        offer = "; ".join(["permessage-deflate", *pair])
        assert isinstance(PerMessageDeflate().accept(offer), str) == is_acceptable(offer)


@given(settings, offers())
def test_an_answer_is_no_weaker_than_its_offer(extension: PerMessageDeflate, offer: str) -> None:
    answer = extension.accept(offer)
    assert isinstance(answer, str) == extension.enabled()
    if not isinstance(answer, str):
        return
    asked = extension_elements(offer.replace('"', ""))
    given_back = extension_elements(answer)
    assert asked & {"server_no_context_takeover"} <= given_back
    values = {name: int(value) for name, _, value in (one.partition("=") for one in given_back) if value}
    bounds = {name: int(value) for name, _, value in (one.partition("=") for one in asked) if value}
    assert values.get("server_max_window_bits", 15) <= bounds.get("server_max_window_bits", 15)
    assert values.get("server_max_window_bits", 15) >= 9
    if "client_max_window_bits" in values:
        assert any(one.startswith("client_max_window_bits") for one in asked)
        assert values["client_max_window_bits"] <= bounds.get("client_max_window_bits", 15)


@given(settings, settings)
def test_a_client_takes_what_a_server_answers_to_it(
    client: PerMessageDeflate, server: PerMessageDeflate
) -> None:
    try:
        offer = client.offer()
    except LocalProtocolError:  # a window that zlib cannot deflate with
        return
    answer = server_extensions_handshake([f"permessage-deflate; {offer}"], [server])
    if answer is None:
        return
    try:
        assert client_extensions_handshake([answer.decode()], [client]) == [client]
    except RemoteProtocolError as error:
        # The server's own window of 8, which it inflates with and no client of this library deflates with.
        assert "client_max_window_bits=8" in answer.decode(), error  # noqa: PT017


@given(settings, offers())
def test_a_client_takes_an_answer_or_fails(extension: PerMessageDeflate, answer: str) -> None:
    try:
        accepted = client_extensions_handshake([answer], [extension])
    except RemoteProtocolError:
        assert not extension.enabled()
    else:
        assert accepted == [extension]
        assert extension.enabled()


@given(settings, offers().filter(is_acceptable))
def test_a_client_takes_no_answer_that_is_weaker_than_its_offer(
    extension: PerMessageDeflate, answer: str
) -> None:
    try:
        offered = extension_elements(f"permessage-deflate; {extension.offer()}")
        extension.finalize(answer)
    except (LocalProtocolError, RemoteProtocolError):  # nothing can be offered, or the answer may not stand
        return
    agreed = extension_elements(answer.replace('"', ""))
    assert offered & {"server_no_context_takeover"} <= agreed
    assert server_window(agreed) <= server_window(offered)


def server_window(elements: set[str]) -> int:
    """The bits of the window that a server may deflate with."""
    values = [one.partition("=")[2] for one in elements if one.startswith("server_max_window_bits")]
    return int(values[0]) if values else 15


@given(st.lists(offers().filter(is_acceptable), min_size=2, max_size=3))
def test_an_extension_is_answered_once(answers: list[str]) -> None:
    """A client that is answered more than it offered fails (RFC 6455 9.1)."""
    with pytest.raises(RemoteProtocolError):
        client_extensions_handshake(answers, [PerMessageDeflate()])


@given(st.lists(offers(), max_size=4))
def test_the_first_acceptable_offer_is_answered(elements: list[str]) -> None:
    answer = server_extensions_handshake(elements, [PerMessageDeflate()])
    alone = [server_extensions_handshake([element], [PerMessageDeflate()]) for element in elements]
    assert answer == next((one for one in alone if one is not None), None)


@given(st.lists(offers().filter(is_acceptable), min_size=1, max_size=4))
def test_lines_and_commas_are_the_same(elements: list[str]) -> None:
    on_lines, in_one = (
        accepting_server(values, [PerMessageDeflate()])[1] for values in (elements, [", ".join(elements)])
    )
    assert on_lines == in_one is not None


@given(st.text(max_size=40))
def test_any_text_is_an_offer_that_is_declined_or_an_answer_that_fails(text: str) -> None:
    assert_judges_element(f"permessage-deflate; {text}")


FUZZED = (
    test_a_server_accepts_just_what_the_rfc_permits,
    test_an_answer_is_no_weaker_than_its_offer,
    test_a_client_takes_what_a_server_answers_to_it,
    test_a_client_takes_an_answer_or_fails,
    test_a_client_takes_no_answer_that_is_weaker_than_its_offer,
    test_an_extension_is_answered_once,
    test_the_first_acceptable_offer_is_answered,
    test_lines_and_commas_are_the_same,
    test_any_text_is_an_offer_that_is_declined_or_an_answer_that_fails,
)
