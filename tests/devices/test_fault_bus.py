"""FB1 to FB5, FB9, FB10: no value of another request ever reaches a caller."""

import asyncio
import random
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from devices.address import parse_address
from devices.modbus_link import TIMEOUT_S_MIN, LinkSettings, ModbusLink
from devices.requests import Failure, LinkFailure, Request
from tests.devices.fault_bus import actor_run, plain_run
from tests.devices.wires import TcpSlave, crc

REQUESTS = 250
"""Few enough for a few seconds; the campaign of 20,000 and more is in tests/bench/bench_fault_bus.py."""


def test_fb1_the_actor_is_never_silently_wrong_where_the_plain_client_is(tmp_path: Path) -> None:
    async def story() -> None:
        for attempt in range(3):
            plain, actor = await asyncio.gather(
                plain_run(str(tmp_path / f"plain{attempt}"), 4 * REQUESTS),
                actor_run(str(tmp_path / f"actor{attempt}"), REQUESTS),
            )
            if not actor[1].void:
                break  # a busy machine that delays the injector itself voids a run
        assert actor[0].wrong == []
        assert actor[0].requests == REQUESTS
        assert actor[0].answered > REQUESTS * 0.6
        assert actor[1].late + actor[1].lost + actor[1].damaged > 5
        assert plain[0].wrong, "the bus must be bad enough to fool a plain client"

    asyncio.run(story())


class LateBus:
    """FB2: RTU frames over TCP, one line, requests served in order, some replies after the time-out."""

    def __init__(self, late: Callable[[int], float], seed: int = 1) -> None:
        self.late = late
        self.rng = random.Random(seed)
        self.served = 0
        self.tid_zero = False

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One connection."""
        try:
            while True:
                frame = await reader.readexactly(8)
                self.served += 1
                await asyncio.sleep(self.late(self.served))
                address, count = int.from_bytes(frame[2:4], "big"), int.from_bytes(frame[4:6], "big")
                body = frame[:2] + bytes([2 * count])
                body += b"".join(((address + i) & 0xFFFF).to_bytes(2, "big") for i in range(count))
                writer.write(body + crc(body))
        except (asyncio.IncompleteReadError, ConnectionError):
            return
        finally:
            writer.close()


async def _read_many(link: ModbusLink, reads: int, seed: int, pause_s: float = 0.0) -> tuple[int, int]:
    """Read one random register at a time; returns (answered, wrong)."""
    rng, answered, wrong = random.Random(seed), 0, 0
    for _ in range(reads):
        address = rng.randrange(1, 30_000)
        try:
            reply = await link.request(Request(unit=1, function=3, address=address))
        except LinkFailure:
            await link.up.wait()
            link.admit(1, link.generation)
            continue
        answered += 1
        wrong += reply.words != (address,)
        await asyncio.sleep(pause_s)
    return answered, wrong


@pytest.mark.parametrize(
    ("name", "share", "pause_s"),
    [("fb2 back to back", 0.05, 0.0), ("fb3 late once", 0.0, 0.0), ("fb4 gap", 0.05, 0.01)],
)
def test_fb2_fb3_fb4_late_replies_of_a_bus_behind_tcp_are_never_taken(name: str, share: float, pause_s: float) -> None:
    async def story() -> None:
        rng = random.Random(1)

        def late(number: int) -> float:
            if number == 6 or rng.random() < share:
                return TIMEOUT_S_MIN * rng.uniform(1.02, 1.9)
            return rng.uniform(0.001, 0.004)

        bus = LateBus(late)
        server = await asyncio.start_server(bus.serve, "127.0.0.1", 0)
        address = parse_address(f"rtutcp://127.0.0.1:{server.sockets[0].getsockname()[1]}")
        settings = LinkSettings(timeout_s=TIMEOUT_S_MIN, readable=((3, 0, 30_000),))
        link = ModbusLink(address, settings, now=lambda: 0, seed=1)
        link.start()
        await link.up.wait()
        link.admit(1, link.generation)
        answered, wrong = await _read_many(link, 120, seed=1, pause_s=pause_s)
        await link.stop()
        server.close()
        assert wrong == 0, name
        assert answered > 60

    asyncio.run(story())


class TidZero(TcpSlave):
    """FB5: answers under transaction id 0."""

    async def deliver(self, writer: asyncio.StreamWriter, header: bytes, pdu: bytes) -> None:
        await super().deliver(writer, b"\0\0" + header[2:], pdu)


def _block(unit: int, pdu: bytes) -> bytes:
    address, count = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
    words = [0xA500 + address // 100, *range(1, count)]
    return bytes([3, 2 * count]) + b"".join(word.to_bytes(2, "big") for word in words)


def test_fb5_transaction_id_zero_and_a_wrong_signature_are_refused() -> None:
    async def story() -> None:
        async with TidZero(_block) as zero, TcpSlave(_block) as good:
            for slave, signature, kind in ((zero, 0xA501, Failure.TRANSACTION_ID), (good, 0xA502, Failure.SIGNATURE)):
                link = ModbusLink(parse_address(slave.url), LinkSettings(), now=lambda: 0, seed=1)
                link.start()
                await link.up.wait()
                link.admit(1, link.generation)
                with pytest.raises(LinkFailure) as caught:
                    await link.request(Request(unit=1, function=3, address=100, count=4, signature=signature))
                assert caught.value.kind is kind
                await link.stop()

    asyncio.run(story())


def test_fb9_a_black_hole_is_noticed_by_our_own_time_out() -> None:
    async def story() -> None:
        async with TcpSlave(_block) as slave:
            link = ModbusLink(parse_address(slave.url), LinkSettings(timeout_s=0.3), now=lambda: 0, seed=1)
            link.start()
            await link.up.wait()
            link.admit(1, link.generation)
            slave.black_hole = True
            start = time.monotonic()
            with pytest.raises(LinkFailure) as caught:
                await link.request(Request(unit=1, function=3, address=100, count=4))
            assert caught.value.kind is Failure.TIMEOUT
            assert time.monotonic() - start < 2, "pymodbus' default is twelve seconds"
            slave.black_hole = False
            await link.up.wait()
            assert link.generation == 2
            await link.stop()

    asyncio.run(story())


class HangUp(TcpSlave):
    """FB10: reads a request and closes."""

    async def deliver(self, writer: asyncio.StreamWriter, header: bytes, pdu: bytes) -> None:
        writer.close()


def test_fb10_a_peer_that_closes_fails_the_open_request_at_once() -> None:
    async def story() -> None:
        async with HangUp(_block) as slave:
            link = ModbusLink(parse_address(slave.url), LinkSettings(timeout_s=5.0), now=lambda: 0, seed=1)
            link.start()
            await link.up.wait()
            link.admit(1, link.generation)
            start = time.monotonic()
            with pytest.raises(LinkFailure) as caught:
                await link.request(Request(unit=1, function=3, address=100, count=4))
            assert caught.value.kind is Failure.DISCONNECTED
            assert time.monotonic() - start < 2, "far below the time-out of five seconds"
            await link.stop()

    asyncio.run(story())
