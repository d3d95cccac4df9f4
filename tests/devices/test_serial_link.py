"""Serial ports that break, fill, open late or not at all."""

import asyncio
import os
import socket
import threading
from typing import Any

import pytest
import serial

from devices import serial_link
from devices.address import parse_address
from devices.framing import LineFramer
from devices.serial_link import SerialLink
from tests.devices.linked import until


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

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *, fails: bool = False) -> None:
        self.opening, self.may_open = threading.Event(), threading.Event()
        self.may_open.set()
        self.ports: list[FakePort] = []
        self.frames: list[str] = []
        self.states: list[tuple[bool, str]] = []

        def open_(address: object) -> FakePort:
            self.opening.set()
            self.may_open.wait(5)
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
        opened = Opened(monkeypatch, fails=fails)
        opened.may_open.clear()
        opened.link.start()
        await until(opened.opening.is_set)
        await opened.link.stop()
        opened.may_open.set()
        await asyncio.get_running_loop().shutdown_default_executor()
        await until(lambda: all(port.closed for port in opened.ports))
        assert opened.states == []
        assert len(opened.ports) == (not fails)

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
