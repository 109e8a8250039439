"""Faults of `http_exchange.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "http_exchange.py"

FAULTS: Final = (
    Fault(
        "what comes with the response is lost",
        "RFC 6455 4.1",
        _FILE,
        "return unread if self._h11 is None else",
        'return b"" if self._h11 is None else',
    ),
    Fault(
        "what comes with a response in several reads is lost",
        "RFC 6455 4.1",
        _FILE,
        "self._h11.trailing_data[0] + unread",
        "unread",
    ),
    Fault(
        "bytes of a head that came in earlier reads do not count",
        "Limits.max_handshake_size",
        _FILE,
        "        self._held += stop - start\n",
        "        self._held = stop - start\n",
    ),
    Fault(
        "of a first line only what comes in one read counts",
        "Limits.max_header_line_size",
        _FILE,
        "            left = line_size - self._held\n",
        "            left = line_size\n",
    ),
    Fault(
        "white space behind a value is kept where a head comes whole",
        "RFC 9110 5.5",
        _FILE,
        'value.strip(b" \\t")))',
        'value.lstrip(b" \\t")))',
    ),
    Fault(
        "a head that comes whole may have two hosts",
        "RFC 9112 3.2",
        _FILE,
        'count(b"\\r\\nhost:") != 1',
        'count(b"\\r\\nhost:") < 1',
    ),
    Fault(
        "a message that is no HTTP raises the error of h11",
        "receiving raises RemoteProtocolError alone",
        _FILE,
        "    except h11.RemoteProtocolError as error:",
        "    except h11.LocalProtocolError as error:",
    ),
)
