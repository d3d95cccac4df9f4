"""CEB messages: by local name, in any order, with reject and warn rules that never name a value."""

import base64
from collections.abc import Iterable
from contextlib import suppress

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from msgspec.structs import replace

from lane.declarations.records import (
    Declaration,
    DeclaredLine,
    Inbound,
    Item,
    OrderFacts,
    Problem,
    Receipt,
    WaybillFacts,
)
from lane.declarations.words import Flag, Reason, ReceiptKind
from lane.interfaces.ceb import read_ceb
from lane.interfaces.ceb_writer import write_ceb621, write_ceb622
from lane.interfaces.faults import FileRefusedError
from lane.model.declared import ParcelKey

HEAD = {
    "appType": "1", "appTime": "20251121090000", "appStatus": "2", "orderNo": "T-17", "ebpCode": "EBP",
    "ebcCode": "EBC", "logisticsNo": "t17 ", "logisticsCode": "4101986180", "copNo": "C17\t", "preNo": "B17",
    "emsNo": "EMS", "invtNo": "I17", "ieFlag": "I", "declTime": "20251121", "customsCode": "4601",
    "agentCode": "AGENT", "tradeMode": "1210", "country": "142", "packNo": "1", "grossWeight": "6.1",
    "netWeight": "5.4",
}  # fmt: skip
LINE = {
    "gnum": "1", "itemRecordNo": "9", "itemNo": "MP-900", "gcode": "1901101000", "gname": "奶粉", "gmodel": "900g/罐",
    "barCode": "无", "qty": "6", "unit": "122", "qty1": "5.40000", "unit1": "035",
}  # fmt: skip


def element(name: str, values: dict[str, str], prefix: str = "ceb:") -> str:
    inner = "".join(f"<{prefix}{key}>{text}</{prefix}{key}>" for key, text in values.items())
    return f"<{prefix}{name}>{inner}</{prefix}{name}>"


def inventory(head: dict[str, str], *lines: dict[str, str]) -> str:
    inner = element("InventoryHead", head) + "".join(element("InventoryList", line) for line in lines)
    return f"<ceb:Inventory>{inner}</ceb:Inventory>"


def message(kind: str, inner: str) -> bytes:
    return (
        f'<ceb:{kind} xmlns:ceb="http://www.chinaport.gov.cn/ceb" guid="G" version="1.0">{inner}</ceb:{kind}>'.encode()
    )


def lists(items: Iterable[Item]) -> list[Declaration]:
    return [item for item in items if isinstance(item, Declaration)]


def problems(items: Iterable[Item]) -> list[Problem]:
    return [item for item in items if isinstance(item, Problem)]


def test_a_list_is_read_field_by_field() -> None:
    (found,) = read_ceb(message("CEB621Message", inventory(HEAD, LINE)), "ab")
    line = DeclaredLine(
        line_no=1, sku="MP-900", name="奶粉", hs_code="1901101000", qty_e5=600_000, unit="122", legal_qty_e5=540_000,
        legal_unit="035", spec="900g/罐", item_record_no="9", bar_code="无",
    )  # fmt: skip
    assert found == Declaration(
        key=ParcelKey(carrier="4101986180", waybill="T17"), lines=(line,), list_no="I17", order_no="T-17", cop_no="C17",
        pre_no="B17", ems_no="EMS", agent_code="AGENT", ebc_code="EBC", ebp_code="EBP", customs_code="4601",
        trade_mode="1210", country="142", ie_flag="I", app_type="1", app_time="20251121090000", app_status="2",
        decl_time="20251121", gross_mg=6_100_000, net_mg=5_400_000, source_sha256="ab",
    )  # fmt: skip


def test_prefix_and_order_of_elements_do_not_matter() -> None:
    data = message("CEB621Message", inventory(HEAD, LINE))
    backwards = inventory(dict(reversed(HEAD.items())), dict(reversed(LINE.items())))
    straight = list(read_ceb(data))
    assert len(straight) == 1
    for other in (
        message("CEB621Message", backwards),
        data.replace(b"ceb:", b"").replace(b"xmlns:ceb", b"xmlns"),
        data.replace(b"ceb:", b"n1:").replace(b"xmlns:ceb", b"xmlns:n1"),
    ):
        assert list(read_ceb(other)) == straight


