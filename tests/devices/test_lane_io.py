"""The lane I/O driver when the device refuses, contradicts, trips or falls silent in the middle of a permit."""

import asyncio
from dataclasses import replace

import pytest

from devices.commands import Light
from devices.drivers import watchdog_proof
from devices.drivers.base import ModbusDriver
from devices.drivers.divert_gate import DivertGate
from devices.drivers.watchdog_proof import PROOF_PERMITS
from devices.profile import load_profile
from devices.requests import Failure, LinkFailure, Request
from devices.signals import DeviceRestarted, GatePosition, LinkLost, LinkRestored, WatchdogProven
from tests.devices.demo_devices import PROFILES
from tests.devices.memory_io import Bench

REST, RELEASE, OUTPUTS, CLEAR, CLAIM = 0x18, 0x20, 0x14, 0x2C, 0x30


def failing(address: int, failure: LinkFailure, function: int = 16) -> "Bend":
    return Bend(address, failure, function)


class Bend:
    """Requests of one kind to one address fail, or wait until they are let go."""

    def __init__(self, address: int, failure: LinkFailure | None, function: int) -> None:
        self.address, self.failure, self.function = address, failure, function
        self.reached, self.go = asyncio.Event(), asyncio.Event()
        if failure is None or failure.kind is not Failure.DISCONNECTED:
            self.go.set()

    async def __call__(self, request: Request) -> tuple[int, ...] | None:
        if (request.address, request.function) == (self.address, self.function):
            self.reached.set()
            await self.go.wait()
            if self.failure is not None:
                raise self.failure
        return None


# -- the gate


def test_a_permit_that_reached_the_device_and_reads_back_right_is_told_to_nobody() -> None:
    async def story() -> None:
        bench = Bench()
        bench.io.gate.release(bench.pulse())
        await bench.settled()
        assert bench.faults() == []
        assert bench.device.applied == 9
        assert not bench.link.written(REST)

    asyncio.run(story())


def test_a_permit_without_a_connection_is_refused_and_never_sent() -> None:
    async def story() -> None:
        bench = Bench(ready=False)
        bench.io.gate.release(bench.pulse())
        await bench.settled()
        assert bench.faults() == ["permit 9 refused: not sent, lane I/O is not connected"]
        assert not bench.link.requests

    asyncio.run(story())


def test_a_permit_that_reads_back_differently_is_a_fault_and_the_gate_rests() -> None:
    async def story() -> None:
        bench = Bench()

        async def other(request: Request) -> tuple[int, ...] | None:
            return (8, 0, 0, 0, 0, 0, 0) if (request.function, request.address) == (3, RELEASE) else None

        bench.link.bend = other
        bench.io.gate.release(bench.pulse())
        await bench.settled()
        assert bench.faults() == ["permit 9: read-back differs, was [8, 0, 0, 0, 0, 0, 0]"]
        assert bench.link.written(REST) == [(1,)]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("kind", "rests"), [(Failure.TIMEOUT, []), (Failure.GIVEN_UP, [(1,)])], ids=["failed", "given up"]
)
def test_a_permit_that_may_have_reached_the_device_is_not_proven_and_one_given_up_on_rests_the_gate(
    kind: Failure, rests: list[tuple[int, ...]]
) -> None:
    async def story() -> None:
        bench = Bench()
        bench.link.bend = failing(RELEASE, LinkFailure(kind))
        bench.io.gate.release(bench.pulse())
        await bench.settled()
        assert bench.faults() == [f"permit 9 not proven: {kind}"]
        assert bench.link.written(REST) == rests

    asyncio.run(story())


