"""Many requests over spoilt wires, and the one question: did any caller ever get a value that is not its own?

The device's registers change with every request that it serves, so that an answer to *any* other request, earlier or
later, to the same address or another, differs from the right one. What the link hands to its caller is compared with
what the device had when it served that request. Nothing of the link is touched: it is the one of ``devices``.
"""

import hashlib
import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from devices.address import parse_address
from devices.modbus_link import LinkSettings, ModbusLink
from devices.requests import Failure, LinkFailure, Request
from sim.drivertwin.loop import VirtualLoop, run_virtual
from sim.drivertwin.network import SERIAL_FOLDER, Network, TcpPort
from sim.drivertwin.sessions import RtuLine, modbus_tcp
from sim.drivertwin.wire_faults import FAULTS, RESIDUAL, Spoiler, Timing, Wire, WireFault, catalogue_id, mixture
from sim.streams.randoms import Keyed, key
from sim.wire.modbus import Bank, Block

UNIT = 1
REGISTERS = 30_000
EPISODE = 300
"""Requests with one mixture of faults."""
TIMEOUT_S = 0.05
BAUD = 115_200
EARLY_S = 50e-6
"""Deadline of a caller that gives up while its request is on the wire."""
WRITES_PERMILLE, EARLY_PERMILLE = 150, 20
WRONG_SHOWN_MAX = 20


class Changing:
    """A device whose registers hold other values at every request. ``last``: what the latest request got."""

    def __init__(self) -> None:
        self.served = 0
        self.last: tuple[int, tuple[int, ...]] = (0, ())
        self.written: tuple[int, tuple[int, ...]] = (-1, ())
        block = Block(first=0, count=REGISTERS, read=lambda: _Words(self), write=self._write)
        self.bank = Bank(inputs=(block,), holdings=(block,))

    def _write(self, offset: int, values: Sequence[int]) -> None:
        self.served += 1
        self.written = (offset, tuple(values))


class _Words(Sequence[int]):
    """All registers of one request; only those that are asked for are worked out."""

    def __init__(self, device: Changing) -> None:
        self._device = device
        device.served += 1

    def __len__(self) -> int:
        return REGISTERS

    def __getitem__(self, place: Any) -> Any:
        assert isinstance(place, slice)
        first, stamp = place.start, self._device.served
        words = tuple((address * 40_503 + stamp * 9_973) & 0xFFFF for address in range(first, place.stop))
        self._device.last = (first, words)
        return words


@dataclass(slots=True)
class WireResult:
    """What happened on one wire. ``trace_sha256``: hash over every outcome with its virtual time."""

    requests: int = 0
    answered: int = 0
    gave_up: int = 0
    refused: Counter[str] = field(default_factory=Counter)
    injected: Counter[WireFault] = field(default_factory=Counter)
    wrong: list[str] = field(default_factory=list)
    reconnects: int = 0
    virtual_s: float = 0.0
    wall_s: float = 0.0
    trace_sha256: str = ""


def run_wire(
    wire: Wire,
    requests: int,
    seed: int,
    *,
    rates: Mapping[WireFault, int] | None = None,
    timing: Timing | None = None,
    tick: Callable[[int], object] | None = None,
) -> WireResult:
    """``requests`` over one spoilt wire. ``rates``: parts per million by kind instead of the seed's mixtures. ``tick``
    hears how many are done. The same arguments give the same trace."""
    device, network = Changing(), Network()
    spoiler = Spoiler(wire, seed, timing)
    port: TcpPort | None = None
    if wire is Wire.RTU:
        RtuLine(network, "bus", {UNIT: device.bank}, baud=BAUD, spoil=spoiler)
        url = f"rtu://{SERIAL_FOLDER}bus?baud={BAUD}"
    else:
        port = modbus_tcp(network, "device", {UNIT: device.bank}, spoiler, rtu=wire is Wire.RTU_TCP)
        url = f"{wire}://device:502"
    caller = _Caller(wire, url, device, spoiler, port, seed, rates)
    began = time.perf_counter()
    run_virtual(lambda loop: caller.run(loop, requests, tick), network)
    caller.result.wall_s = time.perf_counter() - began
    return caller.result


