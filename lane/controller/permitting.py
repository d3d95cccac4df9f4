"""Permits of the lane and the gate that obeys them: issue, prove, void, flush.

Invariants asserted here: I1 (no actuation without a permit), I10 (used once, inside its window), I17 (gate at INSPECT
outside EXECUTE).
"""

from devices.commands import ReleasePulse, RestGate
from devices.signals import POINT_RELEASE, GateFault, GateInPosition, GatePosition, OutputProven
from lane import permits
from lane.controller.desk import Desk
from lane.controller.state import Due, GateSeen, Machine, Parcel, Phase
from lane.errors import Alarm, Cause
from lane.events.machine import BeltFlushed, GateProven
from lane.events.parcel import PermitIssued, PermitUsed, PermitVoided
from lane.model.grounds import Ground
from lane.model.words import Route
from lane.permits import PermitState
from lane.tracking import Body, tail_um

_SEEN = {position: (GateSeen(position.value), str(position.value)) for position in GatePosition}
"""By end switch: what the machine remembers of it, and its word in the journal."""
_MOVING, _OUT, _HOME, _UNKNOWN = GateSeen.MOVING, GateSeen.RELEASE, GateSeen.INSPECT, GateSeen.UNKNOWN
_NONE, _ISSUED, _USED, _PROOF = PermitState.NONE, PermitState.ISSUED, PermitState.USED, Phase.PROOF
_RELEASE = Route.RELEASE
REPEATED = "repeated"
"""In the reason of a refusal: the device had this permit already."""
GATE_DUES = (Due.GATE_LEFT, Due.GATE_HOME)
"""Deadlines of the closing gate; their number is the belt position at which it had to close."""


def window_free(desk: Desk, parcel: Parcel) -> bool:
    """Whether the gate is back at INSPECT, after the parcel ahead, before it must open for this one."""
    return parcel.body.anchor_um + desk.ways.open_um >= desk.state.permit_home_um


def issue(desk: Desk, parcel: Parcel) -> None:
    """Issue the parcel's only permit and hand the pulse to the device."""
    assert desk.executing(), "I17: permit outside EXECUTE"
    assert parcel.decided, "I3: permit before the decision"
    assert parcel.route is _RELEASE, "I1: permit against the decided route"
    assert not parcel.grounds, "I2: permit with an open ground"
    assert parcel.has_draw, "I4: permit without a draw"
    assert not parcel.effective, "I5: permit for an effective draw"
    assert parcel.image_sha256, "I9: permit without a bound image"
    assert parcel.permit.state is _NONE, "I10: second permit for one parcel"
    state = desk.state
    state.permit_no = permits.next_number(state.permit_no)
    permit = permits.issue(
        desk.ways,
        state.permit_no,
        head_um=parcel.body.anchor_um,
        tail_um=tail_um(parcel.body, desk.layout.parcel_um_max),
        at_us=state.at_us,
        belt_um=state.belt_um,
    )
    parcel.permit = permit
    state.permit_home_um = permit.to_um + desk.ways.home_again_um
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
            pulse_ms=permits.pulse_ms(desk.ways, permit),
            not_after_us=permit.not_after_us,
        )
    )
    desk.due_belt(permit.proved_by_um, Due.GATE, parcel.seq)


def through_gate(desk: Desk, parcel: Parcel) -> bool:
    """Whether its head is past the gate, which stood open for it: nothing can call it back any more."""
    used = parcel.permit.state is _USED
    return used and desk.state.belt_um >= parcel.body.anchor_um + desk.layout.gate_um


def void(desk: Desk, parcel: Parcel, reason: str) -> bool:
    """End the parcel's permit and rest the gate. False when it has none, or when its head is through the gate.

    While the gate stands open for the parcel ahead, resting it waits until that one's tail is past.
    """
    if through_gate(desk, parcel) or not void_only(desk, parcel, reason):
        return False
    closes_um = desk.machine.gate_closes_um
    if desk.state.belt_um < min(closes_um, parcel.permit.from_um):  # it stands open for the parcel ahead
        desk.due_belt(closes_um, Due.REST, parcel.seq)
    else:
        rest_gate(desk, reason)
    return True


def void_only(desk: Desk, parcel: Parcel, reason: str) -> bool:
    """End the permit without touching the gate."""
    permit = parcel.permit
    if not permits.void(permit):
        return False
    desk.stale_due = True
    desk.events.append(
        PermitVoided(at_us=desk.at_us, belt_um=desk.belt_um, seq=parcel.seq, permit_no=permit.permit_no, reason=reason)
    )
    return True


