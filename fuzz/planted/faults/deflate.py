"""Faults of `deflate.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "deflate.py"

FAULTS: Final = (
    Fault(
        "a sender ignores that it agreed to compress each message by itself",
        "RFC 7692 7.1.1",
        _FILE,
        "        if not self.context_takeover:\n            self._deflater = None\n",
        "",
    ),
    Fault(
        "a receiver keeps the context of a sender that has none",
        "RFC 7692 7.1.1",
        _FILE,
        "        self._final_blocks = 0\n"
        "        if not self.context_takeover:\n"
        "            self._inflater = None\n",
        "        self._final_blocks = 0\n",
    ),
    Fault(
        "a receiver forgets the context behind a message in several frames",
        "RFC 7692 7.2.3.2",
        _FILE,
        "        self._final_blocks = 0\n        if not self.context_takeover:\n",
        "        self._final_blocks = 0\n        if True:\n",
    ),
    Fault(
        "what a bound has held back inflates without one",
        "Limits.max_inflated_size",
        _FILE,
        "inflated = inflater.decompress(given, limit)",
        "inflated = inflater.decompress(given)",
    ),
    Fault(
        "a message inflates without a bound",
        "Limits.max_inflated_size",
        _FILE,
        "inflated = inflater.decompress(data, limit)",
        "inflated = inflater.decompress(data)",
    ),
    Fault(
        "a block with BFINAL breaks the message behind it",
        "RFC 7692 7.2.3.4",
        _FILE,
        "if len(inflated) < limit and not inflater.eof:",
        "if len(inflated) < limit:",
    ),
    Fault(
        "a message that ends in a block with BFINAL gets the tail all the same",
        "RFC 7692 7.2.3.4",
        _FILE,
        "if inflater.eof and self._finishing and self._input[self._offset :] == TAIL:",
        'if inflater.eof and self._finishing and self._input == b"":',
    ),
    Fault(
        "the tail of a compressed message is sent, too",
        "RFC 7692 7.2.1",
        _FILE,
        "return deflated[: -len(TAIL)]",
        "return deflated",
    ),
)
