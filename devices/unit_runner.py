"""Brings one device up after every connect and polls it on an absolute schedule.

Order after a connect (rule 12): claim (where the device obeys one owner only), safe state written and read back,
identity, init list, then polls and heartbeat. Only then may commands pass. The runner alone decides that a device is
lost or restored, and tells its driver.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from devices.modbus_link import BACK_OFF_FAILURES, PROBE_S, ModbusLink
from devices.registers import Register
from devices.requests import Failure, LinkFailure, Priority, Reply, Request

LOSS_S = 0.3
"""No good answer for so long: lost. With one time-out (0.3 s at most) detection stays below 0.5 s."""
START_S_MAX = 2.0
"""A device that has not answered so long after start is reported lost."""
PAUSE_S = 0.05
"""Between two attempts to bring up a unit whose line is open."""
LIFE_CYCLES = 3
LIFE_PERIOD_S = 0.010
"""Our devices count their life every 10 ms (MANUAL.md)."""
CYCLES_KEPT = 4_096


class UnitDriver(Protocol):
    """What a role driver gives to its runner."""

    role: str

    async def claim(self) -> None:
        """Become the owner of a device that obeys only one. Raises LinkFailure when another controller is."""

    def safe_state(self) -> Sequence[tuple[Register, int]]:
        """Registers and values that make the device safe, in order."""

    async def prove_safe(self) -> None:
        """Check what the read-back of registers can't show. Raises LinkFailure."""

    def identity(self) -> Sequence[tuple[Register, int]]:
        """What the device must say about itself."""

    def initial(self) -> Sequence[tuple[Register, int]]:
        """Init list."""

    async def cycle(self) -> None:
        """One poll cycle with heartbeat. Raises LinkFailure."""

    def on_up(self, gap_us: int, *, first: bool) -> None:
        """The device is up, safe and identified."""

    def on_down(self, reason: str) -> None:
        """The device is lost."""


@dataclass(slots=True)
class LifeWatch:
    """Rule 17: a life counter that stands for three cycles (or three of its periods) is loss of the device."""

    stands_s_max: float
    value: int | None = None
    changed_s: float = 0.0

    def check(self, value: int, now_s: float) -> None:
        """Take the counter of one poll.

        Raises:
            LinkFailure: LIFE.
        """
        if value != self.value:
            self.value, self.changed_s = value, now_s
        elif now_s - self.changed_s > self.stands_s_max:
            raise LinkFailure(Failure.LIFE, f"at {value} for {(now_s - self.changed_s) * 1_000:.0f} ms")

    def forget(self) -> None:
        """After a silence or a reconnect."""
        self.value = None


class UnitPort:
    """One unit of a link, as its driver sees it: named reads and writes, proven by read-back."""

    def __init__(self, link: ModbusLink, unit: int) -> None:
        self.link = link
        self.unit = unit
        self.bring_up = False
        self.token: tuple[int, ...] = ()
        """Our token, as registers: the end of every write to a register that only the device's owner may write."""

    async def run(
        self, what: Request | Callable[[], Request], priority: Priority = Priority.POLL, *, deadline_s: float = 5.0
    ) -> Reply:
        """One transaction."""
        return await self.link.request(
            what, unit=self.unit, priority=priority, bring_up=self.bring_up, deadline_s=deadline_s
        )

    async def read(self, register: Register, priority: Priority = Priority.POLL) -> int:
        """One register's value."""
        reply = await self.run(self._read(register), priority)
        return register.decode(reply.words)

    async def write(self, register: Register, value: int, priority: Priority = Priority.COMMAND) -> None:
        """Write without read-back (heartbeat, acknowledge, claim)."""
        try:
            words = register.encode(value)
        except ValueError as error:
            raise LinkFailure(Failure.RANGE, str(error)) from error
        if register.owned:
            words += self.token
        await self.run(
            Request(unit=self.unit, function=register.write_function, address=register.address, values=words), priority
        )

    async def prove(self, register: Register, value: int, priority: Priority = Priority.COMMAND) -> None:
        """Write and read back (rule 15).

        Raises:
            LinkFailure: READ_BACK when the device holds another value.
        """
        await self.write(register, value, priority)
        if not register.read_function:
            return
        reply = await self.run(self._read(register), priority)
        if tuple(reply.words) != register.encode(value):
            raise LinkFailure(Failure.READ_BACK, f"{register.name}: expected {value}, was {list(reply.words)}")

    def _read(self, register: Register) -> Request:
        return Request(unit=self.unit, function=register.read_function, address=register.address, count=register.size)


