"""A crash tells what its bytes mean; its test calls the library alone, and fails as long as it is wrong."""

from __future__ import annotations

import os
import subprocess
import sys
from random import Random
from runpy import run_path
from typing import TYPE_CHECKING

import pytest

from fuzz.crashes import explain, keep
from fuzz.folders import PACKAGE, Folders
from fuzz.meaning import Meaning, meaning_of
from fuzz.minimizer import Budget
from fuzz.planted.catalogue import named
from fuzz.planted.fault import plant
from fuzz.replay import MEMORY_LIMIT, Replay
from tests.fuzz.toys import toys
from tests.oracle.handshake_bytes import KEY, request, response
from tooling import frames as wire

if TYPE_CHECKING:
    from pathlib import Path

MASKED_PING = wire.frame(wire.PING, b"p", mask=wire.MASK)

CASES = {
    # A judge that compares events; an error that escapes; a judge that wants a refusal, of either side; bytes
    # behind a handshake; values that Hypothesis draws.
    "an empty fragment gives no event": ("frames_client", b"\0\x01\0\x01\0\x80\0"),
    "a reason that is no UTF-8 raises": ("frames_client", b"\0\0\0\x88\x03\x03\xe8\x80"),
    "a receiver forgets the context": (
        "inflate",
        b"\x47\x00\x01\x00" + b"\x62\x00\x00" + b"\xff\xff\xff\xff" + b"\x42\x00",
    ),
    "Connection need not name the upgrade": (
        "handshake_server",
        bytes(3) + request({b"Connection": [b"close"]}),
    ),
    "the accept token is not compared": (
        "handshake_client",
        bytes(3) + response(KEY).replace(b"s3pPLMBiTxaQ9kYGzzhZRbK+xOo=", b"nonsense"),
    ),
    "what comes with the request is lost": ("handshake_server", bytes(3) + request({}) + MASKED_PING),
    "what comes with the response is lost": (
        "handshake_client",
        bytes(3) + response(KEY) + wire.frame(wire.PING, b"p"),
    ),
    "an offer may repeat a parameter": ("extension_headers", bytes.fromhex("03000042 02424a00 010100")),
    "the events of a handshake are lost": ("round_trip", bytes.fromhex("0900000000")),
    "the code 2999 is accepted": ("differential", bytes.fromhex("00000000000a00")),
    "the application may write the library's own": ("application", bytes.fromhex("41000000")),
    # An extension of the tests' own; an extension made before the input was run; frames that are sent back;
    # an error without the event that tells the peer; a value that the library may refuse.
    "RSV2 and RSV3 are accepted beside": ("frames_client", b"\x80\0\0\x91\x0dHello, world!"),
    "an extension may be answered twice": (
        "extension_headers",
        b"\x01permessage-deflate; server_max_window_bits=8, permessage-deflate",
    ),
    "the tail of a compressed message is sent": (
        "frames_structured",
        bytes.fromhex("210500 c108f348cdc9c9070000 c107f248cdc9c90700"),
    ),
    "an error does not keep the event": (
        "handshake_server",
        bytes(3) + b"POST / HTTP/1.1\r\nHost: example.com\r\n\r\n",
    ),
    "a host that is not ASCII raises": ("handshake_server", bytes(3) + request({b"Host": [b"caf\xe9"]})),
}

DRAWN = {
    # Extensions with hooks of the tests' own; masking keys, which are random; bytes that one end sends and
    # the other receives, through connections and through the codec alone.
    "what is sent passes through the first extension alone": "round_trip",
    "RSV1 is written on each frame of a compressed message": "differential",
    "a ping sent inside of a compressed message ends its compression": "round_trip",
    "the tail of a compressed message is sent, too": "application",
}
"""Faults that values find which Hypothesis draws: the test looks for bytes that stand for some."""


