"""The plant: belt, bodies, eyes, readers, scale, gate and the lane I/O's own rules, event by event.

Every station event is a *belt position* in a heap; times follow from the belt's motion, so a ramp or a stop rescales
nothing. The few things that happen in time (a pulse's end, a blade's arrival, a parcel's arrival at the feeder) are
kept beside it. Nothing here knows a clock: ``next_at`` says when something happens next, ``step`` lets it happen,
``advance`` does so up to a time. All inputs carry their time, which must not go back.
"""

from collections import deque
from collections.abc import Callable, Iterable
from heapq import heappop, heappush, heapreplace

from lane.model.config import EYES, Layout
from lane.model.words import Route
from sim.plant.belt import Belt
from sim.plant.bodies import Body, BodyFed, BodyLeft
from sim.plant.diverter import NEVER, Diverter
from sim.plant.gate import Gate
from sim.plant.happenings import Happening
from sim.plant.lane_io import DO_INDUCTION, Channel, LaneIo, Refusal
from sim.plant.listener import Diary, Listener
from sim.plant.marks import EXIT_HEAD, READER, TAIL, WATCH, Paths
from sim.plant.options import FEEDER_SLACK_UM as FEEDER_SLACK_UM
from sim.plant.options import PlantOptions
from sim.plant.stations import EXITS, Stations
from sim.plant.stations import SCALE_ERROR_MG as SCALE_ERROR_MG
from sim.streams.truth import ParcelTruth

_US = 1_000_000  # microseconds in a second
_INDUCT = int(Channel.INDUCT)

