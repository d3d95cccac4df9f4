"""The pymodbus client as a bare wire: one transaction at a time, checked byte by byte.

pymodbus opens the port, builds requests and runs the transport. It isn't trusted with anything else: retries and
reconnection are off, its own time-out is never reached, and each reply is examined here (``envelope``) on its raw bytes
before pymodbus sees it. A refused frame is withheld and ends the transaction at once.
"""

import asyncio
import logging
import os
from collections.abc import Callable, Coroutine
from typing import Any

import serial
from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient
from pymodbus.exceptions import ModbusException

from devices.address import PortAddress
from devices.capture import CaptureRing
from devices.envelope import Expectation, examine
from devices.requests import Failure, LinkFailure, Request

NEVER_S = 60.0
"""pymodbus' own time-out: far beyond ours, so that it never acts by itself."""
PTY_PREFIX = "/dev/pts/"

logging.getLogger("pymodbus.logging").setLevel(logging.CRITICAL)
# Every failure is counted and reported by the link; pymodbus would print each one again.


class WireClient:
    """One port. Not safe for concurrent use: the link actor is its only caller."""

    def __init__(
        self,
        address: PortAddress,
        *,
        now: Callable[[], int],
        capture: CaptureRing,
        on_lost: Callable[[], None],
        local_echo: bool = False,
    ) -> None:
        self.address = address
        self.quiet_since_s = 0.0
        """Loop time of the last byte sent (end of its transmission) or received."""
        self._now = now
        self._capture = capture
        self._on_lost = on_lost
        self._local_echo = local_echo
        self._client: AsyncModbusTcpClient | AsyncModbusSerialClient | None = None
        self._request: Request | None = None
        self._expected: Expectation | None = None
        self._scope: asyncio.Timeout | None = None
        self._refusal: LinkFailure | None = None
        self._words: tuple[int, ...] | None = None
        self._held = 0
        self._tid = 0

    @property
    def connected(self) -> bool:
        """True while the transport stands (a black hole is not noticed here)."""
        return self._client is not None and self._client.connected

    async def connect(self, timeout_s: float) -> bool:
        """Open the port anew; False when refused or not answered in time."""
        self.close()
        client = self._make_client()
        try:
            if self.address.scheme == "rtu":
                await self._probe()
            async with asyncio.timeout(timeout_s):
                opened = await client.connect()
        except (TimeoutError, OSError, ModbusException):
            opened = False
        if not opened:
            client.close()
            return False
        client.ctx.next_tid = self._tid  # it would begin anew: an answer kept from the last connection would fit again
        self._client = client
        self._touch()
        return True

    def close(self) -> None:
        """Drop the connection and everything that may still arrive on it."""
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def transact(self, request: Request, timeout_s: float) -> tuple[int, ...]:
        """Send one request and return its checked words.

        Raises:
            LinkFailure: no answer, or one that failed the envelope.
        """
        if self._client is None or not self._client.connected:
            raise LinkFailure(Failure.DISCONNECTED)
        self._request, self._refusal, self._words, self._held = request, None, None, 0
        try:
            async with asyncio.timeout(timeout_s) as self._scope:
                await _call(self._client, request)
        except TimeoutError:
            raise self._refusal or LinkFailure(Failure.TIMEOUT, f"{timeout_s * 1_000:.0f} ms") from None
        except (ModbusException, OSError, serial.SerialException) as error:
            raise self._refusal or LinkFailure(Failure.DISCONNECTED, str(error)) from error
        finally:
            self._scope, self._expected, self._request = None, None, None
        if self._refusal is not None:
            raise self._refusal
        if self._words is None:
            raise LinkFailure(Failure.LENGTH, "the answer never passed the envelope")
        return self._words

    def _make_client(self) -> AsyncModbusTcpClient | AsyncModbusSerialClient:
        address = self.address
        if address.scheme == "rtu":
            return AsyncModbusSerialClient(
                address.path,
                framer=FramerType.RTU,
                baudrate=address.baud,
                parity=address.parity,
                handle_local_echo=self._local_echo,
                reconnect_delay=0,
                retries=0,
                timeout=NEVER_S,
                trace_packet=self._trace,
                trace_connect=self._connection,
            )
        return AsyncModbusTcpClient(
            address.host,
            port=address.port,
            framer=FramerType.RTU if address.is_rtu else FramerType.SOCKET,
            reconnect_delay=0,
            retries=0,
            timeout=NEVER_S,
            trace_packet=self._trace,
            trace_connect=self._connection,
        )

    async def _probe(self) -> None:
        """Open and close the port in a thread first: a dead adapter would block the loop (a pty never does)."""
        await asyncio.get_running_loop().run_in_executor(None, _open_and_close, self.address.path)

    def _touch(self, sent_bytes: int = 0) -> None:
        line_s = sent_bytes * self.address.character_s if self.address.is_line else 0.0
        self.quiet_since_s = asyncio.get_running_loop().time() + line_s

    def _connection(self, connected: bool) -> None:
        if not connected:
            self._refuse(LinkFailure(Failure.DISCONNECTED, "connection lost"))
            self._on_lost()

    def _refuse(self, failure: LinkFailure) -> None:
        """End the open transaction now, with this reason."""
        if self._scope is not None and self._refusal is None:
            self._refusal = failure
            self._scope.reschedule(asyncio.get_running_loop().time())

    def _trace(self, sending: bool, data: bytes) -> bytes:
        """Hook of pymodbus: every packet out, and the receive buffer after each arrival."""
        if sending:
            self._touch(len(data))
            self._capture.add(self._now(), True, data)
            if self._request is not None:
                self._tid = 0 if self.address.is_rtu else int.from_bytes(data[:2], "big")
                self._expected = Expectation(request=self._request, tid=self._tid)
            return data
        self._touch()
        self._capture.add(self._now(), False, data[self._held :] if len(data) > self._held else data)
        self._held = len(data)
        if self._expected is None or self._refusal is not None:
            return b""
        try:
            self._words = examine(self._expected, data)
        except LinkFailure as failure:
            self._refuse(failure)
            return b""
        return data if self._words is not None else b""


def _open_and_close(path: str) -> None:
    if os.path.realpath(path).startswith(PTY_PREFIX):
        return
    serial.Serial(path, exclusive=True).close()


def _call(client: AsyncModbusTcpClient | AsyncModbusSerialClient, request: Request) -> Coroutine[Any, Any, Any]:
    """The coroutine of pymodbus that sends this request."""
    unit, address = request.unit, request.address
    match request.function:
        case 1:
            call = client.read_coils(address, count=request.count, device_id=unit)
        case 2:
            call = client.read_discrete_inputs(address, count=request.count, device_id=unit)
        case 3:
            call = client.read_holding_registers(address, count=request.count, device_id=unit)
        case 4:
            call = client.read_input_registers(address, count=request.count, device_id=unit)
        case 5:
            call = client.write_coil(address, bool(request.values[0]), device_id=unit)
        case 6:
            call = client.write_register(address, request.values[0], device_id=unit)
        case 15:
            call = client.write_coils(address, [bool(v) for v in request.values], device_id=unit)
        case _:
            call = client.write_registers(address, list(request.values), device_id=unit)
    return call  # type: ignore[return-value]
