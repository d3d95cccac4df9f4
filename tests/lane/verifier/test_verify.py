"""The verifier passes an honest run and names the place of every damage and every broken rule."""

import io
import json
import os
import shutil
import sqlite3
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from lane.journal.note import verifier_key
from lane.verifier.check import verify
from lane.verifier.findings import Report, Severity, Verdict
from lane.verifier.main import main
from lane.verifier.pack import main as pack_main
from lane.verifier.pack import pack
from tests.lane.journal_items import ORIGIN
from tests.lane.run_builder import RunBuilder, finished_run


@pytest.fixture(scope="module")
def honest(tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("honest") / "run"
    finished_run(run)
    return run


def words(report: Report) -> str:
    return "\n".join(f"{one.severity} {one.place}: {one.text}" for one in report.ordered())


def test_an_honest_run_passes_with_all_its_figures(honest: Path) -> None:
    report = verify(honest)
    assert words(report) == ""
    assert report.verdict is Verdict.PASS
    assert [(one.epoch, one.verdict, one.draws) for one in report.epochs] == [(1, "PASS", 3), (2, "PASS", 3)]
    assert report.figures["parcels"] == report.figures["draws"] == report.figures["released"] == 6
    assert report.figures["release_messages"] == 6
    assert report.figures["images"] == 6
    assert 0 < sum(one.drawn for one in report.epochs) < 6
    assert not report.key_trusted


def test_a_given_key_is_trusted_and_another_one_is_not_enough(honest: Path) -> None:
    key = (honest / "checkpoints" / "lane.pub").read_text()
    assert verify(honest, key).key_trusted
    other = verifier_key(ORIGIN, bytes.fromhex("d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a"))
    report = verify(honest, other)
    assert report.verdict is Verdict.FAIL
    (line,) = words(report).splitlines()
    mine, yours = (text.split("+")[1] for text in (key, other))
    assert line == f"DAMAGE checkpoints: not the trusted key: signed by {ORIGIN} {mine}, your key is {ORIGIN} {yours}"


def test_a_public_key_replaced_in_the_run_is_told_beside_the_rest_of_the_proof(honest: Path, tmp_path: Path) -> None:
    run = copy_of(honest, tmp_path)
    key = (run / "checkpoints" / "lane.pub").read_text()
    (run / "checkpoints" / "lane.pub").write_text("somebody+00000000+else\n")
    report = verify(run, key)
    assert words(report) == "DAMAGE checkpoints/lane.pub: not the trusted key"
    assert report.figures["parcels"] == 6


def test_a_key_that_is_neither_file_nor_text_names_both_forms(honest: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([str(honest), "--key", "nofile.pub"]) == 2
    error = capsys.readouterr().err
    assert "nofile.pub: no such file" in error
    assert "RUN/checkpoints/lane.pub" in error
    assert "<name>+<key id>+<base64>" in error


def test_packing_needs_a_file_and_help_writes_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    for arguments, status in ((["--help"], 0), ([], 2)):
        with pytest.raises(SystemExit) as ended:
            pack_main(arguments)
        assert ended.value.code == status
    assert list(tmp_path.iterdir()) == []
    assert pack_main(["missing/lane-verify.pyz"]) == 2
    assert "missing/lane-verify.pyz: can't be written" in capsys.readouterr().err
    assert pack_main(["lane-verify.pyz"]) == 0
    assert (tmp_path / "lane-verify.pyz").is_file()


def test_verification_changes_no_byte_of_the_run(honest: Path) -> None:
    before = {path: path.read_bytes() for path in honest.rglob("*") if path.is_file()}
    verify(honest)
    assert {path: path.read_bytes() for path in honest.rglob("*") if path.is_file()} == before


def copy_of(honest: Path, target: Path) -> Path:
    return Path(shutil.copytree(honest, target / "copy"))


def sql(run: Path, statement: str, *arguments: Any) -> None:
    """Alter content as SQLite would, so that the container stays well-formed."""
    connection = sqlite3.connect(run / "journal.db")
    connection.execute(statement, arguments)
    connection.commit()
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    connection.close()


@pytest.mark.parametrize(
    ("statement", "place"),
    [
        (
            "UPDATE record SET body = CAST(replace(CAST(body AS TEXT), 'at_us', 'at_uz') AS BLOB) WHERE idx = 40",
            "record 40",
        ),
        ("UPDATE record SET body = CAST('{' AS BLOB) WHERE idx = 7", "record 7"),
        ("UPDATE record SET leaf = zeroblob(32) WHERE idx = 7", "record 7"),
        ("DELETE FROM record WHERE idx = 12", "record 12"),
        ("DELETE FROM record WHERE idx > 60", "records 61 to"),
        ("UPDATE frontier SET hashes = zeroblob(length(hashes))", "frontier"),
        ("UPDATE frontier SET size = size - 1", "frontier"),
        ("UPDATE signed_checkpoint SET note = x'00' WHERE size = (SELECT min(size) FROM signed_checkpoint)", "table"),
        ("DELETE FROM signed_checkpoint WHERE size = (SELECT max(size) FROM signed_checkpoint)", "without a row"),
    ],
)
def test_altered_content_is_named(honest: Path, tmp_path: Path, statement: str, place: str) -> None:
    run = copy_of(honest, tmp_path)
    (run / "checkpoints" / "container.json").unlink()
    sql(run, statement)
    report = verify(run)
    assert report.verdict is Verdict.FAIL
    assert place in words(report)
    assert report.ordered()[0].severity is Severity.DAMAGE


def test_a_record_altered_together_with_its_leaf_hash_is_bracketed_by_checkpoints(honest: Path, tmp_path: Path) -> None:
    from hashlib import sha256

    run = copy_of(honest, tmp_path)
    body = sqlite3.connect(run / "journal.db").execute("SELECT body FROM record WHERE idx = 40").fetchone()[0]
    forged = body.replace(b'"at_us":', b'"at_us":1')
    assert forged != body
    sql(run, "UPDATE record SET body = ?, leaf = ? WHERE idx = 40", forged, sha256(b"\x00" + forged).digest())
    first = verify(run).ordered()[0]
    low, high = (int(word) for word in first.place.removeprefix("records ").split(" to "))
    assert low <= 40 <= high
    assert high - low < 20


def test_any_flipped_byte_of_the_database_is_reported(honest: Path, tmp_path: Path) -> None:
    run = copy_of(honest, tmp_path)
    database = run / "journal.db"
    original = database.read_bytes()
    named = {"content": 0, "container": 0}
    for at in range(0, len(original), 397):
        database.write_bytes(original[:at] + bytes([original[at] ^ (1 << at % 8)]) + original[at + 1 :])
        report = verify(run)
        assert report.verdict is Verdict.FAIL, at
        text = words(report)
        page = f"journal.db page {at // 4096 + 1}"
        if "container damaged" in text:
            assert page in text
            named["container"] += 1
        else:
            assert page in "\n".join(report.notes), (at, text)
            named["content"] += 1
    assert named["content"] > 20
    assert named["container"] > 20


def test_every_flipped_byte_of_a_record_names_that_record(honest: Path, tmp_path: Path) -> None:
    run = copy_of(honest, tmp_path)
    database = run / "journal.db"
    original = database.read_bytes()
    index = 40
    body = sqlite3.connect(database).execute("SELECT body FROM record WHERE idx = ?", (index,)).fetchone()[0]
    start = original.index(body)
    for at in range(start, start + len(body), 3):
        database.write_bytes(original[:at] + bytes([original[at] ^ 1]) + original[at + 1 :])
        first = verify(run).ordered()[0]
        assert (first.place, first.severity) == (f"record {index}", Severity.DAMAGE), at


def test_every_flipped_byte_of_a_checkpoint_file_names_that_file(honest: Path, tmp_path: Path) -> None:
    run = copy_of(honest, tmp_path)
    for path in sorted((run / "checkpoints").iterdir())[::3]:
        original = path.read_bytes()
        for at in range(0, len(original), max(1, len(original) // 40)):
            path.write_bytes(original[:at] + bytes([original[at] ^ 4]) + original[at + 1 :])
            report = verify(run)
            assert report.verdict is Verdict.FAIL, (path.name, at)
            assert f"checkpoints/{path.name}" in words(report)
        path.write_bytes(original)
    assert verify(run).verdict is Verdict.PASS


def test_a_flipped_byte_of_an_image_names_the_image(honest: Path, tmp_path: Path) -> None:
    run = copy_of(honest, tmp_path)
    for path in sorted((run / "images").glob("??/*")):
        original = path.read_bytes()
        path.write_bytes(original[:9] + bytes([original[9] ^ 128]) + original[10:])
        assert f"images/{path.name[:2]}/{path.name}: image damaged" in words(verify(run))
        path.write_bytes(original)
    path.unlink()
    assert "can't be read" in words(verify(run))


def test_a_missing_checkpoint_file_is_named(honest: Path, tmp_path: Path) -> None:
    run = copy_of(honest, tmp_path)
    path = sorted((run / "checkpoints").glob("*.txt"))[0]
    path.unlink()
    assert f"checkpoints/{path.name}: checkpoint file is missing" in words(verify(run))


def test_a_run_whose_core_was_killed_is_read_with_its_write_ahead_log(tmp_path: Path) -> None:
    builder = RunBuilder(tmp_path / "run")
    builder.open_epoch()
    builder.parcel("A")
    builder.reveal()
    report = verify(tmp_path / "run")
    assert words(report) == ""
    assert report.figures["parcels"] == 1
    assert any("no orderly end" in note for note in report.notes)
    builder.put(builder.opened)  # type: ignore[arg-type]
    builder.journal.close()


@pytest.mark.parametrize("content", [b"", b"SQLite format 3\x00", b"garbage" * 1000])
def test_a_file_that_is_no_database_is_a_named_failure(honest: Path, tmp_path: Path, content: bytes) -> None:
    run = copy_of(honest, tmp_path)
    (run / "journal.db").write_bytes(content)
    report = verify(run)
    assert report.verdict is Verdict.FAIL
    assert "journal.db" in words(report)


def test_the_command_prints_verdict_and_place_and_exits_with_their_codes(
    honest: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(honest), "--json", str(tmp_path / "report.json")]) == 0
    out = capsys.readouterr().out
    assert "UNTRUSTED" in out
    assert out.endswith("PASS\n")
    assert json.loads((tmp_path / "report.json").read_text())["verdict"] == "PASS"
    assert main([str(honest), "--key", str(honest / "checkpoints" / "lane.pub")]) == 0
    assert "trusted, as given" in capsys.readouterr().out
    assert main([str(tmp_path)]) == 2
    assert "expected a run directory" in capsys.readouterr().err
    assert main([str(honest), "--key", "nonsense"]) == 2
    run = copy_of(honest, tmp_path)
    image = next((run / "images").glob("??/*"))
    image.write_bytes(b"")
    assert main([str(run)]) == 1
    assert capsys.readouterr().out.endswith("FAIL\n")


def test_the_packed_verifier_runs_alone(honest: Path, tmp_path: Path) -> None:
    archive = pack(tmp_path / "lane-verify.pyz")
    done = subprocess.run(
        [sys.executable, "-I", "-S", str(archive), str(honest)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        cwd=tmp_path,
        env={"PATH": os.environ["PATH"]},
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("PASS\n")


def test_the_verifier_imports_nothing_of_the_controller() -> None:
    program = (
        "import sys, lane.verifier.main; "
        "ours = sorted(m for m in sys.modules if m.split('.')[0] in ('lane', 'devices', 'vision', 'sim'));"
        "print([m for m in ours if m != 'lane' and not m.startswith('lane.verifier')])"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert done.stdout == "[]\n"


def test_findings_beyond_the_limit_are_counted() -> None:
    report = Report("run")
    for index in range(300):
        report.rule(index, "x")
    out = io.StringIO()
    from lane.verifier.main import print_report

    print_report(report, 0.0, out)
    assert "280 more findings" in out.getvalue()
