"""Reads a run's ``journal.db`` and says which of its pages changed since the orderly end."""

import json
import sqlite3
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from lane.verifier.findings import Report

NAME = "journal.db"
CONTAINER = "checkpoints/container.json"
PAGES_SHOWN = 10


class JournalFile:
    """The database file of a run, opened without changing it."""

    def __init__(self, run: Path, report: Report) -> None:
        self.path, self._run, self._report = run / NAME, run, report
        self.orderly = (run / CONTAINER).exists()
        wal = run / (NAME + "-wal")
        self._wal_waits = wal.exists() and wal.stat().st_size > 0
        mode = "mode=ro" if self._wal_waits and not self.orderly else "immutable=1"
        if self._wal_waits and self.orderly:
            report.damage(wal.name, "container damaged: a write-ahead log beside an orderly closed journal")
        self._connection = sqlite3.connect(f"{self.path.absolute().as_uri()}?{mode}", uri=True)
        self._connection.text_factory = bytes
        self._connection.isolation_level = None
        self.unreadable = False

    def begin(self) -> None:
        """From here on, see the journal as it is now, even while a lane writes it."""
        list(self.rows("BEGIN", "start"))

    def rows(self, statement: str, what: str) -> Iterator[tuple[Any, ...]]:
        """Rows of a query; what SQLite can't read becomes a finding instead of a traceback."""
        try:
            yield from self._connection.execute(statement)
        except sqlite3.Error as error:
            self.unreadable = True
            self._report.damage(f"{NAME}: {what}", f"SQLite can't read it: {error}")

    def close(self) -> None:
        """Let go of the file."""
        self._connection.close()

    def check_container(self, content_is_damaged: bool) -> None:
        """Compare the file with its fingerprint: names pages whose bytes changed without touching a record."""
        if not self.orderly:
            self._report.notes.append("no orderly end: bytes of the database file outside its records are not checked")
            return
        try:
            text, seal = (self._run / CONTAINER).read_bytes().decode("ascii").removesuffix("\n").split("\n")
            fingerprint = json.loads(text)
            if sha256(text.encode()).hexdigest() != seal:
                raise ValueError("its own hash differs")
            pages, page_bytes, whole = fingerprint["pages"], fingerprint["page_bytes"], fingerprint["sha256"]
        except (OSError, ValueError, KeyError) as error:
            self._report.damage(CONTAINER, f"container damaged: fingerprint unreadable ({error})")
            return
        changed, found, count = [], sha256(), 0
        with self.path.open("rb") as stream:
            while page := stream.read(page_bytes):
                found.update(page)
                if sha256(page).hexdigest()[:16] != pages[count * 16 : count * 16 + 16]:
                    changed.append(count + 1)
                count += 1
        if found.hexdigest() == whole:
            return
        where = ", ".join(map(str, changed[:PAGES_SHOWN])) or f"{len(pages) // 16} expected, {count} found"
        place = f"{NAME} page {where}" if len(changed) == 1 else f"{NAME} pages {where}"
        if content_is_damaged:
            self._report.notes.append(f"changed since the orderly end: {place}")
        else:
            self._report.damage(place, "container damaged: bytes that carry no record changed since the orderly end")
