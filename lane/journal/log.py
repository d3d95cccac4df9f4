"""The journal of a real lane: SQLite in WAL mode, ``synchronous=FULL``, one writer, one transaction per input.

Responsible for: records and Merkle frontier changing together, projections in the same transaction, signed
checkpoints as table rows and files, refusing everything after the first failed write. Not responsible for: what the
records mean (``lane.controller``), proving them afterwards (``lane.verifier``).

A transaction is one input record and all its events. When ``append`` returns, they are on disk; only then may their
commands leave. Any error of SQLite or of the operating system is a ``JournalPanic``: SQLite would take the next
insert after an I/O error, and the kernel drops the dirty pages, so going on would lose records unseen.
"""

import sqlite3
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn, TypeVar

from lane.codec import CodecError, encode
from lane.events.union import AnyEvent
from lane.inputs import AnyInput, EpochNonce, EpochOpened, EpochRevealed
from lane.journal.container import CONTAINER_NAME, seal_container
from lane.journal.disk import (
    BALLAST_BYTES,
    FREE_BYTES_MIN,
    DiskSpace,
    JournalDamaged,
    JournalError,
    JournalFull,
    JournalPanic,
    LaneLock,
    drop_ballast,
    free_bytes,
    place_ballast,
    write_durably,
)
from lane.journal.note import Checkpoint, Signer, parse_checkpoint, signed_checkpoint, verifier_key
from lane.journal.projections import EpochEntry, EpochLedger, KeyIndex, Projection, SnapshotMark
from lane.journal.tree import HASH_BYTES, CompactRange, leaf_hash, peak_sizes, root_of

JOURNAL_NAME = "journal.db"
CHECKPOINTS_NAME = "checkpoints"
PUBLIC_KEY_NAME = "lane.pub"
START_ROWS = 10_000
"""Rows whose hashes are recomputed against the frontier at every start (0.1 s); ``lane verify`` does all."""
WAL_BYTES_MAX = 8 << 20
"""The write-ahead log is copied back into the database when so much was written (the pause stays under 0.1 s)."""
WAL_BYTES_PER_COMMIT = 4 * 4_096
"""Estimate: pages that a commit touches besides the record bytes themselves."""
CHECKPOINT_US = 1_000_000
"""A changed journal is signed at most once a second."""

TABLES = """
    CREATE TABLE IF NOT EXISTS record (idx INTEGER PRIMARY KEY, leaf BLOB NOT NULL, body BLOB NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS frontier (
        one INTEGER PRIMARY KEY CHECK (one = 1), size INTEGER NOT NULL, hashes BLOB NOT NULL) STRICT;
    CREATE TABLE IF NOT EXISTS signed_checkpoint (size INTEGER PRIMARY KEY, note BLOB NOT NULL) STRICT;
    INSERT OR IGNORE INTO frontier VALUES (1, 0, x'');
"""
"""``leaf`` repeats SHA-256(00 | body): a damaged body is named by its own index, not only by the tree's root."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JournalLimits:
    """Room the journal insists on (tests make it small)."""

    free_bytes_min: int = FREE_BYTES_MIN
    ballast_bytes: int = BALLAST_BYTES


T = TypeVar("T")
Connect = Callable[[Path], sqlite3.Connection]


def connect_writer(path: Path) -> sqlite3.Connection:
    """The one writing connection: WAL, FULL, no automatic checkpoints of SQLite's own."""
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False, cached_statements=64)
    mode = connection.execute("PRAGMA journal_mode=WAL").fetchone()[0]
    if mode != "wal":
        raise JournalError(f"{path}: SQLite can't use a write-ahead log here (journal mode {mode}); use a local disk")
    for pragma in ("synchronous=FULL", "wal_autocheckpoint=0", "cell_size_check=ON", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}")
    return connection


def connect_reader(path: Path) -> sqlite3.Connection:
    """A reading connection (``mode=ro``): sees each committed transaction whole."""
    return sqlite3.connect(
        f"{path.absolute().as_uri()}?mode=ro", uri=True, isolation_level=None, check_same_thread=False
    )


