"""Faults of permessage-deflate: its negotiation, its two contexts, its bounds (RFC 7692)."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

DEFLATING: Final = (
    Fault(
        "a ping inside of a compressed message ends its compression",
        "RFC 7692 6.1",
        "extensions.py",
        "        self._inbound_control = opcode >= Opcode.CLOSE\n",
        "        self._inbound_control = opcode >= Opcode.CLOSE\n"
        "        self._inbound_compressed &= not self._inbound_control\n",
    ),
    Fault(
        "a ping sent inside of a compressed message ends its compression",
        "RFC 7692 6.1",
        "extensions.py",
        "        if opcode >= Opcode.CLOSE:\n            return rsv, data\n",
        "        if opcode >= Opcode.CLOSE:\n"
        "            self._outbound_compressed = False\n"
        "            return rsv, data\n",
    ),
    Fault(
        "RSV1 on a continuation is accepted",
        "RFC 7692 6.1",
        "extensions.py",
        "return CloseReason.PROTOCOL_ERROR if rsv.rsv1 else NO_RSV",
        "return CloseReason.PROTOCOL_ERROR if rsv.rsv1 and self._inbound_control else rsv",
    ),
    Fault(
        "RSV1 on a ping is accepted",
        "RFC 7692 6.1",
        "extensions.py",
        "return CloseReason.PROTOCOL_ERROR if rsv.rsv1 else NO_RSV",
        "return CloseReason.PROTOCOL_ERROR if rsv.rsv1 and not self._inbound_control else rsv",
    ),
    Fault(
        "RSV1 is written on each frame of a compressed message",
        "RFC 7692 6.1",
        "extensions.py",
        "            if self._outbound_compressed:\n                rsv =",
        "        if self._outbound_compressed:\n                rsv =",
    ),
    Fault(
        "a client inflates with its own window, not the server's",
        "RFC 7692 7.1.2.1",
        "extensions.py",
        "Inflater(self.server_max_window_bits, context",
        "Inflater(self.client_max_window_bits, context",
    ),
    Fault(
        "a client inflates with the largest window, whatever was agreed",
        "RFC 7692 7.1.2.1",
        "extensions.py",
        "Inflater(self.server_max_window_bits, context",
        "Inflater(MAX_WINDOW_BITS, context",
    ),
    Fault(
        "a sender ignores the window that was agreed",
        "RFC 7692 7.1.2",
        "extensions.py",
        "max(bits, MIN_DEFLATE_WINDOW_BITS),",
        "MAX_WINDOW_BITS,",
    ),
    Fault(
        "a sender ignores that it agreed to compress each message by itself",
        "RFC 7692 7.1.1",
        "deflate.py",
        "        if not self._context_takeover:\n            self._deflater = None\n",
        "",
    ),
    Fault(
        "a receiver keeps the context of a sender that has none",
        "RFC 7692 7.1.1",
        "deflate.py",
        "        self._final_blocks = 0\n"
        "        if not self._context_takeover:\n"
        "            self._inflater = None\n",
        "        self._final_blocks = 0\n",
    ),
    Fault(
        "a receiver forgets the context behind a message in several frames",
        "RFC 7692 7.2.3.2",
        "deflate.py",
        "        self._final_blocks = 0\n        if not self._context_takeover:\n",
        "        self._final_blocks = 0\n        if True:\n",
    ),
    Fault(
        "no_context_takeover is looked up for the wrong side",
        "RFC 7692 7.1.1",
        "extensions.py",
        "(self.client_max_window_bits, not self.client_no_context_takeover)",
        "(self.client_max_window_bits, not self.server_no_context_takeover)",
    ),
    Fault(
        "a fragment inflates without a bound",
        "Limits.max_inflated_size",
        "deflate.py",
        "inflated = inflater.decompress(given, limit)",
        "inflated = inflater.decompress(given)",
    ),
    Fault(
        "a whole message inflates without a bound",
        "Limits.max_inflated_size",
        "deflate.py",
        "inflated = inflater.decompress(data, limit)",
        "inflated = inflater.decompress(data)",
    ),
    Fault(
        "a compressed frame is inflated as it comes",
        "any cutting gives the same events",
        "extensions.py",
        "        return Inflater.unit if self._inbound_compressed else 0\n",
        "        return 0\n",
    ),
    Fault(
        "a compressed frame that comes whole is inflated at once, however large",
        "any cutting gives the same events",
        "frame_decoder.py",
        "(first & RSV1 and size > self._extensions.end_size)",
        "(first & RSV1 and size < 0)",
    ),
    Fault(
        "the tail is inflated behind the last unit of a message, not with it",
        "any cutting gives the same events",
        "inbound_extensions.py",
        "if not left and fin and self.end_size:",
        "if not left and fin and self.end_size < 0:",
    ),
    Fault(
        "where zlib stops depends on which events were taken before",
        "any cutting gives the same events",
        "frame_decoder.py",
        "            self._room -= len(payload)\n",
        "",
    ),
    Fault(
        "a compressed fragment that is none raises zlib.error",
        "receiving raises RemoteProtocolError alone",
        "deflate.py",
        "            inflated = inflater.decompress(given, limit)\n        except zlib.error as error:",
        "            inflated = inflater.decompress(given, limit)\n        except InflateError as error:",
    ),
    Fault(
        "a block with BFINAL breaks the message behind it",
        "RFC 7692 7.2.3.4",
        "deflate.py",
        "if len(inflated) == limit or inflater.eof:",
        "if len(inflated) == limit:",
    ),
    Fault(
        "a message that ends in a block with BFINAL gets the tail all the same",
        "RFC 7692 7.2.3.4",
        "deflate.py",
        "if inflater.eof and self._finishing and self._input[self._offset :] == TAIL:",
        'if inflater.eof and self._finishing and self._input[self._offset :] == b"":',
    ),
    Fault(
        "the tail of a compressed message is sent, too",
        "RFC 7692 7.2.1",
        "deflate.py",
        "return deflated[: -len(TAIL)] if deflated",
        "return deflated if deflated",
    ),
    Fault(
        "two connections share the compression of one extension object",
        "RFC 7692 7.2",
        "frame_protocol.py",
        "[extension.for_connection() for extension in extensions]",
        "list(extensions)",
    ),
    Fault(
        "a window that is no number raises ValueError",
        "RFC 7692 7.1.2",
        "negotiation.py",
        "        elif value in _WINDOW_BITS_VALUES:\n            values[name] = _WINDOW_BITS_VALUES[value]\n",
        "        elif value is not None and 8 <= int(value) <= 15:\n            values[name] = int(value)\n",
    ),
    Fault(
        "an offer may repeat a parameter",
        "RFC 7692 7.1",
        "negotiation.py",
        "        if name in values:\n",
        "        if name in values and name not in _NO_VALUE:\n",
    ),
    Fault(
        "an answer may leave out server_no_context_takeover",
        "RFC 7692 7.1.1.1",
        "negotiation.py",
        "if own.server_no_context_takeover and not answer.server_no_context_takeover:",
        "if own.server_no_context_takeover and not answer:",
    ),
    Fault(
        "a server names client_max_window_bits unasked",
        "RFC 7692 7.1.2.2",
        "negotiation.py",
        "    if offer.client_max_window_bits_named:\n",
        "    if offer.client_max_window_bits_named or own.client_max_window_bits:\n",
    ),
)
