"""Lets the planned faults of a core twin happen, and the devices report them as their manual says.

``Troubles`` says when a fault begins and ends and counts those that took effect; how each kind happens stands in
``trouble_*``. What changes messages between devices and core goes through ``Between``.
"""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, Protocol

from sim.coretwin.tampering import Between
from sim.coretwin.trouble_answers import AnswerTroubles
from sim.coretwin.trouble_bodies import BodyTroubles
from sim.coretwin.trouble_core import CoreTroubles
from sim.coretwin.trouble_gate import GateTroubles
from sim.coretwin.trouble_links import LinkTroubles
from sim.coretwin.trouble_people import PeopleTroubles
from sim.coretwin.trouble_signals import SignalTroubles
from sim.faults import Fault, FaultKind
from sim.streams.randoms import Keyed

if TYPE_CHECKING:
    from sim.coretwin.station import Station


class Doer(Protocol):
    """One family of faults."""

    doers: dict[FaultKind, Callable[[Fault], None]]


class Troubles:
    """The faults of one station. ``silent``: the lane does not hear the lane I/O; ``blind``: no counts come back.

    ``happened``: (time, fault) of each that took effect. ``moved``: where on the belt (um from the induct eye) a body
    was last moved, put or taken by a fault. ``noted``: words that a search counts.
    """

    def __init__(self, station: "Station", faults: tuple[Fault, ...]) -> None:
        self.station = station
        self.silent = False
        self.blind = False
        self.outbox_full = False
        self.moved: dict[int, int] = {}
        self.happened: list[tuple[int, Fault]] = []
        self.noted: Counter[str] = Counter()
        self._active: dict[FaultKind, Callable[[], None]] = {}
        self._by_parcel: dict[int, list[Fault]] = {}
        self.healed = False
        self._doers: dict[FaultKind, Callable[[Fault], None]] = {}
        if not faults:
            return
        self.between = Between.around(station)
        self.links = LinkTroubles(self)
        self.bodies = BodyTroubles(self)
        families: tuple[Doer, ...] = (
            self.bodies, self.links, SignalTroubles(self), GateTroubles(self), AnswerTroubles(self),
            CoreTroubles(self), PeopleTroubles(self),
        )  # fmt: skip
        for family in families:
            self._doers.update(family.doers)
        for fault in faults:
            if fault.parcel:
                self._by_parcel.setdefault(fault.parcel, []).append(fault)
            else:
                station.driver.call_at(fault.at_us, self._begin, fault)
        if self._by_parcel:
            station.on_fed = self.fed

    # --- what the station tells

    def fed(self, number: int) -> None:
        """A body stands at the induct eye: faults that are planned from there on are set."""
        for fault in self._by_parcel.pop(number, ()):
            self.station.driver.call_at(self.station.now + fault.at_us, self._begin, fault)

    def keep(self, happening: Any) -> None:
        """The ring takes an event that the lane can't read now."""
        self.links.keep(happening)

    # --- what the families use

    def luck(self, fault: Fault) -> Keyed:
        """Random numbers of one fault, the same whatever else happens."""
        return Keyed("fault", fault.kind, fault.parcel, fault.at_us, fault.strength)

    def hit(self, fault: Fault) -> None:
        """It took effect."""
        self.happened.append((self.station.now, fault))

    def lasting(self, fault: Fault, end: Callable[[], None]) -> bool:
        """It lasts: ``end`` is called once, when its time is over or all is healed. False: its kind lasts already."""
        if fault.kind in self._active:
            return False
        self._active[fault.kind] = end
        self.hit(fault)
        self.station.driver.call_at(self.station.now + max(1, fault.duration_us), self._end, (fault.kind, end))
        return True

    def heal(self) -> None:
        """From here on nothing new goes wrong and everything is whole."""
        self.healed = True
        self.between.disarm()
        self.between.dies_at = -1
        for kind, end in list(self._active.items()):
            self._end((kind, end))

    def _begin(self, fault: Fault) -> None:
        doer = self._doers.get(fault.kind)
        if self.healed or doer is None:
            return
        doer(fault)
        self.station.follow_plant()

    def _end(self, lasting: tuple[FaultKind, Callable[[], None]]) -> None:
        kind, end = lasting
        if self._active.get(kind) is not end:
            return  # healed before
        del self._active[kind]
        end()
        self.station.follow_plant()
