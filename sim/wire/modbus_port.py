"""Modbus units behind a TCP port or a pseudo terminal."""

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from sim.wire.modbus import Bank, RtuCutter, TcpCutter, answer, rtu_reply, silence_us, tcp_reply
from sim.wire.pty_port import PtyPort
from sim.wire.tcp_port import TcpPort


class _TcpUnits:
    """One Modbus TCP connection: every request is answered, in order; an absent unit is silent."""

    def __init__(self, units: Mapping[int, Bank]) -> None:
        self._units = units
        self._cutter = TcpCutter()

    def received(self, data: bytes) -> bytes:
        replies = bytearray()
        for request in self._cutter.feed(data):
            bank = self._units.get(request.unit)
            if bank is not None:
                replies += tcp_reply(request, answer(bank, request.pdu))
        return bytes(replies)

    def closed(self) -> None:
        """Nothing is kept per connection."""


def modbus_tcp(units: Mapping[int, Bank]) -> TcpPort:
    """A Modbus TCP port over these units."""

    def make(send: Callable[[bytes], None]) -> _TcpUnits:
        del send
        return _TcpUnits(units)

    return TcpPort(make)


class ModbusPty:
    """Modbus RTU units on a pseudo terminal. ``turnaround_s``: how long a unit thinks before it answers."""

    def __init__(self, link: Path, units: Mapping[int, Bank], *, baud: int, turnaround_s: float = 0.0) -> None:
        self.port = PtyPort(link, self._received, baud=baud)
        self._units = units
        self._cutter = RtuCutter()
        self._turnaround_s = turnaround_s
        self._silence: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Open the port."""
        self.port.start()

    def stop(self) -> None:
        """Unplug it."""
        if self._silence is not None:
            self._silence.cancel()
        self.port.stop()

    def _received(self, data: bytes) -> None:
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        for unit, pdu in self._cutter.feed(data):
            self._answer(unit, pdu)
        if self._cutter.waiting:
            loop = asyncio.get_running_loop()
            self._silence = loop.call_later(silence_us(self.port.baud) / 1e6, self._silent)

    def _silent(self) -> None:
        self._silence = None
        frame = self._cutter.drop()
        if frame is not None:
            self._answer(*frame)

    def _answer(self, unit: int, pdu: bytes) -> None:
        reply = rtu_reply(self._units, unit, pdu)
        if reply is None:
            return
        if self._turnaround_s > 0:
            asyncio.get_running_loop().call_later(self._turnaround_s, self.port.send, reply)
        else:
            self.port.send(reply)
