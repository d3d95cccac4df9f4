"""What the store answers for a waybill: one list, several, none; statuses, freshness, releases, changes."""

import itertools
import sqlite3
from pathlib import Path

import pytest
from msgspec.structs import replace

from lane.declarations import writer as writer_module
from lane.declarations.answer import Verdict
from lane.declarations.records import Declaration, DeclaredLine, Inbound, OrderFacts, Receipt, Record, WaybillFacts
from lane.declarations.schema import StoreError
from lane.declarations.store import DeclarationStore
from lane.declarations.words import Flag, ReceiptKind
from lane.inputs import DeclarationAnswer
from lane.model.declared import ParcelKey
from lane.model.grounds import Ground
from lane.model.words import StatusClass

NOW = 1_763_000_000
DAY = 24 * 3600
LINE = DeclaredLine(
    line_no=1, sku="MP-900", name="milk powder", qty_e5=600_000, unit="122", legal_qty_e5=540_000, legal_unit="035"
)


def a_list(waybill: str = "T1", carrier: str = "C1", **more: object) -> Declaration:
    values: dict[str, object] = {
        "list_no": f"L-{waybill}", "cop_no": f"P-{waybill}", "agent_code": "A1", "app_time": "20251121080000",
        "app_status": "2", "app_type": "1", "net_mg": 5_400_000, "gross_mg": 6_100_000, "lines": (LINE,),
    }  # fmt: skip
    return Declaration(key=ParcelKey(carrier=carrier, waybill=waybill), **{**values, **more})  # type: ignore[arg-type]


def a_receipt(code: str, waybill: str = "T1", at: str = "1", **more: object) -> Receipt:
    values: dict[str, object] = {"list_no": f"L-{waybill}", "cop_no": f"P-{waybill}", "agent_code": "A1", **more}
    return Receipt(code=code, return_time=f"2025112109{at:0>7}", **values)  # type: ignore[arg-type]


@pytest.fixture
def store(tmp_path: Path) -> DeclarationStore:
    return DeclarationStore.open(tmp_path)


_numbers = itertools.count(1)


def put(store: DeclarationStore, *records: Record, now: int = NOW) -> None:
    writer = store.writer()
    with writer.file(next(_numbers).to_bytes(32, "big"), "test", 1, now):
        for record in records:
            writer.add(record)
    writer.commit()


def ask(store: DeclarationStore, code: str = "T1", seq: int = 1, now: int = NOW) -> DeclarationAnswer:
    return store.answer(seq, code, at_us=5, belt_um=7, now_wall=now)


def test_a_released_list_is_answered_with_everything_the_core_needs(store: DeclarationStore) -> None:
    put(store, a_list(order_no="T-17", ebc_code="E1"), a_receipt("800", inner="2600"))
    answer = ask(store, " t1\r")
    assert (answer.at_us, answer.belt_um, answer.seq, answer.found) == (5, 7, 1, True)
    assert (answer.carrier, answer.waybill, answer.list_no, answer.order_no) == ("C1", "T1", "L-T1", "T-17")
    assert (answer.status_code, answer.status_class, answer.declarant) == ("800", StatusClass.RELEASED, "A1")
    assert (answer.grounds, answer.flags, answer.precheck) == ((), (), "NOT_CHECKED")
    assert [(i.count_lo, i.count_hi, i.unit_mg, i.flags) for i in answer.items] == [(6, 6, 900_000, ())]
    assert len(answer.version) == 64


def test_an_unknown_waybill_is_not_found(store: DeclarationStore) -> None:
    for code in ("T9", "", "x" * 99):
        assert not ask(store, code).found


def test_a_list_without_receipt_is_unknown_and_a_stored_one_pending(store: DeclarationStore) -> None:
    put(store, a_list(), a_list("T2", app_status="1"))
    assert (ask(store).status_class, ask(store).grounds) == (StatusClass.UNKNOWN, ())
    assert (ask(store, "T2").status_class, ask(store, "T2").status_code) == (StatusClass.PENDING, "1")


def test_two_carriers_of_one_number_are_ambiguous(store: DeclarationStore) -> None:
    put(store, a_list(), a_list(carrier="C2", list_no="L-other"), a_receipt("800"))
    answer = ask(store)
    assert (answer.found, answer.carrier, answer.items) == (True, "", ())
    assert (answer.status_class, answer.grounds) == (StatusClass.UNKNOWN, (Ground.CARRIER_AMBIGUOUS,))


