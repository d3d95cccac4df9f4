"""The whole lane of simulated devices: bodies on the belt become edges, codes, weights and lines on the wires."""

import asyncio
import json
import os
import struct
import subprocess
import sys
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import serial
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from lane.model.words import Route
from sim.wire.control import ControlClient

SPEED = 10
TOKEN = [0xA1B2, 0xC3D4]
UP_S_MAX = 20.0


class Lane:
    """A wire twin as a process, and plain clients of its devices."""

    def __init__(self, folder: Path, *, parcels: int = 3, seed: int = 4) -> None:
        self.truth_file = folder / "truth.jsonl"
        sockets = folder if len(str(folder)) < 80 else Path("/tmp")
        control = sockets / f"c{os.getpid()}.sock"
        arguments = ["--parcels", str(parcels), "--seed", str(seed), "--speed", str(SPEED), "--leashed"]
        arguments += ["--addresses", str(folder / "a.json"), "--truth", str(self.truth_file), "--control", str(control)]
        self.process = subprocess.Popen([sys.executable, "-m", "sim.wire", *arguments], stdin=subprocess.PIPE)
        end = time.monotonic() + UP_S_MAX
        while not (folder / "a.json").exists():
            assert self.process.poll() is None
            assert time.monotonic() < end
            time.sleep(0.02)
        self.addresses: dict[str, str] = json.loads((folder / "a.json").read_text())
        self.control = ControlClient(control)
        self.io = self._tcp("io")
        self.source = self._tcp("source")
        self.cabinet = self._tcp("cabinet")
        self.drive = ModbusSerialClient(self._path("drive"), baudrate=115_200)
        assert self.drive.connect()
        self.beat_no = 0

    def _tcp(self, role: str) -> ModbusTcpClient:
        client = ModbusTcpClient("127.0.0.1", port=int(self.addresses[role].rpartition(":")[2]))
        assert client.connect()  # type: ignore[no-untyped-call]
        return client

    def _path(self, role: str) -> str:
        return self.addresses[role].partition("://")[2].partition("?")[0]

    def serial(self, role: str) -> serial.Serial:
        return serial.Serial(self._path(role), 115_200, timeout=0)

    def own(self, address: int, *values: int) -> None:
        """A write of the lane I/O's owner."""
        self.io.write_registers(0x30, TOKEN)
        assert not self.io.write_registers(address, [*values, *TOKEN]).isError()

    def beat(self) -> None:
        self.beat_no += 1
        self.own(0x10, self.beat_no)
        for client in (self.source, self.cabinet):
            client.write_register(0x10, self.beat_no)
        self.drive.read_holding_registers(0x2100, count=6)

    def start(self) -> None:
        self.beat()
        self.own(0x14, 1)
        self.source.write_register(0x11, 1)
        self.drive.write_register(0x2001, 500)
        self.drive.write_register(0x2000, 1)

    def truth(self) -> dict[str, Any]:
        return self.control.do("truth")

    def facts(self, kind: str) -> list[dict[str, Any]]:
        facts = [json.loads(line) for line in self.truth_file.read_text().splitlines()]
        return [fact for fact in facts if fact["kind"] == kind]

    def close(self) -> None:
        for client in (self.io, self.source, self.cabinet, self.drive):
            client.close()  # type: ignore[no-untyped-call]
        assert self.process.stdin is not None
        self.process.stdin.close()
        assert self.process.wait(20) == 0


@pytest.fixture
def lane(tmp_path: Path) -> Iterator[Lane]:
    twin = Lane(tmp_path)
    yield twin
    twin.close()


