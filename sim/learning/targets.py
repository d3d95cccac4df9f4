"""What the figures are held against: floor and stretch of each, and where it stands in the report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

PIECES = ("1-2", "3-5", "6-10", "11-20", "21-30")
OVERLAPS = ("none", "1-10", "10-30", "over 30")
COLD = "cold start, no signature of these goods"
PERCENT = 100.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """One figure. ``path``: keys in the report; ``floor``, ``stretch`` in ``unit``; ``factor``: from the report's unit;
    ``at_most``: less is better."""

    title: str
    path: tuple[str, ...]
    floor: float
    stretch: float
    unit: str = "%"
    factor: float = PERCENT
    at_most: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Reached:
    """A target and what was measured (None: not measured). ``verdict``: stretch, floor, short or not measured."""

    target: Target
    value: float | None
    shown: str
    verdict: str


def _rows(
    title: str, path: tuple[str, ...], names: tuple[str, ...], floors: tuple[float, ...], stretches: tuple[float, ...]
) -> list[Target]:
    return [
        Target(title=f"{title}, {name}", path=(*path, name, "rate"), floor=floor, stretch=stretch)
        for name, floor, stretch in zip(names, floors, stretches, strict=True)
    ]


TARGETS: tuple[Target, ...] = (
    Target(title="wrong MATCH, all planted errors", path=("wrong_match", "rate"), floor=3, stretch=0.5, at_most=True),
    Target(
        title="wrong MATCH, errors that can be shown (upper 95 % limit)", path=("wrong_match", "shown", "upper95"),
        floor=0.1, stretch=0.02, at_most=True,
    ),
    Target(
        title="wrong MATCH, adversarial set", path=("adversarial", "wrong_match", "rate"), floor=1, stretch=0.2,
        at_most=True,
    ),
    *_rows("automatic MATCH of correct parcels", ("auto_match_share",), PIECES, (90, 80, 60, 35, 15),
           (98, 95, 90, 75, 50)),
    *_rows("the same without signatures", ("ablations", COLD, "auto_match_share"), PIECES, (60, 45, 25, 10, 0),
           (85, 70, 50, 30, 15)),
    Target(title="error named rightly, of those detected", path=("named_rightly", "rate"), floor=80, stretch=95),
    *_rows("exact total by open proposals, overlap (%)", ("exact_total",), OVERLAPS, (85, 75, 55, 35),
           (97, 93, 85, 70)),
    Target(
        title="picture's mass against truth, median absolute", path=("mass_error", "median_abs"), floor=3, stretch=1.5,
        at_most=True,
    ),
    Target(title="calibration error of P(declared)", path=("ece",), floor=2, stretch=0.5, at_most=True),
    Target(title="whole pipeline, p50", path=("ms", "p50"), floor=150, stretch=60, unit="ms", factor=1, at_most=True),
    Target(title="whole pipeline, p99", path=("ms", "p99"), floor=300, stretch=120, unit="ms", factor=1, at_most=True),
)  # fmt: skip


def reached(report: Mapping[str, Any]) -> list[Reached]:
    """Every target with what the report says of it."""
    return [_reached(target, report) for target in TARGETS]


def _reached(target: Target, report: Mapping[str, Any]) -> Reached:
    found: Any = report
    parent: Any = None
    for name in target.path:
        parent, found = found, found.get(name) if isinstance(found, Mapping) else None
    if found is None:
        return Reached(target=target, value=None, shown="-", verdict="not measured")
    value = found * target.factor
    digits = 3 if target.at_most and target.unit == "%" else 1
    return Reached(
        target=target, value=value, shown=f"{value:.{digits}f} {target.unit}{_counts(parent)}",
        verdict=_verdict(target, value),
    )  # fmt: skip


def _counts(parent: Any) -> str:
    """Hits and n of the figure's own group, where it has them."""
    if not isinstance(parent, Mapping) or "n" not in parent:
        return ""
    return f" ({parent['hits']:,} of {parent['n']:,})" if "hits" in parent else f" (n {parent['n']:,})"


def _verdict(target: Target, value: float) -> str:
    def within(limit: float) -> bool:
        return value <= limit if target.at_most else value >= limit

    if within(target.stretch):
        return "stretch"
    return "floor" if within(target.floor) else "short"
