"""How declarations look on a terminal and in ``--json`` files."""

from datetime import UTC, datetime
from typing import Any

from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.markup import escape
from rich.table import Column, Table

from lane.declarations.answer import answer_flags, declared_items
from lane.declarations.keys import unscaled
from lane.declarations.reading import ListState
from lane.declarations.records import Receipt
from lane.declarations.store import DeclarationStore, StoreStats
from lane.declarations.words import ReceiptKind
from lane.interfaces.importer import ImportReport
from lane.model.declared import DeclaredItem

PROBLEMS_SHOWN_MAX = 40
"""Problems printed on the terminal; all that were kept go into the JSON file."""
_KIND_WORDS = {
    ReceiptKind.LIST: "receipt",
    ReceiptKind.CANCEL_REQUEST: "cancel applied for",
    ReceiptKind.CANCEL: "answer to cancel",
    ReceiptKind.RETURN_REQUEST: "return applied for",
    ReceiptKind.RETURN: "answer to return",
}


def print_report(console: Console, report: ImportReport) -> None:
    """Summary of an import and the first problems, those that left something out first."""
    rate = f", {report.lists / report.wall_s:,.0f} lists/s" if report.lists and report.wall_s else ""
    console.print(
        f"{report.files:,} files ({report.unchanged:,} imported before, {report.refused:,} refused) in "
        f"{report.wall_s:.1f} s{rate}",
        highlight=False,
    )
    console.print(
        f"lists {report.lists:,} (of them {report.repeats:,} known before), receipts {report.receipts:,}, "
        f"other {report.other:,}, rejected {report.rejected:,}, warnings {report.warned:,}",
        highlight=False,
    )
    if report.rejected_before:
        console.print(f"files imported before had {report.rejected_before:,} rejected records", style="yellow")
    ordered = sorted(report.problems, key=lambda entry: not entry.problem.rejects)
    for entry in ordered[:PROBLEMS_SHOWN_MAX]:
        word, style = ("REJECTED", "red") if entry.problem.rejects else ("warning", "yellow")
        console.print(f"[{style}]{word}[/] {escape(str(entry))}", highlight=False, soft_wrap=True)
    hidden = report.rejected + report.warned + report.refused - min(len(ordered), PROBLEMS_SHOWN_MAX)
    if hidden > 0:
        console.print(f"... and {hidden:,} more; --json FILE keeps the first {len(ordered):,}", highlight=False)


def print_stats(console: Console, figures: StoreStats, now_wall: float) -> None:
    """Figures of a store as a table."""
    table = Table(show_header=False, box=None)
    for label, value in (
        ("list versions", figures.lists),
        ("waybills", figures.waybills),
        ("receipts", figures.receipts),
        ("receipts waiting for their list", figures.waiting),
        ("files imported", figures.files),
        ("records rejected", figures.rejected),
        ("warnings", figures.warned),
        ("orders for the pre-check", figures.orders),
        ("waybill messages for the pre-check", figures.waybill_messages),
        ("inbound waybill numbers", figures.inbound),
        ("parcels marked released", figures.released),
        ("MiB on disk", round(figures.bytes_on_disk / 2**20, 1)),
    ):
        table.add_row(label, f"{value:,}")
    for name, heard in figures.feeds:
        table.add_row(f"feed {name}", f"heard {_ago(int(now_wall) - heard)} ago")
    console.print(table)


def print_waybill(console: Console, store: DeclarationStore, waybill: str, now_wall: float) -> None:
    """Every list of a waybill, and what the store would tell the lane."""
    verdict = store.verdict_of(waybill, now_wall)
    for state in store.lists_of(waybill, now_wall):
        _print_list(console, store, state, chosen=state == verdict.chosen)
    for carrier, bill_no, line_no in store.inbound_of(waybill):
        console.print(f"received at the site: carrier {escape(carrier)}, bill {escape(bill_no)}, line {line_no}")
    grounds = ", ".join(verdict.grounds) or "none"
    console.print(f"for the lane: class [bold]{verdict.status_class}[/], grounds {grounds}", highlight=False)


