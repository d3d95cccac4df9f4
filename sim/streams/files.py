"""Stream files: CSV and JSON Lines, read parcel by parcel in bounded memory; ``rows.py`` has the columns.

A stream that was made, written and read again is the same stream. Every complaint names file, line and column.
"""

import csv
from collections import Counter
from collections.abc import Iterable, Iterator
from decimal import Decimal
from pathlib import Path
from typing import Any

import msgspec

from lane.declarations.tables import Tables, load_tables
from lane.model.words import StatusClass
from sim.outputs import whole_file
from sim.streams.lines import text_lines
from sim.streams.randoms import key
from sim.streams.rows import COLUMNS, NESTED, REQUIRED, ItemRow, LineRow, ListRow, ParcelRow
from sim.streams.truth import DeclaredLineTruth, DeclaredTruth, ParcelTruth, Planted

MILLI, E5 = 1_000, 100_000
CSV_SUFFIX, JSON_SUFFIXES = ".csv", (".jsonl", ".ndjson")
SYNTHETIC = "synthetic:"
UNKNOWN_SKU = "UNKNOWN"


def write_parcels(path: Path, parcels: Iterable[ParcelTruth]) -> int:
    """Write a stream; the suffix chooses the format. Returns the number of parcels.

    Raises ValueError for another suffix than ``.csv``, ``.jsonl``, ``.ndjson``.
    """
    encoder = msgspec.json.Encoder(decimal_format="number")
    written = 0
    if _is_csv(path):
        with whole_file(path) as fresh, fresh.open("w", encoding="utf-8", newline="") as text:
            writer = csv.writer(text, lineterminator="\n")
            writer.writerow(COLUMNS)
            for parcel in parcels:
                row = _row(parcel)
                writer.writerow([_cell(name, getattr(row, name), encoder) for name in COLUMNS])
                written += 1
        return written
    with whole_file(path) as fresh, fresh.open("wb") as out:
        for parcel in parcels:
            written += 1
            out.write(encoder.encode(_row(parcel)) + b"\n")
    return written


def _cell(name: str, value: object, encoder: msgspec.json.Encoder) -> object:
    if value is None or value == ():
        return ""
    return encoder.encode(value).decode() if name in NESTED else value


def read_parcels(path: Path) -> Iterator[ParcelTruth]:
    """Parcels of a stream in order of arrival, one at a time.

    Raises ValueError naming file, line and column: unknown or missing columns, values out of bounds, times that go
    back, other files.
    """
    tables = load_tables()
    before_us = 0
    for number, (line, row) in enumerate(_rows(path), start=1):
        if row.t_us < before_us:
            raise ValueError(f"{path}:{line}: t_us: expected a time not before the line above ({before_us}), "
                             f"was {row.t_us}; sort the file by t_us")  # fmt: skip
        before_us = row.t_us
        try:
            parcel = _parcel(row, number, tables)
        except ValueError as error:
            raise ValueError(f"{path}:{line}: {error}") from error
        yield parcel


def _is_csv(path: Path) -> bool:
    if path.suffix.lower() == CSV_SUFFIX:
        return True
    if path.suffix.lower() in JSON_SUFFIXES:
        return False
    raise ValueError(f"{path}: expected a name that ends in {CSV_SUFFIX}, {' or '.join(JSON_SUFFIXES)}")


def _rows(path: Path) -> Iterator[tuple[int, ParcelRow]]:
    return _csv_rows(path) if _is_csv(path) else _json_rows(path)


def _json_rows(path: Path) -> Iterator[tuple[int, ParcelRow]]:
    decoder = msgspec.json.Decoder(ParcelRow)
    for number, line in enumerate(text_lines(path), start=1):
        if not line.strip():
            continue
        try:
            yield number, decoder.decode(line)
        except (msgspec.MsgspecError, RecursionError) as error:
            raise ValueError(f"{path}:{number}: {_told(error)}") from error


