"""JSON Lines (``lane-declaration/1``): one object per parcel, decimals as strings or numbers, unknown keys skipped.

A line is parsed with a filter on keys, so that what is not on the allow-list is dropped while it is read. Postal
objects (``lane-postal/1``) may stand in the same file.
"""

import json
from collections.abc import Callable, Iterator
from decimal import Decimal
from typing import Any

from lane.declarations.keys import parcel_key
from lane.declarations.records import Item
from lane.interfaces.faults import FileRefusedError
from lane.interfaces.fields import reject
from lane.interfaces.json_cells import CellError, cells, objects
from lane.interfaces.postal import POSTAL_KEYS, POSTAL_SCHEMA, build_postal
from lane.interfaces.table_lists import LINE_COLUMNS, PARCEL_COLUMNS, ParcelRows, build_parcel

LIST_SCHEMA = "lane-declaration/1"
_KEYS = frozenset(PARCEL_COLUMNS) | frozenset(LINE_COLUMNS) | {"schema", "lines"} | POSTAL_KEYS
_BOM = b"\xef\xbb\xbf"
Builder = Callable[[dict[str, Any], str, str, str], list[Item]]


def read_json(data: bytes, *, imported_at: str, source_sha256: str = "", lines: bool = True) -> Iterator[Item]:
    """Records and problems of one file. ``lines``: one object per line; else one object or an array of objects.

    Raises ``FileRefusedError`` when a line is no JSON: where one line is broken, the file is not what was sent.
    """
    if data.startswith(_BOM):
        data = data[len(_BOM) :]
    found = False
    if lines:
        for number, raw in enumerate(data.split(b"\n"), start=1):
            if raw.strip():
                found = True
                place = f"line {number}"
                yield from _item(_parse(raw, place), place, imported_at, source_sha256)
    else:
        whole = _parse(data, "file")
        for number, value in enumerate(whole if isinstance(whole, list) else [whole], start=1):
            found = True
            yield from _item(value, f"object {number}", imported_at, source_sha256)
    if not found:
        raise FileRefusedError("expected at least one object, there is none")


def _parse(raw: bytes, place: str) -> Any:
    """One JSON value, filtered. The text of a parser error is never passed on: it may hold what it read."""
    problem = ""
    try:
        return json.loads(raw.decode("utf-8"), object_pairs_hook=_known, parse_float=Decimal, parse_constant=_no_number)
    except UnicodeDecodeError:
        problem = "expected UTF-8 text, was something else"
    except json.JSONDecodeError as error:
        problem = f"no well-formed JSON at character {error.pos + 1}"
    except RecursionError:
        problem = "no JSON of this kind: too many levels"
    except (ValueError, ArithmeticError):
        problem = "no well-formed JSON: a number is out of range"
    raise FileRefusedError(f"{place}: {problem}")


def _known(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    """Only keys of the allow-list become part of an object."""
    return {key: value for key, value in pairs if key in _KEYS}


def _no_number(_: str) -> Any:
    raise ValueError("NaN and infinity are no numbers")


def _item(value: Any, place: str, imported_at: str, source_sha256: str) -> Iterator[Item]:
    schema = value.get("schema") if isinstance(value, dict) else None
    builder = _BUILDERS.get(schema) if isinstance(schema, str) else None
    if builder is None:
        yield reject(place, "schema", f"expected {' or '.join(_BUILDERS)}, was another or none")
        return
    try:
        items = builder(value, place, imported_at, source_sha256)
    except CellError as error:
        items = [reject(place, error.field, error.expected)]
    yield from items


def _list(value: dict[str, Any], place: str, imported_at: str, source_sha256: str) -> list[Item]:
    lines = [cells(line, LINE_COLUMNS) for line in objects(value, "lines")]
    parcel = cells(value, PARCEL_COLUMNS)
    rows = ParcelRows(place, parcel, lines, parcel_key(parcel[0], parcel[1]))
    return build_parcel(rows, "json", imported_at, source_sha256)


_BUILDERS: dict[str, Builder] = {LIST_SCHEMA: _list, POSTAL_SCHEMA: build_postal}
