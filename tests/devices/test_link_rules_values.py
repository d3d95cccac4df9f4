"""The link actor's rules about values (13 to 18), one test per rule, named after it."""

import asyncio
import itertools
import time
from pathlib import Path

import pytest

from devices.profile import load_profile
from devices.requests import Failure, LinkFailure, Quality
from devices.set_point import MISMATCHES_MAX, SetPoint
from devices.unit_runner import LifeWatch, UnitPort
from tests.devices.demo_devices import PROFILES
from tests.devices.linked import LosesFirst, SlowTcp, linked, read, registers
from tests.devices.wires import PtySlave, Registers, TcpSlave


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
