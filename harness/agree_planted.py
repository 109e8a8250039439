"""`python -m harness agree --planted`: whether the engines judge a broken library alike.

Each fault is put into a copy of the library, and every engine plays the cases over the copy: Autobahn's,
since section X is the same beside all engines. What each run says goes to its report.
"""

from __future__ import annotations

import io
import os
import random
import re
import tempfile
import time
from contextlib import contextmanager
from itertools import zip_longest
from pathlib import Path
from typing import TYPE_CHECKING

from rich.console import Console

from fuzz.planted.catalogue import named
from fuzz.planted.fault import plant
from harness.agree import differences_of
from harness.cases import AUTOBAHN_CASES, in_profile, section_of
from harness.run import run
from harness.stored_results import read_results
from harness.unseen import UNSEEN
from tooling.console import say
from tooling.errors import CommandError, ExitCode

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    from fuzz.planted.fault import Fault
    from harness.cases import Profile
    from harness.engines.known import Engine
    from harness.engines.suite import Suite
    from harness.order import Order
    from harness.patience import Patience


def chosen(planted: Sequence[str], seed: int | None, console: Console) -> list[Fault]:
    """Return the faults with some words in their names, and so many as a number says, from all files.

    :param seed: seeds that choice, which leaves out what no case can see; it is printed.
    :raises CommandError: for a name of no fault.
    """
    words = [word for word in planted if not word.isdecimal()]
    faults = named(words) if words else []
    count = sum(int(word) for word in planted if word.isdecimal())
    if count:
        seed = random.SystemRandom().randrange(10**6) if seed is None else seed
        say(console, f"the seed of the choice: --seed {seed}")
        others = [fault for fault in _spread(seed) if fault not in faults]
        faults += others[:count]
    if not faults:
        raise CommandError(f"--planted {' '.join(planted)} plants nothing: a number has to be 1 or more")
    return faults


def _spread(seed: int) -> list[Fault]:
    """Return all that a case can see, a fault of each file in turn."""
    source = random.Random(seed)  # noqa: S311  # a choice that can be repeated
    of_files: dict[str, list[Fault]] = {}
    for fault in named([]):
        if fault.name not in UNSEEN:
            of_files.setdefault(fault.file, []).append(fault)
    files = [source.sample(faults, len(faults)) for faults in of_files.values()]
    source.shuffle(files)
    return [fault for turn in zip_longest(*files) for fault in turn if fault]


def sections_of(profile: Profile) -> list[str]:
    """List Autobahn's sections of a profile, which are played where nobody chooses cases."""
    return list(dict.fromkeys(section_of(case) for case in AUTOBAHN_CASES if in_profile(case, profile)))


def agree_on_broken(  # noqa: PLR0913, PLR0917  # what a user can choose
    faults: Sequence[Fault],
    order: Order,
    suites: Mapping[Engine, Suite],
    folder: Path,
    patience: Patience,
    console: Console,
) -> ExitCode:
    """Let all engines judge one broken copy after the other, and compare their verdicts case by case.

    :returns: BAD where they differ about any copy.
    """
    apart = 0
    for number, fault in enumerate(faults, 1):
        of_fault = folder / re.sub(r"\W+", "-", f"{number:03} {fault.name}").strip("-")
        say(console, f"{number} of {len(faults)}  {fault.name} ({fault.file}, {fault.section})")
        for engine, suite in suites.items():
            began = time.monotonic()
            with _installed(fault):
                run(order, suite, of_fault / engine, patience, Console(file=io.StringIO()))
            say(console, f"    {engine}: {_counted(of_fault / engine)}, {time.monotonic() - began:.1f} s")
        lines = [line for role in order.roles for line in differences_of(role, list(suites), of_fault)]
        for line in lines:
            say(console, f"    {line}", style="bold red")
        apart += bool(lines)
    agreed = len(faults) - apart
    style = "bold red" if apart else "bold green"
    say(console, f"{', '.join(suites)} agree on {agreed} of {len(faults)} broken libraries", style)
    return ExitCode.BAD if apart else ExitCode.GOOD


@contextmanager
def _installed(fault: Fault) -> Iterator[None]:
    """Let the testees that this process starts import a copy with the fault."""
    before = os.environ.get("PYTHONPATH")
    with tempfile.TemporaryDirectory(prefix="planted-") as made:
        os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [str(plant(fault, Path(made))), before]))
        try:
            yield
        finally:
            del os.environ["PYTHONPATH"]
            if before is not None:
                os.environ["PYTHONPATH"] = before


def _counted(report: Path) -> str:
    """Say how many verdicts of a run are not those of the baseline."""
    results = read_results(report)
    count = sum(len(of_setup["differences"]) for of_setup in results["setups"].values())
    return f"{count} verdicts not as expected" + (", stopped early" if not results["complete"] else "")
