from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

from harness.report.wirelog import MAX_ENTRIES, MAX_OCTETS, decode
from tooling.frames import frame

if TYPE_CHECKING:
    from harness.report.wirelog import Entry


def frames_of(wirelog: Any) -> list[Entry]:
    return [entry for entry in decode(wirelog) if "opcode" in entry]


def test_a_frame_entry_of_autobahn_has_all_its_fields() -> None:
    sent = ["TF", [9, "fragment1"], 9, False, 4, "bc79495f", None, None, False]
    received = ["RF", [5, "Hello"], 1, True, 0, True, "01020304"]
    assert decode([sent, received]) == [
        {
            "sender": "suite",
            "opcode": 9,
            "name": "ping",
            "fin": False,
            "rsv": 4,
            "length": 9,
            "hex": b"fragment1".hex(),
            "cut": False,
            "mask": "bc79495f",
        },
        {
            "sender": "library",
            "opcode": 1,
            "name": "text",
            "fin": True,
            "rsv": 0,
            "length": 5,
            "hex": b"Hello".hex(),
            "cut": False,
            "mask": "01020304",
            "text": "Hello",
        },
    ]


@pytest.mark.parametrize(
    ("length", "logged", "octets", "text"),
    [
        (2, "0xfffe", "fffe", "\\xff\\xfe"),
        (6, "0x03e8", b"0x03e8".hex(), "0x03e8"),  # a text that looks like hex
        (5, "κό", "ceba" + "cf8c", "κό"),  # one byte is not logged, whyever
        (4, "κό", "ceba" + "cf8c", "κό"),
        (2, "Îº", "ceba", "κ"),  # bytes that were taken for Latin-1
        (1, "\x00", "00", "\\x00"),
        (3, "\u202e", "e280ae", "\\u202e"),
        (70, "0x" + "ce" * 64 + " ...", "ce" * 64, "\\xce" * 63),  # the last may begin a character
        (64, "y" * 64 + " ...", "79" * 64, "y" * 64),  # what is not cut is marked so too
        (0, "", "", None),
    ],
)
def test_a_payload_is_shown_as_text_and_hex(length: int, logged: str, octets: str, text: str | None) -> None:
    (shown,) = frames_of([["RF", [length, logged], 1, True, 0, False, None]])
    assert (shown["hex"], shown.get("text"), shown["length"]) == (octets, text, length)
    assert shown["cut"] == (len(octets) < 2 * length)


@pytest.mark.parametrize(
    ("to", "text"), [(25, "Hello" * 5), (12, "HelloHelloHe"), (0, None), (2**18, "Hello" * 52)]
)
def test_a_payload_that_is_sent_over_and_over_has_its_whole_length(to: int, text: str | None) -> None:
    (shown,) = frames_of([["TF", [5, "Hello"], 1, True, 0, None, to, None, False]])
    assert (shown["length"], shown.get("text"), shown["cut"]) == (to, text, to > MAX_OCTETS)


def test_a_close_frame_shows_code_and_reason() -> None:
    payload = (1002).to_bytes(2, "big") + "schön".encode()
    (shown,) = frames_of([["RF", [len(payload), f"0x{payload.hex()}"], 8, True, 0, False, None]])
    assert (shown["name"], shown["code"], shown["text"]) == ("close", 1002, "schön")


def test_an_unknown_opcode_has_its_number() -> None:
    (shown,) = frames_of([["TF", [0, ""], 11, True, 0, None, None, None, False]])
    assert shown["name"] == "reserved 0xB"


@pytest.mark.parametrize("mask", [None, b"\x01\x02\x03\x04"])
@pytest.mark.parametrize("size", [0, 5, 125, 126, 65535, 65536])
def test_frames_are_decoded_where_only_octets_are_logged(mask: bytes | None, size: int) -> None:
    payload = bytes(range(256)) * 257
    octets = frame(2, payload[:size], mask=mask)
    (shown,) = frames_of([["TX", octets.hex()]])
    assert (shown["sender"], shown["name"], shown["fin"], shown["length"]) == ("suite", "binary", True, size)
    assert shown["hex"] == payload[: min(size, MAX_OCTETS)].hex()
    assert shown.get("mask") == (mask.hex() if mask else None)


def test_octets_are_decoded_however_they_are_cut_up() -> None:
    octets = frame(1, b"Hello", mask=b"abcd") + frame(9, b"ping", mask=b"abcd")
    wirelog = [["RX", octets[at : at + 1].hex()] for at in range(len(octets))]
    shown = decode(wirelog)
    assert [entry["text"] for entry in shown if "opcode" in entry] == ["Hello", "ping"]
    assert sum(entry["length"] for entry in shown if "octets" in entry) == len(octets)
    assert len([entry for entry in shown if "octets" in entry]) == 2, "one before each frame"


def test_the_directions_do_not_mix() -> None:
    shown = frames_of([["TX", "8105"], ["RX", "8103"], ["TX", b"Hello".hex()], ["RX", b"Bye".hex()]])
    assert [(entry["sender"], entry["text"]) for entry in shown] == [("suite", "Hello"), ("library", "Bye")]


def test_octets_that_were_not_logged_end_the_decoding_unless_a_frame_ends_with_them() -> None:
    long = frame(2, b"x" * 200)
    logged = f"{long[:64].hex()} ..."
    after = ["RX", frame(1, b"Hello").hex()]
    whole = frames_of([["RX", [len(long), logged]], after])
    assert [(entry["length"], entry["cut"]) for entry in whole] == [(200, True), (5, False)]
    more = frames_of([["RX", [len(long) + 1, logged]], after])
    assert [entry["length"] for entry in more] == [200], "where the next one begins is not known"


