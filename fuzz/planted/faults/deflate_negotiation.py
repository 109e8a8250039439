"""Faults of `deflate_negotiation.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "deflate_negotiation.py"

FAULTS: Final = (
    Fault(
        "no_context_takeover is looked up for the wrong side",
        "RFC 7692 7.1.1",
        _FILE,
        "return self.client_max_window_bits or MAX_WINDOW_BITS, not self.client_no_context_takeover",
        "return self.client_max_window_bits or MAX_WINDOW_BITS, not self.server_no_context_takeover",
    ),
    Fault(
        "a window that is no number raises ValueError",
        "RFC 7692 7.1.2",
        _FILE,
        "        elif value in _WINDOW_BITS_VALUES:\n            values[name] = _WINDOW_BITS_VALUES[value]\n",
        "        elif value is not None and 8 <= int(value) <= 15:\n            values[name] = int(value)\n",
    ),
    Fault(
        "an offer may repeat a parameter",
        "RFC 7692 7.1",
        _FILE,
        "        if name in values:\n",
        "        if name in values and name not in _NO_VALUE:\n",
    ),
    Fault(
        "an answer may leave out server_no_context_takeover",
        "RFC 7692 7.1.1.1",
        _FILE,
        "if own.server_no_context_takeover and not answer.server_no_context_takeover:",
        "if own.server_no_context_takeover and not answer:",
    ),
    Fault(
        "a server names client_max_window_bits unasked",
        "RFC 7692 7.1.2.2",
        _FILE,
        "    if offer.client_max_window_bits_named:\n",
        "    if offer.client_max_window_bits_named or own.client_max_window_bits:\n",
    ),
)
