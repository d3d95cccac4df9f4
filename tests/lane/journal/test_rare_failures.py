"""What seldom happens to a journal: disks that can't, damaged pages and notes, and readers whose tables are gone."""

import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from lane.codec import decode
from lane.inputs import AnyInput
from lane.journal import log
from lane.journal.disk import JournalDamaged, JournalError, JournalPanic
from lane.journal.log import JOURNAL_NAME, connect_closed, connect_writer
from lane.journal.memory import SEAL_RECORDS, MemoryJournal, MemoryMode, RunHash
from lane.journal.note import Checkpoint, origin_of, parse_checkpoint, signed_checkpoint
from lane.journal.tree import inclusion_proof, leaf_hash, root_from_inclusion
from tests.lane.journal.test_log import SIGNER, damage, epoch_opened, opened
from tests.lane.journal_items import LANE, ORIGIN, SITE, drawn, eye, inducted


def filled(run: Path, records: int) -> None:
    """A journal of this many records, closed in order."""
    one = opened(run)
    for at in range(records):
        one.append(eye(at), [])
    one.close()


def test_a_place_without_a_write_ahead_log_is_refused_with_the_way_out() -> None:
    with pytest.raises(JournalError, match=r"journal mode memory\); use a local disk"):
        connect_writer(Path(":memory:"))


def test_an_ended_run_is_read_without_a_file_beside_it(tmp_path: Path) -> None:
    filled(tmp_path, 3)
    before = sorted(path.name for path in tmp_path.iterdir())
    with closing(connect_closed(tmp_path / JOURNAL_NAME)) as reader:
        bodies = reader.execute("SELECT body FROM record ORDER BY idx").fetchall()
    assert [decode(body) for (body,) in bodies] == [eye(at) for at in range(3)]
    assert sorted(path.name for path in tmp_path.iterdir()) == before


