"""What CSV rows and JSON objects of one parcel become: a declared list and, with a status, a receipt."""

from collections.abc import Sequence
from dataclasses import dataclass

from lane.declarations.keys import time_digits
from lane.declarations.records import LINES_MAX, Declaration, DeclaredLine, Item, Problem, Receipt
from lane.declarations.words import Flag
from lane.interfaces.ceb_receipts import STATUS_CODE
from lane.interfaces.fields import key_text, mass, positive, quantity, reject, warn
from lane.model.declared import ParcelKey

PARCEL_COLUMNS = ("carrier", "waybill", "list_no", "order_no", "status", "status_at", "net_kg", "gross_kg")
LINE_COLUMNS = ("line_no", "sku", "name", "hs_code", "qty", "unit", "legal_qty", "legal_unit", "spec")
TEXT_MAX = 510
_IN_SEQUENCE = [list(range(1, lines + 1)) for lines in range(LINES_MAX + 1)]
"""Line numbers as they ought to be, by how many there are."""


@dataclass(slots=True)
class ParcelRows:
    """Cells of one parcel in column order, stripped, and its normalised key. ``place``: where it stands in the file."""

    place: str
    parcel: Sequence[str]
    lines: Sequence[Sequence[str]]
    key: ParcelKey


def build_parcel(rows: ParcelRows, feed: str, imported_at: str, source_sha256: str) -> list[Item]:
    """The records of one parcel. ``imported_at`` (17 digits) dates a status without a time of its own."""
    place, parcel, key = rows.place, rows.parcel, rows.key
    numbers = [positive(cells[0]) for cells in rows.lines]
    refusal = _refusal(rows, numbers)
    if refusal:
        return [refusal]
    flags: list[str] = []
    notes: list[Problem] = []
    lines = tuple([_line(cells, line_no, place, notes) for cells, line_no in zip(rows.lines, numbers, strict=True)])
    list_no = key_text(parcel[2])
    net_mg = mass(parcel[6], "net_kg", place, flags, notes)
    gross_mg = mass(parcel[7], "gross_kg", place, flags, notes)
    if numbers != _IN_SEQUENCE[len(numbers)]:
        flags.append(Flag.LINE_SEQUENCE)
        notes.append(warn(place, "line_no", "expected 1, 2, 3, ..."))
    receipt = _receipt(parcel, key, list_no, feed, imported_at, notes, place)
    declaration = Declaration(
        key=key,
        lines=lines,
        list_no=list_no,
        order_no=key_text(parcel[3]),
        gross_mg=gross_mg,
        net_mg=net_mg,
        flags=tuple(flags),
        source_sha256=source_sha256,
    )
    return [*notes, declaration] if receipt is None else [*notes, declaration, receipt]


def _refusal(rows: ParcelRows, numbers: list[int]) -> Problem | None:
    key = rows.key
    if not key.carrier or not key.waybill:
        name = "waybill" if key.carrier else "carrier"
        return reject(rows.place, name, "expected 1 to 60 characters, was absent or longer")
    if not rows.lines:
        return reject(rows.place, "lines", "expected at least one line, there is none")
    if len(rows.lines) > LINES_MAX:
        return reject(rows.place, "line_no", f"expected at most {LINES_MAX} lines, there are {len(rows.lines)}")
    if 0 in numbers or len(set(numbers)) != len(numbers):
        was = "absent or none" if 0 in numbers else "repeated"
        return reject(rows.place, "line_no", f"expected a number from 1, once per parcel, was {was}")
    return None


def _line(cells: Sequence[str], line_no: int, place: str, notes: list[Problem]) -> DeclaredLine:
    flags: list[str] = []
    _, sku, name, hs_code, qty, unit, legal_qty, legal_unit, spec = cells
    if len(name) > TEXT_MAX or len(spec) > TEXT_MAX or len(sku) > TEXT_MAX or len(hs_code) > TEXT_MAX:
        flags.append(Flag.TEXT_CUT)
        name, spec, sku, hs_code = name[:TEXT_MAX], spec[:TEXT_MAX], sku[:TEXT_MAX], hs_code[:TEXT_MAX]
    if len(unit) > TEXT_MAX or len(legal_unit) > TEXT_MAX:
        unit, legal_unit = unit[:TEXT_MAX], legal_unit[:TEXT_MAX]
    qty_e5 = quantity(qty, "qty", place, flags, notes)
    if flags and qty and qty_e5 < 0:
        flags.append(Flag.UNUSABLE)
    return DeclaredLine(
        line_no=line_no,
        sku=sku,
        name=name,
        hs_code=hs_code,
        qty_e5=qty_e5,
        unit=unit,
        legal_qty_e5=quantity(legal_qty, "legal_qty", place, flags, notes),
        legal_unit=legal_unit,
        spec=spec,
        flags=tuple(flags),
    )


def _receipt(
    parcel: Sequence[str], key: ParcelKey, list_no: str, feed: str, imported_at: str, notes: list[Problem], place: str
) -> Receipt | None:
    """The status of a parcel as a receipt; a status or time that is none counts as no status at all."""
    code, at = parcel[4], parcel[5]
    if not code:
        return None
    if not STATUS_CODE.fullmatch(code):
        notes.append(warn(place, "status", "expected a status code of digits, counted as absent"))
        return None
    digits = time_digits(at) if at else imported_at
    if not digits:
        notes.append(warn(place, "status_at", "expected 17 digits or RFC 3339, status counted as absent"))
        return None
    return Receipt(code=code, return_time=digits, list_no=list_no, carrier=key.carrier, waybill=key.waybill, feed=feed)
