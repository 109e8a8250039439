"""`python -m fuzz.planted.core [WORD ...]`: single faults in the C of src/core, and what finds each.

The seeds of the target `cores` look for it first, over a copy that was built with sanitizers; then the tests
of the core, which count what is allocated; then the target, for a while.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Final

from fuzz.folders import PACKAGE
from fuzz.planted.child import ROOT
from fuzz.planted.core_faults import FAULTS
from tooling.building import build, copy_of_source
from tooling.errors import CommandError
from tooling.sanitized import SANITIZERS, sanitized_environment
from tooling.written import check_writable, write_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from fuzz.planted.core_faults import CoreFault

TARGET: Final = "cores"
TESTS: Final = (
    "test_core_leaks.py",
    "test_core_reentrancy.py",
    "test_core_written.py",
    "test_core_interpreters.py",
)
_SAID: Final = re.compile(
    r"=== Uncaught Python exception: ===\n(.*)|(ERROR: (?:AddressSanitizer|libFuzzer): .*)"
    r"|(\S+ runtime error: .*)|^(FAILED .*)|^(\w+Error: .*)",
    re.MULTILINE,
)


def planted(fault: CoreFault | None, folder: Path) -> Path:
    """Copy `src` into `folder`, with the fault in it if there is one, and build it; return the copy."""
    source = copy_of_source(folder)
    if fault is not None:
        (source / "core" / fault.file).write_text(fault.planted(), "utf-8")
    build(source, *SANITIZERS)
    return source


def _said(done: subprocess.CompletedProcess[str]) -> str:
    found = _SAID.search(done.stdout + done.stderr)
    what = next(filter(None, found.groups()), "") if found else f"exit code {done.returncode}"
    return " ".join(what.split())[:160]


def _ran(command: Sequence[str], source: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(  # noqa: S603 - this very interpreter
        [sys.executable, *command],
        cwd=ROOT,
        env=sanitized_environment(source),
        capture_output=True,
        text=True,
        check=False,
    )


def by_seeds(source: Path, seeds: Path) -> str | None:
    """Give the target its seeds, as they are; return what it said where it failed."""
    replay = (
        "import sys, wsproto; from pathlib import Path; assert wsproto.__file__.startswith(sys.argv[2])\n"
        "from fuzz.targets.fuzz_cores import test_one_input\n"
        "for file in sorted(Path(sys.argv[1]).iterdir()): test_one_input(file.read_bytes())"
    )
    done = _ran(["-c", replay, str(seeds), str(source)], source)
    return _said(done) if done.returncode else None


def by_target(source: Path, seeds: Path, seconds: int) -> str | None:
    """Let the target fuzz for so long; return what it said where it failed."""
    target = next(one for one in PACKAGE.targets() if one.name == TARGET)
    with tempfile.TemporaryDirectory() as work:
        options = target.options | {
            "max_total_time": str(seconds),
            "seed": "6455",
            "artifact_prefix": f"{work}/",
            "rss_limit_mb": "0",
        }
        arguments = [f"-{name}={value}" for name, value in options.items()]
        child = ["-m", "fuzz.planted.child", str(source), str(target.file), *arguments, work, str(seeds)]
        done = _ran(child, source)
    return _said(done) if done.returncode else None


def by_tests(source: Path) -> str | None:
    """Run the tests of the core's safety; return what they said where they failed."""
    tests = [f"tests/{name}" for name in TESTS]
    pytest = ["-m", "pytest", "-q", "-x", "-s", "-p", "no:cacheprovider", "--timeout=0", *tests]
    done = _ran([*pytest, "-k", "not interpreters and not every_python"], source)
    if done.returncode > 1:
        raise CommandError(f"the tests did not run, exit code {done.returncode}: {done.stdout[-300:]}")
    return _said(done) if done.returncode else None


