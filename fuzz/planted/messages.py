"""Faults of messages: text, fragments, limits, and what is sent of them (RFC 6455 5.4, 8.1, 10.4)."""

from __future__ import annotations

from typing import Final

from fuzz.planted.fault import Fault

MESSAGES: Final = (
    Fault(
        "invalid UTF-8 is judged at the end of a message only",
        "RFC 6455 8.1",
        "frame_decoder.py",
        "            except UnicodeDecodeError as error:\n"
        "                return self._text_before(payload, error.start)",
        "            except UnicodeDecodeError as error:\n                if message_finished:\n"
        "                    return self._text_before(payload, error.start)\n"
        '                data, used = "", 0',
    ),
    Fault(
        "the start of a surrogate is not refused until its third byte",
        "RFC 6455 8.1",
        "frame_decoder.py",
        'if b"\\xed\\xa0" <= self._carry < b"\\xee":',
        'if b"\\xee" <= self._carry < b"\\xed":',
    ),
    Fault(
        "of a code point in four pieces the third byte is lost",
        "RFC 6455 5.6",
        "frame_decoder.py",
        "self._carry = payload[used:]\n",
        "self._carry = payload[used : used + 2]\n",
    ),
    Fault(
        "the fast path decodes a text though the last one left a part of a code point",
        "RFC 6455 5.6",
        "frame_decoder.py",
        "                        if self._carry:\n                            break\n",
        "",
    ),
    Fault(
        "an empty fragment gives no event",
        "RFC 6455 5.4",
        "frame_decoder.py",
        "        elif not data:\n            return None\n",
        "        if not data and not message_finished:\n            return None\n",
    ),
    Fault(
        "the end of a compressed text gives no event where nothing is left of it",
        "RFC 7692 7.2.2",
        "frame_decoder.py",
        "        elif not data:\n            return None\n",
        "        if not data and self._extensions is not None and self._kind is TextMessage:\n"
        "            return None\n",
    ),
    Fault(
        "what may be in one message is judged one read late",
        "Limits.max_message_size",
        "message_bounds.py",
        "self._size + known > limits.max_message_size:",
        "self._size > limits.max_message_size:",
    ),
    Fault(
        "the text within the bound of a message that goes beyond it is not judged",
        "any cutting gives the same events",
        "frame_decoder.py",
        "                    payload = payload[:size]\n",
        '                    payload = b""\n',
    ),
    Fault(
        "what a message had before its bound is not counted where it goes beyond it",
        "any cutting gives the same events",
        "message_bounds.py",
        "size = min(size, limit - self._size)",
        "size = min(size, limit)",
    ),
    Fault(
        "a message may have one fragment more than its limit",
        "Limits.max_fragments",
        "message_bounds.py",
        "self._fragments >= limits.max_fragments",
        "self._fragments > limits.max_fragments",
    ),
    Fault(
        "a frame as long as its limit is refused",
        "Limits.max_frame_size",
        "message_bounds.py",
        "size > limits.max_frame_size",
        "size >= limits.max_frame_size",
    ),
    Fault(
        "the fast path does not know the limit of a message",
        "Limits.max_message_size",
        "quick_frames.py",
        "bounds = (limits.max_frame_size, limits.max_message_size, ",
        "bounds = (limits.max_frame_size, ",
    ),
    Fault(
        "a limit that permits no progress is let through",
        "Limits.max_inflated_size",
        "limits.py",
        'least = 1 if field.name == "max_inflated_size" else 0',
        "least = 0",
    ),
    Fault(
        "the text of a joined message is counted in characters",
        "MessageJoiner.max_size",
        "messages.py",
        "len(data) if isinstance(data, bytes) or data.isascii() else len(data.encode())",
        "len(data)",
    ),
    Fault(
        "a joined message keeps the size of the one before it",
        "MessageJoiner.max_size",
        "messages.py",
        "            self._size = 0\n            return event",
        "            return event",
    ),
    Fault(
        "a refused fragment begins a message",
        "a refused send changes nothing",
        "frame_encoder.py",
        "            opcode = Opcode.TEXT\n            try:\n",
        "            opcode = Opcode.TEXT\n"
        "            self._opcode = self._opcode or opcode\n"
        "            try:\n",
    ),
    Fault(
        "what the state refuses has gone through compressor and masking first",
        "a refused send changes nothing",
        "connection.py",
        "        if next_state is None:\n            raise LocalProtocolError("
        'f"A {type(event).__name__} cannot be sent in state {self._state}")\n'
        "        data = self._codec.send(event)\n",
        "        data = self._codec.send(event)\n"
        "        if next_state is None:\n"
        "            raise LocalProtocolError("
        'f"A {type(event).__name__} cannot be sent in state {self._state}")\n',
    ),
    Fault(
        "a text that is no Unicode raises UnicodeEncodeError",
        "sending raises LocalProtocolError alone",
        "frame_encoder.py",
        "                except UnicodeEncodeError as error:\n                    raise",
        "                except UnicodeDecodeError as error:\n                    raise",
    ),
    Fault(
        "a received frame is told as finished while more of it is to come",
        "Frame.frame_finished",
        "frame_protocol.py",
        "return Frame(opcode, event.data, event.frame_finished, event.message_finished)",
        'return Frame(opcode, event.data, event.data != b"", event.message_finished)',
    ),
    Fault(
        "vars() of an event leaves its first field out",
        "vars(event) gives all fields",
        "event_base.py",
        "for field in fields(event)}",
        "for field in fields(event)[1:]}",
    ),
)
