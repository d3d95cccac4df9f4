"""``LaneController``: the sans-IO core. Inputs in, events and commands out; same inputs, same outputs, everywhere.

::

    core = LaneController(config)
    step = core.handle(item)          # step.events are journalled with the item, then step.commands leave
    core.next_deadline()              # lane clock at which a ClockReached is wanted (None: nothing pending)

One input is handled in five moves: clock and belt advance, deadlines that came due fire, the input's own rule runs,
asked-for changes of state are obeyed, and the step is closed. Nothing here waits, reads a clock or does I/O.
"""

from collections.abc import Callable
from heapq import heapify, heappop
from typing import Any

from devices.commands import AllowInduction, RestGate, SetBeam, StopBelt
from devices.signals import (
    BarcodeRead,
    BeltMoved,
    BeltState,
    DeviceRestarted,
    EncoderDoubt,
    EyeChanged,
    GateFault,
    GateInPosition,
    LinkLost,
    LinkRestored,
    OutputProven,
    SafetyChanged,
    StrangerRefused,
    WatchdogProven,
    WeightMeasured,
)
from lane.codec import from_plain, parse
from lane.commands import Step
from lane.controller import belt, deciding, drawing, evidence, people, permitting, running, watching
from lane.controller.desk import STAGES, Desk
from lane.controller.state import Due, GateSeen, LaneState, Phase
from lane.errors import CAUSES, Alarm, Cause
from lane.events.machine import MessageDone
from lane.inputs import (
    AnyInput,
    ClockReached,
    DeclarationAnswer,
    EpochCommitted,
    EpochNonce,
    EpochOpened,
    EpochQueueLow,
    EpochRevealed,
    FeedState,
    JournalFailed,
    LaneStarted,
    MessageAcknowledged,
    OrderGiven,
    OutboxLevel,
    ScanStored,
    StatusChanged,
    VisionFailed,
    VisionResult,
)
from lane.model.config import EYE_DIVERT, CoreConfig
from lane.model.words import State
from lane.permits import PermitState

STEP_US_MIN = 1_000
"""Shortest wait for a belt position: half a millimetre of belt, the encoder's own step."""
STILL_US = 20_000
"""Wait when the belt did not move since the last look: a poll of the lane I/O."""

_NO_PHASE, _FLUSH, _NOTHING = Phase.NONE, Phase.FLUSH, Step((), ())
_ISSUED, _VOID = PermitState.ISSUED, PermitState.VOID
_SEEN, _IDENTITY, _DECISION, _BEAM_OFF, _REST = Due.SEEN, Due.IDENTITY, Due.DECISION, Due.BEAM_OFF, Due.REST
_RUN_EMPTY = Due.FLUSH
_NEVER_STALE = (_BEAM_OFF, _REST)
Handler = Callable[[Desk, Any], None]


