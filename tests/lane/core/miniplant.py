"""A small world for the core: a belt, eyes, a gate and obedient answerers, driven by belt position.

It is no twin: it has no ramps, no noise, no wires. Tests bend single answers through ``Parcel`` fields and hooks.
"""

from collections.abc import Callable
from functools import partial
from hashlib import sha256
from heapq import heappop, heappush
from itertools import count
from typing import Any

from msgspec.structs import replace

from devices.commands import (
    AllowInduction,
    ArmDetector,
    ProveWatchdog,
    ReleasePulse,
    RestGate,
    RunBelt,
    StopBelt,
)
from devices.signals import (
    BarcodeRead,
    BeltState,
    EyeChanged,
    GateInPosition,
    GatePosition,
    ReadQuality,
    SafetyChanged,
    WatchdogProven,
    WeightMeasured,
)
from lane.commands import AnyCommand, AskDeclaration, CloseEpoch, Count, Step
from lane.controller.core import LaneController
from lane.events.union import AnyEvent
from lane.inputs import (
    AnyInput,
    ClockReached,
    DeclarationAnswer,
    EpochOpened,
    LaneStarted,
    OrderGiven,
)
from lane.model.config import CoreConfig
from lane.model.words import Design, LaneKind, Role, State
from lane.orders import AnyOrder, Reset, Start
from tests.lane.core.boxes import MM, Box, config, counted, declared, scanned
from vision.item_count import Origin


