"""One lane in virtual time: plant, controller, journal and people on one driver.

``Station`` only passes things on: happenings become signals, commands become actions of the plant or answers of the
declarations, vision and message stand-ins. It decides nothing that the controller or a device decides.
"""

from collections import Counter
from collections.abc import Callable
from typing import Any

from devices.commands import ArmDetector, ShowLight
from devices.signals import (
    BarcodeRead,
    BeltMoved,
    BeltState,
    EyeChanged,
    GateInPosition,
    GatePosition,
    OutputProven,
    ReadQuality,
    WeightMeasured,
)
from lane.commands import AskDeclaration, AskReview, CloseEpoch, Count, Send
from lane.controller.core import LaneController
from lane.draw import draw_key
from lane.inputs import AnyInput, ClockReached, FeedState, LaneStarted, MessageAcknowledged
from lane.journal.memory import MemoryJournal
from lane.model.config import CoreConfig
from sim.coretwin.actuators import BELT_REPORT, Actuators
from sim.coretwin.answers import Answers
from sim.coretwin.epochs import AHEAD, TwinEpochs
from sim.coretwin.images import Images
from sim.coretwin.people import People
from sim.coretwin.settings import TwinSettings
from sim.coretwin.troubles import Troubles
from sim.coretwin.verdicts import Verdicts
from sim.heap import HeapLoop
from sim.kernel import CLOCK, Kernel
from sim.plant.happenings import Happening, Kind
from sim.plant.lane_io import Channel
from sim.plant.plant import SCALE_ERROR_MG, Plant
from sim.referee import Referee

RING_KINDS = frozenset({Kind.EYE, Kind.SWITCH, Kind.VALVE, Kind.REFUSED})
"""What the lane hears through the lane I/O."""


class Finished(Exception):  # no error: it ends the driver's loop
    """Everything has left, or the time limit is reached."""


