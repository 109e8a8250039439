"""Results to make reports of: a run in which much went wrong, with text in it that means harm."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, cast

from harness.cases import CASES
from harness.results import FORMAT
from harness.setups import SETUPS

if TYPE_CHECKING:
    from harness.results import DifferenceReport, Results, VerdictFields

HOSTILE = "</script><script>alert(1)</script><img src=x onerror=alert(2)>\x00\u202e\ud800`|`"
"""What a peer may send: HTML, a NUL, a change of direction, half a surrogate pair, Markdown."""


def verdict(behavior: str = "OK", close: str = "OK", code: int | None = 1000) -> VerdictFields:
    return {"behavior": behavior, "behaviorClose": close, "remoteCloseCode": code}


def case(description: str = "Send a text message.", **fields: Any) -> Any:
    """The report of a case as kosoku gives it: an echo over a masked frame, then a Close."""
    return {
        **verdict(),
        "description": description,
        "expectation": "Receive it back.",
        "result": "Actual events match at least one expected.",
        "resultClose": "Connection was properly closed",
        "expected": {"OK": [["message", "Hello", False]]},
        "expectedClose": {"closedByMe": True, "closeCode": [1000], "requireClean": True},
        "received": [["message", "Hello", False]],
        "localCloseCode": 1000,
        "duration": 3,
        "wasClean": True,
        "httpRequest": "GET / HTTP/1.1\r\nHost: localhost",
        "httpResponse": "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket",
        "wirelog": [
            ["TF", [5, "Hello"], 1, True, 0, "01020304", None, None, False],
            ["TO", [11, "81850102030449676f686e"], False],
            ["KL", 1.0],
            ["RO", [7, "810548656c6c6f"]],
            ["RF", [5, "Hello"], 1, True, 0, False, None],
            ["TF", [2, "0x03e8"], 8, True, 0, None, None, None, False],
        ],
        **fields,
    }


def difference(
    role: str, name: str, kind: str, expected: VerdictFields | None, actual: VerdictFields | None
) -> DifferenceReport:
    repeat = f"python -m harness run --role {role} --cases {name}"
    note = "It took 9.0 s, at most 2.0 s are expected." if kind == "slow" else ""
    return {
        "case": name,
        "kind": kind,
        "expected": expected,
        "actual": actual,
        "note": note,
        "repeat": repeat,
    }


def results(setups: dict[str, Any], **fields: Any) -> Results:
    content: dict[str, Any] = {
        "format": FORMAT,
        "engine": "kosoku 0.1.0",
        "library": "wsproto/1.4.0",
        "endpoint": False,
        "judgedBy": "baseline",
        "python": "3.11.7",
        "started": "2026-01-31T12:00:00+00:00",
        "profile": "full",
        "patterns": [],
        "asExpected": not any(setup["differences"] for setup in setups.values()),
        "cpuTime": 0.5,
        "command": "python -m harness run",
        "commit": "1a2b3c4",
        "host": "Linux 6.1 x86_64, 2 CPUs",
        "complete": True,
        "stopped": "",
        "setups": {
            name: {
                "role": SETUPS[name].role,
                "variant": SETUPS[name].variant,
                "transport": SETUPS[name].transport,
                **setup,
            }
            for name, setup in setups.items()
        },
        **fields,
    }
    return cast("Results", content)


def role(cases: dict[str, Any], differences: list[DifferenceReport] | None = None) -> dict[str, Any]:
    return {
        "duration": 61.2,
        "cpuTime": {"testee": 30.0, "suite": 20.5},
        "differences": differences or [],
        "whys": {},
        "cases": cases,
    }


def troubled() -> Results:
    """Both roles, with a regression, a missing case, one that Autobahn does not have, and hostile text."""
    closing = verdict("OK", "WRONG CODE", 1011)
    server = {
        "1.1.1": case("Send text message with payload 0."),
        "6.4.1": case("Send invalid UTF-8.<br>PART1 = b'cebae1'", **verdict("FAILED", "OK", 1000)),
        "6.4.2": case("Same as Case 6.4.1, but <b>later</b>."),
        "6.22.1": case("Send a text message."),
        "7.13.1": case("Send close with close code 5000", **verdict("INFORMATIONAL", "INFORMATIONAL", 1002)),
        "X.1": case(
            HOSTILE, rfc="Control frames MAY be injected.", requirement=["R6455-5.4-05"], novel={"a": 1}
        ),
    }
    client = {
        "1.1.1": case("Send text message with payload 0."),
        "6.4.1": case("Send invalid UTF-8."),
        "7.13.1": case(HOSTILE, remoteCloseReason=HOSTILE, rfc="RFC 6455 5.5.1", **closing),
    }
    sample = results(
        {
            "server": role(
                server,
                [
                    difference("server", "6.4.1", "regression", verdict(code=1007), verdict("FAILED")),
                    difference("server", "9.1.1", "missing", verdict(), None),
                ],
            ),
            "client": role(client, [difference("client", "7.13.1", "change", verdict(), closing)]),
        }
    )
    sample["setups"]["server"]["whys"] = {"7.13.1": f"the RFC leaves it open {HOSTILE}"}
    return sample


def whole() -> Results:
    """All cases in both roles, each with more on the wire than most have."""
    payload = f"{'x' * 64} ..."
    frames = [
        entry
        for _ in range(5)
        for entry in (
            ["TF", [1000, payload], 1, True, 0, "01020304", None, None, False],
            ["TO", [1008, f"{'81' * 64} ..."], False],
            ["RO", [1004, f"{'81' * 64} ..."]],
            ["RF", [1000, payload], 1, True, 0, False, None],
        )
    ]
    cases = {name: case(f"What {name} is about.", wirelog=frames) for name in CASES}
    return results({"server": role(cases), "client": role(cases)})


def bad_run() -> Results:
    """Three setups in which most of section 6 fails alike, with one case of each thing that a page shows."""
    shown = "0x" + "fe" * 64 + " ..."
    pong = [["pong", "þ" * 60 + " ..."]]
    differs = "Actual events differ from any expected."
    utf_8 = [name for name in CASES if name.startswith("6.")]
    head = "GET / HTTP/1.1\r\nHost: localhost\r\nUpgrade: h2c\r\nConnection: Upgrade\r\n\r\n" + "x" * 99
    odd: dict[str, Any] = {
        "2.4": case(
            "Send ping with binary payload of 125 octets.",
            result=differs,
            expected={"OK": pong},
            received=pong,
            wirelog=[
                ["TF", [125, shown], 9, True, 0, None, None, None, False],
                ["RF", [124, shown], 10, True, 0, False, None],
            ],
            **verdict("FAILED"),
        ),
        "3.1": case(**verdict("FAILED", "OK", 1002)),
        "7.1.1": case(duration=9000),
        "7.1.2": case(resultClose="No Close came.", **verdict("OK", "UNCLEAN")),
        "X.1.1": case(
            "Upgrade to `h2c`.",
            rfc="RFC 6455 4.2.1",
            wirelog=[
                ["RH", head.strip("x"), "Upgrade", {"at": 0.25}],
                ["TO", [len(head), head.encode().hex()], False, {"at": 0.3}],
            ],
        ),
    }
    cases = {name: case(f"What {name} is about.") for name in CASES} | odd
    for name in utf_8:
        cases[name] = case(result=differs, expected={"OK": []}, **verdict("FAILED", code=1000))
    changes = [(name, "regression", cases[name]) for name in ("2.4", "7.1.2", *utf_8)]
    setups = {}
    for setup in ("server", "server/limits", "client"):
        found = [
            difference(
                setup,
                name,
                kind,
                verdict(),
                verdict(report["behavior"], report["behaviorClose"], report["remoteCloseCode"]),
            )
            for name, kind, report in changes
        ]
        setups[setup] = {**role(cases, found), "whys": {"3.1": "a rule is broken on purpose"}}
    return results(setups)
