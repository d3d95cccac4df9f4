"""The link actor: one task owns one port, and nobody else writes to it.

Callers put requests with a future and a deadline into a bounded priority queue. The actor takes the most urgent one,
keeps the line's silence, runs the transaction to its end and completes the future only with a reply that passed the
envelope. After any failure it keeps a quiet line (RTU) or opens a new connection (TCP), because a late answer would
otherwise be taken for the next one. Each rule of the list below has a test named after it.

1 one owner, bounded queue   2 a caller that gives up drops only its future   3 safety > command > poll before every
transaction   4 no retries of the library, one of ours for idempotent requests (RTU)   5 time-out from frame time
6 RTU quarantine   7 TCP reconnect   8 silence before every frame   9 consecutive reads differ in shape   10 a dead unit
is probed once a second   11 jittered reconnect   12 safe state first (``unit_runner``)   13 merged blocks
(``registers``)   14 quality with every value   15 read-back (``unit_runner``)   16 set points coalesce (``set_point``)
17 life counter (``unit_runner``)   18 capture
"""

import asyncio
import heapq
import random
from collections import Counter, deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from devices.address import PortAddress
from devices.capture import CaptureRing
from devices.link_client import WireClient
from devices.requests import Failure, LinkFailure, Priority, Quality, Reply, Request

QUEUE_MAX = 64
"""Requests waiting on one port: over a second of a full RTU bus; more means that nobody keeps up (C7)."""
RECONNECT_S_MIN, RECONNECT_S_MAX = 0.1, 0.5
"""Recovery within a second, without a storm on a device that refuses (rule 11)."""
JITTER = 0.2
BACK_OFF_FAILURES = 3
PROBE_S = 1.0
"""A dead unit costs its time-out and quarantine once a second (rule 10)."""
TIMEOUT_S_MIN = 0.05
QUIET_WAIT_S_MAX = 2.0
"""A line that babbles longer than this is closed and opened anew."""
LATENCIES_KEPT = 4_096


@dataclass(frozen=True, slots=True, kw_only=True)
class LinkSettings:
    """Quirks of the devices on one port (the strictest of their profiles). Seconds of wall time."""

    timeout_s: float = 0.3
    turnaround_s: float = 0.005
    guard_s: float = 0.001
    late_window_s: float = 0.1
    local_echo: bool = False
    readable: Sequence[tuple[int, int, int]] = ()
    """(function, first, end) of address ranges that may be read: lets a read be padded (rule 9)."""


@dataclass(slots=True)
class LinkFigures:
    """Counters of one port."""

    requests: int = 0
    replies: int = 0
    retries: int = 0
    reconnects: int = 0
    padded: int = 0
    failures: Counter[str] = field(default_factory=Counter)
    latency_us: deque[int] = field(default_factory=lambda: deque(maxlen=LATENCIES_KEPT))
    """Wall time of the latest transactions."""


@dataclass(slots=True, order=True)
class _Job:
    priority: Priority
    number: int
    build: Callable[[], Request] = field(compare=False)
    unit: int = field(compare=False)
    future: asyncio.Future[Reply] = field(compare=False)
    bring_up: bool = field(compare=False)
    pause_s: float = field(compare=False, default=0.0)
    retried: bool = field(compare=False, default=False)


@dataclass(slots=True)
class _UnitState:
    failures: int = 0
    probe_at_s: float = 0.0
    last_shape: tuple[int, int] | None = None


