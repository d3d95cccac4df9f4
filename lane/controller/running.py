"""The machine at work: orders of state, causes, start-up with flush run and watchdog proof, links and safety."""

from devices.commands import AllowInduction, Light, ProveWatchdog, RestGate, RunBelt, SetBeam, ShowLight, StopBelt
from devices.signals import WatchdogProven
from lane import machine as packml
from lane.controller import drawing
from lane.controller.deciding import AUXILIARY
from lane.controller.desk import Desk
from lane.controller.permitting import flush, through_gate, void_all
from lane.controller.state import Due, GateSeen, Phase
from lane.errors import CAUSES, Alarm, Cause, Kind, kind_of
from lane.events.machine import StateChanged
from lane.machine import Command
from lane.model.config import EYE_DIVERT, EYE_EXIT_INSPECT, EYE_EXIT_RELEASE
from lane.model.words import State

DRIVE_US_MAX = 5_000_000
"""Drive ramps take half a second; ten times that and the drive did not obey."""
PROOF_US_MAX = 60_000_000
"""Silence of 1.5 watchdog times (wall) and reading back, at the highest twin speed; later the proof failed."""

LIGHTS = {
    State.EXECUTE: Light.GREEN,
    State.HELD: Light.RED,
    State.HOLDING: Light.RED,
    State.ABORTED: Light.RED,
    State.ABORTING: Light.RED,
    State.STOPPED: Light.OFF,
    State.IDLE: Light.OFF,
    State.COMPLETE: Light.OFF,
}
"""Stack light by state; every other state is YELLOW (waiting)."""
_EXECUTE, _SUSPENDED = State.EXECUTE, State.SUSPENDED
_BENCH_FULL, _RELEASE_AREA_FULL = Cause.BENCH_FULL, Cause.RELEASE_AREA_FULL
_SETTLES_TO_REST = (State.HOLDING, State.ABORTING, State.SUSPENDING)
_RUNS_EMPTY = (State.EXECUTE, State.SUSPENDING, State.UNSUSPENDING)
_GATE_EYES = (EYE_DIVERT, EYE_EXIT_RELEASE, EYE_EXIT_INSPECT)


def change(desk: Desk, reached: State, cause: Cause, person: str = "") -> None:
    """Enter a state, show it, and leave everything that belongs to EXECUTE when leaving it (I17)."""
    machine = desk.machine
    was = machine.state
    machine.state = reached
    desk.census_due = True
    desk.events.append(
        StateChanged(at_us=desk.at_us, belt_um=desk.belt_um, left=was, reached=reached, cause=str(cause), person=person)
    )
    if was is State.EXECUTE:
        void_all(desk, f"lane left EXECUTE: {cause}")
        beam_off(desk)
    light = LIGHTS.get(reached, Light.YELLOW)
    if reached is State.HELD and Cause.HELD_BY_PERSON in machine.causes and len(machine.causes) == 1:
        light = Light.YELLOW
    if light.value != machine.light:
        machine.light = light.value
        desk.commands.append(ShowLight(light=light))


def beam_off(desk: Desk) -> None:
    """X-ray request off."""
    if desk.machine.beam:
        desk.machine.beam = False
        desk.commands.append(SetBeam(on=False))


def _drive_by(desk: Desk, number: int) -> None:
    """The drive must have obeyed within its time. Only its last order counts: the deadline of an earlier one would
    hold a belt that was started again a moment ago."""
    due = desk.state.time_due
    due[:] = sorted(entry for entry in due if entry[1] != Due.DRIVE)  # a sorted list is a heap
    desk.due_time(desk.state.at_us + DRIVE_US_MAX, Due.DRIVE, number)


def run_belt(desk: Desk) -> None:
    """Belt to its working speed."""
    machine = desk.machine
    machine.belt_wanted = True
    machine.moved_um, machine.moved_us = desk.state.belt_um, desk.state.at_us
    desk.commands.append(RunBelt(speed_um_s=desk.config.speed_um_s))


def stop_belt(desk: Desk) -> None:
    """Belt to rest."""
    desk.machine.belt_wanted = False
    desk.commands.append(StopBelt())