class _Caller:
    """One request after another, as a driver would; each outcome is compared with the truth."""

    def __init__(
        self,
        wire: Wire,
        url: str,
        device: Changing,
        spoiler: Spoiler,
        port: TcpPort | None,
        seed: int,
        rates: Mapping[WireFault, int] | None,
    ) -> None:
        self._rates = rates
        self._wire, self._url, self._seed = wire, url, seed
        self._device, self._spoiler, self._port = device, spoiler, port
        self._keyed = Keyed(seed, "caller", wire)
        self._trace = hashlib.sha256()
        self.result = WireResult()

    async def run(self, loop: VirtualLoop, requests: int, tick: Callable[[int], object] | None) -> None:
        """The whole campaign on this wire."""
        settings = LinkSettings(timeout_s=TIMEOUT_S, late_window_s=0.1, readable=((3, 0, REGISTERS), (4, 0, REGISTERS)))
        link = ModbusLink(
            parse_address(self._url), settings, now=lambda: loop.now_us, seed=key(self._seed, "jitter", self._wire)
        )
        link.start()
        for number in range(requests):
            if number % EPISODE == 0:
                own = mixture(self._seed, self._wire, number // EPISODE)
                self._spoiler.rates = dict(own if self._rates is None else self._rates)
                if tick is not None:
                    tick(number)
            await self._one(loop, link, number)
            self._act(loop)
        result = self.result
        result.injected, result.reconnects = self._spoiler.injected, link.figures.reconnects
        result.virtual_s, result.trace_sha256 = loop.time(), self._trace.hexdigest()
        await link.stop()

    def _act(self, loop: VirtualLoop) -> None:
        """Cut the connection, if the last answer's fault says so, and heal it later."""
        cut, self._spoiler.cut = self._spoiler.cut, None
        if cut is None or self._port is None:
            return
        fault, lasts_us = cut
        if fault is WireFault.BLACK_HOLE:
            self._port.deaf = True
        elif fault is WireFault.REFUSED:
            self._port.refuse = True
            self._port.drop()
        loop.call_later(lasts_us / 1e6, self._heal)

    def _heal(self) -> None:
        assert self._port is not None
        self._port.refuse = False
        self._port.hear_again()

    async def _one(self, loop: VirtualLoop, link: ModbusLink, number: int) -> None:
        await link.up.wait()
        link.admit(UNIT, link.generation)
        keyed, result, device = self._keyed, self.result, self._device
        request = self._request()
        early = keyed.permille(EARLY_PERMILLE)
        result.requests += 1
        try:
            reply = await link.request(request, deadline_s=EARLY_S if early else 5.0)
        except LinkFailure as failure:
            outcome = str(failure.kind)
            if failure.kind is Failure.GIVEN_UP:
                result.gave_up += 1
            else:
                result.refused[outcome] += 1
        else:
            result.answered += 1
            outcome = " ".join(str(word) for word in reply.words)
            reason = _fault(request, reply.words, device)
            if reason:
                latest = ", ".join(self._spoiler.recent)
                result.wrong.append(f"seed {self._seed} {self._wire} request {number}: {reason}; answers: {latest}")
        self._trace.update(f"{loop.now_us} {request.function} {request.address} {outcome}\n".encode())

    def _request(self) -> Request:
        keyed = self._keyed
        address = keyed.below(REGISTERS - 16)
        if keyed.permille(WRITES_PERMILLE):
            count = keyed.between(1, 7)
            values = tuple(keyed.below(65_536) for _ in range(count))
            return Request(unit=UNIT, function=6 if count == 1 else 16, address=address, values=values)
        return Request(unit=UNIT, function=keyed.between(3, 4), address=address, count=keyed.between(1, 6))


def _fault(request: Request, words: tuple[int, ...], device: Changing) -> str:
    """Why an accepted answer is wrong ("" when it is right)."""
    if not request.is_read:
        if device.written != (request.address, request.values):
            return f"write to {request.address} acknowledged, the device holds {device.written}"
        return ""
    first, held = device.last
    own = held[request.address - first : request.address - first + request.count] if first <= request.address else ()
    return "" if own == words else f"asked {request.address} x{request.count}, got {words}, the device had {own}"


def by_catalogue(result: WireResult, wire: Wire) -> Counter[str]:
    """Injected faults by catalogue entry."""
    counts: Counter[str] = Counter()
    for fault, number in result.injected.items():
        counts[catalogue_id(fault, wire)] += number
    return counts


RESIDUAL_PPM = 30_000
"""Rate at which a fault that RTU can't refuse is injected where it is measured by itself."""


def residual(requests: int, seed: int) -> list[dict[str, Any]]:
    """Faults that an RTU wire can't refuse by itself, each alone at 3 %: how often was another answer taken?"""
    rows = []
    for wire in (Wire.RTU, Wire.RTU_TCP):
        for fault in RESIDUAL:
            if catalogue_id(fault, wire):
                found = run_wire(wire, requests, seed, rates={fault: RESIDUAL_PPM})
                rows.append(
                    {
                        "wire": str(wire), "fault": str(fault), "meaning": FAULTS[fault].meaning,
                        "requests": requests, "injected": found.injected[fault], "accepted": len(found.wrong),
                    }
                )  # fmt: skip
    return rows
