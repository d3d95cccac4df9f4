"""Belt drive ``belt-drive`` (MANUAL.md section 2): Modbus RTU registers and the drive's own watchdog.

The ramp is the plant's: the drive asks for a speed and reports the actual one.
"""

from collections.abc import Callable, Sequence

from sim.wire.modbus import ILLEGAL_VALUE, READ_HOLDING, WRITE_ONE, Bank, Block, ModbusRefusal
from sim.wire.safety import life

RUN, STOP, FAULT_RESET = 1, 5, 7
FAULT_COMMUNICATION = 72
DEVICE_ID = 0xD101
SPEED_MM_S_MAX = 1_000
WATCHDOG_MS_MIN, WATCHDOG_MS_MAX, WATCHDOG_MS_DEFAULT = 100, 5_000, 500
READ_MAX = 16
"""Registers in one read (MANUAL.md section 2)."""
UNIT = 1
BAUD = 115_200


class BeltDrive:
    """State of the drive. ``set_speed(um_s)`` ramps the plant's belt; ``actual_um_s()`` is its speed."""

    def __init__(
        self, *, wall_us: Callable[[], int], set_speed: Callable[[int], None], actual_um_s: Callable[[], int]
    ) -> None:
        self._wall_us = wall_us
        self._set_speed = set_speed
        self._actual_um_s = actual_um_s
        self.command = STOP
        self.wanted_mm_s = 0
        self.watchdog_ms = WATCHDOG_MS_DEFAULT
        self.fault = 0
        self.boot = 1
        self.tripped_at_us = -1
        """Wall time of the last watchdog stop; -1: none."""
        self._fed_us = -1
        self.bank = Bank(
            holdings=(
                Block(first=0x2000, count=3, read=self._commands, write=self._write),
                Block(first=0x2100, count=6, read=self._status),
            ),
            functions=frozenset({READ_HOLDING, WRITE_ONE}),
            read_max=READ_MAX,
            fed=self._feed,
        )

    def check(self) -> None:
        """Look at the watchdog; armed by the first frame after power-up."""
        wall_us = self._wall_us()
        if self._fed_us < 0 or self.fault or wall_us - self._fed_us <= self.watchdog_ms * 1_000:
            return
        self.fault = FAULT_COMMUNICATION
        self.command = STOP
        self.tripped_at_us = wall_us
        self._set_speed(0)

    def cut_power(self) -> None:
        """Emergency stop: the contactor drops; the drive needs a new run command afterwards."""
        self.command = STOP
        self._set_speed(0)

    def _feed(self) -> None:
        self.check()
        self._fed_us = self._wall_us()

    def _commands(self) -> Sequence[int]:
        return (self.command, self.wanted_mm_s, self.watchdog_ms)

    def _status(self) -> Sequence[int]:
        actual_mm_s = self._actual_um_s() // 1_000
        running = self.command == RUN or actual_mm_s > 0
        at_speed = self.command == RUN and actual_mm_s == self.wanted_mm_s
        status = running | at_speed << 1 | (self.fault != 0) << 2
        return (status, actual_mm_s, self.fault, DEVICE_ID, life(self._wall_us()), self.boot)

    def _write(self, offset: int, values: Sequence[int]) -> None:
        value = values[0]
        match offset:
            case 0:
                self._order(value)
            case 1:
                if value > SPEED_MM_S_MAX:
                    raise ModbusRefusal(ILLEGAL_VALUE)
                self.wanted_mm_s = value
                if self.command == RUN:
                    self._set_speed(value * 1_000)
            case _:
                if not WATCHDOG_MS_MIN <= value <= WATCHDOG_MS_MAX:
                    raise ModbusRefusal(ILLEGAL_VALUE)
                self.watchdog_ms = value

    def _order(self, value: int) -> None:
        if value not in (RUN, STOP, FAULT_RESET):
            raise ModbusRefusal(ILLEGAL_VALUE)
        if value == FAULT_RESET:
            self.fault = 0
            return
        if value == RUN and self.fault:
            return
        if value != self.command:
            self.command = value
            self._set_speed(self.wanted_mm_s * 1_000 if value == RUN else 0)
