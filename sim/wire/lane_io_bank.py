"""Registers of the lane I/O (MANUAL.md section 1) around the plant's pure device."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sim.plant.plant import Plant
from sim.plant.registers import event_block, state_block
from sim.wire.modbus import ILLEGAL_VALUE, Bank, Block, ModbusRefusal

UNIT = 1


class Moment(NamedTuple):
    """Plant time, belt position and wall time of one request."""

    at_us: int
    belt_um: int
    wall_us: int


class LaneIoBank:
    """``moment()`` brings the plant up to now before the device is read or written."""

    def __init__(self, plant: Plant, moment: Callable[[], Moment]) -> None:
        self._plant = plant
        self._io = plant.io
        self._moment = moment
        self._block: tuple[int, ...] = (0,) * 7
        self._frozen_us = -1
        self.bank = Bank(
            inputs=(
                Block(first=0x0000, count=105, read=self._events),
                Block(first=0x0100, count=22, read=self._state),
            ),
            holdings=(
                Block(first=0x0010, count=5, read=self._settings, write=self._write),
                Block(first=0x0020, count=7, read=lambda: self._block, write=self._release, whole=True),
            ),
        )

    def freeze_life(self, frozen: bool) -> None:
        """Fault: the life counter stands still although the socket lives (on), or counts again (off)."""
        self._frozen_us = self._moment().wall_us if frozen else -1

    def _events(self) -> Sequence[int]:
        now = self._moment()
        life_us = now.wall_us if self._frozen_us < 0 else self._frozen_us
        return event_block(self._io, at_us=now.at_us, belt_um=now.belt_um, wall_us=life_us)

    def _state(self) -> Sequence[int]:
        return state_block(self._io, at_us=self._moment().at_us)

    def _settings(self) -> Sequence[int]:
        io = self._io
        return (io.heartbeat, io.do_wanted, 0, io.watchdog_ms, 0)

    def _write(self, offset: int, values: Sequence[int]) -> None:
        now = self._moment()
        for register, value in enumerate(values, 0x0010 + offset):
            match register:
                case 0x0010:
                    self._io.beat(value, now.wall_us)
                case 0x0011:
                    self._io.write_do(value)
                case 0x0012:
                    self._plant.rest_gate(now.at_us)
                case 0x0013:
                    if not self._io.write_watchdog_ms(value):
                        raise ModbusRefusal(ILLEGAL_VALUE)
                case _:
                    self._clear(value, now)

    def _clear(self, value: int, now: Moment) -> None:
        if value != 1:
            raise ModbusRefusal(ILLEGAL_VALUE)
        self._io.clear_trip(now.wall_us)

    def _release(self, offset: int, values: Sequence[int]) -> None:
        del offset
        now = self._moment()
        self._block = tuple(values)
        permit_no, pulse_ms, from_high, from_low, to_high, to_low, not_after_ms = values
        self._io.write_release(
            permit_no,
            pulse_ms,
            from_high << 16 | from_low,
            to_high << 16 | to_low,
            not_after_ms,
            at_us=now.at_us,
            belt_um=now.belt_um,
        )
        self._plant.io_changed(now.at_us, now.belt_um)
