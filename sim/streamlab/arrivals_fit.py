"""Which arrival model a stream follows: every model is fitted, tried out and compared with the stream itself.

A model is tried by making streams of the same length from it. Two things are compared: the index of dispersion at
four windows, and the mean wait before a plain server at three utilisations, because that is what a lane feels. The
score is the mean of the absolute logarithms of the ratios: 0.05 means five per cent off.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import islice, pairwise

import numpy

from sim.streamlab.bursts import fit_bursts
from sim.streamlab.dispersion import WINDOWS_US, Times, curve, hourly_rates, index_of_dispersion, plain_waits
from sim.streamlab.laws import fit_law
from sim.streams.arrivals import MILLI, Arrivals, BatchLaw, Model, Poisson, Regular, Renewal, Waves, arrival_times
from sim.streams.rates import HOUR_US, HOURS

PARCELS_MIN = 50
TRIES = 6
"""Streams made of each model."""
TRIED_PARCELS_MAX = 20_000
SPREAD_MIN = 0.01
"""Deviation of a logarithm below which a figure counts as exact: one per cent."""
WAIT_FLOOR = 0.05
"""Waits below this share of a service time are the same as none."""
SIMPLE = ("poisson", "regular", "renewal")
"""Taken in this order, before better scores of others, when no figure of the stream is far from the model's own."""
SIGMAS_MAX = 4.0
"""Far: beyond this, which one in twenty true models is in one of seven figures with six streams made."""
CUTS = (0.5, 1.0, 2.0)
"""Cuts between short and long headways, in parts of the one that parts them best."""
TRAINS_MIN = 30
LIKELY = 2.0
"""A better score counts only for models whose furthest figure is at most so many times as far as that of the nearest:
a wait that was long by chance must not choose a model that other figures speak against."""
SCORE_MAX = 0.25
"""No model that is further off than this is recommended; then the record itself is the model (trace)."""
SIZES_MAX = 400
"""Batch sizes kept as a table."""
DAILY_HOURS_MIN = 18
"""A stream must cover so many hours before the hour of the day is made a reason."""