def test_the_handshake_before_the_frames_is_shown_as_text() -> None:
    http = b"HTTP/1.1 101 Switching Protocols\r\nServer: \xff\r\n\r\n"
    shown = decode([["RX", (http + frame(1, b"early")).hex()]])
    assert [entry["http"] for entry in shown if "http" in entry] == [
        "HTTP/1.1 101 Switching Protocols\nServer: ÿ"
    ]
    assert [entry["text"] for entry in shown if "opcode" in entry] == ["early"]


def test_octets_written_piece_by_piece_are_one_entry() -> None:
    wirelog = [["TF", [1, "H"], 1, True, 0, None, None, 1, True]]
    wirelog += [["TO", [1, octet], True] for octet in ("81", "01", "48")]
    (_, octets) = decode(wirelog)
    assert octets == {"sender": "suite", "length": 3, "octets": "810148", "writes": 3, "cut": False}


@pytest.mark.parametrize(
    ("logged", "note"),
    [
        (["KL", 1.5], "unless it ends within 1.5 s"),
        (["KLE"], "fails the connection"),
        (["TI", 1], "closes the connection after 1 s"),
        (["TIE"], "closes the connection"),
        (["CT", 1.0, "A"], "waits 1 s (A)"),
        (["CT", 1.0, None], "waits 1 s"),
        (["CTE", "B"], "goes on (B)"),
        (["WLM", False], "switched off"),
        (["NEW", {"a": "\x00"}], '["NEW", {"a": "\\u0000"}]'),
        ("text", '"text"'),
        (None, "null"),
        (["TO", [1, "8"], False], '["TO", [1, "8"], false]'),
        (["TO", [1], False], '["TO", [1], false]'),
        (["TF", [1, "a"], "1", True, 0, None], '["TF", [1, "a"], "1", true, 0, null]'),
    ],
)
def test_every_other_entry_is_a_note(logged: Any, note: str) -> None:
    (entry,) = decode([logged])
    assert note in entry["note"]


@pytest.mark.parametrize("wirelog", [None, {}, "x", 5, []])
def test_no_wire_log_is_no_entry(wirelog: Any) -> None:
    assert decode(wirelog) == []


def test_what_is_shown_is_bounded() -> None:
    shown = decode([["KL", 1.0]] * (MAX_ENTRIES + 7))
    assert len(shown) == MAX_ENTRIES + 1
    assert shown[-1] == {"note": "7 more entries are in results.json"}
    (octets,) = decode([["TX", "00" * 10_000]])[:1]
    assert (octets["octets"], octets["length"], octets["cut"]) == ("00" * MAX_OCTETS, 10_000, True)


HEAD = (
    "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA=="
)


def cut(octets: bytes) -> list[Any]:
    """Octets as a suite logs them: the first 64."""
    return [len(octets), octets[:64].hex() + " ..."]


def test_a_head_that_is_cut_gives_no_frames() -> None:
    sent = HEAD.encode() + b"\r\n\r\n"
    answer = "HTTP/1.1 400 Bad Request\r\nServer: some server of some name and of some version"
    log = [["TO", cut(sent), False], ["RO", cut(answer.encode() + b"\r\n\r\n")]]
    shown = decode(log, HEAD, answer)
    assert [entry for entry in shown if "opcode" in entry] == []
    assert [(entry["sender"], entry["http"].splitlines()[0]) for entry in shown if "http" in entry] == [
        ("suite", "GET / HTTP/1.1"),
        ("library", "HTTP/1.1 400 Bad Request"),
    ]
    assert [entry["length"] for entry in shown if "octets" in entry] == [len(sent), len(answer) + 4]


def test_a_cut_head_gives_no_frames_even_where_the_report_has_it_not() -> None:
    assert frames_of([["RO", cut(HEAD.encode() * 3)], ["RO", [7, frame(1, b"Hello").hex()]]]) == []


def test_a_head_stands_before_the_frames_that_were_sent_with_it() -> None:
    log = [["TF", [5, "Hello"], 1, True, 0, "01020304", None, None, False], ["TO", cut(HEAD.encode()), False]]
    first, second, third = decode(log, HEAD)
    assert ("http" in first, second.get("text"), "octets" in third) == (True, "Hello", True)


@pytest.mark.parametrize(
    ("suite_is_server", "senders"), [(False, ["suite", "library"]), (True, ["library", "suite"])]
)
def test_heads_that_are_not_in_the_log_come_first(suite_is_server: bool, senders: list[str]) -> None:
    answer = "HTTP/1.1 101 Switching Protocols"
    shown = decode([["KL", 1.0]], HEAD, answer, suite_is_server=suite_is_server)
    assert [entry.get("sender") for entry in shown] == [*senders, None]


def test_a_head_that_is_logged_as_text_names_the_field_at_fault() -> None:
    shown = decode(
        [["TH", HEAD, {"at": 0.1}], ["RH", "HTTP/1.1 101 OK\r\nUpgrade: x", "Upgrade"]],
        HEAD,
        "HTTP/1.1 101 OK",
    )
    assert [(entry["sender"], entry.get("field"), entry.get("at")) for entry in shown] == [
        ("suite", None, 0.1),
        ("library", "Upgrade", None),
    ]


def test_every_entry_may_have_a_time() -> None:
    log = [["TF", [1, "H"], 1, True, 0, None, None, 1, True, {"at": 1.5}], ["KL", 1.0, {"at": 2}]]
    assert [(entry["at"], entry.get("note", "")[:9]) for entry in decode(log)] == [
        (1.5, ""),
        (2, "the suite"),
    ]
