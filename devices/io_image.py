"""Process image of the lane I/O: event ring, unwrapped counters, clock mapping, debounce. Pure.

The I/O device stamps each edge where it happens (device clock u32 in microseconds, encoder u32); decisions then do not
depend on when it was polled. Layout of the ring: ``config/devices/MANUAL.md`` section 1.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field

from devices.signals import EyeChanged, GateInPosition, OutputProven

U16, U32 = 1 << 16, 1 << 32
COUNT_UM = 100
"""One encoder count of the lane I/O is 0.1 mm (MANUAL.md section 1)."""


def words_u32(words: Sequence[int], index: int) -> int:
    """Two registers, high word first."""
    return words[index] << 16 | words[index + 1]


def nearest(reference: int, raw: int, modulus: int = U32) -> int:
    """The value congruent to ``raw`` that lies nearest to ``reference`` (unwraps a counter either way)."""
    step = (raw - reference) % modulus
    return reference + (step - modulus if step >= modulus // 2 else step)


@dataclass(frozen=True, slots=True, kw_only=True)
class RingEvent:
    """One entry of the event ring, as the device wrote it."""

    seq: int
    channel: int
    level: bool
    clock: int
    encoder: int


@dataclass(frozen=True, slots=True, kw_only=True)
class EventBlock:
    """Event block of the lane I/O, decoded. ``slots`` in slot order."""

    boot: int
    life: int
    head: int
    clock: int
    encoder: int
    armed: bool
    tripped: bool
    stopped: bool
    overrun: bool
    empty: bool
    slots: tuple[RingEvent, ...]


def decode_event_block(words: Sequence[int]) -> EventBlock:
    """Registers 0..104 of FC04 0x0000 (MANUAL.md section 1). The signature was checked by the envelope."""
    if len(words) < 9 or (len(words) - 9) % 6:
        raise ValueError(f"event block: expected 9 + 6 n registers, were {len(words)}")
    slots = tuple(
        RingEvent(
            seq=words[i],
            channel=words[i + 1] & 0xFF,
            level=bool(words[i + 1] & 0x8000),
            clock=words_u32(words, i + 2),
            encoder=words_u32(words, i + 4),
        )
        for i in range(9, len(words), 6)
    )
    flags = words[8]
    return EventBlock(
        boot=words[1],
        life=words[2],
        head=words[3],
        clock=words_u32(words, 4),
        encoder=words_u32(words, 6),
        armed=bool(flags & 1),
        tripped=bool(flags & 2),
        stopped=bool(flags & 4),
        overrun=bool(flags & 8),
        empty=bool(flags & 16),
        slots=slots,
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class RingRead:
    """New events in ring order; ``lost`` entries were overwritten before they were read."""

    events: tuple[RingEvent, ...]
    lost: int


class RingReader:
    """Takes last + 1 .. head from each snapshot. A slot whose number does not fit is refused as lost."""

    def __init__(self, last: int | None = None) -> None:
        self.last = last

    def read(self, block: EventBlock) -> RingRead:
        """New events of this snapshot. The first snapshot without a resume point yields none."""
        if self.last is None:
            self.last = block.head
        span = (block.head - self.last) % U16
        count = len(block.slots)
        lost = max(0, span - count)
        events = []
        for seq in range(block.head - min(span, count) + 1, block.head + 1):
            slot = block.slots[seq % U16 % count]
            if slot.seq == seq % U16:
                events.append(slot)
            else:
                lost += 1
        self.last = block.head
        return RingRead(events=tuple(events), lost=lost)


@dataclass(frozen=True, slots=True, kw_only=True)
class IoResume:
    """Where a restarted core takes up the event ring and the encoder.

    ``ring_seq`` is the last event that reached the journal; ``boot``, ``encoder`` (raw count) and ``belt_um`` belong
    to that event.
    """

    ring_seq: int
    boot: int
    encoder: int
    belt_um: int


def resume_point(record: object) -> IoResume | None:
    """Where to take up the lane I/O after this record of the journal; None when it is no ring event."""
    if isinstance(record, EyeChanged | GateInPosition | OutputProven) and record.ring_seq:
        return IoResume(ring_seq=record.ring_seq, boot=record.boot, encoder=record.encoder, belt_um=record.belt_um)
    return None


@dataclass(slots=True)
class BeltScale:
    """Encoder count (u32) to absolute belt position and back.

    Position grows with forward motion; small backward steps (belt settles) are kept, so ``belt_um`` of an event lies
    where the event was.
    """

    encoder: int
    belt_um: int

    def position_um(self, encoder: int) -> int:
        """Belt position of a raw count: the nearest congruent value to the latest reading."""
        return self.belt_um + (nearest(self.encoder, encoder) - self.encoder) * COUNT_UM

    def follow(self, encoder: int) -> int:
        """Take a fresh reading; returns the position."""
        self.belt_um = self.position_um(encoder)
        self.encoder = encoder
        return self.belt_um

    def count(self, belt_um: int) -> int:
        """Raw count (u32) at a belt position."""
        return (self.encoder + (belt_um - self.belt_um) // COUNT_UM) % U32


@dataclass(slots=True)
class ClockMap:
    """Device clock (u32 us) to lane clock, by the smallest (receive - device now) in a sliding window.

    A reply can only be late, never early, so the smallest difference is the best estimate of the offset. The window
    slides so that drift between the two clocks is followed.
    """

    window_us: int = 10_000_000
    _device: int | None = None
    _seen: deque[tuple[int, int]] = field(default_factory=deque)

    def observe(self, device_now: int, receive_us: int) -> None:
        """Take one pair of device clock and lane clock at reception."""
        self._device = device_now if self._device is None else nearest(self._device, device_now)
        offset = receive_us - self._device
        while self._seen and self._seen[-1][1] >= offset:
            self._seen.pop()
        self._seen.append((receive_us, offset))
        while self._seen[0][0] < receive_us - self.window_us:
            self._seen.popleft()

    def lane_us(self, device_clock: int) -> int:
        """Lane clock of a raw device time near the latest reading."""
        if self._device is None:
            raise ValueError("clock map: no device clock was read yet")
        return nearest(self._device, device_clock) + self._seen[0][1]


@dataclass(slots=True)
class Debounce:
    """Holds back an edge that follows the accepted one too closely in time *and* in belt travel.

    The first edge passes at once with its own stamp. An opposite edge within both limits is kept back; if the level
    has not returned when one of the limits is exceeded, it is accepted with its own stamp.
    """

    time_us: int
    counts: int
    level: bool | None = None
    _at: tuple[int, int] = (0, 0)
    _held: RingEvent | None = None

    def edge(self, event: RingEvent) -> list[RingEvent]:
        """Feed one raw edge; returns accepted edges, oldest first."""
        passed = self.settle(event.clock, event.encoder)
        if self.level == event.level:
            self._held = None
            return passed
        if self.level is not None and self._close(event.clock, event.encoder):
            self._held = event
            return passed
        return [*passed, self._accept(event)]

    def settle(self, clock: int, encoder: int) -> list[RingEvent]:
        """Accept the edge kept back, if time or belt have moved on; call with each poll."""
        if self._held is None or self._close(clock, encoder):
            return []
        return [self._accept(self._held)]

    def _accept(self, event: RingEvent) -> RingEvent:
        self._held = None
        self.level = event.level
        self._at = (event.clock, event.encoder)
        return event

    def _close(self, clock: int, encoder: int) -> bool:
        moved = abs(nearest(0, (encoder - self._at[1]) % U32))
        return (clock - self._at[0]) % U32 < self.time_us and moved < self.counts


class BeltTracker:
    """Belt position and speed from the lane I/O's encoder, for everyone who needs them. ``None`` until first read."""

    SPAN_US = 100_000
    """Speed is taken over at least this much device time: one count in 50 mm is 0.2 %."""
    EXTRAPOLATE_US_MAX = 200_000
    """Ten polls (wall time): beyond that a guess is worth less than the last reading."""

    def __init__(self, speed: int = 1) -> None:
        self._ahead_us_max = self.EXTRAPOLATE_US_MAX * speed
        self.scale: BeltScale | None = None
        self.at_us = 0
        self.speed_um_s = 0
        self._readings: deque[tuple[int, int]] = deque()

    def start(self, encoder: int, belt_um: int) -> None:
        """Fix raw count and position to each other."""
        self.scale = BeltScale(encoder=encoder, belt_um=belt_um)
        self._readings.clear()
        self.speed_um_s = 0

    def follow(self, encoder: int, at_us: int) -> None:
        """Take one reading made at ``at_us`` (lane clock)."""
        if self.scale is None:
            self.start(encoder, encoder * COUNT_UM)
        assert self.scale is not None
        belt_um = self.scale.follow(encoder)
        self.at_us = at_us
        self._readings.append((at_us, belt_um))
        while len(self._readings) > 2 and self._readings[1][0] <= at_us - self.SPAN_US:
            self._readings.popleft()
        first_us, first_um = self._readings[0]
        span_us = at_us - first_us
        if span_us >= self.SPAN_US // 4:
            self.speed_um_s = (belt_um - first_um) * 1_000_000 // span_us

    def position_um(self, now_us: int) -> int:
        """Position at a lane time near the latest reading; 0 before the first."""
        if self.scale is None:
            return 0
        ahead_us = min(max(now_us - self.at_us, 0), self._ahead_us_max)
        return self.scale.belt_um + self.speed_um_s * ahead_us // 1_000_000

    def of_count(self, encoder: int) -> int | None:
        """Position of a raw count reported by a device with its own encoder input."""
        return None if self.scale is None else self.scale.position_um(encoder)
