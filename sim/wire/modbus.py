"""Modbus requests in, replies out; pure. The device side of the wire, sharing no code with the drivers.

TCP frame:  transaction u16 | protocol 0 u16 | length u16 | unit u8 | PDU
RTU frame:  unit u8 | PDU | CRC-16 (low byte first)

What the cutters below must survive, in the order in which real lines do it:

1. several requests in one TCP segment: all are cut, in order;
2. a request in pieces: the rest is awaited;
3. noise before or between RTU frames: dropped at the next silence (the port's timer calls ``drop``);
4. a damaged RTU frame: silence, never an exception reply.

Source: Modbus Application Protocol V1.1b3, sections 4 to 7; Modbus over Serial Line V1.02, section 2.5.
"""

import struct
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from pymodbus.framer import FramerRTU

READ_HOLDING = 3
READ_INPUT = 4
WRITE_ONE = 6
WRITE_MANY = 16

ILLEGAL_FUNCTION = 1
ILLEGAL_ADDRESS = 2
ILLEGAL_VALUE = 3

READ_MAX = 125
"""Registers in one read: the reply must fit one 253-byte PDU."""
WRITE_MAX = 123
"""Registers in one write: the request must fit one 253-byte PDU."""
TCP_LENGTH_MAX = 254
"""Unit byte and PDU of one TCP frame."""
RTU_FRAME_MAX = 256
"""Bytes of one RTU frame."""
BROADCAST = 0
"""RTU unit number that all units obey and none answers."""


class ModbusRefusal(Exception):
    """The device refuses a request with this exception code (1 function, 2 address, 3 count or value)."""

    def __init__(self, code: int) -> None:
        super().__init__(f"Modbus exception {code}")
        self.code = code


@dataclass(frozen=True, slots=True, kw_only=True)
class Block:
    """A run of registers that is read as one consistent snapshot and written together.

    ``read`` gives all ``count`` registers. ``write(offset, values)`` applies a write inside the block (None: read
    only). ``whole`` True: a write must cover the block exactly.
    """

    first: int
    count: int
    read: Callable[[], Sequence[int]]
    write: Callable[[int, Sequence[int]], None] | None = None
    whole: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Bank:
    """Registers of one unit. ``functions``: the function codes it knows; ``read_max``: registers in one read."""

    inputs: tuple[Block, ...] = ()
    holdings: tuple[Block, ...] = ()
    functions: frozenset[int] = frozenset({READ_HOLDING, READ_INPUT, WRITE_ONE, WRITE_MANY})
    read_max: int = READ_MAX
    fed: Callable[[], None] | None = None
    """Called at every valid frame to this unit (a communication watchdog that any frame feeds)."""


def answer(bank: Bank, pdu: bytes) -> bytes:
    """Reply PDU to one request PDU: data, echo, or an exception."""
    function = pdu[0]
    if bank.fed is not None:
        bank.fed()
    try:
        if function not in bank.functions:
            raise ModbusRefusal(ILLEGAL_FUNCTION)
        match function:
            case 3 | 4:
                return _read(bank, function, pdu)
            case 6:
                return _write_one(bank, pdu)
            case 16:
                return _write_many(bank, pdu)
            case _:
                raise ModbusRefusal(ILLEGAL_FUNCTION)
    except ModbusRefusal as refusal:
        return bytes((function | 0x80, refusal.code))


def _read(bank: Bank, function: int, pdu: bytes) -> bytes:
    if len(pdu) != 5:
        raise ModbusRefusal(ILLEGAL_VALUE)
    address, count = struct.unpack(">HH", pdu[1:])
    if not 1 <= count <= bank.read_max:
        raise ModbusRefusal(ILLEGAL_VALUE)
    block, offset = _find(bank.inputs if function == READ_INPUT else bank.holdings, address, count)
    values = block.read()[offset : offset + count]
    return struct.pack(f">BB{count}H", function, 2 * count, *values)


def _write_one(bank: Bank, pdu: bytes) -> bytes:
    if len(pdu) != 5:
        raise ModbusRefusal(ILLEGAL_VALUE)
    address, value = struct.unpack(">HH", pdu[1:])
    _write(bank, address, (value,))
    return pdu


def _write_many(bank: Bank, pdu: bytes) -> bytes:
    if len(pdu) < 6:
        raise ModbusRefusal(ILLEGAL_VALUE)
    address, count, size = struct.unpack(">HHB", pdu[1:6])
    if not 1 <= count <= WRITE_MAX or size != 2 * count or len(pdu) != 6 + size:
        raise ModbusRefusal(ILLEGAL_VALUE)
    _write(bank, address, struct.unpack(f">{count}H", pdu[6:]))
    return pdu[:5]


