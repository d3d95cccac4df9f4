"""Which receipts belong to which list, and which list versions are one list. Pure rules on sets, never on order.

Identity of a list: invtNo, else preNo, else (agentCode or ebcCode, copNo). Lists learn their numbers on the way (a
first declaration has no invtNo, its change message has one), so two records are compared by the first of these
keys that both carry.
"""

from collections.abc import Iterable, Sequence

from lane.declarations.records import Declaration, Receipt
from lane.declarations.words import ReceiptKind

_SEPARATOR = "\x1f"


def list_idents(declaration: Declaration) -> tuple[str, ...]:
    """Index words of a list: one for every key by which a receipt may name it."""
    d = declaration
    return _idents(d.list_no, d.pre_no, d.cop_no)


def receipt_idents(receipt: Receipt) -> tuple[str, ...]:
    """Index words of a receipt. A parcel counts only where no number names the list, or for an application."""
    words = _idents(receipt.list_no, receipt.pre_no, receipt.cop_no)
    if receipt.waybill and (not words or receipt.kind is not ReceiptKind.LIST):
        words += (parcel_ident(receipt.carrier, receipt.waybill),)
    return words


def parcel_ident(carrier: str, waybill: str) -> str:
    """Index word of a parcel."""
    return f"W{carrier}{_SEPARATOR}{waybill}"


def has_identity(declaration: Declaration) -> bool:
    """Whether any CEB receipt can reach this list."""
    d = declaration
    return bool(d.list_no or d.pre_no or (d.cop_no and (d.agent_code or d.ebc_code)))


def _idents(list_no: str, pre_no: str, cop_no: str) -> tuple[str, ...]:
    words: tuple[str, ...] = (f"I{list_no}",) if list_no else ()
    if pre_no:
        words += (f"P{pre_no}",)
    if cop_no:
        words += (f"C{cop_no}",)
    return words


def same_list(one: Declaration, other: Declaration) -> bool:
    """Whether two records of one waybill are versions of one list. Records without a common key are the same only
    when both have none at all (a table file without list numbers)."""
    if one.key != other.key:
        return False
    agree = _numbers_agree(one, other)
    return agree if agree is not None else not has_identity(one) and not has_identity(other)


def group_versions(lists: Sequence[Declaration]) -> list[list[int]]:
    """Indices of the records, grouped into lists (transitively), each group in the order given."""
    group_of = list(range(len(lists)))
    for i, one in enumerate(lists):
        for j in range(i):
            if group_of[i] != group_of[j] and same_list(one, lists[j]):
                gone, kept = max(group_of[i], group_of[j]), min(group_of[i], group_of[j])
                group_of = [kept if group == gone else group for group in group_of]
    groups: dict[int, list[int]] = {}
    for index, group in enumerate(group_of):
        groups.setdefault(group, []).append(index)
    return list(groups.values())


def reaches(receipt: Receipt, versions: Iterable[Declaration]) -> bool:
    """Whether a receipt of kind LIST is about this list (any of its versions)."""
    return any(_reaches(receipt, declaration) for declaration in versions)


def _reaches(receipt: Receipt, d: Declaration) -> bool:
    agree = _numbers_agree(receipt, d)
    if agree is not None:
        return agree
    return bool(receipt.waybill) and (receipt.carrier, receipt.waybill) == (d.key.carrier, d.key.waybill)


def _numbers_agree(one: Declaration | Receipt, other: Declaration) -> bool | None:
    """Whether the first number that both have is the same: list, else preliminary, else the party's own. None: they
    have no kind of number in common."""
    if one.list_no and other.list_no:
        return one.list_no == other.list_no
    if one.pre_no and other.pre_no:
        return one.pre_no == other.pre_no
    if one.cop_no and other.cop_no:
        return one.cop_no == other.cop_no and _same_party(one, other)
    return None


def concerns(receipt: Receipt, versions: Iterable[Declaration]) -> bool:
    """Whether an application (623, 625) or its answer (624, 626) is about this list.

    Wider than ``reaches``: any common key will do, because doubt about a withdrawal means INSPECT.
    """
    for d in versions:
        if receipt.list_no and d.list_no:
            if receipt.list_no == d.list_no:
                return True
            continue
        if receipt.waybill and (receipt.carrier, receipt.waybill) == (d.key.carrier, d.key.waybill):
            return True
        if (receipt.pre_no and receipt.pre_no == d.pre_no) or (receipt.cop_no and receipt.cop_no == d.cop_no):
            return True
    return False


def answers(answer: Receipt, application: Receipt) -> bool:
    """Whether a 624 (626) answers this 623 (625): the application's own number and no contradicting list."""
    wanted = {ReceiptKind.CANCEL: ReceiptKind.CANCEL_REQUEST, ReceiptKind.RETURN: ReceiptKind.RETURN_REQUEST}
    if wanted.get(answer.kind) is not application.kind:
        return False
    if answer.list_no and application.list_no and answer.list_no != application.list_no:
        return False
    if answer.cop_no and application.cop_no:
        return answer.cop_no == application.cop_no and _same_party(answer, application)
    if answer.pre_no and application.pre_no:
        return answer.pre_no == application.pre_no
    return bool(answer.list_no) and answer.list_no == application.list_no


def _same_party(one: Receipt | Declaration, other: Receipt | Declaration) -> bool:
    """copNo is unique per company only: agents must agree, else shop companies, where both sides name one."""
    if one.agent_code and other.agent_code:
        return one.agent_code == other.agent_code
    if one.ebc_code and other.ebc_code:
        return one.ebc_code == other.ebc_code
    return not (one.agent_code or one.ebc_code) or not (other.agent_code or other.ebc_code)
