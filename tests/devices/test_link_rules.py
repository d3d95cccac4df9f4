"""The link actor's rules, one test per rule, named after it."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from devices.address import parse_address
from devices.modbus_link import (
    BACK_OFF_FAILURES,
    QUEUE_MAX,
    RECONNECT_S_MAX,
    RECONNECT_S_MIN,
    LinkSettings,
    ModbusLink,
)
from devices.profile import load_profile
from devices.requests import Failure, LinkFailure, Priority, Quality, Request
from devices.set_point import MISMATCHES_MAX, SetPoint
from devices.unit_runner import LifeWatch, UnitPort
from tests.devices.demo_devices import PROFILES
from tests.devices.wires import PtySlave, Registers, TcpSlave

SETTINGS = LinkSettings(timeout_s=0.2, late_window_s=0.1)
"""Time-out long enough for a busy machine."""


def registers() -> Registers:
    """Sixty-four holding registers, value = 1000 + address."""
    return Registers({address: 1000 + address for address in range(64)})


def read(address: int = 0, count: int = 1, unit: int = 1) -> Request:
    return Request(unit=unit, function=3, address=address, count=count)


@contextlib.asynccontextmanager
async def linked(
    slave: TcpSlave | PtySlave, settings: LinkSettings = SETTINGS, units: tuple[int, ...] = (1,)
) -> AsyncIterator[ModbusLink]:
    """A link whose units are admitted."""
    async with slave:
        link = ModbusLink(
            parse_address(slave.url), settings, now=lambda: int(time.monotonic() * 1e6), units=len(units), seed=1
        )
        link.start()
        try:
            await link.up.wait()
            for unit in units:
                link.admit(unit, link.generation)
            yield link
        finally:
            await link.stop()


class SlowTcp(TcpSlave):
    """Answers after a pause."""

    pause_s = 0.03

    async def deliver(self, writer: asyncio.StreamWriter, header: bytes, pdu: bytes) -> None:
        await asyncio.sleep(self.pause_s)
        await super().deliver(writer, header, pdu)


def test_rule_01_one_task_owns_the_port_and_its_queue_is_bounded() -> None:
    async def story() -> None:
        device = registers()
        async with linked(SlowTcp(device)) as link:
            waiting = [asyncio.create_task(link.request(read(i % 60))) for i in range(QUEUE_MAX + 5)]
            done = await asyncio.gather(*waiting, return_exceptions=True)
            refused = [d for d in done if isinstance(d, LinkFailure)]
            assert refused
            assert {failure.kind for failure in refused} == {Failure.QUEUE_FULL}
            assert link.figures.failures[Failure.QUEUE_FULL] == len(refused)
            assert [d.words for d in done if not isinstance(d, BaseException)] == [
                (1000 + i % 60,) for i, d in enumerate(done) if not isinstance(d, BaseException)
            ]

    asyncio.run(story())


def test_rule_02_a_caller_that_gives_up_drops_only_its_future() -> None:
    async def story() -> None:
        device = registers()
        async with linked(SlowTcp(device)) as link:
            given_up = asyncio.create_task(link.request(read(7)))
            await asyncio.sleep(0.01)
            given_up.cancel()
            with pytest.raises(LinkFailure) as caught:
                await link.request(read(9), deadline_s=0.001)
            assert caught.value.kind is Failure.GIVEN_UP
            reply = await link.request(read(8))
            assert reply.words == (1008,)
            assert link.generation == 1, "the transaction ran to its end on the same connection"
            assert link.figures.replies >= 2

    asyncio.run(story())


def test_rule_03_safety_overtakes_commands_and_commands_overtake_polls() -> None:
    async def story() -> None:
        device = registers()
        async with linked(SlowTcp(device)) as link:
            polls = [asyncio.create_task(link.request(read(i))) for i in range(4)]
            await asyncio.sleep(0.005)
            command = asyncio.create_task(link.request(read(20), priority=Priority.COMMAND))
            safety = asyncio.create_task(link.request(read(30), priority=Priority.SAFETY))
            await asyncio.gather(command, safety, *polls)
            order = [int.from_bytes(pdu[1:3], "big") for pdu in device.requests]
            assert order == [0, 30, 20, 1, 2, 3]

    asyncio.run(story())


class LosesFirst(PtySlave):
    """Swallows the first ``lose`` replies."""

    lose = 1

    def deliver(self, frame: bytes) -> None:
        if self.lose:
            self.lose -= 1
        else:
            super().deliver(frame)


def test_rule_04_one_retry_for_reads_and_none_for_writes(tmp_path: Path) -> None:
    async def story() -> None:
        device = registers()
        slave = LosesFirst(device, str(tmp_path / "bus"))
        async with linked(slave) as link:
            assert (await link.request(read(3))).words == (1003,)
            assert (len(device.requests), link.figures.retries) == (2, 1)
            slave.lose = 1
            with pytest.raises(LinkFailure) as caught:
                await link.request(Request(unit=1, function=6, address=5, values=(9,)))
            assert caught.value.kind is Failure.TIMEOUT
            assert len(device.requests) == 3
            slave.lose = 2
            with pytest.raises(LinkFailure):
                await link.request(read(3))
            assert len(device.requests) == 5

    asyncio.run(story())


def test_rule_05_rtu_time_out_follows_the_frame_time() -> None:
    async def story() -> None:
        settings = LinkSettings(timeout_s=0.0, turnaround_s=0.01)
        slow = ModbusLink(parse_address("rtu:///dev/null?baud=9600"), settings, now=lambda: 0)
        long_frame, short_frame = slow.timeout_s(read(0, 60)), slow.timeout_s(read(0, 1))
        characters = 5 + 2 + 2 * 60 + 6
        assert long_frame == pytest.approx(0.01 + 1.5 * characters * 11 / 9600)
        assert short_frame == 0.05, "never below 50 ms"
        network = ModbusLink(parse_address("tcp://127.0.0.1:1"), LinkSettings(), now=lambda: 0)
        assert network.timeout_s(read(0, 60)) == 0.3

    asyncio.run(story())


class Stamped(PtySlave):
    """Notes when requests come."""

    def __init__(self, link: str, lose: int) -> None:
        self.lose = lose
        self.at_s: list[float] = []
        super().__init__(self._note, link)
        self.device = registers()

    def _note(self, unit: int, pdu: bytes) -> bytes | None:
        self.at_s.append(time.monotonic())
        return self.device(unit, pdu)

    def deliver(self, frame: bytes) -> None:
        if self.lose:
            self.lose -= 1
        else:
            super().deliver(frame)


def test_rule_06_after_a_failure_the_line_stays_quiet_for_the_late_window(tmp_path: Path) -> None:
    async def story() -> None:
        slave = Stamped(str(tmp_path / "bus"), lose=1)
        async with linked(slave) as link:
            await link.request(read(0))
            assert slave.at_s[1] - slave.at_s[0] >= SETTINGS.timeout_s + SETTINGS.late_window_s

    asyncio.run(story())


def test_rule_07_a_failed_connection_is_never_used_again() -> None:
    async def story() -> None:
        slow = SlowTcp(registers())
        async with linked(slow) as link:
            slow.pause_s = 0.4
            with pytest.raises(LinkFailure) as caught:
                await link.request(read(1))
            assert caught.value.kind is Failure.TIMEOUT
            assert not link.up.is_set()
            slow.pause_s = 0.0
            await link.up.wait()
            assert (link.generation, slow.connections) == (2, 2)
            link.admit(1, link.generation)
            assert (await link.request(read(2))).words == (1002,)

    asyncio.run(story())


def test_rule_08_silence_before_every_frame(tmp_path: Path) -> None:
    async def story() -> None:
        slave = Stamped(str(tmp_path / "bus"), lose=0)
        settings = LinkSettings(timeout_s=0.2, guard_s=0.02)
        async with linked(slave, settings) as link:
            for address in range(4):
                await link.request(read(address))
            gaps = [b - a for a, b in itertools.pairwise(slave.at_s)]
            assert min(gaps) >= 0.02 + 0.00175

    asyncio.run(story())


def test_rule_09_consecutive_reads_of_a_unit_differ_in_shape(tmp_path: Path) -> None:
    async def story() -> None:
        device = registers()
        settings = LinkSettings(timeout_s=0.2, readable=((3, 0, 64),))
        async with linked(PtySlave(device, str(tmp_path / "bus")), settings) as link:
            answers = [(await link.request(read(address, 2))).words for address in (4, 8, 12, 62, 62)]
            assert answers == [(1000 + a, 1001 + a) for a in (4, 8, 12, 62, 62)]
            shapes = [(pdu[0], int.from_bytes(pdu[3:5], "big")) for pdu in device.requests]
            assert all(a != b for a, b in itertools.pairwise(shapes))

    asyncio.run(story())


def test_rule_10_a_dead_unit_is_probed_once_a_second_and_the_others_keep_pace(tmp_path: Path) -> None:
    async def story() -> None:
        device = registers()
        slave = PtySlave(device, str(tmp_path / "bus"), units=(1, 2))
        slave.silent_units = {2}
        async with linked(slave, units=(1, 2)) as link:
            kinds = []
            for _ in range(BACK_OFF_FAILURES + 3):
                with pytest.raises(LinkFailure) as caught:
                    await link.request(Request(unit=2, function=6, address=1, values=(1,)))
                kinds.append(caught.value.kind)
            assert kinds == [Failure.TIMEOUT] * BACK_OFF_FAILURES + [Failure.BACK_OFF] * 3
            assert (await link.request(read(5))).words == (1005,)

    asyncio.run(story())


def test_rule_11_reconnection_is_capped_and_never_a_loop_without_sleep() -> None:
    async def story() -> None:
        slave = TcpSlave(registers())
        async with linked(slave) as link:
            await slave.close()
            await asyncio.sleep(1.0)
            attempts = link.figures.failures[Failure.DISCONNECTED]
            assert 2 <= attempts <= 1.0 / RECONNECT_S_MIN
            await slave.open()
            await link.up.wait()
            assert link._delay_s <= RECONNECT_S_MAX

    asyncio.run(story())


def test_rule_12_nothing_but_the_bring_up_passes_before_the_safe_state() -> None:
    async def story() -> None:
        slave = TcpSlave(registers())
        async with slave:
            link = ModbusLink(parse_address(slave.url), SETTINGS, now=lambda: 0)
            link.start()
            await link.up.wait()
            with pytest.raises(LinkFailure) as caught:
                await link.request(read())
            assert caught.value.kind is Failure.DISCONNECTED
            assert (await link.request(read(), bring_up=True)).words == (1000,)
            await link.stop()

    asyncio.run(story())


def test_rule_13_adjacent_registers_share_one_read_within_the_devices_limit() -> None:
    io, drive = load_profile(PROFILES / "lane-io.toml"), load_profile(PROFILES / "belt-drive.toml")
    assert [(b.address, b.count) for b in io.blocks()] == [(0x0000, 105), (0x0100, 22)]
    assert [(b.address, b.count) for b in drive.blocks()] == [(0x2100, 4), (0x2104, 2)]


def test_rule_14_a_value_has_time_error_and_quality_and_ages() -> None:
    async def story() -> None:
        async with linked(SlowTcp(registers())) as link:
            before = int(time.monotonic() * 1e6)
            reply = await link.request(read(3, 2))
            after = int(time.monotonic() * 1e6)
            assert (reply.quality, reply.unit, reply.request) == (Quality.GOOD, 1, read(3, 2))
            assert before <= reply.at_us - reply.at_err_us <= reply.at_us + reply.at_err_us <= after
            assert reply.at_err_us >= 15_000
            assert reply.fresh(after, 1_000_000)
            assert not reply.fresh(after + 1_000_000, 500_000)

    asyncio.run(story())


class SecondMaster(Registers):
    """Somebody else writes the register right after us (F15)."""

    def written(self, address: int, values: list[int]) -> None:
        self.holding[address] = 77


def test_rule_15_a_write_counts_only_when_read_back() -> None:
    async def story() -> None:
        drive = load_profile(PROFILES / "belt-drive.toml")
        speed = drive.register("speed_wanted")
        good, bad = Registers({0x2001: 0}), SecondMaster({0x2001: 0})
        for device, fails in ((good, False), (bad, True)):
            async with linked(TcpSlave(device)) as link:
                port = UnitPort(link, 1)
                if fails:
                    with pytest.raises(LinkFailure, match="speed_wanted: expected 500000"):
                        await port.prove(speed, 500_000)
                else:
                    await port.prove(speed, 500_000)
                    assert device.holding[0x2001] == 500
        with pytest.raises(ValueError, match=r"expected 0\.\.1000000 um_s, was 1500000"):
            speed.encode(1_500_000)

    asyncio.run(story())


def test_rule_16_set_points_coalesce_and_keep_their_rate() -> None:
    async def story() -> None:
        written: list[tuple[float, int]] = []

        async def write(value: int) -> None:
            await asyncio.sleep(0.001)
            written.append((time.monotonic(), value))

        point: SetPoint[int] = SetPoint(write, rate_per_s=20)
        start = time.monotonic()
        for value in range(30):
            point.want(value)
            await asyncio.sleep(0.004)
        await point.idle()
        assert written[-1][1] == 29, "the last value wins"
        assert len(written) <= 2 + 20 * (time.monotonic() - start)
        assert len(written) < 30
        gaps = [b[0] - a[0] for a, b in itertools.pairwise(written)]
        assert min(gaps) >= 0.045

    asyncio.run(story())


def test_rule_16_a_set_point_that_never_reads_back_is_given_up() -> None:
    async def story() -> None:
        tries = 0

        async def write(value: int) -> None:
            nonlocal tries
            tries += 1
            raise LinkFailure(Failure.READ_BACK, "always another value")

        point: SetPoint[int] = SetPoint(write, rate_per_s=100)
        point.want(1)
        await point.idle()
        assert tries == MISMATCHES_MAX
        assert point.failed is not None

    asyncio.run(story())


def test_rule_17_a_life_counter_that_stands_is_loss() -> None:
    watch = LifeWatch(stands_s_max=0.06)
    for step in range(5):
        watch.check(step, 10 + step * 0.02)
    watch.check(4, 10.13)
    with pytest.raises(LinkFailure) as caught:
        watch.check(4, 10.15)
    assert caught.value.kind is Failure.LIFE
    watch.forget()
    watch.check(4, 11.0)


def test_rule_18_every_byte_is_captured_and_failures_keep_their_slice(tmp_path: Path) -> None:
    async def story() -> None:
        slave = LosesFirst(registers(), str(tmp_path / "bus"))
        slave.lose = 0
        async with linked(slave) as link:
            await link.request(read(0x0D, 1))
            slave.lose = 2
            with pytest.raises(LinkFailure):
                await link.request(read(1, 1))
            records = list(link.capture.records())
            assert [(r.sent, r.data.hex()) for r in records[:2]] == [
                (True, "0103000d000115c9"),
                (False, "01030203f578f3"),
            ]
            assert len(link.capture.evidence) == 2
            assert link.capture.evidence[0].reason.startswith(Failure.TIMEOUT)
            assert link.capture.evidence[0].records[-1].data.hex().startswith("010300010001")

    asyncio.run(story())


def test_an_exception_of_the_device_is_counted_and_costs_no_connection() -> None:
    async def story() -> None:
        async with linked(TcpSlave(registers())) as link:
            with pytest.raises(LinkFailure, match=r"2 \(address\) to function 3 at 900"):
                await link.request(read(900))
            assert (await link.request(read(1))).words == (1001,)
            assert link.generation == 1

    asyncio.run(story())


def test_a_line_that_is_never_silent_is_opened_anew(tmp_path: Path) -> None:
    async def story() -> None:
        slave = PtySlave(registers(), str(tmp_path / "bus"))
        async with linked(slave) as link:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr("devices.modbus_link.QUIET_WAIT_S_MAX", 0.1)

                async def babble() -> None:
                    while True:
                        slave.send(b"\x55")
                        await asyncio.sleep(0.0005)

                noise = asyncio.create_task(babble())
                outcomes = await asyncio.gather(*(link.request(read(1)) for _ in range(3)), return_exceptions=True)
                noise.cancel()
                assert all(isinstance(outcome, LinkFailure) for outcome in outcomes)
                assert link.figures.failures[Failure.LENGTH] >= 1

    asyncio.run(story())
