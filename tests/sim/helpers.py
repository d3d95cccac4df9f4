"""A layout and parcels for tests of the plant."""

from itertools import islice

import numpy

from lane.model.config import Layout
from sim.plant.plant import Plant
from sim.streamlab.dispersion import Times
from sim.streams.arrivals import Arrivals, Model, arrival_times
from sim.streams.truth import ParcelTruth, Planted

LAYOUT = Layout(
    reader_um=600_000, scale_um=1_100_000, tunnel_entry_um=1_700_000, detector_um=2_300_000, tunnel_exit_um=2_900_000,
    second_reader_um=6_700_000, divert_um=7_200_000, gate_um=7_350_000, exit_release_um=8_000_000,
    exit_inspect_um=8_000_000, parcel_um_min=120_000, parcel_um_max=800_000, gap_um_min=300_000,
)  # fmt: skip
"""The demo lane's stations."""
TRAVEL_US = 300_000
SPEED_UM_S = 500_000


def parcel(number: int, *, arrival_us: int = 0, length_mm: int = 400, planted: Planted = Planted.SOUND) -> ParcelTruth:
    """A parcel without a declaration, with a label of its own."""
    return ParcelTruth(
        number=number,
        arrival_us=arrival_us,
        planted=planted,
        label=f"L{number:05d}",
        readable=planted is not Planted.NO_READ,
        carton_mm=(length_mm, 300, 200),
        contents=(("MP-900", 1),),
        seed=number,
        weight_mg=1_500_000 + number * 1_000,
    )


def running_plant(parcels: list[ParcelTruth]) -> Plant:
    """A plant whose belt runs and which takes parcels from the feeder."""
    plant = Plant(LAYOUT, TRAVEL_US, parcels, seed=1)
    plant.set_belt(0, SPEED_UM_S)
    plant.allow_induction(0, True)
    return plant


def times_of(model: Model, parcels: int, seed: int = 1, replication: int = 0, **more: object) -> Times:
    """Arrival times of so many parcels of a model, microseconds."""
    arrivals = Arrivals(model=model, **more)  # type: ignore[arg-type]
    return numpy.fromiter(islice(arrival_times(arrivals, seed, replication), parcels), numpy.int64, parcels)
