"""Signals reach the core in belt order.

The lane I/O's event ring is read every 20 ms; whatever the belt reached after the last reading may still hide edges.
A position beyond it would let the controller pass judgement ("this eye saw nothing") on edges that nobody has read.
So the position that the core is told is the last one *read*: readings of devices with an encoder input of their own
wait until the ring has been read up to their place, other signals take the last position read.
"""

import asyncio
from collections.abc import Callable

from msgspec.structs import replace

from devices.signals import (
    BarcodeRead,
    BeltMoved,
    DeviceSignal,
    EncoderDoubt,
    EyeChanged,
    GateFault,
    GateInPosition,
    OutputProven,
    WeightMeasured,
)

TICK_S = 0.005
"""How often waiting readings are looked at: a quarter of the lane I/O's cycle."""
WAIT_S_MAX = 0.5
"""A reading waits so long at most; by then the link to the lane I/O counts as lost."""
WAITING_MAX = 64
"""Readings that wait; readers and scale make a few per second."""
_RING = (EyeChanged, BeltMoved, GateInPosition, OutputProven, GateFault, EncoderDoubt)
_PLACED = (BarcodeRead, WeightMeasured)


class BeltOrder:
    """Between the rack and the core's queue. ``read_um()``: belt position up to which the ring has been read."""

    def __init__(self, read_um: Callable[[], int], emit: Callable[[DeviceSignal], None]) -> None:
        self._read_um = read_um
        self._emit = emit
        self._waiting: list[tuple[float, DeviceSignal]] = []
        self._timer: asyncio.TimerHandle | None = None

    def take(self, signal: DeviceSignal) -> None:
        """Pass a signal on, at once or when its place has been read."""
        if isinstance(signal, _RING):
            self._emit(signal)
            return
        read_um = self._read_um()
        if signal.belt_um <= read_um:
            self._emit(signal)
        elif isinstance(signal, _PLACED) and len(self._waiting) < WAITING_MAX:
            self._waiting.append((asyncio.get_running_loop().time() + WAIT_S_MAX, signal))
            self._arm()
        elif isinstance(signal, _PLACED):
            self._emit(signal)
        else:
            self._emit(replace(signal, belt_um=read_um))

    def stop(self) -> None:
        """No timer left."""
        if self._timer is not None:
            self._timer.cancel()

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = asyncio.get_running_loop().call_later(TICK_S, self._look)

    def _look(self) -> None:
        self._timer = None
        now_s, read_um = asyncio.get_running_loop().time(), self._read_um()
        ready = [signal for until_s, signal in self._waiting if signal.belt_um <= read_um or until_s <= now_s]
        self._waiting = [one for one in self._waiting if one[1].belt_um > read_um and one[0] > now_s]
        for signal in ready:
            self._emit(signal)
        if self._waiting:
            self._arm()