class LaneController:
    """The core of one lane."""

    def __init__(self, config: CoreConfig) -> None:
        """Raises ValueError on a configuration it can't run with (matrix, label patterns, layout)."""
        self.config = config
        self._speed_um_s = config.speed_um_s
        self._desk = Desk(config, LaneState(), b"")
        self._still = False

    @classmethod
    def restore(cls, config: CoreConfig, state: str, key: bytes = b"") -> "LaneController":
        """A controller as it was when it wrote this snapshot. ``key``: secret key of the epoch that was open then
        (``open_epoch`` tells which); the snapshot never holds it, and without it nothing can be drawn."""
        core = cls(config)
        restored = from_plain(LaneState, parse(state.encode()))
        heapify(restored.belt_due)
        heapify(restored.time_due)
        core._desk = Desk(config, restored, key)
        return core

    def snapshot(self) -> str:
        """The whole state as canonical JSON text (without the epoch's secret key)."""
        return self._desk.snapshot()

    @property
    def state(self) -> LaneState:
        """The state, for reading only (figures, console, tests)."""
        return self._desk.state

    @property
    def open_epoch(self) -> int:
        """Number of the open draw epoch (0: none)."""
        draw = self._desk.state.draw
        return draw.epoch if draw.is_open else 0

    def handle(self, item: AnyInput) -> Step:
        """Take one input; the answer lists what was concluded and what is asked for, in this order."""
        desk = self._desk
        state, kind = desk.state, type(item)
        at_us, belt_um = item.at_us, item.belt_um
        desk.at_us, desk.belt_um = at_us, belt_um
        if desk.events:
            desk.events = []
        if desk.commands:
            desk.commands = []
        if at_us > state.at_us:
            state.at_us = at_us
        if belt_um > state.belt_um:
            state.belt_um = belt_um
            self._still = False
        else:
            self._still = kind is ClockReached
        belt_due, time_due = state.belt_due, state.time_due
        if belt_due and belt_due[0][0] <= state.belt_um and not (isinstance(item, LaneStarted) and item.restart):
            desk.stale_due = True
            self._fire_belt(desk)  # a new process decides nothing by what the one before it believed
        if time_due and time_due[0][0] <= state.at_us:
            self._fire_time(desk)
            evidence.forget_counted(desk)
        _HANDLERS[kind](desk, item)
        if desk.census_due or desk.machine.phase is not _NO_PHASE:
            desk.stale_due = True
            if desk.wants or desk.machine.phase is not _NO_PHASE:
                self._settle(desk)
            if desk.census_due:  # who is on the belt, which state, or whether a draw is possible has changed
                desk.census_due = False
                running.induct(desk)
        if state.strays:
            belt.forget_strays(desk)
        if desk.stale_due:
            desk.stale_due = False
            self._drop_stale(state)
        if desk.snapshot_due:
            desk.end()
        if desk.events or desk.commands:
            return Step(tuple(desk.events), tuple(desk.commands))
        return _NOTHING

    @staticmethod
    def _settle(desk: Desk) -> None:
        """Changes of state that were asked for (each set ``census_due``), and what an acting state waits for."""
        while desk.wants:
            running.settle(desk)
        if desk.machine.phase is not _NO_PHASE:
            running.advance(desk)

    def next_deadline(self) -> int | None:
        """Lane clock at which something comes due; later than the last input. None: nothing pending.

        A belt position is turned into time with the configured speed, so that the look is early rather than late;
        a slower belt only means looking again.
        """
        state = self._desk.state
        machine, time_due = state.machine, state.time_due
        deadline = time_due[0][0] if time_due else None
        if machine.belt_running or machine.belt_wanted:
            belt_um, belt_due = state.belt_um, state.belt_due
            position = belt_due[0][0] if belt_due else None
            if machine.phase is _FLUSH:
                flush_to = machine.flush_to_um
                if flush_to > belt_um and (position is None or flush_to < position):
                    position = flush_to
            if position is not None:
                at_us = state.at_us
                look_us = at_us - (belt_um - position) * 1_000_000 // self._speed_um_s
                if look_us < at_us + STILL_US:
                    look_us = max(look_us, at_us + (STILL_US if self._still else STEP_US_MIN))
                if deadline is None or look_us < deadline:
                    deadline = look_us
        assert deadline is None or deadline > state.at_us, f"deadline {deadline} us is not after {state.at_us} us"
        return deadline

    # -- deadlines --------------------------------------------------------------------------------------------------

    @staticmethod
    def _fire_belt(desk: Desk) -> None:
        state = desk.state
        due = state.belt_due
        while due and due[0][0] <= state.belt_um:
            _, kind, number = heappop(due)
            parcel = state.parcels.get(number)
            if kind == _SEEN:
                belt.seen_due(desk, number)
            elif kind == _BEAM_OFF:
                evidence.beam_due(desk)
            elif kind == _RUN_EMPTY:
                running.flush_due(desk)
            elif kind == _REST:
                assert parcel is None or parcel.permit.state is _VOID, "the gate waits to rest for a void permit only"
                permitting.rest_gate(desk, "permit ahead is past")
            elif kind in permitting.GATE_DUES:
                permitting.gate_due(desk, kind, number)
            elif parcel is None:
                continue  # it left in the same step, or before: nobody is looked for any more
            elif kind == _IDENTITY:
                belt.identity_due(desk, parcel)
            elif kind == _DECISION:
                deciding.decision_due(desk, parcel)
            elif kind == Due.TAIL:
                belt.tail_due(desk, parcel)
            else:
                permitting.proof_due(desk, parcel)

    @staticmethod
    def _fire_time(desk: Desk) -> None:
        state = desk.state
        due = state.time_due
        while due and due[0][0] <= state.at_us:
            _, kind, number = heappop(due)
            if kind == Due.VISION:
                parcel = state.parcels.get(number)
                if parcel is not None:
                    evidence.vision_due(desk, parcel)
            elif kind == Due.EPOCH:
                drawing.epoch_due(desk, number)
            elif kind == Due.LINK:
                watching.link_due(desk)
            elif kind == Due.DRIVE:
                running.drive_due(desk, number)
            elif kind == Due.PROOF:
                running.proof_due(desk)
            else:
                assert kind == Due.CHAIN, f"no rule for a time deadline of kind {kind}"
                watching.chain_due(desk)

    @staticmethod
    def _drop_stale(state: LaneState) -> None:
        """Forget deadlines from the top whose parcel has passed or left, so that nobody is woken for nothing."""
        due, parcels = state.belt_due, state.parcels
        while due:
            _, kind, number = due[0]
            if kind == _SEEN:  # the most usual one is answered without a call
                parcel = parcels.get(number // STAGES)
                if parcel is not None and parcel.body.stage < number % STAGES:
                    return
            elif not _is_stale(state, kind, number):
                return
            heappop(due)


def _is_stale(state: LaneState, kind: int, number: int) -> bool:
    """Whether another belt deadline than SEEN can bring nothing any more: whoever makes it so sets ``stale_due``."""
    if kind in _NEVER_STALE:
        return False
    if kind in permitting.GATE_DUES:
        return not permitting.still_away(state.machine, kind, number)
    if kind == _RUN_EMPTY:
        return state.machine.phase is not _FLUSH
    parcel = state.parcels.get(number)
    if parcel is None:
        return True
    if kind == _IDENTITY:
        return parcel.identity_closed
    if kind == _DECISION:
        return parcel.decided
    if kind == Due.TAIL:
        cover = state.covers.get(EYE_DIVERT)
        return cover is None or cover.seq != number
    return parcel.permit.state is not _ISSUED


def _lane_started(desk: Desk, item: LaneStarted) -> None:
    """A core process started: nothing on the belt, no permit and no link is trusted. Other headers move nothing."""
    if not item.restart:
        return
    state, machine = desk.state, desk.machine
    desk.stale_due = True
    permitting.flush(desk, Cause.CORE_STARTED, restart=True)
    for parcel in list(state.parcels.values()):
        drawing.close_identity(desk, parcel, unread=True)
    drawing.drain(desk)
    drawing.close_epoch(desk)
    state.time_due = sorted(entry for entry in state.time_due if entry[1] == Due.EPOCH)
    machine.links.clear()
    machine.causes.clear()
    for cause in machine.throttles:  # told again if they still hold; else their alarms would stand for ever
        desk.calm(Alarm(CAUSES[cause][1]))
    machine.throttles.clear()
    machine.safety_known, machine.safety_faults = False, []
    machine.belt_unknown = machine.proof_needed = True
    machine.belt_running = False
    machine.gate, machine.journal_failed = GateSeen.UNKNOWN, False
    machine.io_back_um = state.belt_um
    machine.phase, machine.induction, machine.beam, machine.light = Phase.NONE, False, False, ""
    desk.commands += [RestGate(), StopBelt(), AllowInduction(allowed=False), SetBeam(on=False)]
    machine.belt_wanted = False
    running.change(desk, State.STOPPED, Cause.CORE_STARTED)


def _clock_reached(desk: Desk, item: ClockReached) -> None:
    """The deadlines themselves fired before; here only a belt that does not move is noticed."""
    watching.stuck_check(desk)


def _acknowledged(desk: Desk, item: MessageAcknowledged) -> None:
    desk.events.append(MessageDone(at_us=desk.at_us, belt_um=desk.belt_um, idempotency_key=item.idempotency_key))


def _noted(desk: Desk, item: EpochCommitted | EpochNonce | EpochRevealed) -> None:
    """For the record only: whoever verifies the draw reads these."""


_HANDLERS: dict[type, Handler] = {
    EyeChanged: belt.eye_changed,
    BeltMoved: belt.belt_moved,
    BeltState: belt.belt_state,
    BarcodeRead: evidence.barcode_read,
    WeightMeasured: evidence.weight_measured,
    GateInPosition: permitting.gate_in_position,
    GateFault: permitting.gate_fault,
    OutputProven: permitting.output_proven,
    LinkLost: watching.link_lost,
    LinkRestored: watching.link_restored,
    DeviceRestarted: watching.device_restarted,
    StrangerRefused: watching.stranger_refused,
    EncoderDoubt: belt.encoder_doubt,
    SafetyChanged: watching.safety_changed,
    WatchdogProven: running.watchdog_proven,
    LaneStarted: _lane_started,
    ClockReached: _clock_reached,
    EpochCommitted: _noted,
    EpochNonce: _noted,
    EpochOpened: drawing.epoch_opened,
    EpochRevealed: _noted,
    EpochQueueLow: drawing.queue_low,
    DeclarationAnswer: evidence.declaration_answer,
    StatusChanged: deciding.status_changed,
    ScanStored: evidence.scan_stored,
    VisionResult: evidence.vision_result,
    VisionFailed: evidence.vision_failed,
    MessageAcknowledged: _acknowledged,
    OutboxLevel: watching.outbox_level,
    FeedState: deciding.feed_state,
    JournalFailed: watching.journal_failed,
    OrderGiven: people.order_given,
}
"""One rule per input; ``tests/lane/core`` checks that every member of ``AnyInput`` is here (I24)."""
