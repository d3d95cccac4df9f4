"""From snapshots of the lane I/O to signals: eyes, gate, valve, belt. Pure: no wire, no clock of its own.

Each signal carries the device's own stamps: ``at_us`` by the clock map, ``belt_um`` from the encoder in the ring entry.
Signals leave in ring order.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from devices.drivers.gate_watch import GateChannels, GateWatch
from devices.io_image import (
    U16,
    BeltTracker,
    ClockMap,
    Debounce,
    EventBlock,
    IoResume,
    RingEvent,
    RingReader,
)
from devices.signals import (
    POINT_RELEASE,
    BeltMoved,
    DeviceSignal,
    EncoderDoubt,
    EyeChanged,
    GateInPosition,
    OutputProven,
    Quality,
    StrangerRefused,
)

BELT_STEP_UM = 250_000
"""Belt position is reported once per 250 mm: half a second at demo speed."""
SPEED_STEP_UM_S = 50_000
"""... and when speed changed by 50 mm/s, or the belt started or stopped."""
SPEED_UM_S_MAX = 2_000_000
JUMP_UM = 50_000
"""Twice the fastest belt, and 50 mm for the jitter of stamps: more than that is no motion but a defect."""
CLOCK_WINDOW_US = 10_000_000
"""Ten seconds of wall time: some hundred polls, while 50 ppm of drift are 0.5 ms."""
FOREIGN_US = 1_000_000
"""Writes of a stranger are told once a second of wall time, however fast they come."""
POINT_INDUCTION = "allow_induction"


@dataclass(frozen=True, slots=True, kw_only=True)
class IoLayout:
    """Which channel is what."""

    eyes: Mapping[int, str]
    gate: GateChannels
    debounce_us: int
    debounce_counts: int


@dataclass(frozen=True, slots=True, kw_only=True)
class IoState:
    """State block of the lane I/O. ``foreign``: writes refused since power-up that were not its owner's (wraps)."""

    inputs: int
    outputs: int
    applied: int
    refused: int
    refusal: int
    foreign: int = 0


