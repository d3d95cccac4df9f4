"""Requests and replies as bytes: the manual's vectors, exceptions, cutting and noise."""

import struct
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.wire.modbus import (
    RTU_FRAME_MAX,
    Bank,
    Block,
    RtuCutter,
    TcpCutter,
    answer,
    crc_fits,
    rtu_frame,
    rtu_reply,
    silence_us,
    tcp_reply,
)


class Memory:
    """Registers that tests read and write."""

    def __init__(self, count: int) -> None:
        self.values = list(range(count))

    def read(self) -> Sequence[int]:
        return self.values

    def write(self, offset: int, values: Sequence[int]) -> None:
        self.values[offset : offset + len(values)] = values


def bank(memory: Memory, *, whole: bool = False, read_only: bool = False) -> Bank:
    count = len(memory.values)
    write = None if read_only else memory.write
    return Bank(
        inputs=(Block(first=0x100, count=count, read=memory.read),),
        holdings=(Block(first=0x100, count=count, read=memory.read, write=write, whole=whole),),
    )


def test_manual_vectors_of_the_drive_have_the_manual_checksums() -> None:
    assert rtu_frame(1, bytes.fromhex("0620000001")) == bytes.fromhex("01 06 20 00 00 01 43 CA")
    assert rtu_frame(1, bytes.fromhex("06200101F4")) == bytes.fromhex("01 06 20 01 01 F4 D3 DD")


@pytest.mark.parametrize(
    "vector",
    ["01 03 00 00 00 0A C5 CD", "05 06 00 0D 17 70 17 99", "01 06 20 00 00 12 02 07", "01 03 21 01 00 01 DF F6"],
)
def test_published_frames_pass_the_checksum_and_any_flipped_bit_fails_it(vector: str) -> None:
    frame = bytes.fromhex(vector)
    assert crc_fits(frame)
    for bit in range(8 * len(frame)):
        broken = bytearray(frame)
        broken[bit // 8] ^= 1 << bit % 8
        assert not crc_fits(bytes(broken))


def test_manual_vectors_of_the_lane_io_are_cut_as_the_manual_reads_them() -> None:
    requests = TcpCutter().feed(
        bytes.fromhex("0001 0000 0006 01 04 0000 0069")
        + bytes.fromhex("0001 0000 0006 01 06 0010 0007")
        + bytes.fromhex("0001 0000 0015 01 10 0020 0007 0E 0009 07D0 0001 2345 0001 4000 05DC")
    )
    assert [(r.transaction, r.unit, r.pdu[0]) for r in requests] == [(1, 1, 4), (1, 1, 6), (1, 1, 16)]
    assert struct.unpack(">7H", requests[2].pdu[6:]) == (9, 2000, 1, 0x2345, 1, 0x4000, 1500)


def test_reads_give_a_slice_of_one_snapshot() -> None:
    assert answer(bank(Memory(8)), bytes.fromhex("04 0102 0003")) == bytes.fromhex("04 06 0002 0003 0004")
    assert answer(bank(Memory(8)), bytes.fromhex("03 0107 0001")) == bytes.fromhex("03 02 0007")


def test_writes_are_echoed_and_stored() -> None:
    memory = Memory(8)
    assert answer(bank(memory), bytes.fromhex("06 0101 BEEF")) == bytes.fromhex("06 0101 BEEF")
    assert answer(bank(memory), bytes.fromhex("10 0102 0002 04 0011 0022")) == bytes.fromhex("10 0102 0002")
    assert memory.values == [0, 0xBEEF, 0x11, 0x22, 4, 5, 6, 7]


@pytest.mark.parametrize(
    ("request_hex", "reply_hex"),
    [
        ("2B 0E 01 00", "AB 01"),  # function this device does not know
        ("04 0000 0001", "84 02"),  # address below the block
        ("04 0107 0002", "84 02"),  # runs out of the block
        ("04 0100 0000", "84 03"),  # no register at all
        ("04 0100 007E", "84 03"),  # 126 registers
        ("04 0100", "84 03"),  # cut short
        ("06 0200 0001", "86 02"),
        ("10 0100 0002 03 0001 00", "90 03"),  # byte count does not fit
        ("10 0100 0000 00", "90 03"),
    ],
)
def test_refused_requests_get_the_right_exception(request_hex: str, reply_hex: str) -> None:
    memory = Memory(8)
    assert answer(bank(memory), bytes.fromhex(request_hex)) == bytes.fromhex(reply_hex)
    assert memory.values == list(range(8))


def test_read_only_block_refuses_writes_and_whole_block_refuses_parts() -> None:
    assert answer(bank(Memory(7), read_only=True), bytes.fromhex("06 0101 0001")) == bytes.fromhex("86 02")
    whole = bank(Memory(7), whole=True)
    assert answer(whole, bytes.fromhex("06 0100 0001")) == bytes.fromhex("86 03")
    assert answer(whole, bytes.fromhex("10 0100 0006 0C") + bytes(12)) == bytes.fromhex("90 03")
    assert answer(whole, bytes.fromhex("10 0100 0007 0E") + bytes(14)) == bytes.fromhex("10 0100 0007")


def test_unknown_unit_is_silent_and_broadcast_is_obeyed_without_answer() -> None:
    memory = Memory(4)
    units = {1: bank(memory), 2: bank(memory)}
    assert rtu_reply(units, 9, bytes.fromhex("03 0100 0001")) is None
    assert rtu_reply(units, 0, bytes.fromhex("06 0100 0009")) is None
    assert memory.values[0] == 9
    assert rtu_reply(units, 0, bytes.fromhex("03 0100 0001")) is None


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.integers(1, 9), max_size=8), st.integers(1, 12))
def test_pipelined_tcp_requests_come_out_in_order_however_they_are_sliced(lengths: list[int], step: int) -> None:
    requests = [(number, bytes(range(1, length + 1))) for number, length in enumerate(lengths, 1)]
    stream = b"".join(struct.pack(">HHHB", n, 0, len(pdu) + 1, 1) + pdu for n, pdu in requests)
    cutter = TcpCutter()
    cut = [r for at in range(0, len(stream), step) for r in cutter.feed(stream[at : at + step])]
    assert [(r.transaction, r.pdu) for r in cut] == requests
    assert [tcp_reply(r, r.pdu) for r in cut] == [
        struct.pack(">HHHB", n, 0, len(pdu) + 1, 1) + pdu for n, pdu in requests
    ]


