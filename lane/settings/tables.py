"""The tables beside the lane file: disposition matrix (CSV) and label patterns of carriers (TOML)."""

import csv
import hashlib
import io
from itertools import product
from pathlib import Path

from lane.model.config import CarrierPattern
from lane.model.words import Evidence, Instruction, Route, StatusClass, Tracking
from lane.settings.reader import SettingsError, TomlFile, read_text

MATRIX_COLUMNS = ("status_class", "evidence", "drawn", "tracking", "route", "instruction")
MatrixRow = tuple[str, str, str, str, str, str]

_WORDS: tuple[tuple[str, ...], ...] = (
    tuple(word.value for word in StatusClass),
    tuple(word.value for word in Evidence),
    ("no", "yes"),
    tuple(word.value for word in Tracking),
    tuple(word.value for word in Route),
    tuple(word.value for word in Instruction),
)
RELEASE_CELL = (StatusClass.RELEASED.value, Evidence.CLEAR.value, "no", Tracking.SOUND.value)
"""The only cell that may say RELEASE."""

CHECKS = ("none", "s10", "sscc", "gtin")
CARRIERS_MAX = 500


def load_matrix(path: Path) -> tuple[tuple[MatrixRow, ...], str]:
    """Read the 96-row disposition matrix and the SHA-256 of its rows.

    Raises ``SettingsError`` for a missing or doubled cell, an unknown word, or RELEASE anywhere but in the cell
    (RELEASED, CLEAR, not drawn, SOUND).
    """
    text = read_text(path)
    data = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    reader = csv.reader(io.StringIO("\n".join(data)))
    header = tuple(next(reader, ()))
    if header != MATRIX_COLUMNS:
        raise SettingsError([f"{path}:1: expected columns {','.join(MATRIX_COLUMNS)}, was {','.join(header)}"])
    problems: list[str] = []
    rows: dict[tuple[str, ...], MatrixRow] = {}
    for number, cells in enumerate(reader, start=2):
        place = f"{path}: data row {number}"
        if len(cells) != len(MATRIX_COLUMNS):
            problems.append(f"{place}: expected {len(MATRIX_COLUMNS)} columns, was {len(cells)}")
            continue
        bad = [
            f"{place}: {name}: expected {' | '.join(words)}, was {cell!r}"
            for name, words, cell in zip(MATRIX_COLUMNS, _WORDS, cells, strict=True)
            if cell not in words
        ]
        problems.extend(bad)
        key = tuple(cells[:4])
        if key in rows:
            problems.append(f"{place}: cell {'/'.join(key)} appears twice")
        if cells[4] == Route.RELEASE and key != RELEASE_CELL:
            problems.append(f"{place}: RELEASE is allowed in {'/'.join(RELEASE_CELL)} only, was {'/'.join(key)}")
        if not bad:
            rows[key] = (cells[0], cells[1], cells[2], cells[3], cells[4], cells[5])
    problems += [f"{path}: cell {'/'.join(key)} is missing" for key in product(*_WORDS[:4]) if key not in rows]
    if problems:
        raise SettingsError(problems)
    ordered = tuple(rows[key] for key in sorted(rows))
    digest = hashlib.sha256("\n".join(",".join(row) for row in ordered).encode()).hexdigest()
    return ordered, digest


def load_carriers(path: Path) -> tuple[CarrierPattern, ...]:
    """Read ``[[carrier]]`` tables: name, prefix, length_min, length_max, alphabet (digits | alnum), check."""
    file = TomlFile.load(path)
    root = file.root()
    if root.has("schema"):
        root.text("schema", pattern=r"lane-carriers/1", hint='"lane-carriers/1"')
    carriers: list[CarrierPattern] = []
    for table in root.tables("carrier")[:CARRIERS_MAX]:
        carriers.append(
            CarrierPattern(
                name=table.text("name", pattern=r"[A-Za-z0-9 _.\-]{1,40}", hint="a short name"),
                prefix=table.text("prefix", "", pattern=r"[A-Z0-9]{0,20}", hint="upper-case letters and digits"),
                length_min=table.scaled("length_min", 1, 128),
                length_max=table.scaled("length_max", 1, 128),
                alphabet=table.text("alphabet", "alnum", pattern=r"digits|alnum", hint="digits | alnum"),
                check=table.text("check", "none", pattern="|".join(CHECKS), hint=" | ".join(CHECKS)),
            )
        )
        if carriers[-1].length_min > carriers[-1].length_max:
            table.complain("length_max", f"expected at least length_min ({carriers[-1].length_min})")
        table.close()
    root.close()
    file.finish()
    return tuple(carriers)
