"""Finished replications on disk, by the key of their task: a killed experiment goes on where it was."""

import os
import zipfile
import zlib
from pathlib import Path

from sim.experiment.task import unpacked
from sim.experiment.watch import Log


class Cache:
    """A folder of logs. A file appears whole or not at all; one that can't be read counts as absent."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        folder.mkdir(parents=True, exist_ok=True)

    def get(self, key: str) -> Log | None:
        """The log of this task, if it has been run."""
        try:
            return unpacked(self._path(key).read_bytes())
        except (OSError, EOFError, ValueError, KeyError, zipfile.BadZipFile, zlib.error):
            return None

    def put(self, key: str, data: bytes) -> None:
        """Keep a packed log."""
        path = self._path(key)
        part = path.with_suffix(f".{os.getpid()}.part")
        part.write_bytes(data)
        part.replace(path)

    def _path(self, key: str) -> Path:
        return self._folder / f"{key}.npz"
