"""Breaks of the library and of the testee's glue, and the case that sees each of them."""

from __future__ import annotations

from typing import NamedTuple


class Break(NamedTuple):
    """A piece of text, which stands once in its file, what replaces it, and the case that sees it."""

    name: str
    file: str
    before: str
    after: str
    seen_by: str
    """A setup and a case."""
    kind: str = "regression"
    besides: str = ""
    """Cases that are played, too."""
    options: str = ""


DECODER = [
    Break(
        "a length of 125 may be in 16 bits",
        "src/wsproto/frame_decoder.py",
        "<< 8 | buffer[start - 1], LENGTH_16",
        "<< 8 | buffer[start - 1], 0",
        "server X.3.18",
    ),
    Break(
        "the mask bit is forgotten",
        "src/wsproto/frame_decoder.py",
        "size = buffer[position + 1] ^ self._mask",
        "size = buffer[position + 1] & 0x7F",
        "client X.3.3",
    ),
    Break(
        "a compressed text that comes whole is not decoded",
        "src/wsproto/frame_decoder.py",
        "if finished and kind is TextMessage:",
        "if finished and kind is TextMessage and compression is None:",
        "server X.7.1",
    ),
    Break(
        "a compressed binary message that comes whole is a text",
        "src/wsproto/frame_reader.py",
        "{RSV1_BIT | first: kind for first, kind in _WHOLE.items()}",
        "{RSV1_BIT | first: TextMessage for first in _WHOLE}",
        "client X.7.45",
    ),
    Break(
        "the short path forgets a message behind its first fragment",
        "src/wsproto/frame_reader.py",
        "message.kind = None if fin else kind",
        "message.kind = None",
        "server 5.3",
    ),
    Break(
        "the short path takes the first fragment of a text for a binary one",
        "src/wsproto/frame_reader.py",
        "{first & ~FIN: kind for first, kind in _WHOLE.items()}",
        "{first & ~FIN: BytesMessage for first in _WHOLE}",
        "client 5.3",
    ),
    Break(
        "the short path turns the masking key the wrong way",
        "src/wsproto/frame_reader.py",
        "keys >>= 32 - ((size & 3) << 3)",
        "keys >>= (size & 3) << 3",
        "server 2.2",
    ),
    Break(
        "a length of 65535 may be in 64 bits",
        "src/wsproto/frame_decoder.py",
        '"big"), 1 << 16',
        '"big"), LENGTH_16',
        "server X.3.23",
    ),
    Break(
        "an extended length is read before it has all come",
        "src/wsproto/frame_decoder.py",
        "start += 2 if size == LENGTH_16 else 8\n            if end < start:",
        "start += 2 if size == LENGTH_16 else 8\n            if end < start - 1:",
        "client X.13.3",
    ),
    Break(
        "the masking key of a piece turns backwards",
        "src/wsproto/frame_reader.py",
        "key[turn:] + key[:turn]",
        "key[-turn:] + key[:-turn]",
        "server X.3.36",
    ),
    Break(
        "a masking key is cut at the wrong end of a middling payload",
        "src/wsproto/masking.py",
        "keys >> (-size & 3) * 8 if",
        "keys >> (size & 3) * 8 if",
        "server X.3.28",
    ),
    Break(
        "a ping that comes beside compression is a pong",
        "src/wsproto/frame_decoder.py",
        "return Ping(payload) if opcode == Opcode.PING else Pong(payload)",
        "return Pong(payload)",
        "server X.7.5",
    ),
    Break(
        "a control frame is read before it has all come",
        "src/wsproto/frame_decoder.py",
        "        if len(buffer) < stop:\n            return None\n        payload = masked",
        "        payload = masked",
        "client X.13.1",
    ),
    Break(
        "a code point has to end with its fragment",
        "src/wsproto/inbound_message.py",
        'utf_8_decode(payload, "strict", message_finished)',
        'utf_8_decode(payload, "strict", frame_finished)',
        "client X.3.15",
    ),
    Break(
        "a message may end within a code point",
        "src/wsproto/inbound_message.py",
        'utf_8_decode(payload, "strict", message_finished)',
        'utf_8_decode(payload, "strict", False)',
        "server X.7.28",
    ),
    Break(
        "a message goes on behind its last fragment",
        "src/wsproto/frame_reader.py",
        "message.kind = None if fin else kind",
        "message.kind = kind",
        "server X.3.59",
    ),
    Break(
        "a message in pieces goes on behind its last fragment",
        "src/wsproto/inbound_message.py",
        "        if message_finished:\n            self.go_on(None)\n",
        "",
        "client X.16.3.61",
    ),
]

