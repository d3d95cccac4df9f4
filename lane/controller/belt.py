"""The eyes of the belt: parcels begin at the induct eye, are met again at every eye, or are lost.

One lost, stray, inserted, removed or swapped body sends itself and its neighbours to INSPECT; a second tracking fault
while the first is still on the belt flushes everything.
"""

from bisect import insort

from devices.signals import BeltMoved, BeltState, EncoderDoubt, EyeChanged, Quality
from lane.controller import divert, drawing, evidence, exits
from lane.controller.desk import STAGES, Desk
from lane.controller.permitting import doubt, flush, void, void_all, void_only
from lane.controller.state import STRAYS_MAX, Due, Parcel
from lane.errors import Alarm, Cause
from lane.events.machine import TrackingStray
from lane.events.parcel import ParcelInducted, ParcelMeasured, TrackingLost
from lane.identify import Reads
from lane.model.config import EYE_DIVERT, EYE_EXIT_INSPECT, EYE_EXIT_RELEASE, EYE_INDUCT
from lane.model.grounds import Ground
from lane.permits import PermitState
from lane.tracking import (
    EYE_OF_STAGE,
    NOT_MEASURED,
    STAGE_DIVERT,
    STAGE_ENTRY,
    STAGE_EXIT,
    STAGE_INDUCT,
    STAGE_OF_EYE,
    STAGE_TUNNEL_EXIT,
    Body,
    Cover,
    due_at,
    lengths_differ,
    missed_at,
    nearest,
    neighbours,
    overlaps,
)

_SEEN, _IDENTITY, _DECISION = Due.SEEN, Due.IDENTITY, Due.DECISION
_NO_PERMIT = PermitState.NONE


def eye_changed(desk: Desk, item: EyeChanged) -> None:
    """One edge of an eye. The same level twice tells nothing new."""
    covers, eye = desk.state.covers, item.eye
    if item.blocked:
        if eye in covers:
            return
        if eye == EYE_INDUCT:
            _inducted(desk, item)
        elif eye in desk.eyes:
            _head(desk, eye, item.belt_um)
        return
    cover = covers.pop(eye, None)
    if cover is None:
        return
    if eye == EYE_DIVERT:  # what waited for this tail is done
        desk.stale_due = True
    if desk.machine.throttles:  # the belt may be empty by this
        desk.census_due = True
    parcel = desk.state.parcels.get(cover.seq)
    if parcel is None:
        return
    stage = desk.eyes[eye][0]
    if stage == STAGE_INDUCT:
        _measured(desk, parcel, item.belt_um)
    elif stage <= STAGE_DIVERT and parcel.body.tail_um != NOT_MEASURED:
        _length_again(desk, parcel, item.belt_um - cover.from_um, stage)


def _inducted(desk: Desk, item: EyeChanged) -> None:
    """A body at the induct eye is the lane's next parcel, whatever state the lane is in."""
    state, belt_um = desk.state, item.belt_um
    seq = state.next_seq
    state.next_seq = seq + 1
    body = Body(seq=seq, head_um=belt_um, anchor_um=belt_um)
    parcel = Parcel(seq=seq, body=body, reads=Reads())
    state.parcels[seq] = parcel
    desk.bodies.append(body)
    state.inducted += 1
    desk.census_due = True
    state.covers[EYE_INDUCT] = Cover(seq=seq, from_um=belt_um)
    desk.events.append(ParcelInducted(at_us=item.at_us, belt_um=belt_um, seq=seq, head_um=belt_um))
    before = state.parcels.get(state.last_seq)
    if before is not None and state.last_tail_um >= 0 and belt_um - state.last_tail_um < desk.layout.gap_um_min:
        desk.ground(parcel, Ground.GAP_TOO_SMALL)
        doubt(desk, before, Ground.GAP_TOO_SMALL)
    if not desk.executing():
        desk.ground(parcel, Ground.LANE_NOT_EXECUTING)
    expect(desk, body)


