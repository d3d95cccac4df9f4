"""One parcel as a person sees it, folded from its records."""

from dataclasses import dataclass, field
from typing import Any

from lane.events.parcel import LineFinding
from lane.model.declared import DeclaredItem
from lane.model.grounds import GROUNDS, Ground
from lane.model.words import Custody, FindingKind, Instruction, Route, StatusClass


@dataclass(slots=True, kw_only=True)
class ParcelView:
    """Everything the screens show of one parcel. Absent text is "", absent numbers are -1.

    ``drawn`` is filled from the draw's record but leaves this object only after the decision (the officer who judges
    the picture must not know it before).
    """

    seq: int
    inducted_at_us: int
    head_um: int
    length_um: int = -1
    gap_um: int = -1
    code: str = ""
    carrier: str = ""
    waybill: str = ""
    list_no: str = ""
    order_no: str = ""
    declarant: str = ""
    status_code: str = ""
    status_class: StatusClass = StatusClass.NONE
    gross_mg: int = -1
    weight_mg: int = -1
    items: tuple[DeclaredItem, ...] = ()
    image_sha256: str = ""
    finding: FindingKind | None = None
    lines: tuple[LineFinding, ...] = ()
    unexplained: int = 0
    p_declared_ppm: int = -1
    signatures: str = ""
    open_grounds: list[Ground] = field(default_factory=list)
    review_view: str = ""
    review_until_um: int = -1
    review_answer: str = ""
    route: Route | None = None
    instruction: Instruction = Instruction.NONE
    grounds: tuple[Ground, ...] = ()
    cleared: tuple[Ground, ...] = ()
    advisory: tuple[Ground, ...] = ()
    decided_at_us: int = -1
    custody: Custody = Custody.ON_BELT
    container: str = ""
    bench_result: str = ""
    bench_person: str = ""
    found: tuple[tuple[int, int], ...] = ()
    recalled: bool = False
    drawn: bool = False
    effective: bool = False
    counted: bool = False
    records: list[int] = field(default_factory=list)

    @property
    def decided(self) -> bool:
        """The disposition is recorded."""
        return self.route is not None

    def brief(self) -> dict[str, Any]:
        """Row of a table, and label on the belt drawing."""
        return {
            "seq": self.seq,
            "code": self.waybill or self.code,
            "head_um": self.head_um,
            "length_um": self.length_um,
            "weight_mg": self.weight_mg,
            "finding": self.finding or "",
            "route": self.route or "",
            "instruction": self.instruction if self.decided else "",
            "grounds": self._shown_grounds(),
            "custody": self.custody,
            "review": bool(self.review_view) and not self.review_answer and not self.decided,
            "image": self.image_sha256,
        }

    def detail(self) -> dict[str, Any]:
        """All that a screen shows of the parcel; the draw only once the decision is recorded."""
        findings = {line.line_no: line for line in self.lines}
        return {
            **self.brief(),
            "carrier": self.carrier,
            "waybill": self.waybill,
            "list_no": self.list_no,
            "order_no": self.order_no,
            "status_code": self.status_code,
            "status_class": self.status_class,
            "gross_mg": self.gross_mg,
            "lines": [_line(item, findings.get(item.line_no)) for item in self.items],
            "unexplained": self.unexplained,
            "p_declared_ppm": self.p_declared_ppm,
            "signatures": self.signatures,
            "review_view": self.review_view,
            "review_until_um": self.review_until_um,
            "review_answer": self.review_answer,
            "cleared": list(self.cleared),
            "advisory": list(self.advisory),
            "ground_meanings": {ground: GROUNDS[ground].meaning for ground in self._shown_grounds()},
            "draw": ("drawn" if self.effective else "not drawn") if self.decided else "hidden until decided",
            "bench_result": self.bench_result,
            "bench_person": self.bench_person,
            "found": [list(pair) for pair in self.found],
            "recalled": self.recalled,
            "container": self.container,
            "inducted_at_us": self.inducted_at_us,
            "decided_at_us": self.decided_at_us,
        }

    def _shown_grounds(self) -> list[Ground]:
        """Before the decision the draw's own grounds stay out."""
        if self.decided:
            return list(self.grounds)
        return [ground for ground in self.open_grounds if ground not in (Ground.RANDOM_DRAW, Ground.DRAW_MISSING)]


def _line(item: DeclaredItem, found: LineFinding | None) -> dict[str, Any]:
    return {
        "line_no": item.line_no,
        "name": item.name,
        "sku": item.sku,
        "hs_code": item.hs_code,
        "qty_e5": item.qty_e5,
        "unit": item.unit,
        "rule": item.rule,
        "expected": [item.count_lo, item.count_hi],
        "finding": found.finding if found else "",
        "seen": [found.seen_lo, found.seen_hi] if found else [-1, -1],
        "p_ppm": found.p_ppm if found else -1,
        "reason": found.reason if found else "",
    }