def induct(desk: Desk) -> None:
    """Room for what is on the belt, then whether upstream may feed: said when that changed."""
    machine = desk.machine
    throttle(desk)
    allowed = machine.state is _EXECUTE and not machine.throttles and drawing.can_draw(desk)
    if allowed != machine.induction:
        machine.induction = allowed
        desk.commands.append(AllowInduction(allowed=allowed))


def command(desk: Desk, given: Command, cause: Cause, person: str = "") -> str:
    """Give a PackML command. Returns why it is refused ("" when obeyed)."""
    machine = desk.machine
    reached = packml.reach(machine.state, given)
    if reached is None:
        return packml.refusal(machine.state, given)
    reason = _guard(desk, given)
    if reason:
        return reason
    was = machine.state
    change(desk, reached, cause, person)
    _enter(desk, was, reached)
    return ""


def _guard(desk: Desk, given: Command) -> str:
    """What must be true before a person's command is obeyed."""
    machine = desk.machine
    if given not in (Command.RESET, Command.START, Command.UNHOLD, Command.CLEAR):
        return ""
    if machine.journal_failed:
        return "the journal can't be written; restart the lane"
    if not machine.safety_known:
        return "the safety chain has not reported yet"
    if machine.safety_faults == [Cause.CHAIN_UNKNOWN]:
        silent = ", ".join(sorted(machine.links.keys() & {"cabinet", "source"})) or "a device that"
        return f"safety chain unknown: {silent} has not reported it"
    if machine.safety_faults:
        return "safety chain open: " + ", ".join(machine.safety_faults)
    if given is Command.CLEAR:
        return ""
    if machine.gate in (GateSeen.MOVING, GateSeen.RELEASE):
        return "the gate is not at INSPECT; free it by hand"
    lost = sorted(machine.links.keys() - AUXILIARY)
    if lost:
        return "no link to " + ", ".join(lost)
    if given in (Command.RESET, Command.START) and not drawing.can_draw(desk):
        return "no draw epoch with a key is open"
    if given is not Command.RESET and _barred(desk):
        places, waiting = desk.config.bench_places, len(desk.state.parcels)
        return f"the bench is full ({places} places), and the belt would bring it {waiting} more; record a result there"
    return ""


def _barred(desk: Desk) -> bool:
    """Whether the bench is full and the belt would bring it one more parcel."""
    state = desk.state
    if len(state.bench) < desk.config.bench_places:
        return False
    return not all(through_gate(desk, parcel) for parcel in state.parcels.values())


def _enter(desk: Desk, was: State, reached: State) -> None:
    """First act of an acting state."""
    machine = desk.machine
    machine.phase = Phase.NONE
    if reached in (State.RESETTING, State.CLEARING):
        machine.causes.clear()
        change(desk, packml.DONE[reached], Cause.PROVEN)
    elif reached in (State.STARTING, State.UNHOLDING):
        machine.causes.clear()
        _calm_holds(desk)
        _start(desk)
    elif reached is State.UNSUSPENDING:
        machine.phase = Phase.RUN
        run_belt(desk)
        _drive_by(desk, int(reached))
    elif reached in (State.STOPPING, State.COMPLETING) and was in _RUNS_EMPTY and machine.belt_running:
        machine.phase = Phase.FLUSH
        machine.flush_to_um = desk.state.belt_um
        _empty_by(desk)
    else:
        _rest(desk)
    advance(desk)


def _rest(desk: Desk) -> None:
    """Belt to rest, gate at INSPECT."""
    machine = desk.machine
    if machine.state is not State.SUSPENDING:
        desk.commands.append(RestGate())
    beam_off(desk)
    stop_belt(desk)
    machine.phase = Phase.SETTLE
    _drive_by(desk, int(machine.state))


def _start(desk: Desk) -> None:
    """STARTING and UNHOLDING: flush what is in doubt, prove the watchdog, run."""
    machine, state = desk.machine, desk.state
    starting = machine.state is State.STARTING
    if not starting and not machine.proof_needed and not machine.belt_unknown:
        _to_speed(desk)
        return
    if machine.belt_unknown or state.parcels or state.strays or not _gate_zone_clear(desk):
        machine.phase = Phase.FLUSH
        machine.flush_to_um = state.belt_um
        if machine.belt_unknown:
            machine.flush_to_um += desk.layout.exit_inspect_um + desk.layout.parcel_um_max + desk.lag_um
        _empty_by(desk)
        if state.parcels:
            flush(desk, "flush run before the watchdog proof")
        run_belt(desk)
        _drive_by(desk, -int(machine.state))
        return
    _settle_for_proof(desk)


