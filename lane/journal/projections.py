"""Tables that follow the records, written in the same transaction: they can't disagree with the journal.

Built in: the index of draw keys (re-induction within 30 days), the ledger of draw epochs, the last snapshot.
Others (the release outbox) are given to ``Journal.open``.
"""

import sqlite3
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from lane.events.machine import Snapshot
from lane.events.parcel import ParcelDrawn
from lane.events.union import AnyEvent
from lane.inputs import AnyInput, EpochCommitted, EpochNonce, EpochOpened, EpochRevealed

STICKY_US = 30 * 24 * 3_600 * 1_000_000
"""An effective draw stays with its key for 30 days: sending a parcel round again never washes it clean."""


class Projection(Protocol):
    """A table kept from the records."""

    tables: str
    """DDL, safe to run at every start (``CREATE TABLE IF NOT EXISTS``)."""

    def apply(self, connection: sqlite3.Connection, index: int, item: AnyInput | AnyEvent) -> None:
        """Take in record ``index``, inside the journal's transaction."""
        ...


class EpochState(StrEnum):
    """How far a draw epoch has come."""

    COMMITTED = "COMMITTED"
    READY = "READY"
    OPEN = "OPEN"
    CLOSED = "CLOSED"


@dataclass(frozen=True, slots=True, kw_only=True)
class EpochEntry:
    """One draw epoch as the journal knows it (hex texts)."""

    epoch: int
    state: EpochState
    commitment: str
    nonce: str
    committed_index: int


class KeyIndex:
    """Passages of draw keys: answers whether an earlier draw of this key was effective."""

    tables = """
        CREATE TABLE IF NOT EXISTS draw_key (
            parcel_key TEXT NOT NULL, seq INTEGER NOT NULL, at_us INTEGER NOT NULL, effective INTEGER NOT NULL,
            PRIMARY KEY (parcel_key, seq)) STRICT, WITHOUT ROWID;
    """

    def apply(self, connection: sqlite3.Connection, index: int, item: AnyInput | AnyEvent) -> None:
        """Remember each draw of a non-empty key."""
        if type(item) is ParcelDrawn and item.parcel_key:
            connection.execute(
                "INSERT INTO draw_key VALUES (?, ?, ?, ?)",
                (item.parcel_key, item.seq, item.at_us, int(item.effective)),
            )

    @staticmethod
    def sticky(connection: sqlite3.Connection, parcel_key: str, at_us: int) -> tuple[int, int]:
        """(lane number of the last effective passage within 30 days or 0, number of passages within 30 days)."""
        seq, passages = connection.execute(
            "SELECT max(CASE effective WHEN 1 THEN seq ELSE 0 END), count(*) FROM draw_key"
            " WHERE parcel_key = ? AND at_us >= ?",
            (parcel_key, at_us - STICKY_US),
        ).fetchone()
        return (seq or 0), passages


class EpochLedger:
    """Draw epochs: committed, given a nonce, opened, revealed."""

    tables = """
        CREATE TABLE IF NOT EXISTS epoch (
            epoch INTEGER PRIMARY KEY, state TEXT NOT NULL, commitment TEXT NOT NULL, nonce TEXT NOT NULL,
            committed_index INTEGER NOT NULL) STRICT;
    """

    def apply(self, connection: sqlite3.Connection, index: int, item: AnyInput | AnyEvent) -> None:
        """Follow the four records of an epoch's life."""
        kind = type(item)
        if kind is EpochCommitted:
            assert isinstance(item, EpochCommitted)
            connection.execute(
                "INSERT OR IGNORE INTO epoch VALUES (?, ?, ?, '', ?)",
                (item.epoch, EpochState.COMMITTED.value, item.commitment, index),
            )
        elif isinstance(item, EpochNonce):
            connection.execute(
                "UPDATE epoch SET state = ?, nonce = ? WHERE epoch = ?",
                (EpochState.READY.value, item.nonce, item.epoch),
            )
        elif isinstance(item, EpochOpened | EpochRevealed):
            state = EpochState.OPEN if kind is EpochOpened else EpochState.CLOSED
            connection.execute("UPDATE epoch SET state = ? WHERE epoch = ?", (state.value, item.epoch))

    @staticmethod
    def entries(connection: sqlite3.Connection) -> list[EpochEntry]:
        """All epochs, first one first."""
        rows = connection.execute("SELECT epoch, state, commitment, nonce, committed_index FROM epoch ORDER BY epoch")
        return [
            EpochEntry(epoch=row[0], state=EpochState(row[1]), commitment=row[2], nonce=row[3], committed_index=row[4])
            for row in rows
        ]


class SnapshotMark:
    """Index of the last snapshot: where a restart begins to replay."""

    tables = """
        CREATE TABLE IF NOT EXISTS snapshot_mark (
            one INTEGER PRIMARY KEY CHECK (one = 1), idx INTEGER NOT NULL) STRICT;
    """

    def apply(self, connection: sqlite3.Connection, index: int, item: AnyInput | AnyEvent) -> None:
        """Move the mark to each new snapshot."""
        if type(item) is Snapshot:
            connection.execute("INSERT OR REPLACE INTO snapshot_mark VALUES (1, ?)", (index,))

    @staticmethod
    def last(connection: sqlite3.Connection) -> int:
        """Index of the last snapshot record, -1 when there is none."""
        row = connection.execute("SELECT idx FROM snapshot_mark").fetchone()
        return -1 if row is None else int(row[0])
