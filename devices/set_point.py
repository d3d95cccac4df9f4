"""Set points: the last wanted value wins, writes are rate-limited, commands can't starve polls (rule 16)."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

from devices.requests import Failure, LinkFailure

Value = TypeVar("Value")

MISMATCHES_MAX = 3
"""So many read-backs in a row that differ are a fault (a second master, a locked device), not a slip."""


class SetPoint(Generic[Value]):
    """Keeps one wanted value written. ``write`` sends it and proves it by read-back."""

    def __init__(self, write: Callable[[Value], Awaitable[None]], rate_per_s: int) -> None:
        self.wanted: Value | None = None
        self.written: Value | None = None
        self.failed: LinkFailure | None = None
        self._write = write
        self._pause_s = 1 / rate_per_s
        self._task: asyncio.Task[None] | None = None
        self._free_at_s = 0.0

    def want(self, value: Value) -> None:
        """Reach this value; replaces one that has not been written yet."""
        self.wanted = value
        self._pump()

    def forget(self) -> None:
        """The device may have lost it: write it again when next asked."""
        self.written = None

    def again(self) -> None:
        """Write the wanted value again (after a reconnect)."""
        self.written = None
        self._pump()

    def drop(self) -> None:
        """Want nothing any more."""
        self.wanted = None
        self.written = None

    async def idle(self) -> None:
        """Wait until nothing is being written."""
        if self._task is not None:
            await asyncio.gather(self._task, return_exceptions=True)

    async def stop(self) -> None:
        """End; what is on the wire runs to its end."""
        if self._task is not None:
            self._task.cancel()
            await self.idle()

    def _pump(self) -> None:
        if self._task is None or self._task.done():
            self._task = asyncio.create_task(self._run())

    async def _run(self) -> None:
        loop = asyncio.get_running_loop()
        mismatches = 0
        while self.wanted is not None and self.wanted != self.written:
            wait_s = self._free_at_s - loop.time()
            if wait_s > 0:
                await asyncio.sleep(wait_s)
            value = self.wanted
            if value is None:
                return
            self._free_at_s = loop.time() + self._pause_s
            try:
                await self._write(value)
            except LinkFailure as failure:
                self.failed = failure
                mismatches += failure.kind is Failure.READ_BACK
                if failure.kind is not Failure.READ_BACK or mismatches == MISMATCHES_MAX:
                    return  # the unit runner brings the device up again and asks for this value once more
                continue
            self.failed = None
            self.written = value