def test_what_the_writer_writes_is_read_back_as_it_was() -> None:
    (found,) = read_ceb(message("CEB621Message", inventory(HEAD, LINE)))
    assert isinstance(found, Declaration)
    other = replace(found, key=ParcelKey(carrier="C", waybill="T18"), list_no="I18")
    assert list(read_ceb(write_ceb621([found, other]))) == [found, other]
    receipt = Receipt(
        code="800", return_time="20251121093000001", list_no="I17", pre_no="B17", cop_no="C17", agent_code="AGENT",
        inner="2600",
    )  # fmt: skip
    assert list(read_ceb(write_ceb622([receipt]))) == [receipt]


def test_a_message_in_a_transport_envelope_is_opened() -> None:
    inner = base64.b64encode(message("CEB621Message", inventory(HEAD, LINE))).decode()
    envelope = f"<DxpMsg><TransInfo><CopMsgId>1</CopMsgId></TransInfo><Data>{inner}</Data></DxpMsg>".encode()
    assert len(lists(read_ceb(envelope))) == 1
    for bad in ("", "?!", base64.b64encode(envelope).decode()):
        with pytest.raises(FileRefusedError, match="Data"):
            list(read_ceb(f"<DxpMsg><Data>{bad}</Data></DxpMsg>".encode()))


@pytest.mark.parametrize(
    ("head", "lines", "field"),
    [
        ({"logisticsNo": ""}, [LINE], "logisticsNo"),
        ({"logisticsNo": "x" * 61}, [LINE], "logisticsNo"),
        ({"logisticsCode": " "}, [LINE], "logisticsCode"),
        ({}, [], "InventoryList"),
        ({}, [LINE, {**LINE, "gnum": ""}], "gnum"),
        ({}, [LINE, {**LINE, "gnum": "0"}], "gnum"),
        ({}, [LINE, LINE], "gnum"),
    ],
)
def test_only_a_missing_key_rejects_a_list_and_only_this_list(
    head: dict[str, str], lines: list[dict[str, str]], field: str
) -> None:
    sound = inventory({**HEAD, "logisticsNo": "T18"}, LINE)
    items = list(read_ceb(message("CEB621Message", sound + inventory({**HEAD, **head}, *lines) + sound)))
    (problem,) = problems(items)
    assert (problem.rejects, problem.field) == (True, field)
    assert problem.place.startswith("list 2")
    assert len([item for item in items if isinstance(item, Declaration)]) == 2


def test_a_key_stated_twice_with_different_values_rejects_the_list() -> None:
    twice = inventory(HEAD, LINE).replace(
        "</ceb:InventoryHead>", "<ceb:logisticsNo>T99</ceb:logisticsNo></ceb:InventoryHead>"
    )
    (problem,) = read_ceb(message("CEB621Message", twice))
    assert isinstance(problem, Problem)
    assert (problem.field, problem.rejects) == ("logisticsNo", True)


@pytest.mark.parametrize(
    ("head", "line", "flag", "on_line"),
    [
        ({"packNo": "6000"}, {}, Flag.PACK_NO, False),
        ({"packNo": ""}, {}, Flag.PACK_NO, False),
        ({"preNo": ""}, {}, Flag.PRE_NO_ABSENT, False),
        ({"emsNo": ""}, {}, Flag.EMS_NO_ABSENT, False),
        ({"invtNo": "", "preNo": "", "copNo": ""}, {}, Flag.NO_IDENTITY, False),
        ({"grossWeight": "12a"}, {}, Flag.OUT_OF_RANGE, False),
        ({}, {"gnum": "2"}, Flag.LINE_SEQUENCE, False),
        ({}, {"itemRecordNo": ""}, Flag.ITEM_RECORD_ABSENT, True),
        ({}, {"unit1": ""}, Flag.LEGAL_ABSENT, True),
        ({}, {"qty1": ""}, Flag.LEGAL_ABSENT, True),
        ({}, {"qty": ""}, Flag.UNUSABLE, True),
        ({}, {"unit": ""}, Flag.UNUSABLE, True),
        ({}, {"qty": "1000000001"}, Flag.UNUSABLE, True),
        ({}, {"gmodel": "x" * 600}, Flag.TEXT_CUT, True),
    ],
)
def test_a_broken_rule_is_a_warning_and_a_flag(
    head: dict[str, str], line: dict[str, str], flag: Flag, on_line: bool
) -> None:
    items = list(read_ceb(message("CEB621Message", inventory({**HEAD, **head}, {**LINE, **line}))))
    (found,) = lists(items)
    assert flag in (found.lines[0].flags if on_line else found.flags)
    assert not any(problem.rejects for problem in problems(items))
    assert problems(items) or flag is Flag.TEXT_CUT


