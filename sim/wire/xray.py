"""X-ray cabinet and source (MANUAL.md sections 3 and 4): Modbus TCP registers over one safety chain."""

from collections.abc import Callable, Sequence

from sim.wire.modbus import ILLEGAL_VALUE, Bank, Block, ModbusRefusal
from sim.wire.safety import Heartbeat, SafetyChain, life

UNIT = 1
WATCHDOG_US = 500_000
CABINET_SIGNATURE = 0xA503
SOURCE_SIGNATURE = 0xA504
KV_X100, MA_X100 = 16_000, 80
"""Set points at power-up: a 160 kV tube at 0.8 mA."""
KV_X100_MAX, MA_X100_MAX = 18_000, 500
FAULT_HEARTBEAT, FAULT_CHAIN = 1, 2


class Cabinet:
    """The shielded cabinet: reports the safety chain, permits the beam while its heartbeat lives."""

    def __init__(
        self, *, wall_us: Callable[[], int], chain: SafetyChain, beam_on: Callable[[], bool], boot: int = 1
    ) -> None:
        self._wall_us = wall_us
        self._chain = chain
        self._beam_on = beam_on
        self.boot = boot
        self.heartbeat = Heartbeat(limit_us=WATCHDOG_US)
        self.bank = Bank(
            inputs=(Block(first=0, count=8, read=self._status),),
            holdings=(Block(first=0x0010, count=1, read=lambda: (self.heartbeat.value,), write=self._write),),
        )

    @property
    def permits(self) -> bool:
        """Whether the source may radiate."""
        return self._chain.interlock_closed and self._chain.key_on and self.heartbeat.alive(self._wall_us())

    def _write(self, offset: int, values: Sequence[int]) -> None:
        self.heartbeat.write(values[0], self._wall_us())

    def _status(self) -> Sequence[int]:
        chain, beam = self._chain, self._beam_on()
        ready = chain.interlock_closed and chain.key_on
        status = (
            ready
            | chain.interlock_closed << 1
            | chain.guard_closed << 2
            | chain.key_on << 3
            | chain.estop_released << 4
            | beam << 5
            | beam << 7
        )
        return (CABINET_SIGNATURE, self.boot, life(self._wall_us()), status, 0, 0, 0, 0)


class Source:
    """The X-ray source. A beam lost to watchdog or chain is never wanted again by itself."""

    def __init__(self, *, wall_us: Callable[[], int], chain: SafetyChain, set_beam: Callable[[bool], None]) -> None:
        self._wall_us = wall_us
        self._chain = chain
        self._set_beam = set_beam
        self.permission: Callable[[], bool] = lambda: True
        """The cabinet's word; wired by the lane."""
        self.boot = 1
        self.heartbeat = Heartbeat(limit_us=WATCHDOG_US)
        self.on = False
        self._on_since_us = 0
        self._on_total_us = 0
        self._kv_x100, self._ma_x100 = KV_X100, MA_X100
        self._wanted = 0
        self._fault = 0
        self.bank = Bank(
            inputs=(Block(first=0, count=10, read=self._status),),
            holdings=(Block(first=0x0010, count=5, read=self._settings, write=self._write),),
        )

    def check(self) -> None:
        """Drop the beam when watchdog, chain or cabinet say so."""
        if not self._wanted:
            return
        if not self._chain.interlock_closed or not self._chain.key_on:
            self._drop(FAULT_CHAIN)
        elif not self.heartbeat.alive(self._wall_us()) or not self.permission():
            self._drop(FAULT_HEARTBEAT)

    def _drop(self, fault: int) -> None:
        self._wanted = 0
        if self.on:
            self._fault = fault
        self._switch(False)

    def _switch(self, on: bool) -> None:
        if on == self.on:
            return
        wall_us = self._wall_us()
        if on:
            self._on_since_us = wall_us
        else:
            self._on_total_us += wall_us - self._on_since_us
        self.on = on
        self._set_beam(on)

    def _status(self) -> Sequence[int]:
        self.check()
        wall_us = self._wall_us()
        closed = self._chain.interlock_closed
        status = (closed and self._chain.key_on) | self.on << 1 | (self._fault != 0) << 2 | closed << 4
        seconds = (self._on_total_us + (wall_us - self._on_since_us if self.on else 0)) // 1_000_000
        kv_x100, ma_x100 = (self._kv_x100, self._ma_x100) if self.on else (0, 0)
        high, low = seconds >> 16 & 0xFFFF, seconds & 0xFFFF
        return (SOURCE_SIGNATURE, self.boot, life(wall_us), status, kv_x100, ma_x100, high, low, self._fault, 0)

    def _settings(self) -> Sequence[int]:
        return (self.heartbeat.value, self._wanted, self._kv_x100, self._ma_x100, 0)

    def _write(self, offset: int, values: Sequence[int]) -> None:
        for register, value in enumerate(values, offset):
            self._write_one(register, value)

    def _write_one(self, register: int, value: int) -> None:
        match register:
            case 0:
                self.check()
                self.heartbeat.write(value, self._wall_us())
            case 1:
                self._want(value)
            case 2 if value <= KV_X100_MAX:
                self._kv_x100 = value
            case 3 if value <= MA_X100_MAX:
                self._ma_x100 = value
            case 4 if value in (0, 1):
                self._fault = 0 if value else self._fault
            case _:
                raise ModbusRefusal(ILLEGAL_VALUE)

    def _want(self, value: int) -> None:
        if value not in (0, 1):
            raise ModbusRefusal(ILLEGAL_VALUE)
        self._wanted = value
        self.check()
        self._switch(bool(self._wanted))