def _measured(desk: Desk, parcel: Parcel, belt_um: int) -> None:
    """Its tail left the induct eye: length and gap are known."""
    state, body, layout = desk.state, parcel.body, desk.layout
    body.tail_um = belt_um
    body.length_um = length = belt_um - body.head_um
    gap = body.head_um - state.last_tail_um if state.last_tail_um >= 0 else 0
    state.last_tail_um, state.last_seq = belt_um, parcel.seq
    desk.events.append(
        ParcelMeasured(
            at_us=desk.at_us, belt_um=desk.belt_um, seq=parcel.seq, length_um=length, gap_um=gap if gap > 0 else 0
        )
    )
    if length > layout.parcel_um_max:
        desk.ground(parcel, Ground.OVERSIZE)
    elif length < layout.parcel_um_min:
        desk.ground(parcel, Ground.LENGTH_MISMATCH)
    desk.due_belt(belt_um + layout.reader_um + desk.lag_um, _IDENTITY, parcel.seq)


def _length_again(desk: Desk, parcel: Parcel, measured_um: int, stage: int) -> None:
    if not lengths_differ(measured_um, parcel.body.length_um, desk.layout):
        return
    if stage == STAGE_DIVERT:
        divert.other_body(desk, parcel)
    doubt(desk, parcel, Ground.LENGTH_MISMATCH)
    _doubt_neighbours(desk, parcel.body.anchor_um, parcel.seq)


def tail_due(desk: Desk, parcel: Parcel) -> None:
    """The divert eye must be clear behind this parcel. It is not: something longer is there, or a second body on it."""
    machine, belt = desk.machine, desk.state.belt_um
    if "io" in machine.links or belt < machine.io_back_um + desk.lag_um:
        desk.due_belt(belt + desk.lag_um, Due.TAIL, parcel.seq)  # the edge may still be on its way
        return
    cover = desk.state.covers.get(EYE_DIVERT)
    if cover is not None and cover.seq == parcel.seq:
        _length_again(desk, parcel, desk.state.belt_um - cover.from_um, STAGE_DIVERT)


def expect(desk: Desk, body: Body) -> None:
    """Set the belt position by which the next eye must have seen this parcel's head."""
    stage, seq = body.stage + 1, body.seq
    assert seq, "only a parcel is expected at an eye; what has no number is a stray"
    assert stage <= STAGE_EXIT, "there is no eye behind the exits"
    desk.due_belt(body.anchor_um + desk.seen_um[stage], _SEEN, seq * STAGES + stage)


def _head(desk: Desk, eye: str, belt_um: int) -> None:
    """A head at an eye behind the induct eye: the body due there, one that slipped, or a stray."""
    state = desk.state
    stage, station, window = desk.eyes[eye]
    body = due_at(desk.bodies, stage, station, window, belt_um)
    slipped = False
    if body is None:  # bodies that slipped may lie in another order than they came in: then the nearest in its window
        body = nearest(desk.bodies, stage, station, window, belt_um)
    if body is None:
        if _seen_late(desk, eye, belt_um):
            return
        adopt = desk.stations.adopt_um
        if state.strays:
            body = due_at(state.strays, stage, station, adopt, belt_um)
        if body is None:
            body = nearest(desk.bodies, stage, station, adopt, belt_um)
            slipped = body is not None
        if body is None:
            state.covers[eye] = Cover(seq=0, from_um=belt_um)
            _stray(desk, eye, belt_um)
            return
    state.covers[eye] = Cover(seq=body.seq, from_um=belt_um)
    was = body.anchor_um
    body.anchor_um = belt_um - station
    if not body.seq:
        body.stage = stage
        if stage == STAGE_DIVERT:
            divert.keep_out(desk, body)
        if stage == STAGE_EXIT:
            state.strays.remove(body)
            exits.stray_left(desk, eye)
        return
    parcel = state.parcels[body.seq]
    if slipped:
        if stage != STAGE_EXIT:  # at an exit it is found at once: the event there means that it never was
            desk.events.append(TrackingLost(at_us=desk.at_us, belt_um=desk.belt_um, seq=body.seq, eye=eye))
        fault(desk, parcel, was)
    passed(desk, parcel, stage, eye, belt_um)


def _seen_late(desk: Desk, eye: str, belt_um: int) -> bool:
    """An edge that comes after its parcel was declared lost at this eye is that parcel's: no second fault.

    Nothing else changes: its ground stays and it goes to INSPECT.
    """
    stations, stage = desk.stations, STAGE_OF_EYE[eye]
    body = missed_at(desk.bodies, stage, stations.station_um[eye], stations.window_um[eye], belt_um)
    if body is None:
        return False
    desk.state.covers[eye] = Cover(seq=body.seq, from_um=belt_um)
    body.anchor_um = belt_um - stations.station_um[eye]
    if stage == STAGE_DIVERT:
        divert.keep_out(desk, body)
    return True