def _settle_for_proof(desk: Desk) -> None:
    machine = desk.machine
    machine.belt_unknown = False
    desk.state.strays.clear()
    if machine.belt_running:
        stop_belt(desk)
        machine.phase = Phase.SETTLE
        _drive_by(desk, int(machine.state))
    else:
        machine.phase = Phase.PROOF
        desk.commands.append(ProveWatchdog())
        desk.due_time(desk.state.at_us + PROOF_US_MAX, Due.PROOF, 0)


def _to_speed(desk: Desk) -> None:
    machine = desk.machine
    machine.phase = Phase.RUN
    run_belt(desk)
    _drive_by(desk, int(machine.state))


def _gate_zone_clear(desk: Desk) -> bool:
    return not any(eye in desk.state.covers for eye in _GATE_EYES)


def _empty_by(desk: Desk) -> None:
    """The eyes at the gate must be clear two longest parcels behind the end of a flush run, and so must an eye that a
    late body covers."""
    covers = desk.state.covers
    begins_um = max([desk.machine.flush_to_um, *(covers[eye].from_um for eye in _GATE_EYES if eye in covers)])
    due_um = begins_um + 2 * desk.layout.parcel_um_max + desk.lag_um
    desk.due_belt(max(due_um, desk.state.belt_um + desk.lag_um), Due.FLUSH, 0)


def flush_due(desk: Desk) -> None:
    """The belt ran empty and an eye stays covered: something lies there, or the eye is dirty, and nobody else tells."""
    machine, state, layout = desk.machine, desk.state, desk.layout
    if machine.phase is not Phase.FLUSH:
        return
    over_um = state.belt_um - 2 * layout.parcel_um_max - desk.lag_um
    covered = [eye for eye in _GATE_EYES if eye in state.covers]
    if state.parcels or over_um < max([machine.flush_to_um, *(state.covers[eye].from_um for eye in covered)]):
        _empty_by(desk)
    elif covered:
        desk.want(Cause.JAM, detail=f"eye {', '.join(covered)} stays covered while the belt runs empty")


def advance(desk: Desk) -> None:
    """See whether the acting state has what it waits for. Called at the end of every step that may bring it."""
    machine, state = desk.machine, desk.state
    if machine.phase is Phase.FLUSH:
        if state.parcels or state.belt_um < machine.flush_to_um or not _gate_zone_clear(desk):
            return
        if machine.belt_wanted and not machine.belt_running:
            return  # told to run and not heard of yet: the gate is not opened for a proof above a belt on its way
        if machine.state in (State.STARTING, State.UNHOLDING):
            _settle_for_proof(desk)
        else:
            _rest(desk)
    if machine.phase is Phase.SETTLE and not machine.belt_running:
        if machine.state in (State.STARTING, State.UNHOLDING):
            _settle_for_proof(desk)
        else:
            _done(desk)
    elif machine.phase is Phase.RUN and machine.belt_running:
        _done(desk)


def _done(desk: Desk) -> None:
    """The acting state's signal has come."""
    machine = desk.machine
    machine.phase = Phase.NONE
    change(desk, packml.DONE[machine.state], Cause.PROVEN)
    if machine.state in (State.STOPPED, State.COMPLETE) and not desk.state.parcels:
        desk.snapshot_due = True


def watchdog_proven(desk: Desk, item: WatchdogProven) -> None:
    """Answer to the proof at start-up; without it the lane does not run."""
    machine = desk.machine
    if machine.phase is not Phase.PROOF:
        return
    if not item.ok:
        desk.want(Cause.WATCHDOG_UNPROVEN, detail=item.reason or f"output fell after {item.drop_us} us")
        return
    machine.proof_needed = False
    desk.calm(Alarm.WATCHDOG_UNPROVEN)
    _to_speed(desk)


