"""Readers and scales on ptys: frames of the manual become signals with the belt position of their own count."""

import asyncio
import contextlib
import os
import time
import tty
from collections.abc import AsyncIterator, Callable
from pathlib import Path

from devices.address import parse_address
from devices.drivers.barcode_reader import BarcodeReader
from devices.drivers.context import DeviceContext
from devices.drivers.scale import Scale
from devices.drivers.serial_device import SerialDevice
from devices.profile import load_profile
from devices.signals import BarcodeRead, DeviceSignal, LinkLost, LinkRestored, ReadQuality, WeightMeasured
from tests.devices.demo_devices import PROFILES

COUNT, BELT_UM = 123_000, 50_000_000


class Port:
    """The device's side of a pty under a fixed path."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.plug()

    def plug(self) -> None:
        self.master, self.slave = os.openpty()
        tty.setraw(self.slave)
        self.path.unlink(missing_ok=True)
        self.path.symlink_to(os.ttyname(self.slave))

    def unplug(self) -> None:
        os.close(self.master)
        os.close(self.slave)

    def say(self, data: bytes) -> None:
        os.write(self.master, data)


class Bench:
    """One device under test, its port and its signals."""

    def __init__(self, path: Path, make: Callable[[str, DeviceContext], SerialDevice]) -> None:
        self.port = Port(path)
        self.signals: list[DeviceSignal] = []
        self.context = DeviceContext(now=lambda: int(time.monotonic() * 1e6), emit=self.signals.append)
        self.context.belt.start(COUNT, BELT_UM)
        self.device = make(f"serial://{path}?baud=115200", self.context)

    async def until(self, done: Callable[[], bool], seconds: float = 5.0) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, f"not reached: {self.signals}, {self.device.errors}"
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def a_device(path: Path, make: Callable[[str, DeviceContext], SerialDevice]) -> AsyncIterator[Bench]:
    bench = Bench(path, make)
    bench.device.start()
    try:
        await bench.until(lambda: bench.device.link._port is not None)
        yield bench
    finally:
        await bench.device.stop()
        bench.port.unplug()


def reader(url: str, context: DeviceContext) -> SerialDevice:
    profile = load_profile(PROFILES / "framed-reader.toml")
    return BarcodeReader("reader", profile, parse_address(url), context)


def scale(url: str, context: DeviceContext) -> SerialDevice:
    return Scale(load_profile(PROFILES / "checkweigher.toml"), parse_address(url), context)


def test_codes_and_no_reads_carry_the_belt_position_of_their_count(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_device(tmp_path / "p", reader) as bench:
            bench.port.say(b"\x02SF1|122990\x03\r\n\x02NOREAD|123010\x03\r\n\x02HB\x03\r\n\x02A|B|123020\x03\r\n")
            await bench.until(lambda: len(bench.signals) == 4)
            restored, *reads = bench.signals
            assert isinstance(restored, LinkRestored)
            assert [(r.text, r.quality, r.belt_um) for r in reads if isinstance(r, BarcodeRead)] == [
                ("SF1", ReadQuality.GOOD, BELT_UM - 1_000),
                ("", ReadQuality.NO_READ, BELT_UM + 1_000),
                ("A|B", ReadQuality.GOOD, BELT_UM + 2_000),
            ]

    asyncio.run(story())


def test_the_same_frame_twice_is_one_read_and_nonsense_is_counted(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_device(tmp_path / "p", reader) as bench:
            bench.port.say(
                b"\x02SF1|5\x03\r\n\x02SF1|5\x03\r\n\x02SF2|x\x03\r\n\x02|7\x03\r\n\x02SF3\x03\r\n\x02S|7\x03"
            )
            await bench.until(lambda: len([s for s in bench.signals if isinstance(s, BarcodeRead)]) == 2)
            assert bench.device.errors == {
                "duplicate": 1,
                "encoder count unreadable": 1,
                "no separator or no code": 2,
            }

    asyncio.run(story())


def test_weights_of_the_manual_become_milligrams(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_device(tmp_path / "p", scale) as bench:
            bench.port.say(b"S S     6120.5 g;123456\r\nS D      999.9 g;123456\r\nS +\r\nS S     61,0.5 g;1\r\nHB\r\n")
            await bench.until(lambda: len([s for s in bench.signals if isinstance(s, WeightMeasured)]) == 3)
            weights = [(s.mg, s.stable, s.error_mg) for s in bench.signals if isinstance(s, WeightMeasured)]
            assert weights == [(6_120_500, True, 3_000), (999_900, False, 3_000), (0, False, 3_000)]
            assert bench.signals[1].belt_um == BELT_UM + 45_600
            assert bench.device.errors == {"overload": 1, "not a weight": 1}

    asyncio.run(story())


def test_f40_an_unplugged_port_is_lost_at_once_and_found_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_device(tmp_path / "p", reader) as bench:
            bench.port.say(b"\x02HB\x03\r\n")
            await bench.until(lambda: bench.device.ready)
            bench.port.unplug()
            await bench.until(lambda: any(isinstance(s, LinkLost) for s in bench.signals))
            await asyncio.sleep(0.3)
            bench.port.plug()
            await bench.until(lambda: bench.device.link._port is not None)
            bench.port.say(b"\x02HB\x03\r\n")
            await bench.until(lambda: bench.device.ready)
            assert [type(s) for s in bench.signals] == [LinkRestored, LinkLost, LinkRestored]
            back = bench.signals[-1]
            assert isinstance(back, LinkRestored)
            assert back.gap_us >= 300_000

    asyncio.run(story())


def test_a_reader_without_heartbeat_is_lost_though_its_port_is_open(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_device(tmp_path / "p", reader) as bench:
            bench.device._silence_s_max = 0.2
            bench.port.say(b"\x02HB\x03\r\n")
            await bench.until(lambda: any(isinstance(s, LinkLost) for s in bench.signals))
            lost = bench.signals[-1]
            assert isinstance(lost, LinkLost)
            assert lost.reason == "heartbeat missing"
            bench.port.say(b"\x02SF1|5\x03\r\n")
            await bench.until(lambda: bench.device.ready)

    asyncio.run(story())


def test_f39_garbage_and_a_huge_line_leave_the_reader_working(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_device(tmp_path / "p", reader) as bench:
            bench.port.say(bytes(range(256)) * 4)
            bench.port.say(b"\x02" + b"x" * 3_000)
            bench.port.say(b"\x02SF9|123000\x03\r\n")
            await bench.until(lambda: any(isinstance(s, BarcodeRead) for s in bench.signals))
            read = bench.signals[-1]
            assert isinstance(read, BarcodeRead)
            assert (read.text, read.belt_um) == ("SF9", BELT_UM)
            assert sum(bench.device.link.framer.errors.values()) >= 2
            assert bench.device.link.framer.held_bytes == 0
            assert len(list(bench.device.link.capture.records())) >= 1

    asyncio.run(story())
