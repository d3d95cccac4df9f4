"""Results of an experiment as plain data: the file ``results.json``, from which report and answer are made.

Canonical: keys sorted, every number from integers by operations that round once; nothing of it tells who ran it or how
long it took. Equal experiments give equal bytes.
"""

import math
from collections.abc import Mapping, Sequence
from importlib.metadata import version
from typing import Any

import msgspec
import numpy as np

from sim.experiment.digest import Digest, bench_wait_s, passage_s
from sim.experiment.figures import Horizon
from sim.experiment.meanings import FIGURES, GROUND_PREFIX, STOPPED_PREFIX
from sim.experiment.plan import Plan
from sim.experiment.staffing import ESCAPES, staffed, upper_escape
from sim.experiment.study import Done
from sim.experiment.task import scenario_sha256
from sim.experiment.warmup import Floats, mean_series, welch
from sim.intervals import LEVEL, Interval, bonferroni, interval_of, pairing_of
from sim.sources import code_version

SCHEMA = "sim-results/1"
POINTS_MAX = 240
"""Points of a curve; more can't be seen."""


def results_of(done: Done) -> dict[str, Any]:
    """Everything that the report says."""
    plan = done.plan
    return {
        "schema": SCHEMA,
        "origin": "SYNTHETIC",
        "question": plan.question,
        "horizon": str(plan.horizon),
        "parcels": plan.parcels,
        "seed": plan.seed,
        "level": LEVEL,
        "figures": list(plan.figures),
        "batches": plan.batches,
        "precision": None
        if plan.replications or plan.batches
        else {"wanted": plan.precision, "of": list(plan.precision_of), "needed": done.needed},
        "warm_up": _warm_up(done),
        "scenarios": [_scenario(done, i) for i in range(len(plan.cases))],
        "comparisons": _comparisons(done) if plan.baseline else [],
        "selection": _selection(done),
        "staffing": staffed(plan, done.digests) if plan.staffing else None,
        "warnings": [*done.warnings, *_faults(done)],
        "versions": {
            "code": code_version(),
            "numpy": version("numpy"),
            "simpy": version("simpy"),
            "lane": version("xray-lane"),
        },
    }


def encoded(results: Mapping[str, Any]) -> bytes:
    """Canonical bytes of results."""
    return msgspec.json.format(msgspec.json.encode(results, order="deterministic"), indent=1) + b"\n"


def _scenario(done: Done, i: int) -> dict[str, Any]:
    plan, digests = done.plan, done.digests[i]
    return {
        "name": plan.cases[i].name,
        "set": dict(plan.cases[i].overrides),
        "config_sha256": scenario_sha256(done.scenarios[i]),
        "replications": len(digests),
        "parcels": done.batches[i].parcels if done.batches else plan.parcels,
        "figures": {name: _figure(name, digests) for name in dict.fromkeys((*FIGURES, *plan.figures))}
        | _batched(done, i),
        "grounds": _with_prefix(GROUND_PREFIX, digests),
        "stopped": _with_prefix(STOPPED_PREFIX, digests),
        "runs": [
            {
                key: run.single[key]
                for key in ("seed", "journal_sha256", "ended", "rule_violating_releases", "unaccounted")
            }
            for run in digests
        ],
        "curves": _curves(digests),
    }


def _batched(done: Done, i: int) -> dict[str, Any]:
    """Figures of one long run that batch means can judge, with what became of the batches."""
    found = done.batches[i].figures if done.batches else {}
    return {
        name: _interval(means.interval)
        | {"values": [means.interval.mean], "cut": means.cut, "lag_1": means.lag_1, "settled": means.settled}
        for name, means in found.items()
    }


def _with_prefix(prefix: str, digests: Sequence[Digest]) -> dict[str, Any]:
    """Figures of one family, by what follows the prefix; absent from a replication means 0."""
    names = sorted({figure for run in digests for figure in run.figures if figure.startswith(prefix)})
    return {figure.removeprefix(prefix): _figure(figure, digests) for figure in names}


def _values(figure: str, digests: Sequence[Digest]) -> list[float | None]:
    return [run.value(figure) for run in digests]


def _figure(figure: str, digests: Sequence[Digest]) -> dict[str, Any]:
    values = _values(figure, digests)
    present = [value for value in values if value is not None]
    said: dict[str, Any] = {"values": values, **_interval(interval_of(present) if present else None)}
    if figure in ESCAPES and present:
        said["at_most"] = upper_escape(figure, digests)
    return said


