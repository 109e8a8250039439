"""Breaks of what is counted and bounded, or changed on its way, and the case that sees each of them."""

from __future__ import annotations

from tests.harness.breaks import Break

LIMIT_BREAKS = [
    Break(
        "a joined message as long as its limit is refused",
        "src/wsproto/messages.py",
        "if self._size > self.max_size:",
        "if self._size >= self.max_size:",
        "server X.9.11",
    ),
    Break(
        "a joined message may have a byte more than its limit",
        "src/wsproto/messages.py",
        "if self._size > self.max_size:",
        "if self._size > self.max_size + 1:",
        "client X.9.17",
    ),
    Break(
        "a joined text is copied with each further piece",
        "src/wsproto/messages.py",
        "        self._pieces.write(data)\n",
        "        self._pieces.write(data)\n"
        "        self._pieces = type(self._pieces)(self._pieces.getvalue())\n"
        "        self._pieces.seek(0, 2)\n",
        "server X.14.1",
        options="--time-limit 5",
    ),
    Break(
        "a bounded message keeps the size of the one before it",
        "src/wsproto/frame_reader.py",
        "            self.size: int = 0  # bytes",
        '            self.size: int = getattr(self, "size", 0)  # bytes',
        "server/limits X.9.13",
    ),
    Break(
        "an empty fragment is not counted",
        "src/wsproto/frame_reader.py",
        "        self.fragments += 1\n",
        "        self.fragments += known > 0\n",
        "server/limits X.14.2",
        kind="improvement",
        options="--timeout 10",  # the answer comes behind 100,000 fragments
    ),
    Break(
        "a message may have one block with BFINAL less than the library allows",
        "src/wsproto/deflate.py",
        "if self._final_blocks > MAX_FINAL_BLOCKS:",
        "if self._final_blocks >= MAX_FINAL_BLOCKS:",
        "client X.14.14",
    ),
    Break(
        "blocks with BFINAL are not limited",
        "src/wsproto/deflate.py",
        "if self._final_blocks > MAX_FINAL_BLOCKS:",
        "if self._final_blocks < 0:",
        "server X.14.15",
        kind="improvement",
    ),
    Break(
        "blocks with BFINAL are counted over all messages",
        "src/wsproto/deflate.py",
        "        self._block_open = False\n        self._final_blocks = 0\n        if not",
        "        self._block_open = False\n        if not",
        "server X.14.16",
    ),
    Break(
        "the inflater's window is half of what was agreed",
        "src/wsproto/deflate.py",
        "module.decompressobj(-self.window_bits)",
        "module.decompressobj(-max(self.window_bits - 1, 8))",
        "client X.8.18",
    ),
    Break(
        "a short text loses its byte order mark",
        "src/wsproto/frame_reader.py",
        "payload = payload.decode()",
        'payload = payload.decode("utf-8-sig")',
        "server X.15.36",
    ),
    Break(
        "the lines of a text end in LF alone",
        "harness/testee/echo.py",
        'return b"" if message is None else self.received(message)',
        "if isinstance(message, TextMessage):\n"
        '            message = TextMessage(message.data.replace("\\r\\n", "\\n"))\n'
        '        return b"" if message is None else self.received(message)',
        "client X.15.36",
    ),
    Break(
        "a short ping loses what is not UTF-8",
        "src/wsproto/frame_reader.py",
        "set_payload(event, payload)",
        'set_payload(event, payload.decode(errors="ignore").encode())',
        "server X.15.38",
    ),
]
