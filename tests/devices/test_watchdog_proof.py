"""The proof that the release output falls by itself: what a sound device shows, and each thing that can be missing."""

import asyncio

import pytest

from devices.drivers import watchdog_proof
from devices.drivers.watchdog_proof import PROOF_PERMITS
from devices.requests import Failure, LinkFailure
from devices.signals import WatchdogProven
from tests.devices.memory_io import Bench, Bend

REST, RELEASE, OUTPUTS, CLEAR, CLAIM = 0x18, 0x20, 0x14, 0x2C, 0x30
"""Holding registers of the lane I/O."""


async def proof(bench: Bench, *, tripped: bool = False) -> WatchdogProven:
    """Run the proof to its end, with the polls that go on beside it. ``tripped``: a flag is left over from before."""

    async def polls() -> None:
        while True:
            await bench.io.cycle()
            await asyncio.sleep(0.002)

    await bench.io.cycle()
    bench.io.tripped = tripped
    bench.io.proof.start()
    bench.io.proof.start()  # one that is under way goes on
    assert bench.io.proof._task is not None
    beside = asyncio.create_task(polls())
    async with asyncio.timeout(5):
        await bench.io.proof._task
    beside.cancel()
    await bench.io.stop()
    told = [signal for signal in bench.signals if isinstance(signal, WatchdogProven)]
    assert len(told) == 1
    assert not bench.io.proof.running
    assert not bench.io.signals.muted
    return told[0]


def trips(bench: Bench) -> None:
    """What a sound device does in the silence."""
    bench.device.tripped = True
    bench.device.set_valve(False)


def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short waits for what never comes."""
    monkeypatch.setattr(watchdog_proof, "OPEN_S_MAX", 0.03)
    monkeypatch.setattr(watchdog_proof, "STAND_S_MAX", 0.03)


def test_a_sound_watchdog_is_proven_and_its_flag_cleared_before_and_after() -> None:
    async def story() -> None:
        bench = Bench()
        bench.link.silent = lambda: trips(bench)
        proven = await proof(bench, tripped=True)
        assert (proven.ok, proven.reason) == (True, "")
        assert proven.drop_us > 0
        assert bench.link.written(CLEAR) == [(1,), (1,)]
        assert not bench.device.tripped
        assert bench.faults() == []

    asyncio.run(story())


def test_the_proof_uses_the_other_number_when_the_device_has_just_seen_one() -> None:
    async def story() -> None:
        bench = Bench()
        bench.device.applied = PROOF_PERMITS[1]
        bench.link.silent = lambda: trips(bench)
        assert (await proof(bench)).ok
        assert [values[0] for values in bench.link.written(RELEASE)] == [PROOF_PERMITS[0]]

    asyncio.run(story())


def test_the_proof_waits_for_the_belt_to_stand_but_not_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story(*, stands: bool) -> WatchdogProven:
        bench = Bench()
        bench.link.silent = lambda: trips(bench)
        moving = [True]
        if stands:
            asyncio.get_running_loop().call_later(0.03, moving.clear)

        class Speed(type(bench.context.belt)):  # type: ignore[misc]
            @property
            def speed_um_s(self) -> int:
                return 500_000 if moving else 0

            @speed_um_s.setter
            def speed_um_s(self, value: int) -> None:
                pass

        monkeypatch.setattr(bench.context.belt, "__class__", Speed)
        return await proof(bench)

    assert asyncio.run(story(stands=True)).ok
    quick(monkeypatch)
    assert asyncio.run(story(stands=False)).reason == "the belt moves"


@pytest.mark.parametrize(
    ("bent", "reason"),
    [
        ("not ready", "lane I/O is not connected"),
        ("no link", str(Failure.TIMEOUT)),
        ("not opened", "the test pulse did not open the release output"),
        ("stays on", "release output still on after 1.5 watchdog times of silence"),
        ("no flag", "output is off, but the device's watchdog flag is not set"),
        ("not home", "output is off, but the gate is not at its INSPECT switch"),
        ("never fell", "output fell"),
    ],
)
def test_a_proof_that_misses_anything_says_what(monkeypatch: pytest.MonkeyPatch, bent: str, reason: str) -> None:
    async def story() -> None:
        bench = Bench(ready=bent != "not ready", speed=20 if bent == "not home" else 1)
        device = bench.device
        bench.link.silent = lambda: trips(bench)
        if bent == "no link":
            bench.link.bend = Bend(0x1C, LinkFailure(Failure.TIMEOUT), 3)
        elif bent == "not opened":
            monkeypatch.setattr(device, "release", lambda values: None)
        elif bent == "stays on":
            bench.link.silent = lambda: None
        elif bent == "no flag":
            bench.link.silent = lambda: device.set_valve(False)
        elif bent == "not home":
            monkeypatch.setattr(device, "travel_s", 60.0)
        elif bent == "never fell":
            bench.link.silent = lambda: trips(bench)
            monkeypatch.setattr(bench.io.signals, "last_valve", Forgetful())
        proven = await proof(bench)
        assert not proven.ok
        assert proven.reason.startswith(reason)
        assert bench.faults() == [], "during the proof the gate is the proof's"

    quick(monkeypatch)
    asyncio.run(story())


class Forgetful(dict[bool, int]):
    """Edges of the valve that were told of an earlier fall."""

    def get(self, level: bool, default: int = 0) -> int:  # type: ignore[override]
        """Long ago."""
        return 0


def test_a_stopped_driver_ends_a_proof_that_was_never_begun_or_is_under_way() -> None:
    async def story() -> None:
        bench = Bench()
        await bench.io.proof.stop()
        bend = Bend(0x1C, LinkFailure(Failure.DISCONNECTED), 3)
        bench.link.bend = bend
        bench.io.proof.start()
        await bend.reached.wait()
        await bench.io.stop()
        assert not [signal for signal in bench.signals if isinstance(signal, WatchdogProven)]
        assert not bench.io.proof.running

    asyncio.run(story())
