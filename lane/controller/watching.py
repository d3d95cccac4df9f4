"""What devices and the safety chain tell of themselves: links lost and back, restarts, safety, journal, outbox.

Gaps up to a second need nobody; longer ones, tripped watchdogs and restarts hold the lane; safety aborts it.
"""

from collections.abc import Iterable

from devices.signals import DeviceRestarted, LinkLost, LinkRestored, SafetyChanged, StrangerRefused
from lane.controller.deciding import AUXILIARY
from lane.controller.desk import Desk
from lane.controller.permitting import GATE_DUES, flush, gate_zone, through_gate, void_all
from lane.controller.state import Due, Link
from lane.errors import CAUSES, Alarm, Cause
from lane.inputs import JournalFailed, OutboxLevel
from lane.model.grounds import Ground
from lane.model.words import State

STUCK_US_MAX = 2_000_000
"""A running belt that moves less than a millimetre in this time is stuck."""
STUCK_UM = 1_000
CHAIN_US_MAX = 10_000_000
"""A device that answers again tells its part of the chain within a poll, also at the highest twin speed; what it then
has not told closed is open."""
_CHAIN = tuple(
    (cause, Alarm(CAUSES[cause][1]))
    for cause in (Cause.EMERGENCY_STOP, Cause.GUARD_OPEN, Cause.INTERLOCK_OPEN, Cause.KEY_OFF)
)
"""Parts of the safety chain, in the order in which they are looked at."""
_TOLD_BY = {Cause.INTERLOCK_OPEN: ("cabinet", "source")}
"""Which devices report a part of the chain; the parts not named here come from the cabinet alone."""


def do_not_answer(roles: Iterable[str]) -> str:
    """``io, drive do not answer``: every role, none twice."""
    names = sorted(roles)
    return f"{', '.join(names)} {'do' if len(names) > 1 else 'does'} not answer"


def outbox_level(desk: Desk, item: OutboxLevel) -> None:
    """Messages that wait for their receiver."""
    machine = desk.machine
    machine.outbox_full = item.full
    desk.census_due = True
    if item.full:
        desk.want(Cause.OUTBOX_FULL, detail=f"{item.waiting} messages wait")
    elif Cause.OUTBOX_FULL in machine.throttles:
        machine.throttles.remove(Cause.OUTBOX_FULL)
        desk.calm(Alarm.OUTBOX_FULL)


def journal_failed(desk: Desk, item: JournalFailed) -> None:
    """No record is durable from here on (I16)."""
    desk.machine.journal_failed = True
    void_all(desk, "journal failed")
    for parcel in desk.state.parcels.values():
        desk.ground(parcel, Ground.JOURNAL_DOUBT)
    desk.want(Cause.JOURNAL_FAILED, detail=item.reason)


def link_lost(desk: Desk, item: LinkLost) -> None:
    """A device does not answer: permits are void, parcels at the gate in doubt, and after a while the lane holds."""
    machine = desk.machine
    if item.role in AUXILIARY:
        machine.links.setdefault(item.role, Link(lost_us=desk.state.at_us))
        silent = machine.links.keys() & AUXILIARY
        desk.alarm(Alarm.AUXILIARY_LOST, detail=f"{do_not_answer(silent)}; {item.role}: {item.reason}")
        return
    void_all(desk, f"link to {item.role} lost")
    for parcel in gate_zone(desk):
        if not through_gate(desk, parcel):
            desk.ground(parcel, Ground.DEVICE_DOUBT)
    if item.role in machine.links:
        return
    machine.links[item.role] = Link(lost_us=desk.state.at_us)
    desk.due_time(desk.state.at_us + desk.config.link_hold_us, Due.LINK, 0)
    silent = machine.links.keys() - AUXILIARY
    desk.alarm(Alarm.LINK_LOST, detail=f"{do_not_answer(silent)}; {item.role}: {item.reason}")
    if Cause.CHAIN_UNKNOWN in machine.safety_faults:
        desk.retell(Alarm.CHAIN_UNKNOWN, do_not_answer(_silent_chain(desk)))


def link_due(desk: Desk) -> None:
    """A needed device has been away too long."""
    machine, hold_us, late = desk.machine, desk.config.link_hold_us, False
    for role, link in machine.links.items():
        if role not in AUXILIARY and not link.held and desk.state.at_us >= link.lost_us + hold_us:
            link.held = late = True
    if late:
        held = [role for role, link in machine.links.items() if link.held]
        desk.want(Cause.LINK_LOST, detail=do_not_answer(held))


def link_restored(desk: Desk, item: LinkRestored) -> None:
    """It answers again: a short gap without a tripped watchdog needs nobody, anything else an officer's Unhold."""
    machine = desk.machine
    machine.links.pop(item.role, None)
    if item.role in AUXILIARY:
        if silent := machine.links.keys() & AUXILIARY:
            desk.retell(Alarm.AUXILIARY_LOST, do_not_answer(silent))
        else:
            desk.calm(Alarm.AUXILIARY_LOST)
        return
    if Cause.CHAIN_UNKNOWN in machine.safety_faults:
        desk.due_time(desk.state.at_us + CHAIN_US_MAX, Due.CHAIN, 0)
        if silent := _silent_chain(desk):
            desk.retell(Alarm.CHAIN_UNKNOWN, do_not_answer(silent))
    if item.role == "io":
        machine.io_back_um = desk.state.belt_um
    if item.role == "detector":
        desk.state.last_line = -1  # its line counter starts anew with the connection
    if item.watchdog_tripped:
        machine.proof_needed = machine.proof_needed or item.role == "io"
        desk.want(Cause.WATCHDOG_TRIPPED, detail=item.role)
    elif item.gap_us > desk.config.link_gap_us_max:
        desk.want(Cause.LINK_LOST, detail=f"{item.role} was away for {item.gap_us // 1000} ms")
    if silent := machine.links.keys() - AUXILIARY:
        desk.retell(Alarm.LINK_LOST, do_not_answer(silent))
    else:
        desk.calm(Alarm.LINK_LOST)


