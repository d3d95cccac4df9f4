"""What a fitted line predicts, with intervals, against a log; and the log's own arrivals through the line, in pairs.

*Prediction*: independent runs of as many parcels as the log has, with new arrivals from the fitted model; mean and
95 % interval over the runs. The log is one run of its source, so its own figures are uncertain, too: their interval
is that of batch means over 20 batches of parcels in order.
*Replay*: the log's arrivals and ways (who was reviewed, who was opened) with fitted times; differences parcel by
parcel, model less log, averaged in 20 batches for an interval.
"""

import math
from collections.abc import Callable
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray
from scipy import stats

from sim.calibrate.figures import Figure, bench_desk, figures, lane_times, review_desk
from sim.calibrate.fit import Fit
from sim.calibrate.line import Line, Luck, run_line
from sim.calibrate.moments import NONE_US, Log, Moment
from sim.streams.arrivals import arrival_times

Column = NDArray[numpy.int64]
Floats = NDArray[numpy.float64]
BATCHES = 20
PARCELS_MAX = 200_000
"""Parcels of one replication; a longer log is predicted by a part of its length."""
SECOND_US = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A figure of log and model. ``half``: half-width of the 95 % interval over replications; ``log_half``: of the
    log's own (nan: not known); ``error``: (model - log) / log."""

    name: str
    unit: str
    log: float
    log_half: float
    model: float
    half: float
    error: float
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Difference model less log of one time, parcel by parcel, in seconds, with its 95 % half-width."""

    name: str
    parcels: int
    log_s: float
    difference_s: float
    half_s: float


def predict(
    fit: Fit, log: Log, *, seed: int, replications: int, progress: Callable[[int], object] | None = None,
) -> tuple[list[Compared], Log]:  # fmt: skip
    """Compare ``log`` with ``replications`` runs of the model; the first run comes back for pictures."""
    line = fit.line
    parcels = min(log.parcels, PARCELS_MAX)
    runs: list[dict[str, Figure]] = []
    first: Log | None = None
    for one in range(replications):
        arrived = made_arrivals(line, parcels, seed, one)
        model = run_line(line, arrived, Luck(seed=seed, replication=one))
        first = first or model
        runs.append({figure.name: figure for figure in _figures(model, line)})
        if progress is not None:
            progress(one + 1)
    assert first is not None, "at least one replication"
    log_halves = batch_halves(log, line)
    compared = []
    for figure in _figures(log, line):
        values = [run[figure.name].value for run in runs if figure.name in run]
        if len(values) == replications:
            compared.append(_compared(figure, values, log_halves.get(figure.name, math.nan)))
    return compared, first


def made_arrivals(line: Line, parcels: int, seed: int, replication: int) -> Column:
    """Arrivals of one replication."""
    times = arrival_times(line.arrivals, seed, replication)
    return numpy.fromiter((next(times) for _ in range(parcels)), numpy.int64, parcels)


def replayed(fit: Fit, log: Log, seed: int) -> tuple[list[Paired], Log]:
    """The log's own arrivals and ways through the line, and the paired differences."""
    entry = log.of(log.entry)
    model = run_line(
        fit.line, entry, Luck(seed=seed, replication=0),
        reviewed=log.of(Moment.REVIEW_DONE) != NONE_US, benched=log.of(Moment.BENCH_DONE) != NONE_US,
    )  # fmt: skip
    pairs = []
    for name, first, second in (
        ("induction after arrival", Moment.ARRIVED, Moment.INDUCTED),
        ("image after induction", Moment.INDUCTED, Moment.SCANNED),
        ("verdict after image", Moment.SCANNED, Moment.JUDGED),
        ("end of review after asking", Moment.REVIEW_ASKED, Moment.REVIEW_DONE),
        ("bench after induction", Moment.INDUCTED, Moment.BENCH_QUEUED),
        ("end of bench after coming there", Moment.BENCH_QUEUED, Moment.BENCH_DONE),
    ):
        if log.has(first) and log.has(second) and model.has(first) and model.has(second):
            found = _paired(name, log, model, first, second)
            if found is not None:
                pairs.append(found)
    return pairs, model


def batch_halves(log: Log, line: Line) -> dict[str, float]:
    """Half-widths of the log's own mean waits by batch means (a log shorter than 20 batches of 20 has none)."""
    found = {}
    reviewers, officers = _people(line)
    groups = {"review": review_desk(log, reviewers), "bench": bench_desk(log, officers)}
    series: dict[str, Column] = {f"wait for {name}": group.waits for name, group in groups.items() if group is not None}
    if log.has(Moment.ARRIVED) and log.has(Moment.INDUCTED):
        series["wait at the feeder"] = log.between(Moment.ARRIVED, Moment.INDUCTED)
    series["time from entry to exit"] = lane_times(log)
    for name, values in series.items():
        if len(values) >= BATCHES * BATCHES:
            means = numpy.array([part.mean() for part in numpy.array_split(values, BATCHES)]) / SECOND_US
            found[name] = _half(means)
    return found


def _figures(log: Log, line: Line) -> list[Figure]:
    reviewers, officers = _people(line)
    return figures(log, reviewers=reviewers, officers=officers)


def _people(line: Line) -> tuple[int, int]:
    return (line.review.servers if line.review else 0), (line.bench.servers if line.bench else 0)


def _compared(figure: Figure, values: list[float], log_half: float) -> Compared:
    model = float(numpy.mean(values))
    return Compared(
        name=figure.name, unit=figure.unit, log=figure.value, log_half=log_half, model=model,
        half=_half(numpy.array(values)), error=(model - figure.value) / figure.value if figure.value else math.nan,
        jobs=figure.jobs,
    )  # fmt: skip


def _half(values: Floats) -> float:
    n = len(values)
    if n < 2:
        return math.nan
    return float(stats.t.ppf(0.975, n - 1)) * float(values.std(ddof=1)) / math.sqrt(n)


def _paired(name: str, log: Log, model: Log, first: Moment, second: Moment) -> Paired | None:
    columns = [one.of(moment) for one in (log, model) for moment in (first, second)]
    here = numpy.logical_and.reduce([column != NONE_US for column in columns])
    if here.sum() < BATCHES * 2:
        return None
    own, made = columns[1][here] - columns[0][here], columns[3][here] - columns[2][here]
    off = (made - own) / SECOND_US
    return Paired(
        name=name,
        parcels=len(off),
        log_s=float(own.mean()) / SECOND_US,
        difference_s=float(off.mean()),
        half_s=_half(numpy.array([part.mean() for part in numpy.array_split(off, BATCHES)])),
    )
