"""The answer of a study in sentences, and numbers as people write them."""

from collections.abc import Mapping, Sequence
from typing import Any

from sim.experiment.figures import meaning_of
from sim.experiment.staffing import ESCAPES

Results = Mapping[str, Any]
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
    sentences = []
    if results["staffing"]:
        sentences += _staffed(results)
    if results["selection"]:
        sentences += _selected(results)
    if results["comparisons"]:
        sentences += _compared(results)
    if not sentences:
        sentences += _described(results)
    return [*sentences, _basis(results)]


def scenario_of(results: Results, name: str) -> Mapping[str, Any]:
    """A scenario by name."""
    found: Mapping[str, Any] = next(one for one in results["scenarios"] if one["name"] == name)
    return found


def _staffed(results: Results) -> list[str]:
    staffing = results["staffing"]
    if not staffing["fewest"]:
        wishes = " and ".join(_wish(demand) for demand in staffing["rows"][0]["demands"])
        most = max(staffing["rows"], key=lambda row: row["persons"])
        missed = [_outcome(demand) for demand in most["demands"] if demand["met"] != "yes"]
        return [
            f"No staffing of this study is proven to be enough for {wishes}.",
            f"With the most persons ({most['persons']}: {most['name']}): {'; '.join(missed)}.",
        ]
    name = staffing["fewest"][0]
    row = next(row for row in staffing["rows"] if row["name"] == name)
    throughput = scenario_of(results, name)["figures"]["throughput_per_hour"]
    sentences = [
        f"{row['persons']} persons are enough ({name}): {'; '.join(_outcome(demand) for demand in row['demands'])}.",
        f"That is {number(row['per_thousand_per_hour'])} persons per 1,000 parcels an hour, at "
        f"{with_unit(throughput, 'throughput_per_hour')}.",
    ]
    if len(staffing["fewest"]) > 1:
        sentences.append(f"So are, with as many persons: {'; '.join(staffing['fewest'][1:])}.")
    if staffing["undecided"]:
        sentences.append(f"Not decided by these runs, with fewer persons: {'; '.join(staffing['undecided'])}.")
    short = [row for row in staffing["rows"] if row["meets"] == "no"]
    if short:
        closest = max(short, key=lambda row: (row["persons"], row["name"]))
        missed = [_outcome(demand) for demand in closest["demands"] if demand["met"] == "no"]
        sentences.append(f"{closest['persons']} persons ({closest['name']}) are not: {'; '.join(missed)}.")
    return sentences


def _wish(demand: Mapping[str, Any]) -> str:
    meaning = meaning_of(demand["figure"])
    side = "at most" if demand["at_most"] else "at least"
    return f"{_lower(meaning.title)} {side} {number(demand['bound'], _digits(demand['bound']))} {meaning.unit}"


def _outcome(demand: Mapping[str, Any]) -> str:
    """A demand and what came of it: the unfavourable end of the interval is what counts."""
    meaning = meaning_of(demand["figure"])
    side = "at most" if demand["at_most"] else "at least"
    worst = number(demand["worst"], meaning.digits) if demand["worst"] is not None else "any number"
    return (
        f"{_lower(meaning.title)} {number(demand['mean'], meaning.digits)}, {side} {worst} {meaning.unit} with 95 % "
        f"confidence ({side} {number(demand['bound'], _digits(demand['bound']))} is wanted)"
    )


def _selected(results: Results) -> list[str]:
    chosen = results["selection"]
    figure, best = chosen["figure"], scenario_of(results, chosen["best"])
    meaning, wanted = meaning_of(figure), "highest" if chosen["goal"] == "max" else "lowest"
    said = f"{_lower(meaning.title)}: {with_unit(best['figures'][figure], figure)}"
    if not chosen["decided"]:
        return [f"No scenario is proven the best yet; {chosen['best']} is ahead ({said})."]
    return [
        f"{chosen['best']} has the {wanted} {said}. It is the best with {100 * (1 - chosen['alpha']):.0f} % "
        f"confidence, or no more than {number(chosen['delta'], _digits(chosen['delta']))} {meaning.unit} from the best."
    ]


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


def _digits(bound: float) -> int:
    return 0 if bound == int(bound) else 2


def _lower(title: str) -> str:
    return title[:1].lower() + title[1:]


def listed(names: Sequence[str]) -> str:
    """Names in a sentence."""
    return ", ".join(names)
