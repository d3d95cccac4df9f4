"""Permits of the lane and the gate that obeys them: issue, prove, void, flush.

Invariants asserted here: I1 (no actuation without a permit), I10 (used once, inside its window), I17 (gate at INSPECT
outside EXECUTE).
"""

from devices.commands import ReleasePulse, RestGate
from devices.signals import GateFault, GateInPosition, GatePosition, OutputProven
from lane import permits
from lane.controller.desk import Desk
from lane.controller.state import Due, Parcel, Phase
from lane.errors import Alarm, Cause
from lane.events.machine import BeltFlushed, GateProven
from lane.events.parcel import PermitIssued, PermitUsed, PermitVoided
from lane.model.grounds import Ground
from lane.model.words import Route
from lane.permits import PermitState
from lane.tracking import tail_um


def window_free(desk: Desk, parcel: Parcel) -> bool:
    """Whether the gate is back at INSPECT, after the parcel ahead, before it must open for this one."""
    return permits.open_um(desk.config, parcel.body.anchor_um) >= desk.state.permit_home_um


def issue(desk: Desk, parcel: Parcel) -> None:
    """Issue the parcel's only permit and hand the pulse to the device."""
    assert desk.executing(), "I17: permit outside EXECUTE"
    assert parcel.decided, "I3: permit before the decision"
    assert parcel.route is Route.RELEASE, "I1: permit against the decided route"
    assert not parcel.grounds, "I2: permit with an open ground"
    assert parcel.has_draw, "I4: permit without a draw"
    assert not parcel.effective, "I5: permit for an effective draw"
    assert parcel.image_sha256, "I9: permit without a bound image"
    assert parcel.permit.state is PermitState.NONE, "I10: second permit for one parcel"
    state = desk.state
    state.permit_no = permits.next_number(state.permit_no)
    permit = permits.issue(
        desk.config,
        state.permit_no,
        head_um=parcel.body.anchor_um,
        tail_um=tail_um(parcel.body, desk.layout.parcel_um_max),
        at_us=state.at_us,
        belt_um=state.belt_um,
    )
    parcel.permit = permit
    state.permit_home_um = permits.home_again_um(desk.config, permit.to_um)
    desk.events.append(
        PermitIssued(
            at_us=desk.at_us,
            belt_um=desk.belt_um,
            seq=parcel.seq,
            permit_no=permit.permit_no,
            from_um=permit.from_um,
            to_um=permit.to_um,
            not_after_us=permit.not_after_us,
        )
    )
    desk.commands.append(
        ReleasePulse(
            permit_no=permit.permit_no,
            seq=parcel.seq,
            from_um=permit.from_um,
            to_um=permit.to_um,
            pulse_ms=permits.pulse_ms(desk.config, permit),
            not_after_us=permit.not_after_us,
        )
    )
    desk.due_belt(permit.proved_by_um, Due.GATE, parcel.seq)


def through_gate(desk: Desk, parcel: Parcel) -> bool:
    """Whether its head is past the gate, which stood open for it: nothing can call it back any more."""
    used = parcel.permit.state is PermitState.USED
    return used and desk.state.belt_um >= parcel.body.anchor_um + desk.layout.gate_um


def void(desk: Desk, parcel: Parcel, reason: str) -> bool:
    """End the parcel's permit and rest the gate. False when it has none, or when its head is through the gate.

    While the gate stands open for the parcel ahead, resting it waits until that one's tail is past.
    """
    if through_gate(desk, parcel) or not void_only(desk, parcel, reason):
        return False
    passing = _passing(desk)
    if passing is not None and desk.state.belt_um < parcel.permit.from_um:
        desk.due_belt(passing.permit.to_um, Due.REST, parcel.seq)
    else:
        rest_gate(desk, reason)
    return True


def void_only(desk: Desk, parcel: Parcel, reason: str) -> bool:
    """End the permit without touching the gate."""
    permit = parcel.permit
    if not permits.void(permit):
        return False
    desk.events.append(
        PermitVoided(at_us=desk.at_us, belt_um=desk.belt_um, seq=parcel.seq, permit_no=permit.permit_no, reason=reason)
    )
    return True


def _passing(desk: Desk) -> Parcel | None:
    """The parcel for which the gate stands open and whose tail is not yet past it."""
    for parcel in desk.state.parcels.values():
        if parcel.permit.state is PermitState.USED and desk.state.belt_um < parcel.permit.to_um:
            return parcel
    return None


def rest_gate(desk: Desk, reason: str) -> None:
    """Gate to INSPECT at once. The device drops every pulse, so every permit still waiting is void too."""
    desk.commands.append(RestGate())
    for parcel in desk.state.parcels.values():
        if parcel.permit.state is PermitState.ISSUED:
            void_only(desk, parcel, reason)
            desk.ground(parcel, Ground.PERMIT_VOID)


