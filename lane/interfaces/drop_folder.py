"""A drop folder: new files are imported once they are complete; originals are neither moved nor copied."""

import time
from dataclasses import dataclass, field
from pathlib import Path

from lane.declarations.store import DeclarationStore
from lane.interfaces.importer import ImportReport, find_files, import_files

HEARTBEAT_FILE = "heartbeat"
"""A feed that has nothing to report touches this file: its time of change is the sign of life."""
SETTLED_S = 1.0
"""A file that changed within this time may still be being written."""


@dataclass(slots=True)
class DropFolder:
    """Remembers which files it has seen. What was imported is remembered by the store itself, by content."""

    folder: Path
    encoding: str = "utf-8"
    _seen: dict[Path, tuple[int, int]] = field(default_factory=dict)
    _heartbeat: int = 0

    def poll(self, store: DeclarationStore, now_wall: float | None = None) -> ImportReport:
        """Import what is new and settled. Raises ``FileNotFoundError`` when the folder is gone, and
        ``StoreError``; files that an error kept out are tried again when the watch is started again."""
        now = time.time() if now_wall is None else now_wall
        self._listen(store)
        return import_files(store, self._fresh(now), encoding=self.encoding, now_wall=now)

    def _fresh(self, now: float) -> list[Path]:
        """Files that are new or changed since the last poll, and have stopped changing."""
        found: list[Path] = []
        there = find_files([self.folder])
        for file in there:
            try:
                status = file.stat()
            except FileNotFoundError:
                continue  # taken away between listing and looking: nothing of it is known
            mark = (status.st_mtime_ns, status.st_size)
            if self._seen.get(file) == mark or 0 <= now - status.st_mtime < SETTLED_S:
                continue
            self._seen[file] = mark
            found.append(file)
        present = set(there)
        self._seen = {file: mark for file, mark in self._seen.items() if file in present}
        return found

    def _listen(self, store: DeclarationStore) -> None:
        file = self.folder / HEARTBEAT_FILE
        if file.exists():
            heard = int(file.stat().st_mtime)
            if heard > self._heartbeat:
                self._heartbeat = heard
                store.heartbeat_all(heard)
