"""A child process that speaks JSON lines: requests on its standard input, answers on its standard output.

The child ends when its input closes, so nothing outlives a killed core. Its standard error goes to a log file.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any, Self

LINE_BYTES_MAX = 1024 * 1024
"""A count of 99 lines with timings stays below 64 KiB."""
NICE = 10
"""Below the core, above nothing that matters."""


class ChildGone(RuntimeError):
    """The child ended, or said something that is no JSON object."""


class LineProcess:
    """One child. ``start`` it, then ``send`` and ``receive``; ``kill`` ends it for good."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    @classmethod
    async def start(cls, arguments: list[str], *, log: Path, nice: int = NICE, memory_mib: int = 0) -> Self:
        """Start ``python ARGUMENTS...`` at low priority with an address-space limit (0: none)."""
        log.parent.mkdir(parents=True, exist_ok=True)
        with log.open("ab") as stream:
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "lane.runtime.limited",
                str(nice),
                str(memory_mib),
                sys.executable,
                *arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=stream,
                limit=LINE_BYTES_MAX,
            )
        return cls(process)

    @property
    def pid(self) -> int:
        """Process id."""
        return self._process.pid

    async def send(self, message: dict[str, Any]) -> None:
        """Write one line. Raises ``ChildGone``."""
        assert self._process.stdin is not None
        try:
            self._process.stdin.write(json.dumps(message, separators=(",", ":"), ensure_ascii=False).encode() + b"\n")
            await self._process.stdin.drain()
        except (ConnectionError, RuntimeError) as error:
            raise ChildGone(f"it ended ({error})") from error

    async def receive(self) -> dict[str, Any]:
        """Read one line. Raises ``ChildGone`` at its end or on anything that is no JSON object."""
        assert self._process.stdout is not None
        try:
            line = await self._process.stdout.readline()
        except ValueError as error:
            raise ChildGone(f"its answer is longer than {LINE_BYTES_MAX} bytes") from error
        if not line:
            raise ChildGone(f"it ended with code {await self._process.wait()}")
        try:
            message = json.loads(line)
        except ValueError as error:
            raise ChildGone(f"it answered no JSON: {error}") from error
        if not isinstance(message, dict):
            raise ChildGone("it answered no JSON object")
        return message

    async def kill(self) -> None:
        """End it at once."""
        if self._process.returncode is None:
            try:
                self._process.kill()
            except ProcessLookupError:
                pass  # it ended by itself in this moment
        await self._process.wait()

    async def close(self, grace_s: float = 2.0) -> None:
        """Close its input and let it end; kill it after a grace."""
        if self._process.stdin is not None:
            self._process.stdin.close()
        try:
            async with asyncio.timeout(grace_s):
                await self._process.wait()
        except TimeoutError:
            await self.kill()
