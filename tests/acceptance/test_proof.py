"""A finished run is proven and replayed; after any one byte changed in a copy, the proof fails and names the place."""

import json
import random
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.acceptance.command import lane, verifier
from tests.acceptance.conftest import PARCELS, FinishedRun

pytestmark = pytest.mark.slow
SEED, OFFSETS, COPIES = 17, 60, 2
PAGE_BYTES = 4096
SHARED = "record", "records", "frontier", "checkpoint", "journal.db"
"""Names of places in the journal that a finding may begin with."""
CONTENT = "SELECT idx, leaf, body FROM record", "SELECT * FROM frontier", "SELECT * FROM signed_checkpoint"


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What ``lane verify`` said."""

    status: int
    said: str
    verdict: str
    findings: tuple[tuple[str, str], ...]
    """(place, text), the most telling one first."""


def prove(run: Path, report: Path) -> Proof:
    """Verify a run through the command line of the verifier, which starts in half the time of ``lane verify``."""
    report.unlink(missing_ok=True)
    answer = verifier(run, "--json", report)
    assert "Traceback" not in answer.said, answer.said
    plain: dict[str, Any] = json.loads(report.read_text(encoding="utf-8"))
    findings = tuple((one["place"], one["text"]) for one in plain["findings"])
    return Proof(status=answer.status, said=answer.said, verdict=plain["verdict"], findings=findings)


def flip(path: Path, at: int, mask: int = 1) -> None:
    """Change one byte of a file."""
    with path.open("r+b") as stream:
        stream.seek(at)
        old = stream.read(1)[0]
        stream.seek(at)
        stream.write(bytes([old ^ mask]))


def content(database: Path) -> object:
    """Records, frontier and checkpoints as SQLite reads them: what the proof must stand for."""
    try:
        with closing(sqlite3.connect(f"{database.absolute().as_uri()}?immutable=1", uri=True)) as connection:
            connection.text_factory = bytes
            return [connection.execute(query).fetchall() for query in CONTENT]
    except sqlite3.Error as error:
        return f"unreadable: {error}"


def copy_of(finished: FinishedRun, folder: Path) -> Path:
    """A copy of the run that a test may damage."""
    return Path(shutil.copytree(finished.run, folder / "run"))


def test_a_finished_run_is_proven_and_replays_to_the_same_hash(finished: FinishedRun, tmp_path: Path) -> None:
    proof = prove(finished.run, tmp_path / "report.json")
    assert (proof.status, proof.verdict, proof.findings) == (0, "PASS", ())
    plain = lane("verify", finished.run)
    assert (plain.status, plain.said.endswith("PASS\n")) == (0, True)
    damaged = copy_of(finished, tmp_path)
    flip(damaged / "config" / "core.json", 100)
    failed = lane("verify", damaged)
    assert (failed.status, "config/core.json: altered" in failed.said) == (1, True)
    trusted = lane("verify", finished.run, "--key", finished.run / "checkpoints" / "lane.pub")
    assert (trusted.status, "trusted, as given" in trusted.said) == (0, True)
    replayed = lane("replay", finished.run, "--json", tmp_path / "replay.json")
    assert replayed.status == 0, replayed.said
    assert replayed.said.endswith("IDENTICAL\n")
    figures = json.loads((finished.root / "figures.json").read_text(encoding="utf-8"))
    assert figures["parcels"]["inducted"] == PARCELS
    assert figures["journal_sha256"] in replayed.said


def test_a_changed_input_does_not_replay(finished: FinishedRun, tmp_path: Path) -> None:
    run = copy_of(finished, tmp_path)
    with sqlite3.connect(run / "journal.db") as connection:
        query = "SELECT idx, body FROM record WHERE instr(body, ?) ORDER BY idx LIMIT 1"
        index, body = connection.execute(query, (b'"kind":"WeightMeasured"',)).fetchone()
        plain = json.loads(body)
        plain["mg"] *= 3
        changed = json.dumps(plain, sort_keys=True, separators=(",", ":"), ensure_ascii=False).encode()
        connection.execute("UPDATE record SET body = ? WHERE idx = ?", (changed, index))
    answer = lane("replay", run)
    assert answer.status == 1
    assert answer.said.endswith("DIFFERENT\n")
    assert "first difference at record" in answer.said


def bytes_of(database: Path, values: list[bytes]) -> Iterator[tuple[int, int]]:
    """(number of the value, offset in the file) of a middle byte of each value that lies in one piece."""
    data, sound = database.read_bytes(), content(database)
    for number, value in enumerate(values):
        at = data.find(value)
        while at >= 0:
            middle = at + len(value) // 2
            flip(database, middle)
            carries = content(database) != sound
            flip(database, middle)
            if carries:  # an older copy of a row may still lie in unused space
                yield number, middle
                break
            at = data.find(value, at + 1)


def places(run: Path) -> Iterator[tuple[str, Path, int, Callable[[str], bool]]]:
    """Bytes to flip: what they are, file, offset, and which finding names their place."""
    database = run / "journal.db"
    draw = random.Random(SEED)
    with closing(sqlite3.connect(f"{database.as_uri()}?immutable=1", uri=True)) as connection:
        records = connection.execute("SELECT idx, body FROM record WHERE length(body) < 2000").fetchall()
        frontier = [bytes(row[0]) for row in connection.execute("SELECT hashes FROM frontier")]
        notes = connection.execute("SELECT size, note FROM signed_checkpoint").fetchall()
    some = draw.sample(records, 6)
    for number, at in bytes_of(database, [body for _, body in some]):
        index = some[number][0]
        yield f"record {index}", database, at, f"record {index}".__eq__
    for _, at in bytes_of(database, frontier):
        yield "frontier", database, at, lambda place: place.startswith("frontier")
    chosen = draw.sample(notes, 2)
    for number, at in bytes_of(database, [note for _, note in chosen]):
        yield f"checkpoint {chosen[number][0]} (table)", database, at, f"checkpoint {chosen[number][0]} (table)".__eq__
    files = draw.sample(sorted((run / "checkpoints").glob("*.txt")), 2)
    files += [run / "checkpoints" / "lane.pub", run / "checkpoints" / "container.json", run / "config" / "core.json"]
    files += draw.sample(sorted((run / "images").glob("??/*")), 3)
    for path in files:
        name = str(path.relative_to(run))
        yield name, path, draw.randrange(path.stat().st_size), name.__eq__


def test_a_flipped_byte_of_anything_that_is_proven_is_named(finished: FinishedRun, tmp_path: Path) -> None:
    run = copy_of(finished, tmp_path)
    table, wrong = [], []
    for what, path, at, names in list(places(run)):
        flip(path, at)
        proof = prove(run, tmp_path / "report.json")
        flip(path, at)
        first = proof.findings[0] if proof.findings else ("nothing", "")
        table.append(f"{what:<80} byte {at:<8} exit {proof.status}  {first[0]}: {first[1]}")
        if proof.status != 1 or proof.verdict != "FAIL" or not any(names(place) for place, _ in proof.findings):
            wrong.append(table[-1])
    assert not wrong, "\n".join(["not named:", *wrong, "all:", *table])
    kinds = {what.split()[0].split("/")[0] for what, *_ in (line.split("  ", 1) for line in table)}
    assert kinds == {"record", "frontier", "checkpoint", "checkpoints", "config", "images"}, "\n".join(table)
    assert prove(run, tmp_path / "report.json").verdict == "PASS", "expected a sound copy after all flips were undone"


def test_a_flipped_byte_anywhere_in_the_journal_never_passes(finished: FinishedRun, tmp_path: Path) -> None:
    sound = content(finished.run / "journal.db")
    size = (finished.run / "journal.db").stat().st_size
    draw = random.Random(SEED)
    flips = [(draw.randrange(size), 1 << draw.randrange(8)) for _ in range(OFFSETS)]

    def work(number: int) -> list[tuple[str, bool, bool]]:
        run = copy_of(finished, tmp_path / str(number))
        return [judge(run, at, mask, sound) for at, mask in flips[number::COPIES]]

    with ThreadPoolExecutor(COPIES) as pool:
        lines = [line for part in pool.map(work, range(COPIES)) for line in part]
    table = "\n".join(text for text, _, _ in lines)
    assert all(right for _, _, right in lines), table
    assert {carries for _, carries, _ in lines} == {True, False}, "expected bytes of both kinds\n" + table


def judge(run: Path, at: int, mask: int, sound: object) -> tuple[str, bool, bool]:
    """(line of the table, whether the byte carries content, whether the verifier said what it must)."""
    database = run / "journal.db"
    flip(database, at, mask)
    carries = content(database) != sound
    proof = prove(run, run.parent / "report.json")
    flip(database, at, mask)
    container = f"journal.db page {at // PAGE_BYTES + 1}", "container damaged"
    named = [place for place, text in proof.findings if not text.startswith("container damaged")]
    if carries:
        right = any(place.startswith(SHARED) for place in named)
    else:
        right = not named and [(place, text[:17]) for place, text in proof.findings] == [container]
    right = right and (proof.status, proof.verdict) == (1, "FAIL")
    first = proof.findings[0] if proof.findings else ("nothing", "")
    kind = "content" if carries else "slack"
    return (
        f"{'ok   ' if right else 'WRONG'} byte {at:<8} {kind:<8} exit {proof.status}  {first[0]}: {first[1]}",
        carries,
        right,
    )
