"""The SQLite journal: one transaction per input, one writer, nothing after a failure."""

import json
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from msgspec.structs import replace

from lane.codec import decode, encode
from lane.events.machine import Snapshot
from lane.events.union import AnyEvent
from lane.inputs import AnyInput, EpochCommitted, EpochNonce, EpochOpened
from lane.journal import disk, log
from lane.journal.disk import JournalDamaged, JournalFull, JournalLocked, JournalPanic
from lane.journal.log import Journal, JournalLimits, connect_reader, connect_writer
from lane.journal.memory import MemoryJournal, MemoryMode
from lane.journal.note import parse_checkpoint
from lane.journal.projections import STICKY_US, EpochState
from lane.journal.tree import leaf_hash, root_of
from lane.model.words import Design
from lane.seal import SigningKey
from tests.lane.journal_items import ORIGIN, drawn, eye, inducted

SMALL = JournalLimits(free_bytes_min=0, ballast_bytes=0)
SIGNER = SigningKey.of_twin(1)


def opened(run: Path, **extra: Any) -> Journal:
    return Journal.open(run, **{"origin": ORIGIN, "signer": SIGNER, "limits": SMALL, **extra})


@pytest.fixture
def journal(tmp_path: Path) -> Iterator[Journal]:
    one = opened(tmp_path / "run")
    yield one
    one.close()


def epoch_opened(**fields: Any) -> EpochOpened:
    plain = {"at_us": 1, "belt_um": 1, "epoch": 1, "commitment": "aa", "nonce": "bb", "rate": "0.055"}
    return EpochOpened(
        **{**plain, "design": Design.RATE_HELD, "config_sha256": "", "build_sha256": "", "key": b"k", **fields}
    )


def test_an_input_and_its_events_are_one_row_each_in_order(journal: Journal) -> None:
    assert journal.append(eye(1), [inducted(1, 1)]) == 0
    assert journal.append(eye(2), []) == 2
    assert [(index, decode(body)) for index, body in journal.records()] == [
        (0, eye(1)),
        (1, inducted(1, 1)),
        (2, eye(2)),
    ]
    assert [index for index, _ in journal.records(2)] == [2]
    assert journal.size == 3
    assert journal.root == root_of([leaf_hash(body) for _, body in journal.records()])


def test_a_reopened_journal_goes_on_where_it_ended(tmp_path: Path) -> None:
    for start in range(3):
        one = opened(tmp_path / "run")
        assert one.size == start * 50
        for at in range(50):
            one.append(eye(start * 50 + at), [])
        root = one.root
        one.close()
    again = opened(tmp_path / "run")
    assert again.root == root == root_of([leaf_hash(body) for _, body in again.records()])
    again.close()


def test_a_checkpoint_signs_size_and_root_in_table_and_file(journal: Journal, tmp_path: Path) -> None:
    journal.append(eye(1), [])
    checkpoint = journal.checkpoint()
    assert (checkpoint.size, checkpoint.root, checkpoint.origin) == (1, journal.root, ORIGIN)
    assert journal.checkpoint() is checkpoint
    note = (tmp_path / "run" / "checkpoints" / "1.txt").read_bytes()
    assert parse_checkpoint(note) == checkpoint
    with sqlite3.connect(tmp_path / "run" / "journal.db") as reader:
        assert reader.execute("SELECT size, note FROM signed_checkpoint").fetchall() == [(1, note)]
    public = (tmp_path / "run" / "checkpoints" / "lane.pub").read_text()
    assert public.startswith(ORIGIN + "+")


def test_checkpoints_come_at_most_once_a_second(journal: Journal) -> None:
    sizes = []
    for at_us in range(0, 3_000_000, 250_000):
        journal.append(eye(at_us), [])
        sizes.append(journal.checkpoint_if_due(at_us).size)
    assert sizes == [1, 1, 1, 1, 5, 5, 5, 5, 9, 9, 9, 9]