Mark = tuple[int, int, int, Body | None, int]  # belt position, order, code, body, generation (or token)


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
        self._spacing_um = self.options.spacing_um(layout.gap_um_min)
        self.fed: list[BodyFed] = []
        self.left: list[BodyLeft] = []
        self.bodies: dict[int, Body] = {}
        self.now_us = 0
        self._stream = iter(parcels)
        self._waiting = next(self._stream, None)
        self._ahead: deque[ParcelTruth] = deque()  # come before the rest of the stream
        self.feeder_down = False
        self._free_um = 0  # belt position from which the next head may stand at the induct eye
        self._marks: list[Mark] = []
        self._order = 0
        self._blocked = [0] * len(EYES)
        self._belt_due_us = self._feed_due_us = NEVER
        self._induction = 0  # output b0 as the feeder last saw it
        self._diverter = Diverter(self, self.io, self.gate)
        self._stations = Stations(self, seed)
        self._diary = Diary(self.fed, self.left)
        self.listener: Listener = self._diary
        self._paths = Paths(layout, second_reader=self.options.second_reader)

    @property
    def exhausted(self) -> bool:
        """No parcel waits at the feeder any more."""
        return self._waiting is None

    # --- what reaches the actuators

    def set_belt(self, now_us: int, speed_um_s: int) -> None:
        """The drive ramps to this speed (0: stops)."""
        self.now_us = now_us
        if speed_um_s and not self.io.may_run():
            return
        self.belt.set_speed(now_us, speed_um_s)
        self._belt_due_us = self.belt.steady_from()
        self._feed_due_us = NEVER  # to be planned anew

    def allow_induction(self, now_us: int, allowed: bool) -> None:
        """Output b0 as a lane without Modbus sets it; lights are left as they are."""
        self.now_us = now_us
        lights = self.io.do_wanted & ~DO_INDUCTION
        self.io.write_do(lights | (DO_INDUCTION if allowed else 0))

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
        self.mark(position_um, WATCH, token=token)

    def sync(self, now_us: int) -> int:
        """Note the time and return the belt position, for callers that write to ``io`` themselves."""
        self.now_us = now_us
        return self.belt.position(now_us)

    def io_changed(self, now_us: int, belt_um: int) -> None:
        """Let the plant follow the lane I/O; to be called after every direct write to ``io``."""
        self._diverter.changed(now_us, belt_um)

    # --- time

    def next_at(self) -> int | None:
        """Time of the next happening; None when nothing will happen without a command."""
        induction = self.io.do_applied & DO_INDUCTION
        if induction != self._induction:
            self._induction, self._feed_due_us = induction, NEVER
        best = self._feed_due_us
        if best == NEVER and (planned := self._feed_at()) is not None:
            best = self._feed_due_us = planned
        if self._marks and (at_us := self.belt.time_of(self._marks[0][0])) is not None and at_us < best:
            best = at_us
        if self._belt_due_us < best:
            best = self._belt_due_us
        if self._diverter.due_us < best:
            best = self._diverter.due_us
        if best == NEVER:
            return None
        return best if best > self.now_us else self.now_us

    def advance(self, to_us: int) -> list[Happening]:
        """Let everything happen up to and including ``to_us``."""
        while (at_us := self.next_at()) is not None and at_us <= to_us:
            self._do(at_us)
        self.now_us = max(self.now_us, to_us)
        return self.drain()

    def step(self) -> list[Happening]:
        """Let the next thing happen (and what belongs to it); empty list when nothing will."""
        at_us = self.next_at()
        if at_us is not None:
            self._do(at_us)
        return self.drain()

    def follow(self, at_us: int, jump: Callable[[int], bool]) -> int | None:
        """Let happen what is due at ``at_us``, and so on from one to the next as long as ``jump`` agrees to its time.

        Returns the time of the happening that ``jump`` refused (None: nothing more without a command).
        """
        marks, belt, io, diverter, blocked = self._marks, self.belt, self.io, self._diverter, self._blocked
        self.now_us = at_us
        while True:
            feed_us = self._feed_due_us
            steady_us, steady_um, speed = belt.line
            # the usual case, without a call more than it needs: the belt runs evenly and a body's mark comes first
            if marks and marks[0][0] > steady_um and speed and feed_us != NEVER:
                belt_um, _, code, body, generation = marks[0]
                at_us = steady_us - (steady_um - belt_um) * _US // speed
                if (
                    at_us < feed_us and at_us < diverter.due_us and at_us < self._belt_due_us and code < EXIT_HEAD
                    and body is not None and generation == body.generation
                    and io.do_applied & DO_INDUCTION == self._induction
                ):  # fmt: skip
                    if at_us > self.now_us:
                        if not jump(at_us):
                            return at_us
                        self.now_us = at_us
                    body.place = ahead = body.place + 1
                    path = body.path
                    if ahead < len(path):  # the body's next mark takes the place of this one
                        travel_um, place, following = path[ahead]
                        heapreplace(
                            marks, (body.head_um + travel_um, body.order + place, following, body, generation)
                        )  # fmt: skip
                    else:
                        heappop(marks)
                    if code >= READER:
                        self._stations.meet(code, body, at_us, belt_um)
                        continue
                    head = code < TAIL
                    channel = code if head else code - TAIL
                    bodies = blocked[channel] + (1 if head else -1)
                    blocked[channel] = bodies
                    if bodies == (1 if head else 0):
                        io.edge(channel, head, at_us, belt_um)
                        self.listener.eye(at_us, belt_um, channel, head, body.parcel.number)
                        if diverter.behind:
                            diverter.changed(at_us, belt_um)
                    continue
            next_us = self.next_at()
            if next_us is None or (next_us > self.now_us and not jump(next_us)):
                return next_us
            self._do(next_us)

    def drain(self) -> list[Happening]:
        """Happenings since the last call, such as those that a command caused at once."""
        return self._diary.take()

    # --- people and accidents

    def remove(self, now_us: int, number: int) -> None:
        """A person takes body ``number`` off the belt: its eyes clear, nothing more is heard of it."""
        belt_um = self.sync(now_us)
        body = self.bodies.pop(number)
        body.generation += 1
        for channel, eye_um in enumerate(self._eye_positions(body)):
            if body.head_um + eye_um <= belt_um < body.head_um + eye_um + body.length_um:
                self._eye(channel, False, now_us, belt_um, number)
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
        for channel, eye_um in enumerate(self._eye_positions(body)):
            if body.head_um + eye_um <= belt_um < body.head_um + eye_um + body.length_um:
                self._eye(channel, True, now_us, belt_um, body.parcel.number)
        self._set_out(body, belt_um)

    def refeed(self, now_us: int, parcel: ParcelTruth) -> None:
        """A person puts a parcel to the feeder again: it is the next, unless one stands there already."""
        self.now_us = now_us
        waiting = self._waiting
        if waiting is not None and waiting.arrival_us <= now_us:
            self._ahead.appendleft(parcel)
            return
        if waiting is not None:
            self._ahead.appendleft(waiting)
        self._waiting = parcel
        self._feed_due_us = NEVER  # to be planned anew

    def stop_feeder(self, now_us: int, down: bool) -> None:
        """The feeder breaks down, or runs again."""
        self.now_us = now_us
        self.feeder_down = down
        self._feed_due_us = NEVER

    # --- inside

    def _eye_positions(self, body: Body) -> tuple[int, ...]:
        layout, never = self.layout, 1 << 60
        release = layout.exit_release_um if body.route is Route.RELEASE else never
        inspect = layout.exit_inspect_um if body.route is Route.INSPECT else never
        return 0, layout.tunnel_entry_um, layout.tunnel_exit_um, layout.divert_um, release, inspect

    def _feed_at(self) -> int | None:
        ready = self.io.do_applied & DO_INDUCTION and self.belt.target_um_s and not self.feeder_down
        if self._waiting is None or not ready:
            return None
        free_us = self.belt.time_of(self._free_um)
        return None if free_us is None else max(free_us, self._waiting.arrival_us, self.now_us)

    def mark(self, position_um: int, code: int, body: Body | None = None, token: int = 0) -> None:
        """Something happens when the belt reaches ``position_um``; ``token``: the body's generation, or a watch's."""
        self._order += 1
        heappush(self._marks, (position_um, self._order, code, body, token))

    def _do(self, at_us: int) -> None:
        """Whatever is due at ``at_us``, in a fixed order: device, blade, belt, marks, feeder."""
        self.now_us = at_us
        if self._diverter.due_us <= at_us:
            self._diverter.happen(at_us, self.belt.position(at_us))
        if self._belt_due_us <= at_us:
            self._belt_due_us = NEVER
            self.listener.belt(at_us, self.belt.position(at_us), self.belt.target_um_s)
        marks = self._marks
        if marks:
            belt_um = self.belt.position(at_us)
            while marks and marks[0][0] <= belt_um:
                self._reach(at_us)
        if self._feed_due_us <= at_us:
            feed_us = self._feed_at()  # asked again: induction may have ended meanwhile
            if feed_us is not None and feed_us <= at_us:
                self._feed(at_us)
            self._feed_due_us = NEVER

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
        self._eye(_INDUCT, True, at_us, belt_um, parcel.number)

    def _set_out(self, body: Body, belt_um: int) -> None:
        """The body is on its path; what lies up to ``belt_um`` is behind it. One mark of it waits at a time."""
        body.path, body.order = self._paths.of(body.length_um), self._order + 1
        self._order += self._paths.marks
        for ahead, (travel_um, place, code) in enumerate(body.path):
            at_um = body.head_um + travel_um
            if at_um > belt_um:
                body.place = ahead
                heappush(self._marks, (at_um, body.order + place, code, body, body.generation))
                return

    def _reach(self, at_us: int) -> None:
        """The nearest mark is due; its exact position is at most one microsecond of travel behind the belt."""
        belt_um, _, code, body, generation = self._marks[0]
        if body is not None and generation != body.generation:
            heappop(self._marks)
            return
        if body is None:
            heappop(self._marks)
            if code == WATCH:
                self.listener.reached(at_us, belt_um, generation)
            else:
                self._diverter.reached(at_us, belt_um)
            return
        if code >= EXIT_HEAD:
            heappop(self._marks)
            self._exit(body, code == EXIT_HEAD, at_us, belt_um)
            return
        body.place += 1
        if body.place < len(body.path):  # the body's next mark takes the place of this one
            travel_um, place, following = body.path[body.place]
            entry = (body.head_um + travel_um, body.order + place, following, body, generation)
            heapreplace(self._marks, entry)
        else:
            heappop(self._marks)
        if code < TAIL:
            self._eye(code, True, at_us, belt_um, body.parcel.number)
        elif code < READER:
            self._eye(code - TAIL, False, at_us, belt_um, body.parcel.number)
        else:
            self._stations.meet(code, body, at_us, belt_um)

    def _exit(self, body: Body, head: bool, at_us: int, belt_um: int) -> None:
        """A head or tail at the exit eye of the body's route; with its tail there it has left the lane."""
        route = body.route
        assert route is not None
        if not head:
            del self.bodies[body.parcel.number]
        self._eye(EXITS[route], head, at_us, belt_um, body.parcel.number)
        if not head:
            self.listener.left(at_us, belt_um, body)

    def _eye(self, channel: int, blocked: bool, at_us: int, belt_um: int, number: int) -> None:
        """A body enters or leaves an eye's beam; the eye changes level only with the first and the last one."""
        before = self._blocked[channel]
        self._blocked[channel] = after = before + (1 if blocked else -1)
        if (before > 0) != (after > 0):
            self.io.edge(channel, blocked, at_us, belt_um)
            self.listener.eye(at_us, belt_um, channel, blocked, number)
            if self._diverter.behind:  # a rule of a lane PLC closed it at this edge
                self._diverter.changed(at_us, belt_um)
