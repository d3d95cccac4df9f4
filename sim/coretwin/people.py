"""People around the lane: who starts and ends the shift, attends to stops, opens parcels, hands cages over.

They act on the lane's own events, never on ground truth, but for the officer at the bench, who sees what is inside.
"""

from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lane.commands import AskReview
from lane.controller.people import ONE_PERSON
from lane.events.machine import AlarmRaised, OrderRefused, StateChanged
from lane.events.parcel import BenchRecorded, ContentCompared, DispositionDecided, ParcelDiverted, ParcelReleased
from lane.inputs import OrderGiven
from lane.model.words import BenchResult, Custody, Role, State, StatusClass
from lane.orders import AcknowledgeAlarm, AnyOrder, Clear, Complete, MoveCustody, RecordBench, Reset, Start, Unhold
from sim.coretwin.branch import Branch
from sim.coretwin.breakdowns import Breakdowns
from sim.coretwin.loop import Loop
from sim.coretwin.opening import opened
from sim.coretwin.reviewers import Reviewers
from sim.coretwin.survey import Survey, together
from sim.officers import OFFICER, bench_for

if TYPE_CHECKING:
    from sim.coretwin.station import Station

CLERK = 5
"""Priority of the clerk who hands cages over."""
ATTENDANT = 6
"""Priority of the officer who starts the lane and attends to stops."""
COMPLETE_US_MAX = 60_000_000
"""A shift that does not complete within a minute of its order is ended as it is, and the result says so."""
REPAIR_US_MAX = 36_000_000_000
"""The same with devices that break down: ten hours."""

_OFFICER, _NO_STATUS = Role.OFFICER, StatusClass.NONE
_MODIFIED, _BACK = BenchResult.ORDER_MODIFIED, Custody.BACK_IN_WAREHOUSE
_WANTED = {
    Reset: (State.STOPPED, State.COMPLETE),
    Start: (State.IDLE,),
    Unhold: (State.HELD,),
    Clear: (State.ABORTED,),
}
"""In which states the officer gives which order."""