def rest_gate(desk: Desk, reason: str) -> None:
    """Gate to INSPECT at once. The device drops every pulse, so every permit still waiting is void too."""
    _send_home(desk)
    for parcel in desk.state.parcels.values():
        if parcel.permit.state is _ISSUED:
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
        _send_home(desk)


def _send_home(desk: Desk) -> None:
    """Gate to INSPECT at once; when it is away from there, its switches must prove that it obeys."""
    desk.commands.append(RestGate())
    if desk.machine.gate is not _HOME:
        _expect_home(desk, desk.state.belt_um + desk.ways.command_um)


def doubt(desk: Desk, parcel: Parcel, ground: Ground) -> None:
    """Add a ground at any time; a permit that the parcel holds is void from here on."""
    if desk.ground(parcel, ground) and parcel.decided:
        void(desk, parcel, ground.value)


def flush(desk: Desk, cause: str, *, restart: bool = False) -> None:
    """Everything on the belt goes to INSPECT."""
    parcels = desk.state.parcels.values()
    desk.state.flushed_um, desk.state.fault_until_um = desk.state.belt_um, 0
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
    machine, belt_um, permit_no = desk.machine, item.belt_um, item.permit_no
    was = machine.gate
    seen, word = _SEEN[item.position]
    machine.gate = seen
    desk.stale_due = True
    if seen is _MOVING:
        if was is _OUT and machine.phase is not _PROOF:
            _left_out(desk, belt_um)
        return
    if seen is _HOME:
        machine.gate_home_um = belt_um
    else:
        machine.gate_out_um = belt_um
    desk.events.append(GateProven(at_us=desk.at_us, belt_um=desk.belt_um, position=word, permit_no=permit_no))
    if seen is not _OUT or machine.phase is _PROOF:
        return
    for parcel in desk.state.parcels.values():
        permit = parcel.permit
        if permit.permit_no != permit_no or permit.state is _NONE:
            continue
        if permit.state is _ISSUED:
            if permits.covers(permit, belt_um, desk.lag_um):
                permits.use(permit)
                desk.events.append(
                    PermitUsed(at_us=desk.at_us, belt_um=desk.belt_um, seq=parcel.seq, permit_no=permit.permit_no)
                )
                _expect_home(desk, permit.to_um)
                return
            unproven(desk, parcel)
        return  # used already, or opened in the moment in which it was voided: the exit eye tells
    if not desk.executing():
        return
    if permit_no and permit_no not in permits.PROOF_PERMITS and not permits.was_issued(permit_no, desk.state.permit_no):
        foreign(desk, permit_no)
        return
    desk.commands.append(RestGate())
    desk.want(Cause.GATE_FAULT, detail=f"gate at RELEASE for permit {permit_no}, which nobody holds")


def foreign(desk: Desk, permit_no: int) -> None:
    """The gate was opened for a permit that this lane never issued: home with it, and nothing on the belt is certain.

    What may have passed meanwhile is told by the release exit, where nobody has a used permit any more.
    """
    desk.commands.append(RestGate())
    _expect_home(desk, desk.state.belt_um + desk.ways.command_um)
    if Cause.FOREIGN_PERMIT in desk.machine.causes:
        return  # the next sign of the same upset
    flush(desk, Cause.FOREIGN_PERMIT)
    desk.want(Cause.FOREIGN_PERMIT, detail=f"permit {permit_no} was never issued here")


def unproven(desk: Desk, parcel: Parcel) -> None:
    """The gate did not prove RELEASE in time for this permit."""
    desk.ground(parcel, Ground.GATE_UNPROVEN)
    void_only(desk, parcel, "gate position not proven in time")
    rest_gate(desk, "gate unproven")
    desk.want(Cause.GATE_UNPROVEN, seq=parcel.seq)


def proof_due(desk: Desk, parcel: Parcel) -> None:
    """The belt position by which the gate must have answered is reached."""
    if parcel.permit.state is _ISSUED:
        unproven(desk, parcel)


def _expect_home(desk: Desk, to_um: int) -> None:
    """The gate closes at ``to_um``: set the positions by which it must have left OUT, and must be at HOME again."""
    desk.machine.gate_closes_um = to_um
    desk.due_belt(to_um + desk.ways.left_by_um, Due.GATE_LEFT, to_um)
    desk.due_belt(to_um + desk.ways.home_by_um, Due.GATE_HOME, to_um)


