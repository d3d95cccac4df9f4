"""The answer of a study in sentences, and numbers as people write them."""

import math
from collections.abc import Mapping, Sequence
from typing import Any

from sim.experiment.meanings import meaning_of
from sim.experiment.staffing import ESCAPES

Results = Mapping[str, Any]
LONG_S = 120
"""Times from here on are told in minutes."""
NAMED_MAX = 3
"""Scenarios named one by one in a sentence; of more, the ends."""


def number(value: float | None, digits: int = 1) -> str:
    """A number with thousands separated; a dash for nothing."""
    return "–" if value is None else f"{value:,.{digits}f}"


def shown(figure: Mapping[str, Any], digits: int) -> str:
    """Mean and half-width of an interval."""
    if figure["mean"] is None:
        return "–"
    half = figure["half_width"]
    return (
        f"{number(figure['mean'], digits)} ± {number(half, digits)}"
        if half is not None
        else number(figure["mean"], digits)
    )


def with_unit(figure: Mapping[str, Any], name: str) -> str:
    """Mean, half-width and unit."""
    meaning = meaning_of(name)
    gap = "" if meaning.unit == "%" else " "
    return f"{shown(figure, meaning.digits)}{gap or ' '}{meaning.unit}"


def answer(results: Results) -> list[str]:
    """The study's answer, most important sentence first."""
    for key, say in (("staffing", _staffed), ("selection", _selected), ("comparisons", _compared)):
        if results[key]:
            return [*say(results), _basis(results)]
    return [*_described(results), _basis(results)]


def scenario_of(results: Results, name: str) -> Mapping[str, Any]:
    """A scenario by name."""
    found: Mapping[str, Any] = next(one for one in results["scenarios"] if one["name"] == name)
    return found


def _staffed(results: Results) -> list[str]:
    staffing = results["staffing"]
    if not staffing["fewest"]:
        most = max(staffing["rows"], key=lambda row: row["persons"])
        missed = [demand for demand in most["demands"] if demand["met"] != "yes"]
        return [
            "No staffing of this study is proven to be enough.",
            f"With the most persons, {most['persons']} ({most['name']}), {_joined(missed)}.",
        ]
    name = staffing["fewest"][0]
    row = next(row for row in staffing["rows"] if row["name"] == name)
    throughput = scenario_of(results, name)["figures"]["throughput_per_hour"]
    sentences = [
        f"{row['persons']} persons are enough: {name}.",
        f"With them {_joined(row['demands'])}.",
        f"That is {number(row['per_thousand_per_hour'])} persons per 1,000 parcels an hour, at "
        f"{with_unit(throughput, 'throughput_per_hour')}.",
    ]
    if len(staffing["fewest"]) > 1:
        sentences.append(f"So are, with as many persons: {'; '.join(staffing['fewest'][1:])}.")
    if staffing["undecided"]:
        named = "; ".join(staffing["undecided"])
        sentences.append(f"Fewer may be: these runs do not decide about {named}.")
    short = [row for row in staffing["rows"] if row["meets"] == "no"]
    if short:
        closest = max(short, key=lambda row: (row["persons"], row["name"]))
        missed = [demand for demand in closest["demands"] if demand["met"] == "no"]
        sentences.append(f"{closest['persons']} are not ({closest['name']}): {_joined(missed, worst=False)}.")
    return sentences


def _joined(demands: Sequence[Mapping[str, Any]], *, worst: bool = True) -> str:
    """Demands and what came of them, as one sentence; ``worst``: by the end of the interval that is held against it."""
    said = [_outcome(demand, worst=worst) for demand in demands]
    return said[0] if len(said) == 1 else f"{', '.join(said[:-1])}, and {said[-1]}"


def _outcome(demand: Mapping[str, Any], *, worst: bool) -> str:
    side = "at most" if demand["at_most"] else "at least"
    allowed = "allowed" if demand["at_most"] else "wanted"
    value, digits = demand["worst" if worst else "mean"], meaning_of(demand["figure"]).digits
    if worst and value is not None:  # rounded to the unfavourable side, as it was judged
        step = 10**digits
        value = (math.ceil(value * step) if demand["at_most"] else math.floor(value * step)) / step
    told = "any number" if value is None else f"{side + ' ' if worst else ''}{_measure(value, demand['figure'])}"
    return f"{_sentence(demand['figure'], told)} ({_measure(demand['bound'], demand['figure'])} is {allowed})"


