"""The device read envelope: checks 1 to 7 on the raw bytes of every reply. Pure.

A reply must be exactly one frame of exactly the length that the request asked for. Anything else is refused with the
first check that failed; the link then drops the connection (TCP) or keeps a quiet line (RTU).

Frames::

    TCP  [tid 2][0 2][length 2][unit 1][PDU]          Modbus messaging guide 1.0b, 3.1.3
    RTU  [unit 1][PDU][CRC 2, low byte first]         Modbus serial line 1.02, 2.5.1
"""

from dataclasses import dataclass

from devices.requests import READ_BITS, READ_WORDS, Failure, LinkFailure, Request

EXCEPTIONS = {
    1: "unknown function code",
    2: "address",
    3: "count or value",
    4: "device failure",
    5: "acknowledge",
    6: "busy",
    8: "memory parity",
    10: "gateway path",
    11: "gateway target silent",
}
"""Exception codes of the Modbus application protocol 1.1b3, section 7."""

_CRC_POLYNOMIAL = 0xA001


def _crc_table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ _CRC_POLYNOMIAL if crc & 1 else crc >> 1
        table.append(crc)
    return tuple(table)


_TABLE = _crc_table()


def crc16(data: bytes) -> int:
    """CRC-16 of Modbus RTU: polynomial 0xA001 reflected, start 0xFFFF; sent low byte first."""
    crc = 0xFFFF
    for byte in data:
        crc = (crc >> 8) ^ _TABLE[(crc ^ byte) & 0xFF]
    return crc


@dataclass(frozen=True, slots=True, kw_only=True)
class Expectation:
    """What the open transaction waits for. ``tid`` 0: RTU framing."""

    request: Request
    tid: int

    @property
    def is_rtu(self) -> bool:
        """RTU frames carry a CRC, TCP frames a transaction id."""
        return self.tid == 0


def examine(expected: Expectation, data: bytes) -> tuple[int, ...] | None:
    """Check the bytes received so far.

    Returns None while the frame is incomplete, else the registers (or bits, as 0 and 1; empty for writes).

    Raises:
        LinkFailure: the first check that fails: transaction id or CRC, unit, function, length, echo, signature.
    """
    pdu = _rtu_pdu(expected.request, data) if expected.is_rtu else _tcp_pdu(expected, data)
    return None if pdu is None else _words(expected.request, pdu)


def _tcp_pdu(expected: Expectation, data: bytes) -> bytes | None:
    if len(data) < 8:
        return None
    tid = int.from_bytes(data[0:2], "big")
    if tid == 0 or tid != expected.tid:
        raise LinkFailure(Failure.TRANSACTION_ID, f"expected {expected.tid}, was {tid}")
    if data[2:4] != b"\0\0":
        raise LinkFailure(Failure.LENGTH, f"protocol id: expected 0, was {data[2:4].hex()}")
    length = 6 + int.from_bytes(data[4:6], "big")
    if data[6] != expected.request.unit:
        raise LinkFailure(Failure.UNIT, f"expected {expected.request.unit}, was {data[6]}")
    size = 7 + _pdu_bytes(expected.request, data[7])
    if length != size or len(data) > size:
        raise LinkFailure(Failure.LENGTH, f"expected {size} bytes, were {max(length, len(data))}")
    return data[7:size] if len(data) == size else None


def _rtu_pdu(request: Request, data: bytes) -> bytes | None:
    if len(data) < 2:
        return None
    if data[0] != request.unit:
        raise LinkFailure(Failure.UNIT, f"expected {request.unit}, was {data[0]}")
    size = 1 + _pdu_bytes(request, data[1]) + 2
    if len(data) < size:
        return None
    if len(data) > size:
        raise LinkFailure(Failure.LENGTH, f"expected {size} bytes, were {len(data)}")
    if crc16(data[:-2]) != int.from_bytes(data[-2:], "little"):
        raise LinkFailure(Failure.CRC, f"of {data.hex(' ')}")
    return data[1:-2]


def _pdu_bytes(request: Request, function: int) -> int:
    """Length of the PDU that begins with this function code."""
    if function == request.function:
        return request.reply_pdu_bytes
    if function == request.function | 0x80:
        return 2
    raise LinkFailure(Failure.FUNCTION, f"expected {request.function}, was {function}")


def _words(request: Request, pdu: bytes) -> tuple[int, ...]:
    if pdu[0] & 0x80:
        known = EXCEPTIONS.get(pdu[1])
        if known is None:
            raise LinkFailure(Failure.FUNCTION, f"exception code {pdu[1]} is not one of the standard")
        raise LinkFailure(Failure.EXCEPTION, f"{pdu[1]} ({known}) to function {request.function} at {request.address}")
    if request.function in READ_WORDS:
        _check_byte_count(pdu[1], 2 * request.count)
        words = tuple(int.from_bytes(pdu[i : i + 2], "big") for i in range(2, len(pdu), 2))
        _check_signature(request, words)
        return words
    if request.function in READ_BITS:
        _check_byte_count(pdu[1], (request.count + 7) // 8)
        return tuple(pdu[2 + i // 8] >> i % 8 & 1 for i in range(request.count))
    _check_echo(request, pdu)
    return ()


def _check_byte_count(was: int, expected: int) -> None:
    if was != expected:
        raise LinkFailure(Failure.LENGTH, f"byte count: expected {expected}, was {was}")


def _check_signature(request: Request, words: tuple[int, ...]) -> None:
    if request.signature is not None and words[0] != request.signature:
        raise LinkFailure(Failure.SIGNATURE, f"expected {request.signature:#06x}, was {words[0]:#06x}")


def _check_echo(request: Request, pdu: bytes) -> None:
    address, second = int.from_bytes(pdu[1:3], "big"), int.from_bytes(pdu[3:5], "big")
    wanted = request.values[0] if request.function == 6 else len(request.values)
    if request.function == 5:
        wanted = 0xFF00 if request.values[0] else 0
    if (address, second) != (request.address, wanted):
        raise LinkFailure(Failure.ECHO, f"expected address {request.address}, {wanted}, was {address}, {second}")