@pytest.mark.parametrize("stream", ["0001 0001 0006 01 04 0000", "0001 0000 0001 01 04", "0001 0000 0FFF 01 04"])
def test_stream_that_is_no_modbus_is_an_error(stream: str) -> None:
    with pytest.raises(ValueError, match="expected a Modbus TCP header"):
        TcpCutter().feed(bytes.fromhex(stream))


@settings(derandomize=True, max_examples=60, deadline=None)
@given(st.lists(st.sampled_from(["0320000001", "0620000005", "10200000010201F4"]), max_size=5), st.integers(1, 9))
def test_rtu_frames_end_by_their_length_rule_however_they_are_sliced(pdus: list[str], step: int) -> None:
    frames = [bytes.fromhex(pdu) for pdu in pdus]
    stream = b"".join(rtu_frame(1, pdu) for pdu in frames)
    cutter = RtuCutter()
    assert [pdu for at in range(0, len(stream), step) for _, pdu in cutter.feed(stream[at : at + step])] == frames
    assert not cutter.waiting


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.binary(max_size=RTU_FRAME_MAX), st.integers(0, 7))
def test_after_noise_and_a_silence_the_next_rtu_frame_is_understood(noise: bytes, bit: int) -> None:
    good = rtu_frame(1, bytes.fromhex("0320000001"))
    broken = bytearray(good)
    broken[3] ^= 1 << bit
    cutter = RtuCutter()
    assert cutter.feed(bytes(broken)) == []
    cutter.drop()
    cutter.feed(noise)
    cutter.drop()
    assert cutter.feed(good) == [(1, bytes.fromhex("0320000001"))]


def test_frame_of_unknown_function_is_known_by_its_checksum_at_the_silence() -> None:
    cutter = RtuCutter()
    frame = rtu_frame(1, bytes.fromhex("2B0E0100"))
    assert cutter.feed(frame) == []
    assert cutter.waiting
    assert cutter.drop() == (1, bytes.fromhex("2B0E0100"))


def test_silence_that_ends_noise_is_half_as_long_again_as_t35() -> None:
    assert silence_us(115_200) == 2_625
    assert silence_us(9_600) == 6_015
