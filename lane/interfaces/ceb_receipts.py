"""Receipts (CEB622, 624, 626) and applications to cancel or return a list (CEB623, 625)."""

import re
from collections.abc import Iterator

from lane.declarations.keys import time_digits
from lane.declarations.records import Item, Receipt
from lane.declarations.words import Reason, ReceiptKind
from lane.interfaces.ceb_parser import TWICE, Fields
from lane.interfaces.fields import key_text, reject

_INNER = re.compile(r"\[?\s*Code\s*[:：]\s*(-?\d{1,10})\s*[;；\]]", re.IGNORECASE)
STATUS_CODE = re.compile(r"-?\d{1,9}", re.ASCII)
_REASONS: tuple[tuple[Reason, tuple[str, ...]], ...] = (
    (Reason.CONSIGNEE_RECORD, ("收货人备案", "收货人信息异常", "收发货人", "备案异常", "未备案")),
    (Reason.ORDER_NOT_MATCHED, ("三单", "订单不存在", "订单信息不", "与订单", "未匹配", "支付单", "运单不存在")),
    (Reason.IDENTITY_CHECK, ("身份", "实名", "姓名", "证件")),
    (Reason.COUNTRY_MISMATCH, ("原产国", "启运国", "运抵国", "国别")),
    (Reason.DEPOSIT_OR_BALANCE, ("保证金", "担保", "余额", "额度不足")),
)
"""Words that sort a receipt's free text into a class (own choice); the text itself is dropped here."""
RETURNED = "100"
"""Only a return (100) or a negative code has a reason."""
NO_TIME = "0" * 17


def return_receipt(kind: ReceiptKind, head: Fields, position: int) -> Iterator[Item]:
    """One receipt of CEB622, or one answer of CEB624 or CEB626."""
    place = f"receipt {position}"
    code = head.get("returnStatus", "")
    at = time_digits(head.get("returnTime", ""))
    party = key_text(head.get("agentCode", "")), key_text(head.get("ebcCode", ""))
    keys = {name: key_text(head.get(name, "")) for name in ("invtNo", "preNo", "copNo")}
    if TWICE in head:
        yield reject(place, head[TWICE], "stated twice with different values")
    elif not STATUS_CODE.fullmatch(code):
        yield reject(place, "returnStatus", "expected a status code of digits, was absent or something else")
    elif not at:
        yield reject(place, "returnTime", "expected 17 digits, was absent or something else")
    elif not (keys["invtNo"] or keys["preNo"] or (keys["copNo"] and any(party))):
        yield reject(place, "invtNo", "expected invtNo, preNo or a company with its copNo, was none of them")
    else:
        info = head.get("returnInfo", "")
        inner = _INNER.search(info)
        yield Receipt(
            code=code,
            return_time=at,
            kind=kind,
            list_no=keys["invtNo"],
            pre_no=keys["preNo"],
            cop_no=keys["copNo"],
            agent_code=party[0],
            ebc_code=party[1],
            inner=inner[1] if inner else "",
            reason=reason_of(code, info),
        )


def application(kind: ReceiptKind, head: Fields, position: int) -> Iterator[Item]:
    """One application to cancel (CEB623) or return (CEB625) a list."""
    place = f"application {position}"
    keys = {name: key_text(head.get(name, "")) for name in ("invtNo", "preNo", "copNo", "logisticsNo", "logisticsCode")}
    if TWICE in head:
        yield reject(place, head[TWICE], "stated twice with different values")
    elif not any(keys.values()):
        yield reject(place, "invtNo", "expected a number of the list or its parcel, was none")
    else:
        yield Receipt(
            code="",
            return_time=time_digits(head.get("appTime", "")) or NO_TIME,
            kind=kind,
            list_no=keys["invtNo"],
            pre_no=keys["preNo"],
            cop_no=keys["copNo"],
            agent_code=key_text(head.get("agentCode", "")),
            ebc_code=key_text(head.get("ebcCode", "")),
            carrier=keys["logisticsCode"],
            waybill=keys["logisticsNo"],
        )


def reason_of(code: str, info: str) -> Reason:
    """Class of the reason in a receipt's free text (NONE unless the receipt returns or refuses the list)."""
    if code != RETURNED and not code.startswith("-"):
        return Reason.NONE
    for reason, words in _REASONS:
        if any(word in info for word in words):
            return reason
    return Reason.OTHER
