"""Reads one waybill from the store: every live list, its status, and what both mean for the lane."""

import sqlite3
from collections.abc import Sequence
from dataclasses import dataclass, replace

from lane.declarations.linking import concerns, group_versions, list_idents, parcel_ident, reaches, receipt_idents
from lane.declarations.precheck import compare
from lane.declarations.records import Declaration, Receipt, parse_declaration, parse_receipt, version_of
from lane.declarations.status import Status, resolve
from lane.declarations.tables import Tables
from lane.declarations.words import Precheck, ReceiptKind
from lane.model.words import StatusClass

DAY_S = 24 * 3600
KEY_WINDOW_S = 183 * DAY_S
"""Numbers are unique per carrier for six months only; an older list belongs to another parcel."""
KEY_WINDOW_POSTAL_S = 365 * DAY_S
"""Postal S10 identifiers may repeat after twelve months."""
POSTAL_PREFIX = "UPU-"
APP_DELETE = "3"
APP_STORED = "1"
PENDING_CODE = "1"
Order = tuple[str, int, int]
"""What makes a version later than another: appTime, then import time, then place in the file."""
Version = tuple[Order, str, Declaration]


@dataclass(frozen=True, slots=True, kw_only=True)
class ListState:
    """One declared list as the store sees it: current version, status, older versions (count)."""

    declaration: Declaration
    version: str
    order: Order
    status: Status
    versions: int
    deleted: bool
    precheck: Precheck = Precheck.NOT_CHECKED

    @property
    def live(self) -> bool:
        """Whether the list still claims its parcel: neither deleted by its declarant nor rejected by customs."""
        return not self.deleted and self.status.status_class is not StatusClass.REJECTED

    @property
    def withdrawn(self) -> bool:
        """Deleted (appType 3), or an application to cancel or return it stands."""
        return self.deleted or self.status.withdrawn

    @property
    def status_class(self) -> StatusClass:
        """Class for the disposition matrix: a withdrawn list counts as REJECTED unless customs detained it."""
        if self.withdrawn and self.status.status_class is not StatusClass.DETAINED:
            return StatusClass.REJECTED
        return self.status.status_class


def read_lists(connection: sqlite3.Connection, waybill: str, now_wall: int, tables: Tables) -> list[ListState]:
    """All lists of a waybill number (any carrier) inside their key window, latest first.

    A transaction of its own: lists and receipts are read from one state of the database.
    """
    own = not connection.in_transaction
    if own:
        connection.execute("BEGIN")
    try:
        rows = connection.execute(
            "SELECT list.body, received_at, sha256, list.id FROM list JOIN file ON file.id = list.file WHERE waybill=?",
            (waybill,),
        ).fetchall()
        found: list[Version] = []
        for body, received_at, source, row_id in rows:
            declaration = _stored(body, bytes(source).hex())
            if received_at >= now_wall - window_s(declaration.key.carrier):
                order = (declaration.app_time, int(received_at), int(row_id))
                found.append((order, version_of(body).hex(), declaration))
        found.sort(key=lambda entry: entry[0])
        groups = group_versions([declaration for _, _, declaration in found])
        states = [_state(connection, [found[index] for index in group], tables) for group in groups]
    finally:
        if own:
            connection.execute("COMMIT")
    states.sort(key=lambda state: state.order, reverse=True)
    return states


def _stored(body: bytes, source: str) -> Declaration:
    """A stored list. Raises ``sqlite3.DatabaseError`` when its bytes are none: the database is damaged."""
    try:
        return parse_declaration(body, source)
    except (ValueError, TypeError, LookupError):
        raise sqlite3.DatabaseError("a stored list can't be read back: the database is damaged") from None


def window_s(carrier: str) -> int:
    """Seconds for which a waybill number of this carrier means one parcel."""
    return KEY_WINDOW_POSTAL_S if carrier.startswith(POSTAL_PREFIX) else KEY_WINDOW_S


def _state(connection: sqlite3.Connection, versions: Sequence[Version], tables: Tables) -> ListState:
    """State of one list; its versions come oldest first (appTime decides, then time of receipt)."""
    order, version, current = versions[-1]
    status = resolve(_receipts(connection, [declaration for _, _, declaration in versions]), tables)
    if not status.code and current.app_status == APP_STORED:
        status = replace(status, code=PENDING_CODE, status_class=StatusClass.PENDING, at=current.app_time)
    return ListState(
        declaration=current,
        version=version,
        order=order,
        status=status,
        versions=len(versions),
        deleted=current.app_type == APP_DELETE,
        precheck=_precheck(connection, current),
    )


def _receipts(connection: sqlite3.Connection, versions: Sequence[Declaration]) -> list[Receipt]:
    """Receipts, applications and answers that concern a list."""
    key = versions[-1].key
    idents = {ident for declaration in versions for ident in list_idents(declaration)}
    idents.add(parcel_ident(key.carrier, key.waybill))
    candidates = _by_ident(connection, idents)
    own = [r for r in candidates if (reaches if r.kind is ReceiptKind.LIST else concerns)(r, versions)]
    applications = [r for r in own if r.kind in (ReceiptKind.CANCEL_REQUEST, ReceiptKind.RETURN_REQUEST)]
    if applications:
        further = {ident for application in applications for ident in receipt_idents(application)} - idents
        own += [r for r in _by_ident(connection, further) if r.kind in (ReceiptKind.CANCEL, ReceiptKind.RETURN)]
    return own


def _by_ident(connection: sqlite3.Connection, idents: set[str]) -> list[Receipt]:
    bodies: set[str] = set()
    for ident in idents:
        bodies.update(row[0] for row in connection.execute("SELECT body FROM receipt WHERE ident=?", (ident,)))
    return [parse_receipt(body) for body in bodies]


def _precheck(connection: sqlite3.Connection, declaration: Declaration) -> Precheck:
    if not declaration.order_no:
        return Precheck.NOT_CHECKED
    orders = connection.execute("SELECT body FROM order_facts WHERE order_no=?", (declaration.order_no,)).fetchall()
    if not orders:
        return Precheck.NOT_CHECKED
    waybills = connection.execute(
        "SELECT order_no FROM waybill_facts WHERE waybill=? AND carrier=?",
        (declaration.key.waybill, declaration.key.carrier),
    ).fetchall()
    return compare(declaration, [row[0] for row in orders], [row[0] for row in waybills])


def find_waybills(connection: sqlite3.Connection, text: str) -> list[str]:
    """Waybill numbers of the lists with this list, pre-entry or own number (for the screen)."""
    found: set[str] = set()
    for prefix in "IPC":
        rows = connection.execute("SELECT waybill FROM list_key WHERE ident=?", (prefix + text,))
        found.update(row[0] for row in rows)
    return sorted(found)


def read_inbound(connection: sqlite3.Connection, waybill: str) -> list[tuple[str, str, int]]:
    """(carrier, bill number, line) of every inbound detail (CEB711) that names the waybill."""
    query = "SELECT carrier, bill_no, line_no FROM inbound WHERE waybill=? ORDER BY 1, 2, 3"
    rows = connection.execute(query, (waybill,))
    return [(str(row[0]), str(row[1]), int(row[2])) for row in rows]
