"""Postal lists (``lane-postal/1``, after CN 23 and ITMATT): item number, contents, weights. Sender and addressee are
not on the allow-list.

Quantities without a unit count articles (CN 23: number of units of goods); a line without quantity is UNCOUNTABLE.
"""

import re
from collections.abc import Sequence
from typing import Any

from lane.declarations.keys import kg_to_mg, normal_key, unscaled
from lane.declarations.records import Item
from lane.interfaces.fields import reject
from lane.interfaces.json_cells import cell, cells, objects
from lane.interfaces.table_lists import ParcelRows, build_parcel
from lane.model.declared import ParcelKey

POSTAL_SCHEMA = "lane-postal/1"
LINE_KEYS = ("line_no", "description", "hs_code", "quantity", "unit", "net_kg")
POSTAL_KEYS = frozenset({"item_id", "gross_kg", "category", "status", "status_at", "contents", *LINE_KEYS})
CARRIER_PREFIX = "UPU-"
UNIT_PIECE = "H87"
UNIT_KILOGRAM = "035"
_S10 = re.compile(r"[A-Z]{2}(\d{8})(\d)([A-Z]{2})", re.ASCII)
_WEIGHTS = (8, 6, 4, 2, 3, 5, 9, 7)


def build_postal(value: dict[str, Any], place: str, imported_at: str, source_sha256: str) -> list[Item]:
    """Records of one postal item. Raises ``CellError`` for a value of the wrong type."""
    item_id = normal_key(cell(value.get("item_id"), "item_id"))
    country = s10_country(item_id)
    lines = [_line(entry) for entry in objects(value, "contents")]
    if not country:
        return [reject(place, "item_id", "expected an S10 identifier with a right check digit, was none")]
    head = cells(value, ("status", "status_at", "gross_kg"))
    parcel = (CARRIER_PREFIX + country, item_id, "", "", head[0], head[1], _net_kg(lines), head[2])
    rows = ParcelRows(place, parcel, lines, ParcelKey(carrier=parcel[0], waybill=item_id))
    return build_parcel(rows, "postal", imported_at, source_sha256)


def s10_country(item_id: str) -> str:
    """Country letters of a valid S10 identifier (``''``: wrong shape or check digit).

    UPU S10: weights 8 6 4 2 3 5 9 7, C = 11 - S mod 11, 10 becomes 0 and 11 becomes 5.
    """
    match = _S10.fullmatch(item_id)
    if not match:
        return ""
    total = sum(weight * int(digit) for weight, digit in zip(_WEIGHTS, match[1], strict=True))
    check = {10: 0, 11: 5}.get(11 - total % 11, 11 - total % 11)
    return match[3] if check == int(match[2]) else ""


def _line(entry: dict[str, Any]) -> tuple[str, ...]:
    """Cells of one content line; its net weight stands where the legal quantity does."""
    line_no, description, hs_code, quantity, unit, net_kg = cells(entry, LINE_KEYS)
    return (
        line_no, "", description, hs_code, quantity, unit or (UNIT_PIECE if quantity else ""), net_kg,
        UNIT_KILOGRAM if net_kg else "", "",
    )  # fmt: skip


def _net_kg(lines: Sequence[tuple[str, ...]]) -> str:
    """Sum of the lines' net weights, when every line has one."""
    masses = [kg_to_mg(line[6]) for line in lines]
    return unscaled(sum(masses), 6) if masses and min(masses) >= 0 else ""