class ModbusLink:
    """Actor of one Modbus port."""

    def __init__(
        self,
        address: PortAddress,
        settings: LinkSettings,
        *,
        now: Callable[[], int],
        units: int = 1,
        seed: int | None = None,
    ) -> None:
        self.address = address
        self.settings = settings
        self.units = units
        self.figures = LinkFigures()
        self.capture = CaptureRing(address.key)
        self.up = asyncio.Event()
        """Set while connected; ``generation`` counts connections."""
        self.generation = 0
        self._now = now
        self._client = WireClient(
            address, now=now, capture=self.capture, on_lost=self._lost, local_echo=settings.local_echo
        )
        self._jitter = random.Random(seed)
        self._queue: list[_Job] = []
        self._numbers = 0
        self._wake = asyncio.Event()
        self._admitted: set[int] = set()
        self._unit_states: dict[int, _UnitState] = {}
        self._quiet_until_s = 0.0
        self._delay_s = RECONNECT_S_MIN
        self.task: asyncio.Task[None] | None = None

    # --- callers' side

    def start(self) -> None:
        """Begin to connect and to serve."""
        self.task = asyncio.create_task(self._run(), name=f"link {self.address.key}")

    async def stop(self) -> None:
        """Close the port; waiting callers get DISCONNECTED."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)
            self.task = None
        self._client.close()
        self.up.clear()
        self._fail_waiting(LinkFailure(Failure.DISCONNECTED, "link stopped"))

    async def request(
        self,
        what: Request | Callable[[], Request],
        *,
        unit: int | None = None,
        priority: Priority = Priority.POLL,
        deadline_s: float = 5.0,
        bring_up: bool = False,
    ) -> Reply:
        """Run one transaction and return its reply.

        ``what`` may be a function: it is called just before the frame leaves, so that times inside it are fresh.
        ``deadline_s`` drops the caller, never what is on the wire. ``bring_up`` requests alone pass before the unit's
        safe state is proven.

        Raises:
            LinkFailure: with the reason; QUEUE_FULL when the port can't keep up.
        """
        build = what if callable(what) else lambda: what
        number = unit if unit is not None else build().unit
        if not self.up.is_set():
            raise LinkFailure(Failure.DISCONNECTED)
        future = self._submit(build, number, priority, bring_up=bring_up)
        try:
            async with asyncio.timeout(deadline_s):
                return await future
        except TimeoutError:
            raise LinkFailure(Failure.GIVEN_UP, f"after {deadline_s} s") from None

    async def silence(self, seconds: float) -> None:
        """Send nothing at all for this long (watchdog proof)."""
        await self._submit(_never, 0, Priority.SAFETY, bring_up=True, pause_s=seconds)

    def admit(self, unit: int, generation: int) -> None:
        """The unit's safe state is proven on this connection: ordinary requests may pass (rule 12)."""
        if generation == self.generation and self.up.is_set():
            self._admitted.add(unit)

    def reopen(self) -> None:
        """Distrust the connection: close it; the actor opens a new one."""
        self._client.close()
        self._lost()

    def _submit(
        self, build: Callable[[], Request], unit: int, priority: Priority, *, bring_up: bool, pause_s: float = 0.0
    ) -> asyncio.Future[Reply]:
        if len(self._queue) >= QUEUE_MAX:
            self.figures.failures[Failure.QUEUE_FULL] += 1
            raise LinkFailure(Failure.QUEUE_FULL, f"{QUEUE_MAX} wait on {self.address.key}")
        future: asyncio.Future[Reply] = asyncio.get_running_loop().create_future()
        self._numbers += 1
        job = _Job(priority, self._numbers, build, unit, future, bring_up, pause_s)
        heapq.heappush(self._queue, job)
        self._wake.set()
        return future

    # --- the actor

    async def _run(self) -> None:
        while True:
            if not self._client.connected:
                self._down()
                await self._reconnect()
            if not self._queue:
                self._wake.clear()
                await self._wake.wait()
                continue
            if not await self._quiet_line():
                continue
            await self._serve(heapq.heappop(self._queue))

    async def _reconnect(self) -> None:
        """Rule 11: one attempt at a time, capped, jittered, never without a pause (but for the very first)."""
        if self.generation:
            await asyncio.sleep(self._delay_s * (1 + JITTER * (2 * self._jitter.random() - 1)))
        while not await self._client.connect(max(self.settings.timeout_s, TIMEOUT_S_MIN)):
            self.figures.failures[Failure.DISCONNECTED] += 1
            await asyncio.sleep(self._delay_s * (1 + JITTER * (2 * self._jitter.random() - 1)))
            self._delay_s = min(2 * self._delay_s, RECONNECT_S_MAX)
        self._delay_s = min(2 * self._delay_s, RECONNECT_S_MAX)
        self.figures.reconnects += self.generation > 0
        self.generation += 1
        for state in self._unit_states.values():  # what was read last stays: an old answer may outlive its connection
            state.failures, state.probe_at_s = 0, 0.0
        self._quiet_until_s = 0.0
        self.up.set()

    def _lost(self) -> None:
        """The transport broke (called by the client, at once)."""
        self._down()
        self._wake.set()

    def _down(self) -> None:
        self.up.clear()
        self._admitted.clear()
        self._fail_waiting(LinkFailure(Failure.DISCONNECTED))

    def _fail_waiting(self, failure: LinkFailure) -> None:
        waiting, self._queue = self._queue, []
        for job in waiting:
            _fail(job.future, failure)

    async def _quiet_line(self) -> bool:
        """Rules 6 and 8: wait until the line may be used. False: it babbles, or broke meanwhile."""
        if not self.address.is_rtu:
            return True
        loop = asyncio.get_running_loop()
        gap_s = (self.address.silence_s if self.address.is_line else 0.0) + self.settings.guard_s
        give_up_s = loop.time() + QUIET_WAIT_S_MAX
        while (wait_s := max(self._quiet_until_s, self._client.quiet_since_s + gap_s) - loop.time()) > 0:
            if loop.time() > give_up_s:
                self._count(LinkFailure(Failure.LENGTH, "the line is never silent"))
                self.reopen()
                return False
            await asyncio.sleep(wait_s)
            if not self._client.connected:
                return False
        return True

    async def _serve(self, job: _Job) -> None:
        if job.future.done():
            return None
        if job.pause_s:
            await asyncio.sleep(job.pause_s)
            if not job.future.done():
                job.future.set_result(_nothing(self._now()))
            return None
        state = self._unit_states.setdefault(job.unit, _UnitState())
        loop = asyncio.get_running_loop()
        if not job.bring_up and job.unit not in self._admitted:
            return _fail(job.future, LinkFailure(Failure.DISCONNECTED, "safe state not proven yet"))
        if self.units > 1 and state.failures >= BACK_OFF_FAILURES and loop.time() < state.probe_at_s:
            return _fail(job.future, LinkFailure(Failure.BACK_OFF, f"unit {job.unit}"))
        try:
            request = job.build()
        except ValueError as error:
            return _fail(job.future, LinkFailure(Failure.RANGE, str(error)))
        try:
            reply = await self._transact(request, state)
        except LinkFailure as failure:
            self._failed(job, request, state, failure)
        else:
            state.failures = 0
            self._delay_s = RECONNECT_S_MIN
            if not job.future.done():
                job.future.set_result(reply)

    async def _transact(self, request: Request, state: _UnitState) -> Reply:
        wire, skip = self._shaped(request, state)
        loop = asyncio.get_running_loop()
        sent_us, sent_s = self._now(), loop.time()
        self.figures.requests += 1
        words = await self._client.transact(wire, self.timeout_s(wire))
        received_us = self._now()
        self.figures.replies += 1
        self.figures.latency_us.append(int((loop.time() - sent_s) * 1e6))
        error_us = (received_us - sent_us + 1) // 2
        return Reply(
            words=words[skip : skip + request.count] if request.is_read else (),
            at_us=received_us - error_us,
            at_err_us=error_us,
            quality=Quality.GOOD,
            reason="",
            unit=request.unit,
            request=request,
        )

    def timeout_s(self, request: Request) -> float:
        """Rule 5: RTU turnaround + 1.5 x frame time; TCP as set; never below 50 ms."""
        if not self.address.is_line:
            return max(self.settings.timeout_s, TIMEOUT_S_MIN)
        characters = request.request_pdu_bytes + request.reply_pdu_bytes + 6
        line_s = self.settings.turnaround_s + 1.5 * characters * self.address.character_s
        return max(line_s, self.settings.timeout_s, TIMEOUT_S_MIN)

    def _shaped(self, request: Request, state: _UnitState) -> tuple[Request, int]:
        """Rule 9: a read with the shape of the one before takes one register more where the device has one."""
        if not request.is_read:
            return request, 0
        skip = 0
        if self.address.is_rtu and request.shape == state.last_shape and request.function in (3, 4):
            for function, first, end in self.settings.readable:
                last = request.address + request.count
                if function != request.function or not (first <= request.address and last <= end):
                    continue
                if last < end:
                    request = replace(request, count=request.count + 1)
                    self.figures.padded += 1
                elif request.address > first and request.signature is None:
                    request = replace(request, address=request.address - 1, count=request.count + 1)
                    skip = 1
                    self.figures.padded += 1
                break
        state.last_shape = request.shape
        return request, skip

    def _failed(self, job: _Job, request: Request, state: _UnitState, failure: LinkFailure) -> None:
        """Rules 4, 6, 7 and 10."""
        self._count(failure)
        loop = asyncio.get_running_loop()
        in_step = failure.kind is Failure.EXCEPTION and not self.address.is_rtu
        if in_step:
            # A well-formed exception under the right transaction id proves that request and answer belong together.
            return _fail(job.future, failure)
        state.failures += 1
        state.probe_at_s = loop.time() + PROBE_S
        if not self.address.is_line:
            _fail(job.future, failure)
            self.reopen()
            return None
        self._quiet_until_s = loop.time() + max(self.settings.late_window_s, 2 * self.settings.turnaround_s)
        if not self._client.connected:
            _fail(job.future, failure)
            self._lost()
        elif request.is_read and not job.retried and not job.future.done() and failure.kind is not Failure.EXCEPTION:
            job.retried = True
            self.figures.retries += 1
            heapq.heappush(self._queue, job)
        else:
            _fail(job.future, failure)
        return None

    def _count(self, failure: LinkFailure) -> None:
        self.figures.failures[failure.kind] += 1
        self.capture.fail(self._now(), str(failure))


def _fail(future: asyncio.Future[Reply], failure: LinkFailure) -> None:
    if not future.done():
        future.set_exception(failure)


def _never() -> Request:
    raise AssertionError("a pause sends nothing")


def _nothing(at_us: int) -> Reply:
    return Reply(
        words=(),
        at_us=at_us,
        at_err_us=0,
        quality=Quality.GOOD,
        reason="",
        unit=1,
        request=Request(unit=1, function=3, address=0),
    )
