"""A supervisor at the bench: what an officer may not release on the lane's records goes back to the warehouse.

The officers of the twin act on what is inside a parcel; after a fault the lane may know less of it than they do (a code
that was not read, a status that came too late) and refuses their release. A second look by two persons ends it.
"""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from lane.events.machine import OrderRefused
from lane.events.union import AnyEvent
from lane.inputs import AnyInput, OrderGiven
from lane.model.words import BenchResult, Role
from lane.orders import RecordBench

if TYPE_CHECKING:
    from sim.coretwin.station import Station

LOOK_US = 2_000_000
_FINAL = ("used nonce", "is not at the bench")
"""Refusals after which nothing is left to do."""


class Supervisor:
    """Ends parcels whose release the lane refused."""

    def __init__(self, station: "Station") -> None:
        self._station = station
        self._orders = 0

    def saw(self, item: AnyInput, events: Sequence[AnyEvent]) -> None:
        """An order was refused, perhaps."""
        if type(item) is not OrderGiven:
            return
        reason = next((event.reason for event in events if type(event) is OrderRefused), "")
        order = item.order
        if reason and isinstance(order, RecordBench) and not any(word in reason for word in _FINAL):
            self._station.driver.call_at(self._station.now + LOOK_US, self._return, order.seq)

    def _return(self, seq: int) -> None:
        station = self._station
        self._orders += 1
        order = RecordBench(
            person="twin-supervisor", role=Role.SUPERVISOR, nonce=f"supervisor-{self._orders}", seq=seq,
            result=BenchResult.RETURNED, found=(), second="twin-second-supervisor",
        )  # fmt: skip
        station.emit(OrderGiven(at_us=station.now, belt_um=station.belt(), order=order))
