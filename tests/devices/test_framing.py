"""Serial frames: manual vectors, garbage, bounds."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from devices.framing import DelimitedFramer, FixedFramer, Framer, LineFramer, XrvChecksum


def test_reader_frame_of_the_manual() -> None:
    assert DelimitedFramer().feed(bytes.fromhex("02 53 46 31 7C 34 32 03 0D 0A")) == ["SF1|42"]


def test_scale_line_of_the_manual() -> None:
    assert LineFramer().feed(b"S S     6120.5 g;123456\r\nHB\rHB\n\r\n") == ["S S     6120.5 g;123456", "HB", "HB"]


def test_fixed_frames_come_back_into_step_by_silence() -> None:
    framer = FixedFramer(4)
    assert framer.feed(b"ABCDEF") == ["ABCD"]
    framer.idle()
    assert framer.feed(b"GHIJ") == ["GHIJ"]
    assert framer.errors == {"given up after silence": 1}


@pytest.mark.parametrize("text", [b"14,o", b"14,1280,x", b"10,1280,|", b"10,$,c", b"22,p", b"98,1,F", b"98,0,G"])
def test_xrv_checksum_vectors(text: bytes) -> None:
    framer = DelimitedFramer(trailer=b"", checksum=XrvChecksum())
    assert framer.feed(b"\x02" + text + b"\x03") == [text[:-2].decode()]
    assert framer.feed(b"\x02" + text[:-1] + b"!" + b"\x03") == []
    assert framer.errors == {"checksum wrong": 1}


def test_start_inside_a_frame_begins_a_new_one() -> None:
    framer = DelimitedFramer()
    assert framer.feed(b"\x02half\x02whole\x03\r\n") == ["whole"]
    assert framer.errors == {"start inside a frame": 1}


@pytest.mark.parametrize(
    ("framer", "data", "error"),
    [
        (DelimitedFramer(), b"\x02a\x00b\x03", "not printable ASCII"),
        (DelimitedFramer(), b"\x02\xc3\x28\x03", "not printable ASCII"),
        (DelimitedFramer(bytes_max=8), b"\x02" + b"x" * 50 + b"\x03", "too long"),
        (LineFramer(8), b"x" * 50 + b"\r\n", "too long"),
        (DelimitedFramer(), b"noise", "bytes between frames"),
    ],
)
def test_each_kind_of_garbage_is_one_counted_error(framer: Framer, data: bytes, error: str) -> None:
    assert framer.feed(data) == []
    assert framer.errors[error] == 1
    assert framer.feed(b"\x02ok\x03\r\n" if isinstance(framer, DelimitedFramer) else b"ok\r\n") == ["ok"]


@settings(derandomize=True, max_examples=200, deadline=None)
@given(st.lists(st.binary(max_size=60), max_size=30), st.sampled_from(["stx", "line", "fixed"]))
def test_f39_any_bytes_keep_the_buffer_bounded_and_frames_printable(chunks: list[bytes], kind: str) -> None:
    framers: dict[str, Framer] = {
        "stx": DelimitedFramer(bytes_max=16),
        "line": LineFramer(16),
        "fixed": FixedFramer(16),
    }
    framer = framers[kind]
    for chunk in chunks:
        for frame in framer.feed(chunk):
            assert frame.isprintable()
            assert len(frame) <= 16
        assert framer.held_bytes <= 16
    framer.idle()
    assert framer.held_bytes == 0


@settings(derandomize=True, max_examples=100, deadline=None)
@given(st.integers(1, 9))
def test_slicing_does_not_change_the_frames(step: int) -> None:
    data = b"\x02SF1|42\x03\r\n\x02NOREAD|7\x03\r\n\x02HB\x03\r\n" * 3
    framer = DelimitedFramer()
    frames = [frame for i in range(0, len(data), step) for frame in framer.feed(data[i : i + step])]
    assert frames == ["SF1|42", "NOREAD|7", "HB"] * 3
