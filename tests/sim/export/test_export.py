"""A run written as OCEL 2.0, XES and Parquet says what the journal says."""

import hashlib
import json
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any
from unittest.mock import patch

import pyarrow.parquet as parquet
import pytest
from click.testing import CliRunner

from lane.inputs import OrderGiven
from sim.export.cli import export
from sim.export.log import EPOCH, EventLog, Kind, event_log
from sim.export.xes import _legal
from sim.recording import open_recording
from tests.sim.export.readers import read_ocel_json, read_ocel_sqlite, read_xes
from tests.sim.view.conftest import PARCELS, Recorded, record


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Recorded:
    return record(tmp_path_factory.mktemp("export") / "day.jsonl")


@pytest.fixture(scope="module")
def log(recorded: Recorded) -> EventLog:
    return event_log(open_recording(recorded.path))


@pytest.fixture(scope="module")
def files(recorded: Recorded, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Everything written by the command, the SQLite form over an older file."""
    folder = tmp_path_factory.mktemp("written")
    (folder / "run.sqlite").write_text("older", encoding="utf-8")
    for words in (
        ["--ocel2", "run.json", "--xes", "run.xes", "--parquet", "run.parquet"], ["--ocel2", "run.sqlite"],
    ):  # fmt: skip
        told = [word if word.startswith("--") else str(folder / word) for word in words]
        answer = CliRunner().invoke(export, [str(recorded.path), *told])
        assert answer.exit_code == 0, answer.output
    return folder


def _plain(log: EventLog) -> dict[str, Any]:
    """The log as the readers give it."""
    return {
        "events": {
            one.id: {
                "type": one.kind, "time": one.at, "values": one.attributes,
                "relations": sorted((each.target, each.qualifier) for each in one.relations),
            }
            for one in log.events
        },
        "objects": {
            one.id: {
                "type": str(one.kind), "changes": sorted(one.changes, key=str),
                "relations": sorted((each.target, each.qualifier) for each in one.relations),
            }
            for one in log.objects.values()
        },
    }  # fmt: skip


def test_ocel_in_json_reads_back_as_it_was_meant(files: Path, log: EventLog) -> None:
    assert read_ocel_json(files / "run.json") == _plain(log)


def test_ocel_in_sqlite_reads_back_as_it_was_meant(files: Path, log: EventLog) -> None:
    assert read_ocel_sqlite(files / "run.sqlite") == _plain(log)


def test_the_objects_are_parcels_lists_orders_officers_and_devices(log: EventLog, recorded: Recorded) -> None:
    kinds = Counter(one.kind for one in log.objects.values())
    assert set(kinds) == set(Kind)
    assert kinds[Kind.PARCEL] == PARCELS
    pinned = {event.case for event in log.events if event.kind == "DeclarationPinned"}
    assert kinds[Kind.LIST] == kinds[Kind.ORDER] == len(pinned)
    named = {one.target for event in log.events for one in event.relations}
    named |= {one.target for each in log.objects.values() for one in each.relations}
    assert named == set(log.objects)
    routes = Counter(value for one in log.objects.values() for _, name, value in one.changes if name == "route")
    assert routes == recorded.figures["routes"]


def test_a_parcel_leads_to_its_list_and_that_to_its_order(log: EventLog) -> None:
    for event in log.events:
        if event.kind == "DeclarationPinned":
            body = log.objects[f"parcel:{event.case}"]
            (declared,) = [log.objects[one.target] for one in body.relations if one.qualifier == "declared by"]
            assert [log.objects[one.target].kind for one in declared.relations] == [Kind.ORDER]
            assert body.changes[0] == (EPOCH, "number", event.case)


def test_an_order_that_needs_two_persons_names_both(log: EventLog, recorded: Recorded) -> None:
    given = [record for record in open_recording(recorded.path).records() if isinstance(record, OrderGiven)]
    asked = {(one.person, second) for one in (each.order for each in given) if (second := getattr(one, "second", ""))}
    assert asked
    found = {
        tuple(each.target.partition(":")[2] for each in event.relations if each.qualifier in ("by", "second person"))
        for event in log.events
        if event.kind == "OrderGiven"
    }
    assert {names for names in found if len(names) == 2} == asked


def test_xes_has_one_trace_per_parcel_in_the_order_of_the_journal(files: Path, log: EventLog) -> None:
    traces = read_xes(files / "run.xes")
    assert set(traces) == {f"parcel-{number}" for number in range(1, PARCELS + 1)}
    expected: dict[str, list[str]] = {}
    for event in log.events:
        if event.case:
            expected.setdefault(f"parcel-{event.case}", []).append(event.kind)
    assert {name: [one["concept:name"] for one in events] for name, events in traces.items()} == expected
    for events in traces.values():
        assert events[0]["concept:name"] == "ParcelInducted"
        assert {one["lifecycle:transition"] for one in events} <= {"complete", "schedule"}
        assert all(one["time:timestamp"] - events[0]["time:timestamp"] < timedelta(days=1) for one in events)
        opened = [one for one in events if one["concept:name"] == "BenchRecorded"]
        assert all(one["org:resource"].startswith("twin-bench-") for one in opened)


def test_parquet_holds_every_record_to_the_byte(files: Path, recorded: Recorded) -> None:
    table = parquet.read_table(files / "run.parquet")
    digest = hashlib.sha256()
    for body in table.column("body").to_pylist():
        digest.update(len(body).to_bytes(4) + body)
    assert digest.hexdigest() == recorded.figures["journal_sha256"]
    assert table.column("idx").to_pylist() == list(range(recorded.figures["records"]))
    told = table.schema.metadata
    assert told[b"origin"] == b"SYNTHETIC"
    assert json.loads(told[b"facts"])["seed"] == 9
    assert parquet.ParquetFile(files / "run.parquet").metadata.row_group(0).column(5).compression == "ZSTD"


def test_without_pyarrow_the_command_says_how_to_get_it(recorded: Recorded, tmp_path: Path) -> None:
    with patch.dict("sys.modules", {"pyarrow": None, "pyarrow.parquet": None}):
        answer = CliRunner().invoke(export, [str(recorded.path), "--parquet", str(tmp_path / "run.parquet")])
    assert answer.exit_code != 0
    assert "pip install 'xray-lane[archive]'" in answer.output
    assert not (tmp_path / "run.parquet").exists()


@pytest.mark.parametrize(
    ("words", "named"),
    [
        ([], "name at least one of --ocel2, --xes, --parquet"),
        (["--ocel2", "run.csv"], "expected a name that ends in .json, .jsonocel, .sqlite"),
        (["--xes", "/nowhere/run.xes"], "expected an existing folder"),
    ],
)
def test_what_can_not_be_written_is_refused(recorded: Recorded, words: list[str], named: str) -> None:
    answer = CliRunner().invoke(export, [str(recorded.path), *words])
    assert answer.exit_code != 0
    assert named in " ".join(answer.output.split())


def test_control_characters_never_reach_xml() -> None:
    assert _legal("a\x00b\x1fc\td & < 王") == "abc\td & < 王"
    assert _legal("a\ufffeb\uffffc\ud800d\U0001f4e6") == "abcd\U0001f4e6"
