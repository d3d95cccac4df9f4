"""Reading a journal that another process writes: read-only, in order, from any record on."""

import sqlite3
from collections.abc import Iterator
from pathlib import Path

from lane.codec import decode
from lane.events.union import AnyEvent
from lane.inputs import AnyInput

READ_MAX = 500
"""Records per read: a page's refresh stays short while a long journal is caught up."""


class JournalTail:
    """Follows RUN/journal.db without ever writing to it.

    A journal that does not exist yet simply has no records; the console may start before the core.
    """

    def __init__(self, run: Path) -> None:
        self._path = run / "journal.db"
        self._connection: sqlite3.Connection | None = None

    def read(self, start: int, limit: int = READ_MAX) -> Iterator[tuple[int, AnyInput | AnyEvent]]:
        """Records from index ``start`` on, at most ``limit``.

        Raises
        ------
        sqlite3.DatabaseError
            The file is not a journal.
        """
        connection = self._connect()
        if connection is None:
            return
        rows = connection.execute("SELECT idx, body FROM record WHERE idx >= ? ORDER BY idx LIMIT ?", (start, limit))
        for index, body in rows.fetchall():
            yield index, decode(body)

    def body(self, index: int) -> bytes | None:
        """Canonical bytes of one record (None: no such record)."""
        connection = self._connect()
        if connection is None:
            return None
        row = connection.execute("SELECT body FROM record WHERE idx = ?", (index,)).fetchone()
        return None if row is None else bytes(row[0])

    def close(self) -> None:
        """Let go of the file."""
        if self._connection is not None:
            self._connection.close()
            self._connection = None

    def _connect(self) -> sqlite3.Connection | None:
        if self._connection is None:
            if not self._path.exists():
                return None
            connection = sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, check_same_thread=False, timeout=1.0)
            has_table = connection.execute("SELECT 1 FROM sqlite_master WHERE name = 'record'").fetchone()
            if has_table is None:
                connection.close()
                return None
            self._connection = connection
        return self._connection
