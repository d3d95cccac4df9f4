"""Registers of the simulated devices against the manual, with a wall clock that the test moves."""

import struct
import zlib
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np

from lane.model.config import Layout
from sim.plant.plant import Plant
from sim.streams.make import StreamSpec, make_stream
from sim.wire.belt_drive import BeltDrive
from sim.wire.lane_file import read_layout
from sim.wire.lane_io_bank import LaneIoBank, Moment
from sim.wire.line_stream import CALIBRATION_LINES, COLUMNS, CRC_AT, FRAME, Background, LineStream, Picture, Plane
from sim.wire.modbus import Bank, answer
from sim.wire.safety import SafetyChain
from sim.wire.serial_frames import code_frame, reader_heartbeat, scale_heartbeat, weight_line
from sim.wire.stream_file import Handed, read_stream, write_stream
from sim.wire.xray import Cabinet, Source

DEMO_LANE = Path(__file__).resolve().parents[2] / "config" / "lanes" / "demo.toml"


class Wall:
    """Wall clock of a test."""

    def __init__(self) -> None:
        self.us = 1_000_000

    def __call__(self) -> int:
        return self.us

    def pass_ms(self, ms: int) -> None:
        self.us += ms * 1_000


def read(bank: Bank, function: int, address: int, count: int) -> tuple[int, ...]:
    reply = answer(bank, struct.pack(">BHH", function, address, count))
    assert reply[0] == function, reply.hex(" ")
    return struct.unpack(f">{count}H", reply[2:])


def write(bank: Bank, address: int, *values: int) -> bytes:
    if len(values) == 1:
        return answer(bank, struct.pack(">BHH", 6, address, values[0]))
    head = struct.pack(">BHHB", 16, address, len(values), 2 * len(values))
    return answer(bank, head + struct.pack(f">{len(values)}H", *values))


class Drive:
    """A drive whose belt follows at once."""

    def __init__(self) -> None:
        self.wall = Wall()
        self.speeds: list[int] = []
        self.drive = BeltDrive(
            wall_us=self.wall, set_speed=self.speeds.append, actual_um_s=lambda: self.speeds[-1] if self.speeds else 0
        )
        self.bank = self.drive.bank


def test_drive_runs_stops_and_reports_as_the_manual_says() -> None:
    it = Drive()
    assert answer(it.bank, bytes.fromhex("06200101F4")) == bytes.fromhex("06200101F4")
    assert it.speeds == []
    assert answer(it.bank, bytes.fromhex("0620000001")) == bytes.fromhex("0620000001")
    assert it.speeds == [500_000]
    assert read(it.bank, 3, 0x2100, 4) == (0b011, 500, 0, 0xD101)
    write(it.bank, 0x2000, 5)
    assert read(it.bank, 3, 0x2100, 3) == (0b000, 0, 0)
    assert read(it.bank, 3, 0x2105, 1) == (1,)


def test_drive_stops_on_its_own_watchdog_and_only_a_fault_reset_ends_it() -> None:
    it = Drive()
    write(it.bank, 0x2001, 500)
    write(it.bank, 0x2000, 1)
    it.wall.pass_ms(499)
    it.drive.check()
    assert it.speeds == [500_000]
    it.wall.pass_ms(2)
    it.drive.check()
    assert it.speeds == [500_000, 0]
    assert read(it.bank, 3, 0x2100, 3) == (0b100, 0, 72)
    write(it.bank, 0x2000, 1)
    assert read(it.bank, 3, 0x2100, 3) == (0b100, 0, 72)
    write(it.bank, 0x2000, 7)
    assert read(it.bank, 3, 0x2100, 3) == (0, 0, 0)
    assert it.speeds == [500_000, 0]
    write(it.bank, 0x2000, 1)
    assert it.speeds == [500_000, 0, 500_000]


def test_drive_refuses_what_the_manual_does_not_list() -> None:
    it = Drive()
    assert write(it.bank, 0x2001, 1001) == bytes((0x86, 3))
    assert write(it.bank, 0x2000, 2) == bytes((0x86, 3))
    assert write(it.bank, 0x2002, 99) == bytes((0x86, 3))
    assert write(it.bank, 0x2100, 1) == bytes((0x86, 2))
    assert write(it.bank, 0x2000, 1, 1) == bytes((0x90, 1))
    assert answer(it.bank, bytes.fromhex("04 2100 0001")) == bytes((0x84, 1))
    assert answer(it.bank, bytes.fromhex("03 2100 0011")) == bytes((0x83, 3))