def _write(bank: Bank, address: int, values: Sequence[int]) -> None:
    block, offset = _find(bank.holdings, address, len(values))
    if block.write is None:
        raise ModbusRefusal(ILLEGAL_ADDRESS)
    if block.whole and (offset != 0 or len(values) != block.count):
        raise ModbusRefusal(ILLEGAL_VALUE)
    block.write(offset, values)


def _find(blocks: Sequence[Block], address: int, count: int) -> tuple[Block, int]:
    for block in blocks:
        if block.first <= address and address + count <= block.first + block.count:
            return block, address - block.first
    raise ModbusRefusal(ILLEGAL_ADDRESS)


@dataclass(frozen=True, slots=True)
class TcpRequest:
    """One cut TCP request."""

    transaction: int
    unit: int
    pdu: bytes


class TcpCutter:
    """Cuts a TCP byte stream into requests."""

    def __init__(self) -> None:
        self._buffer = bytearray()

    def feed(self, data: bytes) -> list[TcpRequest]:
        """Requests completed by these bytes.

        Raises ``ValueError`` when the stream is no Modbus TCP: there is no way back into step, the port hangs up.
        """
        self._buffer += data
        requests = []
        while len(self._buffer) >= 7:
            transaction, protocol, length, unit = struct.unpack_from(">HHHB", self._buffer)
            if protocol != 0 or not 2 <= length <= TCP_LENGTH_MAX:
                raise ValueError(f"expected a Modbus TCP header, was {bytes(self._buffer[:7]).hex(' ')}")
            if len(self._buffer) < 6 + length:
                break
            requests.append(TcpRequest(transaction, unit, bytes(self._buffer[7 : 6 + length])))
            del self._buffer[: 6 + length]
        return requests


def tcp_reply(request: TcpRequest, pdu: bytes) -> bytes:
    """The reply frame to a request."""
    return struct.pack(">HHHB", request.transaction, 0, len(pdu) + 1, request.unit) + pdu


class RtuCutter:
    """Cuts RTU frames by the length rule of their function code; a wrong CRC or an unknown function waits for the
    silence that ends a frame."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self.dropped = 0
        """Bytes thrown away as noise."""

    @property
    def waiting(self) -> bool:
        """Whether bytes wait for the rest of their frame (then the port arms its silence timer)."""
        return bool(self._buffer)

    def feed(self, data: bytes) -> list[tuple[int, bytes]]:
        """(unit, PDU) pairs completed by these bytes."""
        self._buffer += data
        frames = []
        while (size := self._size()) and len(self._buffer) >= size:
            frame = bytes(self._buffer[:size])
            if not crc_fits(frame):
                break
            frames.append((frame[0], frame[1:-2]))
            del self._buffer[:size]
        if len(self._buffer) > RTU_FRAME_MAX:
            self.drop()
        return frames

    def drop(self) -> tuple[int, bytes] | None:
        """The line was silent: what is left is a frame of unknown function with a good CRC, or noise."""
        frame = bytes(self._buffer)
        self._buffer.clear()
        if 4 <= len(frame) <= RTU_FRAME_MAX and crc_fits(frame):
            return frame[0], frame[1:-2]
        self.dropped += len(frame)
        return None

    def _size(self) -> int:
        """Whole length of the frame at the start of the buffer; 0: not known yet."""
        if len(self._buffer) < 2:
            return 0
        match self._buffer[1]:
            case 1 | 2 | 3 | 4 | 5 | 6:
                return 8
            case 15 | 16:
                return 9 + self._buffer[6] if len(self._buffer) > 6 else 0
            case _:
                return 0


def crc_fits(frame: bytes) -> bool:
    """Whether the last two bytes are the CRC-16 of those before."""
    return FramerRTU.check_CRC(frame[:-2], int.from_bytes(frame[-2:], "big"))


def rtu_frame(unit: int, pdu: bytes) -> bytes:
    """Unit, PDU and CRC."""
    body = bytes((unit,)) + pdu
    return body + FramerRTU.compute_CRC(body).to_bytes(2, "big")


def rtu_reply(units: Mapping[int, Bank], unit: int, pdu: bytes) -> bytes | None:
    """Reply frame of the addressed unit; None: nobody answers (unknown unit, broadcast)."""
    if unit == BROADCAST:
        if pdu[0] in (WRITE_ONE, WRITE_MANY):
            for everyone in units.values():
                answer(everyone, pdu)
        return None
    bank = units.get(unit)
    return None if bank is None else rtu_frame(unit, answer(bank, pdu))


def silence_us(baud: int) -> int:
    """1.5 x t3.5: how long the line must be silent before leftovers are noise.

    t3.5 is 3.5 characters of 11 bits, and fixed at 1,750 us above 19,200 baud (Serial Line V1.02, 2.5.1.1).
    """
    t35_us = 1_750 if baud > 19_200 else 38_500_000 // baud
    return t35_us * 3 // 2
