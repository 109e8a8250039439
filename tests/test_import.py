"""What `import wsproto` gives, and what it must not drag in."""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from importlib import resources
from pathlib import Path

import pytest

import wsproto

SOURCE = Path(wsproto.__file__).parent

#: Module -> the names that programs import from it.
NAMES = {
    "wsproto": "WSConnection ConnectionType Connection ConnectionState Ending __version__",
    "wsproto.connection": "Connection ConnectionState ConnectionType CLIENT SERVER",
    "wsproto.events": (
        "Event Request AcceptConnection RejectConnection RejectData CloseConnection"
        " Message TextMessage BytesMessage BinaryMessage Ping Pong"
    ),
    "wsproto.extensions": "Extension PerMessageDeflate SUPPORTED_EXTENSIONS",
    "wsproto.frame_protocol": "Opcode CloseReason RsvBits FrameProtocol FrameDecoder Frame ParseFailed",
    "wsproto.handshake": (
        "H11Handshake server_extensions_handshake client_extensions_handshake WEBSOCKET_VERSION"
    ),
    "wsproto.limits": "Limits",
    "wsproto.messages": "MessageJoiner",
    "wsproto.utilities": (
        "ProtocolError LocalProtocolError RemoteProtocolError generate_nonce generate_accept_token"
        " split_comma_header normed_header_dict"
    ),
    "wsproto.stream_handshake": (
        "StreamHandshake asks_for_websocket HTTP2_CANCEL HTTP2_PROTOCOL_ERROR"
        " H3_REQUEST_CANCELLED H3_MESSAGE_ERROR"
    ),
    "wsproto.typing": "Headers",
}


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module in NAMES for name in NAMES[module].split()]
)
def test_the_names_that_programs_import(module: str, name: str) -> None:
    assert hasattr(importlib.import_module(module), name)


def run(code: str) -> str:
    """Run `code` in a Python of its own, and give what it prints."""
    return subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, "-c", code],
        check=True,
        capture_output=True,
        text=True,
        env={"PYTHONPATH": str(SOURCE.parent), "PYTHONWARNINGS": "error"},
    ).stdout


#: Few programs need it.
IMPORTED_LATER = ["stream_handshake"]


def test_importing_the_package_makes_every_submodule_an_attribute() -> None:
    """All but those that are imported when they are needed."""
    modules = sorted({path.stem for path in SOURCE.glob("*.py")} - {"__init__", *IMPORTED_LATER})
    code = f"import wsproto\nprint(*[name for name in {modules!r} if not hasattr(wsproto, name)])"
    assert run(code).split() == []
    names = [f"wsproto.{name}" for name in IMPORTED_LATER]
    code = f"import sys, wsproto\nprint(*[name for name in {names!r} if name in sys.modules])"
    assert run(code).split() == []


def test_an_everyday_handshake_needs_no_h11() -> None:
    """Whole in one read, and accepted: then the library reads and writes it by itself."""
    code = """
import sys
from wsproto import ConnectionType, WSConnection
from wsproto.events import AcceptConnection, Request
client, server = WSConnection(ConnectionType.CLIENT), WSConnection(ConnectionType.SERVER)
server.receive_data(client.send(Request("example.com", "/chat", extra_headers=[(b"Origin", b"null")])))
client.receive_data(server.send(AcceptConnection()))
print(client.state.name, server.state.name, "h11" in sys.modules)
"""
    assert run(code).split() == ["OPEN", "OPEN", "False"]


def test_the_version_is_plain_numbers() -> None:
    assert re.fullmatch(r"\d+\.\d+\.\d+", wsproto.__version__)
    assert tuple(int(part) for part in wsproto.__version__.split(".")) >= (1, 4, 0)


def test_the_version_of_the_protocol() -> None:
    assert wsproto.handshake.WEBSOCKET_VERSION == b"13"


def test_the_types_ship() -> None:
    assert resources.files("wsproto").joinpath("py.typed").is_file()


def test_the_guide_s_name_is_the_same_class() -> None:
    assert wsproto.events.BinaryMessage is wsproto.events.BytesMessage


#: No I/O, no clock, no threads, no logging, no randomness but the system's.
BANNED = {
    *("asyncio", "concurrent", "datetime", "logging", "multiprocessing", "queue", "random", "sched"),
    *("secrets", "select", "selectors", "signal", "socket", "ssl", "subprocess", "tempfile"),
    *("threading", "time", "warnings"),
}


@pytest.mark.parametrize("path", sorted(SOURCE.glob("*.py")), ids=lambda path: path.stem)
def test_the_core_touches_nothing_outside(path: Path) -> None:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    imported = {
        name.split(".")[0]
        for node in ast.walk(tree)
        if isinstance(node, (ast.Import, ast.ImportFrom))
        for name in (
            [alias.name for alias in node.names]
            if isinstance(node, ast.Import)
            else [node.module or ""]
            if node.level == 0
            else []
        )
    }
    assert imported & BANNED == set()
    calls = {ast.unparse(node.func) for node in ast.walk(tree) if isinstance(node, ast.Call)}
    assert calls & {"print", "open", "input", "breakpoint", "exec", "eval"} == set()


def test_random_bytes_come_from_the_two_functions_that_a_test_replaces() -> None:
    users = {
        path.stem
        for path in SOURCE.glob("*.py")
        if re.search(r"\burandom\b|\btoken_bytes\b|\brandom\(", path.read_text(encoding="utf-8"))
    }
    assert users <= {"utilities", "masking"}


def test_importing_it_prints_and_warns_nothing() -> None:
    assert run("import wsproto") == ""
