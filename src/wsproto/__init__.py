"""wsproto: a WebSocket library without I/O (RFC 6455, RFC 7692).

`WSConnection` turns what a transport receives into events, and events into what the transport sends.
"""

from __future__ import annotations

from . import connection, events, extensions, frame_protocol, handshake, messages, typing, utilities
from ._version import __version__
from .connection import Connection
from .core import compiled
from .limits import Limits
from .messages import MessageJoiner
from .states import ConnectionState, ConnectionType, Ending
from .wsconnection import WSConnection

__all__ = [
    "Connection",
    "ConnectionState",
    "ConnectionType",
    "Ending",
    "Limits",
    "MessageJoiner",
    "WSConnection",
    "__version__",
    "compiled",
    "connection",
    "events",
    "extensions",
    "frame_protocol",
    "handshake",
    "messages",
    "typing",
    "utilities",
]