def test_two_live_lists_of_one_key_conflict(store: DeclarationStore) -> None:
    put(store, a_list(), a_list(list_no="L-other", cop_no="P-other"), a_receipt("800"))
    assert Ground.DECLARATION_CONFLICT in ask(store).grounds


def test_a_list_that_customs_returned_leaves_its_parcel_to_the_next_one(store: DeclarationStore) -> None:
    put(store, a_list(list_no="L-old", cop_no="P-old"), a_receipt("100", list_no="L-old", cop_no="P-old"))
    assert ask(store).status_class is StatusClass.REJECTED
    put(store, a_list(list_no="L-new", cop_no="P-new"), a_receipt("800", list_no="L-new", cop_no="P-new"))
    answer = ask(store)
    assert (answer.list_no, answer.status_class, answer.grounds) == ("L-new", StatusClass.RELEASED, ())


def test_a_change_is_a_new_version_by_its_time_whatever_the_order(store: DeclarationStore) -> None:
    second = a_list(app_time="20251121090000", app_type="2", gross_mg=7)
    put(store, second)
    put(store, a_list())
    assert ask(store).gross_mg == 7
    assert store.lists_of("T1", NOW)[0].versions == 2


def test_a_list_that_learns_its_numbers_stays_one_list(store: DeclarationStore) -> None:
    put(store, a_list(list_no=""), a_list(app_time="20251121090000", pre_no="B1"), a_receipt("800"))
    assert (ask(store).grounds, ask(store).status_code) == ((), "800")


def test_a_deleted_list_is_withdrawn(store: DeclarationStore) -> None:
    put(store, a_list(), a_receipt("800"), a_list(app_time="20251121090000", app_type="3"))
    assert (ask(store).status_class, ask(store).grounds) == (StatusClass.REJECTED, (Ground.LIST_WITHDRAWN,))


def test_an_application_to_cancel_withdraws_the_list_and_its_refusal_restores_it(store: DeclarationStore) -> None:
    put(store, a_list(), a_receipt("800"))
    applied = Receipt(
        code="", return_time="20251121100000000", kind=ReceiptKind.CANCEL_REQUEST, list_no="L-T1", cop_no="X1",
        agent_code="A1", carrier="C1", waybill="T1",
    )  # fmt: skip
    put(store, applied)
    assert (ask(store).status_class, ask(store).grounds) == (StatusClass.REJECTED, (Ground.LIST_WITHDRAWN,))
    answer = replace(
        applied, kind=ReceiptKind.CANCEL, code="100", return_time="20251121110000000", carrier="", waybill=""
    )
    put(store, replace(answer, list_no="", pre_no="B-X1"))
    assert (ask(store).status_class, ask(store).grounds) == (StatusClass.RELEASED, ())


def test_receipts_find_their_list_by_each_of_its_numbers(store: DeclarationStore) -> None:
    put(store, a_list(list_no="", pre_no="B1"), a_receipt("800", list_no="", pre_no="B1", cop_no="", agent_code=""))
    assert ask(store).status_code == "800"
    put(store, a_list("T2", list_no=""), a_receipt("800", "T2", list_no=""))
    assert ask(store, "T2").status_code == "800"
    put(
        store, a_list("T3", list_no="", ebc_code="E1"), a_receipt("800", "T3", list_no="", agent_code="", ebc_code="E1")
    )
    assert ask(store, "T3").status_code == "800"


def test_the_same_own_number_of_another_company_is_another_list(store: DeclarationStore) -> None:
    put(store, a_list(list_no=""), a_receipt("800", list_no="", agent_code="A2"))
    assert ask(store).status_code == ""


def test_receipts_that_contradict_the_list_number_do_not_reach_it(store: DeclarationStore) -> None:
    put(store, a_list(), a_receipt("800", list_no="L-other"))
    assert ask(store).status_code == ""


def test_receipts_wait_for_their_list(store: DeclarationStore) -> None:
    put(store, a_receipt("800"))
    assert store.stats().waiting == 1
    put(store, a_list())
    assert (store.stats().waiting, ask(store).status_code) == (0, "800")


def test_waiting_receipts_are_bounded_in_number_and_time(
    store: DeclarationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer_module, "WAITING_MAX", 3)
    put(store, *(a_receipt("800", f"W{n}", at=str(n)) for n in (5, 1, 4, 2, 3)))
    assert store.stats().waiting == 3
    put(store, a_list("W1"), a_list("W5"))
    assert (ask(store, "W1").status_code, ask(store, "W5").status_code) == ("", "800")
    put(store, a_receipt("800", "late"), now=NOW + 31 * DAY)
    assert store.stats().waiting == 1


