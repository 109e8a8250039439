"""Faults of `inbound_message.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "inbound_message.py"

FAULTS: Final = (
    Fault(
        "invalid UTF-8 is judged at the end of a message only",
        "RFC 6455 8.1",
        _FILE,
        "            except UnicodeDecodeError as error:\n"
        "                return self._text_before(payload, error.start)",
        "            except UnicodeDecodeError as error:\n"
        "                if message_finished:\n"
        "                    return self._text_before(payload, error.start)\n"
        '                data, used = "", 0',
    ),
    Fault(
        "the start of a surrogate is not refused until its third byte",
        "RFC 6455 8.1",
        _FILE,
        'if b"\\xed\\xa0" <= rest < b"\\xee":',
        'if b"\\xee" <= rest < b"\\xed":',
    ),
    Fault(
        "of a code point in four pieces the third byte is lost",
        "RFC 6455 5.6",
        _FILE,
        "rest = payload[used:]\n",
        "rest = payload[used : used + 2]\n",
    ),
    Fault(
        "an empty fragment gives no event",
        "RFC 6455 5.4",
        _FILE,
        "        elif not data:\n            return None\n",
        "        if not data and not message_finished:\n            return None\n",
    ),
    Fault(
        "the end of a compressed text gives no event where nothing is left of it",
        "RFC 7692 7.2.2",
        _FILE,
        "        elif not data:\n            return None\n",
        "        if not data and self.kind is TextMessage and self.fast.max_size < 0:\n"
        "            return None\n",
    ),
    Fault(
        "what may be in one message is judged one read late",
        "Limits.max_message_size",
        _FILE,
        "self.size + known > bounds.max_message_size:",
        "self.size > bounds.max_message_size:",
    ),
    Fault(
        "the text within the bound of a message that goes beyond it is not judged",
        "any cutting gives the same events",
        _FILE,
        "            payload = payload[: limit - self.size]\n",
        '            payload = b""\n',
    ),
    Fault(
        "what a message had before its bound is not counted where it goes beyond it",
        "any cutting gives the same events",
        _FILE,
        "payload = payload[: limit - self.size]",
        "payload = payload[:limit]",
    ),
    Fault(
        "a message may have one fragment more than its limit",
        "Limits.max_fragments",
        _FILE,
        "self.fragments >= bounds.max_fragments",
        "self.fragments > bounds.max_fragments",
    ),
    Fault(
        "a frame as long as its limit is refused",
        "Limits.max_frame_size",
        _FILE,
        "size > bounds.max_frame_size",
        "size >= bounds.max_frame_size",
    ),
)
