"""The wire under a link: ports that are not there, libraries that give up, and answers that only look like one."""

import asyncio
import contextlib
import socket
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import serial
from pymodbus.exceptions import ModbusIOException

from devices import link_client
from devices.address import parse_address
from devices.capture import CaptureRing
from devices.link_client import WireClient
from devices.requests import Failure, LinkFailure, Request
from tests.devices.linked import linked, read, registers, until
from tests.devices.wires import TcpSlave


def wire(url: str = "tcp://127.0.0.1:9") -> WireClient:
    address = parse_address(url)
    return WireClient(address, now=lambda: 0, capture=CaptureRing(address.key), on_lost=lambda: None)


def test_a_port_that_is_not_there_is_not_connected_and_carries_nothing(tmp_path: Path) -> None:
    async def story() -> None:
        client = wire(f"rtu://{tmp_path / 'gone'}?baud=9600")
        assert not await client.connect(0.2)
        with pytest.raises(LinkFailure) as caught:
            await client.transact(read(), 0.2)
        assert caught.value.kind is Failure.DISCONNECTED

    asyncio.run(story())


@pytest.mark.parametrize("address", ["refused", "black hole"])
def test_a_connection_that_is_refused_or_never_answered_is_none(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(self: object) -> bool:
        await asyncio.sleep(60)
        return True

    async def story() -> None:
        with socket.socket() as taken:
            taken.bind(("127.0.0.1", 0))  # bound and not listening
            client = wire(f"tcp://127.0.0.1:{taken.getsockname()[1]}")
            if address == "black hole":
                monkeypatch.setattr("pymodbus.client.AsyncModbusTcpClient.connect", never)
            assert not await client.connect(0.05)
            assert not client.connected

    asyncio.run(story())


@contextlib.asynccontextmanager
async def connected() -> AsyncIterator[WireClient]:
    async with TcpSlave(registers()) as slave:
        client = wire(slave.url)
        assert await client.connect(1.0)
        try:
            yield client
        finally:
            client.close()


@pytest.mark.parametrize(
    "error", [ModbusIOException("no"), OSError(5, "Input/output error"), serial.SerialException("unplugged")]
)
def test_a_library_that_gives_up_is_a_lost_connection(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    async def raises(client: object, request: Request) -> None:
        raise error

    async def story() -> None:
        async with connected() as client:
            monkeypatch.setattr(link_client, "_call", raises)
            with pytest.raises(LinkFailure) as caught:
                await client.transact(read(), 1.0)
            assert caught.value.kind is Failure.DISCONNECTED
            assert str(error) in str(caught.value)

    asyncio.run(story())


@pytest.mark.parametrize(
    ("answer", "kind"),
    [(b"", Failure.LENGTH), (b"\0\0\0\0\0\5\1\3\2\0\7", Failure.TRANSACTION_ID)],
    ids=["none", "of another transaction"],
)
def test_what_the_library_takes_for_an_answer_counts_only_when_the_envelope_passed_it(
    answer: bytes, kind: Failure, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        async with connected() as client:

            async def satisfied(_: object, request: Request) -> None:
                client._trace(True, b"\0\1\0\0\0\6\1\3\0\0\0\1")
                if answer:
                    assert client._trace(False, answer) == b"", "the library never sees it"

            monkeypatch.setattr(link_client, "_call", satisfied)
            with pytest.raises(LinkFailure) as caught:
                await client.transact(read(), 1.0)
            assert caught.value.kind is kind

    asyncio.run(story())


def test_a_connection_that_the_library_loses_ends_the_transaction_and_one_that_it_makes_ends_none() -> None:
    async def story() -> None:
        lost: list[str] = []
        heard: list[bytes] = []
        async with TcpSlave(lambda unit, pdu: heard.append(pdu)) as slave:
            address = parse_address(slave.url)
            ring = CaptureRing(address.key)
            client = WireClient(address, now=lambda: 0, capture=ring, on_lost=lambda: lost.append("lost"))
            assert await client.connect(1.0)
            client._connection(True)
            assert lost == []
            waiting = asyncio.create_task(client.transact(read(), 5.0))
            await until(lambda: bool(heard))
            slave.drop()
            with pytest.raises(LinkFailure, match="connection lost"):
                await waiting
            assert lost == ["lost"]

    asyncio.run(story())


def test_bytes_outside_a_transaction_are_captured_and_go_nowhere() -> None:
    async def story() -> None:
        async with connected() as client:
            assert client._trace(True, b"\0\1") == b"\0\1"
            assert client._trace(False, b"late") == b""
            assert [record.data for record in client._capture.records()] == [b"\0\1", b"late"]

    asyncio.run(story())


@pytest.mark.parametrize(
    ("request_", "words"),
    [
        (Request(unit=1, function=1, address=3, count=3), (1, 0, 1)),
        (Request(unit=1, function=2, address=3, count=3), (1, 0, 1)),
        (Request(unit=1, function=3, address=3), (1003,)),
        (Request(unit=1, function=4, address=3), (2003,)),
        (Request(unit=1, function=5, address=3, values=(1,)), ()),
        (Request(unit=1, function=6, address=3, values=(7,)), ()),
        (Request(unit=1, function=15, address=3, values=(1, 0, 1)), ()),
        (Request(unit=1, function=16, address=3, values=(7, 8)), ()),
    ],
    ids=lambda value: f"FC{value.function:02d}" if isinstance(value, Request) else "",
)
def test_every_function_code_of_the_profiles_is_sent_as_itself(request_: Request, words: tuple[int, ...]) -> None:
    device = registers()
    device.inputs = {3: 2003}

    def answer(unit: int, pdu: bytes) -> bytes | None:
        if pdu[0] in (1, 2):
            device.requests.append(pdu)
            return bytes([pdu[0], 1, 0b101])
        if pdu[0] in (5, 15):
            device.requests.append(pdu)
            return pdu[:5]
        return device(unit, pdu)

    async def story() -> None:
        async with linked(TcpSlave(answer)) as link:
            assert (await link.request(request_)).words == words
            assert [pdu[0] for pdu in device.requests] == [request_.function]
            assert all(pdu[1:3] == b"\0\3" for pdu in device.requests)

    asyncio.run(story())