def passed(desk: Desk, parcel: Parcel, stage: int, eye: str, belt_um: int) -> None:
    """The parcel's head is at this eye: what happens there."""
    body = parcel.body
    if body.stage + 1 < stage:
        for between in range(body.stage + 1, stage):
            arrived(desk, parcel, between)
    body.stage = stage
    desk.stale_due = True
    if stage == STAGE_EXIT:
        exits.left(desk, parcel, eye, belt_um)
        return
    arrived(desk, parcel, stage)
    if stage == STAGE_DIVERT:
        divert.head_seen(desk, parcel)
    desk.due_belt(body.anchor_um + desk.seen_um[stage + 1], _SEEN, parcel.seq * STAGES + stage + 1)


def arrived(desk: Desk, parcel: Parcel, stage: int) -> None:
    """The parcel reached (or must have reached) a stage: open what belongs to it."""
    if stage == STAGE_ENTRY:
        drawing.close_identity(desk, parcel)
        evidence.arm(desk, parcel)
    elif stage == STAGE_TUNNEL_EXIT:
        desk.due_belt(parcel.body.anchor_um + desk.decision_um, _DECISION, parcel.seq)


def seen_due(desk: Desk, number: int) -> None:
    """The belt is past the window of an eye: was the parcel seen there?"""
    seq, stage = divmod(number, STAGES)
    parcel = desk.state.parcels.get(seq)
    if parcel is None or parcel.body.stage >= stage:
        return
    machine, belt = desk.machine, desk.state.belt_um
    if "io" in machine.links or belt < machine.io_back_um + desk.lag_um:
        desk.due_belt(belt + desk.lag_um, _SEEN, number)  # edges may still be on their way
        return
    eye = EYE_OF_STAGE[stage]
    body = parcel.body
    due = body.anchor_um + desk.seen_um[stage]
    if due > belt:
        desk.due_belt(due, _SEEN, number)
        return
    if stage != STAGE_EXIT or parcel.permit.state is _NO_PERMIT:  # else CustodyUnproven is its end
        desk.events.append(TrackingLost(at_us=desk.at_us, belt_um=desk.belt_um, seq=seq, eye=eye))
    fault(desk, parcel, body.anchor_um)
    before = desk.state.covers.get(EYE_OF_STAGE[stage - 1])
    if before is not None and before.seq == seq:
        flush(desk, "jam")
        desk.machine.belt_unknown = True  # whoever frees the belt may move what lies on it
        desk.want(Cause.JAM, seq=seq, detail=f"eye {EYE_OF_STAGE[stage - 1]} stays covered")
    if stage == STAGE_EXIT:
        exits.never_seen(desk, parcel)
        _follow(desk, Body(seq=0, head_um=body.anchor_um, anchor_um=body.anchor_um, stage=STAGE_DIVERT))
        return
    for between in range(body.stage + 1, stage + 1):
        arrived(desk, parcel, between)
    body.stage = body.missed = stage
    expect(desk, body)
    if stage == STAGE_DIVERT and not void(desk, parcel, "divert eye missed"):
        void_only(desk, parcel, "divert eye missed")  # what goes through the gate is not known to be this parcel


def fault(desk: Desk, parcel: Parcel, at_um: int) -> None:
    """A tracking fault of this parcel: doubt for it and its neighbours; the second one on the belt flushes all."""
    known = any(ground in parcel.grounds for ground in (Ground.TRACKING_LOST, Ground.FLUSHED))
    doubt(desk, parcel, Ground.TRACKING_LOST)
    _doubt_neighbours(desk, at_um, parcel.seq)  # also those that came behind it since it was lost first
    if known:
        return
    desk.alarm(Alarm.TRACKING_LOST, parcel.seq)
    _count_fault(desk, at_um)


def _doubt_neighbours(desk: Desk, at_um: int, seq: int) -> None:
    for body in neighbours(desk.bodies, at_um, seq):
        doubt(desk, desk.state.parcels[body.seq], Ground.NEIGHBOUR_DOUBT)


