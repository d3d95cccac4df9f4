"""What every adapter produces: declared lists, receipts, advisory facts. Integers and words only, no personal field.

``canonical(declaration)`` is a JSON array in field order (schema tag first); its SHA-256 is the list's ``version``.
"""

import hashlib
from operator import attrgetter
from typing import Any

import msgspec

from lane.declarations.words import Reason, ReceiptKind
from lane.model.declared import ParcelKey

DECLARATION_SCHEMA = "lane-declared-list/1"
RECEIPT_SCHEMA = "lane-receipt/1"
LINES_MAX = 999
"""Lines of one list: the message specification allows 99; ten times that is no list."""


class DeclaredLine(msgspec.Struct, frozen=True, kw_only=True, gc=False, array_like=True):
    """One declared line. ``*_e5``: quantity x 10^5 (-1: absent). ``spec``: specification text (gmodel).

    ``line_no`` is gnum, ``sku`` itemNo (else the account-book item), ``legal`` qty1/unit1, ``second`` qty2/unit2.
    """

    line_no: int
    sku: str = ""
    name: str = ""
    hs_code: str = ""
    qty_e5: int = -1
    unit: str = ""
    legal_qty_e5: int = -1
    legal_unit: str = ""
    second_qty_e5: int = -1
    second_unit: str = ""
    spec: str = ""
    item_record_no: str = ""
    bar_code: str = ""
    flags: tuple[str, ...] = ()


class Declaration(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One version of one declared list. Masses in milligrams (-1: absent), times in digits as sent.

    ``app_type`` 1 new, 2 change, 3 delete; ``app_status`` 1 stored, 2 declared (empty: the format has none).
    ``source_sha256`` (file it came from) is no part of the version.
    """

    key: ParcelKey
    lines: tuple[DeclaredLine, ...]
    list_no: str = ""
    order_no: str = ""
    cop_no: str = ""
    pre_no: str = ""
    ems_no: str = ""
    agent_code: str = ""
    ebc_code: str = ""
    ebp_code: str = ""
    customs_code: str = ""
    trade_mode: str = ""
    country: str = ""
    loct_no: str = ""
    ie_flag: str = ""
    app_type: str = ""
    app_time: str = ""
    app_status: str = ""
    decl_time: str = ""
    gross_mg: int = -1
    net_mg: int = -1
    flags: tuple[str, ...] = ()
    source_sha256: str = ""


class Receipt(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One receipt of a list, or one application to cancel or return it (``kind``).

    It names its list by ``list_no`` (invtNo), else ``pre_no``, else (``agent_code`` or ``ebc_code``, ``cop_no``);
    CSV and JSON statuses without a list number name the parcel. ``code``: returnStatus (empty for applications);
    ``return_time``: 17 digits; ``inner``: code inside returnInfo, whose text is dropped; ``feed``: where it came from.
    """

    code: str
    return_time: str
    kind: ReceiptKind = ReceiptKind.LIST
    list_no: str = ""
    pre_no: str = ""
    cop_no: str = ""
    agent_code: str = ""
    ebc_code: str = ""
    carrier: str = ""
    waybill: str = ""
    inner: str = ""
    reason: Reason = Reason.NONE
    feed: str = "ceb"


class OrderFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the advisory pre-check needs of an order (CEB311): no buyer, no consignee."""

    order_no: str
    ebp_code: str
    lines: tuple[tuple[int, int, str], ...]
    """(gnum, qty_e5, country) of each order line."""


class WaybillFacts(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """What the advisory pre-check needs of a waybill message (CEB511)."""

    carrier: str
    waybill: str
    order_no: str


class Inbound(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """One waybill number received at the site (CEB711): where a parcel's goods entered; it names no goods."""

    carrier: str
    waybill: str
    bill_no: str
    line_no: int


class Problem(msgspec.Struct, frozen=True, kw_only=True, gc=False):
    """A rejected or doubtful place of a file. ``text`` never holds the value found there.

    ``place``: position such as ``list 3`` or ``row 17``; ``field``: column or element (``''``: the whole);
    ``rejects``: the list or receipt was left out; False: kept, with a flag.
    """

    place: str
    field: str
    text: str
    rejects: bool

    def __str__(self) -> str:
        """``list 3: logisticsNo: expected ..., was absent``."""
        return ": ".join(part for part in (self.place, self.field, self.text) if part)


Record = Declaration | Receipt | OrderFacts | WaybillFacts | Inbound
Item = Record | Problem
"""What an adapter yields, in file order."""

_LINE_FIELDS = DeclaredLine.__struct_fields__
_HEAD_FIELDS = tuple(n for n in Declaration.__struct_fields__ if n not in ("key", "lines", "source_sha256"))
_RECEIPT_FIELDS = Receipt.__struct_fields__
_head_values = attrgetter(*_HEAD_FIELDS)
_receipt_values = attrgetter(*_RECEIPT_FIELDS)
_encode = msgspec.json.Encoder().encode


def to_json(plain: object) -> str:
    """Compact JSON text, characters as they are."""
    return _encode(plain).decode()


def canonical(declaration: Declaration) -> bytes:
    """The bytes that stand for this version of the list (what the store keeps and the version hashes).

    Raises ``UnicodeEncodeError`` for a lone surrogate; adapters refuse those at the door.
    """
    key = declaration.key
    head = _head_values(declaration)
    return _encode((DECLARATION_SCHEMA, key.carrier, key.waybill, head, declaration.lines))


def version_of(body: bytes) -> bytes:
    """Version of a list: SHA-256 of its canonical bytes."""
    return hashlib.sha256(body).digest()


def version(declaration: Declaration) -> str:
    """Version of a list as hex digits."""
    return version_of(canonical(declaration)).hex()


def parse_declaration(body: bytes, source_sha256: str = "") -> Declaration:
    """The list that ``canonical`` wrote. Raises ``ValueError`` for another schema."""
    plain: list[Any] = msgspec.json.decode(body)
    if plain[0] != DECLARATION_SCHEMA:
        raise ValueError(f"stored list has schema {plain[0]!r}, expected {DECLARATION_SCHEMA!r}")
    head: dict[str, Any] = dict(zip(_HEAD_FIELDS, plain[3], strict=True))
    head["flags"] = tuple(head["flags"])
    lines = tuple(_parse_line(values) for values in plain[4])
    key = ParcelKey(carrier=plain[1], waybill=plain[2])
    return Declaration(key=key, lines=lines, source_sha256=source_sha256, **head)


def _parse_line(values: list[Any]) -> DeclaredLine:
    line: dict[str, Any] = dict(zip(_LINE_FIELDS, values, strict=True))
    line["flags"] = tuple(line["flags"])
    return DeclaredLine(**line)


def receipt_body(receipt: Receipt) -> str:
    """Canonical text of a receipt: two equal receipts have equal texts, whatever file brought them."""
    return to_json((RECEIPT_SCHEMA, *_receipt_values(receipt)))


def parse_receipt(body: str) -> Receipt:
    """The receipt that ``receipt_body`` wrote."""
    plain: list[Any] = msgspec.json.decode(body)
    if plain[0] != RECEIPT_SCHEMA:
        raise ValueError(f"stored receipt has schema {plain[0]!r}, expected {RECEIPT_SCHEMA!r}")
    values: dict[str, Any] = dict(zip(_RECEIPT_FIELDS, plain[1:], strict=True))
    values["kind"] = ReceiptKind(values["kind"])
    values["reason"] = Reason(values["reason"])
    return Receipt(**values)