class UnitRunner:
    """The task of one device."""

    def __init__(self, port: UnitPort, driver: UnitDriver, cycle_s: float) -> None:
        self.port = port
        self.driver = driver
        self.cycle_s = cycle_s
        self.is_up = False
        self.cycle_us: deque[int] = deque(maxlen=CYCLES_KEPT)
        """Wall time from the start of one cycle to the start of the next."""
        self.losses = 0
        self._generation = 0
        self._seen_s: float | None = None
        self._first = True
        self._told_lost = False
        self.task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin."""
        self.task = asyncio.create_task(self._run(), name=f"unit {self.driver.role}")

    async def stop(self) -> None:
        """End; the wire belongs to the link."""
        if self.task is not None:
            self.task.cancel()
            await asyncio.gather(self.task, return_exceptions=True)

    async def _run(self) -> None:
        started_s = asyncio.get_running_loop().time()
        while True:
            if not await self._wait_connected(started_s):
                continue
            failure = await self._bring_up()
            if failure is None:
                await self._poll()
            else:
                self._check_start(started_s, failure)
                await asyncio.sleep(self._pause_s(failure))

    async def _wait_connected(self, started_s: float) -> bool:
        link = self.port.link
        try:
            async with asyncio.timeout(START_S_MAX if self._first and not self._told_lost else None):
                await link.up.wait()
        except TimeoutError:
            self._check_start(started_s, LinkFailure(Failure.DISCONNECTED, "no connection since start"))
            return False
        return True

    def _check_start(self, started_s: float, failure: LinkFailure) -> None:
        """A device that never came up is lost, too."""
        late = asyncio.get_running_loop().time() - started_s >= START_S_MAX
        if self._first and late and not self._told_lost:
            self._told_lost = True
            self.driver.on_down(str(failure))

    def _pause_s(self, failure: LinkFailure) -> float:
        return PROBE_S if self.port.link.units > 1 and failure.kind is Failure.BACK_OFF else PAUSE_S

    async def _bring_up(self) -> LinkFailure | None:
        """Claim, safe state, proof, identity, init list (rule 12)."""
        link, port, driver = self.port.link, self.port, self.driver
        self._generation = link.generation
        port.bring_up = True
        try:
            await driver.claim()
            for register, value in driver.safe_state():
                await port.prove(register, value, Priority.SAFETY)
            await driver.prove_safe()
            for register, value in driver.identity():
                was = await port.read(register)
                if was != value:
                    raise LinkFailure(Failure.IDENTITY, f"{register.name}: expected {value:#06x}, was {was:#06x}")
            for register, value in driver.initial():
                await port.prove(register, value)
        except LinkFailure as failure:
            return failure
        finally:
            port.bring_up = False
        link.admit(port.unit, self._generation)
        return None

    async def _poll(self) -> None:
        """Cycles on an absolute schedule until the device is lost."""
        loop = asyncio.get_running_loop()
        due_s = last_start_s = loop.time()
        failures = 0
        while True:
            start_s = loop.time()
            try:
                await self.driver.cycle()
            except LinkFailure as failure:
                failures += 1
                if self._is_lost(failure, failures):
                    self._down(failure)
                    return
            else:
                failures = 0
                self._good()
            if start_s > last_start_s:
                self.cycle_us.append(int((start_s - last_start_s) * 1e6))
            last_start_s = start_s
            due_s += self.cycle_s
            late_s = loop.time() - due_s
            if late_s > 0:
                due_s += self.cycle_s * (late_s // self.cycle_s)  # a missed slot is not made up for
            await asyncio.sleep(max(0.0, due_s - loop.time()))

    def _good(self) -> None:
        loop = asyncio.get_running_loop()
        before_s, self._seen_s = self._seen_s, loop.time()
        if self.is_up:
            return
        gap_us = 0 if self._first or before_s is None else int((self._seen_s - before_s) * 1e6)
        first, self._first = self._first, False
        self.is_up, self._told_lost = True, False
        self.driver.on_up(gap_us, first=first)

    def _is_lost(self, failure: LinkFailure, failures: int) -> bool:
        """A broken connection at once; on a line that stays open after three failures or 0.3 s without an answer."""
        link = self.port.link
        if not link.up.is_set() or link.generation != self._generation:
            return True
        if failure.kind in (Failure.BOOT, Failure.LIFE, Failure.SIGNATURE, Failure.IDENTITY):
            return True
        seen_s = self._seen_s if self._seen_s is not None else 0.0
        return failures >= BACK_OFF_FAILURES or asyncio.get_running_loop().time() - seen_s >= LOSS_S

    def _down(self, failure: LinkFailure) -> None:
        link = self.port.link
        if failure.kind in (Failure.BOOT, Failure.LIFE) and not link.address.is_rtu:
            link.reopen()
        if not self.is_up:
            return
        self.is_up = False
        self.losses += 1
        self.driver.on_down(str(failure))
