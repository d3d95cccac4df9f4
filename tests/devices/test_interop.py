"""Our link against Modbus programs that are not ours and not pymodbus."""

import asyncio
import os
import subprocess
import sys
import textwrap
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import minimalmodbus
import modbus_tk.defines as tk
import pytest
import serial
from modbus_tk import modbus_rtu, modbus_tcp

from devices.address import parse_address
from devices.modbus_link import LinkSettings, ModbusLink
from devices.requests import Failure, LinkFailure, Request
from tests.devices.wires import PtySlave, Registers


def _load(server: modbus_tcp.TcpServer | modbus_rtu.RtuServer) -> None:
    """Unit 1 with holding and input registers and coils."""
    slave = server.add_slave(1)
    slave.add_block("holding", tk.HOLDING_REGISTERS, 0, 200)
    slave.add_block("inputs", tk.ANALOG_INPUTS, 0, 200)
    slave.add_block("coils", tk.COILS, 0, 32)
    slave.set_values("holding", 0, [1000 + i for i in range(200)])
    slave.set_values("inputs", 0, [3000 + i for i in range(200)])


@pytest.fixture
def tcp_url() -> Iterator[str]:
    """modbus_tk slave over TCP."""
    server = modbus_tcp.TcpServer(address="127.0.0.1", port=0)
    _load(server)
    server.start()
    while not server._sock or not server._sock.getsockname()[1]:
        threading.Event().wait(0.01)
    yield f"tcp://127.0.0.1:{server._sock.getsockname()[1]}"
    server.stop()


@pytest.fixture
def rtu_url(tmp_path: Path) -> Iterator[str]:
    """modbus_tk slave over RTU: its serial port is one pty, ours another, bytes are carried between their masters."""
    theirs_master, theirs = os.openpty()
    ours_master, ours = os.openpty()
    for fd in (theirs_master, theirs, ours_master, ours):
        tty.setraw(fd)
    port = serial.Serial(os.ttyname(theirs), baudrate=115_200, timeout=0.005)
    server = modbus_rtu.RtuServer(port)
    _load(server)
    server.start()
    stop = threading.Event()
    pumps = [
        threading.Thread(target=_pump, args=(a, b, stop), daemon=True)
        for a, b in ((theirs_master, ours_master), (ours_master, theirs_master))
    ]
    for pump in pumps:
        pump.start()
    link = tmp_path / "bus"
    link.symlink_to(os.ttyname(ours))
    yield f"rtu://{link}?baud=115200"
    stop.set()
    server.stop()
    for pump in pumps:
        pump.join(1)
    for fd in (theirs_master, theirs, ours_master, ours):
        os.close(fd)


def _pump(source: int, target: int, stop: threading.Event) -> None:
    os.set_blocking(source, False)
    while not stop.is_set():
        try:
            os.write(target, os.read(source, 512))
        except OSError:
            stop.wait(0.001)


async def _suite(url: str) -> None:
    """The same requests over every transport."""
    settings = LinkSettings(timeout_s=0.5, late_window_s=0.1, readable=((3, 0, 200), (4, 0, 200)))
    link = ModbusLink(parse_address(url), settings, now=lambda: 0, seed=1)
    link.start()
    async with asyncio.timeout(5):
        await link.up.wait()
    link.admit(1, link.generation)
    for address in (0, 7, 7, 190):
        assert (await link.request(Request(unit=1, function=3, address=address, count=5))).words == tuple(
            range(1000 + address, 1005 + address)
        )
    assert (await link.request(Request(unit=1, function=4, address=0, count=105))).words == tuple(range(3000, 3105))
    await link.request(Request(unit=1, function=6, address=3, values=(42,)))
    await link.request(Request(unit=1, function=16, address=4, values=(1, 2, 3, 4, 5, 6, 7)))
    written = await link.request(Request(unit=1, function=3, address=3, count=8))
    assert written.words == (42, 1, 2, 3, 4, 5, 6, 7)
    await link.request(Request(unit=1, function=5, address=2, values=(1,)))
    await link.request(Request(unit=1, function=15, address=4, values=(1, 0, 1)))
    coils = await link.request(Request(unit=1, function=1, address=0, count=8))
    assert coils.words == (0, 0, 1, 0, 1, 0, 1, 0)
    with pytest.raises(LinkFailure) as caught:
        await link.request(Request(unit=1, function=3, address=500))
    assert caught.value.kind is Failure.EXCEPTION
    assert (await link.request(Request(unit=1, function=3, address=1))).words == (1001,)
    await link.stop()


def test_our_link_reads_and_writes_a_modbus_tk_slave_over_tcp(tcp_url: str) -> None:
    asyncio.run(_suite(tcp_url))


def test_our_link_reads_and_writes_a_modbus_tk_slave_over_rtu_on_a_pty(rtu_url: str) -> None:
    asyncio.run(_suite(rtu_url))


MASTER = """
    import sys, minimalmodbus
    device = minimalmodbus.Instrument(sys.argv[1], 1)
    device.serial.baudrate = 115200
    device.serial.timeout = 1.0
    assert device.read_registers(5, 3) == [1005, 1006, 1007]
    device.write_register(9, 77, functioncode=6)
    device.write_registers(20, [1, 2, 3])
    assert device.read_register(9) == 77
    assert device.read_registers(20, 3) == [1, 2, 3]
    print("ok")
"""


def test_the_slave_of_our_tests_satisfies_minimalmodbus_so_the_rules_are_tested_on_real_frames(tmp_path: Path) -> None:
    """The RTU slave that the rules are tried on is no private dialect: an independent master accepts it."""

    async def story() -> str:
        device = Registers({address: 1000 + address for address in range(64)})
        async with PtySlave(device, str(tmp_path / "bus")):
            process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-c",
                textwrap.dedent(MASTER),
                str(tmp_path / "bus"),
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
            )
            output, _ = await asyncio.wait_for(process.communicate(), 30)
        return output.decode()

    assert minimalmodbus.MODE_RTU == "rtu"
    assert asyncio.run(story()).strip() == "ok"