def test_direct_trade_needs_no_account_book() -> None:
    items = list(read_ceb(message("CEB621Message", inventory({**HEAD, "tradeMode": "9610", "emsNo": ""}, LINE))))
    assert problems(items) == []


def test_an_element_inside_a_value_is_no_part_of_it() -> None:
    nested = inventory(HEAD, LINE).replace("T-17", "<ceb:buyerName>someone</ceb:buyerName>")
    (found,) = lists(read_ceb(message("CEB621Message", nested)))
    assert found.order_no == ""


RETURN = {
    "guid": "G", "customsCode": "4601", "agentCode": "AGENT", "ebcCode": "EBC", "copNo": "C17", "preNo": "B17",
    "invtNo": "I17", "returnStatus": "800", "returnTime": "20251121093000001", "returnInfo": "[Code:2600;Desc:放行]",
}  # fmt: skip


@pytest.mark.parametrize(
    ("kind", "wrapper", "expected"),
    [
        ("CEB622Message", "InventoryReturn", ReceiptKind.LIST),
        ("CEB624Message", "InvtCancelReturn", ReceiptKind.CANCEL),
        ("CEB626Message", "InvtRefundReturn", ReceiptKind.RETURN),
    ],
)
def test_receipts_are_read_without_their_text(kind: str, wrapper: str, expected: ReceiptKind) -> None:
    assert list(read_ceb(message(kind, element(wrapper, RETURN)))) == [
        Receipt(
            code="800",
            return_time="20251121093000001",
            kind=expected,
            list_no="I17",
            pre_no="B17",
            cop_no="C17",
            agent_code="AGENT",
            ebc_code="EBC",
            inner="2600",
        )
    ]


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"returnStatus": ""}, "returnStatus"),
        ({"returnStatus": "a name"}, "returnStatus"),
        ({"returnTime": ""}, "returnTime"),
        ({"returnTime": "tomorrow"}, "returnTime"),
        ({"invtNo": "", "preNo": "", "copNo": ""}, "invtNo"),
        ({"invtNo": "", "preNo": "", "agentCode": "", "ebcCode": ""}, "invtNo"),
    ],
)
def test_a_receipt_is_rejected_only_without_status_time_or_list(change: dict[str, str], field: str) -> None:
    inner = element("InventoryReturn", RETURN) + element("InventoryReturn", {**RETURN, **change})
    first, second = read_ceb(message("CEB622Message", inner))
    assert isinstance(first, Receipt)
    assert isinstance(second, Problem)
    assert (second.place, second.field, second.rejects) == ("receipt 2", field, True)


@pytest.mark.parametrize(
    ("code", "info", "reason"),
    [
        ("800", "[Code:2600;Desc:放行]", Reason.NONE),
        ("100", "[Code:1;Desc:收货人备案信息异常]", Reason.CONSIGNEE_RECORD),
        ("100", "[Code:1;Desc:三单对碰失败]", Reason.ORDER_NOT_MATCHED),
        ("-621030", "[Code:1;Desc:实名认证不通过]", Reason.IDENTITY_CHECK),
        ("100", "[Code:1;Desc:原产国不一致]", Reason.COUNTRY_MISMATCH),
        ("100", "[Code:1;Desc:保证金余额不足]", Reason.DEPOSIT_OR_BALANCE),
        ("100", "something else", Reason.OTHER),
    ],
)
def test_the_reason_of_a_return_is_kept_as_a_class(code: str, info: str, reason: Reason) -> None:
    inner = element("InventoryReturn", {**RETURN, "returnStatus": code, "returnInfo": info})
    (found,) = read_ceb(message("CEB622Message", inner))
    assert isinstance(found, Receipt)
    assert found.reason is reason


