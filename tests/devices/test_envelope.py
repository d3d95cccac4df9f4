"""Envelope: byte vectors of the manual and computed ones, and no damaged frame that passes."""

import contextlib

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.envelope import Expectation, crc16, examine
from devices.requests import Failure, LinkFailure, Request
from tests.devices.wires import crc


@pytest.mark.parametrize(
    "frame",
    [
        "01 03 00 00 00 0A C5 CD",
        "05 06 00 0D 17 70 17 99",
        "01 06 20 00 00 12 02 07",
        "01 03 21 01 00 01 DF F6",
        "01 06 20 00 00 01 43 CA",
        "01 06 20 01 01 F4 D3 DD",
    ],
)
def test_crc_of_published_frames(frame: str) -> None:
    data = bytes.fromhex(frame)
    assert crc16(data[:-2]).to_bytes(2, "little") == data[-2:]


READ = Request(unit=1, function=3, address=0x100, count=2, signature=0xA501)
RTU_BODY = bytes.fromhex("01 03 04 A5 01 00 07")
RTU = RTU_BODY + crc(RTU_BODY)
TCP = bytes.fromhex("0005 0000 0007 01 03 04 A501 0007")


def refusal(expected: Expectation, data: bytes) -> Failure:
    with pytest.raises(LinkFailure) as caught:
        examine(expected, data)
    return caught.value.kind


def test_a_right_frame_passes_and_a_begun_one_waits() -> None:
    rtu, tcp = Expectation(request=READ, tid=0), Expectation(request=READ, tid=5)
    assert examine(rtu, RTU) == examine(tcp, TCP) == (0xA501, 7)
    assert all(examine(rtu, RTU[:n]) is None for n in range(len(RTU)))
    assert all(examine(tcp, TCP[:n]) is None for n in range(len(TCP)))


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        ("0000 0000 0007 01 03 04 A501 0007", Failure.TRANSACTION_ID),
        ("0006 0000 0007 01 03 04 A501 0007", Failure.TRANSACTION_ID),
        ("0005 0001 0007 01 03 04 A501 0007", Failure.LENGTH),
        ("0005 0000 0007 02 03 04 A501 0007", Failure.UNIT),
        ("0005 0000 0007 01 04 04 A501 0007", Failure.FUNCTION),
        ("0005 0000 0005 01 03 02 A501", Failure.LENGTH),
        ("0005 0000 0007 01 03 02 A501 0007", Failure.LENGTH),
        ("0005 0000 0007 01 03 04 A502 0007", Failure.SIGNATURE),
        ("0005 0000 0003 01 83 02", Failure.EXCEPTION),
        ("0005 0000 0003 01 83 63", Failure.FUNCTION),
        ("0005 0000 0007 01 03 04 A501 0007 00", Failure.LENGTH),
    ],
)
def test_the_first_check_that_fails_names_the_refusal(data: str, kind: Failure) -> None:
    assert refusal(Expectation(request=READ, tid=5), bytes.fromhex(data)) is kind


def test_a_write_must_be_echoed_exactly() -> None:
    one = Request(unit=1, function=6, address=0x10, values=(7,))
    many = Request(unit=1, function=16, address=0x20, values=tuple(range(7)))
    assert examine(Expectation(request=one, tid=1), bytes.fromhex("0001 0000 0006 01 06 0010 0007")) == ()
    assert examine(Expectation(request=many, tid=1), bytes.fromhex("0001 0000 0006 01 10 0020 0007")) == ()
    assert refusal(Expectation(request=one, tid=1), bytes.fromhex("0001 0000 0006 01 06 0010 0008")) is Failure.ECHO
    assert refusal(Expectation(request=many, tid=1), bytes.fromhex("0001 0000 0006 01 10 0021 0007")) is Failure.ECHO


def test_bits_come_in_order_of_address() -> None:
    request = Request(unit=1, function=2, address=0, count=10)
    data = bytes.fromhex("0001 0000 0005 01 02 02 05 02")
    assert examine(Expectation(request=request, tid=1), data) == (1, 0, 1, 0, 0, 0, 0, 0, 0, 1)


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.integers(0, len(RTU) * 8 - 1), st.integers(0, len(RTU) * 8 - 1))
def test_no_frame_with_one_or_two_flipped_bits_passes_on_rtu(first: int, second: int) -> None:
    data = bytearray(RTU)
    data[first // 8] ^= 1 << first % 8
    if second != first:
        data[second // 8] ^= 1 << second % 8
    try:
        assert examine(Expectation(request=READ, tid=0), bytes(data)) is None
    except LinkFailure:
        return


@settings(derandomize=True, max_examples=300, deadline=None)
@given(st.binary(max_size=40))
def test_noise_never_passes_and_never_breaks_the_checker(data: bytes) -> None:
    for tid in (0, 5):
        with contextlib.suppress(LinkFailure):
            assert examine(Expectation(request=READ, tid=tid), data) is None


@pytest.mark.parametrize(
    ("kind", "arguments"),
    [
        ("unit", {"unit": 0, "function": 3, "address": 0}),
        ("count", {"unit": 1, "function": 3, "address": 0, "count": 126}),
        ("values", {"unit": 1, "function": 16, "address": 0, "values": tuple(range(124))}),
        ("values", {"unit": 1, "function": 6, "address": 0}),
        ("writes one value", {"unit": 1, "function": 6, "address": 0, "values": (1, 2)}),
        ("address", {"unit": 1, "function": 3, "address": 65_536}),
        ("function", {"unit": 1, "function": 8, "address": 0}),
    ],
)
def test_impossible_requests_cannot_be_made(kind: str, arguments: dict[str, int]) -> None:
    with pytest.raises(ValueError, match=kind):
        Request(**arguments)  # type: ignore[arg-type]