ENCODER = [
    Break(
        "a long frame names its masking key backwards",
        "src/wsproto/frame_writer.py",
        "masked(payload, 0, size, key_bytes, header + key_bytes)",
        "masked(payload, 0, size, key_bytes, header + key_bytes[::-1])",
        "client X.3.28",
    ),
    Break(
        "one byte of each masking key is zero",
        "src/wsproto/masking.py",
        "            return key\n",
        "            return key & 0xFFFF00FF\n",
        "client X.3.58",
    ),
    Break(
        "a length of 65535 is written in 64 bits",
        "src/wsproto/frame_header.py",
        "if length < 1 << 16:",
        "if length < 0xFFFF:",
        "server X.3.29",
    ),
    Break(
        "each fragment has the opcode of its message",
        "src/wsproto/frame_encoder.py",
        "sent_as = Opcode.CONTINUATION if begun else opcode",
        "sent_as = opcode",
        "server X.10.1",
    ),
    Break(
        "each compressed fragment is ended as its message is",
        "src/wsproto/frame_encoder.py",
        "bool(first & FIN)",
        "True",
        "server X.10.12",
    ),
]

COMPRESSION = [
    Break(
        "a message that comes whole may refer to one before it, whatever was agreed",
        "src/wsproto/deflate.py",
        "        elif self.direct is None:\n",
        "        elif self._block_open or self._final_blocks:\n",
        "server X.7.50",
    ),
    Break(
        "a server deflates with the client's window",
        "src/wsproto/permessage_deflate.py",
        "return self.server_max_window_bits or",
        "return self.client_max_window_bits or",
        "server X.10.40",
    ),
    Break(
        "of the windows that both sides name the larger one counts",
        "src/wsproto/permessage_deflate.py",
        "return min(filter(",
        "return max(filter(",
        "client X.10.47",
    ),
    Break(
        "a client takes its context over against the answer",
        "src/wsproto/permessage_deflate.py",
        "answer.client_no_context_takeover or own.client_no_context_takeover",
        "own.client_no_context_takeover",
        "client X.7.19",
    ),
    Break(
        "zlib's object is kept behind a block with BFINAL",
        "src/wsproto/deflate.py",
        "            self._inflater = None\n            self._block_open = unread",
        "            self._block_open = unread",
        "server X.7.8",
    ),
    Break(
        "a byte too many is left off the end of a compressed message",
        "src/wsproto/deflate.py",
        "deflated[: -len(TAIL)]",
        "deflated[: -len(TAIL) - 1]",
        "client X.7.48",
    ),
    Break(
        "RSV1 is set on a message too short to compress",
        "src/wsproto/permessage_deflate.py",
        "            if state.outbound_compressed:\n",
        "            if fin:\n",
        "server/settings X.7.1",
    ),
]

HANDSHAKE = [
    Break(
        "a key may be in base64url",
        "src/wsproto/handshake.py",
        "[A-Za-z0-9+/]{22}",
        "[A-Za-z0-9+/_-]{22}",
        "server X.1.19",
    ),
    Break(
        "a client that expects 100 gets 101 alone",
        "src/wsproto/handshake.py",
        "if self._expects_continue else",
        "if not self._key else",
        "server X.1.98",
    ),
    Break(
        "200 opens a connection as 101 does",
        "src/wsproto/handshake.py",
        "if status == 101:",
        "if status in (101, 200):",
        "client X.2.31",
    ),
    Break(
        "of two good offers the second is accepted, too",
        "src/wsproto/handshake_messages.py",
        "        if name in answers:\n            continue\n",
        "",
        "server X.5.7",
    ),
    Break(
        "a window may be answered without a value",
        "src/wsproto/permessage_deflate.py",
        'value is None and name == "client_max_window_bits" and not answer',
        'value is None and name == "client_max_window_bits"',
        "client X.6.13",
    ),
    Break(
        "a client applies extensions in the order of its offer",
        "src/wsproto/handshake_messages.py",
        "    return list(used.values())\n",
        "    return [extension for extension in supported if extension in used.values()]\n",
        "client X.17.16",
    ),
    Break(
        "a server has extensions in its own order",
        "src/wsproto/handshake_messages.py",
        'return b", ".join(answers.values()) if answers else None, chosen\n',
        'return b", ".join(answers.values()) if answers else None, [e for e in supported if e in chosen]\n',
        "server X.17.16",
    ),
]

