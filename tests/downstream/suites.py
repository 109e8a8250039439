"""The projects' own tests on this library, from their source distributions: `run.py --suites`.

The suites come from the package index, in the versions that stand in `.downstream/`. They are the judges of a
drop-in: a test that fails, twice in a row, and is not named here fails the run, and so does one that is named
and passes.
"""

from __future__ import annotations

import re
import shutil
import tarfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

HERE = Path(__file__).resolve().parent
SUITE_SECONDS = 400.0
DOWNLOAD_SECONDS = 300.0


class RunLimited(Protocol):
    """Run a command for at most so many seconds, and give status, output and errors."""

    def __call__(
        self, command: list[str], seconds: float, folder: Path, /
    ) -> tuple[int | None, str, str]: ...


@dataclass(frozen=True)
class Suite:
    """The tests of one project that concern wsproto, and those of them that fail, and why."""

    project: str
    paths: list[str]
    options: list[str] = field(default_factory=list)
    known: dict[str, str] = field(default_factory=dict)
    version: str | None = None  # None: the one that is installed
    left_out: dict[str, str] = field(
        default_factory=dict
    )  # how names of tests begin, and why they are not run
    quick: bool = False  # also run with the checks


ASYNCIO_OFF = ["-p", "no:asyncio"]
TRIO_OFF = ["-p", "no:trio"]
A_CLASS_OF_ITS_OWN = "a class or method that the package keeps to itself"
PRIVATE_ATTRIBUTES = "sets or reads _compressor or _decompressor of PerMessageDeflate"
TWISTED = "src/twisted/web/test/test_websocket.py"
CLOSE_0 = (
    "test_websocket_full_duplex.py::test_websocket_close_tolerates_socket_failure[wsproto-closing-write]"
)
LAX = "RFC 7692 7.1: unknown parameters decline an offer, and fail an answer"
SUITES = [
    Suite(
        "wsproto",
        ["tests"],
        version="1.3.2",
        left_out={
            **dict.fromkeys(
                (
                    "tests/test_frame_protocol.py::TestBuffer::",
                    "tests/test_frame_protocol.py::TestFrameDecoder",
                    "tests/test_frame_protocol.py::TestMessageDecoder::",
                    "tests/test_frame_protocol.py::test_xor_mask_simple",
                ),
                A_CLASS_OF_ITS_OWN,
            ),
            **dict.fromkeys(
                (
                    f"tests/test_permessage_deflate.py::TestPerMessageDeflate::test_{what}"
                    for what in (
                        "inbound_bad_zlib_decoder_end_state",
                        "compressor_reset",
                        "decompressor_reset",
                    )
                ),
                PRIVATE_ATTRIBUTES,
            ),
        },
        known={
            f"tests/test_permessage_deflate.py::TestPerMessageDeflate::test_{what}_ignores_rubbish": LAX
            for what in ("accept", "finalize")
        },
        quick=True,
    ),
    Suite(
        "hypercorn",
        ["tests/protocol", "tests/asyncio", "tests/trio"],
        known={
            f"tests/{loop}/test_sanity.py::test_http2_websocket": "a CONNECT that h2 4.4 refuses"
            for loop in ("asyncio", "trio")
        },
    ),
    Suite(
        "trio-websocket",
        ["tests"],
        [*ASYNCIO_OFF, "-o", "trio_mode=true"],
        known={
            "tests/test_connection.py::test_reject_handshake_invalid_info_status": "wants a 100 to reject,"
            " which a client has to skip (RFC 9110 15.2), and says nothing to wsproto of end of file"
        },
    ),
    Suite("simple-websocket", ["tests"], [*ASYNCIO_OFF, "-p", "suite_names"]),
    Suite("httpx-ws", ["tests"], [*ASYNCIO_OFF, *TRIO_OFF]),
    Suite("uvicorn", ["tests/protocols/test_websocket.py"], [*ASYNCIO_OFF, *TRIO_OFF]),
    Suite(
        "twisted",
        [TWISTED],
        [*ASYNCIO_OFF, *TRIO_OFF],
        known={
            f"{TWISTED}::WebSocketTests::test_connectionRefusedWeird": "wants a 102 to reject, which a client"
            " has to skip (RFC 9110 15.2)"
        },
    ),
    Suite(
        "urllib3-future",
        [
            "test/contrib/test_websocket_fragmentation.py",
            "test/contrib/asynchronous/test_websocket_fragmentation.py",
            "test/with_dummyserver/test_websocket_full_duplex.py",
            "test/with_dummyserver/asynchronous/test_websocket_full_duplex.py",
        ],
        [*TRIO_OFF, "-o", "filterwarnings="],  # those of the project name what is not installed here
        known={
            f"test/with_dummyserver/{folder}{CLOSE_0}": "closes with code 0, which may not be sent"
            " (RFC 6455 7.4.2)"
            for folder in ("", "asynchronous/")
        },
    ),
]
NO_SUITE = {
    "anycorn": "its source archive has no tests",
    "mitmproxy": "the package index has no source archive of it",
}
"""Projects whose own tests cannot be had from the package index, and why."""