class XRay:
    """Cabinet and source over one chain."""

    def __init__(self) -> None:
        self.wall = Wall()
        self.chain = SafetyChain()
        self.beam: list[bool] = []
        self.source = Source(wall_us=self.wall, chain=self.chain, set_beam=self.beam.append)
        self.cabinet = Cabinet(wall_us=self.wall, chain=self.chain, beam_on=lambda: self.source.on)
        self.source.permission = lambda: self.cabinet.permits
        self.chain.broken.append(self.source.check)

    def beat(self, value: int) -> None:
        write(self.source.bank, 0x10, value)
        write(self.cabinet.bank, 0x10, value)


def test_beam_needs_chain_and_both_heartbeats() -> None:
    it = XRay()
    write(it.source.bank, 0x11, 1)
    assert it.beam == []
    it.beat(1)
    write(it.source.bank, 0x11, 1)
    assert it.beam == [True]
    assert read(it.source.bank, 4, 0, 4)[3] == 0b10011
    assert read(it.cabinet.bank, 4, 0, 4)[3] == 0b10111111
    it.wall.pass_ms(501)
    it.source.check()
    assert it.beam == [True, False]
    it.beat(2)
    assert read(it.source.bank, 4, 0, 10)[3:9] == (0b10101, 0, 0, 0, 0, 1)
    assert it.beam == [True, False], "a beam lost to the watchdog does not come back by itself"


def test_open_guard_drops_beam_at_once() -> None:
    it = XRay()
    it.beat(1)
    write(it.source.bank, 0x11, 1)
    it.chain.set(guard_closed=False)
    assert it.beam == [True, False]
    assert read(it.cabinet.bank, 4, 0, 4)[3] == 0b11000
    it.chain.set(guard_closed=True)
    assert it.beam == [True, False]


def test_source_refuses_what_the_manual_does_not_list() -> None:
    it = XRay()
    assert write(it.source.bank, 0x11, 2) == bytes((0x86, 3))
    assert write(it.source.bank, 0x12, 50_000) == bytes((0x86, 3))
    assert write(it.source.bank, 0x15, 1) == bytes((0x86, 2))
    assert answer(it.cabinet.bank, bytes.fromhex("04 0000 0009")) == bytes((0x84, 2))


TOKEN = (0xA1B2, 0xC3D4)
STRANGER = (0xA1B2, 0xC3D5)
REFUSED = bytes((0x90, 4))


class Io:
    """The lane I/O over a plant whose clock the test moves."""

    def __init__(self) -> None:
        layout, gate = read_layout(DEMO_LANE)
        assert isinstance(layout, Layout)
        self.plant = Plant(layout, gate.travel_us, [], seed=1)
        self.wall = Wall()
        self.at_us = 0
        self.bank = LaneIoBank(self.plant, self.moment).bank

    def own(self, address: int, *values: int) -> bytes:
        """A write of the owner."""
        write(self.bank, 0x30, *TOKEN)
        return write(self.bank, address, *values, *TOKEN)

    def refused(self) -> int:
        """State register 7."""
        return read(self.bank, 4, 0x100, 8)[7]

    def moment(self) -> Moment:
        self.plant.advance(self.at_us)
        return Moment(self.at_us, self.plant.belt.position(self.at_us), self.wall.us)


def test_manual_vectors_of_the_lane_io_are_obeyed() -> None:
    it = Io()
    assert read(it.bank, 4, 0, 105)[:9] == (0xA501, 1, 100, 0, 0, 0, 0, 0, 0b10000)
    assert answer(it.bank, bytes.fromhex("10 0030 0002 04 A1B2 C3D4")) == bytes.fromhex("10 0030 0002")
    beat = bytes.fromhex("10 0010 0003 06 0007 A1B2 C3D4")
    assert answer(it.bank, beat) == bytes.fromhex("10 0010 0003")
    permit = bytes.fromhex("10 0020 0009 12 0009 07D0 0001 2345 0001 4000 05DC A1B2 C3D4")
    assert answer(it.bank, permit) == bytes.fromhex("10 0020 0009")
    assert read(it.bank, 3, 0x20, 9) == (9, 2000, 1, 0x2345, 1, 0x4000, 1500, 0, 0), "the token is told to nobody"
    assert read(it.bank, 3, 0x30, 2) == (0, 0)
    assert read(it.bank, 4, 0x100, 8) == (0xA502, 0x100, 0, 0, 0, 0, 0, 0)
    assert it.plant.io.waiting is not None


def test_pulse_at_once_opens_the_valve_and_the_device_ends_it() -> None:
    it = Io()
    it.own(0x20, 5, 1000, 0, 0, 0, 0, 100)
    assert read(it.bank, 4, 0x100, 5) == (0xA502, 0, 0x100, 5, 1000)
    it.at_us = 400_000
    assert read(it.bank, 4, 0x100, 5) == (0xA502, 0x200, 0x100, 5, 600)
    it.at_us = 1_400_000
    assert read(it.bank, 4, 0x100, 5) == (0xA502, 0x100, 0, 5, 0)
    it.own(0x20, 5, 1000, 0, 0, 0, 0, 100)
    assert read(it.bank, 4, 0x100, 7)[5:] == (5, 2)
    codes = [code for seq, code, *_ in _slots(read(it.bank, 4, 0, 105)) if seq]
    assert codes == [0x800A, 8, 0x8009, 10, 9, 0x8008]


