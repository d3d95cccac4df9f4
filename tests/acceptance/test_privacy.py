"""Whatever is personal in declared lists is in no byte that a whole run wrote: searched in a finished run."""

import base64
import shutil
import sqlite3
from pathlib import Path

import pytest

from tests.acceptance.command import lane
from tests.acceptance.conftest import MARKER, FinishedRun
from tests.acceptance.personal import ASCII_MARKER, NAME, broken, sound
from tests.acceptance.search import Search, patterns


def put(folder: Path, files: dict[str, bytes]) -> Path:
    """Write files into a new folder."""
    folder.mkdir()
    for name, data in files.items():
        (folder / name).write_bytes(data)
    return folder


@pytest.mark.slow
def test_nothing_personal_is_in_any_byte_that_a_run_wrote(finished: FinishedRun) -> None:
    declared = finished.twin / "declared"
    inputs = sorted(path for path in declared.iterdir() if path.is_file())
    assert {path.suffix for path in inputs} == {".xml", ".csv"}
    assert all(MARKER.encode() in path.read_bytes() for path in inputs), "expected markers in what was imported"
    search = Search(ASCII_MARKER, NAME)
    files, found = search.in_folder(finished.root, but=declared)
    names = {path.name for path in finished.root.rglob("*")}
    assert {"journal.db", "declarations.db", "core.log", "lane.log", "truth.jsonl", "lane.key", "figures.json"} <= names
    assert files > 60
    assert search.bytes_read > 2_000_000
    found += search.in_bytes("output of lane demo", finished.said.encode())
    assert found == []


@pytest.mark.slow
def test_nothing_personal_of_sound_and_broken_messages_is_kept_or_said(finished: FinishedRun, tmp_path: Path) -> None:
    run = Path(shutil.copytree(finished.run, tmp_path / "data" / "run"))
    home = tmp_path / "data"
    search = Search(ASCII_MARKER, NAME)
    told = home / "told.json"
    for files, encoding in ((sound(), "utf-8"), ({"b.csv": sound()["b.csv"]}, "gb18030"), (broken(), "utf-8")):
        inbox = put(tmp_path / f"in-{len(files)}", files)
        words = ("declarations", "import", inbox, "--data", run, "--encoding", encoding, "--json", told)
        answer = lane(*words, HOME=str(home), XDG_DATA_HOME=str(home))
        assert "Traceback" not in answer.said
        assert answer.status == (0 if encoding == "gb18030" else 1)
        assert list(search.in_bytes("what import said", answer.said.encode())) == []
        assert list(search.in_file(told)) == []
    with sqlite3.connect(run / "declarations.db") as store:
        stored = {waybill for (waybill,) in store.execute("SELECT waybill FROM list")}
    assert {"T21", "T31", "T32", "T41", "T42", "CC473124829CN"} <= stored, "expected the sound lists in the store"
    for waybill in ("T21", "T41", "CC473124829CN"):
        shown = lane("declarations", "show", waybill, "--data", run, "--json", home / f"{waybill}.json")
        assert shown.status == 0
        assert list(search.in_bytes("what show said", shown.said.encode())) == []
    _, found = search.in_folder(home)
    assert found == []


def test_the_search_finds_a_marker_in_every_way_it_may_be_written(tmp_path: Path) -> None:
    for number, (name, data) in enumerate(sorted(patterns(NAME).items())):
        (tmp_path / f"{number}.bin").write_bytes(b"\x00" * 100 + data + b"\x00" * 100)
        assert len(list(Search(NAME).in_file(tmp_path / f"{number}.bin"))) >= 1, name
    for before in range(4):
        data = base64.b64encode(b"x" * before + NAME.encode("gb18030") + b"y" * 5)
        assert list(Search(NAME).in_bytes("base64", data)), before
    with sqlite3.connect(tmp_path / "a.db") as database:
        database.execute("CREATE TABLE t(body BLOB)")
        database.execute("INSERT INTO t VALUES (?)", (b"x" * 5_000 + MARKER.encode() + b"y" * 9_000,))
    files, found = Search(ASCII_MARKER).in_folder(tmp_path)
    assert files == len(patterns(NAME)) + 1
    assert any("a.db (contents)" in line for line in found)
    (tmp_path / MARKER).touch()
    assert any("name of" in line for line in Search(NAME).in_folder(tmp_path)[1])
