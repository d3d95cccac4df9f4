"""Readers and a scale on spoilt lines: what nobody said is never heard, and buffers stay small."""

import pytest

from devices.framing import FRAME_BYTES_MAX, Framer
from sim.drivertwin.serial_campaign import RESIDUAL, LineFault, run_serial


def test_no_signal_that_no_device_said_and_the_same_seed_gives_the_same_trace() -> None:
    one, again, other = (run_serial(1_500, seed) for seed in (1, 1, 2))
    assert one.wrong == other.wrong == []
    assert one.trace_sha256 == again.trace_sha256 != other.trace_sha256
    assert set(one.injected) == set(LineFault) - set(RESIDUAL)
    assert one.signals > 1_300
    assert 0 < one.held_bytes_max <= FRAME_BYTES_MAX
    assert one.reconnects >= one.injected[LineFault.PULLED] > 0


def test_a_framer_that_takes_any_byte_is_found_out(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Framer, "_decode", lambda framer, payload: payload.decode("latin-1"))
    assert run_serial(1_500, 1).wrong


def test_a_digit_that_became_another_is_what_these_lines_can_not_tell() -> None:
    """Stated, not hidden: without a checksum the count is off and the controller must refuse it."""
    found = run_serial(600, 1, only=LineFault.DIGIT)
    assert len(found.wrong) == found.injected[LineFault.DIGIT] > 0
