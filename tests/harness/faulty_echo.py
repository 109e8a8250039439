"""An echo server on plain sockets, right but for one fault that its command line names.

`python -m tests.harness.faulty_echo --port PORT [--fault NAME]` has no line of the library in it, nor of what
judges. A fault is looked up where the server would do the right thing.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import os
import re
import time
import zlib
from contextlib import suppress
from typing import Final

from tooling import frames as wire
from tooling.frames import BINARY, CLOSE, CONTINUATION, PING, PONG, RSV1, TEXT, Frame

GOOD: Final = "none"

FAULTS: Final = {
    "accept-of-lower-case": ("a key in a field `sec-websocket-key` gets the wrong token", "RFC 6455 4.2.2"),
    "any-version": ("it takes every version", "RFC 6455 4.2.1"),
    "no-upgrade": ("it takes a request without Upgrade", "RFC 6455 4.2.1"),
    "unknown-parameter": ("it accepts an offer with an unknown parameter", "RFC 7692 7"),
    "unmasked": ("it takes frames without a mask", "RFC 6455 5.1"),
    "rsv2": ("it ignores RSV2", "RFC 6455 5.2"),
    "opcode-3": ("it skips frames with an unknown opcode", "RFC 6455 5.2"),
    "long-ping": ("it answers pings of more than 125 bytes", "RFC 6455 5.5"),
    "fragmented-ping": ("it answers pings with FIN clear", "RFC 6455 5.5"),
    "interleaved": ("it takes a message inside of another as that one's end", "RFC 6455 5.4"),
    "lone-continuation": ("it takes a continuation of nothing for a message", "RFC 6455 5.4"),
    "last-byte": ("it loses the last byte of 65,536", "RFC 6455 5.2"),
    "no-empty": ("it does not send empty messages back", "RFC 6455 6.2"),
    "any-text": ("it takes any bytes for text", "RFC 6455 8.1"),
    "text-by-fragment": ("it refuses a character that two fragments share", "RFC 6455 5.6"),
    "text-code": ("it closes with 1002 for text that is not UTF-8", "RFC 6455 7.4.1"),
    "sixth-fragment": ("it loses the fragments of a message behind the fifth", "RFC 6455 5.4"),
    "short-pong": ("its pongs have 64 bytes at most", "RFC 6455 5.5.3"),
    "ping-inside": ("it hangs after a ping between two fragments", "RFC 6455 5.4"),
    "sends-1005": ("it answers an empty Close with 1005", "RFC 6455 7.4.1"),
    "any-code": ("it sends back every code, those that are never sent, too", "RFC 6455 7.4.1"),
    "open-tcp": ("it leaves TCP open behind the Close", "RFC 6455 5.5.1"),
    "after-close": ("it answers messages that come behind the Close", "RFC 6455 5.5.1"),
    "cut-reason": ("it cuts a reason behind its tenth byte", "RFC 6455 5.5.1"),
    "no-takeover": ("its inflater forgets the window after each message", "RFC 7692 7.2.2"),
    "large-window": ("it deflates with 32 KiB where it agreed on less", "RFC 7692 7.1.2.1"),
    "final-block": ("it inflates nothing behind a block with BFINAL", "RFC 7692 7.2.3.4"),
    "rsv1-inside": ("it ignores RSV1 inside of a message", "RFC 7692 6.1"),
    "crash": ("it ends at an empty fragment", "RFC 6455 5.4"),
    "block": ("it serves nobody any more after a frame of 2**40 bytes", "RFC 6455 10.4"),
    "leak": ("it keeps 400 KB of each connection", "RFC 6455 10.4"),
}
"""Each fault by its name: what the server does, and the section that it breaks."""

GUID: Final = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"
LONGEST: Final = 4 * 2**20
NEVER_SENT: Final = {1004, 1005, 1006, 1015}
TAIL: Final = b"\x00\x00\xff\xff"
LINGER: Final = 2.0

kept: list[bytes] = []


class FailedError(Exception):
    """The connection has to be failed with a code."""

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


class Deflate:
    """permessage-deflate as it was agreed on."""

    def __init__(self, fault: str, bits: int, takes_over: bool) -> None:
        self.fault = fault
        self.bits = 15 if fault == "large-window" else bits
        self.takes_over = takes_over
        self.deflater = zlib.compressobj(wbits=-self.bits)
        self.inflater = zlib.decompressobj(wbits=-15)

    def inflate(self, data: bytes) -> bytes:
        data += TAIL
        out = b""
        try:
            while True:
                out += self.inflater.decompress(data, LONGEST + 1)
                if len(out) > LONGEST:
                    raise FailedError(1009)
                if not self.inflater.eof or self.fault == "final-block":
                    break
                data = self.inflater.unused_data
                self.inflater = zlib.decompressobj(wbits=-15)
        except zlib.error:
            raise FailedError(1007) from None
        if self.fault == "no-takeover":
            self.inflater = zlib.decompressobj(wbits=-15)
        return out

    def deflate(self, data: bytes) -> bytes:
        if not self.takes_over:
            self.deflater = zlib.compressobj(wbits=-self.bits)
        return (self.deflater.compress(data) + self.deflater.flush(zlib.Z_SYNC_FLUSH)).removesuffix(TAIL)


class Opening:
    """Reads a request."""

    def __init__(self, head: bytes, fault: str) -> None:
        self.fault = fault
        self.start, *lines = head.decode("latin-1").removesuffix("\r\n\r\n").split("\r\n")
        self.fields = [
            (name, value.strip(" \t")) for name, _, value in (line.partition(":") for line in lines)
        ]
        self.deflate: Deflate | None = None
        self.extension = ""

    def values(self, name: str) -> list[str]:
        return [value for known, value in self.fields if known.lower() == name]

    def tokens(self, name: str) -> list[str]:
        return [token.strip(" \t").lower() for value in self.values(name) for token in value.split(",")]

    def is_right(self) -> bool:
        keys, versions = self.values("sec-websocket-key"), self.values("sec-websocket-version")
        return (
            re.fullmatch(r"GET /\S* HTTP/1\.[1-9]", self.start) is not None
            and all(re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", name) for name, _ in self.fields)
            and all("\0" not in value for _, value in self.fields)
            and len(self.values("host")) == 1
            and ("websocket" in self.tokens("upgrade") or self.fault == "no-upgrade")
            and "upgrade" in self.tokens("connection")
            and len(keys) == 1
            and keys[0] != ""
            and (versions == ["13"] or (self.fault == "any-version" and bool(versions)))
        )

    def answer(self) -> bytes:
        key = self.values("sec-websocket-key")[0].encode("latin-1")
        if self.fault == "accept-of-lower-case" and not any(
            name == "Sec-WebSocket-Key" for name, _ in self.fields
        ):
            key = b""
        token = base64.b64encode(hashlib.sha1(key + GUID).digest()).decode()  # noqa: S324 - the RFC's hash
        self._negotiate()
        extension = f"Sec-WebSocket-Extensions: {self.extension}\r\n" if self.extension else ""
        return (
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Accept: {token}\r\n{extension}\r\n"
        ).encode()

    def _negotiate(self) -> None:
        for offer in ",".join(self.values("sec-websocket-extensions")).split(","):
            name, *parameters = [part.strip(" \t") for part in offer.split(";")]
            pairs = [
                (key.strip(), value.strip('" '))
                for key, _, value in (one.partition("=") for one in parameters)
            ]
            if name == "permessage-deflate" and self._accept(pairs):
                return

    def _accept(self, pairs: list[tuple[str, str]]) -> bool:
        flags = {"server_no_context_takeover", "client_no_context_takeover"}
        sizes = {"server_max_window_bits", "client_max_window_bits"}
        for name, value in pairs:
            empty = value == "" and name != "server_max_window_bits"
            right = empty or (name in sizes and re.fullmatch(r"[89]|1[0-5]", value))
            if not right or name not in flags | sizes | (
                {name} if self.fault == "unknown-parameter" else set()
            ):
                return False
        offered = dict(pairs)
        bits = int(offered.get("server_max_window_bits", 15))
        if len(offered) < len(pairs) or bits == 8:  # zlib has no window of 8 bits
            return False
        takes_over = "server_no_context_takeover" not in offered
        self.deflate = Deflate(self.fault, bits, takes_over)
        self.extension = "permessage-deflate"
        self.extension += "" if takes_over else "; server_no_context_takeover"
        self.extension += f"; server_max_window_bits={bits}" if "server_max_window_bits" in offered else ""
        return True


class Connection:
    """The frames of one connection."""

    def __init__(self, writer: asyncio.StreamWriter, deflate: Deflate | None, fault: str) -> None:
        self.writer = writer
        self.deflate = deflate
        self.fault = fault
        self.parts: list[Frame] = []
        self.closed = False

    def send(self, opcode: int, payload: bytes, rsv: int = 0) -> None:
        self.writer.write(wire.frame(opcode, payload, rsv=rsv))

    def take(self, frame: Frame) -> None:
        self.check(frame)
        if frame.opcode == PING:
            if self.parts and self.fault == "ping-inside":
                raise asyncio.CancelledError
            self.send(PONG, frame.payload[: 64 if self.fault == "short-pong" else 200])
        elif frame.opcode == CLOSE:
            self.close(frame.payload)
        elif frame.opcode in {TEXT, BINARY, CONTINUATION}:
            self.part(frame)

    def check(self, frame: Frame) -> None:
        """Refuse what no client may send."""
        rsv = frame.rsv & ~(wire.RSV2 if self.fault == "rsv2" else 0)
        if self.deflate and (frame.opcode in {TEXT, BINARY} or self.fault == "rsv1-inside"):
            rsv &= ~RSV1
        known = frame.opcode in {CONTINUATION, TEXT, BINARY, CLOSE, PING, PONG} or self.fault == "opcode-3"
        masked = frame.masked or self.fault == "unmasked"
        control = frame.opcode >= CLOSE
        whole = frame.fin or self.fault == "fragmented-ping"
        short = len(frame.payload) <= 125 or self.fault == "long-ping"
        if rsv or not known or not masked or (control and not (whole and short)):
            raise FailedError(1002)

    def part(self, frame: Frame) -> None:
        """Take a frame of a message, and send the message back that ends with it."""
        if self.fault == "crash" and not frame.payload and not frame.fin:
            os._exit(3)
        inside = bool(self.parts)
        if inside != (frame.opcode == CONTINUATION) and self.fault != (
            "interleaved" if inside else "lone-continuation"
        ):
            raise FailedError(1002)
        self.parts.append(frame)
        if self.fault == "text-by-fragment" and self.parts[0].opcode == TEXT and not self.parts[0].rsv:
            self.check_text(frame.payload)
        if not frame.fin:
            return
        parts, self.parts = self.parts, []
        payload = b"".join(part.payload for part in parts[: 5 if self.fault == "sixth-fragment" else None])
        if parts[0].rsv & RSV1 and self.deflate:
            payload = self.deflate.inflate(payload)
        if parts[0].opcode == TEXT and self.fault != "any-text":
            self.check_text(payload)
        self.echo(parts[0].opcode or BINARY, payload)

    def check_text(self, payload: bytes) -> None:
        try:
            payload.decode()
        except UnicodeDecodeError:
            raise FailedError(1002 if self.fault == "text-code" else 1007) from None

    def echo(self, opcode: int, payload: bytes) -> None:
        if not payload and self.fault == "no-empty":
            return
        if len(payload) == 65_536 and self.fault == "last-byte":
            payload = payload[:-1]
        if self.deflate:
            self.send(opcode, self.deflate.deflate(payload), RSV1)
        else:
            self.send(opcode, payload)

    def close(self, payload: bytes) -> None:
        """Answer a Close."""
        self.closed = True
        code = int.from_bytes(payload[:2], "big")
        if not payload:
            self.send(CLOSE, wire.close_payload(1005) if self.fault == "sends-1005" else b"")
            return
        right = len(payload) > 1 and 1000 <= code < 5000 and code not in NEVER_SENT
        if not right and not (self.fault == "any-code" and len(payload) > 1):
            raise FailedError(1002)
        self.check_text(payload[2:])
        self.send(CLOSE, payload[:12] if self.fault == "cut-reason" else payload)


class Server:
    """Serves echoes."""

    def __init__(self, fault: str) -> None:
        self.fault = fault

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError):
            await self.serve(reader, writer)
        with suppress(OSError):
            writer.close()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        opening = Opening(await reader.readuntil(b"\r\n\r\n"), self.fault)
        if not opening.is_right():
            writer.write(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
            return
        writer.write(opening.answer())
        if self.fault == "leak":
            kept.append(os.urandom(400_000))
        connection = Connection(writer, opening.deflate, self.fault)
        try:
            await self.echo(reader, connection)
        except FailedError as failed:
            connection.send(CLOSE, wire.close_payload(failed.code))
        except asyncio.CancelledError:
            await asyncio.sleep(1000)
        await writer.drain()
        if self.fault == "open-tcp":
            await reader.read()
            return
        if not writer.can_write_eof():  # over TLS, which ends both directions
            return
        writer.write_eof()
        with suppress(asyncio.TimeoutError):
            await asyncio.wait_for(self.rest(reader), LINGER)

    async def echo(self, reader: asyncio.StreamReader, connection: Connection) -> None:
        data = bytearray()
        while piece := await reader.read(2**16):
            data += piece
            try:
                while frame := wire.take_frame(data, LONGEST):
                    connection.take(frame)
                    if connection.closed and self.fault != "after-close":
                        return
            except wire.LongFrameError as error:
                if self.fault == "block" and error.length >= 2**40:
                    time.sleep(1000)  # noqa: ASYNC251 - the fault
                raise FailedError(1009) from None
            if connection.closed:
                return
            await connection.writer.drain()

    async def rest(self, reader: asyncio.StreamReader) -> None:
        while await reader.read(2**16):
            pass


async def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--fault", choices=[GOOD, *FAULTS], default=GOOD)
    arguments = parser.parse_args()
    server = await asyncio.start_server(Server(arguments.fault), "127.0.0.1", arguments.port)
    print(  # noqa: T201 - a program
        f"Listening on ws://127.0.0.1:{server.sockets[0].getsockname()[1]}",
        flush=True,
    )
    await server.serve_forever()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main())
