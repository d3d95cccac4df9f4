"""Writes what a stream's warehouse declared: official CEB621 lists, CEB622 receipts, and some parcels as CSV."""

import csv
import io
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TypeVar

from lane.declarations.keys import unscaled
from lane.declarations.records import Declaration, DeclaredLine, Receipt
from lane.interfaces.ceb_writer import LISTS_PER_MESSAGE_MAX, write_ceb621, write_ceb622
from lane.model.declared import ParcelKey
from sim.outputs import whole_file
from sim.streams.truth import DeclaredTruth, ParcelTruth

CSV_EVERY = 5
"""Every fifth declared parcel comes as CSV, unless a line needs a second quantity, which CSV has no column for."""
CSV_COLUMNS = (
    "carrier", "waybill", "list_no", "order_no", "status", "status_at", "line_no", "sku", "name", "hs_code", "qty",
    "unit", "legal_qty", "legal_unit", "net_kg", "gross_kg", "spec",
)  # fmt: skip
PERSONAL_COLUMNS = ("buyer_name", "buyer_id_number", "buyer_telephone", "consignee", "consignee_address", "note")
"""Columns that a careless sender adds; an import must drop them."""
DECLARED_AT = "20251121080000"
STORED_AT, STATUS_AT = "20251121083000000", "20251121090000000"
AGENT_CODE = "3301960K99"
T = TypeVar("T")


def write_declarations(parcels: Sequence[ParcelTruth], folder: Path, *, personal_marker: str = "") -> list[Path]:
    """Write all declared lists below ``folder`` (made when missing); returns the files in order of import.

    Files: ``ceb621-NNN.xml`` (at most 100 lists each), ``ceb622-NNN.xml`` (a receipt 120 "stored" and then the
    final one), ``declared.csv``. Undeclared parcels are left out; a parcel without a status gets no receipt.
    ``personal_marker`` is written into every field that an import must drop.
    """
    folder.mkdir(parents=True, exist_ok=True)
    declared = [parcel.declared for parcel in parcels if parcel.declared is not None]
    as_csv, as_xml = _split(declared)
    written = []
    for number, chunk in enumerate(_chunks(as_xml), start=1):
        written.append(
            _put(
                folder / f"ceb621-{number:03d}.xml",
                write_ceb621(map(declaration_of, chunk), personal_marker=personal_marker),
            )
        )
    receipts = [receipt for item in as_xml for receipt in receipts_of(item)]
    for number, some in enumerate(_chunks(receipts), start=1):
        written.append(_put(folder / f"ceb622-{number:03d}.xml", write_ceb622(some, personal_marker=personal_marker)))
    if as_csv:
        written.append(_put(folder / "declared.csv", _csv(as_csv, personal_marker)))
    return written


def declaration_of(declared: DeclaredTruth) -> Declaration:
    """The declared list as the record that an import gives."""
    return Declaration(
        key=ParcelKey(carrier=declared.carrier, waybill=declared.waybill),
        lines=tuple(
            DeclaredLine(
                line_no=line.line_no,
                sku=line.sku,
                name=line.name,
                hs_code=line.hs_code,
                qty_e5=line.qty_e5,
                unit=line.unit,
                legal_qty_e5=line.legal_qty_e5,
                legal_unit=line.legal_unit,
                second_qty_e5=line.second_qty_e5,
                second_unit=line.second_unit,
                spec=line.spec,
                item_record_no=str(line.line_no),
            )
            for line in declared.lines
        ),
        list_no=declared.list_no,
        order_no=declared.order_no,
        cop_no=f"C{declared.list_no[8:]}",
        pre_no=f"B{declared.list_no[9:]:0>17}",
        ems_no="T2924W000001",
        agent_code=AGENT_CODE,
        ebc_code=AGENT_CODE,
        ebp_code="3301962L01",
        customs_code="2924",
        trade_mode="1210",
        country="142",
        ie_flag="I",
        app_type="1",
        app_time=DECLARED_AT,
        app_status="2",
        decl_time=DECLARED_AT[:8],
        gross_mg=declared.gross_mg,
        net_mg=declared.net_mg,
    )


def receipts_of(declared: DeclaredTruth) -> tuple[Receipt, ...]:
    """Its receipts: "in customs database", then the status that counts; none when no receipt ever came."""
    if not declared.status_code:
        return ()
    stored = _receipt(declared, "120", STORED_AT, "1800")
    return stored, _receipt(declared, declared.status_code, STATUS_AT, "2600" if declared.status_code == "800" else "")


def _receipt(declared: DeclaredTruth, code: str, at: str, inner: str) -> Receipt:
    return Receipt(
        code=code,
        return_time=at,
        list_no=declared.list_no,
        pre_no=f"B{declared.list_no[9:]:0>17}",
        cop_no=f"C{declared.list_no[8:]}",
        agent_code=AGENT_CODE,
        ebc_code=AGENT_CODE,
        inner=inner,
    )


def _split(declared: Iterable[DeclaredTruth]) -> tuple[list[DeclaredTruth], list[DeclaredTruth]]:
    as_csv: list[DeclaredTruth] = []
    as_xml: list[DeclaredTruth] = []
    for number, item in enumerate(declared, start=1):
        simple = all(line.second_qty_e5 < 0 for line in item.lines)
        (as_csv if simple and number % CSV_EVERY == 0 else as_xml).append(item)
    return as_csv, as_xml


def _csv(declared: Iterable[DeclaredTruth], personal_marker: str) -> bytes:
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\r\n")
    personal = (personal_marker,) * len(PERSONAL_COLUMNS) if personal_marker else ()
    writer.writerow((*CSV_COLUMNS, *(PERSONAL_COLUMNS if personal_marker else ())))
    for item in declared:
        status_at = STATUS_AT if item.status_code else ""
        for line in item.lines:
            writer.writerow(
                (
                    item.carrier, item.waybill, item.list_no, item.order_no, item.status_code, status_at, line.line_no,
                    line.sku, line.name, line.hs_code, unscaled(line.qty_e5, 5), line.unit,
                    unscaled(line.legal_qty_e5, 5), line.legal_unit, unscaled(item.net_mg, 6),
                    unscaled(item.gross_mg, 6), line.spec, *personal,
                )
            )  # fmt: skip
    return out.getvalue().encode()


def _chunks(items: Sequence[T]) -> Iterable[list[T]]:
    for start in range(0, len(items), LISTS_PER_MESSAGE_MAX):
        yield list(items[start : start + LISTS_PER_MESSAGE_MAX])


def _put(path: Path, data: bytes) -> Path:
    with whole_file(path) as fresh:
        fresh.write_bytes(data)
    return path
