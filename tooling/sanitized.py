"""`python -m tooling.sanitized [PYTEST ARGUMENT ...]`: tests the compiled core under sanitizers.

It builds a copy of the core with gcc's sanitizers of addresses and of undefined behaviour, and runs over it
the tests of the core, the properties, and the inputs of the fuzz targets that reach it: regressions, seeds,
and the corpus where there is one. The first finding ends it, with exit code 1.

With `--coverage` it builds with gcov instead, and says which lines of the C the same tests do not reach.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Final

from tooling.building import COMPILER, ROOT, build, copy_of_source

SANITIZERS: Final = ("-fsanitize=address,undefined", "-fno-sanitize-recover=undefined", "-O1")
COVERAGE: Final = ("--coverage", "-O0")
TESTS: Final = (
    *(f"tests/test_{name}.py" for name in ("core", "core_written", "core_reentrancy", "core_leaks")),
    *(f"tests/test_{name}.py" for name in ("frame_reader_streams", "frame_writer", "connection", "masking")),
    *(f"tests/test_{name}.py" for name in ("connection_front", "inbound_message", "event_base_values")),
    "tests/test_permessage_deflate.py",
    *(f"tests/properties/test_{name}.py" for name in ("any_bytes", "any_calls", "any_cutting", "any_events")),
    *(
        f"tests/properties/test_{name}.py"
        for name in ("at_the_limits", "fast_paths", "lengths", "round_trip")
    ),
)
"""The tests that reach the core; others repeat them, or are slow."""
#: A child of a test has no sanitizer before it, and sanitizers make memory and time another matter.
LEFT_OUT: Final = "not memory and not held and not inflater and not linear"
TARGETS: Final = ("cores", "frames_server", "frames_client", "inflate")


def _library(name: str) -> str:
    found = subprocess.run(  # noqa: S603 - the compiler
        [COMPILER, f"-print-file-name={name}"], capture_output=True, text=True, check=True
    ).stdout.strip()
    return str(Path(found).resolve())


def sanitized_environment(source: Path) -> dict[str, str]:
    """Return the environment in which a Python without sanitizers loads a core that has them."""
    return {
        **os.environ,
        "PYTHONPATH": str(source),
        "PYTHONMALLOC": "malloc",  # so that each object has an allocation of its own
        "LD_PRELOAD": " ".join(map(_library, ("libasan.so", "libubsan.so"))),
        "ASAN_OPTIONS": "detect_leaks=0:allocator_may_return_null=1",  # Python keeps much until its end
        "UBSAN_OPTIONS": "print_stacktrace=1",
        "WSPROTO_PURE": "0",
    }


def _run(command: list[str], environment: dict[str, str]) -> int:
    print("+", *command, flush=True)
    return subprocess.run(command, cwd=ROOT, env=environment, check=False).returncode  # noqa: S603


def _commands(arguments: list[str], work: Path) -> list[list[str]]:
    pytest = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "--timeout=0", "-x"]
    tests = arguments or [*TESTS, "-k", LEFT_OUT]
    seeds = "import sys; from pathlib import Path; from fuzz import seeds; "
    seeds += "[seeds.write(name, Path(sys.argv[1], name)) for name in sys.argv[2:]]"
    replay = (
        "import sys; from importlib import import_module; from pathlib import Path\n"
        "import wsproto; assert wsproto.compiled\n"
        "for name in sys.argv[2:]:\n"
        "    target = import_module(f'fuzz.targets.fuzz_{name}')\n"
        "    folders = [Path(sys.argv[1], name), Path('fuzz/corpus', name)]\n"
        "    files = [file for folder in folders if folder.is_dir() for file in sorted(folder.iterdir())]\n"
        "    files += sorted(Path('fuzz/regressions').glob(f'{name}-*'))\n"
        "    for file in files: target.test_one_input(file.read_bytes())\n"
        "    print(f'{name}: {len(files)} inputs, no finding')\n"
    )
    return [
        [sys.executable, "-c", seeds, str(work / "seeds"), *TARGETS],
        [sys.executable, *pytest, *tests],
        [sys.executable, "-c", replay, str(work / "seeds"), *TARGETS],
    ]


def _unreached(source: Path) -> int:
    """Print the lines of the C that nothing reached, and how much of it was; 0 if all was."""
    objects = sorted((source / "core").glob("*.gcda")) + sorted((source / "wsproto").glob("*.gcda"))
    done = subprocess.run(  # noqa: S603 - gcov
        ["gcov", "--branch-probabilities", *map(str, objects)],  # noqa: S607
        cwd=source / "core",
        capture_output=True,
        text=True,
        check=False,
    )
    shown = re.findall(
        r"File '(\S+\.[ch])'\nLines executed:(\S+?)% of (\d+)\n"
        r"(?:Branches executed:\S+ of \d+\nTaken at least once:(\S+?)% of (\d+))?",
        done.stdout,
    )
    lines = reached = 0.0
    for path, percent, count, branches, of in shown:
        name = Path(path).name
        if Path(path).parent != source / "core" or name.endswith(".h"):
            continue  # a header, which each file has again
        lines += int(count)
        reached += float(percent) * int(count) / 100
        print(f"{name}: {percent} % of {count} lines, {branches or 100} % of {of or 0} branches")
        for line in (source / "core" / f"{name}.gcov").read_text("utf-8").splitlines():
            if line.lstrip().startswith("#####"):
                print(f"    {line.partition(':')[2]}")
    print(f"all: {reached:.0f} of {lines:.0f} lines, {100 * reached / (lines or 1):.1f} %")
    return int(reached < lines)


def main(arguments: list[str]) -> int:
    """Build, run all, and return the exit code."""
    coverage = arguments[:1] == ["--coverage"]
    if shutil.which(COMPILER) is None:
        print(f"LEFT OUT, since there is no compiler {COMPILER}: the compiled core under sanitizers")
        return 0
    with tempfile.TemporaryDirectory() as folder:
        source = copy_of_source(Path(folder))
        build(source, *(COVERAGE if coverage else SANITIZERS))
        environment = {**os.environ, "PYTHONPATH": str(source), "WSPROTO_PURE": "0"}
        if not coverage:
            environment = sanitized_environment(source)
        for command in _commands(arguments[coverage:], Path(folder)):
            if code := _run(command, environment):
                return code
        return _unreached(source) if coverage else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
