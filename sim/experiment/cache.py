"""Finished replications on disk, by the key of their task: a killed experiment goes on where it was."""

import hashlib
import zipfile
import zlib
from pathlib import Path

from sim.experiment.task import unpacked
from sim.experiment.watch import Log
from sim.outputs import whole_file

DIGEST_BYTES = hashlib.sha256().digest_size


class Cache:
    """A folder of logs, each behind the SHA-256 of its bytes. A file appears whole or not at all; one that can't be
    read, or is not what was written, counts as absent: its replication is run again."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> Log | None:
        """The log of this task, if it has been run."""
        try:
            kept = self._path(key).read_bytes()
            digest, data = kept[:DIGEST_BYTES], kept[DIGEST_BYTES:]
            return unpacked(data) if hashlib.sha256(data).digest() == digest else None
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
            return None

    def put(self, key: str, data: bytes) -> None:
        """Keep a packed log."""
        with whole_file(self._path(key)) as fresh:
            fresh.write_bytes(hashlib.sha256(data).digest() + data)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.run"