def _sentence(figure: str, value: str) -> str:
    meaning = meaning_of(figure)
    return meaning.says.format(value) if meaning.says else f"{_lower(meaning.title)}: {value}"


def _measure(value: float, figure: str) -> str:
    """A value with its unit; long times in minutes."""
    meaning = meaning_of(figure)
    if meaning.unit == "s" and value >= LONG_S:
        return f"{number(value / 60, 1)} min"
    digits = 0 if value == int(value) else max(meaning.digits, 1)
    unit = "" if meaning.unit.startswith("per ") else meaning.unit
    return f"{number(value, digits)} {unit}".rstrip()


def _selected(results: Results) -> list[str]:
    chosen = results["selection"]
    figure, best = chosen["figure"], scenario_of(results, chosen["best"])
    meaning, wanted = meaning_of(figure), "highest" if chosen["goal"] == "max" else "lowest"
    said = f"{_lower(meaning.title)}: {with_unit(best['figures'][figure], figure)}"
    if not chosen["decided"]:
        return [f"No scenario is proven the best yet; {chosen['best']} is ahead ({said})."]
    sentences = [
        f"{chosen['best']} has the {wanted} {said}. It is the best with {100 * (1 - chosen['alpha']):.0f} % "
        f"confidence, or no more than {_measure(chosen['delta'], figure)} from the best."
    ]
    mean = best["figures"][figure]["mean"]
    near = [
        one["name"] for one in results["scenarios"]
        if one is not best and abs(one["figures"][figure]["mean"] - mean) < chosen["delta"]
    ]  # fmt: skip
    if near:
        sentences.append(f"The difference to {', '.join(near)} is smaller than what matters.")
    return sentences


def _compared(results: Results) -> list[str]:
    figure = results["figures"][0]
    meaning = meaning_of(figure)
    rows = [row for row in results["comparisons"] if row["figure"] == figure and row["mean"] is not None]
    baseline = results["comparisons"][0]["baseline"]
    base = scenario_of(results, baseline)["figures"][figure]
    said = [f"{baseline} has {_lower(meaning.title)} {with_unit(base, figure)}."]
    if len(rows) > NAMED_MAX:
        ordered = sorted(rows, key=lambda row: row["mean"])
        rows = [ordered[-1], ordered[0]]
    for row in rows:
        if row["clear"]:
            verb = "more" if row["mean"] > 0 else "less"
            size = f"{number(abs(row['mean']), meaning.digits)} ± {number(row['half_width'], meaning.digits)}"
            said.append(f"{row['name']} has {size} {meaning.unit} {verb}.")
        else:
            said.append(f"{row['name']} makes no difference that these runs can show.")
    return said


def _described(results: Results) -> list[str]:
    scenarios, figure = results["scenarios"], results["figures"][0]
    meaning = meaning_of(figure)
    measured = [one for one in scenarios if one["figures"][figure]["mean"] is not None]
    if len(measured) > NAMED_MAX:
        measured = sorted(measured, key=lambda one: one["figures"][figure]["mean"])
        measured = [measured[0], measured[-1]]
    return [f"{one['name']}: {_lower(meaning.title)} {with_unit(one['figures'][figure], figure)}." for one in measured]


def _basis(results: Results) -> str:
    counts = sorted({one["replications"] for one in results["scenarios"]})
    times = f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
    many = len(results["scenarios"])
    if results["batches"]:
        longest = max(one["parcels"] for one in results["scenarios"])
        return (
            f"{many} scenario{'s' if many > 1 else ''}, one long run of each, up to {longest:,} parcels; after ± "
            f"stands half the width of the 95 % interval over its batches, where there is one."
        )
    day = "a whole day" if results["horizon"] == "day" else "the long run"
    return (
        f"{many} scenario{'s' if many > 1 else ''}, each simulated {times} times with {results['parcels']:,} parcels "
        f"({day}), all with the same luck in each repetition; after ± stands half the width of the 95 % interval."
    )


def escape_bound(figure: Mapping[str, Any], name: str) -> str:
    """What can be said of rare events: the upper bound over all replications ("" for other figures)."""
    if name not in ESCAPES or "at_most" not in figure:
        return ""
    meaning = meaning_of(name)
    return f"at most {number(figure['at_most'], meaning.digits)}"


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]
