"""A serial port on the event loop: pyserial opens it, ``loop.add_reader`` reads it, frames come out.

Unplugging shows as EIO, a hang-up, or readable with nothing to read; each leads to a jittered reopening (rule 11).
Opening blocks, so it runs in a thread. Every byte goes to the capture ring.
"""

import asyncio
import random
from collections.abc import Callable

import serial

from devices.address import PortAddress
from devices.capture import CaptureRing
from devices.framing import IDLE_S_MAX, Framer
from devices.modbus_link import JITTER, RECONNECT_S_MAX, RECONNECT_S_MIN

READ_BYTES_MAX = 4_096


class SerialLink:
    """Owner of one serial port. Calls ``on_frame`` for each frame and ``on_state`` when the port opens or breaks."""

    def __init__(
        self,
        address: PortAddress,
        framer: Framer,
        *,
        now: Callable[[], int],
        on_frame: Callable[[str, int], None],
        on_state: Callable[[bool, str], None],
        seed: int | None = None,
    ) -> None:
        self.address = address
        self.framer = framer
        self.capture = CaptureRing(address.key)
        self.frames = 0
        self.reconnects = 0
        self._now = now
        self._on_frame = on_frame
        self._on_state = on_state
        self._jitter = random.Random(seed)
        self._port: serial.Serial | None = None
        self._broken = asyncio.Event()
        self.task: asyncio.Task[None] | None = None
        self._idle: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Begin to open the port."""
        self.task = asyncio.create_task(self._run(), name=f"link {self.address.key}")

    async def stop(self) -> None:
        """Close the port."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
        self._close()

    def write(self, data: bytes) -> bool:
        """Send bytes (trigger, tare); False when the port is closed or its buffer is full."""
        if self._port is None:
            return False
        try:
            sent = self._port.write(data) == len(data)
        except (serial.SerialException, OSError) as error:
            self._break(str(error))
            return False
        self.capture.add(self._now(), True, data)
        return sent

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        delay_s = RECONNECT_S_MIN
        while True:
            opening = loop.run_in_executor(None, _open, self.address)
            try:
                port = await asyncio.shield(opening)
            except asyncio.CancelledError:
                opening.add_done_callback(_close_late)
                raise
            except (serial.SerialException, OSError, ValueError):
                await self._pause(delay_s)
                delay_s = min(2 * delay_s, RECONNECT_S_MAX)
                continue
            delay_s = RECONNECT_S_MIN
            self._port = port
            self._broken.clear()
            loop.add_reader(port.fileno(), self._readable)
            self._on_state(True, "")
            await self._broken.wait()
            self.reconnects += 1
            await self._pause(delay_s)

    async def _pause(self, delay_s: float) -> None:
        await asyncio.sleep(delay_s * (1 + JITTER * (2 * self._jitter.random() - 1)))

    def _readable(self) -> None:
        assert self._port is not None
        try:
            data = self._port.read(READ_BYTES_MAX)
        except (serial.SerialException, OSError) as error:
            self._break(str(error))
            return
        if not data:
            self._break("readable with nothing to read: hang-up")
            return
        at_us = self._now()
        self.capture.add(at_us, False, data)
        if self._idle is not None:
            self._idle.cancel()
        self._idle = asyncio.get_running_loop().call_later(IDLE_S_MAX, self.framer.idle)
        for frame in self.framer.feed(data):
            self.frames += 1
            self._on_frame(frame, at_us)

    def _break(self, reason: str) -> None:
        self.capture.fail(self._now(), reason)
        self._close()
        self._on_state(False, reason)
        self._broken.set()

    def _close(self) -> None:
        if self._idle is not None:
            self._idle.cancel()
            self._idle = None
        port, self._port = self._port, None
        if port is None:
            return
        asyncio.get_running_loop().remove_reader(port.fileno())
        port.close()
        self.framer.idle()


def _open(address: PortAddress) -> serial.Serial:
    return serial.Serial(
        address.path, baudrate=address.baud, parity=address.parity, timeout=0, write_timeout=0, exclusive=True
    )


def _close_late(opening: "asyncio.Future[serial.Serial]") -> None:
    """A port that opened after we stopped waiting."""
    if not opening.cancelled() and opening.exception() is None:
        opening.result().close()
