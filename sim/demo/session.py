"""One demo from first file to last figure: start, look, act, end in order."""

import json
import time
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console

from lane.declarations.store import DeclarationStore
from lane.declarations.tables import load_tables
from lane.interfaces.importer import import_paths
from lane.mailbox import MailboxDown
from lane.model.words import Role, State, StatusClass
from lane.views.tail import JournalTail
from sim.demo.live import Screen
from sim.demo.people import OFFICER, ORDER_EVERY_S, BenchOfficers, Desk, Operator
from sim.demo.processes import Child, Memory, ProcessFailed, start_lane, start_plant
from sim.demo.setup import DemoFiles, DemoPlan, declared_files, make_parcels, resolve_lane
from sim.demo.story import Story
from sim.demo.summary import Parts, figures
from sim.demo.truth_tail import TruthTail
from sim.referee import Referee
from sim.streams.truth import ParcelTruth
from sim.wire.control import ControlClient
from sim.wire.lane_file import read_layout

LOOK_S = 0.05
"""How often journal and truth are read: an officer sees a change within a blink."""
FIGURES_EVERY_S = 1.0
READ_MAX = 5_000
STUCK_S = 90.0
"""Nothing recorded for so long: the run ends and says so (an officer would call the integrator)."""
CONSOLE_S_MAX = 10.0
PROBLEMS_SHOWN = 5
ENDED = frozenset({State.COMPLETE, State.STOPPED, State.IDLE})
"""States in which nothing is left to be completed."""
UNATTENDED = frozenset({State.HELD, State.ABORTED})
"""States that only a person leaves: without twin officers the demo ends there."""
FINISH_S_MAX = 90.0
"""Bench results, acknowledgements and the orderly end together."""


