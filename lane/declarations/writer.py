"""Writes records into the store: whole files or nothing, many files per transaction.

A file is a savepoint inside a batch; a rejected file leaves no trace, a batch commits after ``BATCH_RECORDS``
records or ``BATCH_S`` seconds, so that readers and other writers get their turn.
"""

import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from operator import itemgetter

from lane.declarations.linking import list_idents, parcel_ident, receipt_idents
from lane.declarations.records import (
    Declaration,
    Inbound,
    OrderFacts,
    Receipt,
    Record,
    WaybillFacts,
    canonical,
    parse_receipt,
    receipt_body,
    to_json,
    version_of,
)

BATCH_RECORDS = 50_000
BATCH_S = 1.0
BUFFER_RECORDS = 2_000
"""Records held back for one bulk insert."""
WAITING_MAX = 100_000
WAITING_S_MAX = 30 * 24 * 3600
"""Receipts without a list wait, at most so many and so long (own limits); the oldest go first."""


@dataclass(slots=True)
class FileCounts:
    """What one file brought. ``repeats``: lists that the store already had in this very version.

    ``rejected`` and ``warned`` are set by the caller, before the file's block ends.
    """

    lists: int = 0
    receipts: int = 0
    other: int = 0
    repeats: int = 0
    rejected: int = 0
    warned: int = 0


@dataclass(slots=True)
class _Buffers:
    """Rows held back for bulk inserts."""

    lists: list[tuple[str, int, int, int, bytes]] = field(default_factory=list)
    keys: list[tuple[str, str]] = field(default_factory=list)
    receipts: list[tuple[str, str, int]] = field(default_factory=list)
    new_receipts: list[Receipt] = field(default_factory=list)
    feeds: dict[str, int] = field(default_factory=dict)


