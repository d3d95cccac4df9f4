"""One lane in virtual time: plant, controller, journal and people on one driver.

``Station`` only passes things on: ``Senses`` makes signals of what the plant does, ``Replies`` answers commands, and
every input goes through ``emit``. It decides nothing that the controller or a device decides.

What a fault may reach for: ``controller`` (another may take its place), ``plant`` and its ``listener``, ``senses``,
``replies.obeyers``, ``emit``, ``take``, ``gone`` and ``follow_plant``.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from devices.signals import BeltState, GateInPosition, GatePosition
from lane.controller.core import LaneController
from lane.events.parcel import ParcelDrawn
from lane.events.union import AnyEvent
from lane.inputs import AnyInput, ClockReached, FeedState, LaneStarted
from lane.journal.memory import MemoryJournal
from lane.model.config import CoreConfig
from lane.model.words import Route
from sim.coretwin.actuators import Actuators
from sim.coretwin.answers import Answers
from sim.coretwin.epochs import AHEAD, TwinEpochs
from sim.coretwin.images import Images
from sim.coretwin.people import People
from sim.coretwin.replies import Replies
from sim.coretwin.senses import Senses
from sim.coretwin.settings import TwinSettings
from sim.coretwin.troubles import Troubles
from sim.coretwin.verdicts import Verdicts
from sim.heap import HeapLoop
from sim.kernel import NEVER, Kernel
from sim.plant.happenings import Happening
from sim.plant.plant import Plant
from sim.referee import Referee


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
        self._replaced = False
        self.journal, self.driver, self.referee, self.settings = journal, driver, referee, settings
        self.answers = answers
        self._line_of = plant.belt
        self.seed = seed
        self.images = Images(seed)
        self._config_sha256, self._until_us = config_sha256, until_us
        self._gone = 0
        self._open_epoch = self._draws_before = 0
        self._events = self.first_fed_us = self.last_left_us = 0
        self.ended = ""
        self.inputs: list[AnyInput] = []
        self.counts: Counter[str] = Counter()
        self.on_left: Callable[[int], object] | None = None
        self.on_fed: Callable[[int], object] | None = None
        self._hold = self._hold_and_keep if settings.keep_inputs else journal.hold
        self._hold_all = journal.hold_all if journal.holds else None
        self._append: Callable[[AnyInput, Sequence[AnyEvent]], object] = (
            self._append_and_keep if settings.keep_inputs else journal.append
        )
        self.people = People(self, seed)
        self._ears = self._all_ears()
        self.actuators = Actuators(self)
        self.replies = Replies(
            self, TwinEpochs(config, seed, config_sha256),
            Verdicts(settings.verdicts, seed, config.model_sha256, settings.recorded),
        )  # fmt: skip
        self._obeyers = self.replies.obeyers
        self.troubles = Troubles(self, settings.faults)
        self.senses = Senses(self)
        plant.listener = self.senses
        driver.on_alarm = self._ring
        plant.ride(driver)

    @property
    def controller(self) -> LaneController:
        """The core, or what took its place."""
        return self._controller

    @controller.setter
    def controller(self, controller: LaneController) -> None:
        self._controller, self._replaced = controller, True
        self._handle, self._next_deadline = controller.handle, controller.next_deadline

    # --- the run

    @property
    def now(self) -> Any:
        """Lane clock, microseconds."""
        return self.driver.now

    def belt(self) -> int:
        """Belt position of this instant."""
        now: int = self.driver.now
        steady_us, steady_um, speed_um_s = self._line_of.line
        if now >= steady_us:  # as ``Belt.position``, without a call
            return steady_um + speed_um_s * (now - steady_us) // 1_000_000
        return self._line_of.position(now)

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
        self.emit(self.replies.epochs.revealed(epoch, draws, self.now, self.belt()))
        raise Finished

    @property
    def empty(self) -> bool:
        """Nothing waits at the feeder and nothing is on the belt."""
        return self.plant.exhausted and not self.plant.bodies

    def opened(self, epoch: int) -> None:
        """A draw epoch opens: its draws count from here."""
        self._open_epoch, self._draws_before = epoch, self.referee.counts["draws"]

    def _time_limit(self, _: None) -> None:
        self.finish("time limit")

    def _power_up(self, _: None) -> None:
        now, belt_um, config, epochs = self.now, self.belt(), self.config, self.replies.epochs
        self.emit(
            LaneStarted(
                at_us=now, belt_um=belt_um, restart=True, boot_id="twin", wall_at="2025-11-21T09:00:00.000Z",
                synchronised=True, lane_kind=config.kind, config_sha256=self._config_sha256, build_sha256="",
            )
        )  # fmt: skip
        for epoch in range(1, AHEAD + 1):
            for item in epochs.ahead(epoch, now, belt_um):
                self.emit(item)
        self.opened(1)
        self.emit(epochs.opened(1, now, belt_um))
        self.actuators.report_safety()
        self.emit(BeltState(at_us=now, belt_um=belt_um, running=False, speed_um_s=0))
        self.emit(GateInPosition(at_us=now, belt_um=belt_um, position=GatePosition.INSPECT))
        self.emit(FeedState(at_us=now, belt_um=belt_um, fresh=True))
        self.people.begin()

    # --- the core

    def emit(self, item: AnyInput) -> None:
        """One input: core, journal, then commands and whatever people and stand-ins make of the events."""
        step = self._handle(item)
        events = step.events
        if events:
            if self._hold_all is None:
                self._append(item, events)
            else:
                self._hold(item)
                self._hold_all(events)
            self._events += len(events)
            ears = self._ears
            for event in events:
                hears = ears.get(type(event))
                if hears is not None:
                    for hear in hears:
                        hear(event)
        else:
            self._hold(item)
        if step.commands:
            obeyers = self._obeyers
            for command in step.commands:
                obeyers[type(command)](command)
        due_us = self._next_deadline()
        self.driver.alarm_us = NEVER if due_us is None else due_us

    @property
    def handled(self) -> int:
        """Inputs so far."""
        return self.journal.size - self._events

    def _hold_and_keep(self, item: AnyInput) -> None:
        self.inputs.append(item)
        self.journal.hold(item)

    def _append_and_keep(self, item: AnyInput, events: Sequence[AnyEvent]) -> int:
        self.inputs.append(item)
        return self.journal.append(item, events)

    def _all_ears(self) -> dict[type, tuple[Callable[[Any], None], ...]]:
        """Who hears which kind of event: the key index, the referee, then people. Nobody is called for another one."""
        index: dict[type, Callable[[Any], None]] = {ParcelDrawn: self.journal.drawn} if self.journal.holds else {}
        listeners: tuple[Mapping[type, Callable[[Any], None]], ...] = (
            index, self.referee.readers, self.people.listeners,
        )  # fmt: skip
        kinds = dict.fromkeys(kind for each in listeners for kind in each)
        return {kind: tuple(each[kind] for each in listeners if kind in each) for kind in kinds}

    def _ring(self) -> None:
        """The deadline named last has come. What took the core's place may be dead since: it is asked again."""
        driver, now = self.driver, self.driver.now
        if self._replaced:
            due_us = self._next_deadline()
            if due_us is None or due_us > now:
                driver.alarm_us = NEVER if due_us is None else due_us
                return
        self.emit(ClockReached(at_us=now, belt_um=self.belt()))
        assert driver.alarm_us > now, f"deadline {driver.alarm_us} still due after ClockReached"

    # --- the plant

    def follow_plant(self) -> None:
        """An action changed the plant or its lane I/O: let the feeder follow."""
        self.plant.settle()

    def take(self, happened: list[Happening]) -> None:
        """Happenings that the lane hears of late."""
        for happening in happened:
            self.senses.take(happening)

    def fed(self, at_us: int, belt_um: int, number: int) -> None:
        """A body stands at the induct eye."""
        if not self.first_fed_us:
            self.first_fed_us = at_us
        self.referee.fed(number, belt_um)
        if self.on_fed is not None:
            self.on_fed(number)

    def gone(self) -> None:
        """A person took a body off the belt: the last one on the plant's list."""
        gone = self.plant.left.pop()
        self.left(gone.number, gone.route, gone.moved_blade)

    def left(self, number: int, route: Route | None, moved_blade: bool) -> None:
        """A body is off the belt: tell the referee, who keeps it."""
        self._gone += 1
        self.last_left_us = self.driver.now
        self.referee.left(number, route, moved_blade=moved_blade)
        if self.on_left is not None:
            self.on_left(self._gone)
        if self.empty:
            self.people.emptied()
