"""CEB messages (311, 511, 621 to 626, 711) as records. One bad record rejects itself, not its message."""

import base64
import binascii
from collections.abc import Callable, Iterator

from lane.declarations.records import (
    LINES_MAX,
    Declaration,
    DeclaredLine,
    Inbound,
    Item,
    OrderFacts,
    Problem,
    WaybillFacts,
)
from lane.declarations.words import Flag, ReceiptKind
from lane.interfaces.ceb_fields import Wrapper
from lane.interfaces.ceb_parser import TWICE, CebReader, Fields
from lane.interfaces.ceb_receipts import application, return_receipt
from lane.interfaces.faults import FILE_BYTES_MAX, FileRefusedError
from lane.interfaces.fields import key_text, mass, positive, quantity, reject, text, warn
from lane.model.declared import ParcelKey

BONDED = frozenset({"1210", "1239"})
"""Trade modes of goods that leave a bonded warehouse."""
Builder = Callable[[Fields, list[Fields], int, str], Iterator[Item]]


def read_ceb(data: bytes, source_sha256: str = "") -> Iterator[Item]:
    """Records and problems of one CEB message or envelope, in file order. Raises ``FileRefusedError``."""
    reader = CebReader()
    position = 0
    for head, lines in reader.records(data):
        assert reader.shape is not None
        position += 1
        yield from _BUILDERS[reader.shape.wrapper](head, lines, position, source_sha256)
    if reader.envelope is not None:
        yield from read_ceb(_open_envelope(reader.envelope), source_sha256)
    elif not position:
        raise FileRefusedError(f"{reader.root}: expected at least one record, there is none")


def _open_envelope(texts: list[str]) -> bytes:
    """The business message inside a transport envelope. An envelope inside an envelope is refused."""
    try:
        data = base64.b64decode("".join("".join(texts).split()), validate=True)
    except (binascii.Error, ValueError):
        data = b""
    if not data:
        raise FileRefusedError("DxpMsg: Data: expected a base64 message, there is none")
    if len(data) > FILE_BYTES_MAX or b"DxpMsg" in data[:2_000]:
        raise FileRefusedError("DxpMsg: Data: expected one business message, was something else")
    return data


def _list(head: Fields, raw_lines: list[Fields], position: int, source_sha256: str) -> Iterator[Item]:
    """One Inventory of CEB621."""
    place = f"list {position}"
    refusal = _list_refusal(head, raw_lines, place)
    if refusal:
        yield refusal
        return
    notes: list[Problem] = []
    flags: list[str] = []
    key = ParcelKey(carrier=key_text(head["logisticsCode"]), waybill=key_text(head["logisticsNo"]))
    trade_mode = text(head, "tradeMode", flags)
    bonded = trade_mode in BONDED
    lines = tuple(_line(raw, bonded, f"{place}, line {n}", notes) for n, raw in enumerate(raw_lines, 1))
    gross_mg = mass(head.get("grossWeight", ""), "grossWeight", place, flags, notes)
    net_mg = mass(head.get("netWeight", ""), "netWeight", place, flags, notes)
    declaration = Declaration(
        key=key,
        lines=lines,
        list_no=key_text(head.get("invtNo", "")),
        order_no=text(head, "orderNo", flags),
        cop_no=key_text(head.get("copNo", "")),
        pre_no=key_text(head.get("preNo", "")),
        ems_no=text(head, "emsNo", flags),
        agent_code=key_text(head.get("agentCode", "")),
        ebc_code=key_text(head.get("ebcCode", "")),
        ebp_code=text(head, "ebpCode", flags),
        customs_code=text(head, "customsCode", flags),
        trade_mode=trade_mode,
        country=text(head, "country", flags),
        loct_no=text(head, "loctNo", flags),
        ie_flag=text(head, "ieFlag", flags),
        app_type=text(head, "appType", flags),
        app_time=_digits(head.get("appTime", ""), 14),
        app_status=text(head, "appStatus", flags),
        decl_time=_digits(head.get("declTime", ""), 8),
        gross_mg=gross_mg,
        net_mg=net_mg,
        flags=(*flags, *_quality(head, raw_lines, bonded, place, notes)),
        source_sha256=source_sha256,
    )
    yield from notes
    yield declaration


