"""Looks like Autobahn's wstest from outside, and misbehaves as the environment variable FAKE says."""

# ruff: noqa: T201  # it prints what wstest prints

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from websockets.sync.server import ServerConnection

FAKE = os.environ.get("FAKE", "")
REPORT = {"behavior": "OK", "behaviorClose": "OK", "remoteCloseCode": 1000, "duration": 12}


def write_reports(spec: dict[str, Any], agent: str) -> None:
    folder = Path(spec["outdir"])
    folder.mkdir()
    cases = spec["cases"][:-1] if FAKE == "short" else spec["cases"]
    index = {agent: {case: {**REPORT, "reportfile": f"{case}.json"} for case in cases}}
    (folder / "index.json").write_text("{" if FAKE == "half" else json.dumps(index))
    for case in cases[:-1] if FAKE == "lost" else cases:
        report = {**REPORT, "id": case, "case": 1, "agent": agent, "description": f"What {case} does."}
        (folder / f"{case}.json").write_text(json.dumps(report))


def hang() -> NoReturn:
    while True:
        time.sleep(1)


def begin(case: str, agent: str) -> None:
    print(f"Running test case ID {case} for agent {agent} from peer tcp4:127.0.0.1:1")
    if FAKE == "hang" and case == "1.1.2":
        hang()
    if FAKE == "kill":
        os.kill(os.getpid(), 9)


def fuzz_server(spec: dict[str, Any]) -> None:
    (server,) = spec["servers"]
    if FAKE == "unreached":
        print(f"Connection to {server['url']} failed (Connection was refused by other side: 111.)")
        return
    for case in spec["cases"]:
        begin(case, server["agent"])
    if FAKE != "silent":
        write_reports(spec, server["agent"])


def fuzz_client(spec: dict[str, Any]) -> None:
    from websockets.sync.server import serve  # noqa: PLC0415  # the other mode starts quicker without

    def answer(connection: ServerConnection) -> None:
        assert connection.request is not None
        target = urlsplit(connection.request.path)
        query = parse_qs(target.query)
        match target.path:
            case "/getCaseCount":
                connection.send(str(len(spec["cases"])))
            case "/runCase":
                begin(spec["cases"][int(query["case"][0]) - 1], query["agent"][0])
            case "/updateReports" if FAKE == "silent":
                os._exit(0)
            case "/updateReports":
                write_reports(spec, query["agent"][0])
                print("Report generation complete.")

    url = urlsplit(spec["url"])
    assert url.hostname is not None
    with serve(answer, "", url.port, server_header="AutobahnTestSuite/25.10.1-fake") as server:
        assert server.socket.getsockname()[0] == "127.0.0.1", "it listens where others reach it"
        server.serve_forever()


def main() -> None:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # as PYTHONUNBUFFERED does for Python 2
    if sys.argv[1:] == ["--autobahnversion"]:
        print("Autobahn 0.10.9\nAutobahnTestSuite 25.10.1")
        return
    options = dict(zip(sys.argv[1::2], sys.argv[2::2], strict=True))
    spec = json.loads(Path(options["--spec"]).read_text())
    print(f"Cases = {spec['cases']}")
    if FAKE == "port":
        sys.exit(
            "twisted.internet.error.CannotListenError: Couldn't listen on any:9002: Address already in use."
        )
    (fuzz_server if options["--mode"] == "fuzzingclient" else fuzz_client)(spec)


if __name__ == "__main__":
    main()
