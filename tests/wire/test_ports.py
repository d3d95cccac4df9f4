"""Independent Modbus masters against our simulated devices, over real sockets and pseudo terminals."""

import asyncio
import socket
import struct
from collections.abc import Coroutine, Sequence
from pathlib import Path
from typing import Any, TypeVar

import minimalmodbus
import modbus_tk.defines as tk
import modbus_tk.modbus_rtu
import modbus_tk.modbus_tcp
import pytest
import serial
from modbus_tk.exceptions import ModbusError
from pymodbus.client import AsyncModbusSerialClient, AsyncModbusTcpClient

from sim.wire.modbus import Bank, Block, rtu_frame
from sim.wire.modbus_port import ModbusPty, modbus_tcp
from sim.wire.pty_port import PtyPort
from sim.wire.tcp_port import TcpPort

T = TypeVar("T")
BAUD = 115_200


def registers(count: int = 64) -> tuple[list[int], Bank]:
    values = list(range(count))

    def write(offset: int, new: Sequence[int]) -> None:
        values[offset : offset + len(new)] = new

    block = Block(first=0, count=count, read=lambda: values, write=write)
    return values, Bank(inputs=(block,), holdings=(block,))


def run(work: Coroutine[Any, Any, T]) -> T:
    return asyncio.run(asyncio.wait_for(work, 30))


async def tcp(units: dict[int, Bank]) -> TcpPort:
    port = modbus_tcp(units)
    await port.start()
    return port


def test_modbus_tk_master_reads_and_writes_over_tcp() -> None:
    def talk(port: int) -> tuple[Any, ...]:
        master = modbus_tk.modbus_tcp.TcpMaster("127.0.0.1", port, timeout_in_sec=2)
        read = master.execute(1, tk.READ_INPUT_REGISTERS, 3, 4)
        one = master.execute(1, tk.WRITE_SINGLE_REGISTER, 5, output_value=99)
        many = master.execute(1, tk.WRITE_MULTIPLE_REGISTERS, 6, output_value=[7, 8])
        with pytest.raises(ModbusError) as refused:
            master.execute(1, tk.READ_HOLDING_REGISTERS, 63, 2)
        master.close()
        return read, one, many, refused.value.get_exception_code()

    async def work() -> None:
        values, bank = registers()
        port = await tcp({1: bank})
        assert await asyncio.to_thread(talk, port.port) == ((3, 4, 5, 6), (5, 99), (6, 2), 2)
        assert values[5:8] == [99, 7, 8]
        await port.stop()

    run(work())


def test_modbus_tk_and_minimalmodbus_masters_read_and_write_over_rtu(tmp_path: Path) -> None:
    def with_modbus_tk(path: str) -> Any:
        line = serial.Serial(path, BAUD)
        master = modbus_tk.modbus_rtu.RtuMaster(line)
        master.set_timeout(1.0)
        try:
            master.execute(2, tk.WRITE_SINGLE_REGISTER, 5, output_value=4711)
            return master.execute(2, tk.READ_HOLDING_REGISTERS, 4, 3)
        finally:
            line.close()

    def with_minimalmodbus(path: str) -> tuple[list[int], int]:
        instrument = minimalmodbus.Instrument(path, 1)
        instrument.serial.baudrate = BAUD
        instrument.serial.timeout = 1.0
        try:
            instrument.write_register(9, 1234, functioncode=6)
            instrument.write_registers(10, [5, 6])
            return instrument.read_registers(8, 5), instrument.read_register(3, functioncode=4)
        finally:
            instrument.serial.close()

    async def work() -> None:
        first, first_bank = registers()
        second, second_bank = registers()
        port = ModbusPty(tmp_path / "bus", {1: first_bank, 2: second_bank}, baud=BAUD)
        port.start()
        path = str(tmp_path / "bus")
        assert await asyncio.to_thread(with_modbus_tk, path) == (4, 4711, 6)
        assert await asyncio.to_thread(with_minimalmodbus, path) == ([8, 1234, 5, 6, 12], 3)
        assert (first[9], second[9]) == (1234, 9)
        port.stop()

    run(work())


def test_absent_unit_and_noise_are_silent_and_the_next_request_is_answered(tmp_path: Path) -> None:
    def talk(path: str) -> tuple[bytes, bytes]:
        line = serial.Serial(path, BAUD, timeout=0.3)
        line.write(rtu_frame(9, bytes.fromhex("0300000001")))
        absent = line.read(16)
        line.write(b"\x00\xff\x01\x03noise")
        line.read(1)
        line.write(rtu_frame(1, bytes.fromhex("0300020001")))
        heard = line.read(7)
        line.close()
        return absent, heard

    async def work() -> None:
        _, bank = registers()
        port = ModbusPty(tmp_path / "bus", {1: bank}, baud=BAUD)
        port.start()
        absent, heard = await asyncio.to_thread(talk, str(tmp_path / "bus"))
        assert absent == b""
        assert heard == rtu_frame(1, bytes.fromhex("03020002"))
        port.stop()

    run(work())


