"""The arrival models: when parcels come to the feeder.

Every model gives times in whole microseconds that do not go back. The lane's feeder then applies the induct rule
(``inducted``); what a model asks for beyond it waits there. All rates are thousandths of parcels per hour. The limits
of the index of dispersion of counts (IDC) are derived: renewal theory, compound Poisson, Poisson of switched rate.

=========== ==================================================== =============================================
model       process                                              IDC over long windows
=========== ==================================================== =============================================
Regular     constant part plus exponential part of the headway   (1 - regular share)^2
Poisson     piecewise-constant rate by hour of the day           1 (constant rate)
Waves       batches (truck, pallet) at Poisson epochs            E[B^2] / E[B]
Renewal     independent headways of any law, single or in trains  -
Mmpp        Poisson whose rate switches between two values       1 + 2 s1 s2 (l1-l2)^2 / ((s1+s2)^2 (l1 s2+l2 s1))
Saturated   always the next parcel waiting                       -
Trace       a recorded stream                                    that of the record
=========== ==================================================== =============================================
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from heapq import heapify, heappop, heappush
from itertools import count
from pathlib import Path

from sim.streams.durations import Duration, draw
from sim.streams.philox import BLOCK, Law, philox, variates
from sim.streams.rates import HOUR_US, HOURS, Clock, constant, invert, product, switching

MILLI = 1_000
PEAK_MILLI = 3_100
"""Default peak: 23,731 declarations in the two days of 13-14 November 2017 against 120,000 in October, Sichuan express
inspection (China News, 2017-11-15; the ratio of daily means is derived)."""
MINUTE_US = 60_000_000
DAY_US = 24 * HOUR_US
BATCH_MAX = 10_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Regular:
    """A steady feeder: each headway is constant for ``regular_permille`` of its mean, the rest is exponential."""

    rate_milli: int
    regular_permille: int = 667


@dataclass(frozen=True, slots=True, kw_only=True)
class Poisson:
    """Poisson arrivals; ``rates_milli``: one rate for always, or 24 by hour of the day."""

    rates_milli: tuple[int, ...]


class BatchLaw(StrEnum):
    """How many parcels a batch has."""

    CONSTANT = "constant"
    GEOMETRIC = "geometric"  # from 1 on
    TABLE = "table"  # as counted


@dataclass(frozen=True, slots=True, kw_only=True)
class Waves:
    """Batches: at Poisson epochs (``batches_milli`` an hour, 0: none) or at ``schedule_min`` (minutes of the day).

    Sizes: ``size_milli`` is their mean; with ``TABLE`` the sizes of ``size_table``, each equally likely. Parcels of a
    batch follow each other after ``inner_us`` plus exponential ``inner_mean_us``; batches may overlap (two doors).
    """

    batches_milli: int = 0
    schedule_min: tuple[int, ...] = ()
    size_law: BatchLaw = BatchLaw.GEOMETRIC
    size_milli: int = 20 * MILLI
    size_table: tuple[int, ...] = ()
    inner_us: int = 1_200_000
    inner_mean_us: int = 600_000

    def moments(self) -> tuple[float, float]:
        """(E[B], E[B^2]) of the batch size."""
        mean = self.size_milli / MILLI
        match self.size_law:
            case BatchLaw.CONSTANT:
                rest = mean % 1  # so often one more than the whole part
                return mean, mean * mean + rest * (1 - rest)
            case BatchLaw.GEOMETRIC:
                return mean, 2 * mean * mean - mean
            case BatchLaw.TABLE:
                sizes = self.size_table
                return sum(sizes) / len(sizes), sum(size * size for size in sizes) / len(sizes)


@dataclass(frozen=True, slots=True, kw_only=True)
class Renewal:
    """Independent headways of any law. In trains: ``sizes`` (each equally likely) parcels follow each other at
    ``inner``, then the next train comes after ``headway``. This is how a log's own headways become a model."""

    headway: Duration
    sizes: tuple[int, ...] = (1,)
    inner: Duration = Duration()


