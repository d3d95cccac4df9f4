"""Where is parcel X, exit manifests, and the event feed, from the command line down to the tables."""

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from lane.cli import data as cli_data
from lane.cli.main import main
from lane.codec import canonical, encode
from lane.events.parcel import CustodyMoved, RecallRaised
from lane.mailbox import MailboxDown
from lane.model.words import Custody, Route, StatusClass
from lane.release.feed import feed
from tests.lane.release.release_parcels import LANE, SITE, Book, passage, started


class Run:
    """A run directory whose mailbox is answered by the test: orders become records."""

    def __init__(self, path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        self.path = path
        (path / "config").mkdir(parents=True)
        (path / "config" / "core.json").write_text(json.dumps({"kind": "twin", "site": SITE, "lane": LANE}))
        self.book = Book(path / "journal.db")
        self.book.connection.execute("CREATE TABLE record(idx INTEGER PRIMARY KEY, leaf BLOB, body BLOB)")
        self.orders: list[dict[str, Any]] = []
        self.feed(
            [started(), *passage(1, 1_000_000), *passage(2, 2_000_000), *passage(3, 3_000_000, route=Route.INSPECT)]
        )
        monkeypatch.setattr(cli_data, "ask", self.ask)

    def feed(self, items: list[Any]) -> None:
        """Append records."""
        with self.book.connection:
            for offset, item in enumerate(items, self.book.index):
                self.book.connection.execute("INSERT INTO record VALUES (?, x'', ?)", (offset, encode(item)))
        self.book.feed(items)

    def ask(self, run: Path, message: dict[str, Any]) -> dict[str, Any]:
        """The core: every move is obeyed."""
        assert run == self.path
        self.orders.append(message)
        moved = CustodyMoved(
            at_us=60_000_000,
            belt_um=0,
            seq=message["seq"],
            custody=Custody(message["custody"]),
            container=message["container"],
            person=message["person"],
        )
        self.feed([moved])
        return {"accepted": True, "index": self.book.index}

    def call(self, *arguments: str, code: int = 0) -> str:
        """Run ``lane ...`` on this directory; its output."""
        result = CliRunner().invoke(main, [*arguments, "--data", str(self.path)])
        assert result.exit_code == code, result.output
        return result.output


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Two released parcels and one at the bench."""
    return Run(tmp_path / "run", monkeypatch)


def test_a_parcel_is_found_by_waybill_list_and_number(run: Run) -> None:
    assert "T1" in run.call("custody", "where", "T1")
    assert "IN_RELEASE_AREA since 2025-11-21T01:31:17.000Z" in run.call("custody", "where", "1")
    assert run.call("custody", "where", "L1").count("\n") == 3
    assert "AT_BENCH since 2025-11-21T01:31:19.000Z  grounds COUNT_SHORT" in run.call("custody", "where", "T3")
    assert "not known to this lane" in run.call("custody", "where", "T9", code=1)


def test_a_manifest_lists_each_parcel_once_with_sums_and_hash(run: Run, tmp_path: Path) -> None:
    run.call("custody", "manifest", "open", "CAGE-1")
    run.call("custody", "manifest", "add", "CAGE-1", "T1", "--person", "twin-li")
    run.call("custody", "manifest", "add", "CAGE-1", "2", "--person", "twin-li")
    out = tmp_path / "manifest.json"
    run.call("custody", "manifest", "close", "CAGE-1", "--person", "twin-li", "--json", str(out))
    closed = json.loads(out.read_text())
    assert (closed["schema"], closed["parcel_count"], closed["scale_mg"]) == ("lane-exit-manifest/1", 2, 12_240_000)
    assert [parcel["waybill"] for parcel in closed["parcels"]] == ["T1", "T2"]
    stored = run.path / "report" / "manifests" / "CAGE-1.json"
    assert stored.read_bytes() == canonical(closed)
    assert "DEPARTED in CAGE-1" in run.call("custody", "where", "T1")
    assert "not open" in run.call("custody", "manifest", "add", "CAGE-1", "T1", "--person", "twin-li", code=1)


def test_only_released_parcels_are_loaded_and_into_one_container_only(run: Run) -> None:
    run.call("custody", "manifest", "open", "A")
    run.call("custody", "manifest", "open", "B", "--container", "bag")
    run.call("custody", "manifest", "add", "A", "T1", "--person", "twin-li")
    refused = run.call("custody", "manifest", "add", "B", "T1", "--person", "twin-li", code=1)
    assert "parcel 1: already in A" in refused
    at_bench = run.call("custody", "manifest", "add", "B", "T3", "--person", "twin-li", code=1)
    assert "parcel 3: is AT_BENCH, expected IN_RELEASE_AREA" in at_bench
    assert len(run.orders) == 1


def test_a_recalled_parcel_blocks_the_closing_until_it_is_out(run: Run) -> None:
    run.call("custody", "manifest", "open", "A")
    run.call("custody", "manifest", "add", "A", "T1", "--person", "twin-li")
    run.call("custody", "manifest", "add", "A", "T2", "--person", "twin-li")
    run.feed([RecallRaised(at_us=61_000_000, belt_um=0, seq=1, status_code="500", status_class=StatusClass.ORDERED)])
    assert "recalled parcels 1 must come out" in run.call("custody", "manifest", "close", "A", "--person", "x", code=1)
    assert "recalled" in run.call("custody", "manifest", "add", "A", "T1", "--person", "twin-li", code=1)
    run.call("custody", "manifest", "remove", "A", "1", "--person", "twin-li")
    assert "manifest A: 1 parcels" in run.call("custody", "manifest", "close", "A", "--person", "twin-li")


@pytest.mark.parametrize("manifest_id", ["", "../x", "a b", "x" * 41])
def test_a_manifest_needs_a_plain_name(run: Run, manifest_id: str) -> None:
    assert "manifest: expected 1..40" in run.call("custody", "manifest", "open", manifest_id, code=1)


def test_the_feed_tells_events_in_order_and_goes_on_where_a_reader_stopped(run: Run) -> None:
    lines = list(feed(run.path))
    assert [(line["event"], line["parcel_number"]) for line in lines] == [
        ("inducted", 1),
        ("scanned", 1),
        ("released", 1),
        ("inducted", 2),
        ("scanned", 2),
        ("released", 2),
        ("inducted", 3),
        ("scanned", 3),
        ("held", 3),
    ]
    assert lines[0]["at"] == "2025-11-21T01:31:01.000Z"
    assert list(feed(run.path, lines[4]["index"] + 1)) == lines[5:]
    printed = [json.loads(line) for line in run.call("release", "feed").splitlines()]
    assert printed == lines


def test_messages_not_accepted_are_listed_and_can_be_written_again(run: Run, tmp_path: Path) -> None:
    assert "3 messages not accepted" in run.call("release", "pending")
    run.call("release", "resend", "1", "--to", str(tmp_path / "again"))
    (again,) = (tmp_path / "again").iterdir()
    stored = run.book.connection.execute("SELECT body FROM outbox WHERE seq = 1").fetchone()[0]
    assert again.read_bytes() == stored
    assert "no message" in run.call("release", "resend", "77", "--to", str(tmp_path), code=1)


def test_a_bench_result_with_the_core_down_is_a_clear_error(
    tmp_path: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(path: Path, message: dict[str, Any]) -> dict[str, Any]:
        raise MailboxDown(f"the core of {path} does not answer")

    monkeypatch.setattr(cli_data, "ask", down)
    output = run.call("bench", "record", "3", "RESCAN", "--found", "1=6", "--person", "twin-li", code=1)
    assert "nothing was recorded: the core of" in output


def test_a_bench_order_carries_what_was_found(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    got: list[dict[str, Any]] = []

    def take(path: Path, message: dict[str, Any]) -> dict[str, Any]:
        got.append(message)
        return {"accepted": True, "index": 5}

    monkeypatch.setattr(cli_data, "ask", take)
    arguments = ("bench", "record", "3", "DETAINED", "--found", "1=6", "--found", "2=0", "--person", "twin-li")
    assert "journal record 5" in run.call(*arguments, "--second", "twin-wu")
    assert got[0] | {"role": ""} == {
        "order": "RecordBench",
        "person": "twin-li",
        "role": "",
        "seq": 3,
        "result": "DETAINED",
        "found": [[1, 6], [2, 0]],
        "seal": "",
        "second": "twin-wu",
    }
    assert "expected LINE=PIECES" in run.call("bench", "record", "3", "RESCAN", "--found", "6", "--person", "x", code=2)


def test_a_directory_without_a_run_is_named(tmp_path: Path) -> None:
    result = CliRunner().invoke(main, ["custody", "where", "T1", "--data", str(tmp_path)])
    assert result.exit_code == 1
    assert "no journal here" in result.output