class IoSignals:
    """Turns each pair of event block and state block into signals."""

    def __init__(self, layout: IoLayout, belt: BeltTracker, resume: IoResume | None, speed: int = 1) -> None:
        self.layout = layout
        self.belt = belt
        self.clock = ClockMap(CLOCK_WINDOW_US * speed)
        self.gate = GateWatch(layout.gate)
        self.muted = False
        """During the watchdog proof gate and valve are the proof's, not the lane's."""
        self.last_valve: dict[bool, int] = {}
        """Lane clock of the latest valve edges by level."""
        self.ring_lost = 0
        self._resume = resume
        self._ring = RingReader(None if resume is None else resume.ring_seq)
        self._eyes = self._fresh_eyes()
        self._boot: int | None = None if resume is None else resume.boot
        self._started = False
        self._followed = False
        self._at_us = 0
        self._moved: BeltMoved | None = None
        self._induction: bool | None = None
        self._foreign: int | None = None
        self._foreign_us = 0
        self._speed = speed

    def take(self, block: EventBlock, state: IoState, receive_us: int) -> tuple[list[DeviceSignal], bool]:
        """Signals of one poll, and whether the device was found restarted."""
        signals: list[DeviceSignal] = []
        restarted = self._boot is not None and block.boot != self._boot
        if restarted:
            self._restart(block, signals, receive_us)
        first, self._started = not self._started, True
        if first and not restarted and self._resume is not None:
            self.belt.start(self._resume.encoder, self._resume.belt_um)
        self._boot = block.boot
        self.clock.observe(block.clock, receive_us)
        jump_um = self._follow(block, forward=first and not restarted)
        if jump_um:
            signals.append(EncoderDoubt(reason=f"encoder jumped by {jump_um // 1_000} mm", **self._here(block)))
        read = self._ring.read(block)
        if read.lost:
            self.ring_lost += read.lost
            signals.append(EncoderDoubt(reason=f"event ring: {read.lost} entries lost", **self._here(block)))
        for event in read.events:
            signals += self._event(event, state)
        signals += self._settled(block)
        if first or restarted or read.lost:
            signals += self._levels(
                block, state, all_eyes=bool(read.lost) or restarted, resumed=self._resume is not None
            )
        signals += self._outputs(block, state)
        signals += self._strangers(block, state)
        signals += self._gate_faults(block, state)
        signals += self._motion(block)
        return signals, restarted

    # --- one poll

    def _restart(self, block: EventBlock, signals: list[DeviceSignal], receive_us: int) -> None:
        """Registers and encoder start anew: belt position goes on from where it was last known."""
        belt_um = self.belt.position_um(receive_us)
        if not self._started and self._resume is not None:
            belt_um = self._resume.belt_um
        self.belt.start(block.encoder, belt_um)
        self.clock = ClockMap(self.clock.window_us)
        self._followed = False
        self._ring = RingReader()
        self._eyes = self._fresh_eyes()
        self.gate = GateWatch(self.layout.gate)
        self._foreign = 0
        reason = f"lane I/O restarted: boot counter {self._boot} became {block.boot}"
        signals.append(EncoderDoubt(reason=reason, at_us=receive_us, belt_um=belt_um))

    def _follow(self, block: EventBlock, *, forward: bool) -> int:
        """Take the encoder; returns a jump that no belt can make (0: none).

        While the core was away the belt may have moved, but only forwards.
        """
        scale, before_us = self.belt.scale, self.belt.at_us
        before_um = None if scale is None or forward else scale.belt_um
        if forward and scale is not None:
            self.belt.start(block.encoder, max(scale.position_um(block.encoder), scale.belt_um))
        at_us = self.clock.lane_us(block.clock)
        self.belt.follow(block.encoder, at_us)
        assert self.belt.scale is not None
        if before_um is None or not self._followed:
            self._followed = True
            return 0
        moved_um = self.belt.scale.belt_um - before_um
        reach_um = JUMP_UM + SPEED_UM_S_MAX * max(0, at_us - before_us) // 1_000_000
        return moved_um if abs(moved_um) > reach_um else 0

    def _event(self, event: RingEvent, state: IoState) -> list[DeviceSignal]:
        if event.channel in self._eyes:
            return [self._eye(e) for e in self._eyes[event.channel].edge(event)]
        stamp = self._stamp(event.clock, event.encoder)
        if event.channel == self.layout.gate.valve:
            self.last_valve[event.level] = stamp["at_us"]
            self.gate.valve(event.level, event.clock)
            if not self.muted:
                return [
                    OutputProven(
                        point=POINT_RELEASE,
                        level=event.level,
                        permit_no=state.applied,
                        **self._origin(event),
                        **stamp,
                    )
                ]
        position = self.gate.switch(event.channel, event.level, event.clock)
        if position is None or self.muted:
            return []
        return [GateInPosition(position=position, permit_no=state.applied, **self._origin(event), **stamp)]

    def _settled(self, block: EventBlock) -> list[DeviceSignal]:
        return [
            self._eye(event)
            for debounce in self._eyes.values()
            for event in debounce.settle(block.clock, block.encoder)
        ]

    def _eye(self, event: RingEvent) -> EyeChanged:
        return EyeChanged(
            eye=self.layout.eyes[event.channel],
            blocked=event.level,
            **self._origin(event),
            **self._stamp(event.clock, event.encoder),
        )

    def _levels(self, block: EventBlock, state: IoState, *, all_eyes: bool, resumed: bool) -> list[DeviceSignal]:
        """Levels as they stand, where no event tells them: first contact, restart, lost events.

        A resumed core knows its eyes from the journal and the ring; it is told only when entries were lost.
        """
        signals: list[DeviceSignal] = []
        for channel, debounce in self._eyes.items():
            blocked = bool(state.inputs >> channel & 1)
            if blocked == debounce.level or (debounce.level is None and not all_eyes and (resumed or not blocked)):
                continue
            debounce.level = blocked
            signals.append(EyeChanged(eye=self.layout.eyes[channel], blocked=blocked, **self._here(block)))
        position = self.gate.inputs(state.inputs, block.clock)
        if not self.muted:
            signals.append(GateInPosition(position=position, permit_no=state.applied, **self._here(block)))
        return signals

    def _outputs(self, block: EventBlock, state: IoState) -> list[DeviceSignal]:
        induction = bool(state.outputs & 1)
        if induction == self._induction:
            return []
        first, self._induction = self._induction is None, induction
        if first and not induction:
            return []
        return [OutputProven(point=POINT_INDUCTION, level=induction, **self._here(block))]

    def _strangers(self, block: EventBlock, state: IoState) -> list[DeviceSignal]:
        """Writes that were not ours and that the device refused; those from before the first contact are old news."""
        if self._foreign is None:
            self._foreign = state.foreign
        here = self._here(block)
        refused = (state.foreign - self._foreign) % U16
        if not refused or here["at_us"] < self._foreign_us:
            return []
        self._foreign, self._foreign_us = state.foreign, here["at_us"] + FOREIGN_US * self._speed
        return [StrangerRefused(writes=refused, **here)]

    def _gate_faults(self, block: EventBlock, state: IoState) -> list[DeviceSignal]:
        reasons = self.gate.check(block.clock, state.refused, state.refusal)
        if self.muted:
            return []
        return [self.gate.fault(reason, **self._here(block)) for reason in reasons]

    def _motion(self, block: EventBlock) -> list[DeviceSignal]:
        """BeltMoved each 250 mm and on a change of speed."""
        here, speed, last = self._here(block), self.belt.speed_um_s, self._moved
        if last is not None:
            travelled = here["belt_um"] - last.belt_um >= BELT_STEP_UM
            changed = abs(speed - last.speed_um_s) >= SPEED_STEP_UM_S
            if not travelled and not changed and (speed == 0) == (last.speed_um_s == 0):
                return []
        self._moved = BeltMoved(speed_um_s=speed, quality=Quality.GOOD, **here)
        return [self._moved]

    # --- stamps

    def _stamp(self, clock: int, encoder: int) -> dict[str, int]:
        """Time and place of a device stamp; time never runs backwards within the ring."""
        at_us = self.clock.lane_us(clock)
        position_um = self.belt.of_count(encoder)
        assert position_um is not None
        self._at_us = max(self._at_us, at_us)
        return {"at_us": self._at_us, "belt_um": position_um}

    def _here(self, block: EventBlock) -> dict[str, int]:
        return self._stamp(block.clock, block.encoder)

    def _origin(self, event: RingEvent) -> dict[str, int]:
        return {"ring_seq": event.seq, "boot": self._boot or 0, "encoder": event.encoder}

    def _fresh_eyes(self) -> dict[int, Debounce]:
        layout = self.layout
        return {channel: Debounce(layout.debounce_us, layout.debounce_counts) for channel in layout.eyes}
