"""The findings of a run as data: rows with their ratios and goals, and JSON of them."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from bench.goals import goals_of
from bench.peers import COPY, OURS
from bench.ratios import Estimate, estimate, ratio

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping, Sequence

FORMAT = 1


@dataclass(frozen=True)
class Verdict:
    """The verdict on a row by one goal."""

    peer: str
    limit: float
    value: float
    met: bool
    sure: bool
    """Whether the limit lies outside the range of the value."""


@dataclass(frozen=True)
class Row:
    """One line of the table: the cost here, and its ratio to each peer's cost."""

    label: str
    unit: str
    ours: Estimate
    ratios: dict[str, Estimate]
    unsupported: dict[str, str] = field(default_factory=dict)
    theirs: dict[str, float] = field(default_factory=dict)
    compiled: bool = False
    """Whether this library ran with its compiled core."""

    def verdicts(self) -> list[Verdict]:
        """Judge it by its goals, as far as the peers were measured."""
        found = []
        for goal in goals_of(self.label, compiled=self.compiled):
            measured = self.ratios.get(goal.peer) if goal.peer else self.ours
            if measured is not None:
                sure = not measured.low <= goal.limit <= measured.high
                met = measured.value <= goal.limit + goal.slack
                found.append(Verdict(goal.peer, goal.limit, measured.value, met, sure))
        return found


@dataclass(frozen=True)
class Loaded:
    """A module that an import loads."""

    name: str
    microseconds: int
    """Time of the module itself, without its imports."""
    importer: str
    """The module that wanted it first."""


@dataclass(frozen=True)
class Curve:
    """Cost against size, and the exponent of the power law through its upper part."""

    label: str
    points: list[tuple[int, float]]
    fitted_from: int
    exponent: float
    limit: float | None = None
    """The largest exponent allowed; None for a curve that others are compared with."""

    @property
    def is_steep(self) -> bool:
        """Whether the cost grows faster than the limit allows."""
        return self.limit is not None and self.exponent > self.limit


@dataclass
class Results:
    """All results of a run."""

    machine: dict[str, str]
    pace: dict[str, float]
    peers: dict[str, dict[str, str]]
    rows: list[Row] = field(default_factory=list)
    imports: list[Loaded] = field(default_factory=list)
    curves: dict[str, list[Curve]] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)

    def compared(self) -> list[str]:
        """Name the peers that were measured, without this library and its copy."""
        return [name for name in self.peers if name not in {OURS.name, COPY.name}]

    def worst(self, peer: str) -> Row | None:
        """Return the row with the highest ratio to a peer."""
        rows = [row for row in self.rows if peer in row.ratios]
        return max(rows, key=lambda row: row.ratios[peer].value, default=None)

    def as_json(self) -> str:
        """Return the results as JSON, with the verdicts."""
        data = asdict(self)
        for row, written in zip(self.rows, data["rows"], strict=True):
            written["verdicts"] = [asdict(verdict) for verdict in row.verdicts()]
        return json.dumps({"format": FORMAT, **data}, indent=1, ensure_ascii=False) + "\n"


def from_json(text: str) -> Results:
    """Read the text that `as_json` returned."""
    data: dict[str, Any] = json.loads(text)
    rows = [
        Row(
            row["label"],
            row["unit"],
            Estimate(**row["ours"]),
            {peer: Estimate(**found) for peer, found in row["ratios"].items()},
            row["unsupported"],
            row["theirs"],
            row.get("compiled", False),
        )
        for row in data["rows"]
    ]
    curves = {
        name: [
            Curve(**{**curve, "points": [(size, cost) for size, cost in curve["points"]]}) for curve in found
        ]
        for name, found in data["curves"].items()
    }
    imports = [Loaded(**module) for module in data["imports"]]
    return Results(data["machine"], data["pace"], data["peers"], rows, imports, curves, data["notes"])


def row_of(
    label: str,
    unit: str,
    samples: Mapping[str, Sequence[float]],
    *,
    scale: float = 1.0,
    unsupported: Mapping[str, str] | None = None,
) -> Row:
    """Make a row from everyone's samples, ours among them; `scale` brings them to the unit."""
    ours = samples[OURS.name]
    others = {name: found for name, found in samples.items() if name != OURS.name}
    if len(ours) == 1:  # exact by nature: bytes, instructions
        return Row(
            label,
            unit,
            exact(ours[0] * scale),
            {name: exact(ours[0] / found[0]) for name, found in others.items() if found[0]},
            dict(unsupported or {}),
            {name: found[0] * scale for name, found in others.items()},
        )
    return Row(
        label,
        unit,
        estimate([sample * scale for sample in ours]),
        {name: ratio(ours, found) for name, found in others.items()},
        dict(unsupported or {}),
        {name: estimate(found).value * scale for name, found in others.items()},
    )


def exact(value: float) -> Estimate:
    """Make an estimate of a value without noise."""
    return Estimate(value, value, value)


def noise(rows: Iterable[Row]) -> list[float]:
    """Return the ratios of this library to a copy of itself, in order."""
    return sorted(row.ratios[COPY.name].value for row in rows if COPY.name in row.ratios)