def run_suite(suite: Suite, python: Path, folder: Path, run_limited: RunLimited) -> tuple[bool, str]:
    """Run one project's tests; gives whether they passed, and a line with the details."""
    source = fetch(suite, python, folder, run_limited)
    if isinstance(source, str):
        return False, source
    # Neither the options of the project, which want plugins for coverage, nor the settings of this one.
    (folder / "pytest.ini").write_text("[pytest]\n")
    options = ["-q", "-rfE", "--tb=short", "--timeout=60", "-p", "no:cacheprovider", "-o", "addopts="]
    options += [f"--deselect={name}" for name in suite.left_out]
    pytest = ["env", f"PYTHONPATH={HERE}", str(python), "-m", "pytest", *options, *suite.options]
    status, output, errors = run_limited([*pytest, *suite.paths], SUITE_SECONDS, source)
    failed = failures(output) - suite.known.keys()
    stale = suite.known.keys() - failures(output)
    repeated: set[str] = set()
    if failed and status == 1:  # some of the tests are races against a process that they start
        _, again, _ = run_limited([*pytest, *sorted(failed)], SUITE_SECONDS, source)
        repeated, failed = failed - failures(again), failed & failures(again)
    summary = (output.strip() or errors.strip() or "no output").splitlines()[-1]
    if status not in {0, 1}:
        return False, f"pytest ended with {status}: {summary}"
    if failed or stale:
        wrong = [*sorted(failed), *(f"{name} passes, but is known to fail" for name in sorted(stale))]
        return False, f"{summary}\n      " + "\n      ".join(wrong)
    notes = [f"{len(suite.known)} are known to fail"] if suite.known else []
    notes += [f"passed when repeated: {', '.join(sorted(repeated))}"] if repeated else []
    return True, "; ".join([summary, *notes])


def fetch(suite: Suite, python: Path, folder: Path, run_limited: RunLimited) -> Path | str:
    """Unpack the source distribution, but for its code; gives its folder, or what went wrong."""
    version = suite.version
    if version is None:
        query = f"import importlib.metadata; print(importlib.metadata.version({suite.project!r}))"
        version = run_limited([str(python), "-c", query], DOWNLOAD_SECONDS, folder.parent)[1].strip()
    target = folder / f"{suite.project}-{version}"
    if not target.is_dir():
        download = folder / "download"
        shutil.rmtree(download, ignore_errors=True)
        pip = [str(python), "-m", "pip", "download", "--quiet", "--no-deps", "--no-binary", suite.project]
        wanted = f"{suite.project}=={version}"
        status, _, errors = run_limited(
            [*pip, "--dest", str(download), wanted], DOWNLOAD_SECONDS, folder.parent
        )
        archives = list(download.glob("*.tar.gz"))
        if status != 0 or len(archives) != 1:
            return (
                f"cannot download the source of {wanted}: {(errors.strip() or 'no archive').splitlines()[-1]}"
            )
        with tarfile.open(archives[0]) as archive:
            # What is tested is what is installed: the code of the archive must never be imported.
            members = [
                member
                for member in archive
                if "src" not in Path(member.name).parts[1:2] or member.name.endswith(tuple(suite.paths))
            ]
            archive.extractall(download, members, filter="data")
        next(path for path in download.iterdir() if path.is_dir()).rename(target)
    return target


def failures(output: str) -> set[str]:
    """Give the tests that pytest's summary calls failed."""
    return set(re.findall(r"^(?:FAILED|ERROR) (\S+)", output, re.MULTILINE))