def _print_list(console: Console, store: DeclarationStore, state: ListState, *, chosen: bool) -> None:
    d = state.declaration
    title = f"{d.key.waybill}  carrier {d.key.carrier}  list {d.list_no or d.pre_no or d.cop_no or '-'}"
    mark = "" if chosen else "  (does not speak for the parcel)"
    console.rule(escape(title) + mark, align="left")
    console.print(
        escape(
            f"order {d.order_no or '-'}  declarant {d.agent_code or d.ebc_code or '-'}  net {_kg(d.net_mg)}  "
            f"gross {_kg(d.gross_mg)}\n"
            f"version {state.version[:12]} ({state.versions} known)  pre-check {state.precheck}"
        ),
        highlight=False,
    )
    table = Table("line", "goods", "declared", "expected", "why", "unit kg", "flags", box=SIMPLE_HEAD, pad_edge=False)
    for item in declared_items(d, store.tables):
        table.add_row(*(escape(cell) for cell in _item_cells(item, store)))
    console.print(table)
    flags = ", ".join(answer_flags(state, store.tables)) or "none"
    console.print(f"flags {escape(flags)}", highlight=False)
    names = ("kind", "code", "class", "meaning", "inner", "reason", "feed")
    history = Table(Column("time", no_wrap=True), *names, box=SIMPLE_HEAD, pad_edge=False)
    for receipt in state.status.history:
        history.add_row(*(escape(cell) for cell in _receipt_cells(receipt, store)))
    if state.status.history:
        console.print(history)
    word = "WITHDRAWN" if state.withdrawn else str(state.status_class)
    console.print(f"status {escape(state.status.code or 'no receipt')} = [bold]{word}[/]", highlight=False)


def _item_cells(item: DeclaredItem, store: DeclarationStore) -> tuple[str, ...]:
    unit = store.tables.unit(item.unit)
    expected = "none" if item.count_lo < 0 else f"{item.count_lo}..{item.count_hi}"
    if item.count_lo == item.count_hi and item.count_lo >= 0:
        expected = str(item.count_lo)
    declared = f"{unscaled(item.qty_e5, 5) or '-'} {unit.name or item.unit or '-'}"
    unit_kg = unscaled(item.unit_mg, 6) if item.unit_mg else "-"
    return (
        str(item.line_no), f"{item.name or '-'}\n{item.sku} HS {item.hs_code or '-'}", declared, expected, item.rule,
        unit_kg, " ".join(item.flags),
    )  # fmt: skip


def _receipt_cells(receipt: Receipt, store: DeclarationStore) -> tuple[str, ...]:
    tables = store.tables
    own = receipt.kind is ReceiptKind.LIST
    kept = receipt.code in tables.kept
    status_class = ("recorded only" if kept else str(tables.status_class(receipt.code))) if own else "-"
    meaning = tables.meanings.get(receipt.code, "") if own else ""
    return (
        receipt.return_time, _KIND_WORDS[receipt.kind], receipt.code, status_class, meaning, receipt.inner,
        str(receipt.reason), receipt.feed,
    )  # fmt: skip


def waybill_plain(store: DeclarationStore, waybill: str, now_wall: float) -> dict[str, Any]:
    """What ``show`` prints, as plain values."""
    verdict = store.verdict_of(waybill, now_wall)
    return {
        "waybill": waybill,
        "status_class": str(verdict.status_class),
        "grounds": [str(ground) for ground in verdict.grounds],
        "lists": [_list_plain(store, state, verdict.chosen == state) for state in store.lists_of(waybill, now_wall)],
        "inbound": [list(row) for row in store.inbound_of(waybill)],
    }


def _list_plain(store: DeclarationStore, state: ListState, chosen: bool) -> dict[str, Any]:
    d = state.declaration
    return {
        "chosen": chosen,
        "carrier": d.key.carrier,
        "list_no": d.list_no,
        "order_no": d.order_no,
        "version": state.version,
        "versions": state.versions,
        "net_mg": d.net_mg,
        "gross_mg": d.gross_mg,
        "status_code": state.status.code,
        "status_class": str(state.status_class),
        "withdrawn": state.withdrawn,
        "precheck": str(state.precheck),
        "flags": list(answer_flags(state, store.tables)),
        "items": [
            {name: getattr(item, name) for name in DeclaredItem.__dataclass_fields__}
            for item in declared_items(d, store.tables)
        ],
        "history": [[r.return_time, str(r.kind), r.code, r.inner, str(r.reason), r.feed] for r in state.status.history],
    }


def _kg(mass_mg: int) -> str:
    return f"{unscaled(mass_mg, 6)} kg" if mass_mg >= 0 else "-"


def _ago(seconds: int) -> str:
    if seconds < 0:
        return "in the future"
    if seconds < 120:
        return f"{seconds} s"
    since = datetime.fromtimestamp(seconds, UTC) - datetime.fromtimestamp(0, UTC)
    return str(since)
