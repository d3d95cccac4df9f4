"""An asyncio event loop in virtual time: waiting costs nothing, and a wait that nothing can end is an error.

``time()`` begins at 0 and stands still while callbacks run. Asking for events with nothing ready sets the clock to the
earliest timer; with no timer either, nobody could ever wake the loop again: ``DeadlockError`` instead of a hang. There
are no threads, sockets or pipes to the outside inside; connections and serial ports are those of ``network``.

``_clock_resolution`` is 1e-9 s: asyncio runs all timers within one resolution step together, and timers a microsecond
apart must stay apart.
"""

import asyncio
import contextvars
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

from sim.drivertwin.network import SERIAL_FD_MIN, Network

T = TypeVar("T")
RESOLUTION_S = 1e-9


class DeadlockError(RuntimeError):
    """Every task waits for something that no timer and no callback can bring."""


class _Timers:
    """Stands where asyncio expects a selector: its waiting is the passing of virtual time."""

    def __init__(self, loop: "VirtualLoop") -> None:
        self._loop = loop

    def select(self, timeout: float | None) -> list[Any]:
        """Nothing ever becomes readable outside; a positive timeout ends at the earliest timer."""
        if timeout is None:
            raise DeadlockError(
                f"deadlock at {self._loop.now_us} us: tasks wait, and neither a timer nor a callback is left to end it"
            )
        if timeout > 0:
            self._loop.jump()
        return []

    def close(self) -> None:
        """Nothing is held."""


class VirtualLoop(asyncio.BaseEventLoop):
    """Event loop whose clock is set by its own timers. ``network``: what its tasks can connect to."""

    _scheduled: list[asyncio.TimerHandle]

    def __init__(self, network: Network | None = None) -> None:
        super().__init__()
        self.network = network or Network()
        self._now_s = 0.0
        self._clock_resolution = RESOLUTION_S
        self._selector = _Timers(self)
        self._readers: dict[int, asyncio.Handle] = {}
        self._writers: dict[int, asyncio.Handle] = {}

    # --- time

    def time(self) -> float:
        """Virtual seconds since the loop was made."""
        return self._now_s

    @property
    def now_us(self) -> int:
        """Virtual time in whole microseconds."""
        return round(self._now_s * 1e6)

    def jump(self) -> None:
        """Set the clock to the earliest timer (never back)."""
        self._now_s = max(self._now_s, self._scheduled[0].when())

    # --- what asyncio asks of a loop

    def _process_events(self, event_list: list[Any]) -> None:
        assert not event_list, "nothing outside this loop can have happened"

    def _write_to_self(self) -> None:
        raise RuntimeError("no other thread may wake a loop in virtual time")

    def call_soon_threadsafe(  # type: ignore[override]
        self, callback: Callable[..., object], *args: Any, context: contextvars.Context | None = None
    ) -> asyncio.Handle:
        """As ``call_soon``: there is only one thread."""
        return self.call_soon(callback, *args, context=context)

    def run_in_executor(self, executor: object, func: Callable[..., T], *args: Any) -> "asyncio.Future[T]":  # type: ignore[override]
        """Call it here and now: blocking work takes no virtual time and no thread."""
        future: asyncio.Future[T] = self.create_future()
        try:
            future.set_result(func(*args))
        except (OSError, ValueError, RuntimeError) as error:
            future.set_exception(error)
        return future

    async def create_connection(  # type: ignore[override]
        self, protocol_factory: Callable[[], asyncio.BaseProtocol], host: str = "", port: int = 0, **_: Any
    ) -> tuple[asyncio.Transport, asyncio.BaseProtocol]:
        """Connect to a port of the network. Raises ConnectionRefusedError when nobody listens there."""
        return await self.network.connect(self, protocol_factory, host, port)

    # --- serial ports of the network, by their numbers

    def add_reader(self, fd: int, callback: Callable[..., object], *args: Any) -> None:  # type: ignore[override]
        """Call back when a serial port of the network has bytes."""
        _serial_only(fd)
        self._readers[fd] = asyncio.Handle(callback, args, self)
        self.network.serial_by_fd[fd].wake()

    def remove_reader(self, fd: Any) -> bool:
        """Forget the callback; whether there was one."""
        return self._readers.pop(fd, None) is not None

    def add_writer(self, fd: int, callback: Callable[..., object], *args: Any) -> None:  # type: ignore[override]
        """Call back at once: a line in memory always takes bytes."""
        _serial_only(fd)
        self._writers[fd] = asyncio.Handle(callback, args, self)
        self.call_soon(self._writable, fd)

    def remove_writer(self, fd: Any) -> bool:
        """Forget the callback; whether there was one."""
        return self._writers.pop(fd, None) is not None

    def readable(self, fd: int) -> None:
        """A serial port has bytes (or hung up)."""
        handle = self._readers.get(fd)
        if handle is not None:
            handle._run()

    def _writable(self, fd: int) -> None:
        handle = self._writers.get(fd)
        if handle is not None:
            handle._run()


def _serial_only(fd: int) -> None:
    if fd < SERIAL_FD_MIN:
        raise RuntimeError(f"file descriptor {fd} belongs to the outside world; a loop in virtual time has none of it")


def run_virtual(main: Callable[[VirtualLoop], Coroutine[Any, Any, T]], network: Network | None = None) -> T:
    """Run ``main(loop)`` to its end on a loop of its own, with the network's serial ports in the place of real ones.

    Raises:
        DeadlockError: nothing is left that could end what ``main`` waits for.
    """
    net = network or Network()
    with asyncio.Runner(loop_factory=lambda: VirtualLoop(net)) as runner, net.serial_ports():
        loop = runner.get_loop()
        assert isinstance(loop, VirtualLoop)
        return runner.run(main(loop))
