"""Devices of ``config/devices/MANUAL.md`` for tests: registers only, a belt that moves by the clock, one ring."""

import asyncio
import time
from pathlib import Path

from tests.devices.wires import Registers

PROFILES = Path(__file__).parents[2] / "config" / "devices"
U32 = 1 << 32
OUTPUTS, WATCHDOG_MS = 0x14, 0x1C
"""Holding registers of the lane I/O."""


def wall_ms() -> int:
    """Wall clock in ms."""
    return int(time.monotonic() * 1000)


class DemoIo(Registers):
    """Lane I/O. The test moves the belt (``encoder``), the eyes (``edge``) and the gate follows the valve at once."""

    def __init__(self, speed: int = 1) -> None:
        holding = dict.fromkeys([*range(0x10, 0x1F), *range(0x20, 0x2F), 0x30, 0x31], 0)
        holding[WATCHDOG_MS] = 400
        super().__init__(holding)
        self.owner = 0
        self.foreign = 0
        self.speed = speed
        self.boot = 7
        self.encoder = 5_000
        self.newest = 0
        self.ring = [(0, 0, 0, 0)] * 16
        self.inputs_word = 1 << 8
        self.valve = False
        self.armed = self.tripped = False
        self.fed_s = 0.0
        self.valve_until_s = 0.0
        self.applied = self.refused = self.refusal = 0
        self.life_frozen: int | None = None
        self.ignore_watchdog = False
        self.travel_s = 0.02

    def clock(self) -> int:
        """Device clock: plant time."""
        return int(time.monotonic() * 1e6 * self.speed) % U32

    def edge(self, channel: int, level: bool) -> None:
        """One ring entry; the input word follows."""
        self.newest = (self.newest + 1) % 65536
        code = channel | (0x8000 if level else 0)
        self.ring[self.newest % 16] = (self.newest, code, self.clock(), self.encoder % U32)
        if level:
            self.inputs_word |= 1 << channel
        else:
            self.inputs_word &= ~(1 << channel)

    def restart(self) -> None:
        """Power fails and returns."""
        self.boot += 1
        self.newest, self.ring, self.encoder = 0, [(0, 0, 0, 0)] * 16, 0
        self.applied = self.refused = self.refusal = 0
        self.armed = self.tripped = self.valve = False
        self.foreign = 0
        self.holding[OUTPUTS] = 0
        self.holding[WATCHDOG_MS] = 400

    def set_valve(self, on: bool) -> None:
        """Valve and blade."""
        if on == self.valve:
            return
        self.valve = on
        self.edge(10, on)
        self.edge(8 if on else 9, False)
        asyncio.get_running_loop().call_later(self.travel_s, self.edge, 9 if on else 8, True)

    def tick(self) -> None:
        """Watchdog and pulse end, looked at before each request and by the test."""
        now_s = time.monotonic()
        if self.valve and now_s >= self.valve_until_s:
            self.set_valve(False)
        watchdog_s = self.holding[WATCHDOG_MS] / 1000
        if self.armed and not self.tripped and not self.ignore_watchdog and now_s - self.fed_s > watchdog_s:
            self.tripped = True
            self.holding[OUTPUTS] &= ~1
            self.set_valve(False)
            self.edge(11, True)

    def __call__(self, unit: int, pdu: bytes) -> bytes | None:
        """The owner's token ends each write; a claim takes it, as long as there is none."""
        if pdu[0] not in (6, 16):
            return super().__call__(unit, pdu)
        address, token = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[-4:], "big")
        if address == 0x30 and self.owner in (0, token):
            self.owner = token
        length = {0x10: 3, 0x14: 3, 0x18: 3, 0x1C: 3, 0x20: 9, 0x2C: 3, 0x30: 2}.get(address)
        if pdu[0] == 6 or token != self.owner or int.from_bytes(pdu[3:5], "big") != length:
            self.requests.append(pdu)
            self.foreign += 1
            return bytes((pdu[0] | 0x80, 4))
        return super().__call__(unit, pdu)

    async def run(self) -> None:
        """The device's own life."""
        while True:
            self.tick()
            await asyncio.sleep(0.005)

    def before_read(self) -> None:
        self.tick()
        life = wall_ms() // 10 % 65536 if self.life_frozen is None else self.life_frozen
        flags = self.armed | self.tripped << 1 | (self.newest == 0) << 4
        clock, encoder = self.clock(), self.encoder % U32
        words = [0xA501, self.boot, life, self.newest, clock >> 16, clock, encoder >> 16, encoder, flags]
        for seq, code, at, where in self.ring:
            words += [seq, code, at >> 16, at & 0xFFFF, where >> 16, where & 0xFFFF]
        self.inputs = dict(enumerate(words))
        output = self.holding[OUTPUTS] & (0x1E if self.tripped else 0x1F) | self.valve << 8
        state = [0xA502, self.inputs_word, output, self.applied, 0, self.refused, self.refusal, self.foreign, *[0] * 14]
        self.inputs |= {0x100 + i: word for i, word in enumerate(state)}

    def written(self, address: int, values: list[int]) -> None:
        self.tick()
        if address == 0x10:
            self.armed, self.fed_s = True, time.monotonic()
        elif address == 0x18:
            self.set_valve(False)
        elif address == 0x2C and self.armed and time.monotonic() - self.fed_s < 0.4:
            self.tripped = False
        elif address == 0x20:
            self.release(values)

    def release(self, values: list[int]) -> None:
        """Release block: a window opens at once in this device, when it is not refused."""
        permit, pulse_ms = values[0], values[1]
        reason = 4 if self.tripped else 2 if permit == self.applied else 0 if self.inputs_word >> 8 & 1 else 3
        if reason:
            self.refused, self.refusal = permit, reason
            return
        self.applied = permit
        self.valve_until_s = time.monotonic() + pulse_ms / 1000 / self.speed
        self.set_valve(True)