def run_until_empty(lane: Lane, parcels: int, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while lane.truth()["left"] < parcels:
        assert time.monotonic() < end
        lane.beat()
        time.sleep(0.02)


def test_bodies_become_codes_weights_edges_and_lines(lane: Lane) -> None:
    reader, scale = lane.serial("reader"), lane.serial("scale")
    lane.start()
    run_until_empty(lane, 3)
    heard = reader.read(4_096)
    codes = [frame.split(b"|")[0].strip(b"\x02") for frame in heard.split(b"\r\n") if b"|" in frame]
    truth_codes = [fact["text"] or "NOREAD" for fact in lane.facts("CODE") if fact["where"] == "reader"]
    assert codes == [code.encode() for code in truth_codes]
    weights = [line for line in scale.read(4_096).split(b"\r\n") if line.startswith(b"S S")]
    assert len(weights) == 3
    assert all(fact["text"] == Route.INSPECT for fact in lane.facts("LEFT"))
    counters = lane.io.read_input_registers(0x100 + 8, count=14).registers
    assert struct.unpack(">7I", struct.pack(">14H", *counters)) == (3, 3, 3, 3, 0, 3, 0)
    reader.close()
    scale.close()


def test_devices_become_safe_alone_when_the_core_is_silent(lane: Lane) -> None:
    lane.beat()
    lane.own(0x20, 1, 60_000, 0, 0, 0, 0, 1_000)
    lane.start()
    time.sleep(0.1)
    before = lane.truth()
    assert (before["valve"], before["beam"], before["tripped"]) == (True, True, False)
    time.sleep(1.0)
    after = lane.truth()
    assert (after["valve"], after["gate"], after["beam"], after["tripped"]) == (False, "INSPECT", False, True)
    assert (after["speed_um_s"], after["drive_fault"]) == (0, 72)
    assert [fact["fault"] for fact in lane.facts("DRIVE")] == [0, 72]


def test_emergency_stop_stops_belt_and_beam_and_nothing_starts_again_by_itself(lane: Lane) -> None:
    lane.start()
    time.sleep(0.2)
    lane.control.do("safety", set={"estop_released": False})
    time.sleep(0.2)
    for _ in range(3):
        lane.beat()
    stopped = lane.truth()
    assert (stopped["speed_um_s"], stopped["beam"]) == (0, False)
    assert lane.cabinet.read_input_registers(0, count=8).registers[3] & 0b11111 == 0b01100
    lane.control.do("safety", set={"estop_released": True})
    lane.beat()
    assert (lane.truth()["speed_um_s"], lane.truth()["beam"]) == (0, False)


def test_frozen_life_counter_stands_and_restarted_io_counts_its_boots(lane: Lane) -> None:
    lane.control.do("io_freeze", on=True)
    first = lane.io.read_input_registers(0, count=9).registers
    time.sleep(0.05)
    second = lane.io.read_input_registers(0, count=9).registers
    assert first[2] == second[2]
    lane.control.do("io_freeze", on=False)
    lane.control.do("io_restart")
    third = lane.io.read_input_registers(0, count=9).registers
    assert (third[1], third[2] > second[2]) == (2, True)


def test_detector_sends_calibration_and_then_lines_while_belt_and_beam_run(lane: Lane) -> None:
    async def frames() -> list[bytes]:
        host, _, port = lane.addresses["detector"].partition("://")[2].partition(":")
        reader, writer = await asyncio.open_connection(host, int(port))
        lane.start()
        received = [await asyncio.wait_for(reader.readexactly(2_588), 10) for _ in range(64)]
        writer.close()
        return received

    received = asyncio.run(frames())
    headers = [struct.unpack_from("<4sHHIIQ", frame) for frame in received]
    assert {(magic, columns) for magic, _, columns, *_ in headers} == {(b"LXL1", 640)}
    assert [flags for _, flags, *_ in headers] == [0x8004] * 16 + [0x8008] * 16 + [0x8000] * 32
    live = [encoder for *_, encoder, _ in headers[32:]]
    assert [b - a for a, b in pairwise(live)] == [12] * 31


def test_orders_that_nobody_knows_are_refused(lane: Lane) -> None:
    with pytest.raises(RuntimeError, match="unknown order 'explode'"):
        lane.control.do("explode")
    with pytest.raises(RuntimeError, match="seconds: expected more than 0"):
        lane.control.do("tcp_black_hole", role="io", seconds=-1)
    with pytest.raises(RuntimeError, match="expected estop_released"):
        lane.control.do("safety", set={"gravity": False})
    with pytest.raises(RuntimeError, match="AttributeError"):
        lane.control.do("safety", set=["estop_released"])
    with pytest.raises(RuntimeError, match="OverflowError"):
        lane.control.do("tcp_refuse", role="io", seconds=10**400)
    assert lane.control.do("truth")["ok"], "what nobody can obey ends nothing"
