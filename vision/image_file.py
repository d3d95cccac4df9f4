"""The stored picture of one scan, as bytes: written by the scan receiver, read by vision. Pure, no numpy.

::

    "LXI1" | u32 LE header length | header, canonical JSON | low plane | high plane | 4 calibration rows

A plane is lines x columns of u16 little-endian, line by line in belt order. Calibration rows, columns x u16 each: dark
low, dark high, air low, air high (means of the detector's 16 dark and 16 air lines).
"""

import json
import struct
from dataclasses import asdict, dataclass, fields

from vision.item_count import Origin

MAGIC = b"LXI1"
HEADER_BYTES_MAX = 4_096
COLUMNS_MAX = 4_096
LINES_MAX = 8_000
"""At 1.2 mm a line nearly ten metres of belt: no parcel of any lane is longer."""
CALIBRATION_ROWS = 4


class ImageFileError(ValueError):
    """The bytes are not a picture file; the text says what was expected and what was found."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageHeader:
    """What a picture says of itself. Lines and encoder counts are the detector's, ``belt_*_um`` the lane's position.

    ``pitch_um``: belt per line; ``column_um``: column spacing in the reference plane; ``clock_us``: lane clock of the
    last line; ``detector``: name of the device.
    """

    columns: int
    lines: int
    line_from: int
    line_to: int
    encoder_from: int
    encoder_to: int
    belt_from_um: int
    belt_to_um: int
    clock_us: int
    pitch_um: int
    column_um: int
    detector: str
    origin: Origin


@dataclass(frozen=True, slots=True, kw_only=True)
class ImageFile:
    """A parsed picture file. ``calibration``: the four rows one after the other."""

    header: ImageHeader
    low: bytes
    high: bytes
    calibration: bytes


def pack(header: ImageHeader, low: bytes, high: bytes, calibration: bytes) -> bytes:
    """The file's bytes. Raises ImageFileError when planes and header do not fit together."""
    _check_header(header)
    row = 2 * header.columns
    for name, data, expected in (
        ("low plane", low, row * header.lines),
        ("high plane", high, row * header.lines),
        ("calibration rows", calibration, row * CALIBRATION_ROWS),
    ):
        if len(data) != expected:
            raise ImageFileError(f"{name}: expected {expected} bytes, was {len(data)}")
    text = json.dumps(asdict(header), sort_keys=True, separators=(",", ":")).encode()
    return b"".join((MAGIC, struct.pack("<I", len(text)), text, low, high, calibration))


def unpack(data: bytes) -> ImageFile:
    """Parse a whole file; ImageFileError names the first thing that does not fit."""
    header, start = _header(data)
    plane, rows = 2 * header.columns * header.lines, 2 * header.columns * CALIBRATION_ROWS
    if len(data) != start + 2 * plane + rows:
        raise ImageFileError(f"picture: expected {start + 2 * plane + rows} bytes in all, was {len(data)}")
    return ImageFile(
        header=header,
        low=data[start : start + plane],
        high=data[start + plane : start + 2 * plane],
        calibration=data[start + 2 * plane :],
    )


def parse_header(data: bytes) -> ImageHeader:
    """The header alone; ``data`` may be just the beginning of the file."""
    return _header(data)[0]


def _header(data: bytes) -> tuple[ImageHeader, int]:
    if data[:4] != MAGIC or len(data) < 8:
        raise ImageFileError(f"picture: expected the magic {MAGIC!r}, was {data[:4]!r}")
    (length,) = struct.unpack_from("<I", data, 4)
    if not 2 <= length <= HEADER_BYTES_MAX or len(data) < 8 + length:
        raise ImageFileError(f"header length: expected 2..{HEADER_BYTES_MAX} bytes that are there, was {length}")
    try:
        plain = json.loads(data[8 : 8 + length])
    except ValueError as error:
        raise ImageFileError(f"header: expected JSON, {error}") from error
    names = {item.name: item.type for item in fields(ImageHeader)}
    if not isinstance(plain, dict) or set(plain) != set(names):
        raise ImageFileError(f"header: expected exactly the keys {sorted(names)}")
    for name, kind in names.items():
        expected = int if kind is int else str
        if type(plain[name]) is not expected:
            raise ImageFileError(f"header {name}: expected {expected.__name__}, was {plain[name]!r}")
    if plain["origin"] not in set(Origin):
        raise ImageFileError(f"header origin: expected one of {[str(o) for o in Origin]}, was {plain['origin']!r}")
    header = ImageHeader(**{**plain, "origin": Origin(plain["origin"])})
    _check_header(header)
    return header, 8 + length


def _check_header(header: ImageHeader) -> None:
    for name, top in (("columns", COLUMNS_MAX), ("lines", LINES_MAX), ("pitch_um", 100_000), ("column_um", 100_000)):
        value = getattr(header, name)
        if not 1 <= value <= top:
            raise ImageFileError(f"header {name}: expected 1..{top}, was {value}")