def _list_refusal(head: Fields, lines: list[Fields], place: str) -> Problem | None:
    """Why this list can't be kept (None: it can): only a missing key rejects a list."""
    for name in ("logisticsNo", "logisticsCode"):
        if not key_text(head.get(name, "")):
            return reject(place, name, "expected 1 to 60 characters, was absent or longer")
    if TWICE in head:
        return reject(place, head[TWICE], "stated twice with different values")
    if not lines:
        return reject(place, "InventoryList", "expected at least one line, there is none")
    if len(lines) > LINES_MAX:
        return reject(place, "InventoryList", f"expected at most {LINES_MAX} lines, there are {len(lines)}")
    seen: set[int] = set()
    for index, line in enumerate(lines, start=1):
        line_no = positive(line.get("gnum", ""))
        if not line_no or line_no in seen:
            expectation = "expected a number from 1, once per list"
            return reject(f"{place}, line {index}", "gnum", f"{expectation}, was {'repeated' if line_no else 'none'}")
        if TWICE in line:
            return reject(f"{place}, line {index}", line[TWICE], "stated twice with different values")
        seen.add(line_no)
    return None


def _line(raw: Fields, bonded: bool, place: str, notes: list[Problem]) -> DeclaredLine:
    flags: list[str] = []
    unit = text(raw, "unit", flags)
    qty_e5 = quantity(raw.get("qty", ""), "qty", place, flags, notes)
    if qty_e5 <= 0 or not unit:
        flags.append(Flag.UNUSABLE)
        notes.append(warn(place, "unit" if qty_e5 > 0 else "qty", "mandatory, was absent or out of range"))
    legal_unit = text(raw, "unit1", flags)
    legal_qty_e5 = quantity(raw.get("qty1", ""), "qty1", place, flags, notes)
    if legal_qty_e5 < 0 or not legal_unit:
        flags.append(Flag.LEGAL_ABSENT)
        notes.append(warn(place, "unit1" if legal_qty_e5 >= 0 else "qty1", "expected a legal quantity and unit"))
    record_no = text(raw, "itemRecordNo", flags)
    if bonded and not record_no:
        flags.append(Flag.ITEM_RECORD_ABSENT)
        notes.append(warn(place, "itemRecordNo", "mandatory for bonded goods, was absent"))
    return DeclaredLine(
        line_no=positive(raw["gnum"]),
        sku=text(raw, "itemNo", flags) or record_no,
        name=text(raw, "gname", flags) or text(raw, "itemName", flags),
        hs_code=text(raw, "gcode", flags),
        qty_e5=qty_e5,
        unit=unit,
        legal_qty_e5=legal_qty_e5,
        legal_unit=legal_unit,
        second_qty_e5=quantity(raw.get("qty2", ""), "qty2", place, flags, notes),
        second_unit=text(raw, "unit2", flags),
        spec=text(raw, "gmodel", flags),
        item_record_no=record_no,
        bar_code=text(raw, "barCode", flags),
        flags=tuple(flags),
    )


