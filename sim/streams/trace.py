"""A recorded stream as an arrival model: its window, faster or slower, thinned or multiplied by hour of the day.

A multiplier of m gives parcel k of the window ``floor(m k) - floor(m (k-1))`` times (m may change by the hour). Copies
come at random times before the next recorded parcel and have labels and lists of their own.
"""

from collections.abc import Iterator
from dataclasses import replace
from itertools import pairwise

from sim.streams.arrivals import MILLI, Arrivals, Trace
from sim.streams.files import read_parcels
from sim.streams.labels import Labels
from sim.streams.philox import Law, variates
from sim.streams.randoms import key
from sim.streams.rates import Clock
from sim.streams.truth import ParcelTruth


def trace_parcels(arrivals: Arrivals, seed: int, replication: int, limit: int) -> Iterator[ParcelTruth]:
    """At most ``limit`` parcels of the trace. Raises ValueError for a file that is no stream, or none in its window."""
    model = arrivals.model
    if not isinstance(model, Trace):
        raise ValueError(f"arrivals: expected a trace, was {type(model).__name__}")
    uniform = variates(seed, replication, "arrivals.copies", Law.UNIFORM)
    labels = Labels(key(seed, replication, "copies"))
    clock, peak = Clock(arrivals.start_us), arrivals.peak_milli or (MILLI,)
    owed = number = copies = 0
    for parcel, following_us in _with_next(_windowed(model)):
        owed += model.multiplier_milli * clock.at(peak, parcel.arrival_us) // MILLI
        times, owed = divmod(owed, MILLI)
        gap_us = following_us - parcel.arrival_us
        offsets = sorted(int(next(uniform) * gap_us) for _ in range(times - 1))
        for place, offset_us in enumerate((0, *offsets) if times else ()):
            number += 1
            copies += place > 0
            one = replace(parcel, number=number, arrival_us=parcel.arrival_us + offset_us)
            yield one if not place else _copied(one, labels, copies)
            if number == limit:
                return
    if not number:
        raise ValueError(f"{model.path}: expected at least one parcel in the window of the trace, was none")


def _windowed(model: Trace) -> Iterator[ParcelTruth]:
    """Parcels inside the window, times from its beginning and at its speed."""
    for parcel in read_parcels(model.path):
        if model.until_us and parcel.arrival_us >= model.until_us:
            return
        if parcel.arrival_us >= model.from_us:
            at_us = (parcel.arrival_us - model.from_us) * 1_000 // model.speed_permille
            yield replace(parcel, arrival_us=at_us)


def _with_next(parcels: Iterator[ParcelTruth]) -> Iterator[tuple[ParcelTruth, int]]:
    """Each parcel with the time of the next one (the last with its own)."""
    last = None
    for one, other in pairwise(_and_none(parcels)):
        if one is not None and other is not None:
            yield one, other.arrival_us
        else:
            last = one
    if last is not None:
        yield last, last.arrival_us


def _and_none(parcels: Iterator[ParcelTruth]) -> Iterator[ParcelTruth | None]:
    yield from parcels
    yield None


def _copied(parcel: ParcelTruth, labels: Labels, number: int) -> ParcelTruth:
    carrier, waybill = labels.next(number)
    declared = parcel.declared
    if declared is not None:
        declared = replace(
            declared, carrier=carrier, waybill=waybill, list_no=f"{declared.list_no}-{number}",
            order_no=f"{declared.order_no}-{number}",
        )  # fmt: skip
    return replace(parcel, label=waybill, declared=declared, seed=key(parcel.seed, "copy", number))
