"""Keeps an input that fails: minimised, as `crashes/NAME-HASH`, with a `.txt` beside it that explains it."""

from __future__ import annotations

import base64
import itertools
import textwrap
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, Final

from fuzz.folders import hash_of, shown
from fuzz.frames_shown import frame_lines, hex_lines
from fuzz.meaning import meaning_of
from fuzz.minimizer import Budget, minimize
from fuzz.replay import MEMORY_LIMIT, Replay
from fuzz.results import Finding
from tooling.errors import CommandError
from tooling.written import write_bytes, write_text

if TYPE_CHECKING:
    from pathlib import Path

    from fuzz.folders import Folders, Target
    from fuzz.replay import Failure

MINIMIZE_TIME: Final = 20.0
"""Seconds for minimising one crash of a campaign."""

LINE_OF_HEX: Final = 88
"""Hexadecimal digits in a line of a pytest case."""


def keep(folders: Folders, target: Target, data: bytes, kind: str, budget: Budget) -> Finding:
    """Minimise an input that fails, and write it to a file, with an explanation beside it.

    An input that no longer fails when it is replayed alone is kept as it is, and the explanation says so.
    Where it cannot be written, the finding says why, and its command holds the input.
    """
    with Replay(target) as replay:
        failure = replay.run(data)
        smallest = data
        if failure is not None:
            smaller = getattr(target.load(), "smaller", None)
            smallest = minimize(data, partial(_fails_alike, replay, failure), budget, smaller)
            failure = replay.run(smallest) or failure
    file = folders.crashes / f"{target.name}-{hash_of(smallest)}"
    finding = describe(target, file, smallest, failure, kind, len(data))
    try:
        if smallest != data:
            finding = replace(finding, original=shown(_keep_original(file, data)))
        write_bytes(file, smallest)
        write_text(note_of(file), explain(finding))
    except CommandError as error:
        return replace(finding, not_kept=str(error), command=_command_with(target, smallest))
    return finding


def _keep_original(file: Path, data: bytes) -> Path:
    """Write the input that was minimised to `file`, and leave others that became the same."""
    for number in itertools.count(1):
        original = file.with_name(f"{file.name}{f'.{number}' if number > 1 else ''}.original")
        if not original.exists():
            write_bytes(original, data)
            return original
        if original.read_bytes() == data:
            return original
    raise AssertionError  # the numbers do not end


def _command_with(target: Target, data: bytes) -> str:
    """Return a command that replays an input which is in no file."""
    text = base64.b64encode(data).decode()
    return f"echo {text} | base64 -d | python -m fuzz replay --target {target.name} /dev/stdin"


def _fails_alike(replay: Replay, failure: Failure, candidate: bytes) -> bool:
    return failure.same_as(replay.run(candidate))


def note_of(file: Path) -> Path:
    """Return the file that explains an input."""
    return file.with_suffix(".txt")


def describe(  # noqa: PLR0913, PLR0917  # a finding has that many parts
    target: Target, file: Path, data: bytes, failure: Failure | None, kind: str, original_size: int
) -> Finding:
    """Put together the facts about an input that fails."""
    title = (
        failure.title if failure else f"{kind}, which does not happen again when the input is replayed alone"
    )
    place = failure.place if failure else ""
    meaning = meaning_of(target, data, MEMORY_LIMIT)
    return Finding(
        kind=kind,
        file=shown(file),
        title=title,
        place=place,
        size=len(data),
        original_size=original_size,
        hex=hex_lines(data),
        frames=_frames(target, data),
        choices=meaning.choices,
        drawn=meaning.drawn,
        traceback=failure.traceback.rstrip() if failure else "",
        test=meaning.test
        or pytest_case(target, data, f"{title} ({place})" if place else title, meaning.problem),
        command=f"python -m fuzz replay {shown(file)}",
    )


def _frames(target: Target, data: bytes) -> list[str]:
    """Decode the frames of an input, where the target gives its stream by a function `stream_of`."""
    stream_of = getattr(target.load(), "stream_of", None)
    return [] if stream_of is None else frame_lines(stream_of(data))


def pytest_case(target: Target, data: bytes, what: str, problem: str) -> str:
    """Write a test that calls the target, where calls of the library alone do not show the failure."""
    rows = textwrap.wrap(data.hex(), LINE_OF_HEX) or [""]
    literal = (
        f'"{rows[0]}"' if len(rows) == 1 else "\n" + "".join(f'        "{row}"\n' for row in rows) + "    "
    )
    said = [" ".join(what.split()), f"It needs the target, for calls of the library alone: {problem}."]
    comment = "\n".join(
        textwrap.fill(one, 100, initial_indent="    # ", subsequent_indent="    # ") for one in said
    )
    return (
        f"from fuzz.targets import fuzz_{target.name}\n\n\n"
        f"def test_{target.name}_{hash_of(data)}() -> None:\n"
        f"{comment}\n"
        f"    fuzz_{target.name}.test_one_input(bytes.fromhex({literal}))\n"
    )


def explain(finding: Finding) -> str:
    """Write the text beside a kept input."""
    sizes = f"{finding.size} bytes"
    if finding.original_size != finding.size or finding.original:
        sizes += f", minimised from {finding.original_size}"
    if finding.original:
        sizes += f", which are kept as {finding.original}"
    kept = f"{finding.file}: {sizes}\n"
    if finding.not_kept:
        kept = f"NOT KEPT, {finding.not_kept}: {sizes}; the command below holds the input\n"
    parts = [
        f"{finding.title}\n" + (f"at {finding.place}\n" if finding.place else "") + kept,
        f"Reproduce it:\n    {finding.command}\n",
        f"Hex:\n{textwrap.indent(finding.hex, '    ')}\n",
    ]
    for heading, lines in (("Choices", finding.choices), ("Drawn values", finding.drawn)):
        if lines:
            parts.append(f"{heading}:\n" + textwrap.indent("\n".join(lines), "    ") + "\n")
    if finding.frames:
        parts.append("Frames:\n" + textwrap.indent("\n".join(finding.frames), "    ") + "\n")
    if finding.traceback:
        parts.append(f"Traceback:\n{textwrap.indent(finding.traceback, '    ')}\n")
    parts.append(f"Test:\n{textwrap.indent(finding.test, '    ')}")
    return "\n".join(parts)