@pytest.mark.parametrize("fails", [True, False], ids=["and then fails", "and then succeeds"])
def test_a_permit_whose_link_was_lost_under_way_is_not_proven_once(fails: bool) -> None:
    async def story() -> None:
        bench = Bench()
        bend = failing(RELEASE, LinkFailure(Failure.DISCONNECTED))
        bench.link.bend = bend
        bench.io.gate.release(bench.pulse())
        await bend.reached.wait()
        bench.io.on_down("timeout")
        assert bench.faults() == ["permit 9 not proven: link lost"]
        if not fails:
            bend.failure = None
        bend.go.set()
        await bench.settled()
        assert bench.faults() == ["permit 9 not proven: link lost"]
        assert [type(signal) for signal in bench.signals].count(LinkLost) == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    ("changes", "complaint"),
    [
        ({"permit_no": 0}, "permit number: expected 1..65535, was 0"),
        ({"permit_no": 65_536}, "permit number: expected 1..65535, was 65536"),
        ({"pulse_ms": 0}, "pulse_ms: expected 1..65535, was 0"),
        ({"pulse_ms": 65_536}, "pulse_ms: expected 1..65535, was 65536"),
        ({"not_after_us": 0}, " ms"),
        ({"to_um": 600_000}, "window: expected to > from, was 600000..600000"),
    ],
)
def test_a_permit_that_fits_no_register_is_refused_and_never_sent(changes: dict[str, int], complaint: str) -> None:
    async def story() -> None:
        bench = Bench()
        pulse = bench.pulse(**changes)
        bench.io.gate.release(pulse)
        await bench.settled()
        (reason,) = bench.faults()
        assert reason.startswith(f"permit {pulse.permit_no} refused: not sent,")
        assert reason.endswith(complaint)
        assert not bench.link.requests

    asyncio.run(story())


def test_a_permit_before_the_belt_position_is_known_is_refused() -> None:
    async def story() -> None:
        bench = Bench()
        bench.context.belt.scale = None
        bench.io.gate.release(bench.pulse())
        await bench.settled()
        assert bench.faults()[0].endswith("belt position is not known yet")
        assert not bench.link.requests

    asyncio.run(story())


def test_a_gate_told_to_rest_over_a_broken_link_leaves_the_loss_to_the_runner() -> None:
    async def story() -> None:
        bench = Bench()
        bench.link.bend = failing(REST, LinkFailure(Failure.TIMEOUT))
        bench.io.gate.rest()
        await bench.settled()
        assert bench.signals == []
        bench.io.gate.link_lost()
        assert bench.signals == [], "no permit was under way"

    asyncio.run(story())


def test_a_stopped_driver_leaves_no_permit_under_way() -> None:
    async def story() -> None:
        bench = Bench()
        bend = failing(RELEASE, LinkFailure(Failure.DISCONNECTED))
        bench.link.bend = bend
        bench.io.show_light(Light.GREEN)
        bench.io.gate.release(bench.pulse())
        await bend.reached.wait()
        await bench.io.stop()
        await asyncio.sleep(0)
        assert not bench.io.gate._tasks
        assert bench.faults() == []

    asyncio.run(story())


# -- bring-up, trips


def test_a_device_with_another_owner_says_so_and_any_other_failure_stays_what_it_is() -> None:
    async def story() -> None:
        bench = Bench()
        bench.device.owner = 0x1234
        with pytest.raises(LinkFailure, match="two controllers can't share it") as caught:
            await bench.io.claim()
        assert caught.value.kind is Failure.OWNER
        bench.link.bend = failing(CLAIM, LinkFailure(Failure.TIMEOUT))
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


# -- the watchdog proof


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
        looks = 0

        class Speed(type(bench.context.belt)):  # type: ignore[misc]
            @property
            def speed_um_s(self) -> int:
                nonlocal looks
                looks += 1
                return 0 if stands and looks > 3 else 500_000

            @speed_um_s.setter
            def speed_um_s(self, value: int) -> None:
                pass

        monkeypatch.setattr(bench.context.belt, "__class__", Speed)
        return await proof(bench)

    quick(monkeypatch)
    assert asyncio.run(story(stands=True)).ok
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
            bench.link.bend = failing(0x1C, LinkFailure(Failure.TIMEOUT), 3)
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
        bend = failing(0x1C, LinkFailure(Failure.DISCONNECTED), 3)
        bench.link.bend = bend
        bench.io.proof.start()
        await bend.reached.wait()
        await bench.io.stop()
        assert not [signal for signal in bench.signals if isinstance(signal, WatchdogProven)]
        assert not bench.io.proof.running
        assert isinstance(bench.io.gate, DivertGate)
        assert bench.io.signals.gate.position is GatePosition.MOVING, "nothing was read yet"

    asyncio.run(story())
