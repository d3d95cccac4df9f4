"""``lane run``: the parent of a lane's processes. It restarts the core, within limits, and ends everything together.

Children of the supervisor: core, message sender, console. Children of the core: scan receiver, counting workers. Every
child watches its standard input and ends when it closes, so nothing outlives a killed parent. Each child has a session
of its own: Ctrl-C and a closed terminal reach the supervisor only, which then ends the others in order.
"""

import asyncio
import contextlib
import importlib.util
import logging
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lane.runtime.figures import rss_mb

RESTARTS_MAX = 20
RESTARTS_WINDOW_S = 600.0
"""More than 20 restarts in ten minutes: something is broken for good, and a person must look."""
BACK_OFF_S_FIRST = 0.1
BACK_OFF_S_MAX = 5.0
HEALTHY_S = 10.0
"""A child that lived so long starts its back-off anew."""
STOP_S_MAX = 20.0
"""The core closes its journal and reveals the epoch; then it is killed."""
EXIT_STOPPED = 0
EXIT_REFUSED = 78
"""The child says that starting again can't help (configuration, keys, damaged journal): EX_CONFIG of sysexits.h."""

STOP_SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)

log = logging.getLogger("lane.run")


@dataclass(frozen=True, slots=True, kw_only=True)
class Child:
    """A process to keep alive. ``needed``: without it the lane ends; the others are only started again."""

    name: str
    arguments: tuple[str, ...]
    needed: bool = False


class Supervisor:
    """Runs children until asked to stop or until the core can't be kept alive."""

    def __init__(self, children: tuple[Child, ...], logs: Path, *, tell: Callable[[str], None]) -> None:
        self._children = children
        self._logs = logs
        self._tell = tell
        self._stop = asyncio.Event()
        self._exit_code = EXIT_STOPPED
        self._running: dict[str, asyncio.subprocess.Process] = {}
        self.restarts: dict[str, int] = {}

    def stop(self) -> None:
        """End all children in order."""
        self._stop.set()

    async def run(self) -> int:
        """Keep the children alive; the exit code for the command line."""
        self._logs.mkdir(parents=True, exist_ok=True)
        loop = asyncio.get_running_loop()
        for number in STOP_SIGNALS:
            if signal.getsignal(number) is not signal.SIG_IGN:  # nohup: whoever ignores a hang-up means it
                loop.add_signal_handler(number, self.stop)
        tasks = [asyncio.create_task(self._keep(child)) for child in self._children]
        failures = [asyncio.create_task(self._stop.wait()), *tasks]
        await asyncio.wait(failures, return_when=asyncio.FIRST_COMPLETED)
        self._stop.set()
        for task in tasks:
            if task.done() and task.exception() is not None:
                self._exit_code = 1
                log.error("supervisor: %s", task.exception())
        await asyncio.gather(*tasks, return_exceptions=True)
        return self._exit_code

    async def _keep(self, child: Child) -> None:
        starts: deque[float] = deque()
        back_off_s = BACK_OFF_S_FIRST
        while not self._stop.is_set():
            starts.append(time.monotonic())
            code, lived_s, last_words = await self._one_life(child)
            if self._stop.is_set():
                return
            self.restarts[child.name] = self.restarts.get(child.name, 0) + 1
            if code == EXIT_REFUSED and child.needed:
                self._give_up(child, f"{child.name} refused to start:\n{last_words}")
                return
            self._tell(f"{child.name} ended with code {code} after {lived_s:.1f} s; starting it again")
            while starts and starts[0] < time.monotonic() - RESTARTS_WINDOW_S:
                starts.popleft()
            if len(starts) > RESTARTS_MAX:
                if child.needed:
                    self._give_up(child, f"{child.name} ended {len(starts)} times in ten minutes:\n{last_words}")
                    return
                self._tell(f"{child.name} stays down: it ended {len(starts)} times in ten minutes")
                return
            back_off_s = BACK_OFF_S_FIRST if lived_s > HEALTHY_S else min(back_off_s * 2, BACK_OFF_S_MAX)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop.wait(), back_off_s)

    def _give_up(self, child: Child, reason: str) -> None:
        self._tell(reason)
        self._exit_code = 1
        self._stop.set()

    async def _one_life(self, child: Child) -> tuple[int, float, str]:
        path = self._logs / f"{child.name}.log"
        began = time.monotonic()
        with path.open("ab") as stream:
            where = stream.tell()
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                *child.arguments,
                stdin=asyncio.subprocess.PIPE,
                stdout=stream,
                stderr=stream,
                start_new_session=True,
            )
        self._running[child.name] = process
        ended = asyncio.create_task(process.wait())
        stopping = asyncio.create_task(self._stop.wait())
        await asyncio.wait({ended, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if not ended.done():
            await self._end(process, ended)
        stopping.cancel()
        self._running.pop(child.name, None)
        return await ended, time.monotonic() - began, _tail(path, where)

    async def _end(self, process: asyncio.subprocess.Process, ended: "asyncio.Task[int]") -> None:
        assert process.stdin is not None
        process.stdin.close()
        done, _ = await asyncio.wait({ended}, timeout=STOP_S_MAX)
        if not done:
            log.error("a child did not end within %s s and is killed", STOP_S_MAX)
            process.kill()

    def figures(self) -> dict[str, object]:
        """Processes with their memory."""
        return {name: {"pid": process.pid, "rss_mb": rss_mb(process.pid)} for name, process in self._running.items()}


def _tail(path: Path, where: int, limit: int = 2_000) -> str:
    with path.open("rb") as stream:
        size = stream.seek(0, 2)
        stream.seek(max(where, size - limit))
        return stream.read().decode("utf-8", "replace").strip()


def lane_children(run: Path, *, console: bool, host: str, port: int, users: Path, kind: str) -> tuple[Child, ...]:
    """The processes of one lane."""
    children = [
        Child(name="core", arguments=("-m", "lane.station", str(run)), needed=True),
        Child(name="sender", arguments=("-m", "lane.release.sender", str(run))),
    ]
    if console and importlib.util.find_spec("lane.console.__main__") is not None:
        arguments = ("-m", "lane.console", "--run", str(run), "--users", str(users), "--kind", kind)
        children.append(Child(name="console", arguments=(*arguments, "--host", host, "--port", str(port))))
    return tuple(children)
