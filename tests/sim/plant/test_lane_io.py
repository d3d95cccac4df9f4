"""The lane I/O obeys section 1 of the device manual: pulses, refusals, watchdog, ring."""

from hypothesis import given, settings
from hypothesis import strategies as st

from sim.plant.lane_io import PERMIT_NO_MAX, RING_SLOTS, Channel, LaneIo, Refusal
from sim.plant.options import PLAIN_IO
from sim.plant.registers import event_block, state_block

MM = 1_000  # micrometres


def _release(
    io: LaneIo, permit: int, start: int = 0, end: int = 0, *, at_us: int = 0, belt_um: int = 0, **more: int
) -> Refusal:
    return io.write_release(
        permit, more.get("pulse_ms", 2_000), start, end, more.get("not_after_ms", 1_500), at_us=at_us, belt_um=belt_um
    )


def test_a_window_opens_at_its_first_count_and_closes_at_its_last() -> None:
    io = LaneIo()
    assert _release(io, 9, 1_000, 2_000) is Refusal.NONE
    assert (io.valve, io.due_belt_um()) == (False, 100 * MM)
    io.act(10_000, 100 * MM)
    assert (io.valve, io.applied, io.due_belt_um()) == (True, 9, 200 * MM)
    io.act(20_000, 200 * MM - 1)
    assert io.valve
    io.act(20_001, 200 * MM)
    assert not io.valve
    assert io.counters[Channel.VALVE] == 1


def test_a_pulse_ends_by_time_when_the_belt_stands() -> None:
    io = LaneIo()
    _release(io, 1, 1_000, 2_000, pulse_ms=500)
    io.act(10_000, 100 * MM)
    assert io.due_at_us() == 510_000
    io.act(510_000, 150 * MM)
    assert not io.valve


def test_from_and_to_zero_open_at_once() -> None:
    io = LaneIo()
    assert _release(io, 1, pulse_ms=1_200) is Refusal.NONE
    assert io.valve
    io.act(1_200_000, 0)
    assert not io.valve


def test_a_repeated_permit_is_ignored_even_while_the_first_waits() -> None:
    io = LaneIo()
    _release(io, 5, 1_000, 2_000)
    assert _release(io, 5, 3_000, 4_000) is Refusal.REPEATED
    assert io.waiting is not None
    assert io.waiting.from_um == 100 * MM
    io.act(1, 100 * MM)
    io.act(2, 200 * MM)
    assert _release(io, 5, 3_000, 4_000, belt_um=200 * MM) is Refusal.REPEATED
    assert (io.refused, io.refusal) == (5, Refusal.REPEATED)


def test_permits_count_up_so_that_a_copied_frame_opens_nothing() -> None:
    io = LaneIo()
    for number in (9, 10, 12):
        assert _release(io, number, 1_000, 2_000) is Refusal.NONE
    for number in (12, 11, 10, 9, 1, 40_012):
        assert _release(io, number, 1_000, 2_000) is Refusal.REPEATED
    assert _release(io, 65_535, 1_000, 2_000) is Refusal.NONE, "a test's number says nothing of permits"
    assert _release(io, 65_535, 1_000, 2_000) is Refusal.REPEATED
    assert _release(io, 12, 1_000, 2_000) is Refusal.REPEATED
    assert _release(io, 13, 1_000, 2_000) is Refusal.NONE


def test_permits_begin_anew_after_the_last_number() -> None:
    io = LaneIo()
    assert _release(io, PERMIT_NO_MAX, 1_000, 2_000) is Refusal.NONE
    assert _release(io, 1, 1_000, 2_000) is Refusal.NONE
    assert _release(io, PERMIT_NO_MAX, 1_000, 2_000) is Refusal.REPEATED
    assert _release(io, 2, 1_000, 2_000) is Refusal.NONE


def test_remote_io_without_a_program_obeys_everybody_and_counts_nothing() -> None:
    io = LaneIo(duties=PLAIN_IO)
    assert io.claim(0, 0)
    assert io.admits(0, 0)
    assert state_block(io, at_us=0)[7] == 0
    for number in (9, 8):
        assert _release(io, number, 1_000, 2_000) is Refusal.NONE
    io.speed_at = lambda at_us: 500_000
    assert _release(io, 1) is Refusal.NONE


def test_a_pulse_at_once_needs_a_standing_belt() -> None:
    io, speed = LaneIo(), 500_000
    io.speed_at = lambda at_us: speed
    assert _release(io, 65_534) is Refusal.BELT_MOVES
    assert not io.valve
    assert _release(io, 1, 1_000, 2_000) is Refusal.NONE
    speed = 0
    assert _release(io, 65_534) is Refusal.NONE
    assert io.valve


def test_a_new_block_replaces_the_waiting_one() -> None:
    io = LaneIo()
    _release(io, 5, 1_000, 2_000)
    _release(io, 6, 3_000, 4_000)
    io.act(1, 100 * MM)
    assert not io.valve
    io.act(2, 300 * MM)
    assert (io.valve, io.applied) == (True, 6)