def test_a_commitment_is_signed_before_its_nonce_is_written(journal: Journal, tmp_path: Path) -> None:
    journal.append(EpochCommitted(at_us=1, belt_um=1, epoch=1, commitment="aa"), [])
    index = journal.append(EpochNonce(at_us=2, belt_um=1, epoch=1, nonce="bb", source="dice", by="wang"), [])
    assert index == 1
    assert (tmp_path / "run" / "checkpoints" / "1.txt").exists()
    assert [(entry.state, entry.nonce) for entry in journal.epochs()] == [(EpochState.READY, "bb")]
    journal.append(epoch_opened(), [])
    assert (tmp_path / "run" / "checkpoints" / "3.txt").exists()
    assert journal.epochs()[0].state is EpochState.OPEN


def test_the_key_index_answers_for_thirty_days(journal: Journal) -> None:
    always = epoch_opened(rate="1")
    never = epoch_opened(rate="0")
    journal.append(eye(1), [drawn(always, 1, "A", 0, 0, at=10)])
    journal.append(eye(2), [drawn(never, 2, "B", 1, 1, at=20), drawn(never, 3, "", 2, 1, at=30)])
    assert journal.sticky("A", 10 + STICKY_US) == (1, 1)
    assert journal.sticky("A", 11 + STICKY_US) == (0, 0)
    assert journal.sticky("B", 40) == (0, 1)
    assert journal.sticky("", 40) == (0, 0)
    memory = MemoryJournal()
    memory.append(eye(1), [drawn(always, 1, "A", 0, 0, at=10), drawn(never, 2, "B", 1, 1, at=20)])
    for key, at in (("A", 10 + STICKY_US), ("A", 11 + STICKY_US), ("B", 40), ("", 40)):
        assert memory.sticky(key, at) == journal.sticky(key, at)


def test_the_last_snapshot_is_known_after_a_restart(tmp_path: Path) -> None:
    one = opened(tmp_path / "run")
    assert one.last_snapshot_index() == -1
    one.append(eye(1), [Snapshot(at_us=1, belt_um=1, state="{}")])
    one.append(eye(2), [])
    one.close()
    again = opened(tmp_path / "run")
    assert again.last_snapshot_index() == 1
    again.close()


class Outbox:
    """A projection of the caller."""

    tables = "CREATE TABLE IF NOT EXISTS seen (idx INTEGER PRIMARY KEY, kind TEXT NOT NULL) STRICT;"

    def apply(self, connection: sqlite3.Connection, index: int, item: AnyInput | AnyEvent) -> None:
        """Remember each record's kind; fail on a parcel of number 13."""
        if getattr(item, "seq", 0) == 13:
            raise sqlite3.OperationalError("thirteen")
        connection.execute("INSERT INTO seen VALUES (?, ?)", (index, type(item).__name__))


def test_a_projection_changes_with_the_records_or_not_at_all(tmp_path: Path) -> None:
    one = opened(tmp_path / "run", projections=[Outbox()])
    one.append(eye(1), [inducted(1, 1)])
    with pytest.raises(JournalPanic, match="thirteen"):
        one.append(eye(2), [inducted(13, 2)])
    one.close()
    again = opened(tmp_path / "run", projections=[Outbox()])
    assert again.size == 2
    again.close()
    with sqlite3.connect(tmp_path / "run" / "journal.db") as reader:
        assert reader.execute("SELECT * FROM seen").fetchall() == [(0, "EyeChanged"), (1, "ParcelInducted")]


def test_a_second_core_is_told_who_writes(journal: Journal, tmp_path: Path) -> None:
    with pytest.raises(JournalLocked, match=f"process {os.getpid()}"):
        opened(tmp_path / "run")
    journal.close()
    opened(tmp_path / "run").close()


def test_a_record_that_cannot_be_written_ends_the_journal(journal: Journal) -> None:
    with pytest.raises(JournalPanic, match="at_us"):
        journal.append(replace(eye(1), at_us=1.5), [])
    with pytest.raises(JournalPanic, match="nothing is written any more"):
        journal.append(eye(2), [])
    assert journal.size == 0


class FailingConnection:
    """Passes calls through until the n-th, which fails as a full disk does; every later one too."""

    def __init__(self, inner: sqlite3.Connection, calls: int) -> None:
        self._inner, self.left = inner, calls

    def _count(self) -> None:
        self.left -= 1
        if self.left < 0:
            raise sqlite3.OperationalError("database or disk is full")

    def execute(self, *arguments: Any) -> sqlite3.Cursor:
        self._count()
        return self._inner.execute(*arguments)

    def executemany(self, *arguments: Any) -> sqlite3.Cursor:
        self._count()
        return self._inner.executemany(*arguments)

    def executescript(self, script: str) -> sqlite3.Cursor:
        self._count()
        return self._inner.executescript(script)

    def close(self) -> None:
        self._inner.close()