def _csv_rows(path: Path) -> Iterator[tuple[int, ParcelRow]]:
    rows = csv.reader(text_lines(path), strict=True)
    try:
        header = next(rows, [])
        _check_header(path, header)
        for cells in rows:
            if not cells:
                continue
            if len(cells) != len(header):
                raise ValueError(f"{path}:{rows.line_num}: expected {len(header)} columns, was {len(cells)}")
            try:
                yield rows.line_num, _from_cells(dict(zip(header, cells, strict=True)))
            except (msgspec.MsgspecError, RecursionError) as error:
                raise ValueError(f"{path}:{rows.line_num}: {_told(error)}") from error
    except csv.Error as error:
        raise ValueError(f"{path}:{rows.line_num}: no valid CSV: {error}") from error


def _check_header(path: Path, header: list[str]) -> None:
    unknown = [name for name in header if name not in COLUMNS]
    if unknown:
        raise ValueError(f"{path}:1: unknown column {', '.join(unknown)}: take it out (a stream holds no data on "
                         f"persons); known columns: {', '.join(COLUMNS)}")  # fmt: skip
    missing = [name for name in REQUIRED if name not in header]
    if missing or len(set(header)) != len(header):
        raise ValueError(f"{path}:1: expected each of the columns {', '.join(REQUIRED)} once, missing: "
                         f"{', '.join(missing) or 'none'}")  # fmt: skip


def _from_cells(cells: dict[str, str]) -> ParcelRow:
    plain: dict[str, Any] = {}
    for name, cell in cells.items():
        if name in NESTED:
            if cell:
                plain[name] = msgspec.json.decode(cell.encode())
        else:
            plain[name] = cell
    return msgspec.convert(plain, ParcelRow, strict=False)


def _told(error: Exception) -> str:
    """msgspec's complaint with the column first."""
    text = str(error)
    what, _, where = text.partition(" - at `$.")
    if "unknown field" in what:
        what += "; a stream holds no such data, known columns are in the schema (lane sim streams schema)"
    return f"{where.rstrip('`')}: {what}" if where else what


# --- parcel to row


def _row(parcel: ParcelTruth) -> ParcelRow:
    length, width, height = parcel.carton_mm
    declared = parcel.declared
    return ParcelRow(
        t_us=parcel.arrival_us,
        barcode=parcel.code,
        l_mm=length,
        w_mm=width,
        h_mm=height,
        g=_decimal(parcel.weight_mg, MILLI),
        declared=None if declared is None else _head(declared),
        declared_lines=() if declared is None else tuple(_line_row(line) for line in declared.lines),
        true_items=tuple(ItemRow(sku=sku, pieces=pieces) for sku, pieces in parcel.contents),
        image_ref=f"{SYNTHETIC}{parcel.seed}",
    )


def _head(declared: DeclaredTruth) -> ListRow:
    return ListRow(
        waybill=declared.waybill,
        carrier=declared.carrier,
        list_no=declared.list_no,
        order_no=declared.order_no,
        status=declared.status_code,
        gross_g=_decimal(declared.gross_mg, MILLI),
        net_g=_decimal(declared.net_mg, MILLI),
    )


def _line_row(line: DeclaredLineTruth) -> LineRow:
    return LineRow(
        sku=line.sku, name=line.name, hs_code=line.hs_code, spec=line.spec, unit=line.unit,
        qty=_decimal(line.qty_e5, E5), legal_unit=line.legal_unit,
        legal_qty=None if line.legal_qty_e5 < 0 else _decimal(line.legal_qty_e5, E5),
        second_qty=None if line.second_qty_e5 < 0 else _decimal(line.second_qty_e5, E5), second_unit=line.second_unit,
        pieces=line.pieces, unit_g=_decimal(line.unit_mg, MILLI),
    )  # fmt: skip


