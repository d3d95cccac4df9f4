"""Writes CEB621 lists and CEB622 receipts in the official format, for simulations and tests.

Everything that the records do not hold (buyer, prices, names of companies) is filled with obviously synthetic text.
The signature is a placeholder: it has the right shape and proves nothing. Element order and lengths follow the XML
schema of the message specification, edition 202205.
"""

import uuid
from collections.abc import Iterable
from typing import TypeVar
from xml.sax.saxutils import escape

from lane.declarations.keys import unscaled
from lane.declarations.records import Declaration, DeclaredLine, Receipt

NAMESPACE = "http://www.chinaport.gov.cn/ceb"
LISTS_PER_MESSAGE_MAX = 100
"""The schema allows 100 lists or receipts in one message."""
_T = TypeVar("_T")
_SPACE = uuid.UUID("6f1f3a52-6a3c-4a6e-9d3a-5b1e6c0f2d11")
_ROOT = (
    f'<ceb:{{kind}} xmlns:ceb="{NAMESPACE}" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
    'guid="{guid}" version="1.0">\n'
)
_SIGNATURE = (
    '<ds:Signature xmlns:ds="http://www.w3.org/2000/09/xmldsig#"><ds:SignedInfo>'
    '<ds:CanonicalizationMethod Algorithm="http://www.w3.org/TR/2001/REC-xml-c14n-20010315"/>'
    '<ds:SignatureMethod Algorithm="urn:synthetic:no-signature"/><ds:Reference URI="">'
    '<ds:DigestMethod Algorithm="urn:synthetic:no-digest"/><ds:DigestValue>AAAA</ds:DigestValue>'
    "</ds:Reference></ds:SignedInfo><ds:SignatureValue>AAAA</ds:SignatureValue></ds:Signature>\n"
)


def write_ceb621(lists: Iterable[Declaration], *, personal_marker: str = "") -> bytes:
    """A CEB621 message with these lists (1..100). Raises ``ValueError`` for none or too many.

    Kilograms have five decimals, so masses are rounded to 10 mg. ``personal_marker`` (at most 30 characters) is
    written into every personal field, note and company name, so that a test can search what kept it.
    """
    chosen = _bounded(lists)
    marker = personal_marker or "SYNTHETIC"
    parts = [_ROOT.format(kind="CEB621Message", guid=_guid("621", *(item.key.waybill for item in chosen)))]
    for declaration in chosen:
        parts.append("<ceb:Inventory>\n")
        parts.append(_container("InventoryHead", _head(declaration, marker, bool(personal_marker))))
        parts.extend(
            _container("InventoryList", _line(line, marker if personal_marker else "")) for line in declaration.lines
        )
        parts.append("</ceb:Inventory>\n")
    transfer = [("copCode", "SYNTHETIC"), ("copName", marker), ("dxpMode", "DXP"), ("dxpId", "DXPSYNTHETIC")]
    parts.append(_container("BaseTransfer", [*transfer, ("note", marker if personal_marker else "")]))
    parts.append(_SIGNATURE)
    parts.append("</ceb:CEB621Message>\n")
    return _document(parts)


def write_ceb622(receipts: Iterable[Receipt], *, personal_marker: str = "") -> bytes:
    """A CEB622 message with these receipts (1..100). Raises ``ValueError`` for none or too many.

    The marker, when given, stands in the free text of every receipt.
    """
    chosen = _bounded(receipts)
    parts = [_ROOT.format(kind="CEB622Message", guid=_guid("622", *(item.return_time for item in chosen)))]
    for number, receipt in enumerate(chosen, start=1):
        text = f"[Code:{receipt.inner or 0};Desc:{personal_marker or 'synthetic receipt'}]"
        values = [
            ("guid", _guid("receipt", receipt.cop_no, receipt.return_time, str(number))),
            ("customsCode", "4601"),
            ("ebpCode", ""),
            ("ebcCode", receipt.ebc_code),
            ("agentCode", receipt.agent_code),
            ("copNo", receipt.cop_no or "SYNTHETIC"),
            ("preNo", receipt.pre_no or f"B{receipt.return_time[:17]:0>17}"),
            ("invtNo", receipt.list_no),
            ("returnStatus", receipt.code),
            ("returnTime", receipt.return_time),
            ("returnInfo", text),
        ]
        parts.append(_container("InventoryReturn", values))
    parts.append("</ceb:CEB622Message>\n")
    return _document(parts)