def _count_fault(desk: Desk, at_um: int) -> None:
    """The second fault on the belt flushes all; a fault among what is flushed already counts for nothing."""
    state = desk.state
    if at_um <= state.flushed_um:
        return
    second = state.belt_um < state.fault_until_um
    state.fault_until_um = max(state.fault_until_um, at_um + desk.layout.exit_inspect_um + desk.lag_um)
    if second:
        flush(desk, "second tracking fault")


def _stray(desk: Desk, eye: str, belt_um: int) -> None:
    """An edge that no body explains. In a flush run bodies nobody knows are expected."""
    state = desk.state
    desk.events.append(TrackingStray(at_us=desk.at_us, belt_um=desk.belt_um, eye=eye))
    at_um = belt_um - desk.stations.station_um[eye]
    stage = STAGE_OF_EYE[eye]
    if stage == STAGE_EXIT:
        exits.stray_left(desk, eye)
    else:
        _follow(desk, Body(seq=0, head_um=at_um, anchor_um=at_um, stage=stage))
    if desk.machine.belt_unknown:
        return
    if eye == EYE_DIVERT or eye in (EYE_EXIT_RELEASE, EYE_EXIT_INSPECT):
        for parcel in list(state.parcels.values()):
            if parcel.permit.permit_no and abs(parcel.body.anchor_um - at_um) <= desk.layout.gate_um:
                void(desk, parcel, "stray at the gate")
    if eye == EYE_DIVERT and desk.machine.gate in divert.AWAY:
        desk.want(Cause.STRAY_AT_GATE, detail="an unknown body follows through the gate unless the belt stops")
    _doubt_neighbours(desk, at_um, 0)
    desk.alarm(Alarm.TRACKING_STRAY, detail=f"eye {eye}")
    _count_fault(desk, at_um)


def _follow(desk: Desk, stray: Body) -> None:
    """Expect a body without a number (any more) at the eyes that it has before it."""
    if len(desk.state.strays) < STRAYS_MAX:
        insort(desk.state.strays, stray, key=lambda body: body.anchor_um)


def forget_strays(desk: Desk) -> None:
    """Strays whose way is over are forgotten, when an edge of theirs had twice the time to be told."""
    end = desk.layout.exit_inspect_um + 2 * desk.lag_um + desk.stations.adopt_um
    strays = desk.state.strays
    while strays and desk.state.belt_um > strays[0].anchor_um + end:
        strays.pop(0)


def belt_moved(desk: Desk, item: BeltMoved) -> None:
    """The encoder's word on speed."""
    if item.quality is not Quality.GOOD:
        flush(desk, "belt position unknown")
        desk.alarm(Alarm.ENCODER_DOUBT, detail="quality UNKNOWN")
        return
    _running(desk, item.speed_um_s > 0)


def belt_state(desk: Desk, item: BeltState) -> None:
    """The drive's word."""
    _running(desk, item.running)
    if item.fault:
        desk.want(Cause.DRIVE_FAULT, detail="the drive reports a fault")
    else:
        desk.calm(Alarm.DRIVE_FAULT)


def _running(desk: Desk, running: bool) -> None:
    machine = desk.machine
    if machine.belt_running and not running:
        layout = desk.layout
        for parcel in desk.state.parcels.values():
            if overlaps(
                parcel.body, layout.tunnel_entry_um, layout.tunnel_exit_um, desk.state.belt_um, layout.parcel_um_max
            ):
                doubt(desk, parcel, Ground.BELT_DISTURBED)
        if machine.belt_wanted:
            void_all(desk, "belt stopped by itself")
            desk.want(Cause.DRIVE_FAULT, detail="the belt stopped by itself")
    machine.belt_running = running
    machine.moved_um, machine.moved_us = desk.state.belt_um, desk.state.at_us


def encoder_doubt(desk: Desk, item: EncoderDoubt) -> None:
    """Positions on the belt can't be trusted any more."""
    flush(desk, "encoder doubt")
    desk.alarm(Alarm.ENCODER_DOUBT, detail=item.reason)


def identity_due(desk: Desk, parcel: Parcel) -> None:
    """Its tail has passed the reader, and reads had time to arrive."""
    drawing.close_identity(desk, parcel)


assert STAGE_INDUCT == 0, "an inducted body waits for the eye behind the induct eye"
