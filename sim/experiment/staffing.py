"""Persons per 1,000 parcels an hour: the fewest that meet every demand, judged by the unfavourable end of intervals."""

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

from lane.settings.reader import SettingsError
from sim.experiment.digest import Digest
from sim.experiment.plan import Demand, Plan, Staffing
from sim.intervals import interval_of, share_at_most

ESCAPES = {"escaped_permille": 1_000, "escapes_per_million": 1_000_000}
"""Figures that are shares of rare events: their bound is also that of Clopper and Pearson over all replications,
because an interval over replications without any event would promise zero."""


def persons_of(plan: Plan) -> list[int]:
    """Persons of each case: the sum of the keys of ``staffing.persons``. Raises ``SettingsError``."""
    assert plan.staffing is not None
    base = tomllib.loads(plan.base.read_text(encoding="utf-8"))
    return [
        sum(_number(plan, base, dict(case.overrides), key) for key in plan.staffing.persons) for case in plan.cases
    ]  # fmt: skip


def _number(plan: Plan, base: Mapping[str, Any], overrides: Mapping[str, Any], key: str) -> int:
    value: Any = overrides.get(key)
    if value is None:
        value = base
        for name in key.split("."):
            if isinstance(value, list) and name.isdecimal() and int(name) < len(value):
                value = value[int(name)]
            else:
                value = value.get(name) if isinstance(value, dict) else None
    if not isinstance(value, int) or isinstance(value, bool):
        raise SettingsError(
            [f"{plan.path}: staffing.persons: expected a key that stands for persons, {key} is {value!r}"]
        )
    return value


def staffed(plan: Plan, digests: Sequence[Sequence[Digest]]) -> dict[str, Any]:
    """Table of all cases and the names of those that need the fewest persons."""
    staffing = plan.staffing
    assert staffing is not None
    rows: list[dict[str, Any]] = []
    for case, persons, runs in zip(plan.cases, persons_of(plan), digests, strict=True):
        throughput = interval_of([run.figures["throughput_per_hour"] or 0.0 for run in runs]).mean
        demands = [_judged(demand, runs) for demand in staffing.demand]
        rows.append(
            {
                "name": case.name,
                "persons": persons,
                "per_thousand_per_hour": 1_000 * persons / throughput if throughput else None,
                "demands": demands,
                "meets": _all_met(demands),
            }
        )
    meeting = [row for row in rows if row["meets"] == "yes"]
    fewest = min((row["persons"] for row in meeting), default=0)
    return {
        "rows": rows,
        "fewest": [row["name"] for row in meeting if row["persons"] == fewest],
        "undecided": [
            row["name"] for row in rows if row["meets"] == "open" and (not meeting or row["persons"] < fewest)
        ],
    }


def open_cases(plan: Plan, digests: Sequence[Sequence[Digest]]) -> list[int]:
    """Places of the cases that would need the fewest persons if only it were decided whether they meet the demands."""
    undecided = staffed(plan, digests)["undecided"]
    return [place for place, case in enumerate(plan.cases) if case.name in undecided]


def _all_met(demands: Sequence[Mapping[str, Any]]) -> str:
    answers = {demand["met"] for demand in demands}
    return "no" if "no" in answers else "open" if "open" in answers else "yes"


def _judged(demand: Demand, runs: Sequence[Digest]) -> dict[str, Any]:
    """``met``: yes (even at the unfavourable end of the interval), no (not even at the other), open."""
    values = [value for run in runs if (value := run.value(demand.figure)) is not None]
    bound = demand.at_most if demand.at_most is not None else demand.at_least
    assert bound is not None
    said: dict[str, Any] = {"figure": demand.figure, "bound": bound, "at_most": demand.at_most is not None}
    if not values:
        return said | {"mean": None, "worst": None, "met": "open"}
    interval = interval_of(values)
    low, high = interval.low, interval.high
    if demand.figure in ESCAPES:
        high = max(high, upper_escape(demand.figure, runs))
    if demand.at_most is not None:
        worst, met = high, "yes" if high <= bound else "no" if low > bound else "open"
    else:
        worst, met = low, "yes" if low >= bound else "no" if high < bound else "open"
    finite = worst if abs(worst) != float("inf") else None
    return said | {"mean": interval.mean, "worst": finite, "met": met}


def upper_escape(figure: str, runs: Sequence[Digest]) -> float:
    """One-sided 95 % bound of an escape figure over all replications together, in the figure's unit."""
    escaped, wrong = sum(run.escaped for run in runs), sum(run.wrong for run in runs)
    trials = wrong if figure == "escaped_permille" else sum(run.left for run in runs)
    return ESCAPES[figure] * share_at_most(escaped, trials)


__all__ = ["ESCAPES", "Staffing", "open_cases", "persons_of", "staffed", "upper_escape"]
