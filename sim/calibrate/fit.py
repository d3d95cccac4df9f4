"""Fit a line to a log: arrivals, induct cycle, ways, verdict latency, review and bench."""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy
from numpy.typing import NDArray

from sim.calibrate.figures import bench_desk, review_desk
from sim.calibrate.line import Desk, Line
from sim.calibrate.moments import NONE_US, Log, Moment
from sim.calibrate.queues import Station
from sim.streamlab.arrivals_fit import ArrivalFit, TooShort, fit_arrivals
from sim.streamlab.laws import SAMPLES_MIN, LawFit, fit_law
from sim.streams.arrivals import DAY_US
from sim.streams.rates import HOUR_US

Column = NDArray[numpy.int64]
QUEUED_MIN = 100
"""Cycles of the induct with another parcel waiting from the beginning that are needed to fit its law from them."""
START_STEP_US = HOUR_US // 1_000
"""The hour at which a stream begins is rounded to thousandths, which a scenario can write exactly."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Fit:
    """A fitted line, the arrival models tried, and remarks on what the log doesn't tell."""

    line: Line
    arrivals: ArrivalFit
    remarks: tuple[str, ...]


def fit_line(log: Log, start_us: int = 0, seed: int = 1, progress: Callable[[str], object] | None = None) -> Fit:
    """Fit everything that the log has; ``start_us``: clock time at the log's time 0.

    Raises ``TooShort`` for a log with too few parcels.
    """
    told = progress or (lambda _: None)
    remarks: list[str] = []
    told("fitting arrival models")
    entry = log.of(log.entry)
    if log.unentered:
        remarks.append(f"{log.unentered} parcels without the event {log.entry} were left out")
    try:
        arrivals = fit_arrivals(entry - entry[0], _begins_us(log, start_us), seed)
    except TooShort as error:
        raise TooShort("; ".join((str(error), *remarks))) from error
    if arrivals.recommended == "trace":
        best = arrivals.chosen()
        remarks.append(f"no arrival model is near enough (best: {best.name}, score {best.score:.2f}): "
                       "the log's own arrivals are the better model (trace)")  # fmt: skip
    told("fitting times")
    review, bench = review_desk(log), bench_desk(log)
    line = Line(
        arrivals=arrivals.chosen().arrivals,
        cycle=_cycle(log, remarks),
        way=fit_law(log.between(Moment.INDUCTED, Moment.SCANNED)),
        verdict=fit_law(_verdict(log)),
        exit=fit_law(exits(log, reviewed=False)),
        after_review=_after_review(log, remarks),
        review=_desk("review", review, log, remarks),
        bench=_desk("bench", bench, log, remarks),
    )
    if log.repeats:
        remarks.append(f"{log.repeats} repeated events of one parcel were left out")
    if log.other:
        names = ", ".join(f"{name} ({number})" for name, number in sorted(log.other.items())[:8])
        remarks.append(f"events with other names were left out: {names}")
    return Fit(line=line, arrivals=arrivals, remarks=tuple(remarks))


def begun_with(fit: Fit, log: Log, start_us: int) -> Fit:
    """The fit whose arrivals begin at the time of day at which ``log`` begins: what it predicts has its busy hours
    where the log has them. ``start_us``: clock time at the log's time 0."""
    arrivals = replace(fit.line.arrivals, start_us=_begins_us(log, start_us))
    return replace(fit, line=replace(fit.line, arrivals=arrivals))


def _begins_us(log: Log, start_us: int) -> int:
    """Time of day at which the first parcel came."""
    first_us = int(log.of(log.entry)[0])
    return round((start_us + first_us) / START_STEP_US) * START_STEP_US % DAY_US


def _verdict(log: Log) -> Column:
    """Image to verdict; without an image, induction to verdict."""
    return log.between(Moment.SCANNED if log.has(Moment.SCANNED) else Moment.INDUCTED, Moment.JUDGED)


def _cycle(log: Log, remarks: list[str]) -> LawFit | None:
    """Least time between inductions.

    Cycles that began with another parcel already waiting are seen whole, whatever their length; of the others only
    the long ones would be seen.
    """
    if not (log.has(Moment.ARRIVED) and log.has(Moment.INDUCTED)):
        remarks.append("arrivals at the feeder are not logged: inductions are taken for arrivals, without a wait")
        return None
    order = numpy.argsort(log.of(Moment.INDUCTED), kind="stable")
    arrived, inducted = log.of(Moment.ARRIVED)[order], log.of(Moment.INDUCTED)[order]
    known = inducted != NONE_US
    arrived, inducted = arrived[known], inducted[known]
    cycles = inducted[1:] - inducted[:-1]
    whole = cycles[arrived[1:] <= inducted[:-1]]
    if len(whole) >= QUEUED_MIN:
        return fit_law(whole)
    waited = cycles[arrived[1:] < inducted[1:]]
    if len(waited) < SAMPLES_MIN:
        remarks.append("no parcel waited at the feeder: the induct cycle is unknown and taken as none")
        return None
    remarks.append(f"only {len(whole)} cycles of the induct began with a parcel waiting: its law leans to long cycles")
    return fit_law(waited)


def _left(log: Log) -> Column:
    """When each parcel left the belt: release exit or bench."""
    left: Column = numpy.maximum(log.of(Moment.RELEASED), log.of(Moment.BENCH_QUEUED))
    return left


def exits(log: Log, *, reviewed: bool) -> Column:
    """Induction (or arrival) to the belt's end."""
    entry = log.of(Moment.INDUCTED if log.has(Moment.INDUCTED) else Moment.ARRIVED)
    left = _left(log)
    asked = log.of(Moment.REVIEW_DONE) != NONE_US
    here = (left != NONE_US) & (entry != NONE_US) & (asked if reviewed else ~asked)
    passed: Column = left[here] - entry[here]
    return passed


def _after_review(log: Log, remarks: list[str]) -> LawFit | None:
    """From the end of a review to the belt's end, when the review is what a parcel waits for."""
    if not log.has(Moment.REVIEW_DONE):
        return None
    left, done = _left(log), log.of(Moment.REVIEW_DONE)
    here = (left != NONE_US) & (done != NONE_US)
    after = left[here] - done[here]
    usual = exits(log, reviewed=False)
    longest = int(numpy.percentile(usual, 99)) if len(usual) else 0
    entry = log.of(Moment.INDUCTED if log.has(Moment.INDUCTED) else Moment.ARRIVED)
    late = (left[here] - entry[here]) > longest
    if late.sum() < SAMPLES_MIN:
        remarks.append("reviews end before the belt does: they hold no parcel up")
        return None
    return fit_law(after[late])


def _desk(name: str, group: Station | None, log: Log, remarks: list[str]) -> Desk | None:
    if group is None:
        return None
    service = fit_law(group.services)
    if service is None:
        remarks.append(f"fewer than {SAMPLES_MIN} parcels at the {name}: it is left out of the model")
        return None
    if group.told != "names" and not (group.waits > 0).any():
        remarks.append(f"nobody waited for the {name}: {group.servers} persons are what was needed at most, "
                       "there may be more")  # fmt: skip
    share = len(group.waits) / log.parcels
    return Desk(servers=group.servers, share=share, service=service, told=group.told)
