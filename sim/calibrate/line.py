"""The fitted line: arrivals, the induct, the way through the tunnel, vision, people at screen and bench.

It is a model of the flow alone, made of closed recursions, and runs some ten times as fast as the twin; it says what
the calibrated figures predict, with intervals. The scenario written from the same figures lets the twin say it too.

Life of a parcel: it arrives; the induct takes it when the parcel before has had its cycle; its image is complete after
``way``; ``verdict`` later vision has judged; a share goes to a reviewer (first come first served); after ``exit`` from
the induct, or ``after_review`` once the reviewer is done, whichever is later, it leaves or joins the bench.
"""

from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from sim.calibrate.moments import NONE_US, Log, Moment
from sim.calibrate.queues import begins
from sim.streamlab.laws import LawFit
from sim.streams.arrivals import Arrivals
from sim.streams.durations import draw
from sim.streams.philox import philox
from sim.streams.rates import HOUR_US

Column = NDArray[numpy.int64]
Floats = NDArray[numpy.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Desk:
    """People with a queue before them. ``share``: of all parcels that come here."""

    servers: int
    share: float
    service: LawFit
    told: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Everything fitted; None where the log says nothing.

    ``cycle``: least time between two inductions. ``way``: induction to image, ``verdict``: image to verdict, ``exit``:
    induction to the exit of parcels without review, ``after_review``: from the end of a review that held it up.
    """

    arrivals: Arrivals
    cycle: LawFit | None
    way: LawFit | None
    verdict: LawFit | None
    exit: LawFit | None
    after_review: LawFit | None
    review: Desk | None
    bench: Desk | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Luck:
    """Uniform numbers of one replication, one column per stream: parcel i has the same luck in every model."""

    seed: int
    replication: int

    def column(self, name: str, parcels: int) -> Floats:
        """The first ``parcels`` numbers of a stream."""
        return philox(self.seed, self.replication, f"line.{name}").random(parcels)


def run_line(
    line: Line, arrived: Column, luck: Luck, *, reviewed: NDArray[numpy.bool_] | None = None,
    benched: NDArray[numpy.bool_] | None = None,
) -> Log:  # fmt: skip
    """Send parcels that arrive at these times through the line; the result is a log like any other.

    ``reviewed``, ``benched``: which parcels go there, instead of by chance (a replay of a log knows).
    """
    n = len(arrived)

    def drawn(law: LawFit | None, name: str) -> Floats:
        return numpy.zeros(n) if law is None else draw(law.duration, luck.column(name, n))

    at = arrived.astype(numpy.float64)
    inducted = at if line.cycle is None else begins(at, drawn(line.cycle, "cycle"), 1)
    scanned = inducted + drawn(line.way, "way")
    judged = scanned + drawn(line.verdict, "verdict")
    leaves = inducted + drawn(line.exit, "exit")
    times = {Moment.ARRIVED: arrived, Moment.INDUCTED: _whole(inducted)}
    if line.way is not None:
        times[Moment.SCANNED] = _whole(scanned)
    if line.verdict is not None:
        times[Moment.JUDGED] = _whole(judged)
    if line.review is not None:
        asked = luck.column("review share", n) < line.review.share if reviewed is None else reviewed
        began, done = _served(line.review, judged, asked, drawn(line.review.service, "review"))
        leaves = numpy.where(asked, numpy.maximum(leaves, done + drawn(line.after_review, "after review")), leaves)
        times[Moment.REVIEW_ASKED] = _some(judged, asked)
        times[Moment.REVIEW_STARTED] = _some(began, asked)
        times[Moment.REVIEW_DONE] = _some(done, asked)
    opened = numpy.zeros(n, dtype=bool)
    if line.bench is not None:
        opened = luck.column("bench share", n) < line.bench.share if benched is None else benched
        began, done = _served(line.bench, leaves, opened, drawn(line.bench.service, "bench"))
        times[Moment.BENCH_QUEUED] = _some(leaves, opened)
        times[Moment.BENCH_STARTED] = _some(began, opened)
        times[Moment.BENCH_DONE] = _some(done, opened)
    times[Moment.RELEASED] = _some(leaves, ~opened)
    ordered = {moment: times[moment] for moment in Moment if moment in times}
    return Log(times=ordered, source="model")


def _served(desk: Desk, ready: Floats, goes: NDArray[numpy.bool_], services: Floats) -> tuple[Floats, Floats]:
    """(begin, end) of the service of each parcel that goes there, first come first served."""
    places = numpy.flatnonzero(goes)
    order = places[numpy.argsort(ready[places], kind="stable")]
    began = numpy.zeros(len(ready))
    began[order] = begins(ready[order], services[order], desk.servers)
    return began, began + services


def _whole(times: Floats) -> Column:
    return times.astype(numpy.int64)


def _some(times: Floats, which: NDArray[numpy.bool_]) -> Column:
    return numpy.where(which, times, NONE_US).astype(numpy.int64)


def throughput_per_hour(log: Log) -> float:
    """Parcels that entered, per hour from the first entry to the last exit."""
    first = int(log.of(log.entry).min())
    last = max(int(log.of(moment).max()) for moment in log.times)
    return log.parcels * HOUR_US / max(1, last - first)
