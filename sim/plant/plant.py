"""The plant: belt, bodies, eyes, readers, scale, gate and the lane I/O's own rules, event by event.

Every station event is a *belt position*; its time follows from the belt's motion when the body is put on, and is
planned anew when the belt changes its speed. Nothing here knows a clock: the plant puts calls to its agenda, which is
its own (``next_at`` says when something happens next, ``step`` lets it happen, ``advance`` does so up to a time) or the
driver of a twin in virtual time (``ride``). All inputs carry their time, which must not go back.
"""

from collections import deque
from collections.abc import Iterable
from itertools import repeat

from lane.model.config import Layout
from lane.model.words import Route
from sim.plant.agenda import Agenda, Clock, Target
from sim.plant.belt import Belt
from sim.plant.bodies import Body, BodyFed, BodyLeft
from sim.plant.diverter import NEVER, Diverter
from sim.plant.gate import Gate
from sim.plant.happenings import Happening
from sim.plant.lane_io import DO_INDUCTION, Channel, LaneIo, Refusal
from sim.plant.listener import Diary, Listener
from sim.plant.options import FEEDER_SLACK_UM as FEEDER_SLACK_UM
from sim.plant.options import PlantOptions
from sim.plant.stations import SCALE_ERROR_MG as SCALE_ERROR_MG
from sim.plant.stations import Stations
from sim.streams.truth import ParcelTruth

_US = 1_000_000  # microseconds in a second
_INDUCT = int(Channel.INDUCT)


