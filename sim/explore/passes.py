"""Permits and the gate that obeys them, worked out anew: when a permit may be given, and what the gate's words mean.

Rules: I1 outputs of nobody, I10 windows and the decision point, I11 a gate that nobody explains, R12 permits that end
and the gate that must come home, R13 the gate's words and its time.
"""

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from devices.commands import RestGate
from devices.signals import DeviceRestarted, GateFault, GateInPosition, GatePosition, OutputProven
from lane.controller.state import Due, GateSeen, LaneState, Phase
from lane.events.parcel import DispositionDecided, PermitIssued, PermitUsed, PermitVoided
from lane.inputs import LaneStarted
from lane.model.grounds import Ground
from lane.model.words import Route, State
from lane.permits import PermitState
from sim.explore.words import AWAY, TESTS

if TYPE_CHECKING:
    from sim.coretwin.station import Station

TOLD = frozenset({DispositionDecided, PermitIssued, PermitUsed, PermitVoided})
SPARE_US = 300_000
"""Beyond the time in which the gate must be home: a report on its way."""
NO_COUNT = (Ground.VISION_TIMEOUT, Ground.VISION_FAILED, Ground.IMAGE_QUALITY)
PAST_THE_GATE = ("left by", "seen at", "divert eye missed")
"""Ends of permits whose body is past the gate, or never comes to it."""


