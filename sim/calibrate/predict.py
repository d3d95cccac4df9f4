"""What a fitted line predicts, with intervals, against a log; and the log's own arrivals through the line, in pairs.

*Prediction*: independent runs of as many parcels as the log has, with new arrivals from the fitted model; mean and
95 % interval over the runs. The log is one run of its source, so its own figures are uncertain, too: their interval
is that of batch means over 20 batches of parcels in order, of a share that of independent parcels.
*Replay*: the log's arrivals and ways (who was reviewed, who was opened) with fitted times, several times; differences
parcel by parcel, model less log, averaged in 20 batches for an interval. What arrivals and ways did by chance is in
both; what the times taken did by chance is in the log alone.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy
from numpy.typing import NDArray
from scipy import stats

from sim.calibrate.figures import Figure, bench_desk, figures, lane_times, review_desk
from sim.calibrate.fit import Fit
from sim.calibrate.line import Line, Luck, run_line, throughput_per_hour
from sim.calibrate.moments import NONE_US, Log, Moment
from sim.intervals import LEVEL, t_quantile
from sim.streams.arrivals import arrival_times

Column = NDArray[numpy.int64]
Floats = NDArray[numpy.float64]
BATCHES = 20
REPLAYS = 10
ENOUGH = 0.05
"""A figure that a log tells to this share of itself can be held against a model; otherwise the log is too short."""
PARCELS_MAX = 200_000
"""Parcels of one replication; a longer log is predicted by a part of its length."""
SECOND_US = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Compared:
    """A figure of log and model. ``half``: half-width of the 95 % interval over replications; ``log_half``: of the
    log's own (nan: not known); ``error``: (model - log) / log; ``replay_error``: the same of the log's own arrivals
    and ways through the model (nan: not replayed)."""

    name: str
    unit: str
    log: float
    log_half: float
    model: float
    half: float
    error: float
    jobs: int
    replay_error: float = math.nan

    @property
    def longer(self) -> float:
        """How many times as long the log had to be, to tell this figure to ``ENOUGH`` (nan: not known)."""
        return (self.log_half / self.log / ENOUGH) ** 2 if self.log else math.nan


@dataclass(frozen=True, slots=True, kw_only=True)
class Paired:
    """Difference model less log of one time, parcel by parcel, in seconds, with its 95 % half-width."""

    name: str
    parcels: int
    log_s: float
    difference_s: float
    half_s: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Replay:
    """The log's arrivals and ways through the model: differences, the first such run, its figures' means by name."""

    pairs: tuple[Paired, ...]
    first: Log
    means: dict[str, float]


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


SPANS = (
    ("induction after arrival", Moment.ARRIVED, Moment.INDUCTED),
    ("image after induction", Moment.INDUCTED, Moment.SCANNED),
    ("verdict after image", Moment.SCANNED, Moment.JUDGED),
    ("end of review after asking", Moment.REVIEW_ASKED, Moment.REVIEW_DONE),
    ("bench after induction", Moment.INDUCTED, Moment.BENCH_QUEUED),
    ("end of bench after coming there", Moment.BENCH_QUEUED, Moment.BENCH_DONE),
)


def replayed(
    fit: Fit, log: Log, seed: int, replications: int = REPLAYS, progress: Callable[[int], object] | None = None
) -> Replay:
    """The log's own arrivals and ways through the line, ``replications`` times, and the paired differences."""
    entry = log.of(log.entry)
    reviewed, benched = log.of(Moment.REVIEW_DONE) != NONE_US, log.of(Moment.BENCH_DONE) != NONE_US
    first: Log | None = None
    sums: dict[str, Column] = {}
    means: dict[str, float] = {}
    for one in range(replications):
        luck = Luck(seed=seed, replication=one)
        model = run_line(fit.line, entry, luck, reviewed=reviewed, benched=benched)
        first = first or model
        for figure in _figures(model, fit.line):
            means[figure.name] = means.get(figure.name, 0.0) + figure.value / replications
        for name, begin, end in SPANS:
            passed = model.of(end) - model.of(begin)  # who has both moments is the same in every replication
            sums[name] = sums[name] + passed if name in sums else passed
        if progress is not None:
            progress(one + 1)
    assert first is not None, "at least one replication"
    pairs = [
        _paired(name, log, first, begin, end, sums[name] / replications)
        for name, begin, end in SPANS
        if all(side.has(moment) for side in (log, first) for moment in (begin, end))
    ]
    return Replay(pairs=tuple(pair for pair in pairs if pair is not None), first=first, means=means)


def with_replay(compared: Sequence[Compared], replay: Replay) -> list[Compared]:
    """The comparison with the errors of the replay."""
    return [
        replace(one, replay_error=(replay.means[one.name] - one.log) / one.log)
        if one.log and one.name in replay.means
        else one
        for one in compared
    ]


def too_short(compared: Sequence[Compared]) -> list[str]:
    """Remarks on figures that the log itself doesn't tell well enough to judge a model by."""
    return [
        f"{one.name}: the log is one run of its source and tells this mean to ±{one.log_half / one.log:.0%} only; to "
        f"hold a model against it to {ENOUGH:.0%}, it had to be some {one.longer:.0f} times as long"
        for one in compared
        if one.longer > 2
    ]


def batch_halves(log: Log, line: Line) -> dict[str, float]:
    """Half-widths of the log's own figures; of means by batch means (a log shorter than 20 batches of 20 has none)."""
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
    entry = log.of(log.entry)
    if len(entry) >= BATCHES * BATCHES:
        edges = entry[numpy.linspace(0, len(entry) - 1, BATCHES + 1).round().astype(int)].astype(numpy.float64)
        spans = numpy.diff(edges)
        found["throughput"] = throughput_per_hour(log) * _half(spans) / max(1.0, float(spans.mean()))
    for name, group in groups.items():
        if group is not None:
            share = len(group.waits) / log.parcels
            found[f"share to {name}"] = float(stats.norm.ppf(0.975)) * math.sqrt(share * (1 - share) / log.parcels)
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
    return t_quantile(n - 1, LEVEL) * float(values.std(ddof=1)) / math.sqrt(n)


def _paired(name: str, log: Log, model: Log, first: Moment, second: Moment, made: Floats) -> Paired | None:
    """``made``: the model's time of each parcel, a mean of replications; ``model``: says who has both moments."""
    columns = [one.of(moment) for one in (log, model) for moment in (first, second)]
    here = numpy.logical_and.reduce([column != NONE_US for column in columns])
    if here.sum() < BATCHES * 2:
        return None
    own = columns[1][here] - columns[0][here]
    off = (made[here] - own) / SECOND_US
    return Paired(
        name=name,
        parcels=len(off),
        log_s=float(own.mean()) / SECOND_US,
        difference_s=float(off.mean()),
        half_s=_half(numpy.array([part.mean() for part in numpy.array_split(off, BATCHES)])),
    )