class Station:
    """The lane, its surroundings and the driver. ``run`` returns when the shift is complete."""

    def __init__(
        self,
        config: CoreConfig,
        plant: Plant,
        controller: LaneController,
        journal: MemoryJournal,
        driver: Kernel | HeapLoop,
        referee: Referee,
        answers: Answers,
        settings: TwinSettings,
        *,
        seed: int,
        config_sha256: str,
        until_us: int,
    ) -> None:
        self.config, self.plant, self.controller = config, plant, controller
        self.journal, self.driver, self.referee, self.settings = journal, driver, referee, settings
        self.answers = answers
        self._epochs = TwinEpochs(config, seed, config_sha256)
        self._images = Images(seed)
        self._verdicts = Verdicts(settings.verdicts, seed, config.model_sha256, settings.recorded)
        self.people = People(self, seed)
        self.troubles = Troubles(self, settings.faults)
        self._config_sha256 = config_sha256
        self._until_us = until_us
        self.actuators = Actuators(self)
        self._gone = 0
        self._open_epoch = self._draws_before = 0
        self._plant_armed = self._clock_armed = -1
        self.handled = self.first_fed_us = self.last_left_us = 0
        self.ended = ""
        self.inputs: list[AnyInput] = []
        self.counts: Counter[str] = Counter()
        self.on_left: Callable[[int], object] | None = None
        self._takers: dict[Kind, Callable[[Happening], None]] = {
            Kind.EYE: self._take_eye,
            Kind.CODE: self._take_code,
            Kind.WEIGHT: self._take_weight,
            Kind.DETECTOR: self._images.crossed,
            Kind.SWITCH: self._take_switch,
            Kind.VALVE: self._take_valve,
            Kind.REFUSED: self._take_refused,
            Kind.FED: self._take_fed,
            Kind.LEFT: self._take_left,
            Kind.REACHED: self._take_reached,
            Kind.BELT: self._take_belt,
        }

    # --- the run

    @property
    def now(self) -> int:
        """Lane clock, microseconds."""
        return int(self.driver.now)

    def belt(self) -> int:
        """Belt position of this instant."""
        return self.plant.belt.position(self.now)

    def run(self) -> None:
        """Power up, run the shift, end it in order."""
        self.driver.call_at(0, self._power_up)
        self.driver.call_at(self._until_us, self._time_limit, None, 100)
        try:
            self.driver.run()
        except Finished:
            return
        self.ended = "nothing left to happen"

    def finish(self, how: str) -> None:
        """End the run: the last epoch is revealed first."""
        self.ended = how
        epoch = self._open_epoch
        draws = self.referee.counts["draws"] - self._draws_before
        self.emit(self._epochs.revealed(epoch, draws, self.now, self.belt()))
        raise Finished

    @property
    def empty(self) -> bool:
        """Nothing waits at the feeder and nothing is on the belt."""
        return self.plant.exhausted and not self.plant.bodies

    def _time_limit(self, _: None) -> None:
        self.finish("time limit")

    def _power_up(self, _: None) -> None:
        now, belt_um, config = self.now, self.belt(), self.config
        self.emit(
            LaneStarted(
                at_us=now, belt_um=belt_um, restart=True, boot_id="twin", wall_at="2025-11-21T09:00:00.000Z",
                synchronised=True, lane_kind=config.kind, config_sha256=self._config_sha256, build_sha256="",
            )
        )  # fmt: skip
        for epoch in range(1, AHEAD + 1):
            for item in self._epochs.ahead(epoch, self.now, self.belt()):
                self.emit(item)
        self._open_epoch, self._draws_before = 1, 0
        self.emit(self._epochs.opened(1, self.now, self.belt()))
        self.actuators.report_safety()
        self.emit(BeltState(at_us=now, belt_um=belt_um, running=False, speed_um_s=0))
        self.emit(GateInPosition(at_us=now, belt_um=belt_um, position=GatePosition.INSPECT))
        self.emit(FeedState(at_us=now, belt_um=belt_um, fresh=True))
        self.people.begin()

    # --- the core

    def emit(self, item: AnyInput) -> None:
        """One input: core, journal, then commands and whatever people and stand-ins make of the events."""
        step = self.controller.handle(item)
        events = step.events
        self.journal.append(item, events)
        self.handled += 1
        if self.settings.keep_inputs:
            self.inputs.append(item)
        for event in events:
            self.referee.saw(event)
            self.people.heard(event)
        for command in step.commands:
            self._obey(command)
        self._arm_clock()

    def _arm_clock(self) -> None:
        due_us = self.controller.next_deadline()
        if due_us is not None and (self._clock_armed < 0 or due_us < self._clock_armed):
            self._clock_armed = due_us
            self.driver.call_at(max(due_us, self.now), self._ring, due_us, CLOCK)

    def _ring(self, due_us: int) -> None:
        if due_us != self._clock_armed:
            return  # superseded by an earlier deadline
        self._clock_armed = -1
        next_us = self.controller.next_deadline()
        if next_us is not None and next_us <= self.now:
            self.emit(ClockReached(at_us=self.now, belt_um=self.belt()))
            after_us = self.controller.next_deadline()
            assert after_us is None or after_us > self.now, f"deadline {after_us} still due after ClockReached"
        else:
            self._arm_clock()

    # --- the plant

    def follow_plant(self) -> None:
        """Take what an action on the plant caused at once, and wait for what it changed."""
        self._take_all(self.plant.drain())
        self._arm_plant()

    def _arm_plant(self) -> None:
        due_us = self.plant.next_at()
        if due_us is not None and (self._plant_armed < 0 or due_us < self._plant_armed):
            self._plant_armed = due_us
            self.driver.call_at(due_us, self._plant_due, due_us)

    def _plant_due(self, due_us: int) -> None:
        """Let the plant happen, and go on with it as long as nothing else is due before its next happening."""
        if due_us != self._plant_armed:
            return  # superseded
        plant, jump, now_us = self.plant, self.driver.jump, due_us
        while True:
            self._plant_armed = now_us  # inputs handled meanwhile must not arm the plant a second time
            self._take_all(plant.happen(now_us))
            next_us = plant.next_at()
            if next_us is None or not jump(next_us):
                break
            now_us = next_us
        self._plant_armed = -1
        self._arm_plant()

    def _take_all(self, happened: list[Happening]) -> None:
        takers = self._takers
        while happened:
            for happening in happened:
                taker = takers.get(happening.kind)
                if taker is None:
                    continue
                if self.troubles.silent and happening.kind in RING_KINDS:
                    self.troubles.keep(happening)
                else:
                    taker(happening)
            happened = self.plant.drain()

    def take(self, happened: list[Happening]) -> None:
        """Happenings that the lane hears of late."""
        for happening in happened:
            self._takers[happening.kind](happening)

    def _take_eye(self, seen: Happening) -> None:
        self.emit(EyeChanged(at_us=seen.at_us, belt_um=seen.belt_um, eye=seen.where, blocked=seen.level))

    def _take_code(self, seen: Happening) -> None:
        sticky_from = inductions = 0
        if seen.text:
            sticky_from, inductions = self.journal.sticky(draw_key(seen.text), seen.at_us)
        self.emit(
            BarcodeRead(
                at_us=seen.at_us, belt_um=seen.belt_um, reader=seen.where, text=seen.text,
                quality=ReadQuality.GOOD if seen.text else ReadQuality.NO_READ,
                sticky_from=sticky_from, inductions=inductions,
            )
        )  # fmt: skip

    def _take_weight(self, seen: Happening) -> None:
        self.emit(
            WeightMeasured(at_us=seen.at_us, belt_um=seen.belt_um, mg=seen.value, stable=True, error_mg=SCALE_ERROR_MG)
        )

    def _take_switch(self, seen: Happening) -> None:
        position = GatePosition.MOVING
        if seen.level:
            position = GatePosition.RELEASE if seen.where == Channel.GATE_OUT.name else GatePosition.INSPECT
        self.emit(GateInPosition(at_us=seen.at_us, belt_um=seen.belt_um, position=position, permit_no=seen.value))

    def _take_valve(self, seen: Happening) -> None:
        self.emit(
            OutputProven(
                at_us=seen.at_us, belt_um=seen.belt_um, point="release", level=seen.level, permit_no=seen.value
            )
        )

    def _take_refused(self, seen: Happening) -> None:
        self.actuators.refused(seen.value, seen.text)

    def _take_fed(self, seen: Happening) -> None:
        if not self.first_fed_us:
            self.first_fed_us = seen.at_us
        self.referee.fed(seen.body, seen.belt_um)

    def _take_left(self, seen: Happening) -> None:
        self.gone()

    def gone(self) -> None:
        """A body is off the belt: tell the referee, who keeps it; a long run must not hold it twice."""
        truth = self.plant.left.pop()
        self.plant.fed.clear()
        self._gone += 1
        self.last_left_us = self.now
        self.referee.left(truth.number, truth.route, moved_blade=truth.moved_blade)
        if self.on_left is not None:
            self.on_left(self._gone)
        if self.empty:
            self.people.emptied()

    def _take_reached(self, seen: Happening) -> None:
        if seen.value == BELT_REPORT:
            self.plant.watch(seen.belt_um + self.settings.belt_report_um, BELT_REPORT)
            speed = self.plant.belt.speed(seen.at_us)
            self.emit(BeltMoved(at_us=seen.at_us, belt_um=seen.belt_um, speed_um_s=speed))
        elif self.actuators.beam_on:
            self.driver.call_at(self.now + self.settings.image_us, self._store, seen.value)
        else:
            self._images.dark(seen.value)

    def _take_belt(self, seen: Happening) -> None:
        at_us, belt_um, speed = seen.at_us, seen.belt_um, seen.value
        self.emit(BeltState(at_us=at_us, belt_um=belt_um, running=speed > 0, speed_um_s=speed))
        self.emit(BeltMoved(at_us=at_us, belt_um=belt_um, speed_um_s=speed))

    # --- commands

    def _obey(self, command: Any) -> None:
        kind, settings, now = type(command), self.settings, self.now
        if kind in self.actuators.doers:
            self.driver.call_at(now + settings.command_us, self._act, command)
        elif kind is ArmDetector:
            self._images.arm(command.seq, command.from_um, command.to_um)
            self.plant.watch(command.to_um, command.seq)
            self._arm_plant()
        elif kind is AskDeclaration:
            self.driver.call_at(now + settings.declaration_us, self._answer, (command.seq, command.code))
        elif kind is Count:
            body = self._images.bodies.get(command.image_sha256, 0)
            truth = self.referee.parcel(body) if body else None
            duration_us, result = self._verdicts.answer(command, truth)
            self.driver.call_at(now + duration_us, self._deliver, result)
        elif kind is Send:
            self.driver.call_at(now + settings.message_us, self._acknowledge, command.idempotency_key)
        elif kind is CloseEpoch:
            self.driver.call_at(now, self._next_epoch, command)
        elif kind is AskReview:
            self.people.asked(command)
        else:
            assert kind is ShowLight, f"unknown command {kind.__name__}"

    def _act(self, command: Any) -> None:
        self.actuators.doers[type(command)](command)
        self.follow_plant()

    # --- stand-ins of declarations, evidence, vision, messages, seal

    def _answer(self, asked: tuple[int, str]) -> None:
        self.emit(self.answers.answer(*asked, self.now, self.belt()))

    def _store(self, seq: int) -> None:
        stored = self._images.stored(seq, self.now, self.belt())
        if stored is not None:
            self.emit(stored)

    def _deliver(self, result: Any) -> None:
        if self.troubles.blind:
            return
        self.emit(self._verdicts.stamped(result, self.now, self.belt()))

    def _acknowledge(self, key: str) -> None:
        self.emit(MessageAcknowledged(at_us=self.now, belt_um=self.belt(), idempotency_key=key))

    def _next_epoch(self, command: CloseEpoch) -> None:
        at, belt_um = self.now, self.belt()
        self.emit(self._epochs.revealed(command.epoch, command.draws, at, belt_um))
        for item in self._epochs.ahead(command.epoch + AHEAD, at, belt_um):
            self.emit(item)
        self._open_epoch, self._draws_before = command.epoch + 1, self.referee.counts["draws"]
        self.emit(self._epochs.opened(self._open_epoch, at, belt_um))
