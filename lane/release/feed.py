"""The event feed for platforms: JSON lines of what happened to parcels, in journal order, without anybody's names.

Words: inducted, scanned, held, opened, released, handed_over. ``index`` is the journal record; a reader goes on from
the last one it saw.
"""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

from lane.codec import decode
from lane.events import parcel as p
from lane.model.words import Custody, Via
from lane.release.custody import connect
from lane.release.outbox import wall_of

ROWS = 1_000
_KINDS = ("ParcelInducted", "ParcelScanned", "ParcelDiverted", "BenchRecorded", "ParcelReleased", "CustodyMoved")
_MARKS = tuple(f'"kind":"{kind}"'.encode() for kind in _KINDS)


def feed(run: Path, start: int = 0) -> Iterator[dict[str, Any]]:
    """Events from journal record ``start`` to the end of the journal as it is."""
    with closing(connect(run)) as connection:
        headers = connection.execute("SELECT idx, at_us, wall_at, speed FROM header ORDER BY idx").fetchall()
        index = start
        while True:
            rows = connection.execute(
                "SELECT idx, body FROM record WHERE idx >= ? ORDER BY idx LIMIT ?", (index, ROWS)
            ).fetchall()
            if not rows:
                return
            for number, body in rows:
                if any(mark in body for mark in _MARKS):
                    word = _word(decode(body))
                    if word is not None:
                        yield _line(connection, headers, number, word)
            index = rows[-1][0] + 1


def _word(item: Any) -> tuple[str, Any, dict[str, Any]] | None:
    match item:
        case p.ParcelInducted():
            return "inducted", item, {}
        case p.ParcelScanned():
            return "scanned", item, {"image_sha256": item.image_sha256}
        case p.ParcelDiverted():
            return "held", item, {"instruction": item.instruction.value}
        case p.BenchRecorded():
            return "opened", item, {"result": item.result.value}
        case p.ParcelReleased():
            return "released", item, {"via": item.via.value if isinstance(item.via, Via) else str(item.via)}
        case p.CustodyMoved() if item.custody is Custody.DEPARTED:
            return "handed_over", item, {"container": item.container}
        case _:
            return None


def _line(
    connection: sqlite3.Connection,
    headers: list[tuple[int, int, str, int]],
    index: int,
    word: tuple[str, Any, dict[str, Any]],
) -> dict[str, Any]:
    name, item, more = word
    row = connection.execute("SELECT waybill, list_no FROM passage WHERE seq = ?", (item.seq,)).fetchone()
    waybill, list_no = row if row else ("", "")
    header = next(((at, wall, speed) for idx, at, wall, speed in reversed(headers) if idx <= index), None)
    return {
        "schema": "lane-events/1",
        "index": index,
        "event": name,
        "parcel_number": item.seq,
        "waybill": waybill,
        "list_no": list_no,
        "at": wall_of(item.at_us, header),
        **more,
    }
