"""CSV lists (``lane-declaration-csv/1``): UTF-8 (BOM accepted) or, when told so, GB18030; one row per declared line.

RFC 4180, header by name in any order, parcel columns repeated and equal per parcel. The encoding is never guessed.
Rows of one parcel normally stand together; a file that scatters them is read again with those gathered.
"""

import csv
import io
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import itemgetter

from lane.declarations.keys import normal_key
from lane.declarations.records import Item, Problem
from lane.interfaces.faults import FileRefusedError
from lane.interfaces.fields import reject, warn
from lane.interfaces.table_lists import LINE_COLUMNS, PARCEL_COLUMNS, ParcelRows, build_parcel
from lane.model.declared import ParcelKey

KEY_COLUMNS = ("carrier", "waybill", "line_no")
COLUMNS = (*PARCEL_COLUMNS, *LINE_COLUMNS)
ENCODINGS = ("utf-8", "gb18030")
NAME_CHARS_MAX = 40
HEADER_COLUMNS_MAX = 200
"""More columns than that are no table of declared lines."""
_BOM = b"\xef\xbb\xbf"

Cells = tuple[str, ...]
Key = tuple[str, str]


class ScatteredRowsError(Exception):
    """Rows of one parcel do not stand together: read the file again with ``gather=True``."""


@dataclass(slots=True)
class _Group:
    """Rows of one parcel. ``refusal``: why the parcel is left out."""

    line: int
    key: Key
    parcel: Cells
    lines: list[Cells]
    refusal: Problem | None = None


def read_csv(
    data: bytes, *, encoding: str = "utf-8", imported_at: str, source_sha256: str = "", gather: bool = False
) -> Iterator[Item]:
    """Records and problems of one CSV file, in file order.

    Raises ``FileRefusedError`` (encoding, header, quoting) or ``ScatteredRowsError`` (unless ``gather``).
    """
    table = _Table(data, encoding)
    yield from table.notes
    scattered = _scattered(_Table(data, encoding)) if gather else None
    for group in _groups(table, scattered):
        if group.refusal:
            yield group.refusal
        else:
            lines = [_stripped(line) for line in group.lines]
            key = ParcelKey(carrier=group.key[0], waybill=group.key[1])
            rows = ParcelRows(f"row {group.line}", _stripped(group.parcel), lines, key)
            yield from build_parcel(rows, "csv", imported_at, source_sha256)