def _decimal(scaled: int, factor: int) -> Decimal:
    return Decimal(scaled // factor) if scaled % factor == 0 else Decimal(scaled) / factor


# --- row to parcel


def _parcel(row: ParcelRow, number: int, tables: Tables) -> ParcelTruth:
    declared = _declared(row, number)
    contents = tuple((item.sku, item.pieces) for item in row.true_items)
    if not contents:
        contents = tuple((line.sku, line.pieces) for line in declared.lines) if declared else ((UNKNOWN_SKU, 1),)
    own = row.image_ref.removeprefix(SYNTHETIC)
    synthetic = row.image_ref.startswith(SYNTHETIC) and own.isdecimal()
    return ParcelTruth(
        number=number,
        arrival_us=row.t_us,
        planted=_planted(declared, contents, bool(row.barcode), tables),
        label=row.barcode or (declared.waybill if declared else ""),
        readable=bool(row.barcode),
        carton_mm=(row.l_mm, row.w_mm, row.h_mm),
        contents=contents,
        seed=int(own) if synthetic else key("stream", number, row.barcode),
        weight_mg=_scaled("g", row.g, MILLI),
        declared=declared,
    )


def _declared(row: ParcelRow, number: int) -> DeclaredTruth | None:
    if not row.declared_lines:
        if row.declared is not None:
            raise ValueError("declared_lines: expected at least one line for the list in declared")
        return None
    head = row.declared or ListRow(waybill=row.barcode)
    lines = tuple(_line(line, place) for place, line in enumerate(row.declared_lines, start=1))
    gross = row.g if head.gross_g is None else head.gross_g
    net_mg = sum(line.unit_mg * line.qty_e5 // E5 for line in lines)
    return DeclaredTruth(
        carrier=head.carrier,
        waybill=head.waybill,
        list_no=head.list_no or f"LIST{number:09d}",
        order_no=head.order_no or f"ORDER{number:09d}",
        status_code=head.status,
        gross_mg=_scaled("declared.gross_g", gross, MILLI),
        net_mg=net_mg or -1 if head.net_g is None else _scaled("declared.net_g", head.net_g, MILLI),
        lines=lines,
    )


def _line(row: LineRow, line_no: int) -> DeclaredLineTruth:
    qty_e5 = _scaled("declared_lines.qty", row.qty, E5)
    return DeclaredLineTruth(
        line_no=line_no, sku=row.sku, name=row.name, hs_code=row.hs_code, spec=row.spec, qty_e5=qty_e5, unit=row.unit,
        legal_qty_e5=-1 if row.legal_qty is None else _scaled("declared_lines.legal_qty", row.legal_qty, E5),
        legal_unit=row.legal_unit,
        second_qty_e5=-1 if row.second_qty is None else _scaled("declared_lines.second_qty", row.second_qty, E5),
        second_unit=row.second_unit, pieces=row.pieces or max(1, qty_e5 // E5),
        unit_mg=_scaled("declared_lines.unit_g", row.unit_g, MILLI),
    )  # fmt: skip


def _scaled(column: str, value: Decimal, factor: int) -> int:
    if not value.is_finite() or not 0 <= value <= 10**9 or value * factor % 1:
        raise ValueError(f"{column}: expected 0..10^9 in steps of 1/{factor}, was {value}")
    return int(value * factor)


def _planted(
    declared: DeclaredTruth | None, contents: tuple[tuple[str, int], ...], readable: bool, tables: Tables
) -> Planted:
    """The word for what is wrong with a parcel: content first, because only opening shows it."""
    if declared is None:
        return Planted.NO_DECLARATION
    said: Counter[str] = Counter()
    for line in declared.lines:
        said[line.sku] += line.pieces
    true: Counter[str] = Counter()
    for sku, pieces in contents:
        true[sku] += pieces
    missing, surplus = said - true, true - said
    if missing and surplus:
        return Planted.SWAPPED
    if missing or surplus:
        return Planted.SHORT if missing else Planted.OVER
    if not readable:
        return Planted.NO_READ
    status = declared.status_code
    released = bool(status) and tables.status_class(status) is StatusClass.RELEASED
    return Planted.SOUND if released else Planted.BAD_STATUS
