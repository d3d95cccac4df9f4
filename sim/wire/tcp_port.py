"""A TCP port that can be cut: closed, refused for a while, or left open and deaf (black hole).

In a black hole nothing is read and nothing leaves; when the cable is back, what was sent meanwhile arrives late, as
TCP retransmission would deliver it. A device must therefore be safe against requests that come late.
"""

import asyncio
from collections.abc import Callable
from typing import Protocol


class Session(Protocol):
    """What a device does with one connection."""

    def received(self, data: bytes) -> bytes:
        """Bytes in, bytes out. ``ValueError``: the peer speaks something else; the port hangs up."""
        ...

    def closed(self) -> None:
        """The connection is gone."""
        ...


SessionMaker = Callable[[Callable[[bytes], None]], Session]
"""Makes a session; it is given a function that sends bytes unasked."""

WRITE_BUFFER_MAX = 8 * 1024 * 1024
"""Unsent bytes of one connection; more: the peer does not read, and is cut off (about 2 s of line stream)."""


class _Connection(asyncio.Protocol):
    def __init__(self, port: "TcpPort") -> None:
        self._port = port
        self._transport: asyncio.Transport | None = None
        self._session: Session | None = None
        self._held = bytearray()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self._port.connections.add(self)
        self._session = self._port.make_session(self.send)
        if self._port.deaf:
            transport.pause_reading()

    def data_received(self, data: bytes) -> None:
        assert self._session is not None
        try:
            reply = self._session.received(data)
        except ValueError:
            self.abort()
            return
        if reply:
            self.send(reply)

    def connection_lost(self, exc: Exception | None) -> None:
        self._port.connections.discard(self)
        if self._session is not None:
            self._session.closed()

    def send(self, data: bytes) -> None:
        """Send now, or after the black hole."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if self._port.deaf:
            self._held += data
        else:
            transport.write(data)
        if transport.get_write_buffer_size() + len(self._held) > WRITE_BUFFER_MAX:
            self.abort()

    def abort(self) -> None:
        """Reset the connection."""
        if self._transport is not None:
            self._transport.abort()

    def deafen(self, deaf: bool) -> None:
        """Enter or leave the black hole."""
        transport = self._transport
        if transport is None or transport.is_closing():
            return
        if deaf:
            transport.pause_reading()
            return
        transport.resume_reading()
        if self._held:
            transport.write(bytes(self._held))
            self._held.clear()


class TcpPort:
    """One listening port of one device on the loopback interface."""

    def __init__(self, make_session: SessionMaker, *, host: str = "127.0.0.1") -> None:
        self.make_session = make_session
        self.connections: set[_Connection] = set()
        self.deaf = False
        self.port = 0
        """Known after ``start``; kept over ``refuse``."""
        self._host = host
        self._server: asyncio.Server | None = None

    async def start(self) -> None:
        """Listen; the first time on any free port."""
        loop = asyncio.get_running_loop()
        self._server = await loop.create_server(lambda: _Connection(self), self._host, self.port)
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Stop listening and reset all connections."""
        if self._server is not None:
            self._server.close()
            self._server = None
        self.close_connections()
        await asyncio.sleep(0)

    def close_connections(self) -> None:
        """Reset all connections; the port still listens."""
        for connection in list(self.connections):
            connection.abort()

    async def black_hole(self, seconds: float) -> None:
        """Sockets stay open, nothing passes."""
        self._deafen(True)
        try:
            await asyncio.sleep(seconds)
        finally:
            self._deafen(False)

    async def refuse(self, seconds: float) -> None:
        """Reset all connections and refuse new ones."""
        await self.stop()
        try:
            await asyncio.sleep(seconds)
        finally:
            await self.start()

    def _deafen(self, deaf: bool) -> None:
        self.deaf = deaf
        for connection in list(self.connections):
            connection.deafen(deaf)
