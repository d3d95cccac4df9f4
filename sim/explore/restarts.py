"""Permits against what the machine does: none in force outside EXECUTE, none survives a lost device or a restart.

Read from the core's state when a step is over. Rules: I13 what a restart leaves on the belt, I17 permits and states,
I11 permits and links, I16 failed commits, I27 a full bench, R8 alarms of the safety chain, R9 tripped
watchdogs.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from devices.signals import DeviceRestarted, LinkLost, LinkRestored, SafetyChanged, WatchdogProven
from lane.controller.state import LaneState
from lane.errors import CAUSES, Cause
from lane.events.machine import StateChanged
from lane.events.parcel import PermitIssued
from lane.inputs import JournalFailed, LaneStarted
from lane.model.grounds import Ground
from lane.model.words import State
from lane.permits import PermitState
from sim.explore.words import AUXILIARY, IN_FORCE

if TYPE_CHECKING:
    from sim.coretwin.station import Station

SPARE_US = 500_000
"""A deadline is looked at with the next input."""


class Restarts:
    """One run's restarts and states. ``breaks`` notes a broken rule."""

    def __init__(self, station: "Station", breaks: Callable[[str, str, int], None]) -> None:
        self._station, self._breaks = station, breaks
        self._proof_needed = self._failed = False
        self._silent: dict[str, int] = {}  # since when a needed device has not answered
        self._state = State.STOPPED
        self._empty_um = 0  # belt position from which on nothing lies there that lay there at the last restart

    def heard(self, item: Any, events: Sequence[Any], state: LaneState) -> None:
        """One step of the core, when it is over."""
        kind = type(item)
        if kind is LaneStarted and item.restart:
            self._started(state)
        elif kind is DeviceRestarted and item.role == "io":
            self._unknown(state)
            self._device(state)
        elif kind is WatchdogProven and item.ok:
            self._proof_needed = False
        elif kind is LinkLost and item.role not in AUXILIARY:
            self._none_left(state, "I11", f"{item.role} does not answer")
            self._silent.setdefault(item.role, state.at_us)
        elif kind is LinkRestored:
            self._silent.pop(item.role, None)
            if item.watchdog_tripped and self._state is State.EXECUTE and state.machine.state is State.EXECUTE:
                self._breaks("R9", f"the watchdog of {item.role} tripped, and the lane runs on", 0)
        elif kind is SafetyChanged:
            self._safety(state)
        elif kind is JournalFailed:
            self._failed = True
            self._none_left(state, "I16", "the journal can't be written")
        if state.machine.throttles:
            self._throttled(state)
        if self._silent and state.machine.state is State.EXECUTE:
            self._away(state)
        for event in events:
            if type(event) is StateChanged:
                self._changed(event, state)
            elif type(event) is PermitIssued and self._failed:
                self._breaks("I16", f"permit {event.permit_no} was given after the journal failed", event.seq)
        self._state = state.machine.state

    def _unknown(self, state: LaneState) -> None:
        self._proof_needed = True
        self._empty_um = state.belt_um + self._station.config.layout.exit_inspect_um

    def _started(self, state: LaneState) -> None:
        """Nothing on the belt and no permit is trusted by a new process."""
        self._unknown(state)
        self._silent.clear()
        self._failed = False
        for parcel in state.parcels.values():
            if Ground.FLUSHED not in parcel.grounds:
                self._breaks("I13", "on the belt at a restart, and not flushed", parcel.seq)
            if parcel.permit.state in IN_FORCE:
                self._breaks("I13", f"permit {parcel.permit.permit_no} survived a restart", parcel.seq)

    def _device(self, state: LaneState) -> None:
        """The lane I/O began anew, its encoder at zero: whoever has not passed the gate is flushed."""
        for parcel in state.parcels.values():
            if Ground.FLUSHED not in parcel.grounds and parcel.permit.state is not PermitState.USED:
                self._breaks("I13", "on the belt when the lane I/O restarted, and not flushed", parcel.seq)

    def _away(self, state: LaneState) -> None:
        """A needed device may be away for so long, then the lane holds."""
        role, since_us = min(self._silent.items(), key=lambda one: one[1])
        if state.at_us > since_us + self._station.config.link_hold_us + SPARE_US:
            self._silent.clear()
            self._breaks("I11", f"{role} has not answered since {since_us} us, and the lane runs on", 0)

    def _throttled(self, state: LaneState) -> None:
        """A full bench stops induction until a tenth of its places is free, and no longer."""
        places = self._station.config.bench_places
        free = places - len(state.bench) - len(state.parcels)
        if Cause.BENCH_FULL in state.machine.throttles and free > places // 10:
            self._breaks("I27", f"{free} of {places} places at the bench are free, and induction stays stopped", 0)

    def _safety(self, state: LaneState) -> None:
        """Every open part of the safety chain is told by an alarm of its own."""
        for cause in state.machine.safety_faults:
            number = CAUSES[cause][1]
            if number and number not in state.alarms.entries:
                self._breaks("R8", f"{cause}, and alarm {number} was not raised", 0)

    def _none_left(self, state: LaneState, rule: str, why: str) -> None:
        for parcel in state.parcels.values():
            if parcel.permit.state is PermitState.ISSUED:
                self._breaks(rule, f"permit {parcel.permit.permit_no} stays in force: {why}", parcel.seq)

    def _changed(self, event: StateChanged, state: LaneState) -> None:
        if event.left is State.EXECUTE and state.machine.state is not State.EXECUTE:
            self._none_left(state, "I17", f"the lane left EXECUTE for {event.reached.name}")
        if event.reached is not State.EXECUTE:
            return
        if self._proof_needed:
            self._breaks("I17", "EXECUTE after a restart, without a proof of the watchdog", 0)
        if state.belt_um < self._empty_um:
            self._breaks("I13", "EXECUTE after a restart, and the belt did not run empty", 0)
        self._proof_needed, self._empty_um = False, 0