def _quality(head: Fields, lines: list[Fields], bonded: bool, place: str, notes: list[Problem]) -> list[str]:
    """Flags of rules that a list breaks and is kept all the same."""
    doubts: list[tuple[Flag, str, str]] = []
    if positive(head.get("packNo", "")) != 1:
        doubts.append((Flag.PACK_NO, "packNo", "expected 1 parcel"))
    if "preNo" not in head:
        doubts.append((Flag.PRE_NO_ABSENT, "preNo", "expected a number, was absent"))
    if bonded and "emsNo" not in head:
        doubts.append((Flag.EMS_NO_ABSENT, "emsNo", "mandatory for bonded goods, was absent"))
    if [line["gnum"] for line in lines] != [str(n) for n in range(1, len(lines) + 1)]:
        doubts.append((Flag.LINE_SEQUENCE, "gnum", "expected 1, 2, 3, ..."))
    party = head.get("agentCode") or head.get("ebcCode")
    if not (head.get("invtNo") or head.get("preNo") or (party and head.get("copNo"))):
        doubts.append((Flag.NO_IDENTITY, "invtNo", "no list number of any kind: no receipt can reach this list"))
    notes.extend(warn(place, name, words) for _, name, words in doubts)
    return [flag for flag, _, _ in doubts]


def _digits(value: str, length: int) -> str:
    return value if len(value) == length and value.isascii() and value.isdigit() else ""


def _order(head: Fields, lines: list[Fields], position: int, _source: str) -> Iterator[Item]:
    """One Order of CEB311, as far as the advisory pre-check needs it."""
    order_no = key_text(head.get("orderNo", ""))
    if not order_no:
        yield reject(f"order {position}", "orderNo", "expected 1 to 60 characters, was absent or longer")
        return
    ignored: list[Problem] = []
    facts = tuple(
        (positive(line.get("gnum", "")), quantity(line.get("qty", ""), "qty", "", [], ignored), line.get("country", ""))
        for line in lines[:LINES_MAX]
    )
    yield OrderFacts(order_no=order_no, ebp_code=text(head, "ebpCode", []), lines=facts)


def _waybill(head: Fields, _lines: list[Fields], position: int, _source: str) -> Iterator[Item]:
    """One Logistics of CEB511, as far as the advisory pre-check needs it."""
    waybill, carrier = key_text(head.get("logisticsNo", "")), key_text(head.get("logisticsCode", ""))
    if not waybill or not carrier:
        name = "logisticsCode" if waybill else "logisticsNo"
        yield reject(f"waybill {position}", name, "expected 1 to 60 characters, was absent or longer")
        return
    yield WaybillFacts(carrier=carrier, waybill=waybill, order_no=key_text(head.get("orderNo", "")))


def _delivery(head: Fields, lines: list[Fields], position: int, _source: str) -> Iterator[Item]:
    """One Delivery of CEB711: the waybill numbers received at the site."""
    carrier = key_text(head.get("logisticsCode", ""))
    for index, line in enumerate(lines, start=1):
        waybill = key_text(line.get("logisticsNo", ""))
        if waybill:
            line_no = positive(line.get("gnum", ""))
            yield Inbound(carrier=carrier, waybill=waybill, bill_no=key_text(head.get("billNo", "")), line_no=line_no)
        else:
            place = f"delivery {position}, line {index}"
            yield reject(place, "logisticsNo", "expected 1 to 60 characters, was absent or longer")


def _returned(kind: ReceiptKind) -> Builder:
    return lambda head, _lines, position, _source: return_receipt(kind, head, position)


def _applied(kind: ReceiptKind) -> Builder:
    return lambda head, _lines, position, _source: application(kind, head, position)


_BUILDERS: dict[Wrapper, Builder] = {
    Wrapper.ORDER: _order,
    Wrapper.WAYBILL: _waybill,
    Wrapper.LIST: _list,
    Wrapper.LIST_RETURN: _returned(ReceiptKind.LIST),
    Wrapper.CANCEL: _applied(ReceiptKind.CANCEL_REQUEST),
    Wrapper.CANCEL_RETURN: _returned(ReceiptKind.CANCEL),
    Wrapper.REFUND: _applied(ReceiptKind.RETURN_REQUEST),
    Wrapper.REFUND_RETURN: _returned(ReceiptKind.RETURN),
    Wrapper.DELIVERY: _delivery,
}
