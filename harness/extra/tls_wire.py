"""A connection over TLS: what comes out of a `Wire` and goes into it is plaintext, and so is its log.

TLS is `ssl.SSLObject`'s here: asyncio's transport neither tells whether the peer said its close_notify before
it ended TCP, nor can it end TCP without one.
"""

from __future__ import annotations

import ssl
from contextlib import suppress
from typing import TYPE_CHECKING

from harness.extra.certificates import HOST
from harness.extra.seen import Tls
from harness.extra.wire import PIECE, Wire

if TYPE_CHECKING:
    import asyncio
    from collections.abc import Callable


class TlsWire(Wire):
    """As a client, or where `connected` is given, as a server.

    :param context: belongs to this connection alone, which takes the SNI from it.
    """

    def __init__(
        self,
        context: ssl.SSLContext,
        connected: Callable[[Wire], None] | None = None,
        server_name: str = HOST,
    ) -> None:
        super().__init__(connected)
        self.tls = self._side = Tls()
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        if connected:
            context.sni_callback = self._take_name
        self._ssl = context.wrap_bio(
            self._incoming,
            self._outgoing,
            server_side=connected is not None,
            server_hostname=None if connected else server_name,
        )

    def _take_name(self, _ssl: ssl.SSLObject, name: str | None, _context: ssl.SSLContext) -> None:
        self._side.server_name = name or ""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin the handshake of TLS."""
        super().connection_made(transport)
        self._go_on()

    def data_received(self, data: bytes) -> None:
        """Take records in."""
        self._incoming.write(data)
        self._go_on()

    async def shake_hands(self, timeout: float) -> None:
        """Wait for the end of TLS's handshake; raises `OSError`, `TimeoutError` where it only lasts."""
        came = await self.wait(lambda: self._side.opened or bool(self._side.fault or self.ended), timeout)
        if self._side.opened:
            return
        self.abort()
        if not came:
            raise TimeoutError(f"no handshake of TLS within {timeout:g} s")
        raise OSError(f"no handshake of TLS: {self._side.fault or 'the peer did not go on with it'}")

    @property
    def authority(self) -> str:
        """The host name of the certificates, with the port."""
        return f"{HOST}:{super().authority.rpartition(':')[2]}"

    def close(self) -> None:
        """End TLS and TCP in this direction."""
        self._notify()
        self.cut_off()

    def _go_on(self) -> None:
        """Take from TLS what there is, and send what it has to say."""
        try:
            if not self._side.opened:
                self._ssl.do_handshake()
                self._side.opened = True
                self._changed.set()
            while plain := self._ssl.read(PIECE):
                super().data_received(plain)
            self._take_notice()
        except ssl.SSLWantReadError:
            self._flush()
        except ssl.SSLZeroReturnError:
            self._take_notice()
        except ssl.SSLError as error:
            why = (error.reason or str(error)).lower().replace("_", " ")
            if isinstance(error, ssl.SSLCertVerificationError):
                why += f": {error.verify_message}"
            self._side.fault = self._side.fault or why
            self._flush()  # the alert that says so
            self.transport.close()

    def _take_notice(self) -> None:
        """Note the peer's close_notify, and answer it, for which some peers wait (RFC 8446 6.1)."""
        self._side.notified = True
        self._notify()
        self._is_over = True

    def _notify(self) -> None:
        with suppress(ssl.SSLError):  # it was said already, or TLS never began, or the peer's is not here yet
            self._ssl.unwrap()
        self._flush()

    def _write(self, data: bytes) -> None:
        rest = memoryview(data)
        with suppress(ssl.SSLError):  # TLS is over
            while rest:
                rest = rest[self._ssl.write(rest) :]
        self._flush()

    def _flush(self) -> None:
        if not self._is_over and not self.transport.is_closing():
            self.transport.write(self._outgoing.read())
