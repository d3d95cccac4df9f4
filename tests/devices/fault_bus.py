"""The fault bus FB1: a Modbus RTU slave on a pty that answers late, not at all, or damaged, by a seeded draw.

Slave: FC03 only, unit 1, register value = its address; one draw x in [0, 1) per request, p = 0.02: x < p late (the
right reply after uniform(40, 120) ms, other requests being served meanwhile), p <= x < 2p lost, 2p <= x < 3p damaged
(last byte XOR 0x10), else right and at once. Caller: one request at a time, address uniform 0..59999, n = 2..4; with
p = 0.02 its deadline is 50 us (it gives up early), else 0.5 s; 0.5 ms pause. Answered without error and (first register
!= address or count != n) is *silently wrong*.
"""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from pymodbus import FramerType
from pymodbus.client import AsyncModbusSerialClient
from pymodbus.exceptions import ModbusException

from devices.address import parse_address
from devices.modbus_link import LinkSettings, ModbusLink
from devices.requests import Failure, LinkFailure, Request
from tests.devices.wires import PtySlave, crc

SHARE = 0.02
LATE_MS = (40.0, 120.0)
LATE_WINDOW_SLACK_MS = 25.0
"""The injector may be later than it drew by this much (busy machine); beyond it the run is void."""
TIMEOUT_S = 0.05
DEADLINE_S, EARLY_S = 0.5, 50e-6
PAUSE_S = 0.0005


@dataclass(slots=True)
class Tally:
    """What one caller saw."""

    requests: int = 0
    answered: int = 0
    failed: int = 0
    gave_up: int = 0
    wrong: list[str] = field(default_factory=list)


class FaultySlave(PtySlave):
    """FB1's slave."""

    def __init__(self, link: str, seed: int = 7) -> None:
        super().__init__(self._reply, link)
        self.rng = random.Random(seed)
        self.late = self.lost = self.damaged = 0
        self.overdue_ms: list[float] = []

    def _reply(self, unit: int, pdu: bytes) -> bytes:
        address, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
        words = b"".join(((address + i) & 0xFFFF).to_bytes(2, "big") for i in range(count))
        return bytes([3, len(words)]) + words

    def deliver(self, frame: bytes) -> None:
        x = self.rng.random()
        if x < SHARE:
            self.late += 1
            delay_s = self.rng.uniform(*LATE_MS) / 1_000
            loop = asyncio.get_running_loop()
            loop.call_later(delay_s, self._send_late, frame, loop.time() + delay_s)
        elif x < 2 * SHARE:
            self.lost += 1
        elif x < 3 * SHARE:
            self.damaged += 1
            self.send(frame[:-1] + bytes([frame[-1] ^ 0x10]))
        else:
            self.send(frame)

    def _send_late(self, frame: bytes, due_s: float) -> None:
        self.overdue_ms.append((asyncio.get_running_loop().time() - due_s) * 1_000)
        self.send(frame)

    @property
    def void(self) -> bool:
        """The injector left its declared window: the run proves nothing."""
        return any(ms > LATE_WINDOW_SLACK_MS for ms in self.overdue_ms)


Read = Callable[[int, int, float], Awaitable[list[int] | None]]


async def call(read: Read, requests: int, *, seed: int = 3) -> Tally:
    """FB1's caller: ``read(address, count, deadline_s)`` returns registers, or None for any honest failure."""
    rng, tally = random.Random(seed), Tally()
    for number in range(requests):
        address, count = rng.randrange(60_000), 2 + rng.randrange(3)
        early = rng.random() < SHARE
        tally.requests += 1
        try:
            words = await read(address, count, EARLY_S if early else DEADLINE_S)
        except TimeoutError:
            tally.gave_up += 1
            continue
        if words is None:
            tally.failed += 1
        else:
            tally.answered += 1
            if words[0] != address or len(words) != count:
                tally.wrong.append(f"seed {seed} request {number}: asked {address} x{count}, got {words}")
        await asyncio.sleep(PAUSE_S)
    return tally


async def plain_run(path: str, requests: int, *, seed: int = 3, slave_seed: int = 7) -> tuple[Tally, FaultySlave]:
    """The plain pymodbus client on its own fault bus."""
    slave = FaultySlave(path, slave_seed)
    async with slave:
        client = AsyncModbusSerialClient(
            path, framer=FramerType.RTU, baudrate=115_200, timeout=TIMEOUT_S, retries=0, reconnect_delay=0
        )
        await client.connect()

        async def read(address: int, count: int, deadline_s: float) -> list[int] | None:
            try:
                reply = await asyncio.wait_for(
                    client.read_holding_registers(address, count=count, device_id=1), deadline_s
                )
            except ModbusException:
                return None
            return None if reply.isError() else list(reply.registers)

        tally = await call(read, requests, seed=seed)
        client.close()
    return tally, slave


async def actor_run(path: str, requests: int, *, seed: int = 3, slave_seed: int = 7) -> tuple[Tally, FaultySlave]:
    """The link actor on its own fault bus."""
    slave = FaultySlave(path, slave_seed)
    async with slave:
        settings = LinkSettings(timeout_s=TIMEOUT_S, late_window_s=0.1, readable=((3, 0, 0x10000),))
        link = ModbusLink(parse_address(slave.url), settings, now=lambda: 0, seed=1)
        link.start()
        await link.up.wait()
        link.admit(1, link.generation)

        async def read(address: int, count: int, deadline_s: float) -> list[int] | None:
            request = Request(unit=1, function=3, address=address, count=count)
            try:
                return list((await link.request(request, deadline_s=deadline_s)).words)
            except LinkFailure as failure:
                if failure.kind is Failure.GIVEN_UP:
                    raise TimeoutError from failure
                return None

        tally = await call(read, requests, seed=seed)
        await link.stop()
    return tally, slave


__all__ = ["FaultySlave", "Tally", "actor_run", "call", "crc", "plain_run"]