def planted(name: str, folder: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the processes that this one starts import a copy of the library with a fault."""
    copy = plant(named([name])[0], folder / "planted")
    monkeypatch.setenv("PYTHONPATH", str(copy))
    return copy


CALL = """
import runpy, sys
names = runpy.run_path(sys.argv[1])
(function,) = (value for name, value in names.items() if name.startswith("test_"))
print("called", flush=True)
function()
"""


def fails(test: Path, library: Path) -> bool:
    """Whether the test of a file fails, which may import nothing but a library and what is installed."""
    done = subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", CALL, test],
        env=os.environ | {"PYTHONPATH": str(library)},
        cwd=test.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.stdout.startswith("called\n"), done.stderr
    return done.returncode != 0


@pytest.mark.parametrize("fault", CASES)
def test_the_ready_test_fails_by_the_public_api_as_long_as_the_fault_is_there(
    fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    name, data = CASES[fault]
    copy = planted(fault, tmp_path, monkeypatch)
    assert_shows(name, data, copy, tmp_path)


@pytest.mark.parametrize("fault", DRAWN)
def test_so_does_that_of_drawn_values(fault: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    copy = planted(fault, tmp_path, monkeypatch)
    source = Random(6455)
    inputs = (source.randbytes(source.choice((40, 200, 800))) for _ in range(5000))
    with Replay(PACKAGE.targets([DRAWN[fault]])[0]) as replay:
        data = next(data for data in inputs if replay.run(data) is not None)
    assert_shows(DRAWN[fault], data, copy, tmp_path)


def assert_shows(name: str, data: bytes, copy: Path, tmp_path: Path) -> None:
    """An input's test fails with a copy of the library, and passes without its fault."""
    meaning = meaning_of(PACKAGE.targets([name])[0], data, MEMORY_LIMIT)
    assert meaning.problem == ""
    assert not {"fuzz", "tests"} & {line.split()[1].partition(".")[0] for line in imports_of(meaning.test)}
    (tmp_path / "alone").mkdir()
    test = tmp_path / "alone" / "test_it.py"
    test.write_text(meaning.test, "utf-8")
    assert fails(test, copy)
    names = run_path(str(test))  # with the library of this process, which has no fault
    (function,) = (value for name, value in names.items() if name.startswith("test_"))
    function()


def imports_of(source: str) -> list[str]:
    return [line for line in source.splitlines() if line.startswith(("import ", "from "))]


def test_the_test_is_a_conversation_to_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    planted("an empty fragment gives no event", tmp_path, monkeypatch)
    data = bytes([0, 1, 2]) + b"\x01\x00\x80\x00"
    meaning = meaning_of(PACKAGE.targets(["frames_client"])[0], data, MEMORY_LIMIT)
    assert meaning.choices == [
        "role: client",
        "permessage-deflate: none",
        "limits: max_frame_size=130",
        "reads: cut after 2, 3, 3 of 4 bytes",
        "events taken: after each read",
        "end of file behind it: no",
    ]
    assert meaning.test.partition("-> None:")[2] == EXPECTED


EXPECTED = """
    # AssertionError: ([TextMessage(data='', frame_finished=True, message_finished=True)],
    # Expected(events=[TextMessage(data='', frame_finished=True, message_finished=False),
    # TextMessage(data='', frame_finished=True, message_finished=True)], codes=set(), certain=True))
    # The judge: assert got == due.events, (got, due)
    connection = Connection(ConnectionType.CLIENT, [], limits=Limits(max_frame_size=130))
    events = []
    connection.receive_data(b'\\x01\\x00')
    events += connection.events()  # []
    connection.receive_data(b'\\x80')
    events += connection.events()  # []
    connection.receive_data(b'')
    events += connection.events()  # []
    connection.receive_data(b'\\x00')
    events += connection.events()  # [TextMessage(data='', frame_finished=True, message_finished=True)]
    connection.receive_data(b'')
    events += connection.events()  # []
    connection.receive_data(b'')
    events += connection.events()  # []
    connection.receive_data(b'')
    events += connection.events()  # []
    assert events == [TextMessage(data='', message_finished=False), TextMessage(data='')]
"""


def test_choices_are_named_in_every_target_that_has_some() -> None:
    said = {
        target.name: target.load().choices_of(bytes([0b10011, 2, 7, 3]) + b"GET / HTTP/1.1\r\n")
        for target in PACKAGE.targets()
        if hasattr(target.load(), "choices_of")
    }
    assert said["frames_structured"][:3] == [
        "role: server",
        "permessage-deflate: window of 15 bits, context not kept between messages",
        "limits: max_message_size=20",
    ]
    assert said["handshake_server"] == [
        "role: server",
        "limits: max_headers=5, max_interim_responses=1, max_early_data=0, max_reject_body_size=4",
        "reads: cut after 7, 10, 11 of 17 bytes",
        "end of file behind it: yes",
        "a request is: rejected by 403, no body",
    ]
    assert said["handshake_client"][-1].startswith("asked with: Request(host='localhost', target='/'")
    assert said["inflate"][:3] == [
        "role: server",
        "permessage-deflate: window of 11 bits",
        "context between messages: kept",
    ]
    assert said["extension_headers"] == ["the value stands: drawn by a property"]
    assert set(said) == {target.name for target in PACKAGE.targets()} - {
        "application",
        "differential",
        "round_trip",
    }


def test_drawn_values_are_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fault = "an offer may repeat a parameter"
    planted(fault, tmp_path, monkeypatch)
    name, data = CASES[fault]
    finding = keep(Folders(tmp_path), PACKAGE.targets([name])[0], data, "crash", Budget(0))
    assert finding.drawn == [
        "property: tests/properties/test_offers.py::test_a_server_accepts_just_what_the_rfc_permits",
        "offer = 'permessage-deflate; client_no_context_takeover; client_no_context_takeover'",
    ]
    note = explain(finding)
    assert "Choices:\n    the value stands: drawn by a property\n" in note
    assert f"Drawn values:\n    {finding.drawn[0]}\n    {finding.drawn[1]}\n" in note


@pytest.mark.parametrize(
    ("toy", "problem"),
    [
        ("fine", "it does not fail when it is replayed alone"),
        ("raising", "the target calls functions, not a connection"),
        ("dying", "the process ends by 7: silently"),
        ("killed", "the process ends by -9: silently"),
    ],
)
def test_where_no_test_can_be_made_the_reason_is_said(toy: str, problem: str, tmp_path: Path) -> None:
    (target,) = toys(tmp_path, toy).targets()
    assert meaning_of(target, b"AB", MEMORY_LIMIT) == Meaning(problem=problem)


def test_a_hang_is_no_hang_of_the_explanation(tmp_path: Path) -> None:
    (target,) = toys(tmp_path, "hanging").targets()
    assert meaning_of(target, b"AB", MEMORY_LIMIT).problem == "the target calls functions, not a connection"
