"""What lies behind the gate when the lane stopped by itself: the officer brings it to the bench before the belt runs.

The way from the gate to the release exit eye is still the lane's. Whatever the blade let through at the wrong moment
stands there when the belt has stopped, and the gate's alarms ask for it; he does not ask which of the bodies had a
permit, because that is what is in doubt. Only what lies under the exit eye with the label that the lane recorded as
released last stays there. He looks behind the gate and nowhere else: bodies before it run to INSPECT.
"""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lane.controller.deciding import AUXILIARY
from lane.errors import Alarm, Cause
from lane.events.machine import AlarmRaised, StateChanged
from lane.events.parcel import ParcelReleased
from lane.model.words import Route, State, Via
from sim.plant.bodies import Body

if TYPE_CHECKING:
    from sim.coretwin.station import Station

ASKING = frozenset({Alarm.GATE_UNPROVEN, Alarm.GATE_FAULT, Alarm.RELEASE_WITHOUT_PERMIT, Alarm.STRAY_AT_GATE})
"""Alarms that send him behind the gate, also when the lane is held already."""
BY_HAND = frozenset({str(Cause.HELD_BY_PERSON), str(Cause.STOPPED_BY_PERSON), str(Cause.ABORTED_BY_PERSON)})
"""Stops that somebody wanted: nothing is in doubt by them."""
STOPS = (State.HOLDING, State.ABORTING)


class Branch:
    """The officer's look behind the gate of one station. ``taken``: bodies that he brought to the bench."""

    def __init__(self, station: "Station") -> None:
        self._station = station
        self._asked = False
        self._released_seq = 0  # lane number that left by the release exit last, as the lane says
        self.taken: list[int] = []
        self.listeners: dict[type, Callable[[Any], None]] = {
            StateChanged: self._changed,
            AlarmRaised: self._raised,
            ParcelReleased: self._released,
        }

    def _changed(self, event: StateChanged) -> None:
        """The lane stopped by itself, or its core came back from the dead."""
        stopped = event.reached in STOPS and event.cause not in BY_HAND
        self._asked = self._asked or stopped or event.cause == Cause.CORE_STARTED

    def _raised(self, event: AlarmRaised) -> None:
        """An alarm of the gate."""
        self._asked = self._asked or event.number in ASKING

    def _released(self, event: ParcelReleased) -> None:
        if event.via is Via.GATE:
            self._released_seq = event.seq

    def clear(self) -> None:
        """Before the lane is taken up again: everything between blade and release exit goes to the bench.

        Not while the belt moves or a device that the lane needs is silent: what the release exit eye saw meanwhile is
        not told yet, and the lane is not taken up then anyway.
        """
        station = self._station
        if not self._asked or not station.settings.branch_cleared or station.plant.belt.speed(station.now):
            return
        if station.troubles.silent or station.controller.state.machine.links.keys() - AUXILIARY:
            return
        self._asked = False
        for number, body in list(station.plant.bodies.items()):
            if body.route is Route.RELEASE and not self._recorded(body):
                station.plant.remove(station.now, number)
                station.gone()
                self.taken.append(number)

    def _recorded(self, body: Body) -> bool:
        """Whether it lies under the release exit eye and its label is the one that left there last, says the lane."""
        station, passage = self._station, self._station.referee.passages.get(self._released_seq)
        if passage is None or station.belt() - body.head_um < station.config.layout.exit_release_um:
            return False
        return bool(passage.code) and body.parcel.code == passage.code
