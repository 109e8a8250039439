"""The command line that all examples share.

    a client: [--ca FILE | --insecure] [--timeout SECONDS] [URL | HOST PORT] [TEXT ...]
    a server: [--certificate FILE [--key FILE]] [--max-message-size BYTES] [HOST PORT]

A wrong argument ends the program with status 2 and one line, which names the value and the rule.
"""

from __future__ import annotations

import argparse
import ssl
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, NoReturn

from addresses import Address, AddressError, address_of_url, host_and_zone

from wsproto.limits import Limits

if TYPE_CHECKING:
    from collections.abc import Sequence

DEFAULT_HOST = "127.0.0.1"
DEFAULT_PORT = 8000
DEFAULT_TEXTS = ["Hello, WebSocket!"]
DEFAULT_TIMEOUT = 10.0
MAX_TIMEOUT = 3600.0


class ServerArguments(NamedTuple):
    """Where to listen, with which certificate, and which messages to take."""

    host: str
    port: int
    tls: ssl.SSLContext | None
    certificate: str | None
    key: str | None
    limits: Limits


class ClientArguments(NamedTuple):
    """Where to connect, how long to wait for an answer, and the messages to send."""

    address: Address
    texts: list[str]
    timeout: float
    tls: ssl.SSLContext | None
    ca: str | None
    insecure: bool

    def failure(self, error: Exception) -> str:
        """Say in one line why no conversation took place."""
        reason = str(error)
        if isinstance(error, TimeoutError) or not reason:  # asyncio.TimeoutError says nothing on Python 3.10
            reason = f"no answer within {self.timeout:g} seconds"
        elif isinstance(
            error, ConnectionRefusedError
        ):  # asyncio's own words for it are "Connect call failed"
            reason = "connection refused"
        return f"{self.address.authority}: {reason}"


class OneLineParser(argparse.ArgumentParser):
    """A parser whose errors are one line."""

    def error(self, message: str) -> NoReturn:
        """Leave with status 2 and the message, without the usage."""
        self.exit(2, f"{self.prog}: {message}\n")


def server_arguments(
    program: str,
    description: str | None,
    *,
    alpn: Sequence[str] = ("http/1.1",),
    needs_certificate: bool = False,
) -> ServerArguments:
    """Read the arguments of a program that listens; port 0 asks the system for a free one."""
    parser = _parser(program, description)
    parser.add_argument(
        "words", nargs="*", metavar="HOST PORT", help=f"default: {DEFAULT_HOST} {DEFAULT_PORT}"
    )
    parser.add_argument("--certificate", metavar="FILE", help="PEM, with its chain: serve wss:// with it")
    parser.add_argument("--key", metavar="FILE", help="PEM; default: the certificate's file has it, too")
    parser.add_argument(
        "--max-message-size",
        type=_size,
        metavar="BYTES",
        help="refuse a longer message with 1009; default: take any, since its pieces are not kept",
    )
    values = parser.parse_args()
    try:
        address, rest = _host_and_port(values.words, lowest=0)
    except AddressError as error:
        parser.error(str(error))
    if rest:
        parser.error(f"{rest[0]!r} stands behind PORT: a server takes HOST and PORT alone")
    if values.key and not values.certificate:
        parser.error(f"--key {values.key!r} needs --certificate FILE")
    if needs_certificate and not values.certificate:
        parser.error("--certificate FILE is missing: QUIC is always encrypted")
    tls = None
    if values.certificate:
        tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        tls.set_alpn_protocols(alpn)
        try:
            tls.load_cert_chain(values.certificate, values.key)
        except OSError as error:  # ssl.SSLError is one
            parser.error(f"--certificate {values.certificate!r}, --key {values.key!r}: {error}")
    limits = Limits(max_message_size=values.max_message_size)
    return ServerArguments(address.node, address.port, tls, values.certificate, values.key, limits)


def client_arguments(program: str, description: str | None, *, alpn: str = "http/1.1") -> ClientArguments:
    """Read the arguments of a program that connects."""
    parser = _parser(program, description)
    parser.add_argument(
        "words",
        nargs="*",
        metavar="URL or HOST PORT, TEXT",
        help=f"where to connect (default: {DEFAULT_HOST} {DEFAULT_PORT}), and messages to send",
    )
    parser.add_argument(
        "--timeout", type=_seconds, default=DEFAULT_TIMEOUT, help="seconds to wait for an answer"
    )
    trust = parser.add_mutually_exclusive_group()
    trust.add_argument("--ca", metavar="FILE", help="PEM: trust certificates that these authorities signed")
    trust.add_argument("--insecure", action="store_true", help="accept any certificate: for tests alone")
    values = parser.parse_args()
    try:
        for word in values.words:
            word.encode()
        if values.words and "://" in values.words[0]:
            address, texts = address_of_url(values.words[0]), values.words[1:]
        else:
            address, texts = _host_and_port(values.words, lowest=1)
    except AddressError as error:
        parser.error(str(error))
    except UnicodeEncodeError as error:
        parser.error(f"{error.object!r} is not valid UTF-8, as URLs and messages must be")
    if (values.ca or values.insecure) and address.scheme != "wss":
        parser.error("--ca and --insecure need a URL that begins with wss://")
    tls = None
    if address.scheme == "wss":
        try:
            tls = ssl.create_default_context(cafile=values.ca)
        except OSError as error:  # ssl.SSLError is one
            parser.error(f"--ca {values.ca!r}: {error}")
        tls.set_alpn_protocols([alpn])
        if values.insecure:
            tls.check_hostname = False
            tls.verify_mode = ssl.CERT_NONE
    return ClientArguments(address, texts or DEFAULT_TEXTS, values.timeout, tls, values.ca, values.insecure)


def _parser(program: str, description: str | None) -> OneLineParser:
    return OneLineParser(
        prog=Path(program).name, description=description, formatter_class=argparse.RawDescriptionHelpFormatter
    )


def _host_and_port(words: list[str], *, lowest: int) -> tuple[Address, list[str]]:
    """Read HOST and PORT; return them and the words behind them."""
    if not words:
        return Address(DEFAULT_HOST, DEFAULT_PORT), []
    host, zone = host_and_zone(words[0])
    if len(words) == 1:
        raise AddressError(f"PORT is missing after HOST {words[0]!r}: give both, or neither")
    text = words[1]
    port = int(text) if text.isascii() and text.isdigit() and len(text) <= 5 else -1
    if not lowest <= port <= 65535:
        raise AddressError(f"{text!r} is not a whole number from {lowest} to 65535")
    return Address(host, port, zone), words[2:]


def _size(text: str) -> int:
    if not (text.isascii() and text.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of bytes")
    return int(text)


def _seconds(text: str) -> float:
    try:
        seconds = float(text)
    except ValueError:
        seconds = 0.0
    if not 0 < seconds <= MAX_TIMEOUT:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number of seconds up to {MAX_TIMEOUT:g}")
    return seconds