def test_a_silent_feed_makes_its_statuses_stale_and_a_heartbeat_cures_it(store: DeclarationStore) -> None:
    put(store, a_list(), a_receipt("800"))
    later = NOW + 601
    assert ask(store, now=NOW + 600).grounds == ()
    assert (ask(store, now=later).status_class, ask(store, now=later).grounds) == (
        StatusClass.UNKNOWN,
        (Ground.STATUS_STALE,),
    )
    store.heartbeat("csv", later)
    assert ask(store, now=later).grounds == (Ground.STATUS_STALE,)
    store.heartbeat("ceb", later)
    assert ask(store, now=later).status_class is StatusClass.RELEASED


def test_a_feed_heard_in_the_future_is_not_fresh(store: DeclarationStore) -> None:
    put(store, a_list(), a_receipt("800"))
    assert ask(store, now=NOW - 700).grounds == (Ground.STATUS_STALE,)


def test_a_key_released_before_is_a_duplicate_inside_its_window(store: DeclarationStore) -> None:
    put(store, a_list(), a_receipt("800"))
    store.mark_released("c1", "t1", 1, NOW)
    assert ask(store, seq=1).grounds == ()
    assert ask(store, seq=2).grounds == (Ground.DUPLICATE_WAYBILL,)
    later = NOW + 200 * DAY
    put(store, a_list(app_time="20260601000000"), now=later)
    assert Ground.DUPLICATE_WAYBILL not in ask(store, seq=2, now=later).grounds


def test_a_list_outside_its_key_window_belongs_to_another_parcel(store: DeclarationStore) -> None:
    put(store, a_list(), a_list("CA123456785CN", "UPU-CN"))
    later = NOW + 184 * DAY
    assert not ask(store, now=later).found
    assert ask(store, "CA123456785CN", now=later).found


def test_unusable_lines_make_the_declaration_unusable(store: DeclarationStore) -> None:
    put(store, a_list(lines=(LINE, replace(LINE, line_no=2, qty_e5=-1, flags=(Flag.UNUSABLE,)))))
    assert ask(store).grounds == (Ground.DECLARATION_UNUSABLE,)


def test_flags_of_list_status_and_weight_are_told(store: DeclarationStore) -> None:
    put(store, a_list(net_mg=9_000_000, flags=(Flag.PACK_NO,)), a_receipt("800"), a_receipt("500"))
    answer = ask(store)
    assert (answer.flags, answer.status_code) == (("PACK_NO", "RECEIPT_TIE", "NET_SUM"), "500")


def test_the_pre_check_compares_order_waybill_and_list(store: DeclarationStore) -> None:
    order = OrderFacts(order_no="T-17", ebp_code="EBP", lines=((1, 600_000, "116"),))
    put(store, a_list(order_no="T-17", ebp_code="EBP"), order)
    assert ask(store).precheck == "NOT_CHECKED"
    put(store, WaybillFacts(carrier="C1", waybill="T1", order_no="T-17"))
    assert ask(store).precheck == "AGREES"
    put(store, a_list("T2", order_no="T-18"), replace(order, order_no="T-18", lines=((1, 500_000, "116"),)))
    put(store, WaybillFacts(carrier="C1", waybill="T2", order_no="T-18"))
    assert (ask(store, "T2").precheck, ask(store, "T2").grounds) == ("DIFFERS", ())


def test_inbound_numbers_are_kept(store: DeclarationStore) -> None:
    put(store, Inbound(carrier="C1", waybill="T1", bill_no="B9", line_no=4))
    assert store.inbound_of("t1") == [("C1", "B9", 4)]