class MiniPlant:
    """Feeds a core: ``lay`` boxes, ``run`` for a time, look at ``events``."""

    def __init__(self, cfg: CoreConfig | None = None, *, boxes: int = 0) -> None:
        self.config = cfg or config()
        self.core = LaneController(self.config)
        self.at_us = self.belt = self.speed = 0
        self.events: list[AnyEvent] = []
        self.commands: list[AnyCommand] = []
        self.inputs: list[AnyInput] = []
        self.steps: list[Step] = []
        self.hooks: dict[type, Callable[[Any], bool]] = {}
        self.filter: Callable[[AnyInput], AnyInput | None] = lambda item: item
        self.gate = GatePosition.INSPECT
        self.gate_works = True
        self.gate_sticks = self.induction = False
        self.epochs = self.line = 0
        self.boxes: list[Box] = []
        self.by_seq: dict[int, Box] = {}
        self.gate_log: list[tuple[int, int]] = []
        self._order = count()
        self._by_belt: list[tuple[int, int, Callable[[], object]]] = []
        self._by_time: list[tuple[int, int, Callable[[], object]]] = []
        self._nonce = count(1)
        self._pulse = 0
        self._waiting: set[int] = set()
        self._position = GatePosition.INSPECT
        for number in range(boxes):
            self.lay(Box(code=f"T{number + 1:09d}"))

    def give(self, item: AnyInput) -> Step:
        """Hand one input to the core and obey what it asks for."""
        bent = self.filter(item)
        return Step((), ()) if bent is None else self.core_hears(bent)

    def core_hears(self, bent: AnyInput) -> Step:
        """Hand it to the core as it is, past the filter."""
        return self.heard(bent, self.core.handle(bent))

    def heard(self, item: AnyInput, step: Step) -> Step:
        """Note one step of the core and obey what it asks for."""
        self.inputs.append(item)
        self.steps.append(step)
        self.events += step.events
        for command in step.commands:
            self.commands.append(command)
            hook = self.hooks.get(type(command))
            if hook is None or not hook(command):
                self._obey(command)
        return step

    def now(self) -> dict[str, Any]:
        """Coordinates of an input that happens at this moment."""
        return {"at_us": self.at_us, "belt_um": self.belt}

    def order(self, cls: type[AnyOrder], person: str = "li", role: Role = Role.OFFICER, **fields: Any) -> Step:
        """A person's order."""
        order = cls(person=person, role=role, nonce=f"n{next(self._nonce)}", **fields)
        return self.give(OrderGiven(**self.now(), order=order))

    def after(self, wait_us: int, do: Callable[[], object]) -> None:
        """Do something after a time."""
        heappush(self._by_time, (self.at_us + wait_us, next(self._order), do))

    def when(self, belt_um: int, do: Callable[[], object]) -> None:
        """Do something at a belt position."""
        heappush(self._by_belt, (max(belt_um, self.belt), next(self._order), do))

    def begin(self, *, restart: bool = True) -> None:
        """A core process starts; safety is well; the first epoch opens."""
        self.give(
            LaneStarted(
                **self.now(),
                restart=restart,
                boot_id="b",
                wall_at="2025-11-21T00:00:00Z",
                synchronised=True,
                lane_kind=self.config.kind,
                config_sha256="c",
                build_sha256="d",
            )
        )
        self.safety()
        if not self.core.state.draw.epoch:
            self.open_epoch()

    def safety(self, **changes: bool) -> Step:
        """The safety chain reports; all is well but for the changes."""
        good = {
            "estop_ok": True, "guard_ok": True, "interlock_ok": True, "key_on": True, "xray_on": False,
            "xray_ready": True,
        }  # fmt: skip
        return self.give(SafetyChanged(**self.now(), **{**good, **changes}))

    def open_epoch(self) -> None:
        """The seal opens the next epoch."""
        self.epochs += 1
        draw = self.config.draw
        self.give(
            EpochOpened(
                **self.now(),
                epoch=self.epochs,
                commitment="c",
                nonce="n",
                rate=draw.rate,
                design=Design.RATE_HELD,
                config_sha256="c",
                build_sha256="d",
                key=sha256(b"%d" % self.epochs).digest(),
            )
        )

    def start(self) -> None:
        """From nothing to EXECUTE: header, Reset, Start, flush run, proof."""
        self.begin()
        self.order(Reset)
        self.order(Start)
        self.run_until(lambda: self.core.state.machine.state is State.EXECUTE, 60_000_000)

    def run(self, for_us: int) -> None:
        """Let the world run for a time."""
        self.run_until(lambda: False, for_us)

    def run_until(self, done: Callable[[], bool], limit_us: int) -> None:
        """Let the world run until something holds, at most for a time."""
        end = self.at_us + limit_us
        while not done():
            candidates: list[tuple[int, int]] = [(end, 3)]
            if self._by_time:
                candidates.append((self._by_time[0][0], 0))
            if self._by_belt and self.speed:
                way = max(self._by_belt[0][0] - self.belt, 0)
                candidates.append((self.at_us + -(-way * 1_000_000 // self.speed), 1))
            deadline = self.core.next_deadline()
            if deadline is not None:
                candidates.append((max(deadline, self.at_us), 2))
            at_us, kind = min(candidates)
            self._advance(at_us, self._by_belt[0][0] if kind == 1 else None)
            if kind == 0:
                heappop(self._by_time)[2]()
            elif kind == 1:
                heappop(self._by_belt)[2]()
            elif kind == 2:
                self.give(ClockReached(**self.now()))
                assert (self.core.next_deadline() or end + 1) > self.at_us
            else:
                return

    def _advance(self, at_us: int, belt_um: int | None) -> None:
        moved = (at_us - self.at_us) * self.speed // 1_000_000
        self.belt = self.belt + moved if belt_um is None else max(self.belt, belt_um)
        self.at_us = at_us

    def lay(self, box: Box, gap_um: int = 700 * MM) -> Box:
        """Put a box on the feeding belt: it is inducted when the lane allows it, behind the one before."""
        self.boxes.append(box)
        box.answer.setdefault("gap_um", gap_um)
        if self.induction:
            self._feed()
        return box

    def _feed(self) -> None:
        tail = max((box.at_um + box.length_um for box in self.boxes if box.placed), default=self.belt)
        for box in self.boxes:
            if not box.placed:
                head = max(tail + box.answer["gap_um"], self.belt + 10 * MM)
                self.place(box, head)
                tail = head + box.length_um

    def place(self, box: Box, head_um: int) -> None:
        """The box's head will be at the induct eye when the belt stands at ``head_um``."""
        box.placed, box.at_um = True, head_um
        layout = self.config.layout
        if box.readable:
            self._at(box, layout.reader_um + box.length_um // 2, lambda: self._read(box))
        self._at(box, layout.scale_um + box.length_um // 2, lambda: self._weigh(box))
        self._eye(box, "induct", 0)
        self._eye(box, "tunnel_entry", layout.tunnel_entry_um)
        self._eye(box, "tunnel_exit", layout.tunnel_exit_um)
        self._eye(box, "divert", layout.divert_um)
        self._at(box, layout.gate_um, lambda: self._at_gate(box))

    def _at(self, box: Box, way_um: int, do: Callable[[], object]) -> None:
        """When the box has gone this far, unless it was laid anew since."""
        head = box.at_um
        self.when(head + way_um, lambda: do() if box.at_um == head else None)

    def _eye(self, box: Box, eye: str, station_um: int) -> None:
        if eye in box.skip_eyes:
            return
        way = station_um + box.slip_um.get(eye, 0)
        self._at(box, way, lambda: self._edge(box, eye, True))
        self._at(box, way + box.length_um, lambda: self._edge(box, eye, False))

    def _gone(self, box: Box) -> bool:
        return bool(box.removed_at_um) and self.belt - box.at_um >= box.removed_at_um

    def _edge(self, box: Box, eye: str, blocked: bool) -> None:
        if not blocked and eye in box.covering:
            box.covering.remove(eye)  # also when it was taken off meanwhile
        elif self._gone(box) or not blocked or not (box.inducted or eye == "induct"):
            return
        if eye == "induct" and blocked:
            if not self.induction and "forced" not in box.answer:
                box.placed = False
                return
            box.inducted = True
            self.by_seq[self.core.state.next_seq] = box
        if blocked:
            box.covering.append(eye)
        self.give(EyeChanged(**self.now(), eye=eye, blocked=blocked))

    def _read(self, box: Box) -> None:
        if self._gone(box) or not box.inducted:
            return
        self.give(
            BarcodeRead(
                **self.now(),
                reader="reader",
                text=box.code,
                quality=ReadQuality.GOOD,
                sticky_from=box.answer.get("sticky_from", 0),
                inductions=box.answer.get("inductions", 0),
            )
        )

    def _weigh(self, box: Box) -> None:
        if not self._gone(box) and box.inducted and box.scale_mg >= 0:
            self.give(WeightMeasured(**self.now(), mg=box.scale_mg, stable=True, error_mg=3_000))

    def _at_gate(self, box: Box) -> None:
        if self._gone(box) or not box.inducted:
            return
        box.exit = "exit_release" if self.gate is GatePosition.RELEASE else "exit_inspect"
        layout = self.config.layout
        station = layout.exit_release_um if box.exit == "exit_release" else layout.exit_inspect_um
        self._eye(box, box.exit, station)

    def _obey(self, command: AnyCommand) -> None:
        if isinstance(command, RunBelt):
            self.after(100_000, lambda: self.set_speed(command.speed_um_s))
        elif isinstance(command, StopBelt):
            self.after(100_000, lambda: self.set_speed(0))
        elif isinstance(command, AllowInduction):
            self.induction = command.allowed
            if command.allowed:
                self._feed()
        elif isinstance(command, ProveWatchdog):
            self.after(600_000, lambda: self._prove())
        elif isinstance(command, AskDeclaration):
            self.after(3_000, lambda: self._declare(command))
        elif isinstance(command, ArmDetector):
            box = self.by_seq.get(command.seq)
            if box is not None and box.scan:
                self.when(command.to_um, partial(self._scan, command, box))
        elif isinstance(command, Count):
            box = self.by_seq[command.seq]
            if box.vision:
                self.after(200_000, lambda: self._count(command, box))
        elif isinstance(command, CloseEpoch):
            self.after(20_000, self.open_epoch)
        else:
            self._obey_gate(command)

    def _obey_gate(self, command: AnyCommand) -> None:
        if isinstance(command, ReleasePulse):
            self._waiting.add(command.permit_no)
            self.when(command.from_um, lambda: self._open(command))
            self.when(command.to_um, lambda: self._shut(command.permit_no))
        elif isinstance(command, RestGate):
            self._waiting.clear()
            self.drop_gate()

    def _prove(self) -> None:
        self.give(WatchdogProven(**self.now(), ok=True, drop_us=400_000))

    def set_speed(self, speed: int) -> None:
        """The drive reaches a speed."""
        if speed != self.speed:
            self.speed = speed
            self.give(BeltState(**self.now(), running=speed > 0, speed_um_s=speed))

    def _open(self, command: ReleasePulse) -> None:
        if command.permit_no not in self._waiting or self.at_us > command.not_after_us or not self.gate_works:
            return
        self._waiting.remove(command.permit_no)
        self._pulse = command.permit_no
        self.gate_log.append((command.permit_no, self.belt))
        self._switch(GatePosition.MOVING, 1_000, command.permit_no)
        self._switch(GatePosition.RELEASE, self.config.gate.travel_us, command.permit_no)

    def _shut(self, permit_no: int) -> None:
        if permit_no == self._pulse:
            self.drop_gate()

    def drop_gate(self) -> None:
        """The valve falls: the spring takes the blade home, unless it sticks."""
        self._pulse = 0
        if self._position is GatePosition.INSPECT or self.gate_sticks:
            return
        self.gate = GatePosition.INSPECT
        self._switch(GatePosition.MOVING, 1_000, 0)
        self._switch(GatePosition.INSPECT, self.config.gate.travel_us, 0)

    def _switch(self, position: GatePosition, wait_us: int, permit_no: int) -> None:
        """The end switches report a position after a while, unless the valve changed meanwhile."""

        def report() -> None:
            if self._pulse != permit_no or self._position is position:
                return
            self._position = position
            if position is not GatePosition.MOVING:
                self.gate = position
            self.give(GateInPosition(**self.now(), position=position, permit_no=permit_no))

        self.after(wait_us, report)

    def free_gate(self) -> None:
        """The blade that stuck comes free: its spring takes it home."""
        self.gate_sticks = False
        self.drop_gate()

    def _declare(self, command: AskDeclaration) -> None:
        box = self.by_seq[command.seq]
        self.give(self.answer_of(box, command.seq))

    def answer_of(self, box: Box, seq: int) -> DeclarationAnswer:
        """What the declarations store says."""
        return declared(box, seq, **self.now())

    def _scan(self, command: ArmDetector, box: Box) -> None:
        lines = (command.to_um - command.from_um) // 1_200
        first, self.line = self.line + 1, self.line + lines
        head = box.at_um + self.config.layout.detector_um
        origin = Origin.SYNTHETIC if self.config.kind is LaneKind.TWIN else Origin.MACHINE
        scan = scanned(command, box, head, first, lines, origin, **self.now())
        self.after(30_000, lambda: self.give(replace(scan, **{**self.now(), **box.image})))

    def _count(self, command: Count, box: Box) -> None:
        self.give(counted(command, box, **self.now()))

    def of(self, kind: type[Any]) -> list[Any]:
        """All events of a kind."""
        return [event for event in self.events if isinstance(event, kind)]

    def words(self, seq: int) -> list[str]:
        """Names of the events of one parcel, in order."""
        return [type(event).__name__ for event in self.events if getattr(event, "seq", None) == seq]
