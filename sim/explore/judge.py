"""Judges one run with physical truth: who truly left by which exit, and whether the lane came back to life."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from lane.errors import Alarm
from lane.events.union import AnyEvent
from lane.inputs import AnyInput, OrderGiven
from lane.model.words import Custody, Route, State
from sim.coretwin.senses import Senses
from sim.coretwin.station import Station
from sim.coretwin.trouble_bodies import FOREIGN
from sim.explore.case import Case, of_stream
from sim.explore.liveness import Liveness
from sim.explore.onlookers import Onlookers
from sim.explore.supervisor import Supervisor
from sim.explore.watch import Watch
from sim.faults import CATALOGUE
from sim.plant.lane_io import Channel
from sim.streams.truth import ParcelTruth

SILENT_US = 700_000
"""R9: watchdog (300 ms) and the blade's way home (at most 300 ms) with room to spare."""
IDLE_US = 1_200_000
"""I17: command, slow commit and the blade's way home after the lane left EXECUTE."""
DIVERT = int(Channel.DIVERT)
TAKEN_BACK = "R18"
"""A body passed the blade against a rule and stood behind it when the belt had stopped: no release, but nearly one."""
WINDOW_UM = 50_000
"""Nearer than this to a tracked parcel's place, an edge may be taken for that parcel's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Passing:
    """A body at the open blade: when, whose tail is ahead (0: nobody's) and how far, and which pulse was last.

    ``driven``: the valve holds the blade open; else it should be home. ``moved_um``: where a fault moved the body last.
    ``unread``: no reader can read its label.
    """

    at_us: int
    leader: int
    gap_um: int
    permit_no: int
    driven: bool
    moved_um: int
    unread: bool = False


class Witness(Senses):
    """The lane's senses, and somebody who sees each body reach the blade."""

    def __init__(self, station: Station, judge: "Judge") -> None:
        super().__init__(station)
        self._judge = judge

    def eye(self, at_us: int, belt_um: int, channel: int, blocked: bool, number: int) -> None:
        """A photo-eye changed level."""
        if channel == DIVERT:
            self._judge.at_divert(belt_um, blocked, number)
        super().eye(at_us, belt_um, channel, blocked, number)

    def routed(self, at_us: int, belt_um: int, number: int, route: Route) -> None:
        """A head reached the blade."""
        self._judge.routed(at_us, number, route)

    def fed(self, at_us: int, belt_um: int, number: int) -> None:
        """A body stands at the induct eye."""
        self._judge.liveness.fed(at_us)
        super().fed(at_us, belt_um, number)


class Judge:
    """Watches one run and says at its end what was wrong. ``goals``: names of the `sometimes` goals reached."""

    def __init__(self, case: Case, station: Station, stream: Sequence[ParcelTruth], slack_um: int) -> None:
        self.case, self._station, self._stream = case, station, stream
        self._routes: dict[int, Route] = {}
        self.passed: dict[int, Passing] = {}
        self._divert_tail_um = -(1 << 60)
        self._close = self._foreign_inside = 0
        self._silent_us = self._left_execute_us = -1
        self.watch = Watch(lambda: station.controller.state, self._route_of, slack_um)
        self.liveness = Liveness(case, station, stream, self.watch)
        self._supervisor = Supervisor(station)
        self._scribe = Onlookers(station, self.watch, self._route_of)
        if case.faults:
            station.troubles.between.watch = self._scribe.heard
        self.figures: Counter[str] = Counter()
        self.goals: Counter[str] = Counter()
        station.senses = Witness(station, self)
        station.plant.listener = self._scribe.field(station.senses)

    @property
    def taken(self) -> list[int]:
        """Bodies that an officer took from behind the gate."""
        return self._station.people.branch.taken

    def _route_of(self, seq: int) -> Route | None:
        passage = self._station.referee.passages.get(seq)
        return self._routes.get(passage.number) if passage is not None else None

    def saw(self, item: AnyInput, events: Sequence[AnyEvent]) -> None:
        """One step of the core (before its commands leave)."""
        watch = self.watch
        executing = watch.state is State.EXECUTE
        watch.saw(item, events)
        if not self.case.faults:
            self._scribe.saw(item, events)
        if type(item) is OrderGiven:
            self._supervisor.saw(item, events)
        if executing and watch.state is not State.EXECUTE:
            self._left_execute_us = item.at_us
        elif watch.state is State.EXECUTE:
            self._left_execute_us = -1
        silent = self._station.troubles.silent
        if silent != (self._silent_us >= 0):
            self._silent_us = self._station.now if silent else -1

    def routed(self, at_us: int, number: int, route: Route) -> None:
        """A head reached the blade: the moment of truth."""
        self._routes[number] = route
        if route is not Route.RELEASE:
            return
        self.passed[number] = self._passing(at_us, number)
        silent = self._station.troubles.silent
        if not silent:
            self._silent_us = -1
        elif self._silent_us < 0:
            self._silent_us = at_us
        self.watch.at_us = at_us
        if silent and at_us - self._silent_us > SILENT_US:
            self.watch.breaks("R9", "released while nobody reaches the lane I/O", body=number)
        if 0 <= self._left_execute_us < at_us - IDLE_US and not self._station.controller.state.machine.belt_wanted:
            self.watch.breaks("I17", "released although the lane is not in EXECUTE", body=number)

    def at_divert(self, belt_um: int, blocked: bool, number: int) -> None:
        """An edge of the divert eye: how close bodies follow there, and whose window a foreign one uses."""
        if not blocked:
            self._divert_tail_um = belt_um
            return
        layout = self._station.config.layout
        self._close += belt_um - self._divert_tail_um < layout.gap_um_min
        if number >= FOREIGN:
            anchors = (parcel.body.anchor_um for parcel in self._station.controller.state.parcels.values())
            at_um = belt_um - layout.divert_um
            self._foreign_inside += any(abs(anchor - at_um) <= WINDOW_UM for anchor in anchors)

    def _passing(self, at_us: int, number: int) -> Passing:
        """How this head passes the open blade: behind whom, and how far."""
        plant = self._station.plant
        head_um = plant.bodies[number].head_um
        ahead = [body for body in plant.bodies.values() if body.route is Route.RELEASE and body.head_um < head_um]
        leader = max(ahead, key=lambda body: body.head_um, default=None)
        return Passing(
            at_us=at_us,
            leader=leader.parcel.number if leader is not None else 0,
            gap_um=head_um - leader.head_um - leader.length_um if leader is not None else 0,
            permit_no=plant.io.applied,
            driven=plant.io.valve,
            moved_um=self._station.troubles.moved.get(number, -1),
            unread=not plant.bodies[number].parcel.code,
        )

    # --- at the end

    def conclude(self) -> None:
        """Compare truth and books."""
        station, watch = self._station, self.watch
        referee, images = station.referee, station.images.bodies
        watch.at_us = station.now
        crashed = station.ended == "crash"
        violations = referee.violations()
        for what, body, seq in violations:
            watch.breaks(str(what), "", seq, body)
        for number in self.taken:
            if faults := referee.forbids(number):
                names = ", ".join(str(fault) for fault in faults)
                watch.breaks(TAKEN_BACK, f"passed the open gate, and was taken from behind it: {names}", 0, number)
        seen: dict[int, int] = {}
        for seq in watch.released:
            passage = referee.passages[seq]
            if passage.image and images.get(passage.image, 0) != passage.number:
                watch.breaks("R1", "released on a picture that shows another body, or several", seq, passage.number)
            if passage.number and passage.number in seen:
                watch.breaks("R10", f"released as {seen[passage.number]} and as {seq}", seq, passage.number)
            seen[passage.number] = seq
        if not crashed:
            self._books()
            self.liveness.conclude()
        self._count()

    def _books(self) -> None:
        """Every lane number has an end, and every body of the stream left the belt (R4)."""
        station = self._station
        on_belt = station.controller.state.parcels
        for seq, passage in station.referee.passages.items():
            ends = passage.released or passage.diverted or passage.unproven or passage.lost
            custody = station.controller.state.unproven.get(seq)
            removed = custody is not None and custody.custody is Custody.REMOVED
            if not ends and not removed and seq not in on_belt:
                self.watch.breaks("R4", "no end in the books", seq, passage.number)

    def _count(self) -> None:
        station, figures, watch = self._station, self.figures, self.watch
        report = station.referee.report()
        figures["parcels"] = len(self._stream)
        figures["inputs"] = station.handled
        figures["cases"] = 1
        figures[f"cases {self.case.mode}"] = 1
        figures[f"parcels {self.case.setup.field}"] = len(self._stream)
        figures[f"stops {self.case.mode}"] = watch.counts["stops"]
        figures[f"fed {self.case.mode}"] = report["bodies_fed"]
        figures["bodies released"] = report["bodies_released"]
        figures["missed content"] = report["missed_content"]
        figures["unproven"] = report["custody_unproven"]
        figures["released by gate"] = report["released_by_gate"]
        if not self.case.faults:
            self._sound(report["sound_parcels_inspected"])
        for fault in [*of_stream(self.case), *(fault for _, fault in station.troubles.happened)]:
            figures[f"fault {fault.kind}"] += 1
            figures[f"id {CATALOGUE[fault.kind].id}"] += 1
        self._goals()

    def _sound(self, sound: dict[str, Any]) -> None:
        """Sound parcels of a run without faults that were opened, by family of their grounds."""
        figures = self.figures
        figures["sound"] += sound["sound"]
        for name, count in sound["by_family"].items():
            figures[f"sound inspected {name}"] += count
        for name, count in sound["by_ground"].items():
            figures[f"sound ground {name}"] += count

    def _goals(self) -> None:
        """`sometimes` goals that faults noted, and those that the core's records show."""
        goals, watch = self.goals, self.watch
        goals.update(+self._station.troubles.noted)
        goals["permit expired unused"] += watch.counts["permit expired unused"]
        goals["induction stopped by a full bench"] += watch.counts[f"alarm {int(Alarm.BENCH_FULL)}"]
        goals["verdict after the latch"] += watch.counts["verdict after the latch"]
        goals["drawn parcel without its image"] += watch.counts["drawn parcel without its image"]
        goals["two bodies within the least gap at the divert eye"] += self._close
        goals["foreign body inside another's window"] += self._foreign_inside
