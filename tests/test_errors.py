"""The errors: local and remote."""

from __future__ import annotations

import pickle

import pytest

from wsproto.errors import LocalTypeError, LocalValueError, ParseFailed
from wsproto.events import RejectConnection
from wsproto.utilities import (
    LocalProtocolError,
    ProtocolError,
    RemoteProtocolError,
)


def test_a_remote_error_carries_the_event_to_send() -> None:
    hint = RejectConnection(status_code=426)
    assert RemoteProtocolError("a", event_hint=hint).event_hint is hint
    assert RemoteProtocolError("a", hint).event_hint is hint
    assert RemoteProtocolError("a").event_hint is None
    assert str(RemoteProtocolError("a", hint)) == "a"


@pytest.mark.parametrize("error", [LocalProtocolError, RemoteProtocolError])
def test_both_errors_are_protocol_errors(error: type[Exception]) -> None:
    assert issubclass(error, ProtocolError)
    assert issubclass(ProtocolError, Exception)


def test_the_two_errors_are_apart() -> None:
    assert not issubclass(LocalProtocolError, RemoteProtocolError)
    assert not issubclass(RemoteProtocolError, LocalProtocolError)


def test_a_frame_that_breaks_the_protocol_has_a_code() -> None:
    assert (str(ParseFailed("a")), ParseFailed("a").code, ParseFailed("a").event_hint) == ("a", 1002, None)
    assert ParseFailed("a", 1007).code == 1007
    assert isinstance(ParseFailed("a"), RemoteProtocolError)
    copied = pickle.loads(pickle.dumps(ParseFailed("a", 1007)))  # noqa: S301 - it was made here
    assert (str(copied), copied.code) == ("a", 1007)


def test_a_bad_value_or_type_is_what_older_callers_caught() -> None:
    assert issubclass(LocalValueError, LocalProtocolError)
    assert issubclass(LocalValueError, ValueError)
    assert issubclass(LocalTypeError, LocalProtocolError)
    assert issubclass(LocalTypeError, TypeError)