def test_a_damaged_page_of_the_database_is_named_as_damage(tmp_path: Path) -> None:
    filled(tmp_path, 300)
    path = tmp_path / JOURNAL_NAME
    data = bytearray(path.read_bytes())
    page = int.from_bytes(data[16:18], "big")
    for number in range(1, len(data) // page):
        data[number * page : number * page + 100] = b"\xff" * 100
    path.write_bytes(data)
    with pytest.raises(JournalDamaged, match=r"malformed.*run `lane verify` on it"):
        opened(tmp_path)


def test_a_disk_that_can_not_tell_its_room_ends_the_journal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gone(run: Path) -> int:
        raise OSError(5, "Input/output error")

    one = opened(tmp_path)
    assert one.broken == ""
    monkeypatch.setattr(log, "free_bytes", gone)
    with pytest.raises(JournalPanic, match="space failed"):
        one.space()
    assert one.broken.startswith("space failed")
    with pytest.raises(JournalPanic, match="nothing is written any more"):
        one.append(eye(1), [])
    one.close()


def test_a_question_that_can_not_be_answered_ends_the_journal(tmp_path: Path) -> None:
    one = opened(tmp_path)
    tables = "SELECT name FROM sqlite_master WHERE type = 'table' AND name LIKE '%epoch%'"
    with sqlite3.connect(tmp_path / JOURNAL_NAME) as stranger:
        for (name,) in stranger.execute(tables).fetchall():
            stranger.execute(f"DROP TABLE {name}")
    with pytest.raises(JournalPanic, match="read failed: no such table"):
        one.epochs()
    with pytest.raises(JournalPanic):
        one.append(eye(1), [])
    one.close()


@pytest.mark.parametrize(("index", "is_found"), [(10, True), (12, True), (2, False)])
def test_a_start_checks_the_last_records_and_leaves_the_older_ones_to_verify(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, index: int, is_found: bool
) -> None:
    monkeypatch.setattr(log, "START_ROWS", 6)
    filled(tmp_path, 13)
    opened(tmp_path).close()
    damage(tmp_path, "UPDATE record SET body = x'00' WHERE idx = ?", index)
    if is_found:
        with pytest.raises(JournalDamaged, match="disagree"):
            opened(tmp_path)
    else:
        opened(tmp_path).close()


def test_what_a_killed_core_left_half_written_is_cleared_away(tmp_path: Path) -> None:
    filled(tmp_path, 2)
    leftover = tmp_path / log.CHECKPOINTS_NAME / ".2.txt.tmp"
    leftover.write_bytes(b"HZ01")
    opened(tmp_path).close()
    assert not leftover.exists()
    assert (tmp_path / log.CHECKPOINTS_NAME / "2.txt").exists()


def test_a_checkpoint_over_other_records_is_damage(tmp_path: Path) -> None:
    filled(tmp_path, 2)
    other = signed_checkpoint(Checkpoint(origin=ORIGIN, size=2, root=b"\x01" * 32), SIGNER)
    damage(tmp_path, "UPDATE signed_checkpoint SET note = ?", other)
    with pytest.raises(JournalDamaged, match="records and signed checkpoint 2 disagree"):
        opened(tmp_path)


@pytest.mark.parametrize(
    ("note", "complaint"),
    [
        (b"one line only", "expected origin, size and root in three lines"),
        (b"HZ01/L3/log1\n2\n%\n\n", "expected origin, size and root in three lines"),
        (b"HZ01/L3/log1\n2\nAAAA\n\n", "size or root malformed"),
        (b"HZ01/L3/log1\n02\nAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQEBAQE=\n\n", "size or root malformed"),
    ],
)
def test_a_note_that_is_no_checkpoint_is_refused(note: bytes, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_checkpoint(note)


def test_a_lane_has_one_log_named_after_site_and_lane() -> None:
    assert origin_of(SITE, LANE) == ORIGIN


def test_a_proof_of_no_leaf_and_a_proof_cut_short_are_refused() -> None:
    leaves = [leaf_hash(bytes([at])) for at in range(5)]
    with pytest.raises(ValueError, match="expected 0 to 4, was 5"):
        inclusion_proof(leaves, 5)
    path = inclusion_proof(leaves, 1)
    with pytest.raises(ValueError, match="too few hashes"):
        root_from_inclusion(leaves[1], 1, 5, path[:-1])


# -- in memory


def test_the_hash_of_a_run_is_the_same_record_by_record_and_all_at_once() -> None:
    bodies = [b"a", b"", b"ccc"]
    one, together = RunHash(), RunHash()
    for body in bodies:
        one.add(body)
    together.extend(bodies)
    assert one.hexdigest() == together.hexdigest() != RunHash().hexdigest()


def test_a_sealed_journal_in_memory_lets_no_more_wait_than_it_says() -> None:
    sealed, records = MemoryJournal(MemoryMode.SEALED), MemoryJournal()
    for at in range(SEAL_RECORDS + 10):
        assert sealed.append(eye(at), []) == records.append(eye(at), []) == at
        assert len(sealed._waiting) < SEAL_RECORDS
    assert sealed.size == records.size == SEAL_RECORDS + 10
    assert sealed.sha256() == records.sha256()


def test_a_draw_without_a_waybill_is_no_passage_of_any() -> None:
    memory = MemoryJournal()
    memory.append(eye(1), [drawn(epoch_opened(rate="1"), 1, "", 0, 0, at=10)])
    assert memory.sticky("", 20) == (0, 0)


class Onlooker(MemoryJournal):
    """A journal in memory that looks at everything that is appended."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: list[AnyInput] = []

    def append(self, item: AnyInput, events: Any) -> int:
        """Note the input."""
        self.seen.append(item)
        return super().append(item, events)


def test_a_journal_that_looks_at_what_is_appended_sees_held_records_too() -> None:
    onlooker = Onlooker()
    assert not onlooker.holds
    onlooker.hold(eye(1))
    assert onlooker.seen == [eye(1)]
    assert onlooker.size == 1


def test_a_journal_told_its_size_counts_on_from_there() -> None:
    memory = MemoryJournal()
    memory.size = 40
    assert memory.append(eye(1), [inducted(1, 1)]) == 40
    assert memory.size == 42
    memory.size = 50
    assert memory.size == 50
