#!/usr/bin/env python3
"""Any Sec-WebSocket-Extensions, offered and answered: taken, declined or refused just as RFC 7692 7 says.

The first byte chooses whether the other bytes stand in a request, stand in a response, are an offer and an
answer by themselves, or are what the properties of `tests/properties/test_offers.py` draw.
"""

import sys
from pathlib import Path

if __name__ == "__main__" and not hasattr(sys, "frozen"):
    sys.path[0] = str(Path(__file__).resolve().parents[2])  # a program gets its own folder there

from fuzz.target import instrumented, main

with instrumented("wsproto"):
    from fuzz.properties import try_property
    from tests.oracle.handshake_bytes import KEY, request, response
    from tests.oracle.judging_handshakes import REQUESTS, assert_client_handles, assert_server_handles
    from tests.oracle.offers import assert_judges_element
    from tests.properties.test_offers import FUZZED
    from wsproto import Limits
    from wsproto.utilities import RemoteProtocolError, split_comma_header

NAME = b"Sec-WebSocket-Extensions"


def in_a_request(value: bytes) -> None:
    """Send `value` to a server, on as many lines as it has."""
    assert_server_handles([request({NAME: value.split(b"\n")}) + b"\xc1\x81\x00\x00\x00\x00\x00"], Limits())


def in_a_response(value: bytes) -> None:
    """Send `value` to a client that has offered `REQUESTS[2]` or `REQUESTS[3]`."""
    asked = REQUESTS[2 + len(value) % 2]
    assert_client_handles([response(KEY, {NAME: value.split(b"\n")}) + b"\xc1\x01\x00"], Limits(), asked)


def by_itself(value: bytes) -> None:
    """Call the functions that read one element, and the one that splits a header."""
    assert_judges_element(f"permessage-deflate; {value.decode('latin-1')}")
    try:
        elements = split_comma_header(value)
    except RemoteProtocolError:
        return
    assert all(elements)
    assert ",".join(elements).count('"') == value.count(b'"')


def drawn(data: bytes) -> None:
    """Try one of the properties."""
    try_property(FUZZED, data)


JUDGES = (in_a_request, in_a_response, by_itself, drawn)


def choices_of(data: bytes) -> list[str]:
    """Say what the first byte chooses."""
    if not data:
        return []
    where = ("in a request", "in a response", "by itself", "drawn by a property")
    chosen = data[0] % len(JUDGES)
    return [f"the value stands: {where[chosen]}", *([f"value: {data[1:]!r}"] * (chosen < len(where) - 1))]


def test_one_input(data: bytes) -> None:
    """Judge how the library reads an offer or an answer."""
    if data:
        JUDGES[data[0] % len(JUDGES)](data[1:])


if __name__ == "__main__":
    main(test_one_input)
