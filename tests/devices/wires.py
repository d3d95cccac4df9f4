"""Small Modbus slaves for the tests of the links: TCP, RTU over TCP, and RTU on a pty.

They share nothing with the code under test: own CRC, own frames. A slave answers with ``answer(pdu) -> pdu | None``;
faults are injected by overriding ``deliver``.
"""

import asyncio
import os
import tty
from collections.abc import Callable

Answer = Callable[[int, bytes], bytes | None]


def crc(data: bytes) -> bytes:
    """CRC-16/MODBUS, bit by bit."""
    value = 0xFFFF
    for byte in data:
        value ^= byte
        for _ in range(8):
            value = value >> 1 ^ 0xA001 if value & 1 else value >> 1
    return value.to_bytes(2, "little")


class Registers:
    """Holding and input registers of one unit, as dicts. Missing address: exception 2."""

    def __init__(self, holding: dict[int, int] | None = None, inputs: dict[int, int] | None = None) -> None:
        self.holding = holding or {}
        self.inputs = inputs or {}
        self.requests: list[bytes] = []

    def before_read(self) -> None:
        """Hook: refresh registers."""

    def written(self, address: int, values: list[int]) -> None:
        """Hook: after a write."""

    def __call__(self, unit: int, pdu: bytes) -> bytes | None:
        self.requests.append(pdu)
        function, address = pdu[0], int.from_bytes(pdu[1:3], "big")
        if function in (3, 4):
            self.before_read()
            count = int.from_bytes(pdu[3:5], "big")
            table = self.holding if function == 3 else self.inputs
            if any(a not in table for a in range(address, address + count)):
                return bytes([function | 0x80, 2])
            words = b"".join((table[a] & 0xFFFF).to_bytes(2, "big") for a in range(address, address + count))
            return bytes([function, len(words)]) + words
        if function == 6:
            if address not in self.holding:
                return bytes([0x86, 2])
            self.holding[address] = int.from_bytes(pdu[3:5], "big")
            self.written(address, [self.holding[address]])
            return pdu
        if function == 16:
            count = int.from_bytes(pdu[3:5], "big")
            values = [int.from_bytes(pdu[6 + 2 * i : 8 + 2 * i], "big") for i in range(count)]
            if any(a not in self.holding for a in range(address, address + count)):
                return bytes([0x90, 2])
            self.holding.update(zip(range(address, address + count), values, strict=True))
            self.written(address, values)
            return pdu[:5]
        return bytes([function | 0x80, 1])


class TcpSlave:
    """Modbus TCP server on an ephemeral port."""

    def __init__(self, answer: Answer) -> None:
        self.answer = answer
        self.port = 0
        self.black_hole = False
        self.connections = 0
        self._server: asyncio.Server | None = None
        self._writers: set[asyncio.StreamWriter] = set()

    async def __aenter__(self) -> "TcpSlave":
        await self.open()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def open(self) -> None:
        """Listen (again on the same port)."""
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def close(self) -> None:
        """Stop listening and drop all connections."""
        if self._server is not None:
            self._server.close()
        self.drop()

    def drop(self) -> None:
        """Close every connection."""
        for writer in list(self._writers):
            writer.transport.abort()

    @property
    def url(self) -> str:
        """Address of a lane file."""
        return f"tcp://127.0.0.1:{self.port}"

    async def deliver(self, writer: asyncio.StreamWriter, header: bytes, pdu: bytes) -> None:
        """Send one reply; override to damage it."""
        writer.write(header[:4] + (len(pdu) + 1).to_bytes(2, "big") + header[6:7] + pdu)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._writers.add(writer)
        self.connections += 1
        try:
            while True:
                header = await reader.readexactly(7)
                pdu = await reader.readexactly(int.from_bytes(header[4:6], "big") - 1)
                if self.black_hole:
                    continue
                reply = self.answer(header[6], pdu)
                if reply is not None and not self.black_hole:
                    await self.deliver(writer, header, reply)
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            self._writers.discard(writer)
            writer.transport.abort()


class PtySlave:
    """Modbus RTU slave on a pty. ``plug``/``unplug`` take the port away and back under one path."""

    def __init__(self, answer: Answer, link: str, units: tuple[int, ...] = (1,)) -> None:
        self.answer = answer
        self.link = link
        self.units = units
        self.silent_units: set[int] = set()
        self._master = self._slave = -1
        self._buffer = b""

    async def __aenter__(self) -> "PtySlave":
        self.plug()
        return self

    async def __aexit__(self, *_: object) -> None:
        self.unplug()

    @property
    def url(self) -> str:
        """Address of a lane file."""
        return f"rtu://{self.link}?baud=115200"

    def plug(self) -> None:
        """Create the pty and point the path at it."""
        self._master, self._slave = os.openpty()
        tty.setraw(self._master)
        tty.setraw(self._slave)
        os.set_blocking(self._master, False)
        if os.path.islink(self.link):
            os.unlink(self.link)
        os.symlink(os.ttyname(self._slave), self.link)
        asyncio.get_running_loop().add_reader(self._master, self._readable)

    def unplug(self) -> None:
        """Hang up."""
        if self._master < 0:
            return
        asyncio.get_running_loop().remove_reader(self._master)
        os.close(self._master)
        os.close(self._slave)
        self._master = -1
        self._buffer = b""

    def send(self, data: bytes) -> None:
        """Raw bytes to the master."""
        if self._master >= 0:
            os.write(self._master, data)

    def deliver(self, frame: bytes) -> None:
        """Send one reply; override to damage it."""
        self.send(frame)

    def _readable(self) -> None:
        try:
            self._buffer += os.read(self._master, 4096)
        except OSError:
            return
        while len(self._buffer) >= 8:
            size = 9 + self._buffer[6] if self._buffer[1] in (15, 16) else 8
            if len(self._buffer) < size:
                return
            frame, self._buffer = self._buffer[:size], self._buffer[size:]
            if crc(frame[:-2]) != frame[-2:]:
                self._buffer = b""
                return
            if frame[0] in self.units and frame[0] not in self.silent_units:
                reply = self.answer(frame[0], frame[1:-2])
                if reply is not None:
                    body = frame[:1] + reply
                    self.deliver(body + crc(body))