def connect_closed(path: Path) -> sqlite3.Connection:
    """Reads the database file of an orderly ended run; creates no file beside it, sees no later change."""
    return sqlite3.connect(f"{path.absolute().as_uri()}?immutable=1", uri=True, isolation_level=None)


class Journal:
    """Append-only record store of one run. Make it with ``Journal.open``."""

    def __init__(
        self,
        run: Path,
        origin: str,
        signer: Signer,
        projections: Sequence[Projection],
        limits: JournalLimits,
        lock: LaneLock,
        connection: sqlite3.Connection,
    ) -> None:
        self._run, self._origin, self._signer, self._limits, self._lane_lock = run, origin, signer, limits, lock
        self._connection = connection
        self._projections: tuple[Projection, ...] = (KeyIndex(), EpochLedger(), SnapshotMark(), *projections)
        self._mutex, self._read_mutex = threading.RLock(), threading.Lock()
        self._broken = ""
        self._closed = False
        self._wal_bytes = 0
        self._signed_at_us = -CHECKPOINT_US
        self._tree = CompactRange()
        self._signed = Checkpoint(origin=origin, size=0, root=self._tree.root())

    @classmethod
    def open(
        cls,
        run: Path,
        *,
        origin: str,
        signer: Signer,
        projections: Sequence[Projection] = (),
        limits: JournalLimits | None = None,
        connect: Connect = connect_writer,
    ) -> "Journal":
        """Open or start the journal of a run.

        Raises JournalLocked (another core), JournalFull (below the watermark), JournalDamaged (records, frontier
        and checkpoints disagree), JournalPanic (I/O).
        """
        limits = limits or JournalLimits()
        (run / CHECKPOINTS_NAME).mkdir(parents=True, exist_ok=True)
        space = DiskSpace(free_bytes=free_bytes(run), limit_bytes=limits.free_bytes_min)
        if space.low:
            raise JournalFull(
                f"{run}: {space.free_bytes >> 20} MiB free, {space.limit_bytes >> 20} MiB needed to start; "
                "free some room or choose another disk with --run"
            )
        lock = LaneLock(run)
        try:
            connection = connect(run / JOURNAL_NAME)
            journal = cls(run, origin, signer, projections, limits, lock, connection)
            journal._start()
        except BaseException as error:
            lock.release()
            if isinstance(error, sqlite3.DatabaseError) and "malformed" in str(error):
                raise JournalDamaged(f"{run / JOURNAL_NAME}: {error}; run `lane verify` on it") from error
            if isinstance(error, sqlite3.Error | OSError):
                raise JournalPanic(f"{run / JOURNAL_NAME}: can't be opened: {error}") from error
            raise
        return journal

    # --- writing ---

    def append(self, item: AnyInput, events: Sequence[AnyEvent]) -> int:
        """Make an input and its events durable; returns the input's record index. Blocks: call it in a thread.

        A draw epoch's nonce is preceded by a checkpoint over its commitment; its opening and reveal are followed by
        one. Raises JournalPanic on any failure, and for ever after.
        """
        with self._mutex:
            self._refuse_when_broken()
            if isinstance(item, EpochNonce):
                self.checkpoint()
            index = self._tree.size
            try:
                self._commit(item, events)
                if self._wal_bytes >= WAL_BYTES_MAX:
                    self._copy_wal("PASSIVE")
            except (sqlite3.Error, OSError, CodecError) as error:
                self._panic("append", error)
            if isinstance(item, EpochOpened | EpochRevealed):
                self.checkpoint()
            return index

    def _commit(self, item: AnyInput, events: Sequence[AnyEvent]) -> None:
        connection, tree = self._connection, self._tree.copy()
        items = (item, *events)
        rows = []
        for offset, body in enumerate([encode(one) for one in items], tree.size):
            leaf = leaf_hash(body)
            tree.append(leaf)
            rows.append((offset, leaf, body))
        connection.execute("BEGIN IMMEDIATE")
        connection.executemany("INSERT INTO record VALUES (?, ?, ?)", rows)
        connection.execute("UPDATE frontier SET size = ?, hashes = ?", (tree.size, b"".join(tree.peaks)))
        for projection in self._projections:
            for index, one in enumerate(items, self._tree.size):
                projection.apply(connection, index, one)
        connection.execute("COMMIT")
        self._tree = tree
        self._wal_bytes += WAL_BYTES_PER_COMMIT + sum(len(row[2]) for row in rows)

    def checkpoint(self) -> Checkpoint:
        """Sign the journal as it is, when it changed since the last time: table row first, then the file."""
        with self._mutex:
            self._refuse_when_broken()
            if self._tree.size == self._signed.size:
                return self._signed
            checkpoint = Checkpoint(origin=self._origin, size=self._tree.size, root=self._tree.root())
            try:
                note = signed_checkpoint(checkpoint, self._signer)
                self._connection.execute("INSERT INTO signed_checkpoint VALUES (?, ?)", (checkpoint.size, note))
                write_durably(self._checkpoint_path(checkpoint.size), note)
            except (sqlite3.Error, OSError) as error:
                self._panic("checkpoint", error)
            self._signed = checkpoint
            self._wal_bytes += WAL_BYTES_PER_COMMIT
            return checkpoint

    def checkpoint_if_due(self, now_us: int) -> Checkpoint:
        """The same, at most once a second of the caller's clock. Call it after ``append``, off the event loop."""
        with self._mutex:
            if now_us - self._signed_at_us < CHECKPOINT_US:
                return self._signed
            self._signed_at_us = now_us
            return self.checkpoint()

    def space(self) -> DiskSpace:
        """Room left. ``low`` stops induction; when even the ballast's size is gone, the ballast is given back."""
        try:
            free = free_bytes(self._run)
            if free < self._limits.ballast_bytes:
                drop_ballast(self._run)
        except OSError as error:
            self._panic("space", error)
        return DiskSpace(free_bytes=free, limit_bytes=self._limits.free_bytes_min)

    def close(self) -> None:
        """Last checkpoint, write-ahead log folded in, container sealed, lock released. Safe to call twice.

        A reader that holds a transaction open for over five seconds leaves the container unsealed. After a panic
        the journal only lets go of its files.
        """
        with self._mutex:
            if self._closed:
                return
            try:
                folded = False
                if not self._broken:
                    self.checkpoint()
                    folded = self._copy_wal("TRUNCATE")
                self._let_go()
                if folded:
                    seal_container(self._run / JOURNAL_NAME, self._run / CHECKPOINTS_NAME / CONTAINER_NAME)
                if not self._broken:
                    drop_ballast(self._run)
            except (sqlite3.Error, OSError) as error:
                self._panic("close", error)
            finally:
                self._closed = True
                self._lane_lock.release()

    # --- reading ---

    @property
    def size(self) -> int:
        """Number of records."""
        return self._tree.size

    @property
    def root(self) -> bytes:
        """Merkle root over all records."""
        return self._tree.root()

    @property
    def broken(self) -> str:
        """Why the journal refuses everything ("": it does not)."""
        return self._broken

    def records(self, start: int = 0) -> Iterator[tuple[int, bytes]]:
        """(index, canonical bytes) from ``start`` on, as committed when the call was made."""
        reader = connect_reader(self._run / JOURNAL_NAME)
        try:
            rows = reader.execute("SELECT idx, body FROM record WHERE idx >= ? ORDER BY idx", (start,))
            yield from rows
        finally:
            reader.close()

    def sticky(self, parcel_key: str, at_us: int) -> tuple[int, int]:
        """(last effective passage of this draw key within 30 days or 0, number of passages within 30 days)."""
        return self._ask(lambda reader: KeyIndex.sticky(reader, parcel_key, at_us)) if parcel_key else (0, 0)

    def epochs(self) -> list[EpochEntry]:
        """Draw epochs that the journal knows."""
        return self._ask(EpochLedger.entries)

    def last_snapshot_index(self) -> int:
        """Index of the last ``Snapshot`` record (-1: none): restart replays the inputs after it."""
        return self._ask(SnapshotMark.last)

    # --- inside ---

    def _ask(self, question: Callable[[sqlite3.Connection], T]) -> T:
        with self._read_mutex:
            try:
                return question(self._reader)
            except sqlite3.Error as error:
                self._panic("read", error)

    def _start(self) -> None:
        (self._run / CHECKPOINTS_NAME / CONTAINER_NAME).unlink(missing_ok=True)
        for leftover in (self._run / CHECKPOINTS_NAME).glob(".*.tmp"):
            leftover.unlink()
        place_ballast(self._run, self._limits.ballast_bytes)
        for tables in (TABLES, *(projection.tables for projection in self._projections)):
            self._connection.executescript(tables)
        self._reader = connect_reader(self._run / JOURNAL_NAME)
        self._tree = self._checked_frontier()
        self._signed = self._checked_checkpoints()
        write_durably(
            self._run / CHECKPOINTS_NAME / PUBLIC_KEY_NAME,
            (verifier_key(self._origin, self._signer.public_key) + "\n").encode(),
        )

    def _checked_frontier(self) -> CompactRange:
        size, blob = self._connection.execute("SELECT size, hashes FROM frontier").fetchone()
        try:
            tree = CompactRange(size, [blob[at : at + HASH_BYTES] for at in range(0, len(blob), HASH_BYTES)])
        except ValueError as error:
            raise JournalDamaged(f"{self._run / JOURNAL_NAME}: {error}") from error
        first = max(0, size - START_ROWS)
        rows = self._connection.execute("SELECT idx, body FROM record WHERE idx >= ? ORDER BY idx", (first,)).fetchall()
        if [row[0] for row in rows] != list(range(first, size)):
            raise JournalDamaged(f"{self._run / JOURNAL_NAME}: records {first} to {size - 1} are not gap-free")
        end = size
        for peak, leaves in zip(reversed(tree.peaks), reversed(peak_sizes(size)), strict=True):
            if end - leaves < first:
                break
            if root_of([leaf_hash(row[1]) for row in rows[end - leaves - first : end - first]]) != peak:
                raise JournalDamaged(
                    f"{self._run / JOURNAL_NAME}: frontier and records {end - leaves} to {end - 1} disagree"
                )
            end -= leaves
        return tree

    def _checked_checkpoints(self) -> Checkpoint:
        row = self._connection.execute("SELECT size, note FROM signed_checkpoint ORDER BY size DESC LIMIT 1").fetchone()
        on_disk = [int(path.stem) for path in self._checkpoint_path(0).parent.glob("*.txt") if path.stem.isdecimal()]
        if max([*on_disk, row[0] if row else 0]) > self._tree.size:
            raise JournalDamaged(
                f"{self._run}: signed checkpoint over {max(on_disk)} records, the journal holds {self._tree.size}: "
                "it was truncated or rolled back"
            )
        if row is None:
            return Checkpoint(origin=self._origin, size=0, root=CompactRange().root())
        checkpoint = parse_checkpoint(row[1])
        if checkpoint.origin != self._origin:
            raise JournalDamaged(f"{self._run}: journal of {checkpoint.origin}, this lane is {self._origin}")
        if row[0] not in on_disk:  # killed between the row and its file
            write_durably(self._checkpoint_path(row[0]), row[1])
        if row[0] == self._tree.size and checkpoint.root != self._tree.root():
            raise JournalDamaged(f"{self._run}: records and signed checkpoint {row[0]} disagree")
        return checkpoint

    def _checkpoint_path(self, size: int) -> Path:
        return self._run / CHECKPOINTS_NAME / f"{size}.txt"

    def _copy_wal(self, mode: str) -> bool:
        """Fold the write-ahead log into the database; False when a reader kept some of it back."""
        busy, _, _ = self._connection.execute(f"PRAGMA wal_checkpoint({mode})").fetchone()
        self._wal_bytes = 0
        return not busy

    def _let_go(self) -> None:
        with self._read_mutex:
            self._reader.close()
        self._connection.close()

    def _refuse_when_broken(self) -> None:
        if self._broken or self._closed:
            raise JournalPanic(f"{self._run / JOURNAL_NAME}: {self._broken or 'closed'}; nothing is written any more")

    def _panic(self, doing: str, error: Exception) -> NoReturn:
        self._broken = self._broken or f"{doing} failed: {error}"
        raise JournalPanic(f"{self._run / JOURNAL_NAME}: {self._broken}") from error