CLOSING_AND_LIMITS = [
    Break(
        "the reason of a Close is not sent",
        "src/wsproto/close_frame.py",
        'return code.to_bytes(2, "big") + encoded',
        'return code.to_bytes(2, "big")',
        "client X.10.19",
    ),
    Break(
        "no ping is answered between the Closes",
        "src/wsproto/states.py",
        "Input.SEND_PONG, Input.RECEIVE_BYTES]),\n    (_State.LOCAL_CLOSING, _State.CLOSED",
        "Input.RECEIVE_BYTES]),\n    (_State.LOCAL_CLOSING, _State.CLOSED",
        "server X.10.23",
    ),
    Break(
        "a Close is sent twice",
        "src/wsproto/connection.py",
        "        self._state = next_state\n        return data\n",
        "        self._state = next_state\n        return data * 2\n",
        "server X.4.1",
    ),
    Break(
        "a message beyond its limit is a violation of policy",
        "src/wsproto/inbound_message.py",
        "ParseFailed(message, CloseReason.MESSAGE_TOO_BIG)",
        "ParseFailed(message, CloseReason.POLICY_VIOLATION)",
        "server/limits X.9.3",
    ),
    Break(
        "what did not fit into one event is lost",
        "src/wsproto/inbound_extensions.py",
        "self._held_back_by = pending[-1] if pending else None",
        "self._held_back_by = None",
        "client/limits X.9.2",
    ),
]

GLUE = [
    Break(
        "each echo is late by 0.3 s",
        "harness/testee/echo.py",
        "[*self.mode.answers(message)]",
        "[*self.mode.answers(message)]\n        import time; time.sleep(0.3)",
        "server 1.1.1",
        kind="slow",
        besides="1",
    ),
    Break(
        "the server ends TCP 2.5 s late",
        "harness/testee/echo.py",
        "self.transport.write_eof()",
        "asyncio.get_running_loop().call_later(2.5, self.transport.write_eof)",
        "server X.4.1",
    ),
    Break(
        "a server ends TCP without TLS's close_notify",
        "harness/testee/echo.py",
        "        else:\n            self.transport.close()\n        self._close_later()",
        "        else:\n            self.transport.abort()\n        self._close_later()",
        "server X.18.9",
    ),
    Break(
        "the client takes any certificate",
        "harness/testee/fuzz_client.py",
        'ssl.create_default_context(cafile=mode.value("authority"))',
        "ssl._create_unverified_context()",
        "client X.18.15",
    ),
    Break(
        "end of file is passed over",
        "harness/testee/echo_server.py",
        "        super().eof_received()\n        return self._later is not None\n",
        "        return True\n",
        "server X.11.1",
    ),
    Break(
        "no ping is answered",
        "harness/testee/echo.py",
        "case Ping() if not self._failed:",
        "case Ping() if self._failed:",
        "server 2.2",
    ),
    Break(
        "the second message is lost",
        "harness/testee/echo.py",
        "[*self.mode.answers(message)]",
        "[*self.mode.answers(message)]\n"
        "        self.count = getattr(self, 'count', 0) + 1\n"
        "        if self.count == 2: return before",
        "client X.4.11",
    ),
    Break(
        "a text comes back as a binary message",
        "harness/testee/modes.py",
        "            yield message\n",
        "            yield BytesMessage(bytes(message.data, 'utf-8'))\n",
        "server 1.1.2",
    ),
    Break(
        "a binary message kills the client",
        "harness/testee/echo.py",
        "[*self.mode.answers(message)]",
        "[*self.mode.answers(message)]\n"
        "        if isinstance(message.data, bytes): __import__('os')._exit(3)",
        "client 1.2.2",
    ),
    Break(
        "a binary message keeps the server busy for ever",
        "harness/testee/echo.py",
        "[*self.mode.answers(message)]",
        "[*self.mode.answers(message)]\n        while isinstance(message.data, bytes): pass",
        "server 1.2.2",
        options="--time-limit 2",
    ),
    Break(
        "a pong is answered by a pong",
        "harness/testee/echo.py",
        "                return self._send_rest()\n",
        "                return self._send_rest() + self.ws.send(Pong(event.payload))\n",
        "client X.3.62",
    ),
    Break(
        "an extension object of all connections keeps the bits of one",
        "harness/testee/variants.py",
        "return copy(self)",
        "return self",
        "server X.12.10",
    ),
]

BREAKS = [*DECODER, *ENCODER, *COMPRESSION, *HANDSHAKE, *CLOSING_AND_LIMITS, *GLUE]