def _slots(block: Sequence[int]) -> list[tuple[int, ...]]:
    return [tuple(block[9 + 6 * k : 15 + 6 * k]) for k in (*range(1, 16), 0)]


def test_tripped_watchdog_closes_the_valve_and_needs_a_fresh_heartbeat_to_clear() -> None:
    it = Io()
    it.own(0x10, 7)
    it.own(0x14, 0b1)
    it.own(0x20, 5, 5000, 0, 0, 0, 0, 100)
    it.wall.pass_ms(401)
    it.at_us = 401_000
    assert it.plant.io.watch(it.wall.us, it.at_us, 0)
    it.plant.io_changed(it.at_us, 0)
    assert read(it.bank, 4, 0, 9)[8] == 0b11
    assert read(it.bank, 4, 0x100, 3)[2] == 0
    it.own(0x2C, 1)
    assert read(it.bank, 4, 0, 9)[8] == 0b11
    it.own(0x10, 8)
    it.own(0x2C, 1)
    assert read(it.bank, 4, 0, 9)[8] == 0b01


def test_lane_io_refuses_parts_of_the_release_block_and_bad_watchdog_times() -> None:
    it = Io()
    assert it.own(0x20, 1) == REFUSED
    assert it.own(0x1C, 99) == bytes((0x90, 3))
    assert it.own(0x2C, 2) == bytes((0x90, 3))
    assert it.own(0x34, 1) == bytes((0x90, 2))
    assert answer(it.bank, bytes.fromhex("04 0000 006A")) == bytes((0x84, 2))


BLOCKS = {0x10: (7,), 0x14: (1,), 0x18: (1,), 0x1C: (500,), 0x20: (9, 1000, 0, 0, 0, 0, 500), 0x2C: (1,)}


def test_nobody_but_the_owner_moves_anything_and_each_try_is_counted() -> None:
    it = Io()
    it.own(0x14, 0b10)
    it.own(0x20, 5, 5000, 0, 0, 0, 0, 100)
    before = read(it.bank, 4, 0x100, 7), read(it.bank, 4, 0, 9), it.plant.io.watchdog_ms
    tries = 0
    for address, values in BLOCKS.items():
        for stranger in (values, (*values, *STRANGER), (*values, 0, 0), (*values, TOKEN[0]), values[:1]):
            function = 0x86 if len(stranger) == 1 else 0x90
            assert write(it.bank, address, *stranger) == bytes((function, 4))
            tries += 1
        assert write(it.bank, address + 1, 1) == bytes((0x86, 4))
        tries += 1
    assert (read(it.bank, 4, 0x100, 7), read(it.bank, 4, 0, 9), it.plant.io.watchdog_ms) == before
    assert it.refused() == tries
    assert write(it.bank, 0x18, 1, *TOKEN) == bytes.fromhex("10 0018 0003"), "the owner still may"
    assert read(it.bank, 4, 0x100, 3)[2] == 0b10


def test_a_stranger_keeps_no_watchdog_fed() -> None:
    it = Io()
    it.own(0x10, 7)
    for beat in range(8, 40):
        it.wall.pass_ms(10)
        write(it.bank, 0x10, beat, *STRANGER)
    assert it.plant.io.watch(it.wall.us, 0, 0)


def test_nothing_is_obeyed_before_a_first_claim() -> None:
    it = Io()
    assert write(it.bank, 0x10, 7, *TOKEN) == REFUSED
    assert write(it.bank, 0x10, 7, 0, 0) == REFUSED
    assert write(it.bank, 0x30, 0, 0) == REFUSED, "0 is no token"
    assert write(it.bank, 0x30, 1) == bytes((0x86, 4)), "half a token is none"
    assert it.own(0x10, 7) == bytes.fromhex("10 0010 0003")


def test_another_controller_owns_it_only_after_five_seconds_of_silence() -> None:
    it = Io()
    it.own(0x10, 7)
    it.wall.pass_ms(4_000)
    assert write(it.bank, 0x18, 1, *TOKEN) == bytes.fromhex("10 0018 0003")
    it.wall.pass_ms(4_999)
    assert write(it.bank, 0x30, *STRANGER) == REFUSED
    assert it.own(0x10, 8) == bytes.fromhex("10 0010 0003"), "the owner itself claims again at any time"
    it.wall.pass_ms(5_000)
    assert write(it.bank, 0x30, *STRANGER) == bytes.fromhex("10 0030 0002")
    assert write(it.bank, 0x10, 9, *TOKEN) == REFUSED
    assert write(it.bank, 0x10, 9, *STRANGER) == bytes.fromhex("10 0010 0003")


