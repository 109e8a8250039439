"""An extension of one's own: permessage-bzip2 compresses each message with bzip2, as a stream of its own.

    python permessage_bzip2.py [TEXT]

Runs a client and a server in memory, and prints what a message costs on the wire.
"""

from __future__ import annotations

import bz2
import sys
from copy import copy

from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, CloseConnection, Request, TextMessage
from wsproto.extensions import Extension
from wsproto.frame_protocol import CloseReason, Opcode, RsvBits
from wsproto.utilities import RemoteProtocolError

NO_BITS = RsvBits(rsv1=False, rsv2=False, rsv3=False)
RSV1 = RsvBits(rsv1=True, rsv2=False, rsv3=False)  # on the first frame of a compressed message


class PerMessageBzip2(Extension):
    """permessage-bzip2, without parameters. Offer it instead of permessage-deflate: both use RSV1.

    A message may have any number of frames: together, their payloads are one bzip2 stream.

    :param max_message_size: bytes that a received message may have after decompression.
    """

    name = "permessage-bzip2"

    def __init__(self, max_message_size: int = 2**20) -> None:
        self._max_message_size = max_message_size
        self._agreed = False
        self._control = False  # the frame that is coming in is a control frame
        self._left = 0  # bytes that the incoming message may still have
        self._decompressor: bz2.BZ2Decompressor | None = None  # None: the message is not compressed
        self._compressor = bz2.BZ2Compressor()  # of the message that is going out

    def enabled(self) -> bool:
        """Tell whether the handshake agreed on this extension."""
        return self._agreed

    def reset(self) -> None:
        """Forget the last handshake: the same object may be offered again."""
        self._agreed = False

    def for_connection(self) -> PerMessageBzip2:
        """Return an object of one connection: each message begins streams of that connection's own."""
        return copy(self)

    def offer(self) -> bool | str:
        """Offer the extension, on a client: True stands for no parameters."""
        return True

    def accept(self, offer: str) -> bool | str | None:
        """Accept an offer without parameters, on a server; None declines (RFC 6455 9.1)."""
        self._agreed = offer == self.name
        return True if self._agreed else None

    def finalize(self, offer: str) -> None:
        """Take in the server's answer, on a client: nothing was offered that it could set."""
        if offer != self.name:
            raise RemoteProtocolError(f"{self.name} has no parameters, and the server answered {offer!r}")
        self._agreed = True

    def frame_inbound_header(
        self, proto: object, opcode: Opcode, rsv: RsvBits, payload_length: int
    ) -> RsvBits | CloseReason:
        """Return the reserved bits that this extension accounts for, or the code to close with."""
        self._control = opcode.iscontrol()
        if opcode is Opcode.TEXT or opcode is Opcode.BINARY:
            self._left = self._max_message_size
            self._decompressor = bz2.BZ2Decompressor() if rsv.rsv1 else None
            return RSV1
        return CloseReason.PROTOCOL_ERROR if rsv.rsv1 else NO_BITS

    def frame_inbound_payload_data(self, proto: object, data: bytes) -> bytes | CloseReason:
        """Decompress a piece of payload, which may be cut anywhere."""
        if self._control or self._decompressor is None or not data:
            return data
        try:
            # One byte more than is left shows that the message is too long, whatever else it would become.
            plain = self._decompressor.decompress(data, self._left + 1)
        except (OSError, EOFError):  # no bzip2, or more of it after the end of the stream
            return CloseReason.INVALID_FRAME_PAYLOAD_DATA
        self._left -= len(plain)
        return CloseReason.MESSAGE_TOO_BIG if self._left < 0 else plain

    def frame_inbound_complete(self, proto: object, fin: bool) -> bytes | CloseReason | None:
        """Judge the end of a message: its stream ends there, too."""
        if self._control or self._decompressor is None or not fin:
            return None
        whole = self._decompressor.eof and not self._decompressor.unused_data
        return None if whole else CloseReason.INVALID_FRAME_PAYLOAD_DATA

    def frame_outbound(
        self,
        proto: object,
        opcode: Opcode,
        rsv: RsvBits,
        data: bytes,
        fin: bool,
    ) -> tuple[RsvBits, bytes]:
        """Compress a frame of a message; bzip2 may hold bytes back until the message ends."""
        if opcode.iscontrol():
            return rsv, data
        if opcode is not Opcode.CONTINUATION:
            self._compressor = bz2.BZ2Compressor()
            rsv = RSV1
        data = self._compressor.compress(data)
        return rsv, data + self._compressor.flush() if fin else data


def main() -> int:
    """Open a connection in memory, send a text from the client to the server, and close."""
    text = sys.argv[1] if len(sys.argv) > 1 else "All work and no play makes Jack a dull boy. " * 1000
    client = WSConnection(ConnectionType.CLIENT)
    server = WSConnection(ConnectionType.SERVER)
    server.receive_data(client.send(Request(host="example.com", target="/", extensions=[PerMessageBzip2()])))
    print("the client offers", [event.extensions for event in server.events() if isinstance(event, Request)])
    client.receive_data(server.send(AcceptConnection(extensions=[PerMessageBzip2()])))
    accepted = [event.extensions for event in client.events() if isinstance(event, AcceptConnection)]
    print("the server accepts", [[extension.name for extension in extensions] for extensions in accepted])

    sent = client.send(TextMessage(data=text))
    server.receive_data(sent)
    received = "".join(event.data for event in server.events() if isinstance(event, TextMessage))
    print(f"{len(text.encode())} bytes of text took {len(sent)} on the wire and came back {received == text}")
    server.receive_data(client.send(CloseConnection(code=1000)))
    print("closed with", [event.code for event in server.events() if isinstance(event, CloseConnection)])
    return 0


if __name__ == "__main__":
    sys.exit(main())
