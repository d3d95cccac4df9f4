"""Ring, unwrapping, clock map, debounce: against the manual and against plain big integers."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.io_image import (
    BeltScale,
    BeltTracker,
    ClockMap,
    Debounce,
    EventBlock,
    IoResume,
    RingEvent,
    RingReader,
    decode_event_block,
    nearest,
    resume_point,
)
from devices.signals import BeltMoved, EyeChanged, Quality

U16, U32 = 1 << 16, 1 << 32


def event(seq: int, channel: int = 0, level: bool = True, clock: int = 0, encoder: int = 0) -> RingEvent:
    return RingEvent(seq=seq % U16, channel=channel, level=level, clock=clock % U32, encoder=encoder % U32)


def snapshot(head: int) -> EventBlock:
    """What the device shows after ``head`` events since boot."""
    slots = [event(0, encoder=0)] * 16
    for number in range(max(1, head - 15), head + 1):
        slots[number % U16 % 16] = event(number, encoder=number)
    return EventBlock(
        boot=1,
        life=0,
        head=head % U16,
        clock=0,
        encoder=0,
        armed=True,
        tripped=False,
        stopped=False,
        overrun=False,
        empty=head == 0,
        slots=tuple(slots),
    )


def test_event_block_of_the_manual() -> None:
    words = [0xA501, 3, 9, 2, 0x0001, 0x0002, 0x0003, 0x0004, 0b00011] + [0] * 96
    words[9 + 6 : 9 + 12] = [1, 0x8005, 0, 7, 0, 8]
    words[9 + 12 : 9 + 18] = [2, 0x000A, 0, 9, 1, 0]
    block = decode_event_block(words)
    assert (block.boot, block.life, block.head, block.clock, block.encoder) == (3, 9, 2, 0x10002, 0x30004)
    assert (block.armed, block.tripped, block.stopped, block.overrun, block.empty) == (True, True, False, False, False)
    assert block.slots[1] == event(1, channel=5, level=True, clock=7, encoder=8)
    assert block.slots[2] == event(2, channel=10, level=False, clock=9, encoder=65_536)
    with pytest.raises(ValueError, match="expected 9 \\+ 6 n registers"):
        decode_event_block(words[:-1])


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.integers(0, 3 * U16), st.lists(st.integers(0, 40), max_size=30))
def test_every_event_is_delivered_once_in_order_or_counted_as_lost(start: int, steps: list[int]) -> None:
    reader = RingReader(last=start % U16)
    head, seen, lost = start, [], 0
    for step in steps:
        head += step
        read = reader.read(snapshot(head))
        lost += read.lost
        seen += [e.encoder for e in read.events]
        assert read.lost == max(0, step - 16)
    assert seen == sorted(set(seen))
    assert len(seen) + lost == head - start
    assert all(start < number <= head for number in seen)


def test_a_slot_whose_number_does_not_fit_is_refused_as_lost() -> None:
    block = snapshot(5)
    slots = list(block.slots)
    slots[4] = event(4 - 16)
    reader = RingReader(last=2)
    read = reader.read(
        EventBlock(**{name: getattr(block, name) for name in block.__slots__ if name != "slots"}, slots=tuple(slots))
    )
    assert ([e.seq for e in read.events], read.lost) == ([3, 5], 1)


def test_without_a_resume_point_the_first_snapshot_yields_nothing() -> None:
    reader = RingReader()
    assert reader.read(snapshot(12)).events == ()
    assert [e.seq for e in reader.read(snapshot(14)).events] == [13, 14]


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.integers(0, 1 << 40), st.lists(st.integers(-1_000, 50_000_000), max_size=40))
def test_the_encoder_is_unwrapped_like_a_big_integer(start: int, steps: list[int]) -> None:
    scale = BeltScale(encoder=start % U32, belt_um=start * 100)
    count = start
    for step in steps:
        count += step
        assert scale.position_um(count % U32) == count * 100
        assert scale.follow(count % U32) == count * 100
        assert scale.count(count * 100 + 12_345_600) == (count + 123_456) % U32


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.integers(0, 1 << 40), st.integers(-(1 << 30), 1 << 30))
def test_nearest_finds_the_congruent_value_next_to_the_reference(reference: int, away: int) -> None:
    assert nearest(reference, (reference + away) % U32) == reference + away


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.lists(st.integers(0, 8_000), min_size=5, max_size=60), st.integers(0, U32 - 1))
def test_the_clock_map_takes_the_fastest_reply_of_its_window(delays: list[int], zero: int) -> None:
    clock, lane_us = ClockMap(window_us=10_000_000), 500_000_000
    for delay in delays:
        lane_us += 20_000
        clock.observe((zero + lane_us) % U32, lane_us + delay)
    stamp = lane_us - 3_000
    assert clock.lane_us((zero + stamp) % U32) == stamp + min(delays)


def test_the_clock_map_follows_drift() -> None:
    clock = ClockMap(window_us=1_000_000)
    for step in range(400):
        lane_us = step * 20_000
        device = lane_us + lane_us // 10_000  # 100 ppm fast
        clock.observe(device % U32, lane_us)
    newest = 399 * 20_000
    assert abs(clock.lane_us((newest + newest // 10_000) % U32) - newest) <= 150


def test_the_clock_map_forgets_a_reading_that_its_window_left_behind() -> None:
    clock = ClockMap(window_us=1_000_000)
    for step in range(400):
        lane_us = step * 20_000
        clock.observe((lane_us - lane_us // 10_000) % U32, lane_us)  # 100 ppm slow
    newest = 399 * 20_000
    assert abs(clock.lane_us((newest - newest // 10_000) % U32) - newest) <= 150


def test_the_clock_map_knows_no_time_before_its_first_reading() -> None:
    with pytest.raises(ValueError, match="no device clock was read yet"):
        ClockMap().lane_us(5)


def test_only_an_event_of_the_ring_tells_where_to_take_it_up() -> None:
    told = {"at_us": 1, "belt_um": 500, "eye": "induct", "blocked": True}
    in_ring = EyeChanged(**told, ring_seq=7, boot=3, encoder=40)  # type: ignore[arg-type]
    assert resume_point(in_ring) == IoResume(ring_seq=7, boot=3, encoder=40, belt_um=500)
    assert resume_point(EyeChanged(**told)) is None, "a level at first contact"  # type: ignore[arg-type]
    assert resume_point(BeltMoved(at_us=1, belt_um=500, speed_um_s=0, quality=Quality.GOOD)) is None


def test_debounce_keeps_back_a_bounce_and_nothing_else() -> None:
    debounce = Debounce(time_us=20_000, counts=300)
    head = event(1, level=True, clock=1_000, encoder=100)
    assert debounce.edge(head) == [head]
    assert debounce.edge(event(2, level=False, clock=3_000, encoder=110)) == []
    assert debounce.edge(event(3, level=True, clock=4_000, encoder=115)) == []
    assert debounce.settle(30_000, 200) == []
    tail = event(4, level=False, clock=400_000, encoder=2_100)
    assert debounce.edge(tail) == [tail]


def test_debounce_gives_back_an_edge_that_stays() -> None:
    debounce = Debounce(time_us=20_000, counts=300)
    debounce.edge(event(1, level=True, clock=0, encoder=0))
    short = event(2, level=False, clock=5_000, encoder=20)
    assert debounce.edge(short) == []
    assert debounce.settle(10_000, 40) == []
    assert debounce.settle(25_000, 60) == [short]


@settings(derandomize=True, max_examples=150, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 60_000), st.integers(0, 900)), max_size=40))
def test_debounced_edges_alternate_and_end_at_the_last_level(steps: list[tuple[int, int]]) -> None:
    debounce, clock, encoder, level = Debounce(time_us=20_000, counts=300), 0, 0, False
    out: list[RingEvent] = []
    for number, (time_us, counts) in enumerate(steps):
        clock, encoder, level = clock + time_us, encoder + counts, not level
        out += debounce.edge(event(number, level=level, clock=clock, encoder=encoder))
    out += debounce.settle(clock + 100_000, encoder + 1_000)
    levels = [e.level for e in out]
    assert all(a != b for a, b in itertools.pairwise(levels))
    assert not steps or levels[-1] == level


def test_belt_tracker_measures_speed_and_extrapolates_a_little() -> None:
    belt = BeltTracker()
    assert belt.position_um(0) == 0
    for step in range(20):
        belt.follow(U32 - 50 + step * 100, 1_000_000 + step * 20_000)
    assert belt.speed_um_s == 500_000
    latest_um = (U32 - 50 + 1_900) * 100
    at_us = 1_000_000 + 19 * 20_000
    assert belt.position_um(at_us + 10_000) == latest_um + 5_000
    assert belt.position_um(at_us + 60_000_000) == latest_um + 100_000, "a stale reading is not stretched"
