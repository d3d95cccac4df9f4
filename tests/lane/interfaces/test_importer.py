"""Files into the store: whole or not at all, once, with every doubtful place named."""

import sqlite3
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lane.declarations.records import Declaration, DeclaredLine, Receipt
from lane.declarations.schema import StoreError
from lane.declarations.store import DeclarationStore
from lane.interfaces.ceb_writer import write_ceb621, write_ceb622
from lane.interfaces.drop_folder import DropFolder
from lane.interfaces.faults import FILE_BYTES_MAX
from lane.interfaces.importer import ImportReport, find_files, import_paths
from lane.model.declared import ParcelKey
from lane.model.words import StatusClass

NOW = 1_763_000_000
CSV = "carrier,waybill,line_no,qty,unit\n"


def a_list(waybill: str) -> Declaration:
    line = DeclaredLine(line_no=1, name="milk powder", qty_e5=600_000, unit="122", item_record_no="1")
    return Declaration(
        key=ParcelKey(carrier="C1", waybill=waybill), lines=(line,), list_no=f"L{waybill}", pre_no=f"B{waybill}",
        ems_no="E", gross_mg=6_000_000, net_mg=5_000_000,
    )  # fmt: skip


def ceb621(*waybills: str) -> bytes:
    return write_ceb621([a_list(waybill) for waybill in waybills])


@pytest.fixture
def store(tmp_path: Path) -> DeclarationStore:
    return DeclarationStore.open(tmp_path / "data")


def run(store: DeclarationStore, *paths: Path, encoding: str = "utf-8") -> ImportReport:
    return import_paths(store, paths, encoding=encoding, now_wall=NOW)


def found(store: DeclarationStore, waybill: str) -> bool:
    return store.answer(1, waybill, at_us=0, belt_um=0, now_wall=NOW).found


def test_a_folder_of_every_format_is_imported(store: DeclarationStore, tmp_path: Path) -> None:
    inbox = tmp_path / "in" / "deep"
    inbox.mkdir(parents=True)
    (inbox / "a.xml").write_bytes(ceb621("T1"))
    receipt = Receipt(code="800", return_time="20251121093000001", list_no="LT1", cop_no="x", agent_code="A")
    (inbox / "b.XML").write_bytes(write_ceb622([receipt]))
    (inbox / "c.csv").write_text(CSV + "C1,T2,1,6,122\n", encoding="utf-8")
    (inbox / "d.jsonl").write_text(
        '{"schema":"lane-declaration/1","carrier":"C1","waybill":"T3","lines":[{"line_no":1}]}\n', encoding="utf-8"
    )
    (inbox / "notes.txt").write_text("not for us", encoding="utf-8")
    report = run(store, tmp_path / "in")
    assert (report.files, report.lists, report.receipts, report.refused, report.clean) == (4, 3, 1, 0, True)
    assert all(found(store, waybill) for waybill in ("T1", "T2", "T3"))
    answer = store.answer(1, "T1", at_us=0, belt_um=0, now_wall=NOW)
    assert answer.status_class is StatusClass.RELEASED


