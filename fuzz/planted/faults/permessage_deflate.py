"""Faults of `permessage_deflate.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "permessage_deflate.py"

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
        "    if offer.client_max_window_bits is not None:\n",
        "    if offer.client_max_window_bits is not None or own.client_max_window_bits:\n",
    ),
    Fault(
        "a ping inside of a compressed message ends its compression",
        "RFC 7692 6.1",
        _FILE,
        "        state.unit = Inflater.unit if state.inbound_compressed and",
        "        state.inbound_compressed &= opcode < Opcode.CLOSE\n"
        "        state.unit = Inflater.unit if state.inbound_compressed and",
    ),
    Fault(
        "a ping sent inside of a compressed message ends its compression",
        "RFC 7692 6.1",
        _FILE,
        "        if opcode >= Opcode.CLOSE:\n            return rsv, data\n",
        "        if opcode >= Opcode.CLOSE:\n"
        "            self._state_of(proto).outbound_compressed = False\n"
        "            return rsv, data\n",
    ),
    Fault(
        "RSV1 on a continuation is accepted",
        "RFC 7692 6.1",
        _FILE,
        "        elif rsv.rsv1:\n",
        "        elif rsv.rsv1 and opcode >= Opcode.CLOSE:\n",
    ),
    Fault(
        "RSV1 on a ping is accepted",
        "RFC 7692 6.1",
        _FILE,
        "        elif rsv.rsv1:\n",
        "        elif rsv.rsv1 and opcode < Opcode.CLOSE:\n",
    ),
    Fault(
        "RSV1 is written on each frame of a compressed message",
        "RFC 7692 6.1",
        _FILE,
        "            if state.outbound_compressed:\n                rsv =",
        "        if state.outbound_compressed:\n                rsv =",
    ),
    Fault(
        "a client inflates with its own window, not the server's",
        "RFC 7692 7.1.2.1",
        _FILE,
        "self._agreed.of_side(client=not self.client)",
        "self._agreed.of_side(client=True)",
    ),
    Fault(
        "a client inflates with the largest window, whatever was agreed",
        "RFC 7692 7.1.2.1",
        _FILE,
        "return Inflater(bits, context_takeover=takeover)",
        "return Inflater(MAX_WINDOW_BITS if self.client else bits, context_takeover=takeover)",
    ),
    Fault(
        "a compressed fragment that is none raises zlib.error",
        "receiving raises RemoteProtocolError alone",
        _FILE,
        "        except inflate_errors():",
        "        except ValueError:",
    ),
    Fault(
        "a sender ignores the window that was agreed",
        "RFC 7692 7.1.2",
        _FILE,
        "bits = max(bits, MIN_DEFLATE_WINDOW_BITS)",
        "bits = MAX_WINDOW_BITS",
    ),
    Fault(
        "two connections share the compression of one extension object",
        "RFC 7692 7.2",
        _FILE,
        "        state = self._new_state()\n",
        "        state = self._state = self._state or self._new_state()\n",
    ),
    Fault(
        "the hooks of a subclass are passed by where a compressed message comes whole",
        "Extension.frame_inbound_payload_data",
        _FILE,
        "            state.rest_size = 0  # no",
        "            pass  # no",
    ),
    Fault(
        "a window that is assigned after the agreement is not in force",
        "RFC 7692 7.1.2",
        _FILE,
        "            extension._agreed = extension._agreed._replace(**{self._name: given})\n",
        "            pass\n",
    ),
)