def _interval(interval: Interval | None) -> dict[str, Any]:
    if interval is None:
        return {"mean": None, "half_width": None, "n": 0}
    half = interval.half_width
    return {"mean": interval.mean, "half_width": half if math.isfinite(half) else None, "n": interval.n}


def _comparisons(done: Done) -> list[dict[str, Any]]:
    """Every other scenario against the baseline, figure by figure, on the replications that both have."""
    plan = done.plan
    names = [case.name for case in plan.cases]
    base = names.index(plan.baseline)
    others = [i for i in range(len(names)) if i != base]
    level = bonferroni(LEVEL, len(others))
    return [
        {"name": names[i], "baseline": plan.baseline, "level": level, "figure": figure}
        | _pairing(_values(figure, done.digests[base]), _values(figure, done.digests[i]), level)
        for i in others
        for figure in plan.figures
    ]


def _pairing(first: Sequence[float | None], second: Sequence[float | None], level: float) -> dict[str, Any]:
    pairs = [(a, b) for a, b in zip(first, second, strict=False) if a is not None and b is not None]
    if len(pairs) < 2:
        return {**_interval(None), "correlation": None, "variance_ratio": None, "clear": False, "warning": ""}
    pairing = pairing_of([a for a, _ in pairs], [b for _, b in pairs], level)
    return {
        **_interval(pairing.difference),
        "correlation": pairing.correlation,
        "variance_ratio": pairing.variance_ratio,
        "clear": pairing.clear,
        "warning": pairing.warning,
    }


def _selection(done: Done) -> dict[str, Any] | None:
    wish, chosen = done.plan.select, done.selection
    if wish is None or chosen is None:
        return None
    names = [case.name for case in done.plan.cases]
    return {
        "figure": wish.figure,
        "goal": str(wish.goal),
        "delta": wish.delta,
        "alpha": wish.alpha,
        "best": names[chosen.best],
        "decided": chosen.decided,
        "replications": dict(zip(names, chosen.replications, strict=True)),
        "left_at": dict(zip(names, chosen.left_at, strict=True)),
    }


def _faults(done: Done) -> list[str]:
    """What no reader may overlook: runs that did not end in order, or broke a rule."""
    found = []
    for case, digests in zip(done.plan.cases, done.digests, strict=True):
        for r, run in enumerate(digests):
            single = run.single
            if single["ended"] != "complete":
                found.append(f"{case.name}: replication {r + 1} (seed {single['seed']}) ended with: {single['ended']}")
            if single["rule_violating_releases"]:
                found.append(
                    f"{case.name}: replication {r + 1} (seed {single['seed']}) released "
                    f"{single['rule_violating_releases']} parcels against a rule"
                )
    return found


# --- curves


def _warm_up(done: Done) -> dict[str, Any] | None:
    found, plan = done.warm_up, done.plan
    if found is None:
        return None
    names = [case.name for case in plan.cases]
    shown = names.index(plan.baseline) if plan.baseline else 0
    series = {
        "passage_s": mean_series([passage_s(log) for log in done.pilots[shown]]),
        "bench_wait_s": mean_series([bench_wait_s(log) for log in done.pilots[shown]]),
    }
    return {
        "method": "MSER-5",
        "parcels": found.parcels,
        "pilots": len(done.pilots[shown]),
        "short": [names[i] for i in found.short],
        "scenario": names[shown],
        "welch": {name: _welch(values) for name, values in series.items()},
    }


def _welch(series: Floats) -> dict[str, Any]:
    window = max(1, len(series) // 20)
    if len(series) <= window:
        return {"window": 0, "step": 1, "values": []}
    smooth = welch(series, window)
    step = max(1, len(smooth) // POINTS_MAX)
    return {"window": window, "step": step, "values": [float(value) for value in smooth[::step]]}


def _curves(digests: Sequence[Digest]) -> dict[str, Any]:
    """Mean over replications, so many minutes to a point; parcels per hour and numbers waiting."""
    minutes = max(len(run.curves["arrived"]) for run in digests)
    step = max(1, -(-minutes // POINTS_MAX))
    points = -(-minutes // step)

    def mean(name: str) -> list[float]:
        total = np.zeros(points * step)
        for run in digests:
            total[: len(run.curves[name])] += run.curves[name]
        return [float(value) for value in total.reshape(points, step).mean(axis=1) / len(digests)]

    return {
        "minutes": step,
        "arrived_per_hour": [60 * value for value in mean("arrived")],
        "left_per_hour": [60 * value for value in mean("left")],
        "feeder_queue": mean("feeder_queue"),
        "bench_queue": mean("bench_queue"),
    }


__all__ = ["SCHEMA", "Horizon", "Plan", "encoded", "results_of"]
