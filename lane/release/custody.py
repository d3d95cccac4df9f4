"""Where is parcel X: custody read from the journal's projection, by waybill, lane number, list or container."""

import json
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

from lane.release.outbox import wall_of

FOUND_MAX = 100
"""Passages shown for one question; a waybill has rarely more than two."""

FINAL = frozenset({"DEPARTED", "WITH_AUTHORITY", "BACK_IN_WAREHOUSE", "REMOVED"})


class CustodyError(RuntimeError):
    """The question can't be answered, or a move is not allowed; says why."""


def connect(run: Path) -> sqlite3.Connection:
    """Read-only connection to a run's journal. Raises ``CustodyError`` when there is none."""
    path = run / "journal.db"
    if not path.is_file():
        raise CustodyError(f"{path}: no journal here; name the run directory with --data")
    connection = sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True, timeout=5.0)
    try:
        has_passages = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'passage'").fetchone() is not None
    except sqlite3.DatabaseError as error:
        connection.close()
        raise CustodyError(
            f"{path}: can't be read as a journal: {error}; see what is damaged with lane verify"
        ) from error
    if not has_passages:
        connection.close()
        raise CustodyError(f"{path}: no lane has run here yet")
    return connection


def where(run: Path, text: str) -> list[dict[str, Any]]:
    """Passages of a waybill, code or list number, or of one lane number; newest first."""
    wanted = text.strip()
    with closing(connect(run)) as connection:
        rows = connection.execute(
            "SELECT dossier FROM passage WHERE waybill = ? OR code = ? OR list_no = ? OR seq = ? "
            "ORDER BY seq DESC LIMIT ?",
            (wanted, wanted, wanted, int(wanted) if wanted.isdecimal() and len(wanted) < 16 else -1, FOUND_MAX),
        ).fetchall()
        return [_place(connection, json.loads(row[0])) for row in rows]


def in_container(run: Path, container: str) -> list[dict[str, Any]]:
    """Dossiers of the parcels in a container, in lane order."""
    with closing(connect(run)) as connection:
        rows = connection.execute("SELECT dossier FROM passage WHERE container = ? ORDER BY seq", (container,))
        return [json.loads(row[0]) for row in rows]


def may_load(run: Path, seq: int, container: str) -> str:
    """Why a parcel may not go into a container ("": it may): only released ones, in one container at a time."""
    with closing(connect(run)) as connection:
        row = connection.execute("SELECT custody, container, recalled FROM passage WHERE seq = ?", (seq,)).fetchone()
    if row is None:
        return f"parcel {seq}: not known to this lane"
    custody, inside, recalled = row
    if recalled:
        return f"parcel {seq}: recalled, it stays"
    if inside and inside != container:
        return f"parcel {seq}: already in {inside}"
    if custody not in ("IN_RELEASE_AREA", "IN_CAGE"):
        return f"parcel {seq}: is {custody}, expected IN_RELEASE_AREA"
    return ""


def _place(connection: sqlite3.Connection, dossier: dict[str, Any]) -> dict[str, Any]:
    at_us = dossier["place_at_us"]
    header = connection.execute(
        "SELECT at_us, wall_at, speed FROM header WHERE at_us <= ? ORDER BY idx DESC LIMIT 1", (at_us,)
    ).fetchone()
    return {
        "parcel_number": dossier["seq"],
        "waybill": dossier["waybill"],
        "carrier": dossier["carrier"],
        "code": dossier["code"],
        "list_no": dossier["list_no"],
        "custody": dossier["custody"],
        "container": dossier["container"],
        "since": wall_of(at_us, header),
        "route": dossier["decision"]["route"] if dossier["at_us"]["decided"] >= 0 else "",
        "grounds": dossier["decision"]["grounds"],
        "bench_result": dossier["bench"].get("result", ""),
        "recalled": bool(dossier["recall"]),
        "status": dossier["status"],
    }
