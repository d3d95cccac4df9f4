"""Follows every body from outside: what an edge was taken for, who was given up and when, and what must follow from it.

Windows and reaches are worked out anew from the layout: an edge belongs to the body whose place is nearer than
max(least window, 1 % of the way since the eye before). Rules: R15 places and lengths on the belt, R16 faults of
tracking (jam, second fault, stray), R11 neighbours of a stray.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

from devices.signals import BeltMoved, BeltState, DeviceRestarted, EyeChanged, Quality
from lane.controller.state import LaneState, Parcel
from lane.events.machine import BeltFlushed, TrackingStray
from lane.events.parcel import (
    CustodyUnproven,
    ParcelDiverted,
    ParcelInducted,
    ParcelMeasured,
    ParcelReleased,
    TrackingLost,
)
from lane.inputs import LaneStarted
from lane.model.config import (
    EYE_DIVERT,
    EYE_EXIT_INSPECT,
    EYE_EXIT_RELEASE,
    EYE_INDUCT,
    EYE_TUNNEL_ENTRY,
    EYE_TUNNEL_EXIT,
)
from lane.model.grounds import Ground
from lane.model.words import Route, State, Via
from sim.explore.words import AWAY, IN_FORCE

if TYPE_CHECKING:
    from sim.coretwin.station import Station

MOVES = frozenset({EyeChanged, DeviceRestarted, LaneStarted})
"""Inputs that may change where bodies are held to be."""
TOLD = frozenset(
    {
        BeltFlushed, CustodyUnproven, ParcelDiverted, ParcelInducted, ParcelMeasured, ParcelReleased, TrackingLost,
        TrackingStray,
    }
)  # fmt: skip
"""Records of bodies that come, go, or are given up."""
STAGES = {
    EYE_INDUCT: 0, EYE_TUNNEL_ENTRY: 1, EYE_TUNNEL_EXIT: 2, EYE_DIVERT: 3, EYE_EXIT_RELEASE: 4, EYE_EXIT_INSPECT: 4,
}  # fmt: skip
EXIT = 4
PERCENT = 100
"""One in a hundred of the way since the eye before."""


@dataclass(frozen=True, slots=True)
class Eye:
    """Where an eye stands, which stage it is, and how far from its place a body may be there."""

    stage: int
    at_um: int
    window_um: int


class Place(NamedTuple):
    """A body as the core believed it to be before the step. ``given_up``: lost or flushed already."""

    anchor_um: int
    stage: int
    length_um: int
    given_up: bool


class Places:
    """One run's bodies. ``breaks`` notes a broken rule; ``routed``: route of a number's body past the blade."""

    def __init__(
        self, station: "Station", breaks: Callable[[str, str, int], None], routed: Callable[[int], Route | None]
    ) -> None:
        self._station, self._breaks, self._routed = station, breaks, routed
        layout = station.config.layout
        self._layout = layout
        at_um = {
            EYE_INDUCT: 0, EYE_TUNNEL_ENTRY: layout.tunnel_entry_um, EYE_TUNNEL_EXIT: layout.tunnel_exit_um,
            EYE_DIVERT: layout.divert_um, EYE_EXIT_RELEASE: layout.exit_release_um,
            EYE_EXIT_INSPECT: layout.exit_inspect_um,
        }  # fmt: skip
        before = (0, 0, layout.tunnel_entry_um, layout.tunnel_exit_um, layout.divert_um)
        self._eyes = {
            eye: Eye(stage, at_um[eye], max(layout.eye_window_um, (at_um[eye] - before[stage]) // PERCENT))
            for eye, stage in STAGES.items()
        }
        self._reach_um = (layout.gap_um_min + layout.parcel_um_min) // 2
        self._known: dict[int, Place] = {}
        self._covered: dict[str, tuple[int, int]] = {}  # eye: number it was taken for (0: nobody's), where it began
        self._beside: dict[int, str] = {}
        self._fault_until_um = 0
        self._flushed_um = -1
        self._tail: tuple[int, int] = (0, -1)  # number and place of the last tail at the induct eye
        self._ran = self._executing = False
        speed_um_s, travel_us = station.config.speed_um_s, station.config.gate.travel_us
        self._again_um = -(-speed_um_s * travel_us // 1_000_000)

    def heard(self, item: Any, events: Sequence[Any], state: LaneState) -> None:
        """One step of the core, when it is over."""
        kind = type(item)
        moved = kind in MOVES
        if kind is EyeChanged:
            self._edge(item, events, state)
        elif kind is BeltState or kind is BeltMoved:
            self._belt(item, state)
        elif kind is DeviceRestarted and item.role == "io":
            self._covered.clear()
            self._fault_until_um, self._tail = 0, (0, -1)
        for event in events:
            if type(event) in TOLD:
                moved = True
                self._read(item, events, state)
                break
        if moved:
            self._remember(state)
        machine = state.machine
        self._ran, self._executing = machine.belt_running, machine.state is State.EXECUTE

    def anchor_um(self, seq: int) -> int | None:
        """Where a body was believed to be before the step that is looked at (None: nobody's)."""
        known = self._known.get(seq)
        return None if known is None else known.anchor_um

    def _remember(self, state: LaneState) -> None:
        lost, flushed = Ground.TRACKING_LOST, Ground.FLUSHED
        self._known = {
            seq: Place(
                parcel.body.anchor_um,
                parcel.body.stage,
                parcel.body.length_um,
                lost in parcel.grounds or flushed in parcel.grounds,
            )
            for seq, parcel in state.parcels.items()
        }
        self._flushed_um = state.flushed_um

    # --- edges

    def _edge(self, item: EyeChanged, events: Sequence[Any], state: LaneState) -> None:
        if not item.blocked:
            cover = self._covered.pop(item.eye, None)
            if cover is not None:
                self._length(item, cover, state)
            return
        if item.eye in self._covered or item.eye not in self._eyes:
            return
        taken = self._taken(item, events, state) if item.eye != EYE_INDUCT else 0
        if item.eye == EYE_DIVERT:
            self._follower(item, state)
        self._covered[item.eye] = (taken, item.belt_um)

    def _taken(self, item: EyeChanged, events: Sequence[Any], state: LaneState) -> int:
        """Whose head the core took this edge for; whether it had to."""
        eye = self._eyes[item.eye]
        place_um = item.belt_um - eye.at_um
        lost = {event.seq for event in events if type(event) is TrackingLost and event.eye == item.eye}
        ended = {event.seq for event in events if type(event) in (ParcelReleased, ParcelDiverted, CustodyUnproven)}
        taken, due = 0, []
        for seq, known in self._known.items():
            if known.stage >= eye.stage:
                continue
            parcel = state.parcels.get(seq)
            if parcel is None:
                found = eye.stage == EXIT and seq in ended
            else:
                found = parcel.body.stage == eye.stage and parcel.body.missed != eye.stage
            away_um = abs(place_um - known.anchor_um)
            if found:
                taken = seq
                if parcel is not None:
                    self._fits(item.eye, seq, parcel, place_um, away_um, slipped=seq in lost)
            if away_um <= eye.window_um and (found or (parcel is not None and parcel.body.missed != eye.stage)):
                due.append(seq)
        if due and taken not in due:
            self._breaks("R15", f"an edge of {item.eye} in the window of {due[0]} was not taken for it", due[0])
        return taken

    def _fits(self, name: str, seq: int, parcel: Parcel, place_um: int, away_um: int, *, slipped: bool) -> None:
        eye = self._eyes[name]
        if parcel.body.anchor_um != place_um:
            self._breaks("R15", f"seen at {name}, and its place was not measured anew", seq)
        if away_um > max(self._reach_um, eye.window_um):
            self._breaks("R15", f"an edge of {name} {away_um} um from its place was taken for it", seq)
        elif away_um > eye.window_um and not slipped:
            self._breaks("R15", f"an edge of {name} {away_um} um from its place, beyond its window, was no fault", seq)
        elif away_um <= eye.window_um and slipped:
            self._breaks("R15", f"an edge of {name} {away_um} um from its place, in its window, was a fault", seq)

    def _length(self, item: EyeChanged, cover: tuple[int, int], state: LaneState) -> None:
        """Two eyes that disagree on a length."""
        seq, from_um = cover
        parcel, known = state.parcels.get(seq), self._known.get(seq)
        if parcel is None or known is None or not known.length_um or not 0 < self._eyes[item.eye].stage < EXIT:
            return
        measured_um = item.belt_um - from_um
        if abs(measured_um - known.length_um) > self._layout.eye_window_um:
            self._need(parcel, Ground.LENGTH_MISMATCH, f"{measured_um} um at {item.eye}, {known.length_um} before")
            if item.eye == EYE_DIVERT and self._executing:
                self._other(parcel, state)

    def _other(self, parcel: Parcel, state: LaneState) -> None:
        """What was measured at the gate's last eye is not who was permitted, or not he alone."""
        if parcel.permit.state in IN_FORCE:
            self._breaks("R16", "another length at the divert eye, and its permit stays in force", parcel.seq)
        if state.machine.gate in AWAY and state.machine.state is State.EXECUTE:
            self._breaks("R16", "another length at the divert eye with the gate open, and the belt runs on", parcel.seq)

    def _follower(self, item: EyeChanged, state: LaneState) -> None:
        """A body without a permit that is at the blade before the blade is home."""
        machine, cover, layout = state.machine, state.covers.get(EYE_DIVERT), self._layout
        if not self._executing or machine.state is not State.EXECUTE or machine.gate not in AWAY or cover is None:
            return
        parcel = state.parcels.get(cover.seq)
        permitted = parcel is not None and parcel.permit.state in IN_FORCE
        at_blade_um = item.belt_um - layout.divert_um + layout.gate_um
        if not permitted and cover.from_um == item.belt_um and at_blade_um < machine.gate_closes_um + self._again_um:
            self._breaks("R16", "a body without a permit follows through the gate, and the belt runs on", cover.seq)

    def _need(self, parcel: Parcel, ground: Ground, why: str) -> None:
        if ground not in parcel.grounds and ground not in parcel.advisory:
            self._breaks("R15", f"{why}, and {ground} is not among its grounds", parcel.seq)

    # --- belt

    def _belt(self, item: Any, state: LaneState) -> None:
        """A belt that stops with a parcel in the tunnel spoils its picture."""
        stops = not item.running if type(item) is BeltState else item.speed_um_s <= 0 and item.quality is Quality.GOOD
        if not stops or not self._ran:
            return
        layout = self._layout
        for parcel in state.parcels.values():
            body = parcel.body
            head_um = state.belt_um - body.anchor_um
            tail_um = head_um - (body.length_um if body.tail_um >= 0 else layout.parcel_um_max)
            if head_um >= layout.tunnel_entry_um and tail_um <= layout.tunnel_exit_um:
                self._need(parcel, Ground.BELT_DISTURBED, "the belt stopped with it in the tunnel")

    # --- events

    def _read(self, item: Any, events: Sequence[Any], state: LaneState) -> None:
        flushed = any(type(event) is BeltFlushed for event in events)
        for event in events:
            kind = type(event)
            if kind is TrackingLost:
                self._lost(event, item, state, flushed=flushed)
            elif kind is TrackingStray:
                self._stray(event, item, state, flushed=flushed)
            elif kind is ParcelInducted:
                self._inducted(event, state)
            elif kind is ParcelMeasured:
                self._measured(event, state)
            elif kind is ParcelReleased:
                beside = self._beside.pop(event.seq, "")
                if beside and event.via is Via.GATE:
                    self._breaks("R11", f"released although a stray at {beside} lay beside it", event.seq)
        if flushed:
            self._fault_until_um = 0

    def _lost(self, event: TrackingLost, item: Any, state: LaneState, *, flushed: bool) -> None:
        known, eye, parcel = self._known.get(event.seq), self._eyes[event.eye], state.parcels.get(event.seq)
        if known is None:
            return
        slipped = (
            type(item) is EyeChanged and item.eye == event.eye and self._covered.get(item.eye, (0,))[0] == event.seq
        )
        if not slipped:
            if state.belt_um < known.anchor_um + eye.at_um + eye.window_um:
                self._breaks("R15", f"given up at {event.eye} before its window was past", event.seq)
            self._behind(event, parcel, state, flushed=flushed)
        if not known.given_up:
            self._known[event.seq] = known._replace(given_up=True)  # lost at two eyes in one step it is one fault
            self._fault(known.anchor_um, state, event.seq, flushed=flushed)

    def _behind(self, event: TrackingLost, parcel: Parcel | None, state: LaneState, *, flushed: bool) -> None:
        """A parcel that did not come: it may stand before the eye, and what passes the gate is not known to be it."""
        before = next((eye for eye, stage in STAGES.items() if stage == self._eyes[event.eye].stage - 1), "")
        cover = state.covers.get(before)
        if cover is not None and cover.seq == event.seq and not flushed:
            self._breaks("R16", f"lost at {event.eye} while {before} stays covered, and the belt runs on", event.seq)
        in_force = parcel is not None and parcel.permit.state in IN_FORCE
        if event.eye == EYE_DIVERT and in_force:
            self._breaks("R16", "the divert eye did not see it, and its permit stays in force", event.seq)

    def _fault(self, at_um: int, state: LaneState, seq: int, *, flushed: bool) -> None:
        """The second fault on the belt flushes it."""
        if at_um <= self._flushed_um:
            return
        if state.belt_um < self._fault_until_um and not flushed:
            self._breaks("R16", "a second tracking fault while the first is on the belt, and no flush", seq)
        self._fault_until_um = max(self._fault_until_um, at_um + self._layout.exit_inspect_um)

    def _stray(self, event: TrackingStray, item: Any, state: LaneState, *, flushed: bool) -> None:
        if type(item) is not EyeChanged or state.machine.belt_unknown:
            return
        at_um = item.belt_um - self._eyes[event.eye].at_um
        bodies = [(known.anchor_um, seq) for seq, known in self._known.items()]
        ahead = max((one for one in bodies if one[0] <= at_um), default=None)
        behind = min((one for one in bodies if one[0] > at_um), default=None)
        for seq in [one[1] for one in (ahead, behind) if one is not None]:
            if self._routed(seq) is None and seq in state.parcels:
                self._beside.setdefault(seq, event.eye)
        if event.eye == EYE_DIVERT and state.machine.gate in AWAY and state.machine.state is State.EXECUTE:
            self._breaks("R16", "an unknown body follows to the open gate, and the belt runs on", 0)
        self._fault(at_um, state, 0, flushed=flushed)

    def _inducted(self, event: ParcelInducted, state: LaneState) -> None:
        seq, tail_um = self._tail
        parcel, before = state.parcels.get(event.seq), state.parcels.get(seq)
        if tail_um < 0 or parcel is None or before is None:
            return
        gap_um = event.head_um - tail_um
        if gap_um < self._layout.gap_um_min:
            for one in (parcel, before):
                self._need(one, Ground.GAP_TOO_SMALL, f"{gap_um} um between {seq} and {event.seq}")

    def _measured(self, event: ParcelMeasured, state: LaneState) -> None:
        parcel = state.parcels.get(event.seq)
        if parcel is None:
            return
        self._tail = (event.seq, parcel.body.tail_um)
        if event.length_um > self._layout.parcel_um_max:
            self._need(parcel, Ground.OVERSIZE, f"{event.length_um} um long")
        elif event.length_um < self._layout.parcel_um_min:
            self._need(parcel, Ground.LENGTH_MISMATCH, f"{event.length_um} um short")