class Passes:
    """One run's permits. ``breaks`` notes a broken rule; ``routed``: route of a number's body past the blade;
    ``anchor_um``: where a body was before the step."""

    def __init__(
        self, station: "Station", breaks: Callable[[str, str, int], None], routed: Callable[[int], Route | None],
        anchor_um: Callable[[int], int | None],
    ) -> None:  # fmt: skip
        self._station, self._breaks, self._routed, self._anchor_um = station, breaks, routed, anchor_um
        config = station.config
        gate, layout, self._speed_um_s = config.gate, config.layout, config.speed_um_s
        self._late_um = layout.gate_um - self._way(gate.command_us + gate.travel_us + gate.settle_us) - gate.margin_um
        self._again_um = self._way(gate.travel_us)
        self._closed_um = self._way(gate.command_us + gate.settle_us) + self._way(gate.travel_us + gate.settle_us)
        self._home_um = self._way(gate.travel_us + gate.settle_us + config.report_lag_us) + self._way(SPARE_US)
        self._last_um = -1  # where the window of the last permit ends
        self._open: dict[int, tuple[int, int]] = {}  # by lane number: number and end of a permit in force
        self._closes_um = -1  # where the gate has to close behind the last one that used it
        self._before: tuple[GateSeen, int, State, Phase] = (GateSeen.UNKNOWN, -1, State.STOPPED, Phase.NONE)

    def _way(self, time_us: int) -> int:
        return -(-self._speed_um_s * time_us // 1_000_000)

    def heard(self, item: Any, events: Sequence[Any], commands: Sequence[Any], state: LaneState) -> None:
        """One step of the core, when it is over."""
        kind = type(item)
        if (kind is DeviceRestarted and item.role == "io") or (kind is LaneStarted and item.restart):
            self._last_um = self._closes_um = -1
        for event in events:
            if type(event) in TOLD:
                self._read(event, item, state, commands)
        if kind is GateInPosition:
            self._told(item, state)
        elif kind is GateFault:
            self._contradicted(item, state)
        elif kind is OutputProven:
            self._output(item, state)
        machine = state.machine
        if self._closes_um >= 0:
            self._overdue(state)
        self._before = (machine.gate, machine.gate_closes_um, machine.state, machine.phase)

    def _read(self, event: Any, item: Any, state: LaneState, commands: Sequence[Any]) -> None:
        kind = type(event)
        if kind is DispositionDecided:
            if event.route is Route.RELEASE:
                self._decided(event, item, state)
        elif kind is PermitIssued:
            self._issued(event, state)
        elif kind is PermitUsed:
            self._closes_um = self._open.get(event.seq, (0, -1))[1]
        elif kind is PermitVoided:
            self._voided(event, state, commands)

    def _decided(self, event: DispositionDecided, item: Any, state: LaneState) -> None:
        parcel = state.parcels.get(event.seq)
        if parcel is None:
            return
        anchor_um = self._anchor_um(event.seq)
        if anchor_um is not None and state.belt_um > anchor_um + self._late_um:
            self._breaks("I10", "decided to release where the gate can't open in time any more", event.seq)
        told = any(ground in parcel.grounds or ground in parcel.cleared for ground in NO_COUNT)
        if parcel.answer.found and not parcel.compared and not told:
            self._breaks("R2", "decided to release without a count, and no ground says why there is none", event.seq)

    def _issued(self, event: PermitIssued, state: LaneState) -> None:
        if self._last_um >= 0 and event.from_um < self._last_um + self._again_um:
            self._breaks("I10", "a permit whose window begins before the gate can be home again", event.seq)
        self._last_um = event.to_um
        self._open[event.seq] = (event.permit_no, event.to_um)
        gate, closes_um, _, _ = self._before
        if gate not in AWAY or state.belt_um <= closes_um + self._closed_um:
            return
        others = (parcel.permit for seq, parcel in state.parcels.items() if seq != event.seq)
        if not any(one.state is PermitState.ISSUED and one.from_um <= state.belt_um for one in others):
            self._breaks("I11", "a permit while the gate is away from home for no permit", event.seq)

    def _voided(self, event: PermitVoided, state: LaneState, commands: Sequence[Any]) -> None:
        known = self._open.pop(event.seq, None)
        if known is None or event.reason.startswith(PAST_THE_GATE) or "refused" in event.reason:
            return
        if event.seq not in state.parcels or self._routed(event.seq) is not None:
            return
        waits = any(kind == Due.REST and number == event.seq for _, kind, number in state.belt_due)
        if not waits and not any(type(command) is RestGate for command in commands):
            self._breaks("R12", f"its permit ended ({event.reason}), and the gate was not called back", event.seq)

    # --- the gate's words

    def _told(self, item: GateInPosition, state: LaneState) -> None:
        _, _, before, phase = self._before
        if item.position is GatePosition.INSPECT:
            self._closes_um = -1  # called home early, it has not to close there any more
        if item.position is not GatePosition.RELEASE or Phase.PROOF in (phase, state.machine.phase):
            return
        held = any(parcel.permit.permit_no == item.permit_no for parcel in state.parcels.values())
        if not held and before is State.EXECUTE and state.machine.state is State.EXECUTE:
            self._breaks("R13", f"the gate opened for permit {item.permit_no} of nobody, and the lane runs on", 0)

    def _output(self, item: OutputProven, state: LaneState) -> None:
        """The release output came on: for a permit of this lane, or the lane does not run on."""
        _, _, before, phase = self._before
        number = item.permit_no
        if not item.level or not number or number in TESTS or Phase.PROOF in (phase, state.machine.phase):
            return
        if number > state.permit_no and before is State.EXECUTE and state.machine.state is State.EXECUTE:
            self._breaks("I1", f"the release output came on for permit {number} of nobody, and the lane runs on", 0)

    def _contradicted(self, item: GateFault, state: LaneState) -> None:
        if Phase.PROOF in (self._before[3], state.machine.phase):
            return
        in_force = [one.permit.permit_no for one in state.parcels.values() if one.permit.state is PermitState.ISSUED]
        if item.reason.startswith("permit "):
            in_force = [number for number in in_force if item.reason.startswith(f"permit {number} refused")]
        if in_force:
            self._breaks("R13", f"{item.reason}, and permit {in_force[0]} stays in force", 0)

    def _overdue(self, state: LaneState) -> None:
        """Behind its parcel the gate is home in time, or the lane stops."""
        closes_um, machine = self._closes_um, state.machine
        if state.belt_um <= closes_um + self._home_um:
            return
        self._closes_um = -1
        away = machine.gate in AWAY and machine.gate_home_um < closes_um
        if away and machine.state is State.EXECUTE and machine.phase is not Phase.PROOF:
            self._breaks("R13", "the gate is not home behind its parcel, and the lane runs on", 0)
