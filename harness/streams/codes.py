"""The numbers of HTTP/2 and HTTP/3 that cases name: to list these needs the packages of neither protocol."""

from __future__ import annotations

from typing import Final, Literal

Transport = Literal["h2", "h3"]

_OF_H2 = """NO_ERROR PROTOCOL_ERROR INTERNAL_ERROR FLOW_CONTROL_ERROR SETTINGS_TIMEOUT STREAM_CLOSED
FRAME_SIZE_ERROR REFUSED_STREAM CANCEL COMPRESSION_ERROR CONNECT_ERROR ENHANCE_YOUR_CALM INADEQUATE_SECURITY
HTTP_1_1_REQUIRED"""
_OF_H3 = """H3_NO_ERROR H3_GENERAL_PROTOCOL_ERROR H3_INTERNAL_ERROR H3_STREAM_CREATION_ERROR
H3_CLOSED_CRITICAL_STREAM H3_FRAME_UNEXPECTED H3_FRAME_ERROR H3_EXCESSIVE_LOAD H3_ID_ERROR H3_SETTINGS_ERROR
H3_MISSING_SETTINGS H3_REQUEST_REJECTED H3_REQUEST_CANCELLED H3_REQUEST_INCOMPLETE H3_MESSAGE_ERROR
H3_CONNECT_ERROR H3_VERSION_FALLBACK"""

ERRORS: dict[Transport, dict[int, str]] = {
    "h2": dict(enumerate(_OF_H2.split())),
    "h3": {0x33: "H3_DATAGRAM_ERROR", **dict(enumerate(_OF_H3.split(), 0x100))},
}
"""The names of the error codes (RFC 9113 7, RFC 9114 8.1, RFC 9297 5.2)."""

CODES = {name: code for names in ERRORS.values() for code, name in names.items()}
"""The error codes by their names."""

ENABLE_CONNECT_PROTOCOL: Final = 0x8
"""The setting of both protocols (RFC 8441 3, RFC 9220 5)."""

INITIAL_WINDOW_SIZE: Final = 0x4
"""The setting of HTTP/2 (RFC 9113 6.5.2)."""

H3_DATAGRAM: Final = 0x33
"""The setting of HTTP/3 (RFC 9297 2.1.1)."""

PRIORITY: Final = 0x2
PUSH_PROMISE: Final = 0x5
"""Types of frames of HTTP/2 (RFC 9113 6); the last one has the same number in HTTP/3."""

H3_FRAMES: Final = {
    0x0: "DATA",
    0x1: "HEADERS",
    0x3: "CANCEL_PUSH",
    0x4: "SETTINGS",
    0x5: "PUSH_PROMISE",
    0x7: "GOAWAY",
    0xD: "MAX_PUSH_ID",
}
"""The types of frames of HTTP/3 (RFC 9114 7.2)."""

H3_SETTINGS: Final = 0x4
H3_GOAWAY: Final = 0x7