def test_the_same_file_again_changes_nothing(store: DeclarationStore, tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_bytes(ceb621("T1", "T2"))
    first = run(store, file)
    again = run(store, file)
    copy = tmp_path / "copy.xml"
    copy.write_bytes(file.read_bytes())
    run(store, copy)
    assert (first.lists, first.unchanged, again.lists, again.unchanged, again.clean) == (2, 0, 0, 1, True)
    assert (store.stats().lists, store.stats().files) == (2, 1)


def test_the_same_lists_in_another_file_are_repeats(store: DeclarationStore, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(ceb621("T1"))
    (tmp_path / "b.xml").write_bytes(ceb621("T1", "T2"))
    report = run(store, tmp_path / "a.xml", tmp_path / "b.xml")
    assert (report.lists, report.repeats, store.stats().lists) == (3, 1, 2)


def test_a_file_with_rejected_lists_is_remembered_as_such(store: DeclarationStore, tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text(CSV + "C1,T1,1,6,122\nC1,T2,,6,122\n", encoding="utf-8")
    first, again = run(store, file), run(store, file)
    assert (first.lists, first.rejected, first.clean) == (1, 1, False)
    assert (
        str(first.problems[0])
        == f"{file}: row 3: line_no: expected a number from 1, once per parcel, was absent or none"
    )
    assert (again.unchanged, again.rejected_before, again.clean) == (1, 1, False)


def _broken() -> dict[str, tuple[str, bytes, str]]:
    sound = ceb621("T1", "T2")
    laughs = (
        b'<?xml version="1.0"?><!DOCTYPE l [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;">]><CEB621Message>&b;</CEB621Message>'
    )
    rows = CSV + "C1,T1,1,6,122\nC1,T2,1,6,122\n"
    return {
        "truncated": ("a.xml", sound[:-150], "no well-formed XML: line"),
        "wrong encoding": ("a.xml", sound.replace(b"milk powder", "奶粉".encode("gb18030")), "no well-formed XML"),
        "33 MiB": ("a.xml", sound + b" " * (33 * 2**20), "at most 32 MiB"),
        "doctype": ("a.xml", sound.replace(b"<ceb:CEB621Message", b"<!DOCTYPE x><ceb:CEB621Message", 1), "DOCTYPE"),
        "billion laughs": ("a.xml", laughs, "DOCTYPE"),
        "depth bomb": ("a.xml", b"<CEB621Message>" + b"<a>" * 100_000, "16 levels"),
        "other root": ("a.xml", b"<html/>", "root element"),
        "empty": ("a.xml", b"  \n", "empty"),
        "no xml": ("a.xml", b"\x89PNG\r\n", "no well-formed XML"),
        "short row": ("a.csv", (rows + "C1,T3\n").encode(), "row 4: expected 5 cells, was 2"),
        "gb18030 undeclared": ("a.csv", (rows + "C1,运单,1,6,122\n").encode("gb18030"), "--encoding gb18030"),
        "missing column": ("a.csv", b"carrier,line_no\nC1,1\n", "missing waybill"),
        "open quote": ("a.csv", (rows + 'C1,"T3,1,6,122\n').encode(), "no well-formed CSV"),
        "broken json": (
            "a.jsonl",
            b'{"schema":"lane-declaration/1","carrier":"C1","waybill":"T1"\n',
            "line 1: no well",
        ),
        "json half way": ("a.jsonl", b'{"schema":"x"}\n{"a"', "line 2: no well-formed JSON"),
        "json depth": ("a.json", b"[" * 200_000, "too many levels"),
        "other ending": ("a.pdf", b"%PDF", "expected a file ending in .xml"),
    }


BROKEN = _broken()


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_refused_with_its_place_and_nothing_of_it_is_stored(
    store: DeclarationStore, tmp_path: Path, name: str
) -> None:
    file_name, data, words = BROKEN[name]
    bad, good = tmp_path / file_name, tmp_path / "z.xml"
    bad.write_bytes(data)
    good.write_bytes(ceb621("T9"))
    report = run(store, bad, good)
    assert (report.refused, report.lists, report.clean) == (1, 1, False)
    (problem,) = (entry for entry in report.problems if entry.refused)
    assert str(problem).startswith(f"{bad}: ")
    assert words in str(problem)
    stats = store.stats()
    assert (stats.lists, stats.receipts, stats.files, found(store, "T9")) == (1, 0, 1, True)
    assert not found(store, "T1")


def test_a_refused_file_is_imported_once_it_is_whole(store: DeclarationStore, tmp_path: Path) -> None:
    file = tmp_path / "a.xml"
    file.write_bytes(ceb621("T1")[:-100])
    assert run(store, file).refused == 1
    file.write_bytes(ceb621("T1"))
    assert run(store, file).lists == 1


def test_a_file_that_breaks_off_late_takes_its_flushed_records_back(store: DeclarationStore, tmp_path: Path) -> None:
    rows = "".join(f"C1,T{n},1,6,122\n" for n in range(5_000))
    (tmp_path / "a.csv").write_text(CSV + rows + "C1,T1\n", encoding="utf-8")
    assert run(store, tmp_path / "a.csv").refused == 1
    assert store.stats().lists == 0


def test_scattered_rows_are_imported_as_one_list(store: DeclarationStore, tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text(CSV + "C1,T1,1,6,122\nC1,T2,1,6,122\nC1,T1,2,3,140\n", encoding="utf-8")
    report = run(store, tmp_path / "a.csv")
    assert (report.lists, report.rejected, store.stats().lists) == (2, 0, 2)
    assert len(store.answer(1, "T1", at_us=0, belt_um=0, now_wall=NOW).items) == 2


def test_a_path_that_is_not_there_stops_before_anything_is_stored(store: DeclarationStore, tmp_path: Path) -> None:
    (tmp_path / "a.xml").write_bytes(ceb621("T1"))
    with pytest.raises(FileNotFoundError, match="missing"):
        run(store, tmp_path / "a.xml", tmp_path / "missing.xml")
    assert store.stats().lists == 0
    with pytest.raises(ValueError, match="encoding"):
        run(store, tmp_path / "a.xml", encoding="latin-1")


def test_files_of_a_folder_come_in_order_of_name(tmp_path: Path) -> None:
    for name in ("b.xml", "a.csv", "c.txt", "d.json"):
        (tmp_path / name).write_text("x", encoding="utf-8")
    assert [file.name for file in find_files([tmp_path])] == ["a.csv", "b.xml", "d.json"]


@settings(derandomize=True, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=400), st.sampled_from([".xml", ".csv", ".jsonl", ".json"]), st.booleans())
def test_random_files_never_crash_and_are_stored_whole_or_not_at_all(
    store: DeclarationStore, tmp_path: Path, noise: bytes, suffix: str, after_sound: bool
) -> None:
    file = tmp_path / f"noise{suffix}"
    file.write_bytes((ceb621("N1") if after_sound else b"") + noise)
    before = store.stats()
    report = run(store, file)
    after = store.stats()
    assert after.lists == before.lists + report.lists - report.repeats
    assert after.files == before.files + 1 - report.refused - report.unchanged


def test_the_limit_is_on_the_file_not_below_it(store: DeclarationStore, tmp_path: Path) -> None:
    sound = ceb621("T1")
    (tmp_path / "a.xml").write_bytes(sound + b"\n" * (FILE_BYTES_MAX - len(sound)))
    assert run(store, tmp_path / "a.xml").lists == 1


def test_a_drop_folder_takes_settled_files_once_and_hears_heartbeats(store: DeclarationStore, tmp_path: Path) -> None:
    folder = tmp_path / "drop"
    folder.mkdir()
    drop = DropFolder(folder=folder)
    file = folder / "a.xml"
    file.write_bytes(ceb621("T1"))
    written = file.stat().st_mtime
    assert drop.poll(store, written + 0.5).files == 0
    assert drop.poll(store, written + 5).lists == 1
    assert drop.poll(store, written + 6).files == 0
    assert file.read_bytes() == ceb621("T1")
    restarted = DropFolder(folder=folder)
    assert restarted.poll(store, written + 7).unchanged == 1
    assert not store.feed_fresh("ceb", written)
    (folder / "heartbeat").touch()
    drop.poll(store, written + 8)
    assert store.feed_fresh("ceb", written)


def test_an_interrupted_import_keeps_whole_files_only(
    store: DeclarationStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("a", "b"):
        (tmp_path / f"{name}.xml").write_bytes(ceb621(f"T{name}"))

    def interrupt(_: ImportReport) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        import_paths(store, [tmp_path / "a.xml", tmp_path / "b.xml"], now_wall=NOW, progress=interrupt)
    assert store.stats().files == store.stats().lists
    assert run(store, tmp_path / "a.xml", tmp_path / "b.xml").clean
    with sqlite3.connect(store.path) as check:
        assert check.execute("PRAGMA integrity_check").fetchone()[0] == "ok"


def test_a_store_that_cannot_be_written_is_a_clear_error_and_keeps_what_it_had(
    store: DeclarationStore, tmp_path: Path
) -> None:
    (tmp_path / "a.xml").write_bytes(ceb621("T1"))
    run(store, tmp_path / "a.xml")
    pages = int(store._lists.execute("PRAGMA page_count").fetchone()[0])
    store._lists.execute(f"PRAGMA max_page_count={pages + 2}")
    rows = "".join(f"C1,W{n},1,6,122\n" for n in range(3_000))
    (tmp_path / "b.csv").write_text(CSV + rows, encoding="utf-8")
    with pytest.raises(StoreError, match=r"declarations\.db: can't be written: .*full"):
        run(store, tmp_path / "b.csv")
    assert (store.stats().lists, found(store, "T1"), found(store, "W1")) == (1, True, False)
    store._lists.execute("PRAGMA max_page_count=1000000")
    assert run(store, tmp_path / "b.csv").lists == 3_000
