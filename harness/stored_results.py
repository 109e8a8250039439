"""Reads back the `results.json` of a run, for its report and for `run --failed`."""

from __future__ import annotations

import json
import re
from math import isfinite
from typing import TYPE_CHECKING, Any, cast, get_args

from harness.judge import Kind, verdict_of
from harness.results import FORMAT, DifferenceReport, SetupReport
from harness.setups import SETUPS
from tooling.errors import CommandError

if TYPE_CHECKING:
    from pathlib import Path

    from harness.results import CpuTime, JudgedBy, Results
    from harness.setups import Setup


def read_results(path: Path) -> Results:
    """Read a `results.json`, or that of a folder.

    The fields that are judged are checked; of the others, those of a wrong type are left out.
    Raises `CommandError` where there is none, or it has another shape.
    """
    path = path / "results.json" if path.is_dir() else path
    try:
        content = json.loads(path.read_bytes())
    except FileNotFoundError:
        raise CommandError(f"there is no {path}: `python -m harness run` writes one") from None
    except (OSError, ValueError, RecursionError) as error:
        raise CommandError(f"{path} cannot be read: {error}") from error
    match content:
        case {"format": int(number), "setups": dict(setups)} if number == FORMAT and setups:
            reports = {label: _setup(label, found, f"{path}: {label}") for label, found in setups.items()}
        case {"format": number} if number != FORMAT:
            raise CommandError(f"{path} has format {number!r:.20}, this harness reads {FORMAT}")
        case _:
            raise CommandError(f"{path} is not the results.json of a run: it has no `format` and `setups`")
    complete = content.get("complete") is not False
    return {
        "format": FORMAT,
        "engine": str(content.get("engine", "")),
        "library": str(content.get("library", "")),
        "endpoint": content.get("endpoint") is True,
        "judgedBy": _judged_by(content.get("judgedBy")),
        "python": str(content.get("python", "")),
        "started": str(content.get("started", "")),
        "profile": str(content.get("profile", "")),  # type: ignore[typeddict-item]  # only shown
        "patterns": [str(pattern) for pattern in _list(content.get("patterns"))],
        "command": str(content.get("command", "")),
        "commit": str(content.get("commit", "")),
        "host": str(content.get("host", "")),
        "complete": complete,
        "stopped": str(content.get("stopped", "")),
        "asExpected": complete and not any(found["differences"] for found in reports.values()),
        "cpuTime": _seconds(content.get("cpuTime")) or 0.0,
        "setups": reports,
    }


def _judged_by(value: Any) -> JudgedBy:
    if value == "must":
        return "must"
    return "should" if value == "should" else "baseline"


def differing_cases(results: Results) -> dict[Setup, list[str]]:
    """List the cases of each setup whose verdicts were not those of the baseline; no setup without one."""
    return {
        SETUPS[label]: [difference["case"] for difference in report["differences"]]
        for label, report in results["setups"].items()
        if report["differences"]
    }


def _setup(label: Any, report: Any, where: str) -> SetupReport:
    if label not in SETUPS:
        raise CommandError(f"{where}: not a setup ({', '.join(SETUPS)})")
    match report:
        case {"cases": dict(cases), "differences": list(differences)} if cases or differences:
            pass
        case _:
            raise CommandError(f"{where}: it has no `cases`, or no `differences`")
    for case, found in cases.items():
        verdict_of(found, f"{where}: case {_name(case, where)}")
    duration, whys = report.get("duration"), report.get("whys")
    checked: SetupReport = {
        "role": SETUPS[label].role,
        "variant": SETUPS[label].variant,
        "transport": SETUPS[label].transport,
        "duration": _seconds(duration) or 0.0,
        "cpuTime": _cpu_time(report.get("cpuTime")),
        "differences": [_difference(difference, where) for difference in differences],
        "whys": {str(case): str(why) for case, why in whys.items()} if isinstance(whys, dict) else {},
        "cases": cases,
    }
    return cast(SetupReport, {**report, **checked})


def _seconds(value: Any) -> float | None:
    return float(value) if isinstance(value, (int, float)) and isfinite(value) else None


def _cpu_time(value: Any) -> CpuTime | None:
    if not isinstance(value, dict):
        return None
    return {"testee": _seconds(value.get("testee")) or 0.0, "suite": _seconds(value.get("suite"))}


def _difference(difference: Any, where: str) -> DifferenceReport:
    match difference:
        case {"case": str(case), "kind": str(kind), "expected": expected, "actual": actual, "repeat": str()}:
            pass
        case _:
            raise CommandError(f"{where}: not a difference: {difference!r:.80}")
    difference = {**difference, "note": str(difference.get("note", ""))}
    if kind not in get_args(Kind):
        raise CommandError(f"{where}: case {_name(case, where)}: {kind!r:.40} is not a kind of difference")
    for verdict in (expected, actual):
        if verdict is not None:
            verdict_of(verdict, f"{where}: difference of case {_name(case, where)}")
    return cast(DifferenceReport, difference)


def _name(case: str, where: str) -> str:
    if not re.fullmatch(r"\w[\w.-]{0,60}", case, re.ASCII):
        raise CommandError(f"{where}: {case!r:.80} is not the name of a case")
    return case


def _list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []
