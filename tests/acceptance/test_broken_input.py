"""Broken input of every kind: a message with file, place and expectation; nothing half stored; exit code not 0."""

import json
import os
import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from tests.acceptance.command import CONFIG, Answer, lane

LIST = CONFIG / "samples" / "ceb621-001.xml"
XML = LIST.read_bytes()
ONE = XML[: XML.index(b"</ceb:Inventory>") + 16] + b"</ceb:CEB621Message>"
"""The sample cut down to its first list."""
DEMO = CONFIG / "lanes" / "demo.toml"
HEAD = "carrier,waybill,line_no,name,net_kg\n"
MIB = 2**20
UNREADABLE = Path("/proc/self/mem")
"""Opens, and then fails to be read, for every user (a file without permissions is readable for root)."""


def refused(answer: Answer, *words: object) -> None:
    """A clear refusal: exit code not 0, no traceback, and all these words."""
    assert answer.status not in (0, None), answer.said
    assert answer.status > 0, f"killed by a signal: {answer.said}"
    assert "Traceback" not in answer.said, answer.said
    for word in words:
        assert str(word) in answer.said, (word, answer.said)


def line_of(path: Path, words: str) -> int:
    """Number of the first line with these words."""
    text = path.read_text(encoding="utf-8")
    return text[: text.index(words)].count("\n") + 1


def rows(data: Path) -> dict[str, list[object]]:
    """Everything in the store but its bookkeeping of files and feeds."""
    with closing(sqlite3.connect(data / "declarations.db")) as store:
        names = [name for (name,) in store.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        kept = [name for name in names if name not in ("file", "feed")]
        return {name: store.execute(f'SELECT * FROM "{name}" ORDER BY 1, 2').fetchall() for name in kept}


@pytest.fixture(scope="module")
def seeded(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A data directory with the sample lists."""
    data = tmp_path_factory.mktemp("seeded") / "data"
    assert lane("declarations", "import", LIST, "--data", data).status == 0
    return data


FILES: dict[str, tuple[str, bytes | Callable[[], bytes], tuple[str, ...]]] = {
    "truncated XML": ("a.xml", XML[:5_000], ("no well-formed XML: line 12, column ", "nothing of it was stored")),
    "XML cut after a list": (
        "a.xml",
        ONE.removesuffix(b"</ceb:CEB621Message>"),
        ("no well-formed XML: line ", "nothing of it was stored"),
    ),
    "XML in GB18030 that says UTF-8": (
        "a.xml",
        XML.decode().encode("gb18030"),
        ("no well-formed XML: line 5, column ", "invalid token", "nothing of it was stored"),
    ),
    "XML that declares GB18030": (
        "a.xml",
        XML.replace(b'"UTF-8"', b'"GB18030"', 1).decode().encode("gb18030"),
        ("an encoding that is not supported; expected UTF-8", "nothing of it was stored"),
    ),
    "XML in UTF-16 that says UTF-8": (
        "a.xml",
        XML.decode().encode("utf-16"),
        ("no well-formed XML: line 1, column ", "nothing of it was stored"),
    ),
    "CSV in GB18030, undeclared": (
        "a.csv",
        f"{HEAD}C1,T1,1,奶粉,1\n".encode("gb18030"),
        ("expected UTF-8 text", "--encoding gb18030", "nothing of it was stored"),
    ),
    "CSV in UTF-16": ("a.csv", f"{HEAD}C1,T1,1,奶粉,1\n".encode("utf-16"), ("expected UTF-8 text",)),
    "33 MiB": ("a.xml", lambda: XML + b"\n" * (33 * MIB - len(XML)), ("expected at most 32 MiB, was larger",)),
    "DOCTYPE": (
        "a.xml",
        XML.replace(b"?>\n", b'?>\n<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/passwd">]>\n', 1),
        ("DOCTYPE: expected none", "nothing of it was stored"),
    ),
    "other root": ("a.xml", b"<Hello/>", ("root element: expected one of CEB311Message",)),
    "XML without key": (
        "a.xml",
        ONE.replace(b"logisticsNo>", b"logisticsXo>"),
        ("list 1: logisticsNo: expected 1 to 60 characters, was absent or longer",),
    ),
    "receipt without key": (
        "a.xml",
        b"<CEB622Message><InventoryReturn><invtNo>1</invtNo></InventoryReturn></CEB622Message>",
        ("receipt 1: returnStatus: expected a status code",),
    ),
    "CSV without key column": (
        "a.csv",
        b"carrier,line_no\nC1,1\n",
        ("line 1: expected the columns", "missing waybill"),
    ),
    "CSV without key": ("a.csv", f"{HEAD}C1,,1,x,1\n".encode(), ("row 2: waybill: expected 1 to 60 characters",)),
    "CSV with a short row": ("a.csv", f"{HEAD}C1,T1,1,x,1\nC1,T2\n".encode(), ("row 3: expected 5 cells, was 2",)),
    "contradicting CSV rows": (
        "a.csv",
        f"{HEAD}C1,T1,1,x,5\nC1,T1,2,y,6\n".encode(),
        ("row 3: net_kg: contradicts row 2 of the same parcel",),
    ),
    "JSON without key": (
        "a.jsonl",
        b'{"schema":"lane-declaration/1","carrier":"C1","lines":[{"line_no":1}]}\n',
        ("line 1: waybill: expected 1 to 60 characters",),
    ),
    "postal JSON without key": (
        "a.jsonl",
        b'{"schema":"lane-postal/1","contents":[{"line_no":1}]}\n',
        ("line 1: item_id: expected an S10",),
    ),
    "JSON of no schema": ("a.json", b"[1]", ("object 1: schema: expected lane-declaration/1 or lane-postal/1",)),
    "broken JSON": ("a.jsonl", b'{"schema":\n', ("line 1: no well-formed JSON",)),
    "empty file": ("a.xml", b"", ("expected a message or a table, the file is empty",)),
    "other ending": ("a.pdf", b"%PDF", ("expected a file ending in .xml",)),
}


@pytest.mark.parametrize("name", FILES)
def test_a_broken_list_is_named_and_leaves_nothing_behind(seeded: Path, tmp_path: Path, name: str) -> None:
    file_name, made, words = FILES[name]
    data = Path(shutil.copytree(seeded, tmp_path / "data"))
    before = rows(data)
    assert len(before["list"]) == 47
    (tmp_path / file_name).write_bytes(made() if callable(made) else made)
    refused(lane("declarations", "import", tmp_path / file_name, "--data", data), tmp_path / file_name, *words)
    assert rows(data) == before


def test_paths_that_are_no_readable_files_are_named(seeded: Path, tmp_path: Path) -> None:
    data = Path(shutil.copytree(seeded, tmp_path / "data"))
    before = rows(data)
    (tmp_path / "empty").mkdir()
    os.symlink(UNREADABLE, tmp_path / "bad.csv")
    sound = tmp_path / "sound.csv"
    sound.write_text(f"{HEAD}C1,T1,1,x,5\n", encoding="utf-8")
    nowhere, empty, bad = tmp_path / "nowhere.xml", tmp_path / "empty", tmp_path / "bad.csv"
    refused(lane("declarations", "import", sound, nowhere, "--data", data), f"{nowhere}: no such file or folder")
    refused(lane("declarations", "import", empty, "--data", data), f"{empty}: expected files ending in .xml, .csv")
    refused(lane("declarations", "import", bad, "--data", data), f"{bad}: can't be read: Input/output error: nothing")
    assert rows(data) == before
    refused(lane("declarations", "watch", tmp_path / "nofolder", "--data", data), "nofolder", "does not exist")
    refused(lane("declarations", "import", LIST, "--data", LIST), "is a file")
    (data / "declarations.db").write_bytes(b"garbage" * 1_000)
    refused(lane("declarations", "stats", "--data", data), data / "declarations.db", "file is not a database")


LANE_FILES: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "unknown key": (
        "gap_mm_min = 300",
        "gap_mmin = 300",
        ("layout.gap_mmin: unknown key, did you mean 'gap_mm_min'?",),
    ),
    "bad bound": ("gap_mm_min = 300", "gap_mm_min = 3", ("layout.gap_mm_min: expected 50..5000 mm, was 3",)),
    "bad order": ("scale_mm = 1100", "scale_mm = 500", ("layout.scale_mm: expected beyond reader_mm (600)",)),
    "no TOML": ("[layout]", "[layout", ("not valid TOML: Expected ']'", "column 8")),
    "missing model": ('"signatures.json"', '"none.json"', ("vision.signatures: expected a file", "none.json is none")),
    "other schema": ("lane-config/1", "lane-config/9", ('schema: expected "lane-config/1"',)),
    "two faults": ("speed_mm_s = 500", "speed_mm_s = 5\nsped = 1", ("2 problems", "lane.speed_mm_s", "lane.sped")),
}


@pytest.mark.parametrize("name", LANE_FILES)
def test_a_broken_lane_file_is_named_with_line_and_key(tmp_path: Path, name: str) -> None:
    old, new, words = LANE_FILES[name]
    text = DEMO.read_text(encoding="utf-8")
    assert old in text
    path = tmp_path / "lane.toml"
    path.write_text(text.replace(old, new, 1), encoding="utf-8")
    place = f"{path}:{line_of(DEMO, old)}:" if name not in ("no TOML", "two faults") else f"{path}:"
    refused(lane("check", path), place, *words)


def test_a_lane_is_not_run_on_simulated_addresses_or_paths_that_are_no_files(tmp_path: Path) -> None:
    run = tmp_path / "run"
    place = f"{DEMO}:{line_of(DEMO, 'sim://io')}: devices.io.address"
    refused(lane("run", DEMO, "--run", run), f"{place}: sim://io", "expected tcp://host:port")
    os.symlink(UNREADABLE, tmp_path / "bad.toml")
    for path, words in (
        (tmp_path / "none.toml", "can't be read (No such file or directory)"),
        (tmp_path, "expected a file, can't be read: it is a folder"),
        (tmp_path / "bad.toml", "can't be read (Input/output error)"),
    ):
        refused(lane("run", path, "--run", run), f"{path}: {words}")
    assert not run.exists()
    assert not run.with_name("run.keys").exists()


@pytest.fixture
def config(tmp_path: Path) -> Path:
    """A copy of the shipped configuration that a test may damage."""
    return Path(shutil.copytree(CONFIG, tmp_path / "config"))


def test_a_profile_with_overlapping_registers_is_named_by_lint_and_by_check(config: Path) -> None:
    path = config / "devices" / "lane-io.toml"
    text = path.read_text(encoding="utf-8")
    assert "addr = 0x0001\n" in text
    line = line_of(path, "addr = 0x0001\n")
    path.write_text(text.replace("addr = 0x0001\n", "addr = 0x0000\n", 1), encoding="utf-8")
    words = f"{path}:{line}: reg.1.addr: boot (0x0000..0x0000) overlaps event_signature (0x0000..0x0000)"
    refused(lane("devices", "lint", path), words, "1 problem")
    refused(lane("check", config / "lanes" / "demo.toml"), words)
    path.write_bytes(b"\xff\xfe")
    refused(lane("devices", "lint", path), f"{path}: expected UTF-8")
    refused(lane("devices", "lint", "nonesuch"), "nonesuch.toml: cannot be read")


@pytest.mark.parametrize(
    ("file", "damage", "words"),
    [
        ("models/signatures.json", lambda data: data[:1_000], "signatures.json: Expecting"),
        ("models/signatures.json", lambda data: data.replace(b"lane-signatures/1", b"x"), "expected schema lane-sig"),
        ("models/signatures.json", lambda data: data.replace(b'"unit_mg":', b'"x":', 1), "'unit_mg'"),
        ("models/signatures.json", lambda data: data.replace(b'"scans":[[', b'"scans":[[1,', 1), "signatures.json: "),
        ("models/basis.npz", lambda data: data[:5_000], "basis.npz: expected the table that belongs to signatures"),
        ("models/basis.npz", lambda data: data[:5_000] + b"\x00" + data[5_001:], "low.npy is damaged"),
        ("models/basis.npz", None, "basis.npz: can't be read (No such file or directory)"),
    ],
)
def test_a_damaged_model_is_refused_before_the_lane_starts(
    config: Path, file: str, damage: Callable[[bytes], bytes] | None, words: str
) -> None:
    path = config / file
    data = path.read_bytes()
    if damage is None:
        path.unlink()
    else:
        assert damage(data) != data
        path.write_bytes(damage(data))
    lane_file = config / "lanes" / "demo.toml"
    place = f"{lane_file}:{line_of(lane_file, 'signatures = ')}: vision.signatures: "
    refused(lane("check", lane_file), place, path, words)


@pytest.mark.parametrize(
    ("file", "content", "words"),
    [
        ("disposition.csv", b"a,b\n1,2\n", "disposition.csv:1: expected columns status_class"),
        ("disposition.csv", b"\xff", "disposition.csv: expected UTF-8, byte 0 is none"),
        ("carriers.toml", b"x", "carriers.toml:1: not valid TOML"),
    ],
)
def test_a_broken_table_of_the_lane_is_named(config: Path, file: str, content: bytes, words: str) -> None:
    (config / file).write_bytes(content)
    refused(lane("check", config / "lanes" / "demo.toml"), config / file, words)


def test_a_broken_scenario_is_named_with_line_and_key(tmp_path: Path) -> None:
    text = (CONFIG / "scenarios" / "day.toml").read_text(encoding="utf-8").replace("../lanes/demo.toml", str(DEMO))
    path, figures = tmp_path / "day.toml", tmp_path / "figures.json"
    line = line_of(CONFIG / "scenarios" / "day.toml", "officers = 12")
    for old, new, words in (
        ("officers = 12", "oficers = 12", f"{path}:{line}: bench.oficers: unknown key, did you mean 'officers'?"),
        ("[stream]", "[stream", "not valid TOML: Expected ']'"),
        (str(DEMO), "none.toml", f"{path}:4: lane: expected a lane file, {tmp_path / 'none.toml'} is none"),
    ):
        path.write_text(text.replace(old, new), encoding="utf-8")
        refused(lane("sim", "run", path, "--parcels", 10, "--json", figures), words)
    refused(lane("sim", "run", tmp_path), "is a directory")
    assert not figures.exists()


def test_what_is_no_run_is_refused_by_every_command_that_reads_one(tmp_path: Path) -> None:
    nothing, folder = tmp_path / "nothing", tmp_path / "folder"
    folder.mkdir()
    for command in ("verify", "replay", "console"):
        refused(lane(command, nothing), nothing, "does not exist")
        refused(lane(command, LIST), LIST, "is a file")
        refused(lane(command, folder), folder)
    (folder / "journal.db").write_bytes(b"garbage" * 1_000)
    (folder / "users.db").write_bytes(b"garbage" * 1_000)
    (folder / "config").mkdir()
    (folder / "config" / "core.json").write_text("{}")
    for words in (
        ("release", "pending"), ("release", "feed"), ("custody", "where", "T1"), ("custody", "manifest", "open", "m"),
    ):  # fmt: skip
        refused(lane(*words, "--data", folder), folder / "journal.db", "can't be read as a journal")
        refused(lane(*words, "--data", nothing), nothing / "journal.db", "no journal here")
    refused(lane("users", "list", "--data", folder), folder / "users.db", "expected a list of users")
    refused(lane("bench", "record", 1, "FALSE_ALARM", "--person", "a", "--data", nothing), "")
    refused(lane("custody", "manifest", "close", "m", "--person", "a", "--data", folder), folder)
    assert not nothing.exists()


def test_figures_that_cannot_be_written_are_a_message_before_long_work(tmp_path: Path) -> None:
    figures, run = tmp_path / "none" / "figures.json", tmp_path / "run"
    refused(lane("demo", "--parcels", 2, "--out", run, "--json", figures), figures, "expected an existing folder")
    assert not run.exists()
    refused(lane("sim", "run", CONFIG / "scenarios" / "day.toml", "--parcels", 5, "--json", figures), figures)
    refused(lane("check", DEMO, "--json", figures), figures, "No such file or directory")
    refused(lane("devices", "list", "--json", figures), figures, "No such file or directory")
    (tmp_path / "held").mkdir()
    (tmp_path / "held" / "precious").write_text(json.dumps({}))
    refused(lane("demo", "--out", tmp_path / "held"), tmp_path / "held", "expected a new or empty folder")
