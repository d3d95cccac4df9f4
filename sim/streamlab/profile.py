"""What a stream file holds, as arrays: read once, in memory of a few dozen bytes per parcel."""

from array import array
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import numpy
from numpy.typing import NDArray

from sim.streamlab.dispersion import Times
from sim.streams.truth import ParcelTruth

PROGRESS_PARCELS = 2_000


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamProfile:
    """Arrays in order of arrival. ``sides_mm``: longest sides; ``counts``: parcels by what is wrong with them."""

    times: Times
    lengths_mm: NDArray[numpy.float64]
    sides_mm: NDArray[numpy.float64]
    weights_g: NDArray[numpy.float64]
    pieces: NDArray[numpy.float64]
    counts: dict[str, int]

    @property
    def parcels(self) -> int:
        """Parcels in the stream."""
        return len(self.times)


def profile_of(parcels: Iterable[ParcelTruth], progress: Callable[[int], object] | None = None) -> StreamProfile:
    """Read parcels to the end; ``progress`` hears now and then how many were read."""
    times, columns = array("q"), tuple(array("d") for _ in range(4))
    counts: dict[str, int] = {}
    for number, parcel in enumerate(parcels, start=1):
        times.append(parcel.arrival_us)
        pieces = sum(each for _, each in parcel.contents)
        row = (parcel.carton_mm[0], max(parcel.carton_mm), parcel.weight_mg / 1_000, pieces)
        for column, value in zip(columns, row, strict=True):
            column.append(value)
        counts[parcel.planted.value] = counts.get(parcel.planted.value, 0) + 1
        if progress is not None and number % PROGRESS_PARCELS == 0:
            progress(number)
    lengths, sides, weights, each = (numpy.frombuffer(column, dtype=numpy.float64) for column in columns)
    return StreamProfile(
        times=numpy.frombuffer(times, dtype=numpy.int64), lengths_mm=lengths, sides_mm=sides, weights_g=weights,
        pieces=each, counts=dict(sorted(counts.items())),
    )  # fmt: skip