def test_a_pulse_opens_only_with_the_gate_at_home() -> None:
    io = LaneIo()
    _release(io, 1, 1_000, 2_000)
    io.edge(Channel.GATE_HOME, False, 0, 0)
    io.act(1, 100 * MM)
    assert (io.valve, io.refused, io.refusal) == (False, 1, Refusal.GATE_NOT_HOME)


def test_a_permit_never_opens_after_its_time() -> None:
    io = LaneIo()
    _release(io, 1, 1_000, 2_000, not_after_ms=10)
    io.act(10_001, 100 * MM)
    assert (io.valve, io.refusal, io.waiting) == (False, Refusal.LATE, None)


def test_a_window_already_begun_is_late_and_a_backward_one_invalid() -> None:
    io = LaneIo()
    assert _release(io, 1, 1_000, 3_000, belt_um=200 * MM) is Refusal.LATE
    assert _release(io, 2, 3_000, 3_000) is Refusal.WINDOW
    assert _release(io, 3, 3_000, 4_000, pulse_ms=0) is Refusal.WINDOW
    assert _release(io, 0, 3_000, 4_000) is Refusal.REPEATED  # 0 stands for "none yet"; no permit has it
    assert not io.waiting


def test_resting_the_gate_ends_a_pulse_and_cancels_a_waiting_one() -> None:
    io = LaneIo()
    _release(io, 1)
    _release(io, 2, 1_000, 2_000)
    io.rest_gate(5, 0)
    io.act(6, 150 * MM)
    assert (io.valve, io.waiting) == (False, None)


def test_silence_trips_the_watchdog_once_and_only_a_fresh_heartbeat_clears_it() -> None:
    io = LaneIo()
    assert not io.watch(10**9, 0, 0), "not armed before the first heartbeat"
    io.write_do(0b00011)
    io.beat(7, 1_000_000)
    _release(io, 1)
    io.beat(7, 1_300_000)  # the same value feeds nothing
    assert not io.watch(1_299_999, 10, 0)
    assert io.watch(1_300_000, 11, 0)
    assert (io.valve, io.do_applied, io.tripped) == (False, 0b00010, True)
    assert _release(io, 2) is Refusal.WATCHDOG
    assert not io.watch(2_000_000, 12, 0), "it trips once"
    assert not io.clear_trip(2_000_000)
    io.beat(8, 2_000_000)
    assert io.clear_trip(2_000_100)
    assert io.do_applied == 0b00010, "induction stays off until it is asked for again"
    assert _release(io, 2) is Refusal.NONE


def test_the_ring_keeps_the_newest_sixteen_events_and_wraps_without_a_seam() -> None:
    io = LaneIo()
    for number in range(1, 65_536 + 20):
        io.edge(Channel.INDUCT, bool(number % 2), number, number * MM)
    block = event_block(io, at_us=99, belt_um=5 * MM, wall_us=1_000_000)
    assert len(block) == 105
    assert block[:4] == [0xA501, 1, 100, 19]
    seqs = [block[9 + 6 * slot] for slot in range(RING_SLOTS)]
    assert sorted(seqs) == list(range(4, 20))
    assert all(seq % RING_SLOTS == slot for slot, seq in enumerate(seqs))


def test_the_state_block_tells_inputs_outputs_and_counters() -> None:
    io = LaneIo()
    io.write_do(0b00011)
    io.edge(Channel.INDUCT, True, 1, 0)
    _release(io, 3, pulse_ms=250)
    block = state_block(io, at_us=100_000)
    assert len(block) == 22
    assert block[:8] == [0xA502, 0b1_0000_0001, 0x103, 3, 150, 0, 0, 0]
    assert block[8:10] == [0, 1]
    assert block[20:22] == [0, 1]


def test_a_restart_counts_up_and_forgets_everything_but_the_inputs() -> None:
    io = LaneIo()
    io.write_do(1)
    _release(io, 1)
    io.restart(5_000, 700 * MM)
    assert (io.boot, io.valve, io.do_applied, io.newest, io.encoder(700 * MM)) == (2, False, 0, 0, 0)
    assert _release(io, 1, belt_um=700 * MM) is Refusal.NONE


@settings(max_examples=200, derandomize=True, deadline=None)
@given(st.integers(0, 2**40), st.integers(1, 10**6), st.integers(1, 10**5))
def test_a_window_is_the_same_belt_way_whatever_the_encoder_count_is(zero: int, ahead: int, width: int) -> None:
    io, belt_um = LaneIo(), zero * 100
    start, end = io.encoder(belt_um) + ahead, io.encoder(belt_um) + ahead + width
    assert _release(io, 1, start & 0xFFFFFFFF, end & 0xFFFFFFFF, belt_um=belt_um) is Refusal.NONE
    assert io.waiting is not None
    assert (io.waiting.from_um, io.waiting.to_um) == (belt_um + ahead * 100, belt_um + (ahead + width) * 100)
