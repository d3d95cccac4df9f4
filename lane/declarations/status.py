"""Customs status of a list as a function of the set of its receipts: order of arrival and repeats change nothing.

The greatest return time wins (17 digits compared as text); at equal times the
stricter class. Codes that only refuse a repeat are kept in the history and leave the status.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

from lane.declarations.linking import answers
from lane.declarations.records import Receipt, receipt_body
from lane.declarations.tables import Tables
from lane.declarations.words import Flag, Reason, ReceiptKind
from lane.model.words import StatusClass

STRICTNESS = {
    StatusClass.NONE: 0,
    StatusClass.RELEASED: 1,
    StatusClass.REVIEWED: 2,
    StatusClass.PENDING: 3,
    StatusClass.UNKNOWN: 4,
    StatusClass.ORDERED: 5,
    StatusClass.REJECTED: 6,
    StatusClass.DETAINED: 7,
}
REFUSED = "100"
"""Answer to an application to cancel or return: refused (as every negative code)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Status:
    """What the receipts say. ``code`` and ``at`` are empty without a receipt; ``feeds``: who reported it.

    ``withdrawn``: an application to cancel or return the list stands. ``history``: every receipt, oldest first.
    """

    code: str
    status_class: StatusClass
    at: str = ""
    inner: str = ""
    reason: Reason = Reason.NONE
    feeds: tuple[str, ...] = ()
    flags: tuple[str, ...] = ()
    withdrawn: bool = False
    history: tuple[Receipt, ...] = ()


def resolve(receipts: Iterable[Receipt], tables: Tables) -> Status:
    """Current status of one list from the receipts, applications and answers that concern it."""
    distinct = {receipt_body(receipt): receipt for receipt in receipts}
    history = tuple(sorted(distinct.values(), key=_rank(tables)))
    withdrawn = is_withdrawn(history)
    deciding = [r for r in history if r.kind is ReceiptKind.LIST and r.code not in tables.kept]
    if not deciding:
        return Status(code="", status_class=StatusClass.UNKNOWN, withdrawn=withdrawn, history=history)
    current = deciding[-1]
    same_time = [r for r in deciding if r.return_time == current.return_time]
    flags: tuple[str, ...] = ()
    if len({r.code for r in same_time}) > 1:
        flags += (Flag.RECEIPT_TIE,)
    if any(r.code in tables.terminal and r.return_time < current.return_time for r in deciding):
        flags += (Flag.AFTER_TERMINAL,)
    return Status(
        code=current.code,
        status_class=tables.status_class(current.code),
        at=current.return_time,
        inner=current.inner,
        reason=current.reason,
        feeds=tuple(sorted({r.feed for r in same_time if r.code == current.code})),
        flags=flags,
        withdrawn=withdrawn,
        history=history,
    )


def _rank(tables: Tables) -> Callable[[Receipt], tuple[str, int, str]]:
    """Sort key: time, then strictness of the class, then the record itself, so that no two receipts are equal."""

    def key(receipt: Receipt) -> tuple[str, int, str]:
        return receipt.return_time, STRICTNESS[tables.status_class(receipt.code)], receipt_body(receipt)

    return key


def is_withdrawn(records: Sequence[Receipt]) -> bool:
    """Whether an application to cancel (623) or return (625) the list stands.

    An application stands until its latest later answer is 100 or negative; an answer whose application never came
    counts as one. Answers are never read as a status of the list.
    """
    applications = [r for r in records if r.kind in (ReceiptKind.CANCEL_REQUEST, ReceiptKind.RETURN_REQUEST)]
    replies = [r for r in records if r.kind in (ReceiptKind.CANCEL, ReceiptKind.RETURN)]
    answered: list[Receipt] = []
    for application in applications:
        own = [r for r in replies if answers(r, application) and r.return_time >= application.return_time]
        answered.extend(own)
        if not _refused(own):
            return True
    orphans: dict[tuple[str, str, str], list[Receipt]] = {}
    for reply in replies:
        if reply not in answered:
            orphans.setdefault((reply.kind, reply.cop_no, reply.list_no), []).append(reply)
    return any(not _refused(group) for group in orphans.values())


def _refused(replies: Sequence[Receipt]) -> bool:
    """Whether the latest answer refuses; at equal times an answer that does not refuse wins (stricter for release)."""
    if not replies:
        return False
    latest = max(reply.return_time for reply in replies)
    return all(reply.code == REFUSED or reply.code.startswith("-") for reply in replies if reply.return_time == latest)