def found(fault: CoreFault | None, seeds: Path, seconds: int) -> tuple[str, str] | None:
    """Plant `fault`, if there is one, and return what found it and what that said; None where nothing did."""
    with tempfile.TemporaryDirectory() as folder:
        source = planted(fault, Path(folder))
        for by, look in (
            ("seeds", partial(by_seeds, source, seeds)),
            ("tests", partial(by_tests, source)),
            ("target", partial(by_target, source, seeds, seconds)),
        ):
            if (said := look()) is not None:
                return by, said
    return None


def _markdown(outcomes: dict[CoreFault, tuple[str, str] | None]) -> str:
    count = sum(outcome is not None for outcome in outcomes.values())
    lines = [
        "# Faults planted in the C",
        "",
        f"{count} of {len(outcomes)} found. `python -m fuzz.planted.core` puts one after the other into a",
        "copy of `src/core`, built with sanitizers. The seeds of the target `cores`, which compares both",
        "cores, look for it, then the tests of the core's memory, then the target.",
        "",
        "| fault | in | found by | which said |",
        "|---|---|---|---|",
    ]
    for fault, outcome in outcomes.items():
        by, said = outcome or ("**nothing**", "")
        lines.append(f"| {fault.name} | `{fault.file}` | {by} | {_in_a_cell(said)} |")
    return "\n".join(lines) + "\n"


def _in_a_cell(said: str) -> str:
    """Shorten what was said, without addresses and names of folders, which change from run to run."""
    if address := re.search(r"AddressSanitizer: (?:attempting )?([\w-]+)", said):
        return f"AddressSanitizer: {address[1]}"
    if undefined := re.search(r"runtime error: (.*)", said):
        return f"UndefinedBehaviorSanitizer: {undefined[1][:50]}"
    if test := re.search(r"::(\w+)", said):
        return f"`{test[1]}`"
    if said.startswith("AssertionError: call"):
        return "the cores differ"
    return said.partition(":")[0].replace("|", "\\|")[:50]


def main(arguments: Sequence[str] | None = None) -> int:
    """Look for the faults, print a line for each, and return 1 where one was not found."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").partition(":")[0].strip("`"))
    parser.add_argument("words", nargs="*", help="take the faults with one of these in their names")
    parser.add_argument("--seconds", type=int, default=60, help="for each fault, after the seeds")
    parser.add_argument("--no-control", action="store_true", help="do not begin without a fault")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write a table of all")
    chosen = parser.parse_args(arguments)
    if chosen.words and chosen.markdown:
        parser.error("--markdown is a table of all faults, so that no word goes with it")
    if chosen.seconds < 1:
        parser.error(f"--seconds {chosen.seconds}: at least 1")
    check_writable(chosen.markdown)
    faults = [one for one in FAULTS if not chosen.words or any(word in one.name for word in chosen.words)]
    if not faults:
        parser.error("no fault has one of these words in its name")
    outcomes: dict[CoreFault, tuple[str, str] | None] = {}
    with tempfile.TemporaryDirectory(prefix="fuzz-seeds-") as seeds:
        PACKAGE.seed(next(one for one in PACKAGE.targets() if one.name == TARGET), Path(seeds))
        if not chosen.no_control and (outcome := found(None, Path(seeds), min(10, chosen.seconds))):
            print(f"without any fault, {outcome[0]} failed: {outcome[1]}", file=sys.stderr)
            return 2
        for fault in faults:
            began = time.monotonic()
            outcome = outcomes[fault] = found(fault, Path(seeds), chosen.seconds)
            said = "NOT FOUND" if outcome is None else ": ".join(outcome)
            print(f"{fault.file}: {fault.name}: {said}, {time.monotonic() - began:.0f} s", flush=True)
    if chosen.markdown:
        write_text(chosen.markdown, _markdown(outcomes))
    missed = sum(outcome is None for outcome in outcomes.values())
    print(f"{len(faults) - missed} of {len(faults)} found")
    return int(missed > 0)


if __name__ == "__main__":
    try:
        sys.exit(main())
    except CommandError as error:
        print(error, file=sys.stderr)
        sys.exit(2)
