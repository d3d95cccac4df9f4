"""The lane I/O driver comes up, and is told when the device trips, restarts or has another owner."""

import asyncio
from dataclasses import replace

import pytest

from devices.drivers.base import ModbusDriver
from devices.profile import load_profile
from devices.requests import Failure, LinkFailure, Request
from devices.signals import DeviceRestarted, LinkRestored
from tests.devices.demo_devices import PROFILES
from tests.devices.memory_io import Bench, Bend

REST, RELEASE, OUTPUTS, CLEAR, CLAIM = 0x18, 0x20, 0x14, 0x2C, 0x30
"""Holding registers of the lane I/O."""


def test_a_device_with_another_owner_says_so_and_any_other_failure_stays_what_it_is() -> None:
    async def story() -> None:
        bench = Bench()
        bench.device.owner = 0x1234
        with pytest.raises(LinkFailure, match="two controllers can't share it") as caught:
            await bench.io.claim()
        assert caught.value.kind is Failure.OWNER
        bench.link.bend = Bend(CLAIM, LinkFailure(Failure.TIMEOUT))
        with pytest.raises(LinkFailure) as caught:
            await bench.io.claim()
        assert caught.value.kind is Failure.TIMEOUT

    asyncio.run(story())


def test_a_device_that_knows_no_owner_is_claimed_by_nobody() -> None:
    async def story() -> None:
        profile = load_profile(PROFILES / "lane-io.toml")
        registers = {name: register for name, register in profile.registers.items() if name != "claim"}
        bench = Bench(profile=replace(profile, registers=registers))
        await bench.io.claim()
        assert not bench.link.requests

    asyncio.run(story())


def test_bring_up_writes_every_actuator_safe_and_asks_for_what_the_profile_says() -> None:
    async def story() -> None:
        bench = Bench()
        safe = [(register.name, value) for register, value in bench.io.safe_state()]
        assert safe == [("outputs_wanted", 0), ("rest_gate", 1)]
        assert [(register.name, value) for register, value in bench.io.identity()] == [("event_signature", 0xA501)]
        assert [(register.name, value) for register, value in bench.io.initial()] == [("watchdog_ms", 300)]
        other = ModbusDriver("drive", bench.io.profile, bench.link, 1, bench.context)
        await other.claim()
        await other.prove_safe()
        assert not bench.link.requests, "a device that knows no owner, and whose read-back is proof enough"
        values = await other.read_all()
        assert (values["boot"], values["inputs"]) == (7, 1 << 8)

    asyncio.run(story())


def test_outputs_that_stay_on_in_the_safe_state_are_refused() -> None:
    async def story() -> None:
        bench = Bench()
        await bench.io.prove_safe()
        bench.device.valve, bench.device.valve_until_s = True, float("inf")
        with pytest.raises(LinkFailure, match="expected release and induction off, were 0x0100"):
            await bench.io.prove_safe()

    asyncio.run(story())


def test_a_watchdog_that_trips_on_a_living_connection_is_told_cleared_and_ends_induction() -> None:
    async def story() -> None:
        bench = Bench()
        bench.io.allow_induction(True)
        await bench.io._word.idle()
        assert bench.link.written(OUTPUTS)[-1] == (1,)
        await bench.io.cycle()
        bench.device.tripped = True
        await bench.io.cycle()
        told = [signal for signal in bench.signals if isinstance(signal, LinkRestored)]
        assert [(signal.watchdog_tripped, signal.gap_us) for signal in told] == [(True, 300_000)]
        await bench.settled()
        await bench.io._word.idle()
        assert bench.link.written(CLEAR) == [(1,)]
        assert not bench.device.tripped
        assert bench.link.written(OUTPUTS)[-1] == (0,)
        await bench.io.cycle()
        assert len([signal for signal in bench.signals if isinstance(signal, LinkRestored)]) == 1
        await bench.io.stop()

    asyncio.run(story())


@pytest.mark.parametrize(("gap_us", "first", "kept"), [(300_000, False, 1), (2_000_000, False, 0), (300_000, True, 0)])
def test_induction_comes_back_after_a_short_gap_only(gap_us: int, first: bool, kept: int) -> None:
    async def story() -> None:
        bench = Bench()
        bench.io.allow_induction(True)
        await bench.io._word.idle()
        bench.io.on_down("timeout")
        bench.io.on_up(gap_us, first=first)
        await bench.io._word.idle()
        assert bench.link.written(OUTPUTS)[-1] == (kept,)
        assert not bench.link.written(CLEAR)
        await bench.io.stop()

    asyncio.run(story())


def test_a_trip_that_the_return_tells_is_acknowledged() -> None:
    async def story() -> None:
        bench = Bench()
        bench.device.tripped = bench.io.tripped = True
        bench.io.on_up(300_000, first=False)
        await bench.settled()
        assert bench.link.written(CLEAR) == [(1,)]
        assert [signal.watchdog_tripped for signal in bench.signals if isinstance(signal, LinkRestored)] == [True]
        await bench.io.stop()

    asyncio.run(story())


def test_a_flag_that_was_read_before_it_was_cleared_is_no_new_trip() -> None:
    async def story() -> None:
        bench = Bench()

        async def cleared_meanwhile(request: Request) -> tuple[int, ...] | None:
            if request.address == 0x100:
                bench.link.bend = no_bend
                await bench.io.clear_tripped()
            return None

        async def no_bend(request: Request) -> tuple[int, ...] | None:
            return None

        bench.device.tripped = True
        bench.link.bend = cleared_meanwhile
        await bench.io.cycle()
        assert not bench.io.tripped
        assert not [signal for signal in bench.signals if isinstance(signal, LinkRestored)]

    asyncio.run(story())


def test_a_boot_counter_that_changed_is_told_and_brings_the_device_up_anew() -> None:
    async def story() -> None:
        bench = Bench()
        await bench.io.cycle()
        bench.device.restart()
        with pytest.raises(LinkFailure) as caught:
            await bench.io.cycle()
        assert caught.value.kind is Failure.BOOT
        assert [signal.boot for signal in bench.signals if isinstance(signal, DeviceRestarted)] == [8]

    asyncio.run(story())


def test_a_poll_group_in_several_pieces_is_refused() -> None:
    profile = load_profile(PROFILES / "lane-io.toml")
    registers = {name: register for name, register in profile.registers.items() if name != "clock_us"}
    with pytest.raises(ValueError, match="poll group event: expected one block of adjacent registers, were 2"):
        Bench(profile=replace(profile, registers=registers))


def test_a_driver_without_a_cycle_of_its_own_polls_nothing() -> None:
    async def story() -> None:
        bench = Bench()
        with pytest.raises(NotImplementedError):
            await ModbusDriver("drive", bench.io.profile, bench.link, 1, bench.context).cycle()

    asyncio.run(story())