def write_three(run: Path, calls: int) -> tuple[int, bool]:
    """(records acknowledged before the n-th call failed, whether all calls went through)."""
    acknowledged = 0
    try:
        one = opened(run, connect=lambda path: FailingConnection(connect_writer(path), calls))
    except JournalPanic:
        return 0, False
    try:
        for at in range(3):
            one.append(eye(at), [inducted(at + 1, at)])
            acknowledged = one.size
        one.checkpoint()
        one.close()
    except JournalPanic:
        with pytest.raises(JournalPanic):
            one.append(eye(9), [])
        one.close()
        return acknowledged, False
    return acknowledged, True


def test_whichever_call_fails_first_no_acknowledged_record_is_lost(tmp_path: Path) -> None:
    calls, ended = 0, False
    while not ended:
        run = tmp_path / f"run{calls}"
        acknowledged, ended = write_three(run, calls)
        again = opened(run)
        assert again.size >= acknowledged
        assert len(list(again.records())) == again.size
        again.close()
        calls += 1
    assert calls > 15


def test_a_checkpoint_file_that_cannot_be_written_ends_the_journal(
    journal: Journal, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(handle: int) -> None:
        raise OSError(5, "Input/output error")

    journal.append(eye(1), [])
    with monkeypatch.context() as patch:
        patch.setattr("lane.journal.disk.os.fsync", fail)
        with pytest.raises(JournalPanic, match="Input/output error"):
            journal.checkpoint()
    with pytest.raises(JournalPanic):
        journal.append(eye(2), [])


def test_a_killed_core_leaves_a_row_whose_file_the_next_start_writes(tmp_path: Path) -> None:
    one = opened(tmp_path / "run")
    one.append(eye(1), [])
    one.checkpoint()
    one.close()
    file = tmp_path / "run" / "checkpoints" / "1.txt"
    note = file.read_bytes()
    file.unlink()
    opened(tmp_path / "run").close()
    assert file.read_bytes() == note


def damage(run: Path, statement: str, *arguments: Any) -> None:
    with sqlite3.connect(run / "journal.db") as writer:
        writer.execute(statement, arguments)


@pytest.mark.parametrize(
    ("statement", "complaint"),
    [
        ("UPDATE record SET body = x'00' WHERE idx = 3", "records 0 to 3 disagree"),
        ("UPDATE record SET body = x'00' WHERE idx = 4", "records 4 to 4 disagree"),
        ("DELETE FROM record WHERE idx = 2", "not gap-free"),
        ("UPDATE frontier SET size = 4", "4 leaves need 1 hashes"),
        ("DELETE FROM record WHERE idx = 4", "not gap-free"),
    ],
)
def test_a_journal_that_contradicts_itself_is_not_opened(tmp_path: Path, statement: str, complaint: str) -> None:
    one = opened(tmp_path / "run")
    for at in range(5):
        one.append(eye(at), [])
    one.close()
    damage(tmp_path / "run", statement)
    with pytest.raises(JournalDamaged, match=complaint):
        opened(tmp_path / "run")


def test_a_rolled_back_journal_is_not_opened(tmp_path: Path) -> None:
    one = opened(tmp_path / "run")
    one.append(eye(1), [])
    one.close()
    before = (tmp_path / "run" / "journal.db").read_bytes()
    one = opened(tmp_path / "run")
    one.append(eye(2), [])
    one.close()
    (tmp_path / "run" / "journal.db").write_bytes(before)
    with pytest.raises(JournalDamaged, match="truncated or rolled back"):
        opened(tmp_path / "run")


def test_another_lanes_journal_is_not_continued(tmp_path: Path) -> None:
    one = opened(tmp_path / "run")
    one.append(eye(1), [])
    one.close()
    with pytest.raises(JournalDamaged, match="this lane is HZ01/L4/log1"):
        opened(tmp_path / "run", origin="HZ01/L4/log1")


def test_too_little_room_is_told_before_anything_is_written(tmp_path: Path) -> None:
    with pytest.raises(JournalFull, match="needed to start"):
        opened(tmp_path / "run", limits=JournalLimits(free_bytes_min=1 << 60, ballast_bytes=0))
    assert not (tmp_path / "run" / "journal.db").exists()


def test_the_ballast_is_given_back_when_the_disk_runs_full(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    one = opened(tmp_path / "run", limits=JournalLimits(free_bytes_min=1 << 20, ballast_bytes=1 << 16))
    ballast = tmp_path / "run" / disk.BALLAST_NAME
    assert ballast.stat().st_size == 1 << 16
    assert not one.space().low
    monkeypatch.setattr(log, "free_bytes", lambda run: 1 << 17)
    assert one.space().low
    assert ballast.exists()
    monkeypatch.setattr(log, "free_bytes", lambda run: 1 << 15)
    assert one.space().low
    assert not ballast.exists()
    one.close()


def test_the_write_ahead_log_is_folded_in_at_its_named_size(
    journal: Journal, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(log, "WAL_BYTES_MAX", 200_000)
    wal = tmp_path / "run" / "journal.db-wal"
    sizes = []
    for at in range(200):
        journal.append(eye(at, eye="x" * 2_000), [])
        sizes.append(wal.stat().st_size)
    assert max(sizes) < 1_000_000
    assert len(list(journal.records())) == 200


def test_an_orderly_end_leaves_one_database_file_and_its_fingerprint(tmp_path: Path) -> None:
    run = tmp_path / "run"
    one = opened(run)
    one.append(eye(1), [])
    assert not (run / "checkpoints" / "container.json").exists()
    one.close()
    one.close()
    assert sorted(path.name for path in run.iterdir()) == ["checkpoints", "journal.db", "journal.lock"]
    assert json.loads((run / "checkpoints" / "container.json").read_text().splitlines()[0])["file"] == "journal.db"
    with pytest.raises(JournalPanic, match="closed"):
        one.append(eye(2), [])


def test_a_reader_in_the_way_leaves_the_container_unsealed_and_nothing_lost(tmp_path: Path) -> None:
    run = tmp_path / "run"
    one = opened(run, connect=impatient)
    one.append(eye(1), [])
    reader = connect_reader(run / "journal.db")
    reader.execute("BEGIN")
    assert reader.execute("SELECT count(*) FROM record").fetchone() == (1,)
    one.append(eye(2), [])
    one.close()
    assert not (run / "checkpoints" / "container.json").exists()
    reader.close()
    again = opened(run)
    assert again.size == 2
    again.close()
    assert (run / "checkpoints" / "container.json").exists()


def impatient(path: Path) -> sqlite3.Connection:
    connection = connect_writer(path)
    connection.execute("PRAGMA busy_timeout=10")
    return connection


@pytest.mark.parametrize("mode", list(MemoryMode))
def test_memory_and_disk_hold_the_same_records(journal: Journal, mode: MemoryMode) -> None:
    memory = MemoryJournal(mode, origin=ORIGIN, signer=SIGNER, keep=True)
    for at in range(20):
        assert memory.append(eye(at), [inducted(at + 1, at)]) == journal.append(eye(at), [inducted(at + 1, at)])
    assert list(memory.records()) == list(journal.records())
    assert list(memory.records(7)) == list(journal.records(7))
    assert memory.size == journal.size
    if mode is MemoryMode.SEALED:
        assert memory.checkpoint().root == journal.root
        assert parse_checkpoint(memory.notes[0]) == memory.checkpoint()


def test_the_run_hash_covers_length_and_bytes_of_every_record() -> None:
    from hashlib import sha256

    one, other = MemoryJournal(), MemoryJournal(MemoryMode.SEALED)
    for memory in (one, other):
        memory.append(eye(1), [inducted(1, 1)])
    bodies = [encode(eye(1)), encode(inducted(1, 1))]
    expected = sha256(b"".join(len(body).to_bytes(4) + body for body in bodies)).hexdigest()
    assert one.sha256() == other.sha256() == expected
    with pytest.raises(ValueError, match="keep=True"):
        list(one.records())
