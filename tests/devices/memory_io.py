"""The lane I/O driver on a link without a wire: registers answer every request at once, unless a test bends it."""

import asyncio
import time
from collections.abc import Awaitable, Callable

from devices.address import parse_address
from devices.commands import ReleasePulse
from devices.drivers.context import DeviceContext
from devices.drivers.lane_io import LaneIo
from devices.modbus_link import ModbusLink
from devices.profile import Profile, load_profile
from devices.requests import Failure, LinkFailure, Priority, Quality, Reply, Request
from devices.signals import DeviceSignal, GateFault
from tests.devices.demo_devices import PROFILES, DemoIo

TOKEN = 0xA1B2C3D4
BELT_UM = 500_000
SILENCE_S, TRAVEL_S = 0.01, 0.002


class MemoryLink(ModbusLink):
    """``bend``: called with each request before it is answered; it may raise, wait, or return the words.

    ``silent``: what the device does in a silence.
    """

    def __init__(self, device: DemoIo, now: Callable[[], int]) -> None:
        self.address = parse_address("tcp://127.0.0.1:1")
        self.units = 1
        self.device = device
        self.now = now
        self.bend: Callable[[Request], Awaitable[tuple[int, ...] | None]] = _straight
        self.silent: Callable[[], None] = lambda: None
        self.requests: list[Request] = []

    async def request(
        self,
        what: Request | Callable[[], Request],
        *,
        unit: int | None = None,
        priority: Priority = Priority.POLL,
        deadline_s: float = 5.0,
        bring_up: bool = False,
    ) -> Reply:
        """Answer from the device's registers."""
        try:
            request = what() if callable(what) else what
        except ValueError as error:
            raise LinkFailure(Failure.RANGE, str(error)) from error
        self.requests.append(request)
        words = await self.bend(request)
        if words is None:
            words = self._answer(request)
        at_us = self.now()
        return Reply(words=words, at_us=at_us, at_err_us=0, quality=Quality.GOOD, reason="", unit=1, request=request)

    async def silence(self, seconds: float) -> None:
        """The pause is short; the device does what it does in it."""
        await asyncio.sleep(SILENCE_S)
        self.silent()

    def written(self, address: int) -> list[tuple[int, ...]]:
        """Values of all writes to this register, without the owner's token."""
        return [one.values[:-2] for one in self.requests if one.function == 16 and one.address == address]

    def _answer(self, request: Request) -> tuple[int, ...]:
        head = bytes([request.function]) + request.address.to_bytes(2, "big")
        if request.is_read:
            pdu = head + request.count.to_bytes(2, "big")
        else:
            words = b"".join(value.to_bytes(2, "big") for value in request.values)
            pdu = head + len(request.values).to_bytes(2, "big") + bytes([len(words)]) + words
        reply = self.device(request.unit, pdu)
        assert reply is not None
        if reply[0] & 0x80:
            raise LinkFailure(Failure.EXCEPTION, f"{reply[1]}")
        data = reply[2:] if request.is_read else b""
        return tuple(int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data), 2))


class Bend:
    """Requests of one kind to one address fail, or wait until they are let go."""

    def __init__(self, address: int, failure: LinkFailure | None, function: int = 16) -> None:
        self.address, self.failure, self.function = address, failure, function
        self.reached, self.go = asyncio.Event(), asyncio.Event()
        if failure is None or failure.kind is not Failure.DISCONNECTED:
            self.go.set()

    async def __call__(self, request: Request) -> tuple[int, ...] | None:
        if (request.address, request.function) == (self.address, self.function):
            self.reached.set()
            await self.go.wait()
            if self.failure is not None:
                raise self.failure
        return None


class Bench:
    """Driver, link and device, and what the driver says."""

    def __init__(self, *, ready: bool = True, speed: int = 1, profile: Profile | None = None) -> None:
        self.device = DemoIo(speed)
        self.device.owner, self.device.travel_s = TOKEN, TRAVEL_S
        self.signals: list[DeviceSignal] = []
        self.context = DeviceContext(
            now=lambda: int(time.monotonic() * 1e6) * speed, emit=self.signals.append, speed=speed
        )
        self.link = MemoryLink(self.device, self.context.now)
        self.context.belt.start(self.device.encoder, BELT_UM)
        profile = profile or load_profile(PROFILES / "lane-io.toml")
        self.io = LaneIo(profile, self.link, 1, self.context, None, TOKEN)
        self.io.ready = ready

    def faults(self) -> list[str]:
        """Reasons of all gate faults so far."""
        return [signal.reason for signal in self.signals if isinstance(signal, GateFault)]

    def pulse(self, permit_no: int = 9, **changes: int) -> ReleasePulse:
        """A permit for a window ahead."""
        fields = {"seq": 1, "from_um": BELT_UM + 100_000, "to_um": BELT_UM + 500_000, "pulse_ms": 100}
        not_after_us = self.context.now() + 1_000_000
        return ReleasePulse(**{**fields, "permit_no": permit_no, "not_after_us": not_after_us, **changes})

    async def settled(self) -> None:
        """All work that was begun beside the polls is done."""
        await asyncio.gather(*self.io.gate._tasks)
        await asyncio.sleep(0)
        if self.io.gate._tasks:  # one may begin another
            await self.settled()


async def _straight(request: Request) -> tuple[int, ...] | None:
    return None