class People:
    """All persons of one station."""

    def __init__(self, station: "Station", seed: int) -> None:
        self._station = station
        self._bench = bench_for(station.driver, station.settings.bench, seed, self._finish)
        self._at_bench = 0
        self._cage: list[int] = []
        self._cages = 0
        self._orders = 0
        self._complete_ordered = self._bench_refused = False
        self._unseen: set[int] = set()
        self.state = State.STOPPED
        self.routes: Counter[str] = Counter()
        self.grounds: Counter[str] = Counter()
        self.findings: Counter[str] = Counter()
        self._seed = seed
        settings = station.settings
        self.survey = Survey(station)
        self.branch = Branch(station)
        self.reviewers = Reviewers(station, settings.reviewers, seed, self._order) if settings.reviewers else None
        self.loop = Loop(settings.loop) if settings.loop else None
        self.breakdowns: Breakdowns | None = None
        own: dict[type, Callable[[Any], None]] = {
            StateChanged: self._state_changed,
            DispositionDecided: self._decided,
            ContentCompared: self._compared,
            ParcelDiverted: self._diverted,
            ParcelReleased: self._released,
            BenchRecorded: self._recorded,
            AlarmRaised: self._alarm,
            OrderRefused: self._refused,
        }
        others = [self.survey.listeners, self.branch.listeners] + ([self.reviewers.listeners] if self.reviewers else [])
        self.listeners = together(own, *others)

    def begin(self) -> None:
        """The shift begins: reset, then start. From here on devices may break down."""
        station, settings = self._station, self._station.settings
        if settings.downtimes:
            self.breakdowns = Breakdowns(station, settings.downtimes, settings.fitters, self._seed)
            self._bench.meter.on_busy = self.breakdowns.opening
        self._later(1_000_000, Reset)

    def heard(self, event: object) -> None:
        """An event of the lane."""
        listener = self.listeners.get(type(event))
        if listener is not None:
            listener(event)

    def asked(self, command: AskReview) -> None:
        """A review is asked. ``Reviewers`` heard of it already; without them the lane's time-out answers."""

    def emptied(self) -> None:
        """Nothing more will come: end the shift once the bench is done."""
        if not self._at_bench and not self._complete_ordered and self._station.empty:
            self._complete_ordered = True
            self._later(1_000_000, Complete)
            station = self._station
            self._fill_cage(station.now, 1)
            patience_us = REPAIR_US_MAX if station.settings.downtimes else COMPLETE_US_MAX
            station.driver.call_at(station.now + patience_us, self._give_up, None, ATTENDANT)

    def _give_up(self, _: None) -> None:
        self._station.finish("shift did not complete")

    def _alarm(self, event: AlarmRaised) -> None:
        if event.number not in self._unseen:
            self._unseen.add(event.number)
            station = self._station
            due_us = station.now + station.settings.attend_us
            station.driver.call_at(due_us, self._acknowledge, event.number, ATTENDANT)

    def _acknowledge(self, number: int) -> None:
        self._unseen.discard(number)
        self._order(AcknowledgeAlarm, "twin-officer", Role.OFFICER, number=number)

    def _order(self, kind: type[AnyOrder], person: str, role: Role, **fields: Any) -> None:
        self._orders += 1
        order = kind(person=person, role=role, nonce=f"twin-{self._orders}", **fields)
        station = self._station
        station.emit(OrderGiven(at_us=station.now, belt_um=station.belt(), order=order))

    def _later(self, delay_us: int, kind: type[AnyOrder]) -> None:
        self._station.driver.call_at(self._station.now + delay_us, self._attend, kind, ATTENDANT)

    def _attend(self, kind: type[AnyOrder]) -> None:
        if self.breakdowns is not None and self.breakdowns.blocked():
            self._later(self._station.settings.attend_us, kind)  # he looks again
            return
        wanted = _WANTED.get(kind)
        if wanted is None or self.state in wanted:
            if wanted is not None:
                self.branch.clear()
            self._order(kind, "twin-officer", Role.OFFICER)

    def _state_changed(self, event: StateChanged) -> None:
        self.state = event.reached
        if self.breakdowns is not None:
            self.breakdowns.running(event.reached is State.EXECUTE)
        attend_us = self._station.settings.attend_us
        match event.reached:
            case State.IDLE:
                self._later(1_000_000, Start)
            case State.EXECUTE if self._complete_ordered:  # it stood still before it could complete
                self._later(1_000_000, Complete)
            case State.HELD:
                self._later(attend_us, Unhold)
            case State.ABORTED:
                self._later(attend_us, Clear)
            case State.STOPPED:
                if event.left is State.CLEARING:
                    self._later(1_000_000, Reset)
            case State.COMPLETE:
                station = self._station
                station.driver.call_at(station.now + 1_000_000, self._over, None, ATTENDANT)
            case _:
                pass

    def _refused(self, event: OrderRefused) -> None:
        """Not possible yet (a link away, the gate not home, an emergency stop pressed): the officer tries again."""
        again: dict[str, type[AnyOrder]] = {kind.__name__: kind for kind in (Reset, Start, Unhold, Clear)}
        self._bench_refused = self._bench_refused or event.order == RecordBench.__name__
        if event.order in again:
            self._later(self._station.settings.attend_us, again[event.order])

    def _over(self, _: None) -> None:
        self._station.finish("complete")

    def _decided(self, event: DispositionDecided) -> None:
        self.routes[event.route] += 1
        for ground in event.grounds:
            self.grounds[ground] += 1

    def _compared(self, event: ContentCompared) -> None:
        self.findings[event.finding] += 1

    # --- bench and cages

    def _diverted(self, event: ParcelDiverted) -> None:
        self._at_bench += 1
        station = self._station
        if self.loop is not None and self.loop.takes(station.referee.body_of(event.seq), event.grounds):
            station.driver.call_at(station.now + self.loop.spec.travel_us, self._again, event.seq, CLERK)
            return
        self._bench.arrive(event.seq)

    def _again(self, seq: int) -> None:
        """A parcel from the loop stands at the feeder again."""
        station, loop = self._station, self.loop
        truth = station.referee.body_of(seq)
        assert loop is not None
        assert truth is not None
        self._order(RecordBench, "twin-loop", Role.OFFICER, seq=seq, result=BenchResult.RESCAN, found=())
        parcel = loop.returned(truth, station.now)
        station.referee.returned(parcel)
        station.plant.refeed(station.now, parcel)
        self._at_bench -= 1
        station.follow_plant()

    def _finish(self, officer: int, seq: int) -> None:
        station = self._station
        truth = station.referee.body_of(seq)
        status = _NO_STATUS
        if truth is not None and truth.declared is not None:
            status = station.answers.status_class(truth.declared.status_code)
        result, found = opened(truth, status)
        second = "" if result in ONE_PERSON else "twin-supervisor"
        person = f"twin-bench-{officer + 1}"
        self._bench_refused = False
        self._order(RecordBench, person, _OFFICER, seq=seq, result=result, found=found, second=second)
        if self._bench_refused:  # the lane does not know which parcel it is: it must be read first
            self._order(RecordBench, person, _OFFICER, seq=seq, result=BenchResult.RESCAN, found=())
        self._at_bench -= 1
        if station.empty:
            self.emptied()

    def _released(self, event: ParcelReleased) -> None:
        self._cage.append(event.seq)
        self._fill_cage(self._station.now + self._station.settings.cage_us, self._station.settings.cage_parcels)

    def _fill_cage(self, due_us: int, parcels: int) -> None:
        """A cage with this many parcels is full and leaves at ``due_us``."""
        if len(self._cage) >= parcels:
            self._cages += 1
            moved = (Custody.DEPARTED, f"CAGE-{self._cages:06d}", tuple(self._cage))
            self._cage.clear()
            self._station.driver.call_at(due_us, self._move, moved, CLERK)

    def _recorded(self, event: BenchRecorded) -> None:
        """A parcel whose list must be changed waits at the bench for a while, then goes back to the warehouse."""
        if event.result is _MODIFIED:
            station = self._station
            moved = (_BACK, "", (event.seq,))
            station.driver.call_at(station.now + station.settings.held_us, self._move, moved, CLERK)

    def _move(self, moved: tuple[Custody, str, tuple[int, ...]]) -> None:
        custody, container, seqs = moved
        for seq in seqs:
            self._order(MoveCustody, "twin-clerk", _OFFICER, seq=seq, custody=custody, container=container)

    # --- figures

    def figures(self) -> dict[str, object]:
        """What the run says of people and lane as a place of work."""
        until_us = self._station.now
        planned_us = self._station.last_left_us if self._station.empty else until_us  # the bench may work on long after
        figures = {**self.survey.figures(planned_us), **self._bench.meter.figures("bench", until_us)}
        if self.reviewers is not None:
            figures |= self.reviewers.figures(until_us)
        if self.loop is not None:
            figures |= {"loop_sent": self.loop.sent, "loop_full": self.loop.full}
        if self.breakdowns is not None:
            figures["downtimes"] = self.breakdowns.figures(planned_us)
        return figures


assert OFFICER > ATTENDANT > CLERK
