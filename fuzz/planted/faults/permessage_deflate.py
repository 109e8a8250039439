"""Faults of `permessage_deflate.py`."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

_FILE: Final = "permessage_deflate.py"

FAULTS: Final = (
    Fault(
        "a ping inside of a compressed message ends its compression",
        "RFC 7692 6.1",
        _FILE,
        "        state.inbound_control = opcode >= Opcode.CLOSE\n",
        "        state.inbound_control = opcode >= Opcode.CLOSE\n"
        "        state.inbound_compressed &= not state.inbound_control\n",
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
        "        elif rsv.rsv1 and state.inbound_control:\n",
    ),
    Fault(
        "RSV1 on a ping is accepted",
        "RFC 7692 6.1",
        _FILE,
        "        elif rsv.rsv1:\n",
        "        elif rsv.rsv1 and not state.inbound_control:\n",
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
        "self._inflater = Inflater(bits, context_takeover=takeover)",
        "self._inflater = Inflater(MAX_WINDOW_BITS if self.client else bits, context_takeover=takeover)",
    ),
    Fault(
        "a compressed fragment that is none raises zlib.error",
        "receiving raises RemoteProtocolError alone",
        _FILE,
        "            return state.inflater.inflate(data, state.room)\n        except InflateError:",
        "            return state.inflater.inflate(data, state.room)\n        except ValueError:",
    ),
    Fault(
        "a sender ignores the window that was agreed",
        "RFC 7692 7.1.2",
        _FILE,
        "bits = max(bits, MIN_DEFLATE_WINDOW_BITS)",
        "bits = MAX_WINDOW_BITS",
    ),
    Fault(
        "a compressed frame is inflated as it comes",
        "any cutting gives the same events",
        _FILE,
        "        return Inflater.unit if self.inbound_compressed else 0\n",
        "        return 0\n",
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
