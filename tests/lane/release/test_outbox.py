"""Messages are rendered in the journal's transaction, once, canonically."""

import hashlib
import json
import sqlite3

import pytest

from lane.codec import canonical
from lane.events.machine import MessageDone
from lane.events.parcel import BenchRecorded, ParcelReleased, RecallRaised
from lane.model.words import BenchResult, LaneKind, MessageKind, Route, StatusClass, Via
from lane.release.outbox import waiting, wall_of
from lane.release.render import idempotency_key, pseudonym
from tests.lane.release.release_parcels import LANE, SITE, Book, passage, queued, started
from vision.item_count import Origin


def bodies(book: Book) -> list[bytes]:
    """All messages in order."""
    return [row[0] for row in book.connection.execute("SELECT body FROM outbox ORDER BY idx")]


def test_a_released_parcel_yields_one_complete_canonical_message() -> None:
    book = Book(":memory:")
    book.connection.execute("INSERT INTO signed_checkpoint VALUES (5, 'note')")
    book.feed([started(), *passage(7, 1_000_000)])
    (body,) = bodies(book)
    message = json.loads(body)
    assert canonical(message) == body
    assert message == {
        "schema": "lane-release/1",
        "kind": "RELEASE",
        "revision": 1,
        "idempotency_key": idempotency_key(SITE, LANE, 7, MessageKind.RELEASE, 1),
        "site": "HZ01",
        "lane": "L3",
        "parcel_number": 7,
        "synthetic": True,
        "carrier": "4101986180",
        "waybill": "T7",
        "list_no": "L1",
        "order_no": "O1",
        "declaration_version": "e" * 64,
        "via": "GATE",
        "status": {"code": "800", "class": "RELEASED", "return_time": "20251121093000001"},
        "decision": {
            "route": "RELEASE",
            "instruction": "NONE",
            "grounds": [],
            "cleared": [],
            "drawn": False,
            "matrix_sha256": "a" * 64,
        },
        "findings": [{"line_no": 1, "finding": "MATCH", "expected": [6, 6], "seen": [6, 6]}],
        "weight": {"scale_mg": 6_120_000, "gross_mg": 6_100_000},
        "evidence": {
            "image_sha256": [f"{7:064x}"],
            "image_origin": "SYNTHETIC",
            "vision_sha256": "",
            "model_sha256": "f" * 64,
            "permit_id": "HZ01/L3/7/9",
            "exit_proof": {"eye": "EXIT_RELEASE", "belt_mm": 8_000},
        },
        "journal": {
            "index": 11,
            "leaf_sha256": message["journal"]["leaf_sha256"],
            "checkpoint": hashlib.sha256(b"note").hexdigest(),
        },
        "times": {
            "inducted_at": "2025-11-21T01:31:01.000Z",
            "scanned_at": "2025-11-21T01:31:06.000Z",
            "decided_at": "2025-11-21T01:31:15.000Z",
            "exited_at": "2025-11-21T01:31:17.000Z",
        },
    }


def test_the_key_is_the_hash_of_the_canonical_array() -> None:
    expected = hashlib.sha256(b'["lane-release/1","HZ01","L3",7,"RELEASE",1]').hexdigest()
    assert idempotency_key("HZ01", "L3", 7, MessageKind.RELEASE, 1) == expected


def test_a_repeated_record_queues_nothing_twice() -> None:
    book = Book(":memory:")
    book.feed([started(), *passage(1, 0), queued(1, MessageKind.RELEASE, 16_000_000)])
    assert len(bodies(book)) == 1


def test_an_acknowledged_message_waits_no_more() -> None:
    book = Book(":memory:")
    book.feed([started(), *passage(1, 0), *passage(2, 0, route=Route.INSPECT)])
    assert waiting(book.connection) == 2
    key = idempotency_key(SITE, LANE, 1, MessageKind.RELEASE, 1)
    book.feed([MessageDone(at_us=17_000_000, belt_um=0, idempotency_key=key)])
    assert waiting(book.connection) == 1


