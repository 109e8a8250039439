"""The command line that all examples share: HOST PORT, and TEXT for the clients.

Nothing here is about WebSocket. A wrong argument ends the program with status 2 and one line, which names the
value and the rule.
"""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import NamedTuple, NoReturn

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000
DEFAULT_TEXTS = ["Hello, WebSocket!"]


class Arguments(NamedTuple):
    """Where to listen or to connect, and the messages to send."""

    host: str
    port: int
    texts: list[str]


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Leave with status 2 and the message, without the usage."""
        self.exit(2, f"{self.prog}: {message}\n")


def host_name(text: str) -> str:
    """Give the host as it is, if the resolver can be asked for it."""
    try:
        text.encode("idna")
    except UnicodeError as error:
        raise argparse.ArgumentTypeError(f"{text!r} is not a host name or address: {error}") from None
    if not text or any(character in " /?#@" for character in text):
        raise argparse.ArgumentTypeError(f"{text!r} is not a host name or address")
    return text


def port_number(text: str, lowest: int) -> int:
    """Give the port as a number, if it is one between `lowest` and 65535."""
    port = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else -1
    if not lowest <= port <= 65535:
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number from {lowest} to 65535")
    return port


def server_port(text: str) -> int:
    """Port 0 asks the system for a free one, which the server prints."""
    return port_number(text, lowest=0)


def client_port(text: str) -> int:
    """Nobody listens on port 0."""
    return port_number(text, lowest=1)


def message_text(text: str) -> str:
    """Give the text as it is, if it can be sent: an argument that was not UTF-8 cannot."""
    try:
        text.encode()
    except UnicodeEncodeError:
        raise argparse.ArgumentTypeError(f"{text!r} is not valid UTF-8") from None
    return text


def server_arguments(program: str, description: str | None) -> Arguments:
    """Read HOST and PORT for a program that listens."""
    return _parse(_parser(program, description), with_texts=False)


def client_arguments(program: str, description: str | None) -> Arguments:
    """Read HOST, PORT and any number of TEXT for a program that connects."""
    return _parse(_parser(program, description), with_texts=True)


def authority(host: str, port: int) -> str:
    """Write host and port for a Host header: an IPv6 address stands in brackets."""
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _parser(program: str, description: str | None) -> OneLineParser:
    return OneLineParser(
        prog=Path(program).name, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def _parse(parser: OneLineParser, *, with_texts: bool) -> Arguments:
    port = client_port if with_texts else server_port
    parser.add_argument("host", metavar="HOST", nargs="?", type=host_name, help=f"default: {DEFAULT_HOST}")
    parser.add_argument("port", metavar="PORT", nargs="?", type=port, help=f"default: {DEFAULT_PORT}")
    if with_texts:
        parser.add_argument("texts", metavar="TEXT", nargs="*", type=message_text, help="messages to send")
    values = parser.parse_args()
    if values.host is not None and values.port is None:
        parser.error(f"PORT is missing after HOST {values.host!r}: give both, or neither")
    return Arguments(
        DEFAULT_HOST if values.host is None else values.host,
        DEFAULT_PORT if values.port is None else values.port,
        (values.texts if with_texts else None) or DEFAULT_TEXTS,
    )