def device_restarted(desk: Desk, item: DeviceRestarted) -> None:
    """Boot counter changed: registers start anew; with the lane I/O the encoder does too."""
    machine, state = desk.machine, desk.state
    if item.role in AUXILIARY:
        return
    if item.role == "detector":
        state.last_line = -1
    if item.role == "io":
        flush(desk, "lane I/O restarted")
        machine.belt_unknown = machine.proof_needed = True
        state.covers.clear()
        if item.belt_um < state.belt_um:
            rebase(desk, item.belt_um - state.belt_um)
    else:
        void_all(desk, f"{item.role} restarted")
    desk.want(Cause.DEVICE_RESTARTED, detail=f"{item.role}, boot {item.boot}")


def stranger_refused(desk: Desk, item: StrangerRefused) -> None:
    """Somebody else writes to the lane I/O and is refused: nothing moved, but a person must find him."""
    desk.alarm(Alarm.STRANGER_REFUSED, detail=f"{item.writes} writes refused")


def rebase(desk: Desk, by_um: int) -> None:
    """The encoder started anew: every remembered position moves with it. All of them are flushed already."""
    state, machine = desk.state, desk.machine
    state.belt_um += by_um
    for body in [*desk.bodies, *state.strays]:
        body.head_um += by_um
        body.anchor_um += by_um
        if body.tail_um >= 0:
            body.tail_um += by_um
    state.belt_due[:] = sorted(
        (at_um + by_um, kind, number) for at_um, kind, number in state.belt_due if kind not in GATE_DUES
    )  # a sorted list is a heap; the gate is proven anew with the watchdog
    desk.stale_due = True
    machine.gate_home_um = machine.gate_out_um = machine.gate_closes_um = -1
    state.last_tail_um, state.fault_until_um = -1, state.fault_until_um + by_um
    state.flushed_um += by_um
    state.permit_home_um += by_um
    machine.io_back_um = machine.moved_um = state.belt_um
    machine.beam_until_um += by_um
    machine.flush_to_um += by_um


def safety_changed(desk: Desk, item: SafetyChanged) -> None:
    """The hardware chain, observed: any part lost aborts; its return starts nothing (C9).

    A device that does not answer reports its parts as not closed. Nobody has seen them open: the chain is unknown.
    """
    machine = desk.machine
    machine.safety_known = True
    whole = item.estop_ok and item.guard_ok and item.interlock_ok and item.key_on
    if whole and not machine.safety_faults and not desk.state.alarms.entries:
        return  # only the X-ray went on or off
    silent = _silent_chain(desk)
    faults: list[Cause] = []
    for ok, (cause, alarm) in zip((item.estop_ok, item.guard_ok, item.interlock_ok, item.key_on), _CHAIN, strict=True):
        if ok:
            desk.calm(alarm)
        elif cause in machine.safety_faults or silent.isdisjoint(_TOLD_BY.get(cause, ("cabinet",))):
            faults.append(cause)
        elif Cause.CHAIN_UNKNOWN not in faults:
            faults.append(Cause.CHAIN_UNKNOWN)
    _fault(desk, faults)


def chain_due(desk: Desk) -> None:
    """A device of the chain answers again and has not told its part closed: then it is open."""
    if Cause.CHAIN_UNKNOWN in desk.machine.safety_faults and not _silent_chain(desk):
        _fault(desk, [cause for cause, _ in _CHAIN])


def _fault(desk: Desk, faults: list[Cause]) -> None:
    machine = desk.machine
    running = machine.state not in (State.STOPPED, State.IDLE, State.ABORTED, State.ABORTING, State.COMPLETE)
    if Cause.CHAIN_UNKNOWN not in faults:
        desk.calm(Alarm.CHAIN_UNKNOWN)
    for cause in faults:
        if cause not in machine.safety_faults and (running or cause is not Cause.KEY_OFF):
            flush(desk, cause.value)
            unknown = cause is Cause.CHAIN_UNKNOWN
            desk.want(cause, detail=do_not_answer(_silent_chain(desk)) if unknown else "")
    machine.safety_faults = faults


def _silent_chain(desk: Desk) -> set[str]:
    """Devices of the safety chain that do not answer."""
    return desk.machine.links.keys() & {"cabinet", "source"}


def stuck_check(desk: Desk) -> None:
    """A belt that should run and stands still: called with each clock deadline."""
    machine, state = desk.machine, desk.state
    if state.belt_um - machine.moved_um >= STUCK_UM or not (machine.belt_wanted and machine.belt_running):
        machine.moved_um, machine.moved_us = state.belt_um, state.at_us
    elif state.at_us - machine.moved_us > STUCK_US_MAX:
        machine.moved_us = state.at_us
        desk.want(Cause.BELT_STUCK, detail="the encoder stands still")