def _left_out(desk: Desk, left_um: int) -> None:
    """The blade is on its way home. A body that comes near is stopped before it, if HOME is not proven until then."""
    belt_um, gate_um = desk.state.belt_um, desk.layout.gate_um
    before_um = belt_um - gate_um  # anchors of bodies before the gate lie beyond this
    coming = [body.anchor_um for body in desk.bodies if body.anchor_um > before_um]
    coming += [body.anchor_um for body in desk.state.strays if body.anchor_um > before_um]
    if coming:
        soonest_um = left_um + desk.ways.home_soonest_um
        at_um = min(coming) + gate_um - desk.ways.stop_um
        desk.due_belt(max(soonest_um, at_um, belt_um + 1), Due.GATE_HOME, left_um)


def _before_gate(desk: Desk, body: Body) -> bool:
    return desk.state.belt_um < body.anchor_um + desk.layout.gate_um


def still_away(machine: Machine, kind: int, to_um: int) -> bool:
    """Whether the blade has not left OUT (GATE_LEFT), or is not back at HOME (GATE_HOME), since closing at a place."""
    if kind == Due.GATE_LEFT:
        return machine.gate is _OUT and machine.gate_out_um < to_um
    return (machine.gate is _MOVING or machine.gate is _OUT) and machine.gate_home_um < to_um


def gate_due(desk: Desk, kind: int, to_um: int) -> None:
    """The gate had time enough to come home behind its parcel. Not there: stop before the next head reaches it."""
    machine = desk.machine
    if not still_away(machine, kind, to_um) or machine.phase is Phase.PROOF:
        return
    reach_um = desk.state.belt_um + desk.ways.stop_um - desk.layout.gate_um
    for parcel in desk.state.parcels.values():
        if _before_gate(desk, parcel.body) and parcel.body.anchor_um <= reach_um:
            desk.ground(parcel, Ground.GATE_UNPROVEN)
    rest_gate(desk, "gate not proven at INSPECT")
    where = "OUT" if kind == Due.GATE_LEFT else "HOME"
    desk.want(Cause.GATE_UNPROVEN, detail=f"end switch {where} did not change in time while the gate closed")


ASTRAY = "the gate is away from INSPECT, and no permit explains it"


def astray(desk: Desk) -> bool:
    """Whether the gate is away from INSPECT and no permit explains it: nobody gets another one."""
    gate = desk.machine.gate
    if gate is _HOME or gate is _UNKNOWN:
        return False
    belt_um, way = desk.state.belt_um, desk.ways
    if belt_um <= desk.machine.gate_closes_um + way.left_by_um + way.home_soonest_um:
        return False
    permits_held = (parcel.permit for parcel in desk.state.parcels.values())
    return not any(permit.state is _ISSUED and permit.from_um <= belt_um for permit in permits_held)


def gate_fault(desk: Desk, item: GateFault) -> None:
    """The gate contradicts itself: nothing passes it with a permit. A refused pulse ends its own permit only."""
    if desk.machine.phase is Phase.PROOF:
        return
    for parcel in desk.state.parcels.values():
        permit = parcel.permit
        if permit.state is PermitState.ISSUED and item.reason.startswith(f"permit {permit.permit_no} refused"):
            if REPEATED in item.reason.lower():  # nobody here sends one twice: a copy, and the first one still stands
                void(desk, parcel, item.reason)
            else:
                void_only(desk, parcel, item.reason)
            desk.ground(parcel, Ground.PERMIT_VOID)
            return
    void_all(desk, "gate fault")
    for parcel in gate_zone(desk):
        if not through_gate(desk, parcel):
            desk.ground(parcel, Ground.DEVICE_DOUBT)
    desk.want(Cause.GATE_FAULT, detail=item.reason)


def output_proven(desk: Desk, item: OutputProven) -> None:
    """Read-back of an output. The end switches prove a permit (C5); the valve betrays one that nobody issued, before
    the blade has moved far."""
    machine, permit_no = desk.machine, item.permit_no
    if not item.level or item.point != POINT_RELEASE or machine.phase is _PROOF:
        return
    if permit_no in permits.PROOF_PERMITS:
        ours = machine.proof_needed  # told late, of a proof that was cut short
    elif permit_no:
        ours = permits.was_issued(permit_no, desk.state.permit_no)
    else:  # a device that names no permit: then the place must be one's
        held = (parcel.permit for parcel in desk.state.parcels.values())
        ours = any(one.state is not _NONE and permits.covers(one, item.belt_um, desk.lag_um) for one in held)
    if not ours:
        foreign(desk, permit_no)
