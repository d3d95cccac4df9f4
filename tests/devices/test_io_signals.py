"""Snapshots of the lane I/O to signals, without a wire."""

from dataclasses import replace

import pytest

from devices.drivers.gate_watch import GateChannels, GateWatch
from devices.drivers.io_signals import IoLayout, IoSignals, IoState
from devices.io_image import BeltTracker, EventBlock, IoResume, RingEvent
from devices.signals import (
    BeltMoved,
    DeviceSignal,
    EncoderDoubt,
    EyeChanged,
    GateFault,
    GateInPosition,
    GatePosition,
    OutputProven,
    StrangerRefused,
)

U32 = 1 << 32
CHANNELS = GateChannels(home=8, out=9, valve=10, tripped=11, travel_us_max=450_000)
LAYOUT = IoLayout(eyes={0: "induct", 3: "divert"}, gate=CHANNELS, debounce_us=20_000, debounce_counts=300)
AT_HOME = IoState(inputs=0x100, outputs=0, applied=0, refused=0, refusal=0)


class Device:
    """Snapshots with a ring, an encoder and a clock that are close to their wrap."""

    def __init__(self, resume: IoResume | None = None, encoder: int = U32 - 2_000) -> None:
        self.belt = BeltTracker()
        self.signals = IoSignals(LAYOUT, self.belt, resume)
        self.slots = [RingEvent(seq=0, channel=0, level=False, clock=0, encoder=0)] * 16
        self.newest, self.boot = 65_530, 4
        self.clock, self.encoder = U32 - 3_000_000, encoder
        self.lane_us = 9_000_000

    def step(self, time_us: int = 20_000, counts: int = 100) -> None:
        self.clock, self.encoder, self.lane_us = self.clock + time_us, self.encoder + counts, self.lane_us + time_us

    def edge(self, channel: int, level: bool) -> None:
        self.newest = (self.newest + 1) % 65_536
        self.slots[self.newest % 16] = RingEvent(
            seq=self.newest, channel=channel, level=level, clock=self.clock % U32, encoder=self.encoder % U32
        )

    def poll(self, state: IoState = AT_HOME) -> list[DeviceSignal]:
        block = EventBlock(
            boot=self.boot,
            life=0,
            head=self.newest,
            clock=self.clock % U32,
            encoder=self.encoder % U32,
            armed=True,
            tripped=False,
            stopped=False,
            overrun=False,
            empty=False,
            slots=tuple(self.slots),
        )
        return self.signals.take(block, state, self.lane_us)[0]


def test_positions_and_times_run_on_through_all_wraps() -> None:
    device = Device()
    device.poll()
    eyes: list[EyeChanged] = []
    start_um, start_us = (U32 - 2_000) * 100, device.lane_us
    for number in range(300):
        device.step(20_000, 100)
        device.edge(0, number % 2 == 0) if number % 10 < 2 else None
        eyes += [s for s in device.poll() if isinstance(s, EyeChanged)]
    assert [(e.at_us - start_us, e.belt_um - start_um) for e in eyes] == [
        (20_000 * (n + 1), 10_000 * (n + 1)) for n in range(300) if n % 10 < 2
    ]


def test_lost_entries_are_told_before_anything_that_follows_them() -> None:
    device = Device()
    device.poll()
    for _ in range(20):
        device.step()
        device.edge(9, True)
    found = device.poll()
    assert isinstance(found[0], EncoderDoubt)
    assert found[0].reason == "event ring: 4 entries lost"
    assert len([s for s in found if isinstance(s, GateInPosition)]) == 17


def test_levels_told_anew_during_the_watchdog_proof_are_those_of_the_eyes_only() -> None:
    device = Device()
    device.poll()
    device.signals.muted = True
    for _ in range(20):
        device.step()
        device.edge(9, True)
    found = device.poll(replace(AT_HOME, inputs=0x101))
    assert [(s.eye, s.blocked) for s in found if isinstance(s, EyeChanged)] == [("induct", True), ("divert", False)]
    assert not [s for s in found if isinstance(s, GateInPosition)]
    assert device.signals.gate.position is GatePosition.INSPECT


def test_a_jump_no_belt_can_make_is_doubt() -> None:
    device = Device()
    for _ in range(5):
        device.step()
        assert not [s for s in device.poll() if isinstance(s, EncoderDoubt)]
    device.step(20_000, 5_000)
    doubt = [s for s in device.poll() if isinstance(s, EncoderDoubt)]
    assert [d.reason for d in doubt] == ["encoder jumped by 500 mm"]