class _Table:
    """Rows of a file as (line number, parcel cells, line cells)."""

    def __init__(self, data: bytes, encoding: str) -> None:
        self.encoding = encoding
        self.notes: list[Problem] = []
        if data.startswith(_BOM):
            if encoding != "utf-8":
                raise FileRefusedError(f"starts with a UTF-8 mark, although the encoding given is {encoding}")
            data = data[len(_BOM) :]
        stream = io.TextIOWrapper(io.BytesIO(data), encoding=encoding, errors="strict", newline="")
        self._reader = csv.reader(stream, strict=True)
        self._cells = self._read()
        header = next(self._cells, None)
        if header is None:
            raise FileRefusedError("line 1: expected a header, the file is empty")
        self._parcel, self._line, self._width = self._columns(header)

    def rows(self) -> Iterator[tuple[int, Cells, Cells]]:
        """Every row but empty ones."""
        width, parcel, line, reader = self._width, self._parcel, self._line, self._reader
        for row in self._cells:
            if len(row) == width:
                row.append("")
                yield reader.line_num, parcel(row), line(row)
            elif row:
                # Which parcel lost a line can't be told, so no parcel of this file is certain.
                raise FileRefusedError(f"row {reader.line_num}: expected {width} cells, was {len(row)}")

    def _read(self) -> Iterator[list[str]]:
        """Every row as it stands. The refusal is raised outside the handlers: it must not carry what was read."""
        problem = ""
        try:
            yield from self._reader
        except UnicodeDecodeError:
            advice = "; a GB18030 file needs --encoding gb18030" if self.encoding == "utf-8" else ""
            problem = f"expected {self.encoding.upper()} text, was something else{advice}"
        except csv.Error as error:
            problem = f"no well-formed CSV: {error}"
        if problem:
            raise FileRefusedError(f"after line {self._reader.line_num}: {problem}")

    def _columns(self, header: list[str]) -> tuple[Callable[[list[str]], Cells], Callable[[list[str]], Cells], int]:
        """Getters of parcel and line cells; absent columns read the empty cell appended to every row."""
        names = [name.strip() for name in header]
        missing = [name for name in KEY_COLUMNS if name not in names]
        doubled = sorted({name for name in names if name in COLUMNS and names.count(name) > 1})
        if missing:
            raise FileRefusedError(
                f"line 1: expected the columns {', '.join(KEY_COLUMNS)}; missing {', '.join(missing)}"
            )
        if doubled or len(names) > HEADER_COLUMNS_MAX:
            what = f"{', '.join(doubled)} appears twice" if doubled else "too many columns"
            raise FileRefusedError(f"line 1: expected every column once and at most {HEADER_COLUMNS_MAX}; {what}")
        for name in names:
            if name not in COLUMNS:
                self.notes.append(warn("line 1", _plain(name), "unknown column, skipped"))
        place = {name: index for index, name in reversed(list(enumerate(names)))}
        width = len(names)
        parcel = itemgetter(*(place.get(name, width) for name in PARCEL_COLUMNS))
        line = itemgetter(*(place.get(name, width) for name in LINE_COLUMNS))
        return parcel, line, width


def _groups(table: _Table, scattered: frozenset[Key] | None) -> Iterator[_Group]:
    """Rows gathered by parcel. ``scattered`` None: raise when a parcel comes back later in the file."""
    seen: set[int] = set()
    gathered: dict[Key, _Group] = {}
    open_key: Key | None = None
    group: _Group | None = None
    last_parcel: Cells = ()
    for number, parcel, line in table.rows():
        if parcel == last_parcel and group is not None:
            group.lines.append(line)
            continue
        key = (normal_key(parcel[0]), normal_key(parcel[1]))
        if key == open_key and group is not None:
            _join(group, number, parcel, line)
            continue
        last_parcel = parcel
        if scattered is not None and key in scattered:
            if key in gathered:
                _join(gathered[key], number, parcel, line)
            else:
                gathered[key] = _Group(number, key, parcel, [line])
            last_parcel = ()
            continue
        if group is not None:
            yield group
        if scattered is None:
            mark = hash(key)
            if mark in seen:
                raise ScatteredRowsError
            seen.add(mark)
        open_key, group = key, _Group(number, key, parcel, [line])
    if group is not None:
        yield group
    yield from gathered.values()


def _join(group: _Group, number: int, parcel: Cells, line: Cells) -> None:
    """One more row of a parcel, whose parcel cells must be those of the first row."""
    for name, first, cell in zip(PARCEL_COLUMNS, group.parcel, parcel, strict=True):
        if first.strip() != cell.strip() and group.refusal is None:
            words = f"contradicts row {group.line} of the same parcel, the parcel was left out"
            group.refusal = reject(f"row {number}", name, words)
    group.lines.append(line)


def _scattered(table: _Table) -> frozenset[Key]:
    """Keys whose rows do not stand together."""
    seen: set[Key] = set()
    found: set[Key] = set()
    last: Key | None = None
    for _, parcel, _ in table.rows():
        key = (normal_key(parcel[0]), normal_key(parcel[1]))
        if key != last and key in seen:
            found.add(key)
        seen.add(key)
        last = key
    return frozenset(found)


def _stripped(cells: Cells) -> Cells:
    return tuple(map(str.strip, cells))


def _plain(name: str) -> str:
    """A column name fit for a message."""
    return "".join(char if char.isprintable() else "?" for char in name[:NAME_CHARS_MAX]) or "(empty)"
