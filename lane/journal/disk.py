"""What the journal asks of the file system: durable files, the lane's lock, and room to write."""

import fcntl
import os
from dataclasses import dataclass
from pathlib import Path

GIB = 1 << 30
FREE_BYTES_MIN = 2 * GIB
"""No induction below this: the records of parcels on the belt and of the closing epoch must still fit."""
BALLAST_BYTES = 64 << 20
"""Given up when the disk runs full, so that closing records find room."""
BALLAST_NAME = "ballast.bin"
LOCK_NAME = "journal.lock"


class JournalError(Exception):
    """Base of what the journal can say."""


class JournalPanic(JournalError):
    """A write failed: nothing after it may be trusted to be durable. The lane stops; only a restart goes on."""


class JournalLocked(JournalError):
    """Another core writes this run."""


class JournalDamaged(JournalError):
    """What is on disk contradicts itself; ``lane verify`` names the place."""


class JournalFull(JournalError):
    """Not enough room to start."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DiskSpace:
    """Room on the journal's file system. ``low``: below the watermark, induction must stop."""

    free_bytes: int
    limit_bytes: int

    @property
    def low(self) -> bool:
        """Whether the watermark is reached."""
        return self.free_bytes < self.limit_bytes


def free_bytes(folder: Path) -> int:
    """Bytes an unprivileged writer may still use."""
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize


def sync_directory(folder: Path) -> None:
    """Make renames and removals in a folder durable."""
    handle = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def write_durably(path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write a file whole or not at all: temporary, fsync, rename, fsync of the folder. Raises OSError."""
    write_whole(path.with_name(f".{path.name}.{os.getpid()}.tmp"), path, data, mode)
    sync_directory(path.parent)


def write_whole(temporary: Path, path: Path, data: bytes, mode: int = 0o644) -> None:
    """Write and sync a temporary in the same folder, then rename it. The rename lasts once the folder is synced too.

    Raises OSError, and leaves no temporary then.
    """
    temporary.unlink(missing_ok=True)
    handle = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW, mode)
    try:
        with os.fdopen(handle, "wb") as stream:
            stream.write(data)
            stream.flush()
            os.fsync(stream.fileno())
        temporary.rename(path)
    except OSError:
        temporary.unlink(missing_ok=True)
        raise


class LaneLock:
    """One writer per run: an advisory lock that ends with the process, however it ends."""

    def __init__(self, run: Path) -> None:
        self._path = run / LOCK_NAME
        self._handle = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o644)
        try:
            fcntl.flock(self._handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.pread(self._handle, 32, 0).decode("ascii", "replace").strip() or "unknown"
            os.close(self._handle)
            raise JournalLocked(
                f"{self._path}: another core (process {holder}) writes this run; end it, or start with another --run"
            ) from None
        os.ftruncate(self._handle, 0)
        os.pwrite(self._handle, f"{os.getpid()}\n".encode(), 0)

    def release(self) -> None:
        """Let another core write."""
        os.close(self._handle)


def place_ballast(run: Path, size_bytes: int) -> None:
    """Reserve room that ``drop_ballast`` can give back."""
    path = run / BALLAST_NAME
    if size_bytes == 0 or (path.exists() and path.stat().st_size >= size_bytes):
        return
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o600)
    try:
        os.posix_fallocate(handle, 0, size_bytes)
    finally:
        os.close(handle)


def drop_ballast(run: Path) -> None:
    """Give the reserved room back."""
    (run / BALLAST_NAME).unlink(missing_ok=True)
