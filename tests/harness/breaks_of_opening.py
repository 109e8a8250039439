"""Further breaks of handshake and glue, which the cases about the opening handshake see."""

from __future__ import annotations

from tests.harness.breaks import Break

OPENING_BREAKS = [
    Break(
        "102 opens a connection as 101 does",
        "src/wsproto/handshake.py",
        "if status == 101:",
        "if status in (101, 102):",
        "client X.2.83",
    ),
    Break(
        "the chosen subprotocol may stand between commas",
        "src/wsproto/handshake_messages.py",
        'answer.decode("ascii", "back',
        'answer.strip(b" \\t,").decode("ascii", "back',
        "client X.2.87",
    ),
    Break(
        "of a list the first subprotocol is taken for the chosen one",
        "src/wsproto/handshake_messages.py",
        'answer.decode("ascii", "back',
        'answer.partition(b",")[0].decode("ascii", "back',
        "client X.2.89",
    ),
    Break(
        "the application gets the last line of a field alone",
        "src/wsproto/handshake_messages.py",
        "[field for field in headers if field[0] not in NOT_EXTRA_IN_REQUEST]",
        "[field for field in dict(headers).items() if field[0] not in NOT_EXTRA_IN_REQUEST]",
        "server X.1.138",
    ),
    Break(
        "the application gets no Origin",
        "src/wsproto/handshake_fields.py",
        'NOT_EXTRA_IN_REQUEST = NEGOTIATING | {b"host"}',
        'NOT_EXTRA_IN_REQUEST = NEGOTIATING | {b"host", b"origin"}',
        "server X.1.132",
    ),
    Break(
        "the target is decoded",
        "src/wsproto/handshake.py",
        'target = received.decode("ascii")  #',
        'target = __import__("urllib.parse").parse.unquote(received.decode("ascii"))  #',
        "server X.1.144",
    ),
    Break(
        "slashes in a row become one",
        "src/wsproto/handshake.py",
        'target = received.decode("ascii")  #',
        'target = received.replace(b"//", b"/").decode("ascii")  #',
        "server X.1.145",
    ),
    Break(
        "101 has a length",
        "src/wsproto/handshake.py",
        "            token,\n            *fields,\n",
        '            token,\n            (b"Content-Length", b"0"),\n            *fields,\n',
        "server X.1.1",
    ),
    Break(
        "a client takes a subprotocol in capitals for the one that it offered",
        "src/wsproto/handshake_messages.py",
        "if subprotocol not in request.subprotocols:",
        "if subprotocol.lower() not in request.subprotocols:",
        "client X.2.92",
    ),
    Break(
        "what comes late before the answer overwrites what came with the request",
        "src/wsproto/handshake_stages.py",
        "self._early_data += data",
        "self._early_data[:] = data",
        "server X.1.120",
    ),
    Break(
        "nothing bounds what comes before the answer",
        "src/wsproto/handshake_stages.py",
        "limit = self._limits.max_early_data\n",
        "limit = self._limits.max_early_data << 20\n",
        "server X.1.131",
    ),
    Break(
        "the client has sent a ping before it is answered",
        "harness/testee/fuzz_client.py",
        "self.transport.write(self._asking)",
        'self.transport.write(self._asking + b"\\x89\\x80abcd" * (b"/runCase" in self._asking))',
        "client X.2.102",
    ),
    Break(
        "a client says twice where it comes from",
        "harness/testee/fuzz_client.py",
        "extra_headers=mode.fields",
        "extra_headers=mode.fields * 2",
        "client X.2.110",
    ),
    Break(
        "a server drops a client that ends its direction before it is answered",
        "harness/testee/echo_server.py",
        "return self._later is not None",
        "return False",
        "server X.1.127",
    ),
]
