"""Addresses of lane files, line times, the capture ring's bounds."""

import pytest

from devices.address import AddressError, parse_address
from devices.capture import CAPTURE_BYTES_MAX, CAPTURE_US, EVIDENCE_SLICES_MAX, CaptureRing


def test_addresses_of_a_lane_file() -> None:
    tcp, rtu = (
        parse_address("tcp://127.0.0.1:1502"),
        parse_address("rtu:///dev/serial/by-id/x?baud=19200&unit=3&parity=E"),
    )
    assert (tcp.host, tcp.port, tcp.is_rtu, tcp.key) == ("127.0.0.1", 1502, False, "tcp://127.0.0.1:1502")
    assert (rtu.path, rtu.baud, rtu.unit, rtu.parity, rtu.is_line) == ("/dev/serial/by-id/x", 19_200, 3, "E", True)
    assert parse_address("tcp://plc").port == 502


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("sim://io", "was a simulated name"),
        ("http://x", "expected one of tcp://"),
        ("tcp://", "expected tcp://host:port"),
        ("tcp://h:99999", "port"),
        ("rtu://dev/tty", "expected an absolute path"),
        ("rtu:///dev/tty?bad=1", "unknown word 'bad'"),
        ("rtu:///dev/tty?baud=fast", "baud: expected 300..1000000, was 'fast'"),
        ("rtu:///dev/tty?parity=X", "parity: expected N, E or O"),
    ],
)
def test_a_wrong_address_says_what_was_expected(text: str, says: str) -> None:
    with pytest.raises(AddressError, match=says):
        parse_address(text)


def test_silence_of_the_modbus_standard() -> None:
    assert parse_address("rtu:///x?baud=9600").silence_s == pytest.approx(0.00401, abs=1e-5)
    assert parse_address("rtu:///x?baud=115200").silence_s == 0.00175


def test_the_capture_ring_is_bounded_by_age_and_by_size() -> None:
    ring = CaptureRing("x")
    for second in range(200):
        ring.add(second * 1_000_000, True, b"12345678")
    kept = list(ring.records())
    assert kept[0].at_us == 199_000_000 - CAPTURE_US
    for _ in range(500):
        ring.add(200_000_000, False, bytes(10_000))
    assert ring.held_bytes <= CAPTURE_BYTES_MAX
    for number in range(100):
        ring.fail(200_000_000, f"failure {number}")
    assert len(ring.evidence) == EVIDENCE_SLICES_MAX
    assert ring.evidence[-1].reason == "failure 99"