def drive_due(desk: Desk, number: int) -> None:
    """The drive had time enough to obey. A number below zero belongs to the flush run of its state."""
    machine = desk.machine
    if int(machine.state) == -number and machine.phase is Phase.FLUSH and not machine.belt_running:
        desk.want(Cause.BELT_STUCK, detail="the drive did not start for the flush run")
    if int(machine.state) != number:
        return
    if machine.phase is Phase.RUN:
        desk.want(Cause.BELT_STUCK, detail="the drive did not start")
    elif machine.phase is Phase.SETTLE:
        machine.belt_running = False  # its own watchdog stops it; the lane does not wait for a dead drive
        if machine.state in (State.STARTING, State.UNHOLDING):
            desk.want(Cause.DRIVE_FAULT, detail="the drive did not stop")
        else:
            _done(desk)


def proof_due(desk: Desk) -> None:
    """No answer to the watchdog proof."""
    if desk.machine.phase is Phase.PROOF:
        desk.want(Cause.WATCHDOG_UNPROVEN, detail="no answer to the proof")


def settle(desk: Desk) -> None:
    """Obey what the step asked for: the strongest cause decides, every alarm is raised."""
    machine = desk.machine
    wants, desk.wants = desk.wants, []
    wants.sort(key=lambda want: -packml.rank(want[0]))
    for cause, seq, detail, person in wants:
        number = CAUSES[cause][1]
        if number:
            desk.alarm(Alarm(number), seq, detail)
        kind = kind_of(cause)
        if kind is Kind.SUSPEND:
            if cause not in machine.throttles:
                machine.throttles.append(cause)
        else:
            if cause not in machine.causes:
                machine.causes.append(cause)
            refused = command(desk, packml.COMMANDS[kind], cause, person)
            if refused and machine.phase is Phase.FLUSH and kind is Kind.HOLD:
                _rest(desk)  # a fault while the belt runs empty: stop where it is, the next start flushes
                advance(desk)


def throttle(desk: Desk) -> None:
    """Outside causes: bench, release area or outbox full stop induction; the empty belt then waits in SUSPENDED."""
    state, config, machine = desk.state, desk.config, desk.machine
    on_belt = len(state.parcels)
    bench_free = config.bench_places - len(state.bench) - on_belt
    area_free = config.release_places - len(state.released) - on_belt
    if bench_free <= 0 or area_free <= 0 or machine.throttles:
        _full(desk, _BENCH_FULL, bench_free, config.bench_places)
        _full(desk, _RELEASE_AREA_FULL, area_free, config.release_places)
        if _barred(desk):
            _bar(desk)
    if machine.throttles:
        if machine.state is _EXECUTE and not state.parcels and not state.covers:
            command(desk, Command.SUSPEND, machine.throttles[0])
    elif machine.state is _SUSPENDED:
        command(desk, Command.UNSUSPEND, Cause.CURED)


def _bar(desk: Desk) -> None:
    """The bench is full and the belt still carries something to it: parcels that came after induction was told to end,
    because the order was slow on its way. The belt stops until there is a place."""
    machine = desk.machine
    if _BENCH_FULL not in machine.throttles:
        machine.throttles.append(_BENCH_FULL)
        desk.alarm(Alarm.BENCH_FULL)
    if machine.belt_wanted and command(desk, Command.HOLD, _BENCH_FULL) and machine.phase is Phase.FLUSH:
        _rest(desk)  # no Hold from here: it stops where it is, the next start flushes
        advance(desk)


def _full(desk: Desk, cause: Cause, free: int, places: int) -> None:
    """Throttle when no place is free for what is on the belt; end it when a tenth (at least one) is free again."""
    machine = desk.machine
    if cause in machine.throttles:
        if free > places // 10:
            machine.throttles.remove(cause)
            desk.calm(Alarm(CAUSES[cause][1]))
    elif free <= 0 and machine.state is State.EXECUTE:
        machine.throttles.append(cause)
        desk.alarm(Alarm(CAUSES[cause][1]))


_HOLD_ALARMS = [Alarm(number) for kind, number in CAUSES.values() if kind is Kind.HOLD and number]


def _calm_holds(desk: Desk) -> None:
    """An officer took the lane up again: the causes of the Hold are cured."""
    for number in _HOLD_ALARMS:
        desk.calm(number)
