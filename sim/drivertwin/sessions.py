"""Devices behind ports in memory: Modbus units over TCP, over an RTU line and over RTU inside TCP.

The protocol is that of the simulated devices (``sim.wire.modbus``); only sockets and terminals are left out.
"""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING

from sim.drivertwin.network import Network, SerialPort, Spoil, TcpPort, untouched
from sim.wire.modbus import Bank, RtuCutter, TcpCutter, answer, rtu_reply, silence_us, tcp_reply

if TYPE_CHECKING:
    import asyncio

    from sim.drivertwin.loop import VirtualLoop


class TcpUnits:
    """One Modbus TCP connection: every request is answered by its own frame, in order."""

    def __init__(self, units: Mapping[int, Bank], send: Callable[[bytes], None]) -> None:
        self._units, self._send = units, send
        self._cutter = TcpCutter()

    def received(self, data: bytes) -> bytes:
        """Answers leave frame by frame, so that each can meet its own fault."""
        for request in self._cutter.feed(data):
            bank = self._units.get(request.unit)
            if bank is not None:
                self._send(tcp_reply(request, answer(bank, request.pdu)))
        return b""

    def closed(self) -> None:
        """Nothing is kept per connection."""


class RtuUnits:
    """Units on one RTU line (or behind a serial server): frames in, answers out."""

    def __init__(self, units: Mapping[int, Bank], send: Callable[[bytes], None]) -> None:
        self._units, self._send = units, send
        self._cutter = RtuCutter()

    def received(self, data: bytes) -> bytes:
        """Bytes from the master."""
        for unit, pdu in self._cutter.feed(data):
            self._answer(unit, pdu)
        return b""

    def silent(self) -> None:
        """The line was silent: what is left is a frame of unknown function, or noise."""
        frame = self._cutter.drop()
        if frame is not None:
            self._answer(*frame)

    @property
    def waiting(self) -> bool:
        """Whether the end of a frame is still to come."""
        return self._cutter.waiting

    def closed(self) -> None:
        """Nothing is kept per connection."""

    def _answer(self, unit: int, pdu: bytes) -> None:
        reply = rtu_reply(self._units, unit, pdu)
        if reply is not None:
            self._send(reply)


def modbus_tcp(
    network: Network, host: str, units: Mapping[int, Bank], spoil: Spoil = untouched, *, rtu: bool = False
) -> TcpPort:
    """Modbus units at ``host``:502. ``rtu``: RTU frames inside TCP, as a serial server carries them."""

    def make(send: Callable[[bytes], None]) -> TcpUnits | RtuUnits:
        return RtuUnits(units, send) if rtu else TcpUnits(units, send)

    return network.listen(host, 502, make, spoil)


class RtuLine:
    """Modbus units on a serial line of the network."""

    def __init__(
        self, network: Network, name: str, units: Mapping[int, Bank], *, baud: int, spoil: Spoil = untouched
    ) -> None:
        self._units = RtuUnits(units, self._send)
        self._silence_s = silence_us(baud) / 1e6
        self._silence: asyncio.TimerHandle | None = None
        self.port: SerialPort = network.line(name, self._received, spoil)

    def _send(self, data: bytes) -> None:
        self.port.send(data)

    def _received(self, data: bytes) -> None:
        loop: VirtualLoop | None = self.port.loop
        assert loop is not None, "bytes come from an open port"
        if self._silence is not None:
            self._silence.cancel()
            self._silence = None
        self._units.received(data)
        if self._units.waiting:
            self._silence = loop.call_later(self._silence_s, self._units.silent)