class TooShort(ValueError):
    """A stream too short to tell anything by."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelFit:
    """One fitted model: ``score`` as above, its ``waits`` (at the loads), ``index`` (at the windows, nan: too short).

    ``noise``: the score that streams of the model itself have against each other, at most. ``sigmas``: how far the
    stream is from the model's own streams in the figure where it is furthest, in their standard deviations.
    """

    name: str
    arrivals: Arrivals
    score: float
    noise: float
    sigmas: float
    waits: tuple[float, ...]
    index: tuple[float, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class ArrivalFit:
    """All models tried, best first to take; ``recommended`` is the name of the one to use, or ``trace``."""

    parcels: int
    rate_per_hour: float
    waits: tuple[float, ...]
    index: tuple[float, ...]
    models: tuple[ModelFit, ...]
    recommended: str
    multipliers: tuple[int, ...]

    def chosen(self) -> ModelFit:
        """The best model, whether it is good enough or not."""
        return self.models[0]


def fit_arrivals(times: Times, start_us: int = 0, seed: int = 1) -> ArrivalFit:
    """Fit all models to arrival times (microseconds, in order). Raises ``TooShort`` below 50 parcels."""
    if len(times) < PARCELS_MIN:
        raise TooShort(f"expected at least {PARCELS_MIN} parcels, was {len(times)}")
    if times[-1] == times[0]:
        raise TooShort(f"expected parcels at different times, all {len(times)} came at once")
    multipliers = daily(times, start_us)
    rate = (len(times) - 1) * HOUR_US / float(times[-1] - times[0])
    steady = _operational(times, multipliers, start_us) if multipliers else times
    models = (
        _poisson(rate), _regular(steady), _renewal(steady), *_trains(steady), *_batches(steady), *_overlapping(steady),
        fit_bursts(steady),
    )  # fmt: skip
    found = [model for model in models if model]
    waits, index = tuple(plain_waits(times)), _index(times)
    fits = [_tried(model, multipliers, start_us, times, waits, index, seed) for model in found]
    near = LIKELY * min(fit.sigmas for fit in fits)
    best = min((fit for fit in fits if fit.sigmas <= near), key=lambda fit: fit.score)
    chosen = next((fit for fit in fits if fit.name in SIMPLE and fit.sigmas <= SIGMAS_MAX), best)
    others = sorted((fit for fit in fits if fit is not chosen), key=lambda fit: fit.score)
    return ArrivalFit(
        parcels=len(times),
        rate_per_hour=rate,
        waits=waits,
        index=index,
        models=(chosen, *others),
        recommended=chosen.name if chosen.score <= max(SCORE_MAX, 2 * chosen.noise) else "trace",
        multipliers=multipliers,
    )


def daily(times: Times, start_us: int) -> tuple[int, ...]:
    """Multipliers (thousandths) by hour of the day, when the hours truly differ; else none.

    Hours differ truly when their spread is far above that of ten-minute counts, and neighbours resemble each other.
    """
    if (times[-1] - times[0]) < DAILY_HOURS_MIN * HOUR_US:
        return ()
    rates = numpy.array(hourly_rates(times, start_us))
    known = ~numpy.isnan(rates)
    days = max(1.0, float(times[-1] - times[0]) / (HOURS * HOUR_US))
    mean = float(rates[known].mean())
    within = index_of_dispersion(times, WINDOWS_US[2])[0]
    noise = max(1.0, min(within, 50.0)) * mean / days
    spread = float(rates[known].var(ddof=1))
    centred = numpy.where(known, rates - mean, 0.0)
    alike = float((centred * numpy.roll(centred, 1)).sum() / max(1e-9, (centred**2).sum()))
    if spread < 4 * noise or alike < 0.4:
        return ()
    return tuple(round(MILLI * rate / mean) if k else MILLI for rate, k in zip(rates.tolist(), known, strict=True))


def _operational(times: Times, multipliers: tuple[int, ...], start_us: int) -> Times:
    """Times at which a steady process would have come: the integral of the multipliers."""
    hours = int((times[-1] + start_us) // HOUR_US) + 2
    edges = numpy.arange(hours, dtype=numpy.float64) * HOUR_US
    passed = numpy.concatenate(([0.0], numpy.cumsum(numpy.resize(multipliers, hours - 1) * (HOUR_US / MILLI))))
    return numpy.interp(times + start_us, edges, passed).astype(numpy.int64)


def _poisson(rate: float) -> Model:
    return Poisson(rates_milli=(max(1, round(rate * MILLI)),))


def _regular(times: Times) -> Model | None:
    headways = numpy.diff(times)
    mean = float(headways.mean())
    cv = float(headways.std() / mean)
    if cv >= 1:
        return None
    return Regular(rate_milli=max(1, round(HOUR_US * MILLI / mean)), regular_permille=round(1_000 * (1 - cv)))


def _renewal(times: Times) -> Model | None:
    """Single headways of any law."""
    law = fit_law(numpy.diff(times))
    return None if law is None else Renewal(headway=law.duration)


def _trains(times: Times) -> list[Model]:
    """Headways fall into short ones inside a train and long ones between trains, at several cuts between them.

    When batches come at Poisson epochs and overlap, what is seen as one train is a busy period of them; then sizes of
    trains are independent, and so are the exponential gaps after them: the model stays exact.
    """
    headways = numpy.diff(times)
    logs = numpy.log(numpy.maximum(headways, 1.0))
    cut = math.exp(_threshold(logs))
    return [model for model in (_train(headways, cut * factor) for factor in CUTS) if model]


def _train(headways: Times, cut_us: float) -> Model | None:
    between = headways > cut_us
    starts = numpy.flatnonzero(between) + 1
    gap, inner = fit_law(headways[between]), fit_law(headways[~between])
    if gap is None or inner is None:
        return None
    sizes = numpy.sort(numpy.diff(starts))
    if len(sizes) < TRAINS_MIN:
        return None
    edges = numpy.linspace(0, len(sizes), min(len(sizes), SIZES_MAX) + 1).round().astype(int)
    table = tuple(max(1, round(float(sizes[a:b].mean()))) for a, b in pairwise(edges.tolist()))
    return Renewal(headway=gap.duration, sizes=table, inner=inner.duration)


def _batches(times: Times) -> list[Model]:
    """Batches that overlap now and then: how often they come follows from the quiet times.

    Epochs are Poisson, so what is left of a quiet time after any cut is exponential with the mean time between batches.
    Where two batches overlap, headways are shorter than a batch's own: several corrections are tried.
    """
    headways = numpy.diff(times)
    cut = CUTS[-1] * math.exp(_threshold(numpy.log(numpy.maximum(headways, 1.0))))
    quiet, inner = headways[headways > cut], headways[headways <= cut]
    if len(quiet) < TRAINS_MIN or len(inner) < TRAINS_MIN:
        return []
    between_us = float((quiet - cut).mean())
    mean = between_us * (len(times) - 1) / float(times[-1] - times[0])
    if mean < 1.5:
        return []
    spread = min(float(inner.std()), float(inner.mean()))
    return [
        Waves(
            batches_milli=max(1, round(HOUR_US * MILLI / between_us)),
            size_law=law,
            size_milli=round(mean * MILLI),
            inner_us=round((float(inner.mean()) - spread) * slower),
            inner_mean_us=round(spread * slower),
        )
        for law in (BatchLaw.GEOMETRIC, BatchLaw.CONSTANT)
        for slower in (1.0, 1.15, 1.3)
    ]


def _overlapping(times: Times) -> list[Model]:
    """Geometric batches by moments, for batches that overlap: their size from the index over long windows, which is
    2 m - 1 for a mean m, with several speeds of unloading to try."""
    top = max((value for _, value in curve(times)[-5:] if math.isfinite(value)), default=1.0)
    mean = (top + 1) / 2
    if mean < 1.5:
        return []
    headway_us = float(times[-1] - times[0]) / (len(times) - 1)
    batches = max(1, round(HOUR_US * MILLI / headway_us / mean))
    return [
        Waves(
            batches_milli=batches,
            size_milli=round(mean * MILLI),
            inner_us=round(headway_us * share * 2 / 3),
            inner_mean_us=round(headway_us * share / 3),
        )
        for share in (0.1, 0.25, 0.5, 0.75, 1.0)
    ]


def _threshold(values: numpy.typing.NDArray[numpy.float64]) -> float:
    """The cut that parts values into two groups with the least spread inside them (Otsu 1979)."""
    ordered = numpy.sort(values)
    n = len(ordered)
    below = numpy.arange(1, n)
    sums = numpy.cumsum(ordered)[:-1]
    total = float(ordered.sum())
    between = (sums / below - (total - sums) / (n - below)) ** 2 * below * (n - below)
    cut = int(numpy.argmax(between))
    return float(ordered[cut] + ordered[cut + 1]) / 2


def _index(times: Times) -> tuple[float, ...]:
    return tuple(index_of_dispersion(times, window_us)[0] for window_us in WINDOWS_US)


def _tried(
    model: Model, multipliers: tuple[int, ...], start_us: int, times: Times, waits: tuple[float, ...],
    index: tuple[float, ...], seed: int,
) -> ModelFit:  # fmt: skip
    """The model with the score of streams made from it."""
    arrivals = Arrivals(model=model, start_us=start_us, peak_milli=multipliers)
    made = [
        numpy.fromiter(islice(arrival_times(arrivals, seed, one), len(times)), numpy.int64, len(times))
        for one in range(TRIES if len(times) <= TRIED_PARCELS_MAX else 2)
    ]
    tried = [(tuple(plain_waits(one)), _index(one)) for one in made]
    own_waits, own_index = (tuple(numpy.mean(part, axis=0).tolist()) for part in zip(*tried, strict=True))
    noise = max(_off(*one, own_waits, own_index) for one in tried)
    return ModelFit(
        name=model_name(model), arrivals=arrivals, score=_off(own_waits, own_index, waits, index), noise=noise,
        sigmas=_sigmas(tried, waits, index),
        waits=own_waits, index=own_index,
    )  # fmt: skip


def _sigmas(
    tried: Sequence[tuple[tuple[float, ...], tuple[float, ...]]], waits: tuple[float, ...], index: tuple[float, ...]
) -> float:
    """Greatest distance of the stream's figures from the mean of the tries, in deviations of a new try."""
    with numpy.errstate(divide="ignore"):  # counts that never vary have the index 0, which is no figure to compare
        made = numpy.log(numpy.array([[w + WAIT_FLOOR for w in one] + list(other) for one, other in tried]))
        own = numpy.log(numpy.array([w + WAIT_FLOOR for w in waits] + list(index)))
    known = numpy.isfinite(own) & numpy.isfinite(made).all(axis=0)
    made, own = made[:, known], own[known]
    spread = numpy.maximum(made.std(axis=0, ddof=1), SPREAD_MIN) * math.sqrt(1 + 1 / len(made))
    return float((abs(own - made.mean(axis=0)) / spread).max())


def _off(
    waits: tuple[float, ...], index: tuple[float, ...], other_waits: tuple[float, ...], other_index: tuple[float, ...]
) -> float:
    """Mean absolute logarithm of the ratios; the index counts half."""
    off = [abs(math.log((a + WAIT_FLOOR) / (b + WAIT_FLOOR))) for a, b in zip(waits, other_waits, strict=True)]
    off += [
        abs(math.log(max(a, 1e-3) / max(b, 1e-3))) / 2
        for a, b in zip(index, other_index, strict=True)
        if math.isfinite(a) and math.isfinite(b)
    ]
    return float(numpy.mean(off))


def model_name(model: Model) -> str:
    """The scenario's word for a model."""
    return type(model).__name__.lower()