class Plant:
    """Physics of one lane. ``io`` is its lane I/O; ``fed`` and ``left`` are the ground truth for the referee."""

    def __init__(
        self, layout: Layout, travel_us: int, parcels: Iterable[ParcelTruth], *, seed: int,
        options: PlantOptions | None = None,
    ) -> None:  # fmt: skip
        self.layout = layout
        self.options = options or PlantOptions()
        self.belt = Belt()
        self.gate = Gate(travel_us)
        way_um = layout.gate_um - layout.divert_um
        self.io = LaneIo(duties=self.options.duties, gap_um_min=layout.gap_um_min, way_um=way_um)
        self.io.write_watchdog_ms(self.options.watchdog_ms)
        self.io.speed_at = self.belt.speed
        self._spacing_um = self.options.spacing_um(layout.gap_um_min)
        self.fed: list[BodyFed] = []
        self.left: list[BodyLeft] = []
        self.bodies: dict[int, Body] = {}
        self._own: Agenda | None = Agenda()
        self.agenda: Clock = self._own
        self._stream = iter(parcels)
        self._waiting = next(self._stream, None)
        self._ahead: deque[ParcelTruth] = deque()  # come before the rest of the stream
        self.feeder_down = False
        self._free_um = 0  # belt position from which the next head may stand at the induct eye
        self._feed_due_us = NEVER
        self._induction = 0  # output b0 as the feeder last saw it
        self._motion = 0  # how often the belt was told a speed: calls planned before are void
        self._posts: dict[int, tuple[int, Target, int]] = {}  # watched positions: (position, target, token)
        self._posted = 0
        self._diverter = Diverter(self, self.io, self.gate)
        self._diary = Diary(self.fed, self.left)
        self.listener: Listener = self._diary
        self._stations = Stations(self, seed)

    @property
    def now_us(self) -> int:
        """How far the plant has come."""
        return int(self.agenda.now)

    @property
    def exhausted(self) -> bool:
        """No parcel waits at the feeder any more."""
        return self._waiting is None

    def ride(self, clock: Clock) -> None:
        """Let a driver of virtual time call from here on. Only for a plant in which nothing has happened yet.

        Nobody reads the register image of the lane I/O then, so that its ring of edges is not written.
        """
        assert self._own is not None, "expected a plant with an agenda of its own"
        assert self._own.next_at() is None, "expected a plant in which nothing has happened yet"
        self._own, self.agenda = None, clock
        self._stations.imaged = self.io.rules is not None

    # --- what reaches the actuators

    def set_belt(self, now_us: int, speed_um_s: int) -> None:
        """The drive ramps to this speed (0: stops)."""
        self.sync(now_us)
        if speed_um_s and not self.io.may_run():
            return
        belt = self.belt
        belt.set_speed(now_us, speed_um_s)
        self._motion += 1
        if self._own is not None:
            self._own.drop(self._stations.of_position)
        self.call_at(belt.steady_from(), self._steady, self._motion)
        for body in list(self.bodies.values()):
            if body.planned == body.generation:  # not one that a fault holds in its place
                body.generation += 1
                self._plan(body)
        for post in list(self._posts):
            self._plan_post(post)
        self._plan_feed()

    def allow_induction(self, now_us: int, allowed: bool) -> None:
        """Output b0 as a lane without Modbus sets it; lights are left as they are."""
        self.sync(now_us)
        lights = self.io.do_wanted & ~DO_INDUCTION
        self.io.write_do(lights | (DO_INDUCTION if allowed else 0))
        self.settle()

    def release(
        self, now_us: int, permit_no: int, pulse_ms: int, from_um: int, to_um: int, not_after_ms: int
    ) -> Refusal:
        """Release block with belt positions instead of counts (both 0: at once)."""
        io, belt_um = self.io, self.sync(now_us)
        at_once = from_um == 0 and to_um == 0
        window = (0, 0) if at_once else (io.encoder(from_um), io.encoder(to_um))
        refusal = io.write_release(permit_no, pulse_ms, *window, not_after_ms, at_us=now_us, belt_um=belt_um)
        self.io_changed(now_us, belt_um)
        return refusal

    def rest_gate(self, now_us: int) -> None:
        """Release output off, waiting pulse cancelled."""
        belt_um = self.sync(now_us)
        self.io.rest_gate(now_us, belt_um)
        self.io_changed(now_us, belt_um)

    def watch(self, position_um: int, token: int) -> None:
        """Report when the belt reaches ``position_um`` (at once when it has): a happening REACHED with ``token``."""
        self.post(position_um, self._reached, token)

    def sync(self, now_us: int) -> int:
        """Note the time and return the belt position, for callers that write to ``io`` themselves."""
        if now_us > self.agenda.now:
            self.agenda.now = now_us
        return self.belt.position(now_us)

    def io_changed(self, now_us: int, belt_um: int) -> None:
        """Let the plant follow the lane I/O; to be called after every direct write to ``io``."""
        self._diverter.changed(now_us, belt_um)
        self.settle()

    def follow_rules(self, at_us: int, belt_um: int) -> None:
        """An edge may have made a rule of a lane PLC close the release output."""
        if self._diverter.behind:
            self._diverter.changed(at_us, belt_um)

    def settle(self) -> None:
        """Let the feeder follow the lane I/O's output b0."""
        induction = self.io.do_applied & DO_INDUCTION
        if induction != self._induction:
            self._induction = induction
            self._plan_feed()

    # --- time

    def next_at(self) -> int | None:
        """Time of the next happening; None when nothing will happen without a command."""
        assert self._own is not None, "expected a plant with an agenda of its own"
        self.settle()
        if self._feed_due_us == NEVER:
            self._plan_feed()
        return self._own.next_at()

    def advance(self, to_us: int) -> list[Happening]:
        """Let everything happen up to and including ``to_us``."""
        assert self._own is not None, "expected a plant with an agenda of its own"
        while (at_us := self.next_at()) is not None and at_us <= to_us:
            self._own.step()
        self.sync(to_us)
        return self.drain()

    def step(self) -> list[Happening]:
        """Let the next thing happen (and what belongs to it); empty list when nothing will."""
        at_us = self.next_at()
        return [] if at_us is None else self.advance(at_us)

    def drain(self) -> list[Happening]:
        """Happenings since the last call, such as those that a command caused at once."""
        return self._diary.take()

    def call_at(self, at_us: int, target: Target, arg: object = None) -> None:
        """Call ``target(arg)`` at a time, or now when that is past."""
        now_us = self.agenda.now
        self.agenda.call_at(at_us if at_us > now_us else now_us, target, arg)

    def post(self, position_um: int, target: Target, token: int = 0) -> None:
        """Call ``target((position, token))`` when the belt reaches ``position_um``."""
        self._posted += 1
        self._posts[self._posted] = (position_um, target, token)
        self._plan_post(self._posted)

    # --- people and accidents

    def remove(self, now_us: int, number: int) -> None:
        """A person takes body ``number`` off the belt: its eyes clear, nothing more is heard of it."""
        belt_um = self.sync(now_us)
        body = self.bodies.pop(number)
        body.generation += 1
        for channel in self._covered(body, belt_um):
            self._stations.edge(channel, False, belt_um, number)
        self.left.append(
            BodyLeft(
                number=number, route=None, routed_us=body.at_blade_us, at_us=now_us, belt_um=belt_um,
                moved_blade=False,
            )
        )  # fmt: skip

    def stick_gate(self, now_us: int, stuck: bool) -> None:
        """The blade sticks where it is, or comes free and goes where the valve wants it."""
        belt_um = self.sync(now_us)
        self._diverter.stick(now_us, belt_um, stuck)

    def insert(self, now_us: int, body: Body) -> None:
        """A person puts a body on the belt; its head is ``belt - body.head_um`` behind the induct eye already."""
        belt_um = self.sync(now_us)
        self.bodies[body.parcel.number] = body
        for channel in self._covered(body, belt_um):
            self._stations.edge(channel, True, belt_um, body.parcel.number)
        self._set_out(body, belt_um)

    def refeed(self, now_us: int, parcel: ParcelTruth) -> None:
        """A person puts a parcel to the feeder again: it is the next, unless one stands there already."""
        self.sync(now_us)
        waiting = self._waiting
        if waiting is not None and waiting.arrival_us <= now_us:
            self._ahead.appendleft(parcel)
            return
        if waiting is not None:
            self._ahead.appendleft(waiting)
        self._waiting = parcel
        self._plan_feed()

    def stop_feeder(self, now_us: int, down: bool) -> None:
        """The feeder breaks down, or runs again."""
        self.sync(now_us)
        self.feeder_down = down
        self._plan_feed()

    # --- inside

    def _covered(self, body: Body, belt_um: int) -> list[int]:
        """Channels of the eyes that this body covers."""
        layout, never = self.layout, 1 << 60
        release = layout.exit_release_um if body.route is Route.RELEASE else never
        inspect = layout.exit_inspect_um if body.route is Route.INSPECT else never
        eyes = (0, layout.tunnel_entry_um, layout.tunnel_exit_um, layout.divert_um, release, inspect)
        back_um = belt_um - body.head_um
        return [channel for channel, eye_um in enumerate(eyes) if eye_um <= back_um < eye_um + body.length_um]

    def _feed_at(self) -> int | None:
        ready = self.io.do_applied & DO_INDUCTION and self.belt.target_um_s and not self.feeder_down
        if self._waiting is None or not ready:
            return None
        free_us = self.belt.time_of(self._free_um)
        return None if free_us is None else max(free_us, self._waiting.arrival_us, self.now_us)

    def _plan_feed(self) -> None:
        """The feeder's next parcel comes at this time, as things stand."""
        due_us = self._feed_at()
        self._feed_due_us = NEVER if due_us is None else due_us
        if due_us is not None:
            self.call_at(due_us, self._fed, due_us)

    def _fed(self, due_us: int) -> None:
        if due_us != self._feed_due_us:
            return  # planned anew meanwhile
        self._feed_due_us = NEVER
        feed_us = self._feed_at()  # asked again: a picture may be missing, or another reason have come up
        if feed_us is not None and feed_us <= self.agenda.now:
            self._feed(self.now_us)
        self._plan_feed()

    def _feed(self, at_us: int) -> None:
        parcel = self._waiting
        assert parcel is not None
        self._waiting = self._ahead.popleft() if self._ahead else next(self._stream, None)
        belt_um = self.belt.position(at_us)
        body = Body(parcel, belt_um)
        self.bodies[parcel.number] = body
        self._free_um = belt_um + body.length_um + self._spacing_um
        self._set_out(body, belt_um)
        self.listener.fed(at_us, belt_um, parcel.number)
        self._stations.edge(_INDUCT, True, belt_um, parcel.number)

    def _set_out(self, body: Body, belt_um: int) -> None:
        """The body is on its path; what lies up to ``belt_um`` is behind it."""
        body.path = path = self._stations.paths.of(body.length_um)
        back_um, place = belt_um - body.head_um, 0
        while place < len(path) and path[place][0] <= back_um:
            place += 1
        body.place = place
        self._plan(body)

    def _plan(self, body: Body) -> None:
        """Plan all marks that lie before the body, as the belt moves."""
        body.planned = generation = body.generation
        head_um, path = body.head_um, body.path
        if body.place:
            path = path[body.place :]
        if not path:
            return
        travels, targets, whats = zip(*path, strict=True)
        positions = [head_um + travel_um for travel_um in travels]
        steady_us, steady_um, speed = self.belt.line
        if speed and positions[0] > steady_um:
            times = [steady_us - (steady_um - at_um) * _US // speed for at_um in positions]
        else:
            now_us = self.agenda.now
            known = [self.belt.time_of(at_um) for at_um in positions]  # None: the belt stops before, so from there on
            times = [max(at_us, now_us) for at_us in known if at_us is not None]
        self.agenda.call_each(times, targets, zip(repeat(body), repeat(generation), whats, positions, strict=False))

    def plan_exit(self, body: Body, marks: Iterable[tuple[int, Target, int]]) -> None:
        """The blade has decided: these marks join the body's path."""
        rest = body.path[body.place :]
        body.path, body.place = tuple(marks), 0
        self._plan(body)
        body.path = tuple(sorted((*rest, *body.path), key=lambda mark: mark[0]))

    def _plan_post(self, number: int) -> None:
        at_us = self.belt.time_of(self._posts[number][0])
        if at_us is not None:
            self.call_at(at_us, self._passed, (number, self._motion))

    def _passed(self, post: tuple[int, int]) -> None:
        number, motion = post
        if motion == self._motion:
            position_um, target, token = self._posts.pop(number)
            target((position_um, token))

    def _reached(self, reached: tuple[int, int]) -> None:
        position_um, token = reached
        self.listener.reached(self.now_us, position_um, token)

    def _steady(self, motion: int) -> None:
        """The belt has its speed."""
        if motion == self._motion:
            now_us = self.now_us
            self.listener.belt(now_us, self.belt.position(now_us), self.belt.target_um_s)
