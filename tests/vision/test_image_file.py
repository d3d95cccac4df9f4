"""The picture file: what goes in comes out, and damage is named."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from vision.image_file import ImageFile, ImageFileError, ImageHeader, pack, parse_header, unpack
from vision.item_count import Origin


def header(columns: int = 3, lines: int = 2) -> ImageHeader:
    return ImageHeader(
        columns=columns, lines=lines, line_from=10, line_to=11, encoder_from=0, encoder_to=12, belt_from_um=-5,
        belt_to_um=1_195, clock_us=7, pitch_um=1_200, column_um=1_250, detector="line-stream", origin=Origin.SYNTHETIC,
    )  # fmt: skip


def whole(columns: int = 3, lines: int = 2) -> bytes:
    plane = bytes(range(2 * columns * lines))
    return pack(header(columns, lines), plane, plane[::-1], bytes(8 * columns))


@settings(derandomize=True, max_examples=50)
@given(columns=st.integers(1, 9), lines=st.integers(1, 9), fill=st.binary(min_size=1, max_size=5))
def test_a_packed_picture_unpacks_to_the_same_parts(columns: int, lines: int, fill: bytes) -> None:
    size = 2 * columns * lines
    low, high = (fill * size)[:size], (fill[::-1] * size)[:size]
    rows = (fill * 8 * columns)[: 8 * columns]
    expected = ImageFile(header=header(columns, lines), low=low, high=high, calibration=rows)
    assert unpack(pack(header(columns, lines), low, high, rows)) == expected


def test_the_header_can_be_read_from_the_beginning_alone() -> None:
    assert parse_header(whole()[:400]) == header()


@settings(derandomize=True, max_examples=200)
@given(cut=st.integers(0, 300), place=st.integers(0, 100_000), value=st.integers(0, 255))
def test_damage_is_an_image_file_error_or_changes_content_only(cut: int, place: int, value: int) -> None:
    data = bytearray(whole())
    data[place % len(data)] = value
    try:
        parsed = unpack(bytes(data[: len(data) - cut]))
    except ImageFileError:
        return
    assert len(parsed.low) == 2 * parsed.header.columns * parsed.header.lines


@pytest.mark.parametrize(
    ("data", "text"),
    [
        (b"", "magic"),
        (b"LXI1\xff\xff\xff\xff", "header length"),
        (b"LXI1\x02\x00\x00\x00{}", "exactly the keys"),
        (b"LXI1\x02\x00\x00\x00{x", "expected JSON"),
        (whole() + b"x", "bytes in all"),
        (whole().replace(b"SYNTHETIC", b"INVENTED!"), "origin"),
        (whole().replace(b'"lines":2', b'"lines":0'), "lines: expected 1"),
        (whole().replace(b'"lines":2', b'"lines":""'[:9]), "header"),
    ],
)
def test_each_kind_of_damage_is_named(data: bytes, text: str) -> None:
    with pytest.raises(ImageFileError, match=text):
        unpack(data)


def test_planes_that_do_not_fit_the_header_are_refused() -> None:
    with pytest.raises(ImageFileError, match="low plane: expected 12 bytes, was 11"):
        pack(header(), bytes(11), bytes(12), bytes(24))
    with pytest.raises(ImageFileError, match="columns"):
        pack(replace(header(), columns=0), b"", b"", b"")
