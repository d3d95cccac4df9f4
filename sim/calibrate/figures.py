"""Figures of a log: throughput, mean waits, utilisations, time on the lane. The same code reads logs and models."""

from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from sim.calibrate.line import throughput_per_hour
from sim.calibrate.moments import NONE_US, Log, Moment
from sim.calibrate.queues import Station, station

Column = NDArray[numpy.int64]
SECOND_US = 1e6


@dataclass(frozen=True, slots=True, kw_only=True)
class Figure:
    """One figure of a log in its unit. ``jobs``: how many parcels it is a mean of."""

    name: str
    unit: str
    value: float
    jobs: int


def desk(log: Log, queued: Moment, began: Moment, done: Moment, servers: int = 0) -> Station | None:
    """The group of people between two moments; ``servers``: known from elsewhere (0: from the log)."""
    if not log.has(queued) or not log.has(done):
        return None
    here = (log.of(queued) != NONE_US) & (log.of(done) != NONE_US)
    if log.has(began):
        here &= log.of(began) != NONE_US
    starts = log.of(began)[here] if log.has(began) else None
    persons = servers or len(log.persons.get(done, ()))
    return station(log.of(queued)[here], log.of(done)[here], starts, persons)


def review_desk(log: Log, servers: int = 0) -> Station | None:
    """The people at the screen."""
    return desk(log, Moment.REVIEW_ASKED, Moment.REVIEW_STARTED, Moment.REVIEW_DONE, servers)


def bench_desk(log: Log, servers: int = 0) -> Station | None:
    """The people at the bench."""
    return desk(log, Moment.BENCH_QUEUED, Moment.BENCH_STARTED, Moment.BENCH_DONE, servers)


def lane_times(log: Log) -> Column:
    """Time of each parcel from its entry to its last exit (release, or end at the bench)."""
    entry = log.of(log.entry)
    last = numpy.maximum(log.of(Moment.RELEASED), log.of(Moment.BENCH_DONE))
    out = last != NONE_US
    passed: Column = last[out] - entry[out]
    return passed


def figures(log: Log, *, reviewers: int = 0, officers: int = 0) -> list[Figure]:
    """All figures that a log allows, in a fixed order. ``reviewers``, ``officers``: numbers of people, if known."""
    found = [Figure(name="throughput", unit="1/h", value=throughput_per_hour(log), jobs=log.parcels)]
    if log.has(Moment.ARRIVED) and log.has(Moment.INDUCTED):
        waits = log.between(Moment.ARRIVED, Moment.INDUCTED)
        found.append(_mean("wait at the feeder", waits))
    for name, group in (("review", review_desk(log, reviewers)), ("bench", bench_desk(log, officers))):
        if group is not None:
            found.append(_mean(f"wait for {name}", group.waits))
            span = max(1, int(log.of(log.entry).max() - log.of(log.entry).min()))
            use = float(group.services.sum()) / group.servers / span
            found.append(Figure(name=f"utilisation of {name}", unit="1", value=use, jobs=len(group.waits)))
            share = len(group.waits) / log.parcels
            found.append(Figure(name=f"share to {name}", unit="1", value=share, jobs=log.parcels))
    times = lane_times(log)
    if len(times):
        found.append(_mean("time from entry to exit", times))
    return found


def _mean(name: str, values: Column) -> Figure:
    return Figure(name=name, unit="s", value=float(values.mean()) / SECOND_US if len(values) else 0.0, jobs=len(values))