def test_applications_to_cancel_and_return_are_read() -> None:
    fields = {
        key: HEAD[key] for key in ("appTime", "logisticsNo", "logisticsCode", "copNo", "preNo", "invtNo", "agentCode")
    }
    cancel = message("CEB623Message", element("InvtCancel", fields))
    refund = element("InvtRefundHead", fields) + element("InvtRefundList", {"gnum": "1"})
    back = message("CEB625Message", f"<ceb:InvtRefund>{refund}</ceb:InvtRefund>")
    for data, kind in ((cancel, ReceiptKind.CANCEL_REQUEST), (back, ReceiptKind.RETURN_REQUEST)):
        assert list(read_ceb(data)) == [
            Receipt(
                code="",
                return_time="20251121090000000",
                kind=kind,
                list_no="I17",
                pre_no="B17",
                cop_no="C17",
                agent_code="AGENT",
                carrier="4101986180",
                waybill="T17",
            )
        ]


def test_orders_waybills_and_inbound_details_are_read() -> None:
    order = element("OrderHead", {"orderNo": "T-17", "ebpCode": "EBP", "buyerName": "x"})
    order += element("OrderList", {"gnum": "1", "qty": "6", "country": "116"})
    assert list(read_ceb(message("CEB311Message", f"<ceb:Order>{order}</ceb:Order>"))) == [
        OrderFacts(order_no="T-17", ebp_code="EBP", lines=((1, 600_000, "116"),))
    ]
    way = element("LogisticsHead", {"logisticsNo": "t17", "logisticsCode": "C", "orderNo": "T-17", "consignee": "x"})
    assert list(read_ceb(message("CEB511Message", f"<ceb:Logistics>{way}</ceb:Logistics>"))) == [
        WaybillFacts(carrier="C", waybill="T17", order_no="T-17")
    ]
    inbound = element("DeliveryHead", {"logisticsCode": "C", "billNo": "B1"})
    inbound += element("DeliveryList", {"gnum": "1", "logisticsNo": "T17"}) + element("DeliveryList", {"gnum": "2"})
    found, problem = read_ceb(message("CEB711Message", f"<ceb:Delivery>{inbound}</ceb:Delivery>"))
    assert found == Inbound(carrier="C", waybill="T17", bill_no="B1", line_no=1)
    assert isinstance(problem, Problem)
    assert problem.field == "logisticsNo"


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"<!DOCTYPE x [<!ENTITY a 'b'>]><CEB621Message/>", "DOCTYPE"),
        (message("CEB621Message", inventory(HEAD, LINE))[:-200], "no well-formed XML: line"),
        (message("CEB621Message", ""), "at least one record"),
        (b"<other/>", "root element"),
        (b"<CEB621Message>" + b"<a>" * 20 + b"</a>" * 20 + b"</CEB621Message>", "16 levels"),
        (b"<CEB621Message>" + b"".join(b"<a%d/>" % n for n in range(3_000)) + b"</CEB621Message>", "different names"),
        ("<CEB621Message>奶</CEB621Message>".encode("gb18030"), "well-formed"),
        (b'<?xml version="1.0" encoding="GB18030"?><CEB621Message/>', "encoding"),
        (b'<?xml version="1.0" encoding="nonsense"?><CEB621Message/>', "encoding"),
        (b"\x00\x01\x02", "well-formed"),
        (b"", "well-formed"),
    ],
)
def test_what_is_no_message_is_refused_with_its_place(data: bytes, words: str) -> None:
    with pytest.raises(FileRefusedError, match=words):
        list(read_ceb(data))


@settings(derandomize=True, max_examples=200)
@given(st.binary(max_size=300), st.integers(0, 1500))
def test_random_bytes_are_refused_or_read_but_never_crash(noise: bytes, place: int) -> None:
    sound = message("CEB621Message", inventory(HEAD, LINE))
    for data in (noise, sound[:place] + noise + sound[place + len(noise) :]):
        with suppress(FileRefusedError):
            for item in read_ceb(data):
                assert isinstance(item, Declaration | Problem)


def test_records_on_both_sides_of_a_read_chunk_are_kept() -> None:
    many = "".join(inventory({**HEAD, "logisticsNo": f"T{n}"}, LINE) for n in range(400))
    assert len(lists(read_ceb(message("CEB621Message", many)))) == 400