def test_the_owner_stays_over_a_loss_of_power_and_its_silence_counts_anew() -> None:
    it = Io()
    it.own(0x10, 7)
    it.wall.pass_ms(60_000)
    it.plant.io.restart(0, 0)
    assert it.refused() == 0
    assert write(it.bank, 0x30, *STRANGER) == REFUSED
    it.wall.pass_ms(4_999)
    assert write(it.bank, 0x30, *STRANGER) == REFUSED
    assert write(it.bank, 0x10, 7, *TOKEN) == bytes.fromhex("10 0010 0003")
    assert it.refused() == 2


def test_a_new_owner_begins_with_any_permit() -> None:
    it = Io()
    it.own(0x20, 900, 1000, 0, 0x100, 0, 0x200, 5000)
    it.wall.pass_ms(5_000)
    write(it.bank, 0x30, *STRANGER)
    write(it.bank, 0x20, 7, 1000, 0, 0x100, 0, 0x200, 5000, *STRANGER)
    waiting = it.plant.io.waiting
    assert waiting is not None
    assert waiting.permit_no == 7


def test_reader_and_scale_speak_the_manual_vectors() -> None:
    assert code_frame("SF1", 42) == bytes.fromhex("02 53 46 31 7C 34 32 03 0D 0A")
    assert code_frame("NOREAD", 7) == b"\x02NOREAD|7\x03\r\n"
    assert reader_heartbeat() == b"\x02HB\x03\r\n"
    assert weight_line(6_120_500, 123456, stable=True) == b"S S     6120.5 g;123456\r\n"
    assert weight_line(99_940, 1, stable=False) == b"S D       99.9 g;1\r\n"
    assert scale_heartbeat() == b"HB\r\n"


def plane(lines: int, value: int) -> Plane:
    return Plane(low=np.full((lines, COLUMNS), value, np.uint16), high=np.full((lines, COLUMNS), value + 1, np.uint16))


def test_line_stream_sends_calibration_then_lines_with_the_picture_where_the_body_is() -> None:
    stream = LineStream(Background(dark=plane(16, 200), air=plane(16, 50_000)), zero_count=lambda: 24)
    sent: list[bytes] = []
    stream._connect(sent.append)
    stream.pictures.append(Picture(plane(3, 7_000), first_count=60))
    stream.emit(23, 60, lambda count: 10 * count)
    stream.emit(60, 132, lambda count: 10 * count)
    frames = np.frombuffer(b"".join(sent), FRAME)
    raw = b"".join(sent)
    for at in range(len(frames)):
        start = at * FRAME.itemsize
        assert frames["crc"][at] == zlib.crc32(raw[start : start + CRC_AT])
    assert set(frames["magic"]) == {b"LXL1"}
    assert list(frames["seq"]) == list(range(len(frames)))
    flags = list(frames["flags"])
    assert flags == [0x8004] * CALIBRATION_LINES + [0x8008] * CALIBRATION_LINES + [0x8000] * 10
    live = frames[2 * CALIBRATION_LINES :]
    assert list(live["encoder"]) == [0, 12, 24, 36, 48, 60, 72, 84, 96, 108]
    assert list(live["t_us"]) == [10 * count for count in range(24, 133, 12)]
    assert list(live["low"][:, 0]) == [50_000] * 3 + [7_000] * 3 + [50_000] * 4
    assert not stream.pictures


def test_line_stream_that_slept_says_so() -> None:
    stream = LineStream(Background(dark=plane(16, 200), air=plane(16, 50_000)))
    sent: list[bytes] = []
    stream._senders.append(sent.append)
    stream.emit(0, 12 * 5_000, lambda count: count)
    frames = np.frombuffer(b"".join(sent), FRAME)
    assert (len(frames), frames["flags"][0], frames["seq"][0]) == (4_000, 0x8002, 1_000)


def test_stream_file_keeps_every_parcel(tmp_path: Path) -> None:
    parcels = make_stream(StreamSpec(seed=5, parcels=40))
    write_stream(tmp_path / "s.jsonl", parcels)
    assert read_stream(tmp_path / "s.jsonl") == parcels


def test_warehouse_brings_the_next_parcel_one_headway_after_the_last_was_taken() -> None:
    parcels = make_stream(StreamSpec(seed=5, parcels=4))
    handed = Handed(parcels)
    arrivals = []
    for parcel in handed:
        arrivals.append(parcel.arrival_us)
        handed.now_us = parcel.arrival_us + 10_000_000
    headways = [b.arrival_us - a.arrival_us for a, b in pairwise(parcels)]
    assert [b - a for a, b in pairwise(arrivals)] == [headway + 10_000_000 for headway in headways]