class Writer:
    """Importing side of the store; one at a time per database (a second one waits for the batch to end)."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._db = connection
        self._rows = _Buffers()
        self._counts = FileCounts()
        self._now = 0
        self._file_id = 0
        self._in_batch = False
        self._batch_records = 0
        self._batch_since = 0.0
        self._waiting = self._any_waiting()

    def rejected_before(self, sha256: bytes) -> int | None:
        """Records rejected when exactly this file was imported before; None: it never was.

        Starts a batch, so that no other import can take the same file between this answer and its use.
        """
        self._begin_batch()
        row = self._db.execute("SELECT rejected FROM file WHERE sha256=?", (sha256,)).fetchone()
        return None if row is None else int(row[0])

    @contextmanager
    def file(self, sha256: bytes, name: str, size: int, now_wall: int) -> Iterator[FileCounts]:
        """One file: everything added inside is stored, or, when an exception leaves the block, nothing."""
        if not self._in_batch:
            self._begin_batch()
        self._db.execute("SAVEPOINT one_file")
        self._rows, self._counts, self._now = _Buffers(), FileCounts(), now_wall
        try:
            self._file_id = self._open_file(sha256, name, size)
            yield self._counts
            self._flush()
            self._close_file()
        except BaseException:
            if self._db.in_transaction:  # a full disk has already taken the whole batch back
                self._db.execute("ROLLBACK TO one_file")
                self._db.execute("RELEASE one_file")
                self._waiting = self._any_waiting()
            raise
        counts = self._counts
        self._db.execute("RELEASE one_file")
        self._batch_records += counts.lists + counts.receipts + counts.other
        if self._batch_records >= BATCH_RECORDS:
            self.commit()

    def add(self, record: Record) -> None:
        """Take one record of the current file."""
        if isinstance(record, Declaration):
            self._add_list(record)
        elif isinstance(record, Receipt):
            self._add_receipt(record)
        else:
            self._add_other(record)

    def commit(self) -> None:
        """End the batch: readers see its files from now on. Also drops receipts that waited too long."""
        if self._in_batch:
            self._prune_waiting()
            self._db.execute("COMMIT")
            self._in_batch = False

    def rollback(self) -> None:
        """Give up the batch (after an error that is none of a file's)."""
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        self._in_batch = False

    def _begin_batch(self) -> None:
        if self._in_batch and time.monotonic() - self._batch_since >= BATCH_S:
            self.commit()
        if not self._in_batch:
            self._db.execute("BEGIN IMMEDIATE")
            self._in_batch, self._batch_records, self._batch_since = True, 0, time.monotonic()

    def _open_file(self, sha256: bytes, name: str, size: int) -> int:
        """Row of the file (a file whose rows were taken back is entered anew)."""
        row = (sha256, name, size, self._now)
        cursor = self._db.execute("INSERT INTO file(sha256, name, bytes, imported_at) VALUES (?,?,?,?)", row)
        return int(cursor.lastrowid or 0)

    def _close_file(self) -> None:
        c = self._counts
        self._db.execute(
            "UPDATE file SET lists=?, receipts=?, other=?, rejected=?, warned=? WHERE id=?",
            (c.lists, c.receipts, c.other, c.rejected, c.warned, self._file_id),
        )

    def _add_list(self, declaration: Declaration) -> None:
        body = canonical(declaration)
        waybill = declaration.key.waybill
        rows = self._rows
        rows.lists.append((waybill, _mark(version_of(body)), self._now, self._file_id, body))
        for ident in list_idents(declaration):
            rows.keys.append((ident, waybill))
        if self._waiting:
            rows.keys.append((parcel_ident(declaration.key.carrier, waybill), ""))
        self._counts.lists += 1
        if len(rows.lists) >= BUFFER_RECORDS:
            self._flush()

    def _add_receipt(self, receipt: Receipt) -> None:
        body = receipt_body(receipt)
        rows = self._rows
        for ident in receipt_idents(receipt):
            rows.receipts.append((ident, body, self._now))
        rows.feeds[receipt.feed] = self._now
        if receipt.feed == "ceb":
            rows.new_receipts.append(receipt)
        self._counts.receipts += 1
        if len(rows.receipts) >= BUFFER_RECORDS:
            self._flush()

    def _add_other(self, record: OrderFacts | WaybillFacts | Inbound) -> None:
        self._counts.other += 1
        if isinstance(record, OrderFacts):
            body = to_json([record.ebp_code, record.lines])
            self._db.execute("INSERT OR IGNORE INTO order_facts VALUES (?,?)", (record.order_no, body))
        elif isinstance(record, WaybillFacts):
            values: Sequence[object] = (record.waybill, record.carrier, record.order_no)
            self._db.execute("INSERT OR IGNORE INTO waybill_facts VALUES (?,?,?)", values)
        else:
            values = (record.waybill, record.carrier, record.bill_no, record.line_no)
            self._db.execute("INSERT OR IGNORE INTO inbound VALUES (?,?,?,?)", values)

    def _flush(self) -> None:
        """Bulk inserts, sorted so that neighbouring keys share pages."""
        rows, db = self._rows, self._db
        rows.lists.sort(key=itemgetter(0))  # stable: later in the file stays later in the store
        before = _last_id(db)
        db.executemany(
            "INSERT INTO list(waybill, mark, received_at, file, body) VALUES (?,?,?,?,?) "
            "ON CONFLICT(waybill, mark) DO UPDATE SET received_at=excluded.received_at "
            "WHERE excluded.received_at > received_at",
            rows.lists,
        )
        self._counts.repeats += len(rows.lists) - (_last_id(db) - before)
        keys = sorted(row for row in rows.keys if row[1])
        db.executemany("INSERT OR IGNORE INTO list_key VALUES (?,?)", keys)
        rows.receipts.sort()
        db.executemany("INSERT OR IGNORE INTO receipt VALUES (?,?,?)", rows.receipts)
        for name, heard in rows.feeds.items():
            heard_feed(db, name, heard)
        if self._waiting:
            self._end_waiting([row[0] for row in rows.keys])
        for receipt in rows.new_receipts:
            self._wait_for_list(receipt)
        self._rows = _Buffers()

    def _wait_for_list(self, receipt: Receipt) -> None:
        """Note a receipt whose list is not there (it is found as soon as the list comes)."""
        for ident in receipt_idents(receipt):
            if ident.startswith("W"):
                found = self._db.execute("SELECT 1 FROM list WHERE waybill=? LIMIT 1", (receipt.waybill,))
            else:
                found = self._db.execute("SELECT 1 FROM list_key WHERE ident=? LIMIT 1", (ident,))
            if found.fetchone():
                return
        row = (receipt.return_time, receipt_body(receipt), self._now)
        self._db.execute("INSERT OR IGNORE INTO waiting VALUES (?,?,?)", row)
        self._waiting = True

    def _end_waiting(self, idents: list[str]) -> None:
        for ident in idents:
            for (body,) in self._db.execute("SELECT body FROM receipt WHERE ident=?", (ident,)).fetchall():
                self._db.execute("DELETE FROM waiting WHERE body=? AND return_time=?", (body, _time_of(body)))

    def _prune_waiting(self) -> None:
        """Drop receipts that waited too long, and the oldest beyond the limit."""
        if not self._waiting:
            return
        limit = "SELECT return_time, body FROM waiting ORDER BY return_time DESC, body DESC LIMIT -1 OFFSET ?"
        gone = self._db.execute(limit, (WAITING_MAX,)).fetchall()
        oldest = self._now - WAITING_S_MAX
        gone += self._db.execute("SELECT return_time, body FROM waiting WHERE received_at < ?", (oldest,)).fetchall()
        for return_time, body in gone:
            self._db.execute("DELETE FROM waiting WHERE return_time=? AND body=?", (return_time, body))
            for ident in receipt_idents(parse_receipt(body)):
                self._db.execute("DELETE FROM receipt WHERE ident=? AND body=?", (ident, body))
        self._waiting = self._any_waiting()

    def _any_waiting(self) -> bool:
        return self._db.execute("SELECT 1 FROM waiting LIMIT 1").fetchone() is not None


def heard_feed(connection: sqlite3.Connection, name: str, now_wall: int) -> None:
    """A feed gave a sign of life."""
    connection.execute(
        "INSERT INTO feed VALUES (?,?) ON CONFLICT(name) DO UPDATE SET heard_at=max(heard_at, excluded.heard_at)",
        (name, now_wall),
    )


def _mark(version: bytes) -> int:
    """Short form of a version: tells versions of one waybill apart."""
    return int.from_bytes(version[:8], "big") >> 1


def _last_id(connection: sqlite3.Connection) -> int:
    return int(connection.execute("SELECT coalesce(max(id), 0) FROM list").fetchone()[0])


def _time_of(body: str) -> str:
    return parse_receipt(body).return_time
