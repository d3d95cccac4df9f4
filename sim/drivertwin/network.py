"""Ports in memory: TCP by host and number, serial lines by path. Bytes take a little virtual time and keep their order.

A device stands behind a port as a *session* (bytes in, bytes out; ``sim.wire.tcp_port.Session``). What it sends passes
the port's ``spoil`` on its way: there, protocol faults change bytes. Cuts are done by ``drop`` (connection reset),
``refuse`` (nobody listens) and ``deaf`` (half open: everything stands, nothing passes).
"""

import asyncio
import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, cast

import serial

from sim.wire.tcp_port import Session, SessionMaker

if TYPE_CHECKING:
    from sim.drivertwin.loop import VirtualLoop

SERIAL_FD_MIN = 1 << 20
"""Numbers of serial ports in memory: above any file descriptor of a process."""
FLIGHT_S = 0.0002
"""Time of bytes between the two ends: as measured on a local network (device reply 0.3 to 0.5 ms)."""
SERIAL_FOLDER = "/dev/pts/memory-"
"""Paths of serial lines. The driver's probe opens no path under /dev/pts, where a blocking open can't happen."""


@dataclass(frozen=True, slots=True)
class Piece:
    """Bytes that leave a device ``after_s`` later than they would. ``reset``: the connection breaks then. ``follows``:
    they come on whichever connection stands by then (a serial server that keeps what its line said too late)."""

    data: bytes = b""
    after_s: float = 0.0
    reset: bool = False
    follows: bool = False


Spoil = Callable[[bytes], Sequence[Piece]]
"""What becomes of bytes on their way from the device."""


def untouched(data: bytes) -> Sequence[Piece]:
    """No fault."""
    return (Piece(data),)


class Pipe(asyncio.Transport):
    """One connection, seen from the connecting side; the device's session is called straight from it."""

    def __init__(self, port: "TcpPort", loop: "VirtualLoop", protocol: asyncio.BaseProtocol) -> None:
        super().__init__()
        self._port, self._loop, self._protocol = port, loop, protocol
        self._closing = False
        self._held: list[Callable[[], None]] = []
        self._session: Session = port.make_session(self.send)

    # --- the connecting side

    def write(self, data: Any) -> None:
        """Bytes to the device."""
        if not self._closing:
            self._loop.call_later(FLIGHT_S, self._arrive, bytes(data))

    def close(self) -> None:
        """Hang up."""
        self._end(None)

    def abort(self) -> None:
        """Hang up at once."""
        self._end(None)

    def is_closing(self) -> bool:
        """Whether it is closed."""
        return self._closing

    def get_write_buffer_size(self) -> int:
        """Nothing waits here."""
        return 0

    def get_protocol(self) -> asyncio.BaseProtocol:
        """Who receives."""
        return self._protocol

    # --- the device's side

    def send(self, data: bytes) -> None:
        """Bytes from the device, through the port's faults."""
        for piece in self._port.spoil(data):
            self._loop.call_later(FLIGHT_S + piece.after_s, self._deliver, piece)

    def reset(self) -> None:
        """The device, or somebody between, resets the connection."""
        self._end(ConnectionResetError("connection reset by peer"))

    def hear_again(self) -> None:
        """The black hole is over: what was sent meanwhile arrives, as retransmission would bring it."""
        held, self._held = self._held, []
        for arrive in held:
            arrive()

    def _arrive(self, data: bytes) -> None:
        if self._closing:
            return
        if self._port.deaf:
            self._held.append(partial(self._arrive, data))
            return
        try:
            reply = self._session.received(data)
        except ValueError:
            self.reset()
            return
        if reply:
            self.send(reply)

    def _deliver(self, piece: Piece) -> None:
        if self._closing:
            if piece.follows and self._port.pipes:
                self._port.pipes[-1]._deliver(piece)
            return
        if self._port.deaf:
            self._held.append(partial(self._deliver, piece))
            return
        if piece.data:
            self._protocol.data_received(piece.data)  # type: ignore[attr-defined]
        if piece.reset:
            self.reset()

    def _end(self, error: Exception | None) -> None:
        if self._closing:
            return
        self._closing = True
        self._port.pipes.remove(self)
        self._session.closed()
        self._loop.call_soon(self._protocol.connection_lost, error)


class TcpPort:
    """One listening port. ``refuse``: connections are refused; ``deaf``: they stand, but nothing passes."""

    def __init__(self, make_session: SessionMaker, spoil: Spoil = untouched) -> None:
        self.make_session = make_session
        self.spoil = spoil
        self.refuse = False
        self.deaf = False
        self.connections = 0
        self.pipes: list[Pipe] = []

    def drop(self) -> None:
        """Reset every connection."""
        for pipe in list(self.pipes):
            pipe.reset()

    def hear_again(self) -> None:
        """End of a black hole."""
        self.deaf = False
        for pipe in list(self.pipes):
            pipe.hear_again()


