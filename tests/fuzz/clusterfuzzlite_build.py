"""Builds fuzz targets as ClusterFuzzLite does, and runs what was built.

`.clusterfuzzlite/build.sh` runs in a copy of the checkout and an environment of its own, with pyinstaller and
a stand-in for the image's `compile_python_fuzzer`. Each program then fuzzes from its seeds, with its
dictionary and options, in a folder without the checkout. It needs Python 3.11 or later, on Linux.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import venv
import zipfile
from configparser import ConfigParser
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).resolve().parents[2]
DEFAULT: Final = ("frames_server", "application")
"""One that judges bytes, one that drives properties; each takes about half a minute to build."""
MIN_COVERAGE: Final = 400
"""Edges that any target reaches from its seeds: fewer mean that freezing has lost the instrumentation."""

_INITED: Final = re.compile(r"INITED cov: (\d+)")
_DONE: Final = re.compile(r"Done (\d+) runs")


class BuildError(Exception):
    """A build or a run did not go as it has to."""


def run(command: list[str], folder: Path, environment: dict[str, str]) -> str:
    """Run a command to its end; return what it printed.

    :raises BuildError: where it failed.
    """
    done = subprocess.run(  # noqa: S603 - a list
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False
    )
    output = done.stdout.decode(errors="replace")
    if done.returncode:
        raise BuildError(f"{' '.join(command)} ended with {done.returncode}:\n{output[-4000:]}")
    return output


def build(work: Path, targets: list[str], sanitizer: str, script: Path) -> Path:
    """Build `targets` below `work` with `script`; return the folder of what was built."""
    venv.create(work / "venv", with_pip=True)
    programs = work / "venv" / "bin"
    shutil.copy(ROOT / "tests" / "fuzz" / "compile_python_fuzzer", programs)
    listed = run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], ROOT, dict(os.environ))
    for name in listed.splitlines():
        if (ROOT / name).is_file():
            copy = work / "src" / "wsproto" / name
            copy.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy(ROOT / name, copy)
    out = work / "out"
    out.mkdir()
    environment = os.environ | {
        "OUT": str(out),
        "SRC": str(work / "src"),
        "SANITIZER": sanitizer,
        "TARGETS": " ".join(targets),
        "PATH": f"{programs}:{os.environ['PATH']}",
    }
    run([str(programs / "pip"), "install", "--quiet", "pyinstaller>=6,<7"], work, environment)
    run(["bash", str(script)], work, environment)
    return out


def fuzz(out: Path, name: str, seconds: int) -> str:
    """Run a built target from its seeds; return a line that says how far it came.

    :raises BuildError: where it stops, does not fuzz, or does not see what it covers.
    """
    options = ConfigParser(interpolation=None)
    options.read(out / f"{name}.options")
    settings = dict(options["libfuzzer"])
    assert "dict" not in settings or (out / settings["dict"]).is_file(), settings
    corpus = out / "corpus" / name
    with zipfile.ZipFile(out / f"{name}_seed_corpus.zip") as seeds:
        seeds.extractall(corpus)
    arguments = [f"-{option}={value}" for option, value in settings.items()]
    command = [str(out / name), *arguments, f"-max_total_time={seconds}", "-rss_limit_mb=2560", str(corpus)]
    output = run(command, out, {"PATH": os.environ["PATH"], "HOME": str(out)})
    inited, done = _INITED.search(output), _DONE.search(output)
    if inited is None or done is None:
        raise BuildError(f"{name} did not fuzz:\n{output[-4000:]}")
    if int(inited[1]) < MIN_COVERAGE:
        raise BuildError(f"{name} saw {inited[1]} edges of its seeds, at least {MIN_COVERAGE} were due")
    return (
        f"{name}: {inited[1]} edges from {len(list(corpus.iterdir()))} seeds and new inputs, {done[1]} runs"
    )


def main() -> int:
    """Build and run; the exit code tells whether all went well."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("targets", nargs="*", metavar="TARGET", help=f"default: {' '.join(DEFAULT)}")
    parser.add_argument("--seconds", type=int, default=5, help="for each target to fuzz (default: 5)")
    parser.add_argument(
        "--sanitizer", choices=("address", "coverage"), default="address", help="what to build for"
    )
    parser.add_argument(
        "--oss-fuzz", action="store_true", help="by oss-fuzz/build.sh, not .clusterfuzzlite/build.sh"
    )
    arguments = parser.parse_args()
    targets: list[str] = arguments.targets or [*DEFAULT]
    for target in targets:
        if not (ROOT / "fuzz" / "targets" / f"fuzz_{target}.py").is_file():
            parser.error(f"there is no target {target!r}, no file fuzz/targets/fuzz_{target}.py")
    script = ROOT / ("oss-fuzz" if arguments.oss_fuzz else ".clusterfuzzlite") / "build.sh"
    with tempfile.TemporaryDirectory(prefix="clusterfuzzlite-") as work:
        try:
            out = build(Path(work), targets, arguments.sanitizer, script)
            print(*sorted(path.name for path in out.iterdir()), sep="\n")
            for target in targets:
                print(fuzz(out, f"fuzz_{target}", arguments.seconds))
        except BuildError as error:
            print(error, file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
