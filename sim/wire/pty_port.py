"""A serial port as a pseudo terminal, reached by a stable name like /dev/serial/by-id, that can be unplugged.

Bytes written while nobody has the port open are lost, as on a real line. There is no baud rate on a pseudo terminal:
``baud`` only fixes how long a silence ends a frame.
"""

import asyncio
import os
import select
import tty
from collections.abc import Callable
from pathlib import Path

READ_BYTES = 4_096
REOPEN_S = 0.01
"""How often a port that nobody has open looks whether somebody came."""


class PtyPort:
    """One serial port. ``received`` gets the bytes that the other side sent."""

    def __init__(self, link: Path, received: Callable[[bytes], None], *, baud: int) -> None:
        self.link = link
        self.baud = baud
        self._received = received
        self._master = -1
        self._reading = False
        self._poll: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Make the pseudo terminal and point the name at it."""
        self._master, slave = os.openpty()
        try:
            tty.setraw(slave)
            fresh = self.link.with_name(self.link.name + ".new")
            fresh.unlink(missing_ok=True)
            fresh.symlink_to(os.ttyname(slave))
            fresh.replace(self.link)
        finally:
            os.close(slave)
        os.set_blocking(self._master, False)
        self._watch()

    def stop(self) -> None:
        """Unplug: the other side sees a hang-up, the name is gone."""
        self._unwatch()
        if self._master >= 0:
            os.close(self._master)
            self._master = -1
        self.link.unlink(missing_ok=True)

    async def hang_up(self, seconds: float) -> None:
        """Unplug for a while; then plug in again, under the same name but another terminal."""
        self.stop()
        try:
            await asyncio.sleep(seconds)
        finally:
            self.start()

    def send(self, data: bytes) -> None:
        """Write, or lose the bytes when nobody listens or the other side's buffer is full."""
        if not self._open():
            return
        try:
            os.write(self._master, data)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(error)

    def _open(self) -> bool:
        """Whether somebody has the other side open."""
        if self._master < 0:
            return False
        poll = select.poll()
        poll.register(self._master, select.POLLOUT)
        return not any(flags & select.POLLHUP for _, flags in poll.poll(0))

    def _watch(self) -> None:
        """Read when somebody has the port open; look again later when not (a hung-up terminal is always readable)."""
        loop = asyncio.get_running_loop()
        self._poll = None
        if self._open():
            loop.add_reader(self._master, self._readable)
            self._reading = True
        else:
            self._poll = loop.call_later(REOPEN_S, self._watch)

    def _unwatch(self) -> None:
        if self._poll is not None:
            self._poll.cancel()
            self._poll = None
        if self._reading:
            asyncio.get_running_loop().remove_reader(self._master)
            self._reading = False

    def _readable(self) -> None:
        try:
            data = os.read(self._master, READ_BYTES)
        except BlockingIOError:
            return
        except OSError as error:
            self._lost(error)
            return
        if data:
            self._received(data)

    def _lost(self, error: OSError) -> None:
        """The other side closed the port (EIO is how a pseudo terminal says so)."""
        del error
        self._unwatch()
        self._watch()
