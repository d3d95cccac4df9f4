"""Declared answers of the core twin: what the declarations store would say, straight from the stream's truth.

The interpretation of units is the store's own code; only files, parser and database are left out.
"""

from collections.abc import Iterable
from functools import lru_cache

from msgspec.structs import replace

from lane.declarations.records import DeclaredLine, version
from lane.declarations.tables import Tables
from lane.declarations.units import expect
from lane.declarations.weights import list_flags, unit_mass_differs, unit_mg
from lane.declarations.words import Flag
from lane.inputs import DeclarationAnswer
from lane.model.declared import DeclaredItem
from lane.model.words import StatusClass
from sim.streams.declare import STATUS_AT, declaration_of
from sim.streams.truth import DeclaredTruth, ParcelTruth

LINES_CACHED = 65_536
"""Interpreted lines kept: far more than the catalogue has combinations of goods and quantity."""


class Answers:
    """Answers ``AskDeclaration`` for the parcels of a stream, by the code that was read."""

    def __init__(self, parcels: Iterable[ParcelTruth], tables: Tables) -> None:
        self._tables = tables
        self._item = lru_cache(LINES_CACHED)(self._interpret)
        self._known = {p.declared.waybill: self._read(p.declared) for p in parcels if p.declared is not None}

    def status_class(self, code: str) -> StatusClass:
        """Class of a status code; no receipt at all is UNKNOWN."""
        return self._tables.status_class(code) if code else StatusClass.UNKNOWN

    def answer(self, seq: int, code: str, at_us: int, belt_um: int) -> DeclarationAnswer:
        """What the store knows of this code."""
        known = self._known.get(code)
        if known is None:
            return DeclarationAnswer(at_us=at_us, belt_um=belt_um, seq=seq, found=False, waybill=code)
        return replace(known, at_us=at_us, belt_um=belt_um, seq=seq)

    def _read(self, declared: DeclaredTruth) -> DeclarationAnswer:
        """The list as the store keeps it: interpreted once, when it is imported. Time and lane number come later."""
        record = declaration_of(declared)
        return DeclarationAnswer(
            at_us=0,
            belt_um=0,
            seq=0,
            found=True,
            carrier=declared.carrier,
            waybill=declared.waybill,
            version=version(record),
            list_no=declared.list_no,
            order_no=declared.order_no,
            declarant=record.agent_code,
            status_code=declared.status_code,
            status_class=self.status_class(declared.status_code),
            status_at=STATUS_AT if declared.status_code else "",
            gross_mg=declared.gross_mg,
            net_mg=declared.net_mg,
            items=tuple(self._item(line) for line in record.lines),
            flags=list_flags(record, self._tables),
        )

    def _interpret(self, line: DeclaredLine) -> DeclaredItem:
        expectation = expect(line, self._tables)
        flags = expectation.flags
        if unit_mass_differs(line, self._tables):
            flags = (*flags, Flag.UNIT_MASS)
        return DeclaredItem(
            line_no=line.line_no,
            sku=line.sku,
            name=line.name,
            hs_code=line.hs_code,
            qty_e5=line.qty_e5,
            unit=line.unit,
            count_lo=expectation.lo,
            count_hi=expectation.hi,
            rule=expectation.rule,
            inner=expectation.inner,
            unit_mg=unit_mg(line, expectation, self._tables),
            flags=tuple(str(flag) for flag in flags),
        )
