"""FB13: a proxy that delays, drops, doubles, slices and resets; no value of another request gets through."""

import asyncio
import random
from collections import Counter

import pytest

from devices.address import parse_address
from devices.modbus_link import LinkSettings, ModbusLink
from devices.requests import LinkFailure, Request
from tests.devices.wires import Registers, TcpSlave

REQUESTS = 400


class ChaosProxy(TcpSlave):
    """Damages replies by one seeded draw each."""

    FAULTS = ("late", "drop", "double", "slice", "wrong tid", "wrong unit", "short", "reset")
    SHARE = 0.01

    def __init__(self, device: Registers, seed: int) -> None:
        super().__init__(device)
        self.rng = random.Random(seed)
        self.hits: Counter[str] = Counter()

    async def deliver(self, writer: asyncio.StreamWriter, header: bytes, pdu: bytes) -> None:
        number = int(self.rng.random() / self.SHARE)
        fault = self.FAULTS[number] if number < len(self.FAULTS) else ""
        self.hits[fault] += 1
        frame = header[:4] + (len(pdu) + 1).to_bytes(2, "big") + header[6:7] + pdu
        match fault:
            case "late":
                asyncio.get_running_loop().call_later(self.rng.uniform(0.04, 0.12), _write, writer, frame)
            case "drop":
                return
            case "double":
                writer.write(frame + frame)
            case "slice":
                for byte in frame:
                    writer.write(bytes([byte]))
                    await writer.drain()
                    await asyncio.sleep(0)
            case "wrong tid":
                writer.write(bytes([frame[0], frame[1] ^ 1]) + frame[2:])
            case "wrong unit":
                writer.write(frame[:6] + b"\x09" + frame[7:])
            case "short":
                writer.write(header[:4] + b"\0\x05" + header[6:7] + bytes([3, 2]) + pdu[2:4])
            case "reset":
                writer.transport.abort()
            case _:
                writer.write(frame)


def _write(writer: asyncio.StreamWriter, frame: bytes) -> None:
    if not writer.transport.is_closing():
        writer.write(frame)


@pytest.mark.parametrize("seed", [1, 2])
def test_fb13_nothing_of_another_request_gets_through_a_chaotic_network(seed: int) -> None:
    async def story() -> None:
        proxy = ChaosProxy(Registers({a: a for a in range(1_000)}), seed)
        rng, answered = random.Random(seed), 0
        async with proxy:
            settings = LinkSettings(timeout_s=0.05)
            link = ModbusLink(parse_address(proxy.url), settings, now=lambda: 0, seed=seed)
            link.start()
            await link.up.wait()
            link.admit(1, link.generation)
            for _ in range(REQUESTS):
                address, count = rng.randrange(990), rng.randrange(2, 6)
                try:
                    reply = await link.request(Request(unit=1, function=3, address=address, count=count))
                except LinkFailure:
                    await link.up.wait()
                    link.admit(1, link.generation)
                    continue
                answered += 1
                assert reply.words == tuple(range(address, address + count))
            await link.stop()
        assert answered > REQUESTS * 0.6
        assert len(proxy.hits) > 4, proxy.hits

    asyncio.run(story())