def test_changes_are_told_once(store: DeclarationStore, tmp_path: Path) -> None:
    put(store, a_list(), a_receipt("800"))
    answer = ask(store, seq=4)
    pinned = {4: (answer.carrier, answer.waybill, answer.version, answer.status_code)}
    other = DeclarationStore.open(tmp_path)
    before = store.data_version()
    assert store.changes(pinned, now_wall=NOW) == []
    put(other, a_receipt("500", at="2"))
    assert store.data_version() != before
    (change,) = store.changes(pinned, at_us=9, belt_um=8, now_wall=NOW)
    assert (change.seq, change.at_us, change.status_code, change.status_class) == (4, 9, "500", StatusClass.ORDERED)
    assert store.changes(pinned, now_wall=NOW) == []
    put(other, a_list(app_time="20251121090000", gross_mg=5))
    (change,) = store.changes(pinned, now_wall=NOW)
    assert change.version != answer.version
    (stale,) = store.changes(pinned, now_wall=NOW + 700)
    assert (stale.status_class, stale.grounds) == (StatusClass.UNKNOWN, (Ground.STATUS_STALE,))


def test_a_restarted_lane_is_told_what_differs_from_its_pins_only(store: DeclarationStore, tmp_path: Path) -> None:
    put(store, a_list(), a_receipt("800"), a_list("T2"))
    answer = ask(store)
    pinned = {
        1: ("C1", "T1", answer.version, "800"),
        2: ("C1", "T2", ask(store, "T2").version, ""),
        3: ("", "T9", "", ""),
    }
    restarted = DeclarationStore.open(tmp_path)
    assert restarted.changes(pinned, now_wall=NOW) == []
    assert [c.seq for c in restarted.changes({1: ("C1", "T1", answer.version, "120")}, now_wall=NOW)] == [1]


def test_reading_needs_a_store_that_is_there(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="import some first"):
        DeclarationStore.open(tmp_path / "nothing", readonly=True)
    (tmp_path / "declarations.db").write_bytes(b"this is no database, whatever its name says")
    with pytest.raises(StoreError, match=r"declarations\.db"):
        DeclarationStore.open(tmp_path)


def test_a_reader_neither_writes_nor_marks(store: DeclarationStore, tmp_path: Path) -> None:
    put(store, a_list())
    reader = DeclarationStore.open(tmp_path, readonly=True)
    assert ask(reader).found
    with pytest.raises(Exception, match="readonly"):
        reader.mark_released("C1", "T1", 1, NOW)


def test_reading_does_not_wait_for_an_import(store: DeclarationStore, tmp_path: Path) -> None:
    put(store, a_list())
    other = DeclarationStore.open(tmp_path)
    writer = other.writer()
    with writer.file(b"x" * 32, "open", 1, NOW):
        writer.add(a_list("T2"))
        assert ask(store).found
        store.mark_released("C1", "T1", 1, NOW)
    writer.commit()
    assert ask(store, "T2").found


@pytest.mark.parametrize("order", list(itertools.permutations(range(4)))[::5])
def test_the_store_is_the_same_whatever_the_order_and_repeats(tmp_path: Path, order: tuple[int, ...]) -> None:
    records: list[Record] = [a_list(), a_receipt("800", at="3"), a_receipt("120", at="1"), a_receipt("500", at="3")]
    straight, mixed = DeclarationStore.open(tmp_path / "a"), DeclarationStore.open(tmp_path / "b")
    put(straight, *records)
    for index in (*order, *order):
        put(mixed, records[index])
    assert ask(straight) == ask(mixed)
    assert _content(straight) == _content(mixed)


def _content(store: DeclarationStore) -> list[list[tuple[object, ...]]]:
    queries = ("SELECT waybill, mark, body FROM list", "SELECT ident, body FROM receipt", "SELECT * FROM waiting",
               "SELECT * FROM list_key")  # fmt: skip
    return [sorted(store._lists.execute(query).fetchall()) for query in queries]


def test_a_change_found_before_the_store_fails_is_told_when_it_can_be_read_again(
    store: DeclarationStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    put(store, a_list("T1"), a_list("T2"), a_receipt("800", "T1"), a_receipt("800", "T2"))
    answers = [ask(store, "T1", 1), ask(store, "T2", 2)]
    pinned = {item.seq: (item.carrier, item.waybill, item.version, item.status_code) for item in answers}
    put(store, a_receipt("600", "T1", at="2"))
    judge = store._judge

    def fail(waybill: str, now_wall: float) -> Verdict:
        if waybill == "T2":
            raise sqlite3.DatabaseError("database disk image is malformed")
        return judge(waybill, now_wall)

    with monkeypatch.context() as broken:
        broken.setattr(store, "_judge", fail)
        with pytest.raises(sqlite3.DatabaseError):
            store.changes(pinned, now_wall=NOW)
    (change,) = store.changes(pinned, now_wall=NOW)
    assert (change.seq, change.status_code) == (1, "600")