class DemoDrive(Registers):
    """Belt drive: reaches its speed at once; its watchdog raises fault 72."""

    def __init__(self) -> None:
        super().__init__({0x2000: 5, 0x2001: 0, 0x2002: 500} | {0x2100 + i: 0 for i in range(6)})
        self.running = False
        self.fault = 0
        self.boot = 3
        self.fed_s = time.monotonic()
        self.commands: list[int] = []

    def __call__(self, unit: int, pdu: bytes) -> bytes | None:
        now_s = time.monotonic()
        if self.running and now_s - self.fed_s > self.holding[0x2002] / 1000:
            self.running, self.fault = False, 72
        self.fed_s = now_s
        return super().__call__(unit, pdu)

    def before_read(self) -> None:
        speed = self.holding[0x2001] if self.running else 0
        status = self.running | self.running << 1 | bool(self.fault) << 2
        words = [status, speed, self.fault, 0xD101, wall_ms() // 10, self.boot]
        self.holding |= {0x2100 + i: word & 0xFFFF for i, word in enumerate(words)}

    def written(self, address: int, values: list[int]) -> None:
        if address != 0x2000:
            return
        self.commands.append(values[0])
        if values[0] == 7:
            self.fault = 0
        elif not self.fault:
            self.running = values[0] == 1


class DemoXray(Registers):
    """Cabinet (0xA503) or source (0xA504)."""

    def __init__(self, signature: int, status: int) -> None:
        super().__init__(dict.fromkeys(range(0x10, 0x15), 0))
        self.signature = signature
        self.status = status

    def before_read(self) -> None:
        status = self.status
        if self.signature == 0xA504 and self.holding[0x11]:
            status |= 2
        words = [self.signature, 1, wall_ms() // 10 & 0xFFFF, status, 0, 0, 0, 0, 0, 0]
        self.inputs = dict(enumerate(words[: 8 if self.signature == 0xA503 else 10]))
