"""A permit on its way to the gate: refused, lost, given up, read back wrong, and never told right when it is not."""

import asyncio

import pytest

from devices.commands import Light
from devices.requests import Failure, LinkFailure, Request
from devices.signals import LinkLost
from tests.devices.memory_io import Bench, Bend

REST, RELEASE, OUTPUTS, CLEAR, CLAIM = 0x18, 0x20, 0x14, 0x2C, 0x30
"""Holding registers of the lane I/O."""


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
        bench.link.bend = Bend(RELEASE, LinkFailure(kind))
        bench.io.gate.release(bench.pulse())
        await bench.settled()
        assert bench.faults() == [f"permit 9 not proven: {kind}"]
        assert bench.link.written(REST) == rests

    asyncio.run(story())


@pytest.mark.parametrize("fails", [True, False], ids=["and then fails", "and then succeeds"])
def test_a_permit_whose_link_was_lost_under_way_is_not_proven_once(fails: bool) -> None:
    async def story() -> None:
        bench = Bench()
        bend = Bend(RELEASE, LinkFailure(Failure.DISCONNECTED))
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
        bench.link.bend = Bend(REST, LinkFailure(Failure.TIMEOUT))
        bench.io.gate.rest()
        await bench.settled()
        assert bench.signals == []
        bench.io.gate.link_lost()
        assert bench.signals == [], "no permit was under way"

    asyncio.run(story())


def test_a_stopped_driver_leaves_no_permit_under_way() -> None:
    async def story() -> None:
        bench = Bench()
        bend = Bend(RELEASE, LinkFailure(Failure.DISCONNECTED))
        bench.link.bend = bend
        bench.io.show_light(Light.GREEN)
        bench.io.gate.release(bench.pulse())
        await bend.reached.wait()
        await bench.io.stop()
        await asyncio.sleep(0)
        assert not bench.io.gate._tasks
        assert bench.faults() == []

    asyncio.run(story())
