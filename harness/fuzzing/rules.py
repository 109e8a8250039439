"""The sentences of the RFCs that an echo server can break, each under the name by which findings know it."""

from __future__ import annotations

from typing import Final, Literal, NamedTuple

Level = Literal["must", "should"]


class Rule(NamedTuple):
    """A sentence that says what a server does."""

    level: Level
    section: str
    sentence: str


_NO_MATCH = (
    "If the server, while reading the handshake, finds that the client did not send a handshake that matches "
    "the description below [...], the server MUST stop processing the client's handshake and return an HTTP "
    "response with an appropriate error code (such as 400 Bad Request)."
)
_ITEMS = "The client's opening handshake consists of the following parts."

RULES: Final[dict[str, Rule]] = {
    # What has to fail the connection:
    "a reserved bit": Rule(
        "must",
        "RFC 6455 5.2",
        "If a nonzero value is received and none of the negotiated extensions defines the meaning of such a "
        "nonzero value, the receiving endpoint MUST _Fail the WebSocket Connection_.",
    ),
    "RSV1 out of place": Rule(
        "must",
        "RFC 7692 6.1",
        'An endpoint MUST NOT set the "Per-Message Compressed" bit of control frames and non-first fragments '
        "of a data message. An endpoint receiving such a frame MUST _Fail the WebSocket Connection_.",
    ),
    "an unknown opcode": Rule(
        "must",
        "RFC 6455 5.2",
        "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket Connection_.",
    ),
    "no mask": Rule(
        "must",
        "RFC 6455 5.1",
        "The server MUST close the connection upon receiving a frame that is not masked.",
    ),
    "a long control frame": Rule(
        "must",
        "RFC 6455 5.5",
        "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented.",
    ),
    "a fragmented control frame": Rule(
        "must",
        "RFC 6455 5.5",
        "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented.",
    ),
    "a continuation of nothing": Rule(
        "must",
        "RFC 6455 5.4",
        "A fragmented message consists of a single frame with the FIN bit clear and an opcode other than 0, "
        "followed by zero or more frames with the FIN bit clear and the opcode set to 0, and terminated by a "
        "single frame with the FIN bit set and an opcode of 0.",
    ),
    "a message inside of another": Rule(
        "must",
        "RFC 6455 5.4",
        "The fragments of one message MUST NOT be interleaved between the fragments of another "
        "message unless an extension has been negotiated that can interpret the interleaving.",
    ),
    "text that is not UTF-8": Rule(
        "must",
        "RFC 6455 8.1",
        "When an endpoint is to interpret a byte stream as UTF-8 but finds that the byte stream is not, in "
        "fact, a valid UTF-8 stream, that endpoint MUST _Fail the WebSocket Connection_.",
    ),
    "data that does not inflate": Rule(
        "must",
        "RFC 7692 7.2.2",
        "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message. [...] "
        "Decompress the resulting data using DEFLATE.",
    ),
    # What it does with the rest:
    "echo": Rule(
        "must",
        "RFC 6455 6.2",
        "If the frame comprises an unfragmented message (Section 5.4), it is said that _A WebSocket Message "
        "Has Been Received_ with type /type/ and data /data/.",
    ),
    "compressed echo": Rule(
        "must",
        "RFC 7692 7.2.2",
        "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end of the payload of the message. [...] "
        "Decompress the resulting data using DEFLATE.",
    ),
    "pong": Rule(
        "must",
        "RFC 6455 5.5.2",
        "Upon receipt of a Ping frame, an endpoint MUST send a Pong frame in response, unless it already "
        "received a Close frame.",
    ),
    "answer to Close": Rule(
        "must",
        "RFC 6455 5.5.1",
        "If an endpoint receives a Close frame and did not previously send a Close frame, the endpoint MUST "
        "send a Close frame in response.",
    ),
    "after Close": Rule(
        "must",
        "RFC 6455 1.4",
        "after receiving a control frame indicating the connection should be closed, a peer discards any "
        "further data received.",
    ),
    "end of TCP": Rule(
        "must",
        "RFC 6455 5.5.1",
        "After both sending and receiving a Close message, an endpoint considers the WebSocket connection "
        "closed and MUST close the underlying TCP connection. The server MUST close the underlying TCP "
        "connection immediately.",
    ),
    "end of TCP after a failure": Rule(
        "must",
        "RFC 6455 7.1.7",
        "Similarly, to do so, the server MUST _Close the WebSocket Connection_, and SHOULD log the problem.",
    ),
    "code": Rule(
        "should",
        "RFC 6455 7.1.7",
        "the endpoint SHOULD send a Close frame with an appropriate status code (Section 7.4) before "
        "proceeding to _Close the WebSocket Connection_.",
    ),
    "code in answer": Rule(
        "should",
        "RFC 6455 7.4.1",
        "1002 indicates that an endpoint is terminating the connection due to a protocol error.",
    ),
    "closed": Rule(
        "must",
        "RFC 6455 7.3",
        "Servers MAY close the WebSocket connection whenever desired. [...] an endpoint initiates a "
        "closure by following the procedures to _Start the WebSocket Closing Handshake_ (Section "
        "7.1.2).",
    ),
    "closed as if wrong": Rule(
        "must",
        "RFC 6455 7.4.1",
        "Endpoints MAY use the following pre-defined status codes when sending a Close frame. [...] 1002 "
        "indicates that an endpoint is terminating the connection due to a protocol error. [...] 1007 "
        "indicates that an endpoint is terminating the connection because it has received data within a "
        "message that was not consistent with the type of the message.",
    ),
    "frames": Rule(
        "must",
        "RFC 6455 5.2",
        "This wire format for the data transfer part is described by the ABNF [RFC5234] given in detail in "
        "this section.",
    ),
    # Handshakes:
    "request": Rule("must", "RFC 6455 4.2.1", _NO_MATCH),
    "host": Rule(
        "must",
        "RFC 9112 3.2",
        "A server MUST respond with a 400 (Bad Request) status code to any HTTP/1.1 request message "
        "that lacks a Host header field and to any request message that contains more than one Host "
        "header field line or a Host header field with an invalid field value.",
    ),
    "space before colon": Rule(
        "must",
        "RFC 9112 5.1",
        "A server MUST reject, with a response status code of 400 (Bad Request), any received request "
        "message that contains whitespace between a header field name and colon.",
    ),
    "right request": Rule("must", "RFC 6455 4.2.1", _ITEMS),
    "response": Rule(
        "must",
        "RFC 6455 4.2.2",
        "If the server chooses to accept the incoming connection, it MUST reply with a valid HTTP response.",
    ),
    "negotiation": Rule(
        "must",
        "RFC 7692 7",
        "A server MUST decline an extension negotiation offer for this extension if any of the "
        "following conditions are met: [...] The negotiation offer contains an extension parameter "
        "not defined for use in an offer. [...] The negotiation offer contains an extension parameter "
        "with an invalid value. [...] The negotiation offer contains multiple extension parameters "
        "with the same name.",
    ),
    "no answer": Rule(
        "must",
        "RFC 6455 4.2.2",
        "When a client establishes a WebSocket connection to a server, the server MUST complete the "
        "following steps to accept the connection and send the server's opening handshake.",
    ),
    # The server as a program:
    "crash": Rule(
        "must",
        "RFC 6455 10.7",
        "Incoming data MUST always be validated by both clients and servers.",
    ),
    "memory": Rule(
        "must",
        "RFC 6455 10.4",
        "Implementations that have implementation- and/or platform-specific limitations regarding the frame "
        "size or total message size after reassembly from multiple frames MUST protect themselves against "
        "exceeding those limits.",
    ),
}
