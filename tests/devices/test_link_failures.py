"""Links whose port, line, device or caller fails in the middle: nothing is taken for an answer, and the next one is."""

import asyncio
import contextlib
import os
import socket
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any

import pytest
import serial
from pymodbus.exceptions import ModbusIOException

from devices import link_client, modbus_link, serial_link
from devices.address import parse_address
from devices.capture import CaptureRing
from devices.framing import LineFramer
from devices.link_client import WireClient
from devices.modbus_link import LinkSettings, ModbusLink
from devices.requests import Failure, LinkFailure, Request
from devices.serial_link import SerialLink
from tests.devices.linked import SETTINGS, linked, read, registers
from tests.devices.wires import PtySlave, TcpSlave


async def until(done: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for something, at most for a time."""
    async with asyncio.timeout(seconds):
        while not done():  # noqa: ASYNC110  # what is waited for has no event of its own
            await asyncio.sleep(0.002)


# -- the wire


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
        async with TcpSlave(lambda unit, pdu: None) as slave:
            address = parse_address(slave.url)
            ring = CaptureRing(address.key)
            client = WireClient(address, now=lambda: 0, capture=ring, on_lost=lambda: lost.append("lost"))
            assert await client.connect(1.0)
            client._connection(True)
            assert lost == []
            waiting = asyncio.create_task(client.transact(read(), 5.0))
            await asyncio.sleep(0.02)
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


# -- the link


def test_a_unit_proven_safe_on_an_earlier_connection_is_not_on_this_one() -> None:
    async def story() -> None:
        async with linked(TcpSlave(registers())) as link:
            before = link.generation
            link.reopen()
            await link.up.wait()
            link.admit(1, before)
            with pytest.raises(LinkFailure, match="safe state not proven yet"):
                await link.request(read())
            link.admit(1, link.generation)
            assert (await link.request(read())).words == (1000,)

    asyncio.run(story())


def test_a_line_that_breaks_while_its_silence_is_kept_sends_nothing_more_on_it(tmp_path: Path) -> None:
    async def story() -> None:
        device = registers()
        async with linked(PtySlave(device, str(tmp_path / "bus")), LinkSettings(timeout_s=0.2, guard_s=0.15)) as link:
            await link.request(read(1))
            waiting = asyncio.create_task(link.request(read(2)))
            await asyncio.sleep(0.03)
            link.reopen()
            with pytest.raises(LinkFailure) as caught:
                await waiting
            assert caught.value.kind is Failure.DISCONNECTED
            await until(lambda: link.generation == 2)
            assert len(device.requests) == 1
            link.admit(1, link.generation)
            assert (await link.request(read(3))).words == (1003,)

    asyncio.run(story())


def test_a_silence_that_nobody_waits_for_any_more_ends_like_any_other() -> None:
    async def story() -> None:
        async with linked(TcpSlave(registers())) as link:
            silence = asyncio.create_task(link.silence(0.05))
            await asyncio.sleep(0.01)
            silence.cancel()
            assert (await link.request(read(4))).words == (1004,)
            await link.silence(0.01)

    asyncio.run(story())


def test_a_silence_has_no_frame() -> None:
    with pytest.raises(AssertionError, match="a pause sends nothing"):
        modbus_link._never()


def test_a_read_is_padded_only_inside_the_range_that_holds_it(tmp_path: Path) -> None:
    async def story() -> None:
        device = registers()
        settings = LinkSettings(timeout_s=0.2, readable=((4, 10, 20), (3, 0, 8), (3, 10, 12)))
        async with linked(PtySlave(device, str(tmp_path / "bus")), settings) as link:
            answers = [(await link.request(read(10, 2))).words for _ in range(2)]
            assert answers == [(1010, 1011)] * 2
            assert link.figures.padded == 0, "the range is the read itself: no register more, on neither side"
            assert (await link.request(read(6, 2))).words == (1006, 1007)
            assert link.figures.padded == 1
            assert device.requests[-1][1:5] == b"\0\5\0\3", "the one before it"

    asyncio.run(story())


def test_a_line_unplugged_in_the_middle_of_a_transaction_is_lost_at_once_and_found_again(tmp_path: Path) -> None:
    async def story() -> None:
        device = registers()

        def unplugs(unit: int, pdu: bytes) -> bytes | None:
            if pdu[2] == 9:
                slave.unplug()
                return None
            return device(unit, pdu)

        slave = PtySlave(unplugs, str(tmp_path / "bus"))
        async with linked(slave) as link:
            with pytest.raises(LinkFailure) as caught:
                await link.request(read(9))
            assert caught.value.kind is Failure.DISCONNECTED
            assert not link.up.is_set()
            slave.plug()
            await link.up.wait()
            link.admit(1, link.generation)
            assert (await link.request(read(3))).words == (1003,)

    asyncio.run(story())


def test_a_failure_that_comes_after_its_caller_gave_up_still_costs_the_connection() -> None:
    async def story() -> None:
        slave = TcpSlave(registers())
        async with linked(slave) as link:
            slave.black_hole = True
            with pytest.raises(LinkFailure) as caught:
                await link.request(read(1), deadline_s=0.02)
            assert caught.value.kind is Failure.GIVEN_UP
            await until(lambda: link.figures.failures[Failure.TIMEOUT] == 1)
            slave.black_hole = False
            await until(lambda: link.generation == 2)

    asyncio.run(story())


def test_a_link_that_was_never_begun_stops_and_answers_nobody() -> None:
    async def story() -> None:
        link = ModbusLink(parse_address("tcp://127.0.0.1:9"), SETTINGS, now=lambda: 0)
        await link.stop()
        with pytest.raises(LinkFailure) as caught:
            await link.request(read())
        assert caught.value.kind is Failure.DISCONNECTED

    asyncio.run(story())


# -- serial ports


class FakePort:
    """A serial port over a socket pair; reading or writing it may fail."""

    def __init__(self) -> None:
        self.here, self.there = socket.socketpair()
        self.here.setblocking(False)
        self.read_error: Exception | None = None
        self.write_error: Exception | None = None
        self.room = 1 << 20
        self.closed = False

    def fileno(self) -> int:
        return self.here.fileno()

    def read(self, size: int) -> bytes:
        if self.read_error is not None:
            raise self.read_error
        return self.here.recv(size)

    def write(self, data: bytes) -> int:
        if self.write_error is not None:
            raise self.write_error
        return self.here.send(data[: self.room])

    def close(self) -> None:
        self.closed = True
        self.here.close()
        self.there.close()


class Opened:
    """A serial link on fake ports, with what it said."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, opens_after_s: float = 0.0, fails: bool = False) -> None:
        self.ports: list[FakePort] = []
        self.frames: list[str] = []
        self.states: list[tuple[bool, str]] = []

        def open_(address: object) -> FakePort:
            time.sleep(opens_after_s)
            if fails:
                raise serial.SerialException("no such port")
            self.ports.append(FakePort())
            return self.ports[-1]

        monkeypatch.setattr(serial_link, "_open", open_)
        self.link = SerialLink(
            parse_address("serial:///dev/ttyX?baud=9600"),
            LineFramer(),
            now=lambda: 7,
            on_frame=lambda frame, at_us: self.frames.append(frame),
            on_state=lambda is_open, reason: self.states.append((is_open, reason)),
            seed=1,
        )

    async def open(self, count: int = 1) -> FakePort:
        """The port of the n-th opening."""
        if self.link.task is None:
            self.link.start()
        await until(lambda: self.states.count((True, "")) == count)
        return self.ports[-1]


def test_bytes_are_written_to_an_open_port_only(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        opened = Opened(monkeypatch)
        assert not opened.link.write(b"T\r\n")
        port = await opened.open()
        assert opened.link.write(b"T\r\n")
        assert port.there.recv(10) == b"T\r\n"
        port.room = 1
        assert not opened.link.write(b"T\r\n"), "a full buffer took a part of it"
        assert [(record.sent, record.data) for record in opened.link.capture.records()] == [(True, b"T\r\n")] * 2
        await opened.link.stop()
        assert port.closed

    asyncio.run(story())


@pytest.mark.parametrize("how", ["write", "read", "hang-up"])
def test_a_port_that_breaks_is_told_closed_and_opened_anew(how: str, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        opened = Opened(monkeypatch)
        port = await opened.open()
        port.there.send(b"on")
        await until(lambda: len(list(opened.link.capture.records())) == 1)
        port.there.send(b"e\r\ntw")
        await until(lambda: opened.frames == ["one"])
        if how == "write":
            port.write_error = OSError(5, "Input/output error")
            assert not opened.link.write(b"T\r\n")
        elif how == "read":
            port.read_error = serial.SerialException("device disconnected")
            port.there.send(b"o")
        else:
            port.there.shutdown(socket.SHUT_WR)
        second = await opened.open(2)
        assert port.closed
        assert opened.states[1][0] is False
        assert {"write": "Input/output", "read": "disconnected", "hang-up": "hang-up"}[how] in opened.states[1][1]
        assert opened.link.reconnects == 1
        second.there.send(b"three\r\n")
        await until(lambda: opened.frames == ["one", "three"])  # what was cut is not joined to what comes
        await opened.link.stop()

    asyncio.run(story())


@pytest.mark.parametrize("fails", [False, True])
def test_a_port_that_opens_after_the_end_is_closed_again(fails: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        opened = Opened(monkeypatch, opens_after_s=0.1, fails=fails)
        opened.link.start()
        await asyncio.sleep(0.02)
        await opened.link.stop()
        await asyncio.sleep(0.2)
        assert opened.states == []
        assert [port.closed for port in opened.ports] == ([] if fails else [True])

    asyncio.run(story())


def test_a_port_that_can_not_be_opened_is_tried_again_with_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    async def story() -> None:
        pauses: list[float] = []

        async def pause(self: SerialLink, delay_s: float) -> None:
            pauses.append(delay_s)
            await asyncio.sleep(0)

        monkeypatch.setattr(SerialLink, "_pause", pause)
        opened = Opened(monkeypatch, fails=True)
        opened.link.start()
        await until(lambda: len(pauses) >= 4)
        await opened.link.stop()
        assert pauses[:4] == [0.1, 0.2, 0.4, 0.5]
        assert opened.states == []

    asyncio.run(story())


def test_a_serial_link_that_was_never_begun_stops() -> None:
    async def story() -> None:
        states: list[Any] = []
        link = SerialLink(
            parse_address(f"serial://{os.devnull}?baud=9600"),
            LineFramer(),
            now=lambda: 0,
            on_frame=lambda frame, at_us: None,
            on_state=lambda is_open, reason: states.append(is_open),
        )
        await link.stop()
        assert states == []

    asyncio.run(story())
