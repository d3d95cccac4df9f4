"""No signal tells the core a place on the belt that the event ring has not been read up to."""

import asyncio

from devices.signals import BarcodeRead, BeltState, DeviceSignal, EyeChanged, ReadQuality, WeightMeasured
from lane.runtime import belt_order
from lane.runtime.belt_order import BeltOrder


def code(belt_um: int) -> BarcodeRead:
    """A read at a place."""
    return BarcodeRead(at_us=0, belt_um=belt_um, reader="reader", text="T", quality=ReadQuality.GOOD)


def edge(belt_um: int) -> EyeChanged:
    """An edge at a place."""
    return EyeChanged(at_us=0, belt_um=belt_um, eye="induct", blocked=True)


def test_a_reading_waits_until_the_ring_has_been_read_up_to_its_place() -> None:
    read = [1_000]
    got: list[DeviceSignal] = []

    async def session() -> None:
        order = BeltOrder(lambda: read[0], got.append)
        order.take(code(5_000))
        order.take(code(900))
        await asyncio.sleep(0.03)
        assert got == [code(900)]
        read[0] = 6_000
        order.take(edge(4_800))
        await asyncio.sleep(0.03)

    asyncio.run(session())
    assert got == [code(900), edge(4_800), code(5_000)]


def test_readings_that_wait_keep_their_order() -> None:
    read = [0]
    got: list[DeviceSignal] = []
    weight = WeightMeasured(at_us=0, belt_um=2_000, mg=5, stable=True, error_mg=1)

    async def session() -> None:
        order = BeltOrder(lambda: read[0], got.append)
        order.take(weight)
        order.take(code(3_000))
        read[0] = 9_000
        await asyncio.sleep(0.03)
        order.stop()

    asyncio.run(session())
    assert got == [weight, code(3_000)]


def test_other_signals_take_the_last_position_read() -> None:
    got: list[DeviceSignal] = []
    state = BeltState(at_us=3, belt_um=7_000, running=True, speed_um_s=1)
    BeltOrder(lambda: 5_000, got.append).take(state)
    assert got == [BeltState(at_us=3, belt_um=5_000, running=True, speed_um_s=1)]


def test_a_reading_does_not_wait_for_ever() -> None:
    got: list[DeviceSignal] = []

    async def session() -> None:
        order = BeltOrder(lambda: 0, got.append)
        order.take(code(5_000))
        await asyncio.sleep(0.03)
        assert got == []
        await asyncio.sleep(belt_order.WAIT_S_MAX + 0.1)

    asyncio.run(session())
    assert got == [code(5_000)]
