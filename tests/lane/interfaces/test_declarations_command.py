"""``lane declarations`` as a person uses it."""

import json
import os
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from lane.cli.declarations import declarations
from lane.declarations.records import Declaration, DeclaredLine, Receipt
from lane.interfaces.ceb_writer import write_ceb621, write_ceb622
from lane.model.declared import ParcelKey

LINES = (
    DeclaredLine(line_no=1, sku="MP-900", name="婴儿配方奶粉", hs_code="1901101000", qty_e5=600_000, unit="122",
                 legal_qty_e5=540_000, legal_unit="035", spec="900g/罐", item_record_no="1"),
    DeclaredLine(line_no=2, sku="SH-002", name="shoes [bold]", hs_code="6404110000", qty_e5=300_000, unit="025",
                 legal_qty_e5=255_000, legal_unit="035", item_record_no="2"),
)  # fmt: skip
LIST = Declaration(
    key=ParcelKey(carrier="4101986180", waybill="T17"), lines=LINES, list_no="I17", pre_no="B17", cop_no="C17",
    agent_code="AGENT", ems_no="EMS", order_no="T-17", gross_mg=8_400_000, net_mg=7_950_000, app_time="20251121080000",
)  # fmt: skip
RECEIPT = Receipt(
    code="100", return_time="20251121093000001", list_no="I17", pre_no="B17", cop_no="C17", agent_code="AGENT",
    inner="1800",
)  # fmt: skip


def lane(*words: object) -> Result:
    return CliRunner().invoke(declarations, [str(word) for word in words], terminal_width=200, env={"COLUMNS": "200"})


@pytest.fixture
def inbox(tmp_path: Path) -> Path:
    folder = tmp_path / "inbox"
    folder.mkdir()
    (folder / "lists.xml").write_bytes(write_ceb621([LIST]))
    (folder / "receipts.xml").write_bytes(write_ceb622([RECEIPT]))
    return folder


def test_import_show_and_stats_tell_the_whole_story(tmp_path: Path, inbox: Path) -> None:
    figures = tmp_path / "import.json"
    done = lane("import", inbox, "--data", tmp_path / "run", "--json", figures)
    assert (done.exit_code, "lists 1" in done.output, "receipts 1" in done.output) == (0, True, True)
    plain = json.loads(figures.read_text(encoding="utf-8"))
    assert (plain["files"], plain["lists"], plain["receipts"], plain["clean"]) == (2, 1, 1, True)
    for number in ("t17", "I17", "B17"):
        shown = lane("show", number, "--data", tmp_path / "run")
        assert shown.exit_code == 0
        for words in (
            "婴儿配方奶粉",
            "6 罐",
            "shoes [bold]",
            "3..6",
            "0.9",
            "PAIR",
            "REJECTED",
            "1800",
            "OTHER",
            "T-17",
        ):
            assert words in shown.output
    counted = lane("stats", "--data", tmp_path / "run", "--json", tmp_path / "stats.json")
    assert "receipts waiting for their list" in counted.output
    assert json.loads((tmp_path / "stats.json").read_text(encoding="utf-8"))["lists"] == 1


def test_show_writes_the_answer_as_json(tmp_path: Path, inbox: Path) -> None:
    lane("import", inbox, "--data", tmp_path / "run")
    lane("show", "T17", "--data", tmp_path / "run", "--json", tmp_path / "t17.json")
    ((only,),) = (entry["lists"] for entry in json.loads((tmp_path / "t17.json").read_text(encoding="utf-8")))
    assert (only["status_code"], only["status_class"], only["chosen"]) == ("100", "REJECTED", True)
    assert [(item["count_lo"], item["count_hi"]) for item in only["items"]] == [(6, 6), (3, 6)]


def test_a_rejected_list_is_named_and_the_exit_code_says_so(tmp_path: Path) -> None:
    file = tmp_path / "a.csv"
    file.write_text("carrier,waybill,line_no,net_kg\nC1,T1,1,5\nC1,T1,2,6\nC1,T2,1,5\n", encoding="utf-8")
    done = lane("import", file, "--data", tmp_path / "run")
    assert done.exit_code == 1
    assert f"REJECTED {file}: row 3: net_kg: contradicts row 2" in done.output
    assert lane("show", "T1", "--data", tmp_path / "run").exit_code == 1
    assert lane("show", "T2", "--data", tmp_path / "run").exit_code == 0


@pytest.mark.parametrize(
    ("name", "data", "words"),
    [
        ("a.xml", b"<CEB621Message><Inv", "no well-formed XML: line 1"),
        ("a.xml", b"<!DOCTYPE a><CEB621Message/>", "DOCTYPE"),
        ("a.csv", "carrier,waybill,line_no\nC1,运单,1\n".encode("gb18030"), "--encoding gb18030"),
        ("a.xyz", b"x", "expected a file ending in"),
    ],
)
def test_a_broken_file_is_named_and_the_exit_code_says_so(tmp_path: Path, name: str, data: bytes, words: str) -> None:
    (tmp_path / name).write_bytes(data)
    done = lane("import", tmp_path / name, "--data", tmp_path / "run")
    assert done.exit_code == 1
    assert str(tmp_path / name) in done.output
    assert words in done.output
    assert "nothing of it was stored" in done.output
    assert "Traceback" not in done.output


def test_a_gb18030_file_is_read_when_it_is_declared(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes("carrier,waybill,line_no,name\nC1,T1,1,奶粉\n".encode("gb18030"))
    assert lane("import", tmp_path / "a.csv", "--data", tmp_path, "--encoding", "gb18030").exit_code == 0
    assert "奶粉" in lane("show", "T1", "--data", tmp_path).output


def test_missing_paths_and_stores_are_clear_errors(tmp_path: Path) -> None:
    missing = lane("import", tmp_path / "nowhere", "--data", tmp_path / "run")
    assert (missing.exit_code, "no such file or folder" in missing.output) == (1, True)
    for command in (("show", "T1"), ("stats",)):
        none = lane(*command, "--data", tmp_path / "nothing")
        assert (none.exit_code, "import some first" in none.output) == (1, True)
    assert not (tmp_path / "nothing").exists()


def test_watch_takes_what_lies_there_and_leaves_it_where_it_is(tmp_path: Path, inbox: Path) -> None:
    for file in inbox.iterdir():
        os.utime(file, (1_700_000_000, 1_700_000_000))
    before = {file: file.read_bytes() for file in inbox.iterdir()}
    done = lane("watch", inbox, "--data", tmp_path / "run", "--once")
    assert (done.exit_code, "lists 1" in done.output) == (0, True)
    assert {file: file.read_bytes() for file in inbox.iterdir()} == before
    assert sorted(path.name for path in (tmp_path / "run").iterdir() if not path.name.endswith(("-wal", "-shm"))) == [
        "declarations.db",
        "released.db",
    ]


def test_help_shows_formats_and_examples() -> None:
    assert "CEB621" in lane("--help").output
    assert "Examples" in lane("import", "--help").output