def test_a_bench_release_names_officers_by_pseudonym_only() -> None:
    book = Book(":memory:")
    result = BenchRecorded(
        at_us=60_000_000,
        belt_um=0,
        seq=3,
        result=BenchResult.INSPECTED_AND_RELEASED,
        found=((1, 6),),
        seal="S1",
        person="li.wei",
        second="",
    )
    released = ParcelReleased(at_us=60_000_000, belt_um=0, seq=3, via=Via.BENCH, permit_no=0, exit_um=0)
    message_at = queued(3, MessageKind.RELEASE, 60_000_000, via=Via.BENCH)
    book.feed([started(), *passage(3, 0, route=Route.INSPECT), result, released, message_at])
    inspect, release = (json.loads(body) for body in bodies(book))
    assert inspect["kind"] == "INSPECT"
    assert inspect["decision"]["grounds"] == ["COUNT_SHORT"]
    assert release["bench"] == {
        "result": "INSPECTED_AND_RELEASED",
        "found": [{"line_no": 1, "pieces": 6}],
        "seal": "S1",
        "officer": pseudonym(SITE, "li.wei"),
        "second": "",
        "recorded_at": "2025-11-21T01:32:00.000Z",
    }
    assert b"li.wei" not in bodies(book)[1]


def test_a_recall_tells_reason_and_new_status() -> None:
    book = Book(":memory:")
    recall = RecallRaised(at_us=20_000_000, belt_um=0, seq=1, status_code="500", status_class=StatusClass.ORDERED)
    book.feed([started(), *passage(1, 0), recall, queued(1, MessageKind.RECALL, 20_000_000)])
    message = json.loads(bodies(book)[1])
    assert message["recall"] == {"reason": "STATUS_WORSENED", "status": {"code": "500", "class": "ORDERED"}}
    assert book.connection.execute("SELECT recalled FROM passage WHERE seq = 1").fetchone() == (1,)


@pytest.mark.parametrize(
    ("kind", "origin", "test_receivers", "state"),
    [
        (LaneKind.TWIN, Origin.SYNTHETIC, True, "waiting"),
        (LaneKind.TWIN, Origin.MACHINE, False, "refused"),
        (LaneKind.LIVE, Origin.MACHINE, False, "waiting"),
        (LaneKind.LIVE, Origin.SYNTHETIC, False, "refused"),
        (LaneKind.LIVE, Origin.TEST, False, "refused"),
    ],
)
def test_synthetic_messages_wait_for_test_receivers_only(
    kind: LaneKind, origin: Origin, test_receivers: bool, state: str
) -> None:
    book = Book(":memory:", kind=kind, test_receivers=test_receivers)
    book.feed([started(), *passage(1, 0, origin=origin)])
    assert book.connection.execute("SELECT state FROM outbox").fetchall() == [(state,)]


def test_dossiers_survive_a_restart_of_the_core(tmp_path: object) -> None:
    items = [started(), *passage(1, 0)]
    whole = Book(":memory:")
    whole.feed(items)
    split = Book(":memory:")
    split.feed(items[:6])
    split.projection = type(split.projection)(site=SITE, lane=LANE, kind=LaneKind.TWIN, speed=1, test_receivers=True)
    split.feed(items[6:])
    assert bodies(split) == bodies(whole)


def test_a_transaction_that_fails_leaves_no_message() -> None:
    book = Book(":memory:")
    book.feed([started()])

    def broken() -> object:
        yield from passage(1, 0)
        raise sqlite3.OperationalError("disk")

    with pytest.raises(sqlite3.OperationalError):
        book.feed(broken())  # type: ignore[arg-type]
    assert bodies(book) == []


def test_wall_times_of_a_fast_twin_are_wall_times() -> None:
    assert wall_of(12_000_000, (0, "2025-11-21T01:31:00.000Z", 6)) == "2025-11-21T01:31:02.000Z"
    assert wall_of(-1, (0, "2025-11-21T01:31:00.000Z", 6)) == ""
    assert wall_of(5, None) == ""
