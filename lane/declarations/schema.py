"""Tables of ``declarations.db`` and ``released.db``, and how connections to them are set up.

A list version is one row with its canonical bytes (``mark``: the first 63 bits of its hash, so that the index stays
small); a receipt is one row per key by which it names its list, so that
reading a parcel takes a few look-ups in clustered tables and importing appends and never updates. What lists and
receipts mean together is computed when they are read.

Releases live in a file of their own: the lane that releases parcels must never wait for an import to finish.
"""

import sqlite3
from pathlib import Path
from urllib.parse import quote

LISTS_FILE = "declarations.db"
RELEASED_FILE = "released.db"
SCHEMA_VERSION = 1
BUSY_MS = 30_000
"""A second import waits this long for the first one's batch."""
CACHE_KIB_WRITER = 64 * 1024
CACHE_KIB_READER = 8 * 1024
CHECKPOINT_PAGES = 16_000
"""Pages (4 KiB) in the log before they move into the database: a page that many batches touch moves once."""

LISTS_DDL = """
CREATE TABLE IF NOT EXISTS file(
    id INTEGER PRIMARY KEY, sha256 BLOB NOT NULL UNIQUE, name TEXT NOT NULL, bytes INTEGER NOT NULL,
    imported_at INTEGER NOT NULL, lists INTEGER NOT NULL DEFAULT 0, receipts INTEGER NOT NULL DEFAULT 0,
    other INTEGER NOT NULL DEFAULT 0, rejected INTEGER NOT NULL DEFAULT 0, warned INTEGER NOT NULL DEFAULT 0);
CREATE TABLE IF NOT EXISTS list(
    id INTEGER PRIMARY KEY, waybill TEXT NOT NULL, mark INTEGER NOT NULL, received_at INTEGER NOT NULL,
    file INTEGER NOT NULL REFERENCES file(id), body BLOB NOT NULL, UNIQUE(waybill, mark));
CREATE TABLE IF NOT EXISTS list_key(ident TEXT NOT NULL, waybill TEXT NOT NULL, PRIMARY KEY(ident, waybill))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS receipt(
    ident TEXT NOT NULL, body TEXT NOT NULL, received_at INTEGER NOT NULL, PRIMARY KEY(ident, body)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waiting(
    return_time TEXT NOT NULL, body TEXT NOT NULL, received_at INTEGER NOT NULL, PRIMARY KEY(return_time, body))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS feed(name TEXT PRIMARY KEY, heard_at INTEGER NOT NULL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS order_facts(
    order_no TEXT NOT NULL, body TEXT NOT NULL, PRIMARY KEY(order_no, body)) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS waybill_facts(
    waybill TEXT NOT NULL, carrier TEXT NOT NULL, order_no TEXT NOT NULL, PRIMARY KEY(waybill, carrier, order_no))
    WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS inbound(
    waybill TEXT NOT NULL, carrier TEXT NOT NULL, bill_no TEXT NOT NULL, line_no INTEGER NOT NULL,
    PRIMARY KEY(waybill, carrier, bill_no, line_no)) WITHOUT ROWID;
"""
RELEASED_DDL = """
CREATE TABLE IF NOT EXISTS released(
    waybill TEXT NOT NULL, carrier TEXT NOT NULL, seq INTEGER NOT NULL, wall INTEGER NOT NULL,
    PRIMARY KEY(waybill, carrier, seq)) WITHOUT ROWID;
"""


class StoreError(Exception):
    """The store can't be opened or used; the text says which file, why and what to do."""


def connect(path: Path, ddl: str, *, readonly: bool, durable: bool) -> sqlite3.Connection:
    """Open one database file in WAL mode, creating its tables unless ``readonly``.

    ``durable``: every commit reaches the disk (releases); imports may lose their last batch in a power cut, because
    the files they came from can be imported again. Raises ``StoreError``.
    """
    if readonly and not path.exists():
        raise StoreError(f"{path}: no declarations there yet; import some first (lane declarations import ... --data)")
    mode = "ro" if readonly else "rwc"
    try:
        if not readonly:
            path.parent.mkdir(parents=True, exist_ok=True)
        connection = sqlite3.connect(
            f"file:{quote(str(path))}?mode={mode}", uri=True, isolation_level=None, check_same_thread=False,
            timeout=BUSY_MS / 1000, cached_statements=256,
        )  # fmt: skip
        if not readonly:
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute(f"PRAGMA synchronous={'FULL' if durable else 'NORMAL'}")
            connection.execute(f"PRAGMA wal_autocheckpoint={CHECKPOINT_PAGES}")
        connection.execute("PRAGMA temp_store=MEMORY")
        connection.execute(f"PRAGMA cache_size=-{CACHE_KIB_READER if readonly else CACHE_KIB_WRITER}")
        _check_version(connection, path, ddl, readonly)
    except (sqlite3.Error, OSError) as error:
        raise StoreError(f"{path}: can't be opened as a store of declarations: {error}") from None
    return connection


def _check_version(connection: sqlite3.Connection, path: Path, ddl: str, readonly: bool) -> None:
    found = int(connection.execute("PRAGMA user_version").fetchone()[0])
    if found == 0 and not readonly:
        connection.executescript(f"BEGIN IMMEDIATE; {ddl} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")
        return
    if found != SCHEMA_VERSION:
        connection.close()
        raise StoreError(f"{path}: expected schema {SCHEMA_VERSION}, was {found}; import into a new folder")