def _bounded(items: Iterable[_T]) -> list[_T]:
    chosen = list(items)
    if not 1 <= len(chosen) <= LISTS_PER_MESSAGE_MAX:
        raise ValueError(f"a message holds 1 to {LISTS_PER_MESSAGE_MAX} entries, was given {len(chosen)}")
    return chosen


def _document(parts: list[str]) -> bytes:
    return ('<?xml version="1.0" encoding="UTF-8"?>\n' + "".join(parts)).encode()


def _guid(*words: str) -> str:
    """A GUID that depends on the words only: the same records give the same bytes."""
    return str(uuid.uuid5(_SPACE, "/".join(words))).upper()


def _container(name: str, values: list[tuple[str, str]]) -> str:
    """One element with its children; empty children are left out (empty means absent)."""
    inner = "".join(f"<ceb:{tag}>{escape(text)}</ceb:{tag}>" for tag, text in values if text)
    return f"<ceb:{name}>{inner}</ceb:{name}>\n"


def _head(declaration: Declaration, marker: str, marked: bool) -> list[tuple[str, str]]:
    d = declaration
    note = marker if marked else ""
    return [
        ("guid", _guid("list", d.key.carrier, d.key.waybill, d.app_time)),
        ("appType", d.app_type or "1"),
        ("appTime", (d.app_time or "20251121000000")[:14]),
        ("appStatus", d.app_status or "2"),
        ("orderNo", d.order_no or "SYNTHETIC"),
        ("ebpCode", d.ebp_code or "SYNTHETIC"),
        ("ebpName", marker),
        ("ebcCode", d.ebc_code or "SYNTHETIC"),
        ("ebcName", marker),
        ("logisticsNo", d.key.waybill),
        ("logisticsCode", d.key.carrier),
        ("logisticsName", marker),
        ("copNo", d.cop_no),
        ("preNo", d.pre_no),
        ("assureCode", marker),
        ("emsNo", d.ems_no),
        ("invtNo", d.list_no),
        ("ieFlag", d.ie_flag or "I"),
        ("declTime", (d.decl_time or d.app_time or "20251121")[:8]),
        ("customsCode", d.customs_code or "4601"),
        ("portCode", "4601"),
        ("buyerIdType", "1"),
        ("buyerIdNumber", marker),
        ("buyerName", marker),
        ("buyerTelephone", marker),
        ("consigneeAddress", marker),
        ("agentCode", d.agent_code or "SYNTHETIC"),
        ("agentName", marker),
        ("areaName", note),
        ("tradeMode", d.trade_mode or "1210"),
        ("trafMode", "Y"),
        ("loctNo", d.loct_no),
        ("country", d.country or "142"),
        ("freight", "0"),
        ("insuredFee", "0"),
        ("currency", "142"),
        ("packNo", "1"),
        ("grossWeight", _kg(d.gross_mg)),
        ("netWeight", _kg(d.net_mg)),
        ("note", note),
    ]


def _line(line: DeclaredLine, note: str) -> list[tuple[str, str]]:
    return [
        ("gnum", str(line.line_no)),
        ("itemRecordNo", line.item_record_no),
        ("itemNo", line.sku),
        ("itemName", note),
        ("gcode", line.hs_code or "0000000000"),
        ("gname", line.name or "SYNTHETIC"),
        ("gmodel", line.spec or "-"),
        ("barCode", line.bar_code),
        ("country", "142"),
        ("currency", "142"),
        ("qty", unscaled(line.qty_e5, 5)),
        ("unit", line.unit),
        ("qty1", unscaled(line.legal_qty_e5, 5)),
        ("unit1", line.legal_unit),
        ("qty2", unscaled(line.second_qty_e5, 5)),
        ("unit2", line.second_unit),
        ("price", "1"),
        ("totalPrice", "1"),
        ("note", note),
    ]


def _kg(mass_mg: int) -> str:
    return unscaled((mass_mg + 5) // 10, 5) if mass_mg >= 0 else ""
