"""The second phase of a case: faults off, everything healed. Within a minute the lane must work again, and go on.

Uniform faults hide a lane that never recovers, because the next fault heals the last one; hence a calm end.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lane.errors import Cause
from lane.model.words import Custody, State
from sim.explore.setup import spacing_um
from sim.explore.watch import Watch
from sim.streams.truth import ParcelTruth

if TYPE_CHECKING:
    from sim.coretwin.station import Station
    from sim.explore.case import Case

GRACE_US = 60_000_000
"""After the last fault the lane works again within this."""
RATE_PERMILLE = 950
"""And takes parcels at least at this share of the nominal rate."""
SPARE_US = 10_000_000
"""Spare time of the last parcel: one more at the feeder, and the belt's ramp."""
OPENING_US = 8_000_000
"""Mean time of an opening in a case (``setup.settings_of``)."""
LOOK_US = 5_000_000
FULL_US = 500_000
"""How often it is looked whether a full bench holds the feeder."""
EXECUTING = (State.EXECUTE, State.COMPLETING, State.COMPLETE)


class Liveness:
    """Heals the lane when the first calm parcel arrives, and judges what follows."""

    def __init__(self, case: "Case", station: "Station", stream: Sequence[ParcelTruth], watch: Watch) -> None:
        self._case, self._station, self._stream, self._watch = case, station, stream, watch
        self._from_us = self._ideal_us = -1
        self._full_us = 0
        self._fed = self._last_fed_us = 0
        first = case.parcels - case.calm
        calm = [parcel.arrival_us for parcel in stream if parcel.number > first]
        self.healed_us = calm[0] if calm else stream[-1].arrival_us + GRACE_US
        station.driver.call_at(self.healed_us, self._heal)

    def fed(self, at_us: int) -> None:
        """A body stands at the induct eye."""
        self._fed += 1
        self._last_fed_us = at_us

    def _heal(self, _: None) -> None:
        station = self._station
        if self._case.faults:
            station.troubles.heal()
        patience_us = self._case.setup.bench_places * OPENING_US // self._case.setup.officers
        station.driver.call_at(station.now + GRACE_US, self._look, station.now + GRACE_US + 2 * patience_us)

    def _look(self, until_us: int) -> None:
        """The grace is over. A bench that was filled may take longer; it is worked off at its own rate."""
        station = self._station
        if Cause.BENCH_FULL in station.controller.state.machine.throttles and station.now < until_us:
            station.driver.call_at(station.now + LOOK_US, self._look, until_us)
            return
        if self._watch.state not in EXECUTING and not station.empty:
            self._watch.at_us = station.now
            self._watch.breaks("L1", f"{self._watch.state.name} a minute after the last fault")
        self._from_us = station.now
        self._ideal_us = self._ideal(station.now)
        self._full(None)

    def _full(self, _: None) -> None:
        """Count the time in which a full bench holds the feeder: nobody may feed for places that are not there.

        Counted by what was diverted and lies on the belt: a tenth of the places has to be free before it feeds again.
        """
        station, places = self._station, self._case.setup.bench_places
        free = places - len(self._watch.at_bench) - len(station.plant.bodies)
        if not station.actuators.allowed and free <= places // 10:
            self._full_us += FULL_US
        if not station.plant.exhausted:
            station.driver.call_at(station.now + FULL_US, self._full)

    def _ideal(self, now_us: int) -> int:
        """When a lane that never stops would have taken the last parcel from the feeder."""
        setup, station = self._case.setup, self._station
        layout = station.config.layout
        between_um = layout.gap_um_min + spacing_um(setup, station.config)
        free_us = now_us
        for parcel in self._stream[self._fed :]:
            feed_us = max(free_us, parcel.arrival_us)
            free_us = feed_us + (parcel.length_um + between_um) * 1_000_000 // setup.speed_um_s
        return free_us

    def conclude(self) -> None:
        """The run is over."""
        station, watch, state = self._station, self._watch, self._station.controller.state
        if station.ended != "complete":
            watch.breaks("L3", f"the shift ended with: {station.ended}, state {watch.state.name}")
        if station.plant.bodies or not station.plant.exhausted:
            watch.breaks("L3", f"{len(station.plant.bodies)} bodies on the belt, feeder {station.plant.exhausted}")
        if self._from_us >= 0 and self._last_fed_us > self._from_us:
            took_us = self._last_fed_us - self._from_us - self._full_us
            ideal_us = self._ideal_us - self._from_us
            if took_us > ideal_us * 1_000 // RATE_PERMILLE + SPARE_US:
                watch.breaks("L2", f"the rest took {took_us // 1_000_000} s, a lane at work {ideal_us // 1_000_000} s")
        standing = [one.number for one in state.alarms.entries.values() if one.raised_us < station.now - GRACE_US]
        if standing:
            watch.breaks("L4", f"alarms {standing} stand a minute and more")
        waiting = [place.seq for place in state.bench.values() if place.custody is not Custody.HELD]
        if state.undrawn or waiting:
            watch.breaks("L5", f"at the end {len(state.undrawn)} wait for a draw, {len(waiting)} for the bench")
