"""The tables in ``config/`` that declarations are read with, checked and hashed when they are loaded."""

import csv
import hashlib
import io
from dataclasses import dataclass, field
from enum import StrEnum
from functools import lru_cache
from pathlib import Path

from lane.model.words import StatusClass

UNITS_FILE = "units.csv"
STATUS_FILE = "status_map.csv"
KEEP = "KEEP"
NEGATIVE = "negative"


class UnitClass(StrEnum):
    """What a unit code says about visible objects."""

    PIECE = "PIECE"
    SMALL_PIECE = "SMALL_PIECE"
    PACK = "PACK"
    PAIR = "PAIR"
    SET = "SET"
    MULTIPLE = "MULTIPLE"
    MEASURE = "MEASURE"
    UNLISTED = "UNLISTED"


@dataclass(frozen=True, slots=True, kw_only=True)
class Unit:
    """One unit code. ``factor``: objects in one unit (MULTIPLE); ``mass_mg``: mass of one unit of mass (else 0)."""

    code: str
    name: str
    unit_class: UnitClass
    factor: int = 1
    mass_mg: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Tables:
    """Unit codes and status codes of this site. ``sha256``: of both files, in this order."""

    units: dict[str, Unit]
    statuses: dict[str, StatusClass]
    negative: StatusClass
    kept: frozenset[str]
    terminal: frozenset[str]
    meanings: dict[str, str] = field(repr=False)
    sha256: str

    def unit(self, code: str) -> Unit:
        """The unit behind a code (class UNLISTED when the table has none)."""
        return self.units.get(code) or Unit(code=code, name="", unit_class=UnitClass.UNLISTED)

    def status_class(self, code: str) -> StatusClass:
        """Class of a status code; UNKNOWN for what is not in the table."""
        known = self.statuses.get(code)
        if known is not None:
            return known
        return self.negative if code.startswith("-") else StatusClass.UNKNOWN


class TableError(Exception):
    """A table in ``config/`` is missing or wrong; the text names file, row, column and what was expected."""


def config_dir() -> Path:
    """The folder ``config/`` beside the buildings."""
    return Path(__file__).resolve().parents[2] / "config"


@lru_cache(maxsize=8)
def load_tables(folder: Path | None = None) -> Tables:
    """Read ``units.csv`` and ``status_map.csv``. Raises ``TableError``."""
    base = folder or config_dir()
    unit_bytes, unit_rows = _rows(base / UNITS_FILE, ("code", "name", "class", "factor", "mass_mg", "note"))
    status_bytes, status_rows = _rows(base / STATUS_FILE, ("code", "class", "terminal", "meaning"))
    units = {row["code"]: _unit(base / UNITS_FILE, number, row) for number, row in unit_rows}
    statuses: dict[str, StatusClass] = {}
    for number, row in status_rows:
        if row["class"] == KEEP:
            continue
        try:
            statuses[row["code"]] = StatusClass(row["class"])
        except ValueError:
            words = " | ".join([*StatusClass, KEEP])
            raise TableError(f"{base / STATUS_FILE}:{number}: class: expected {words}, was {row['class']!r}") from None
    if NEGATIVE not in statuses:
        raise TableError(f"{base / STATUS_FILE}: expected a row {NEGATIVE!r} for negative codes, there is none")
    return Tables(
        units=units,
        statuses={code: value for code, value in statuses.items() if code != NEGATIVE},
        negative=statuses[NEGATIVE],
        kept=frozenset(row["code"] for _, row in status_rows if row["class"] == KEEP),
        terminal=frozenset(row["code"] for _, row in status_rows if row["terminal"] == "yes"),
        meanings={row["code"]: row["meaning"] for _, row in status_rows},
        sha256=hashlib.sha256(unit_bytes + status_bytes).hexdigest(),
    )


def _unit(path: Path, number: int, row: dict[str, str]) -> Unit:
    try:
        return Unit(
            code=row["code"],
            name=row["name"],
            unit_class=UnitClass(row["class"]),
            factor=int(row["factor"]),
            mass_mg=int(row["mass_mg"]),
        )
    except ValueError as error:
        raise TableError(f"{path}:{number}: unit {row['code']!r}: {error}") from None


def _rows(path: Path, columns: tuple[str, ...]) -> tuple[bytes, list[tuple[int, dict[str, str]]]]:
    """The file's bytes and its rows by column name, with line numbers. Lines starting with ``#`` are comments."""
    try:
        data = path.read_bytes()
        text = data.decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise TableError(f"{path}: expected a readable UTF-8 file, {error}") from None
    lines = [(n, line) for n, line in enumerate(text.splitlines(), 1) if line.strip() and not line.startswith("#")]
    cells = list(csv.reader(io.StringIO("\n".join(line for _, line in lines))))
    if not cells or tuple(cells[0]) != columns:
        raise TableError(f"{path}: expected columns {','.join(columns)}, was {','.join(cells[0] if cells else [])}")
    rows: list[tuple[int, dict[str, str]]] = []
    seen: set[str] = set()
    for (number, _), values in zip(lines[1:], cells[1:], strict=True):
        if len(values) != len(columns):
            raise TableError(f"{path}:{number}: expected {len(columns)} columns, was {len(values)}")
        if values[0] in seen:
            raise TableError(f"{path}:{number}: code {values[0]!r} appears twice")
        seen.add(values[0])
        rows.append((number, dict(zip(columns, values, strict=True))))
    return data, rows
