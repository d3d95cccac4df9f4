"""Registers of the lane I/O (MANUAL.md section 1) around the plant's pure device."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

from sim.plant.plant import Plant
from sim.plant.registers import event_block, state_block
from sim.wire.modbus import ILLEGAL_VALUE, Bank, Block, ModbusRefusal

UNIT = 1
NOT_THE_OWNER = 4
"""Exception code of a claim or write that is not the owner's."""
TOKEN = (0, 0)
"""What a read gives for the token of a block: the owner's is told to nobody."""


class Moment(NamedTuple):
    """Plant time, belt position and wall time of one request."""

    at_us: int
    belt_um: int
    wall_us: int


class LaneIoBank:
    """``moment()`` brings the plant up to now before the device is read or written."""

    def __init__(self, plant: Plant, moment: Callable[[], Moment]) -> None:
        self._plant = plant
        self._io = io = plant.io
        self._moment = moment
        self._block: tuple[int, ...] = (0,) * 7
        self._frozen_us = -1
        self.bank = Bank(
            inputs=(
                Block(first=0x0000, count=105, read=self._events),
                Block(first=0x0100, count=22, read=self._state),
            ),
            holdings=(
                self._owned(0x0010, lambda: (io.heartbeat,), self._beat),
                self._owned(0x0014, lambda: (io.do_wanted,), self._write_do),
                self._owned(0x0018, lambda: (0,), self._rest),
                self._owned(0x001C, lambda: (io.watchdog_ms,), self._write_watchdog_ms),
                self._owned(0x0020, lambda: self._block, self._release),
                self._owned(0x002C, lambda: (0,), self._clear),
                Block(first=0x0030, count=2, read=lambda: TOKEN, write=self._claim),
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

    # --- who writes

    def _owned(
        self, first: int, read: Callable[[], tuple[int, ...]], write: Callable[[Sequence[int], Moment], None]
    ) -> Block:
        """A block whose last two registers are the owner's token; anything but one whole write of it is refused."""
        count = len(read()) + len(TOKEN)

        def written(offset: int, values: Sequence[int]) -> None:
            now = self._moment()
            token = values[-2] << 16 | values[-1] if (offset, len(values)) == (0, count) else 0
            if not self._io.admits(token, now.wall_us):
                raise ModbusRefusal(NOT_THE_OWNER)
            write(values[:-2], now)

        return Block(first=first, count=count, read=lambda: (*read(), *TOKEN), write=written)

    def _claim(self, offset: int, values: Sequence[int]) -> None:
        token = values[0] << 16 | values[1] if len(values) == len(TOKEN) else 0
        if not self._io.claim(token, self._moment().wall_us):
            raise ModbusRefusal(NOT_THE_OWNER)

    # --- what the owner writes

    def _beat(self, values: Sequence[int], now: Moment) -> None:
        self._io.beat(values[0], now.wall_us)

    def _write_do(self, values: Sequence[int], now: Moment) -> None:
        self._io.write_do(values[0])

    def _rest(self, values: Sequence[int], now: Moment) -> None:
        self._plant.rest_gate(now.at_us)

    def _write_watchdog_ms(self, values: Sequence[int], now: Moment) -> None:
        if not self._io.write_watchdog_ms(values[0]):
            raise ModbusRefusal(ILLEGAL_VALUE)

    def _clear(self, values: Sequence[int], now: Moment) -> None:
        if values[0] != 1:
            raise ModbusRefusal(ILLEGAL_VALUE)
        self._io.clear_trip(now.wall_us)

    def _release(self, values: Sequence[int], now: Moment) -> None:
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