class SerialPort:
    """One serial line. ``received`` gets what the lane writes; ``send`` is the device's voice."""

    def __init__(self, path: str, fd: int, received: Callable[[bytes], None], spoil: Spoil = untouched) -> None:
        self.path, self.fd = path, fd
        self.received = received
        self.spoil = spoil
        self.plugged = True
        self.opened: MemorySerial | None = None
        self.loop: VirtualLoop | None = None

    def send(self, data: bytes) -> None:
        """Bytes from the device; lost when nobody has the port open."""
        if self.loop is None:
            return
        for piece in self.spoil(data):
            self.loop.call_later(FLIGHT_S + piece.after_s, self._deliver, piece.data)

    def unplug(self) -> None:
        """Pull it: the open side sees a hang-up."""
        self.plugged = False
        self.wake()

    def plug(self) -> None:
        """Plug it in again."""
        self.plugged = True

    def wake(self) -> None:
        """Tell the reader, if there is something to tell."""
        if self.loop is not None and self.opened is not None and (self.opened.waiting or not self.plugged):
            self.loop.call_soon(self.loop.readable, self.fd)

    def _deliver(self, data: bytes) -> None:
        if self.opened is not None and self.plugged and data:
            self.opened.waiting += data
            self.wake()


class MemorySerial:
    """Stands where pyserial's ``Serial`` stands: what the links and pymodbus use of it."""

    def __init__(self, port: SerialPort) -> None:
        self._port = port
        self.waiting = bytearray()
        self.timeout: float | None = 0
        self.write_timeout: float | None = 0

    @property
    def in_waiting(self) -> int:
        """Bytes that can be read at once."""
        return len(self.waiting)

    def fileno(self) -> int:
        """Number by which the loop knows it."""
        return self._port.fd

    def read(self, size: int = 1) -> bytes:
        """Up to ``size`` bytes; none after a hang-up."""
        if not self._port.plugged:
            return b""
        data = bytes(self.waiting[:size])
        del self.waiting[:size]
        self._port.wake()
        return data

    def write(self, data: bytes) -> int:
        """Bytes to the device. Raises SerialException when the port was pulled."""
        if not self._port.plugged:
            raise serial.SerialException(f"{self._port.path}: the port is gone")
        if self._port.loop is not None:
            self._port.loop.call_later(FLIGHT_S, self._port.received, bytes(data))
        return len(data)

    def close(self) -> None:
        """Give the port back."""
        if self._port.opened is self:
            self._port.opened = None


class Network:
    """All ports that tasks on one loop can reach."""

    def __init__(self) -> None:
        self._tcp: dict[tuple[str, int], TcpPort] = {}
        self._serial: dict[str, SerialPort] = {}
        self.serial_by_fd: dict[int, SerialPort] = {}
        self._loop: VirtualLoop | None = None

    def listen(self, host: str, port: int, make_session: SessionMaker, spoil: Spoil = untouched) -> TcpPort:
        """Put a device behind a TCP port. Raises ValueError when one is there already."""
        if (host, port) in self._tcp:
            raise ValueError(f"{host}:{port}: a device listens there already")
        made = self._tcp[host, port] = TcpPort(make_session, spoil)
        return made

    def line(self, name: str, received: Callable[[bytes], None], spoil: Spoil = untouched) -> SerialPort:
        """Put a device on a serial line called ``name``; its path is ``SERIAL_FOLDER`` + name."""
        path = SERIAL_FOLDER + name
        if path in self._serial:
            raise ValueError(f"{path}: a device is on that line already")
        made = SerialPort(path, SERIAL_FD_MIN + len(self._serial), received, spoil)
        self._serial[path] = made
        self.serial_by_fd[made.fd] = made
        return made

    def by_name(self, name: str) -> SerialPort:
        """The serial line called ``name``."""
        return self._serial[SERIAL_FOLDER + name]

    async def connect(
        self, loop: "VirtualLoop", factory: Callable[[], asyncio.BaseProtocol], host: str, port: int
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """Connect to a TCP port. Raises ConnectionRefusedError."""
        there = self._tcp.get((host, port))
        await asyncio.sleep(FLIGHT_S)
        if there is None or there.refuse:
            raise ConnectionRefusedError(f"{host}:{port} refuses connections")
        protocol = factory()
        pipe = Pipe(there, loop, protocol)
        there.pipes.append(pipe)
        there.connections += 1
        protocol.connection_made(pipe)
        return pipe, protocol

    @contextlib.contextmanager
    def serial_ports(self) -> Iterator[None]:
        """While this lasts, opening a serial port opens one of this network's lines, and no other."""
        real = serial.Serial, serial.serial_for_url
        serial.Serial = self.open_serial  # type: ignore[misc, assignment]
        serial.serial_for_url = self.open_serial  # type: ignore[assignment]
        try:
            yield
        finally:
            serial.Serial, serial.serial_for_url = real  # type: ignore[misc]

    def open_serial(self, path: str, **_: object) -> MemorySerial:
        """Open a line. Raises SerialException when it is not there, pulled, or open already."""
        port = self._serial.get(path)
        if port is None or not port.plugged:
            raise serial.SerialException(f"{path}: no such port")
        if port.opened is not None:
            raise serial.SerialException(f"{path}: opened by somebody else")
        port.loop = cast("VirtualLoop", asyncio.get_running_loop())
        port.opened = MemorySerial(port)
        return port.opened