@dataclass(slots=True)
class Session:
    """Processes and eyes of one run. Use it as a context manager."""

    plan: DemoPlan
    files: DemoFiles
    console: Console
    environment: dict[str, str] = field(default_factory=dict)
    parcels: list[ParcelTruth] = field(init=False)
    plant: Child = field(init=False)
    lane: Child = field(init=False)
    control: ControlClient = field(init=False)
    story: Story = field(init=False)
    referee: Referee = field(init=False)
    truth: TruthTail = field(init=False)
    desk: Desk = field(init=False)
    operator: Operator = field(init=False)
    bench: BenchOfficers = field(init=False)
    memory: Memory = field(init=False)
    live: dict[str, Any] = field(default_factory=dict)
    plant_truth: dict[str, Any] = field(default_factory=dict)
    watchers: list[Callable[[object], None]] = field(default_factory=list)
    facts: list[dict[str, Any]] = field(default_factory=list)
    """Truth of the last look (campaigns read it)."""
    _tail: JournalTail = field(init=False)
    _index: int = 0
    _figures_s: float = 0.0
    _began_s: float = 0.0
    _stack: ExitStack = field(default_factory=ExitStack)

    def __enter__(self) -> "Session":
        self._began_s = time.monotonic()
        try:
            self._open()
        except BaseException:
            self.__exit__()
            raise
        return self

    def _open(self) -> None:
        plan, files = self.plan, self.files
        self.parcels = make_parcels(plan)
        import_declared(declared_files(plan, self.parcels, files), files.run, self.console)
        self.plant = start_plant(plan, files)
        self._stack.callback(self.plant.stop)
        resolve_lane(plan, files)
        self.control = ControlClient(files.control)
        layout, _ = read_layout(plan.lane_file)
        self.referee = Referee(self.parcels, status_class(), gate_um=layout.gate_um)
        self.truth = TruthTail(files.truth, self.referee)
        self.story = Story()
        self._tail = JournalTail(files.run)
        self.desk = Desk(files.run)
        self.operator = Operator(self.desk, begin_only=not plan.officers)
        self.bench = BenchOfficers(self.desk, self.referee.body_of, seed=plan.seed, speed=plan.speed)
        self.lane = start_lane(plan, files, self.environment)
        self._stack.callback(self.lane.stop)
        self.memory = Memory(self.lane, self.plant)

    def __exit__(self, *_: object) -> None:
        self._stack.close()
        self.files.close()

    def tell_console(self, screen: Screen) -> None:
        """Say where the officers' pages are, once the console has told; go on without it when it does not."""
        if not self.plan.console:
            return
        end = time.monotonic() + CONSOLE_S_MAX
        while time.monotonic() < end:
            self.look()
            address = console_address(self.files)
            if address:
                screen.say(f"Console: {address}")
                return
            time.sleep(LOOK_S)
        screen.say("The console has not started; the lane runs without it.")

    # --- look and act

    def look(self) -> None:
        """Read what is new in truth and journal, and take samples."""
        self.plant.check()
        self.lane.check()
        self.facts = self.truth.read()
        self.read_journal()
        if time.monotonic() >= self._figures_s:
            self._figures_s = time.monotonic() + FIGURES_EVERY_S
            self.memory.look()

    def read_journal(self) -> None:
        """Fold new records in."""
        for index, item in self._tail.read(self._index, READ_MAX):
            self._index = index + 1
            self.story.apply(item)
            self.referee.saw(item)
            for watcher in self.watchers:
                watcher(item)

    def act(self) -> None:
        """What the twin's people do."""
        self.operator.act(self.story)
        if self.plan.officers:
            self.bench.act(self.story)

    @property
    def belt_empty(self) -> bool:
        """All parcels were fed and left the lane, by the plant's truth and by the lane's own records."""
        all_gone = self.truth.fed == self.truth.left == self.plan.parcels
        return all_gone and self.story.gone >= len(self.story.rows) > 0

    def attend(self, screen: Screen) -> None:
        """Without twin officers: look on while a person attends the lane, until nothing is left to be done."""
        told = False
        while not (self.belt_empty and not self.story.at_bench):
            self.look()
            self.operator.act(self.story)
            screen.show(self.story, f"{self.story.at_bench} at the bench; Ctrl-C ends the demo")
            if self.belt_empty and self.story.at_bench and not told:
                told = True
                screen.say(f"The belt is empty; waiting at the bench: {self.story.at_bench}. Ctrl-C ends the demo.")
            time.sleep(LOOK_S)

    def run(self, screen: Screen, each: Callable[[], None] | None = None) -> None:
        """Look and act until every parcel left the belt. Raises ``ProcessFailed`` when nothing moves any more."""
        records, moved_s = -1, time.monotonic()
        gone_s = 0.0
        while not self.belt_empty:
            self.look()
            self.act()
            if each is not None:
                each()
            screen.show(self.story)
            if self.story.records != records:
                records, moved_s = self.story.records, time.monotonic()
            elif time.monotonic() - moved_s > STUCK_S:
                raise ProcessFailed(f"no record for {STUCK_S:.0f} s in state {self.story.state.name}")
            if self.truth.left == self.plan.parcels:
                gone_s = gone_s or time.monotonic()
                if time.monotonic() - gone_s > FINISH_S_MAX:
                    screen.say("[yellow]the lane still waits for parcels that left long ago; going on[/yellow]")
                    return
            time.sleep(LOOK_S)

    def finish(self, screen: Screen) -> None:
        """Bench, acknowledgements, Complete, orderly stop; the epoch is revealed."""
        self.bench.hurry = True
        end = time.monotonic() + FINISH_S_MAX
        while time.monotonic() < end and not (self.bench.idle and not self.story.waiting):
            self.look()
            if self.plan.officers:
                self.bench.act(self.story)
            screen.show(self.story, "bench and messages")
            time.sleep(LOOK_S)
        self.live = self._live()
        self._complete(screen, end)
        self.stop(screen)

    def _complete(self, screen: Screen, end: float) -> None:
        """Ask for Complete while the lane executes; a lane that is just being held is brought back first."""
        asked_s = 0.0
        over = ENDED if self.plan.officers else ENDED | UNATTENDED
        while time.monotonic() < end and self.story.state not in over:
            if self.story.state is State.EXECUTE and time.monotonic() - asked_s > ORDER_EVERY_S:
                asked_s = time.monotonic()
                try:
                    self.desk.give("Complete", OFFICER, Role.OFFICER)
                except MailboxDown as error:
                    screen.say(f"[yellow]Complete was not taken: {error}[/yellow]")
            self.operator.act(self.story)
            self.look()
            screen.show(self.story, "completing")
            time.sleep(LOOK_S)

    def stop(self, screen: Screen) -> None:
        """End lane, then plant, in order; read what they wrote last."""
        self.memory.look()
        status = self.lane.stop()
        if status != 0:
            screen.say(f"[yellow]lane run ended with status {status}; {self.lane.last_words()}[/yellow]")
        self.plant_truth = self._plant_truth()
        if self.plant.stop() != 0:
            screen.say(f"[yellow]{self.plant.last_words()}[/yellow]")
        self.truth.read()
        self.read_journal()

    def _plant_truth(self) -> dict[str, Any]:
        try:
            return self.control.do("truth")
        except (OSError, RuntimeError, ValueError) as error:
            return {"error": str(error)}

    def _live(self) -> dict[str, Any]:
        try:
            return self.desk.state()
        except MailboxDown as error:
            return {"error": str(error)}

    def figures(self) -> dict[str, Any]:
        """The summary."""
        return figures(
            Parts(
                story=self.story,
                referee=self.referee,
                memory=self.memory,
                live=self.live,
                plant=self.plant_truth,
                speed=self.plan.speed,
                wall_s=time.monotonic() - self._began_s,
                run=self.files.run,
            )
        )


def console_address(files: DemoFiles) -> str:
    """Address that the console wrote, with its one-time entry ("" when it has none yet)."""
    path = files.run / "console.json"
    if not path.is_file():
        return ""
    told = json.loads(path.read_text(encoding="utf-8"))
    return str(told.get("one_time") or told.get("url") or "")


def status_class() -> Callable[[str], StatusClass]:
    """Class of a status code; no receipt at all is UNKNOWN."""
    tables = load_tables()
    return lambda code: tables.status_class(code) if code else StatusClass.UNKNOWN


def import_declared(paths: list[Path], run: Path, console: Console) -> None:
    """Import declared lists into the run, by the same code as ``lane declarations import``."""
    with DeclarationStore.open(run) as store:
        report = import_paths(store, paths)
    console.print(
        f"Declarations: {report.lists} lists and {report.receipts} receipts of {report.files} files in "
        f"{report.wall_s:.1f} s, {report.rejected + report.refused} left out",
        highlight=False,
    )
    for problem in report.problems[:PROBLEMS_SHOWN]:
        console.print(f"  {problem}", highlight=False, soft_wrap=True)