def void_all(desk: Desk, reason: str) -> None:
    """No permit survives: a Hold, a lost link, a restart. A parcel already through the gate keeps its used one."""
    found = False
    for parcel in desk.state.parcels.values():
        if not through_gate(desk, parcel) and void_only(desk, parcel, reason):
            desk.ground(parcel, Ground.PERMIT_VOID)
            found = True
    if found:
        desk.commands.append(RestGate())


def doubt(desk: Desk, parcel: Parcel, ground: Ground) -> None:
    """Add a ground at any time; a permit that the parcel holds is void from here on."""
    if desk.ground(parcel, ground) and parcel.decided:
        void(desk, parcel, ground.value)


def flush(desk: Desk, cause: str, *, restart: bool = False) -> None:
    """Everything on the belt goes to INSPECT."""
    parcels = desk.state.parcels.values()
    if restart:
        for parcel in parcels:
            void_only(desk, parcel, cause)
    else:
        void_all(desk, cause)
    for parcel in parcels:
        if not through_gate(desk, parcel):
            desk.ground(parcel, Ground.FLUSHED, announce=False)
    seqs = tuple(parcel.seq for parcel in parcels if Ground.FLUSHED in parcel.grounds)
    desk.events.append(BeltFlushed(at_us=desk.at_us, belt_um=desk.belt_um, cause=str(cause), seqs=seqs))
    if seqs and not restart:
        desk.alarm(Alarm.BELT_FLUSHED, detail=f"{cause}: {len(seqs)} parcels")


def gate_zone(desk: Desk) -> list[Parcel]:
    """Parcels between the decision point and the exits."""
    belt = desk.state.belt_um
    return [parcel for parcel in desk.state.parcels.values() if belt >= parcel.body.anchor_um + desk.decision_um]


def gate_in_position(desk: Desk, item: GateInPosition) -> None:
    """An end switch proved a position: the permit it belongs to is used, or the gate moved for nobody."""
    machine = desk.machine
    machine.gate_home = item.position is GatePosition.INSPECT
    if item.position is GatePosition.MOVING:
        return
    desk.events.append(
        GateProven(at_us=desk.at_us, belt_um=desk.belt_um, position=item.position.value, permit_no=item.permit_no)
    )
    if item.position is not GatePosition.RELEASE or machine.phase is Phase.PROOF:
        return
    for parcel in desk.state.parcels.values():
        permit = parcel.permit
        if permit.permit_no == item.permit_no and permit.state is PermitState.ISSUED:
            if permits.covers(permit, item.belt_um, desk.lag_um):
                permits.use(permit)
                desk.events.append(
                    PermitUsed(at_us=desk.at_us, belt_um=desk.belt_um, seq=parcel.seq, permit_no=permit.permit_no)
                )
                return
            unproven(desk, parcel)
            return
        if permit.permit_no == item.permit_no and permit.state is not PermitState.NONE:
            return  # used already, or opened in the moment in which it was voided: the exit eye tells
    if desk.executing():
        desk.commands.append(RestGate())
        desk.want(Cause.GATE_FAULT, detail=f"gate at RELEASE for permit {item.permit_no}, which nobody holds")


def unproven(desk: Desk, parcel: Parcel) -> None:
    """The gate did not prove RELEASE in time for this permit."""
    desk.ground(parcel, Ground.GATE_UNPROVEN)
    void_only(desk, parcel, "gate position not proven in time")
    rest_gate(desk, "gate unproven")
    desk.want(Cause.GATE_UNPROVEN, seq=parcel.seq)


def proof_due(desk: Desk, parcel: Parcel) -> None:
    """The belt position by which the gate must have answered is reached."""
    if parcel.permit.state is PermitState.ISSUED:
        unproven(desk, parcel)


def gate_fault(desk: Desk, item: GateFault) -> None:
    """The gate contradicts itself: nothing passes it with a permit. A refused pulse ends its own permit only."""
    if desk.machine.phase is Phase.PROOF:
        return
    for parcel in desk.state.parcels.values():
        permit = parcel.permit
        if permit.state is PermitState.ISSUED and item.reason.startswith(f"permit {permit.permit_no} refused"):
            void_only(desk, parcel, item.reason)
            desk.ground(parcel, Ground.PERMIT_VOID)
            return
    void_all(desk, "gate fault")
    for parcel in gate_zone(desk):
        if not through_gate(desk, parcel):
            desk.ground(parcel, Ground.DEVICE_DOUBT)
    desk.want(Cause.GATE_FAULT, detail=item.reason)


def output_proven(desk: Desk, item: OutputProven) -> None:
    """Read-back of an output: noted by the journal; the end switches decide (C5)."""