@dataclass(frozen=True, slots=True, kw_only=True)
class Mmpp:
    """Bursts: Poisson whose rate is ``rates_milli[k]`` while a hidden state k lasts, left ``leaving_milli[k]`` times an
    hour. The first state is drawn from the long-run shares."""

    rates_milli: tuple[int, int]
    leaving_milli: tuple[int, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Saturated:
    """The next parcel always waits: offered at the pace that ``gap_um`` and ``speed_um_s`` allow."""

    gap_um: int = 300_000
    speed_um_s: int = 500_000


@dataclass(frozen=True, slots=True, kw_only=True)
class Trace:
    """A recorded stream file: its window ``from_us`` to ``until_us`` (0: to the end), ``speed_permille`` times as fast,
    each parcel ``multiplier_milli`` thousandths of a time (copies get labels of their own)."""

    path: Path
    from_us: int = 0
    until_us: int = 0
    speed_permille: int = 1_000
    multiplier_milli: int = MILLI


Model = Regular | Poisson | Waves | Renewal | Mmpp | Saturated | Trace


@dataclass(frozen=True, slots=True, kw_only=True)
class Arrivals:
    """An arrival model, the clock time ``start_us`` at which the lane's time begins, and the peak on top of it.

    ``peak_milli``: multiplier by hour of the day (24 values, thousandths), or one for always, or none.
    """

    model: Model
    start_us: int = 0
    peak_milli: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        if isinstance(self.model, Saturated) and self.peak_milli:
            raise ValueError("arrivals: a saturated induct has no peak, expected another model or no peak")
        if len(self.peak_milli) not in (0, 1, 24):
            raise ValueError(f"arrivals: expected 1 or 24 peak multipliers, was {len(self.peak_milli)}")
        rates = self.model.rates_milli if isinstance(self.model, Poisson) else (MILLI,)
        peak = self.peak_milli or (MILLI,)
        if not any(rates[hour % len(rates)] * peak[hour % len(peak)] for hour in range(HOURS)):
            raise ValueError("arrivals: expected an hour at which parcels come, rate times peak is 0 at every hour")


NextTime = Callable[[int], int]
"""Called with the length (um) of the parcel before (0: it is the first): time of the next arrival."""


def next_time(arrivals: Arrivals, seed: int, replication: int) -> NextTime:
    """The clock of a stream. Raises ValueError for a trace, whose parcels bring their own times."""
    model = arrivals.model
    if isinstance(model, Saturated):
        return _saturated(model)
    times = arrival_times(arrivals, seed, replication)
    return lambda _: next(times)


def arrival_times(arrivals: Arrivals, seed: int, replication: int) -> Iterator[int]:
    """Endless arrival times of a model that doesn't depend on the parcels."""
    exponentials = variates(seed, replication, "arrivals", Law.EXPONENTIAL)
    clock = Clock(arrivals.start_us)
    peak = clock.hourly(arrivals.peak_milli or (MILLI,), 1 / MILLI)
    match arrivals.model:
        case Regular() as model:
            mean_us = HOUR_US * MILLI / model.rate_milli
            steady_us = mean_us * model.regular_permille / 1_000
            headways = (steady_us + (mean_us - steady_us) * one for one in exponentials)
            return invert(peak, _first_at_once(headways))
        case Poisson() as model:
            return invert(product(clock.hourly(model.rates_milli, 1 / (MILLI * HOUR_US)), peak), exponentials)
        case Mmpp() as model:
            rates = tuple(rate / (MILLI * HOUR_US) for rate in model.rates_milli)
            leaving = tuple(rate / (MILLI * HOUR_US) for rate in model.leaving_milli)
            stays = variates(seed, replication, "arrivals.state", Law.EXPONENTIAL)
            first = variates(seed, replication, "arrivals.first state", Law.UNIFORM)
            in_first = next(first) * sum(leaving) < leaving[1]
            states = switching(rates, leaving, stays, first=0 if in_first else 1)
            return invert(product(states, peak), exponentials)
        case Renewal() as model:
            return invert(peak, _first_at_once(_headways(model, seed, replication)))
        case Waves() as model:
            return _merged(_batches(model, arrivals, seed, replication), model, exponentials)
        case Saturated() | Trace() as other:
            raise ValueError(f"arrivals: {type(other).__name__} gives no times without its parcels")


def inducted(arrivals_us: Iterable[int], lengths_um: Iterable[int], gap_um: int, speed_um_s: int) -> Iterator[int]:
    """The induct rule: t_k >= t_(k-1) + (L_(k-1) + gap) / v, times rounded up to whole microseconds."""
    free_us = 0
    for at_us, length_um in zip(arrivals_us, lengths_um, strict=True):
        at_us = max(at_us, free_us)
        yield at_us
        free_us = at_us + passing_us(length_um + gap_um, speed_um_s)


def passing_us(distance_um: int, speed_um_s: int) -> int:
    """Microseconds that the belt needs for a distance, rounded up."""
    return -(-distance_um * 1_000_000 // speed_um_s)


def _first_at_once(headways: Iterator[float]) -> Iterator[float]:
    yield 0.0
    yield from headways


def _headways(model: Renewal, seed: int, replication: int) -> Iterator[float]:
    """Headways one by one, drawn in blocks: headway i has uniform number i, inside a train or between two."""
    uniforms = philox(seed, replication, "arrivals.headway")
    sizes = variates(seed, replication, "arrivals.batch size", Law.UNIFORM)
    single, left = model.sizes == (1,), 0
    while True:
        block = uniforms.random(BLOCK)
        between = draw(model.headway, block).tolist()
        if single:
            yield from between
            continue
        for inner, outer in zip(draw(model.inner, block).tolist(), between, strict=True):
            left = left or model.sizes[int(next(sizes) * len(model.sizes))]
            left -= 1
            yield inner if left else outer


def _saturated(model: Saturated) -> NextTime:
    at_us = 0

    def following(length_um: int) -> int:
        nonlocal at_us
        if length_um:
            at_us += passing_us(length_um + model.gap_um, model.speed_um_s)
        return at_us

    return following


def _batches(model: Waves, arrivals: Arrivals, seed: int, replication: int) -> Iterator[tuple[int, int]]:
    """(time, parcels) of each batch, in order of time."""
    sizes = variates(seed, replication, "arrivals.batch size", Law.UNIFORM)
    clock = Clock(arrivals.start_us)
    if not model.schedule_min:
        epochs = variates(seed, replication, "arrivals.batch", Law.EXPONENTIAL)
        peak = clock.hourly(arrivals.peak_milli or (MILLI,), 1 / MILLI)
        for at_us in invert(product(constant(model.batches_milli / (MILLI * HOUR_US)), peak), epochs):
            yield at_us, _size(model, next(sizes), MILLI)
    for day in count():
        for minute in sorted(model.schedule_min):
            at_us = day * DAY_US + minute * MINUTE_US - arrivals.start_us
            if at_us >= 0:
                yield at_us, _size(model, next(sizes), clock.at(arrivals.peak_milli or (MILLI,), at_us))


def _size(model: Waves, uniform: float, peak_milli: int) -> int:
    """Parcels of one batch: the law's inverse at ``uniform``; a scheduled batch grows with the peak."""
    match model.size_law:
        case BatchLaw.CONSTANT:
            whole, rest = divmod(model.size_milli, MILLI)
            size = whole + (uniform * MILLI < rest)
        case BatchLaw.TABLE:
            size = model.size_table[int(uniform * len(model.size_table))]
        case BatchLaw.GEOMETRIC:
            stop, size, reached = MILLI / model.size_milli, 1, uniform
            while reached >= stop and size < BATCH_MAX:
                reached, size = (reached - stop) / (1 - stop), size + 1
    return max(1, (size * peak_milli + MILLI // 2) // MILLI)


def _merged(batches: Iterator[tuple[int, int]], model: Waves, exponentials: Iterator[float]) -> Iterator[int]:
    """Parcels of all batches in order of time."""
    unloading: list[tuple[int, int, int]] = []  # next parcel's time, batch, parcels left
    heapify(unloading)
    for number in count():
        epoch_us, size = next(batches)
        while unloading and unloading[0][0] <= epoch_us:
            yield _unload(unloading, model, exponentials)
        heappush(unloading, (epoch_us, number, size))


def _unload(unloading: list[tuple[int, int, int]], model: Waves, exponentials: Iterator[float]) -> int:
    at_us, batch, left = heappop(unloading)
    if left > 1:
        following_us = at_us + model.inner_us + int(model.inner_mean_us * next(exponentials))
        heappush(unloading, (following_us, batch, left - 1))
    return at_us
