"""Commits per second of the journal against bare SQLite with the same settings, in the same run.

    python tests/bench/bench_journal.py [--seconds 5] [--folder DIR] [--json FILE]

One commit of the journal: an input of some 200 bytes with two events, frontier and projections. One commit of bare
SQLite: the same three bodies, one transaction, nothing else. The two take turns, so that both meet the same
neighbours. A virtual disk may acknowledge fsync early; the printed fsync figure of the same folder tells.
"""

import argparse
import json
import os
import platform
import sqlite3
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[2]))

from lane.codec import encode
from lane.journal.log import WAL_BYTES_MAX, WAL_BYTES_PER_COMMIT, Journal, JournalLimits, connect_writer
from lane.journal.memory import MemoryJournal, MemoryMode
from lane.seal import SigningKey
from tests.lane.journal_items import ORIGIN, eye, inducted

ROUND_COMMITS = 50
COPY_EVERY = WAL_BYTES_MAX // (WAL_BYTES_PER_COMMIT + 330)
"""Commits after which bare SQLite folds its write-ahead log in, as often as the journal does."""


class Bare:
    """SQLite alone: same pragmas, same bytes, same transactions."""

    def __init__(self, folder: Path) -> None:
        self._connection = connect_writer(folder / "bare.db")
        self._connection.execute("CREATE TABLE record (idx INTEGER PRIMARY KEY, body BLOB NOT NULL) STRICT")
        self._size = 0

    def commit(self, at: int) -> None:
        """One transaction of three rows."""
        bodies = [encode(eye(at)), encode(inducted(at + 1, at)), encode(inducted(at + 1, at))]
        self._connection.execute("BEGIN IMMEDIATE")
        self._connection.executemany("INSERT INTO record VALUES (?, ?)", enumerate(bodies, self._size))
        self._connection.execute("COMMIT")
        self._size += len(bodies)
        if at % COPY_EVERY == COPY_EVERY - 1:
            self._connection.execute("PRAGMA wal_checkpoint(PASSIVE)").fetchone()


def fsyncs_per_second(folder: Path, seconds: float) -> float:
    """4 KiB writes with fsync."""
    handle = os.open(folder / "fsync.bin", os.O_WRONLY | os.O_CREAT)
    count, end = 0, time.perf_counter() + seconds
    started = time.perf_counter()
    while time.perf_counter() < end:
        os.pwrite(handle, b"x" * 4096, count % 64 * 4096)
        os.fsync(handle)
        count += 1
    os.close(handle)
    return count / (time.perf_counter() - started)


def in_turns(writers: dict[str, Callable[[int], Any]], seconds: float) -> dict[str, list[float]]:
    """Seconds per commit of each writer, in alternating rounds."""
    taken: dict[str, list[float]] = {name: [] for name in writers}
    end, at = time.perf_counter() + seconds, 0
    while time.perf_counter() < end:
        for name, write in writers.items():
            for offset in range(ROUND_COMMITS):
                started = time.perf_counter()
                write(at + offset)
                taken[name].append(time.perf_counter() - started)
        at += ROUND_COMMITS
    return taken


def figures(taken: list[float]) -> dict[str, float]:
    """Rate and percentiles in milliseconds."""
    ordered = sorted(taken)
    return {
        "commits_per_s": round(len(taken) / sum(taken), 1),
        "p50_ms": round(statistics.median(ordered) * 1e3, 3),
        "p99_ms": round(ordered[int(len(ordered) * 0.99)] * 1e3, 3),
        "max_ms": round(ordered[-1] * 1e3, 3),
    }


def memory_records_per_s(mode: MemoryMode) -> float:
    """Records per second of the twin's journal on one core, canonical bytes and hash included."""
    journal, items = MemoryJournal(mode), [(eye(at), [inducted(at + 1, at)]) for at in range(50_000)]
    started = time.perf_counter()
    for item, events in items:
        journal.append(item, events)
    journal.sha256()
    return journal.size / (time.perf_counter() - started)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seconds", type=float, default=5.0)
    parser.add_argument("--folder", type=Path, default=None, help="folder on the disk to measure (default: temporary)")
    parser.add_argument("--json", type=Path)
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(dir=options.folder) as name:
        folder = Path(name)
        journal = Journal.open(
            folder / "run",
            origin=ORIGIN,
            signer=SigningKey.of_twin(1),
            limits=JournalLimits(free_bytes_min=0, ballast_bytes=0),
        )
        bare = Bare(folder)
        taken = in_turns(
            {
                "journal": lambda at: journal.append(eye(at), [inducted(at + 1, at), inducted(at + 1, at)]),
                "bare": bare.commit,
            },
            options.seconds,
        )
        fsyncs = fsyncs_per_second(folder, 1.0)
        started = time.perf_counter()
        journal.checkpoint()
        checkpoint_ms = (time.perf_counter() - started) * 1e3
        journal.close()
    result: dict[str, Any] = {name: figures(values) for name, values in taken.items()}
    result["journal_share_of_bare"] = round(result["journal"]["commits_per_s"] / result["bare"]["commits_per_s"], 3)
    result["fsync_per_s"] = round(fsyncs, 1)
    result["checkpoint_ms"] = round(checkpoint_ms, 2)
    result["memory_records_per_s"] = {mode.value: round(memory_records_per_s(mode)) for mode in MemoryMode}
    result["conditions"] = {
        "python": platform.python_version(),
        "sqlite": sqlite3.sqlite_version,
        "machine": f"{platform.system()} {platform.release()} {platform.machine()}, {os.cpu_count()} CPUs",
        "load": os.getloadavg()[0],
        "folder": str(options.folder or tempfile.gettempdir()),
        "record_bytes": len(encode(eye(1))),
        "settings": "WAL, synchronous=FULL, wal_autocheckpoint=0, 3 records a commit",
    }
    print(json.dumps(result, indent=1))
    if options.json:
        options.json.write_text(json.dumps(result, indent=1) + "\n")


if __name__ == "__main__":
    main()