def test_gate_and_valve_carry_the_applied_permit_and_their_ring_number() -> None:
    device = Device()
    first = device.poll()
    assert [s.position for s in first if isinstance(s, GateInPosition)] == [GatePosition.INSPECT]
    device.edge(10, True)
    device.edge(8, False)
    device.step(300_000, 0)
    device.edge(9, True)
    found = device.poll(replace(AT_HOME, applied=77, inputs=0x200, outputs=0x100))
    stamped = [s for s in found if isinstance(s, OutputProven | GateInPosition)]
    assert [(type(s), s.permit_no, s.ring_seq, s.boot) for s in stamped] == [
        (OutputProven, 77, 65_531, 4),
        (GateInPosition, 77, 65_532, 4),
        (GateInPosition, 77, 65_533, 4),
    ]


def test_an_eye_blocked_at_first_contact_is_told_once() -> None:
    device = Device()
    state = replace(AT_HOME, inputs=0x108)
    eyes = [s for s in device.poll(state) if isinstance(s, EyeChanged)]
    assert [(e.eye, e.blocked, e.ring_seq) for e in eyes] == [("divert", True, 0)]
    device.step()
    assert not [s for s in device.poll(state) if isinstance(s, EyeChanged)]


def test_a_resumed_core_is_told_nothing_twice() -> None:
    device = Device(resume=IoResume(ring_seq=65_530, boot=4, encoder=U32 - 2_000, belt_um=5_000_000))
    device.step(20_000, 700)
    device.edge(0, True)
    found = device.poll(replace(AT_HOME, inputs=0x101))
    eyes = [s for s in found if isinstance(s, EyeChanged)]
    assert [(e.eye, e.belt_um) for e in eyes] == [("induct", 5_070_000)]


def test_belt_moved_comes_each_quarter_metre_and_on_start_and_stop() -> None:
    device = Device()
    found = device.poll()
    for _ in range(100):
        device.step(20_000, 100)
        found += device.poll()
    for _ in range(20):
        device.step(20_000, 0)
        found += device.poll()
    moved = [s for s in found if isinstance(s, BeltMoved)]
    assert len([m for m in moved if m.speed_um_s == 500_000]) in range(4, 7)
    assert (moved[0].speed_um_s, moved[-1].speed_um_s) == (0, 0)


@pytest.mark.parametrize(
    ("switches", "valve", "reason"),
    [
        (0x300, None, "both end switches on: wiring or switch defect"),
        (0x000, None, "no end switch after the longest travel: gate stuck between its ends"),
        (0x100, True, "valve open, but the gate did not leave INSPECT"),
        (0x200, None, "valve closed, but the gate stays at RELEASE"),
    ],
)
def test_each_contradiction_of_the_gate_is_named_once(switches: int, valve: bool | None, reason: str) -> None:
    watch = GateWatch(CHANNELS)
    watch.inputs(switches, 1_000)
    if valve is not None:
        watch.valve(valve, 1_000)
    late = 1_000 + CHANNELS.travel_us_max + 1
    assert watch.check(late, 0, 0) == [reason]
    assert watch.check(late + 1, 0, 0) == []
    watch.inputs(0x100, late)
    watch.valve(False, late)
    assert watch.check(late + 2, 0, 0) == []


def test_a_new_refusal_is_told_and_an_old_one_found_at_start_is_not() -> None:
    watch = GateWatch(CHANNELS)
    watch.inputs(0x100, 0)
    assert watch.check(10, 8, 1) == []
    assert watch.check(20, 8, 1) == []
    assert watch.check(30, 9, 4) == ["permit 9 refused: watchdog tripped"]


def test_a_refused_permit_is_told_as_a_fault_of_the_gate() -> None:
    device = Device()
    device.poll()
    device.step()
    faults = [s for s in device.poll(replace(AT_HOME, refused=9, refusal=1)) if isinstance(s, GateFault)]
    assert [(s.reason, s.at_us) for s in faults] == [("permit 9 refused: late", device.lane_us)]


def test_another_boot_than_the_journals_takes_the_belt_up_where_the_journal_left_it() -> None:
    device = Device(resume=IoResume(ring_seq=65_530, boot=3, encoder=77, belt_um=5_000_000))
    found = device.poll()
    doubts = [s for s in found if isinstance(s, EncoderDoubt)]
    assert [(s.reason, s.belt_um) for s in doubts] == [("lane I/O restarted: boot counter 3 became 4", 5_000_000)]
    assert device.belt.position_um(device.lane_us) == 5_000_000


def test_strangers_writes_are_told_once_a_second_with_their_number() -> None:
    device = Device()
    told = []
    for poll in range(120):
        told += [s for s in device.poll(replace(AT_HOME, foreign=7 + poll)) if isinstance(s, StrangerRefused)]
        device.step(20_000, 0)
    assert [s.writes for s in told] == [1, 50, 50], "those from before the first contact are old news"
