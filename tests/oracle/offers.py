"""Reads an element of Sec-WebSocket-Extensions by RFC 7692 7.1, and judges what the library makes of it."""

from __future__ import annotations

import re

from wsproto.extensions import PerMessageDeflate
from wsproto.utilities import RemoteProtocolError

#: RFC 6455 9.1 takes the implied white space of RFC 2616 2.1 over.
_VALUE = r'[ \t]*=[ \t]*(?:[89]|1[0-5]|"(?:[89]|1[0-5])")'
_PARAMETER = re.compile(
    rf"(client_no_context_takeover|server_no_context_takeover)"
    rf"|(server_max_window_bits){_VALUE}|(client_max_window_bits)(?:{_VALUE})?",
    re.ASCII,
)


def is_acceptable(offer: str) -> bool:
    """RFC 7692 7.1 as one regular expression, with zlib's bound on a server's window."""
    name, *parameters = re.split(r"[ \t]*;[ \t]*", offer.strip(" \t"))
    names = []
    for parameter in parameters:
        match = _PARAMETER.fullmatch(parameter)
        if match is None:
            return False
        names.append(next(group for group in match.groups() if group))
    too_small = any(re.fullmatch(r'server_\w+[ \t=]+"?8"?', parameter) for parameter in parameters)
    return name == "permessage-deflate" and len(names) == len(set(names)) and not too_small


def assert_judges_element(element: str) -> None:
    """As an offer it is accepted or declined as it has to be; as an answer it is taken, or fails."""
    extension = PerMessageDeflate()
    assert isinstance(extension.accept(element), str) == is_acceptable(element)
    extension.reset()
    try:
        extension.finalize(element)
    except RemoteProtocolError:
        assert not extension.enabled()