def test_five_requests_in_one_segment_are_all_answered_in_order() -> None:
    async def work() -> None:
        _, bank = registers()
        port = await tcp({1: bank})
        reader, writer = await asyncio.open_connection("127.0.0.1", port.port)
        requests = [struct.pack(">HHHBBHH", n, 0, 6, 1, 3, n, 1) for n in range(11, 16)]
        absent = struct.pack(">HHHBBHH", 99, 0, 6, 7, 3, 0, 1)
        writer.write(b"".join([*requests[:2], absent, *requests[2:]]))
        replies = await reader.readexactly(5 * 11)
        assert [struct.unpack(">HHHBBBH", replies[at : at + 11])[::6] for at in range(0, 55, 11)] == [
            (n, n) for n in range(11, 16)
        ]
        writer.close()
        await port.stop()

    run(work())


def test_black_hole_delivers_late_and_refusal_refuses_then_the_same_port_serves_again() -> None:
    async def work() -> None:
        _, bank = registers()
        port = await tcp({1: bank})
        number = port.port
        reader, writer = await asyncio.open_connection("127.0.0.1", number)
        hole = asyncio.create_task(port.black_hole(0.3))
        await asyncio.sleep(0)
        writer.write(struct.pack(">HHHBBHH", 1, 0, 6, 1, 3, 5, 1))
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(reader.readexactly(1), 0.15)
        await hole
        assert (await reader.readexactly(11))[-1] == 5
        refusal = asyncio.create_task(port.refuse(0.3))
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        with pytest.raises(ConnectionRefusedError):
            await asyncio.open_connection("127.0.0.1", number)
        await refusal
        client = AsyncModbusTcpClient("127.0.0.1", port=number)
        assert await client.connect()
        assert (await client.read_holding_registers(4, count=2, device_id=1)).registers == [4, 5]
        client.close()
        await port.stop()

    run(work())


def test_unplugged_serial_port_is_seen_and_comes_back_under_its_name(tmp_path: Path) -> None:
    async def work() -> None:
        _, bank = registers()
        port = ModbusPty(tmp_path / "bus", {1: bank}, baud=BAUD)
        port.start()
        link = tmp_path / "bus"
        path = str(link)
        client = AsyncModbusSerialClient(path, baudrate=BAUD, timeout=0.5, retries=0)
        assert await client.connect()
        assert (await client.read_holding_registers(3, count=1, device_id=1)).registers == [3]
        unplugged = asyncio.create_task(port.port.hang_up(0.2))
        await asyncio.sleep(0.05)
        assert not link.is_symlink()
        client.close()
        await unplugged
        assert link.is_symlink()
        again = AsyncModbusSerialClient(path, baudrate=BAUD, timeout=0.5, retries=0)
        assert await again.connect()
        assert (await again.read_holding_registers(3, count=1, device_id=1)).registers == [3]
        again.close()
        port.stop()

    run(work())


def test_serial_bytes_sent_while_nobody_listens_are_lost(tmp_path: Path) -> None:
    async def work() -> None:
        port = PtyPort(tmp_path / "line", lambda data: None, baud=9_600)
        port.start()
        port.send(b"lost")
        line = await asyncio.to_thread(serial.Serial, str(tmp_path / "line"), 9_600, timeout=1.0)
        port.send(b"heard")
        assert await asyncio.to_thread(line.read, 5) == b"heard"
        line.close()
        port.send(b"lost again")
        line = await asyncio.to_thread(serial.Serial, str(tmp_path / "line"), 9_600, timeout=1.0)
        port.send(b"heard too")
        assert await asyncio.to_thread(line.read, 9) == b"heard too"
        line.close()
        port.stop()

    run(work())


def test_socket_that_speaks_something_else_is_hung_up() -> None:
    async def work() -> None:
        _, bank = registers()
        port = await tcp({1: bank})
        reader, writer = await asyncio.open_connection("127.0.0.1", port.port)
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        with pytest.raises((ConnectionError, asyncio.IncompleteReadError)):
            await reader.readexactly(1)
        writer.close()
        await port.stop()

    run(work())


def test_peer_that_vanishes_leaves_the_port_serving_others() -> None:
    async def work() -> None:
        _, bank = registers()
        port = await tcp({1: bank})
        gone = socket.create_connection(("127.0.0.1", port.port))
        gone.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        gone.sendall(b"\x00\x01\x00")
        gone.close()
        client = AsyncModbusTcpClient("127.0.0.1", port=port.port)
        assert await client.connect()
        assert (await client.read_input_registers(1, count=1, device_id=1)).registers == [1]
        client.close()
        await port.stop()

    run(work())
