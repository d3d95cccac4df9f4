"""Turns what the store knows of a waybill into the words the core understands. Pure."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from lane.declarations.reading import ListState
from lane.declarations.records import Declaration, DeclaredLine
from lane.declarations.tables import Tables
from lane.declarations.units import Expectation, Signature, expect
from lane.declarations.weights import list_flags, unit_mass_differs, unit_mg
from lane.declarations.words import Flag
from lane.model.declared import DeclaredItem
from lane.model.grounds import Ground
from lane.model.words import StatusClass


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """Which list speaks for a waybill, and the doubts about it. ``chosen`` None: several carriers, or no list."""

    chosen: ListState | None
    status_class: StatusClass
    grounds: tuple[Ground, ...]


def judge(states: Sequence[ListState], fresh: Callable[[str], bool]) -> Verdict:
    """Choose the list of a waybill and name the grounds the store itself sees.

    Several carriers: nobody can tell which parcel this is. Several live lists of one key: conflict, the latest is
    shown. No live list: the latest one, whose status says why. ``fresh``: whether a status feed spoke in time.
    """
    if not states:
        return Verdict(chosen=None, status_class=StatusClass.NONE, grounds=())
    if len({state.declaration.key.carrier for state in states if not state.deleted}) > 1:
        return Verdict(chosen=None, status_class=StatusClass.UNKNOWN, grounds=(Ground.CARRIER_AMBIGUOUS,))
    live = [state for state in states if state.live]
    chosen = (live or list(states))[0]
    grounds: list[Ground] = [Ground.DECLARATION_CONFLICT] if len(live) > 1 else []
    if is_unusable(chosen.declaration):
        grounds.append(Ground.DECLARATION_UNUSABLE)
    if chosen.withdrawn:
        grounds.append(Ground.LIST_WITHDRAWN)
    status_class = chosen.status_class
    feeds = chosen.status.feeds
    if feeds and not any(fresh(feed) for feed in feeds):
        grounds.append(Ground.STATUS_STALE)
        if not chosen.withdrawn:
            status_class = StatusClass.UNKNOWN
    return Verdict(chosen=chosen, status_class=status_class, grounds=tuple(grounds))


def is_unusable(declaration: Declaration) -> bool:
    """Whether a quantity or unit is out of range, or absent where the message makes it mandatory."""
    return any(Flag.UNUSABLE in line.flags for line in declaration.lines)


def declared_items(
    declaration: Declaration, tables: Tables, signatures: Mapping[str, Signature] | None = None
) -> tuple[DeclaredItem, ...]:
    """Every line with its expected interval, reason, unit mass and flags."""
    known = signatures or {}
    return tuple(_item(line, tables, known.get(line.sku)) for line in declaration.lines)


def _item(line: DeclaredLine, tables: Tables, signature: Signature | None) -> DeclaredItem:
    expected: Expectation = expect(line, tables, signature)
    flags = (*line.flags, *expected.flags)
    if unit_mass_differs(line, tables):
        flags += (Flag.UNIT_MASS,)
    return DeclaredItem(
        line_no=line.line_no,
        sku=line.sku,
        name=line.name,
        hs_code=line.hs_code,
        qty_e5=line.qty_e5,
        unit=line.unit,
        count_lo=expected.lo,
        count_hi=expected.hi,
        rule=expected.rule,
        inner=expected.inner,
        unit_mg=unit_mg(line, expected, tables),
        flags=tuple(str(flag) for flag in dict.fromkeys(flags)),
    )


def answer_flags(state: ListState, tables: Tables) -> tuple[str, ...]:
    """Flags of a list: the parser's, the status', and weight check (a)."""
    flags = (*state.declaration.flags, *state.status.flags, *list_flags(state.declaration, tables))
    return tuple(str(flag) for flag in flags)
