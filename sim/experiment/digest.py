"""What is kept of each replication once its log has been read, and where runs that start empty are cut."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sim.experiment.batches import OBSERVATIONS_MIN, BatchMeans, batch_means
from sim.experiment.figures import SECOND_US, Horizon, figures_of, queue_levels, window_of
from sim.experiment.meanings import GROUND_PREFIX, STOPPED_PREFIX
from sim.experiment.warmup import Floats, mean_series, mser5
from sim.experiment.watch import NEVER, PLANTED_CODE, Column, Log
from sim.streams.truth import CONTENT_ERRORS

MINUTE_US = 60 * SECOND_US
WRONG = tuple(PLANTED_CODE[kind] for kind in sorted(CONTENT_ERRORS))


@dataclass(frozen=True, slots=True, kw_only=True)
class Digest:
    """Figures, single values and curves of one replication.

    ``left``: parcels that left by an exit for good; ``wrong``: those of them whose contents were not as declared;
    ``escaped``: those of them that were released.

    ``curves``: one value per minute of the run: parcels that arrived and left, mean number before feeder and bench.
    """

    figures: dict[str, float | None]
    single: dict[str, Any]
    left: int
    wrong: int
    escaped: int
    curves: dict[str, Floats]

    def value(self, figure: str) -> float | None:
        """A figure; a ground or cause that did not occur has the share 0."""
        absent = 0.0 if figure.startswith((GROUND_PREFIX, STOPPED_PREFIX)) else None
        return self.figures.get(figure, absent)


@dataclass(frozen=True, slots=True, kw_only=True)
class WarmUp:
    """``parcels`` left out in front of every run of every scenario. ``short``: scenarios that never settled."""

    parcels: int
    short: tuple[int, ...]


def digest(log: Log, horizon: Horizon, cut: int) -> Digest:
    """Read a log."""
    first = window_of(log, horizon, cut).first
    left = _gone(log)[first:]
    wrong = np.isin(log.columns["planted"][first:], WRONG) & left
    return Digest(
        figures=figures_of(log, horizon, cut),
        single=log.single,
        left=int(left.sum()),
        wrong=int(wrong.sum()),
        escaped=int((wrong & (log.columns["released"][first:] == 1)).sum()),
        curves=_curves(log.columns),
    )


def _gone(log: Log) -> NDArray[np.bool_]:
    """Which parcels left by an exit for good; one that went round comes again under another number."""
    return np.asarray((log.columns["left_us"] != NEVER) & (log.columns["looped"] == 0))


def _curves(columns: Mapping[str, Column]) -> dict[str, Floats]:
    arrived, inducted, left = columns["arrived_us"], columns["inducted_us"], columns["left_us"]
    opened = columns["opened_us"] != NEVER
    known = arrived != NEVER
    minutes = int(max(left.max(), arrived.max())) // MINUTE_US + 1
    return {
        "arrived": _counts(arrived[known], minutes),
        "left": _counts(left[left != NEVER], minutes),
        "feeder_queue": _levels(arrived[known], np.maximum(arrived, inducted)[known], minutes),
        "bench_queue": _levels(left[opened], columns["started_us"][opened], minutes),
    }


def _counts(times: Column, minutes: int) -> Floats:
    return np.bincount(times // MINUTE_US, minlength=minutes)[:minutes].astype(np.float64)


def _levels(came: Column, went: Column, minutes: int) -> Floats:
    """Mean number between coming and going in each minute."""
    level, spent = queue_levels(came, went, 0, minutes * MINUTE_US)
    area = np.concatenate(([0.0], np.cumsum(level * spent, dtype=np.float64)))
    times = np.concatenate(([0], np.cumsum(spent)))
    at = np.interp(np.arange(minutes + 1) * MINUTE_US, times, area)
    return np.asarray(np.diff(at) / MINUTE_US)


# --- the beginning


def passage_s(log: Log) -> Floats:
    """Seconds from arrival to an exit, parcel by parcel; those of which one of the two is not known are left out."""
    left, arrived = log.columns["left_us"], log.columns["arrived_us"]
    known = (left != NEVER) & (arrived != NEVER)
    return np.asarray((left - arrived)[known] / SECOND_US)


def bench_wait_s(log: Log) -> Floats:
    """Seconds before the bench of each parcel that was opened, in the order in which they came."""
    opened = log.columns["opened_us"] != NEVER
    return np.asarray((log.columns["started_us"] - log.columns["left_us"])[opened] / SECOND_US)


SERIES: dict[str, Callable[[Log], Floats]] = {
    "feeder_wait_mean_s": lambda log: _known(log, log.columns["inducted_us"] - log.columns["arrived_us"]),
    "lane_time_mean_s": lambda log: _known(log, log.columns["left_us"] - log.columns["inducted_us"]),
    "bench_wait_mean_s": bench_wait_s,
    "inspected_percent": lambda log: 100.0 * (log.columns["released"][_gone(log)] == 0),
}
"""Figures that are means over parcels, and the values they are means of: those that batch means can judge."""


def _known(log: Log, spent_us: Column) -> Floats:
    """Seconds of the parcels whose arrival and exit are known, none below 0."""
    known = (log.columns["left_us"] != NEVER) & (log.columns["arrived_us"] != NEVER)
    return np.asarray(np.maximum(0, spent_us[known]) / SECOND_US)


def batched_figures(log: Log, wanted: Sequence[str]) -> dict[str, BatchMeans]:
    """Batch means of the wanted figures that are means over parcels; those with too few parcels are absent."""
    series = {name: SERIES[name](log) for name in wanted if name in SERIES}
    return {name: batch_means(values) for name, values in series.items() if len(values) >= OBSERVATIONS_MIN}


def warm_up(pilots: Sequence[Sequence[Log]]) -> WarmUp:
    """The cut for all scenarios: the latest that MSER-5 finds in the mean series of any scenario's pilots.

    ``pilots[i]``: logs of scenario i. One cut for all keeps the pairs of common random numbers whole.
    """
    latest, short = 0, []
    for place, logs in enumerate(pilots):
        passage = mser5(mean_series([passage_s(log) for log in logs]))
        waits = [bench_wait_s(log) for log in logs]
        bench = mser5(mean_series(waits))
        behind = max(_parcel_of(log, bench.observations) for log in logs)
        latest = max(latest, passage.observations, behind)
        if passage.too_short or bench.too_short:
            short.append(place)
    fewest = min(len(log.columns["left_us"]) for logs in pilots for log in logs)
    return WarmUp(parcels=min(latest, fewest // 2), short=tuple(short))


def _parcel_of(log: Log, opened: int) -> int:
    """Place in the stream of the parcel that came to the bench as number ``opened``."""
    places = np.flatnonzero(log.columns["opened_us"] != NEVER)
    return int(places[opened]) if opened < len(places) else 0
