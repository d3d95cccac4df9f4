"""Declared against seen: one finding per declared line, the worst line for the parcel, and the weight check.

Observed intervals come from vision with a posterior in ppm; only what reaches the configured bound counts as
seen. OVER and SHORT are never merged. Uncertainty is an answer, never an error.
"""

from collections.abc import Sequence

from msgspec import Struct

from lane.events.parcel import LineFinding
from lane.model.config import ContentConfig
from lane.model.declared import DeclaredItem
from lane.model.grounds import Ground
from lane.model.words import FindingKind
from vision.item_count import Abstain, ItemCount, LineCount

_MATCH, _UNCERTAIN, _UNCOUNTABLE = FindingKind.MATCH, FindingKind.UNCERTAIN, FindingKind.UNCOUNTABLE
_SHORT, _OVER, _COUNTED = FindingKind.SHORT, FindingKind.OVER, Abstain.NONE
_NO_WEIGHT, _WRONG_WEIGHT = (Ground.WEIGHT_UNKNOWN,), (Ground.WEIGHT_MISMATCH,)
PPM = 1_000_000
COUNT_ABSURD = 10_000
"""No parcel of a lane holds so many countable pieces: such a number is a fault of the counter, not a finding."""
FLAG_NET_SUM = "NET_SUM"
"""Weight check (a) failed: masses of the lines do not add up to the declared net weight."""
FLAG_UNIT_MASS = "UNIT_MASS"
"""Weight check (c) failed: mass per piece differs from the one in the goods' description."""

WORST_FIRST = (
    FindingKind.NO_DECLARATION,
    FindingKind.OVER,
    FindingKind.SHORT,
    FindingKind.UNCERTAIN,
    FindingKind.UNCOUNTABLE,
    FindingKind.MATCH,
)
_RANK = {finding: rank for rank, finding in enumerate(WORST_FIRST)}

_NOTHING_WORSE = {FindingKind.MATCH, FindingKind.UNCOUNTABLE}
"""Findings that a list which is not likely enough as a whole can still make worse."""
_GROUNDS = {
    FindingKind.SHORT: Ground.COUNT_SHORT,
    FindingKind.OVER: Ground.COUNT_OVER,
    FindingKind.UNCERTAIN: Ground.COUNT_UNCERTAIN,
}


class Comparison(Struct, frozen=True, kw_only=True, gc=False):
    """Finding of the parcel, findings of its lines, and the content grounds that follow."""

    finding: FindingKind
    lines: tuple[LineFinding, ...]
    grounds: tuple[Ground, ...]


def refused(count: ItemCount) -> str:
    """Why a vision result can't be used at all ("" when it can): values out of range, lines twice."""
    if not 0 <= count.p_declared_ppm <= PPM:
        return f"p_declared_ppm out of range: {count.p_declared_ppm}"
    if not 0 <= count.unexplained <= COUNT_ABSURD:
        return f"unexplained out of range: {count.unexplained}"
    if not -1 <= count.total_lo <= count.total_hi <= COUNT_ABSURD:
        return f"total out of range: {count.total_lo}..{count.total_hi}"
    lines = count.lines
    if len(lines) > 1 and len({line.line_no for line in lines}) != len(lines):
        return "a declared line counted twice"
    for line in lines:
        if not -1 <= line.count_lo <= line.count_hi <= COUNT_ABSURD or not 0 <= line.p_ppm <= PPM:
            return f"line {line.line_no} out of range: {line.count_lo}..{line.count_hi} at {line.p_ppm} ppm"
        if line.count_lo < 0 and line.abstain is _COUNTED:
            return f"line {line.line_no} has no count and no reason"
    return ""


def weight_passes(scale_mg: int, error_mg: int, gross_mg: int, content: ContentConfig) -> bool:
    """Weight check (b): scale against declared gross weight within max(3 %, 50 g) plus the scale's own error."""
    tolerance = max(gross_mg * content.gross_permille // 1_000, content.gross_mg_min) + error_mg
    return abs(scale_mg - gross_mg) <= tolerance


def weight_ground(scale_mg: int, error_mg: int, gross_mg: int, content: ContentConfig) -> tuple[Ground, ...]:
    """Ground of weight check (b). Without a stable weight, or without a declared one, the weight proves nothing."""
    if scale_mg < 0 or gross_mg < 0:
        return _NO_WEIGHT
    return () if weight_passes(scale_mg, error_mg, gross_mg, content) else _WRONG_WEIGHT


def interval_finding(expected: tuple[int, int], seen: tuple[int, int], inner: int) -> tuple[FindingKind, str]:
    """Finding of one interval against another, with its reason.

    ``inner`` > 1: the declared pieces may be packed by ``inner``; seeing just the packs is UNCERTAIN, not SHORT.
    """
    (e_lo, e_hi), (c_lo, c_hi) = expected, seen
    if e_lo <= c_lo and c_hi <= e_hi:
        return _MATCH, ""
    if c_hi < e_lo:
        if inner > 1 and e_lo == e_hi and e_lo % inner == 0 and c_lo <= e_lo // inner <= c_hi:
            return _UNCERTAIN, f"{e_lo} pieces in {e_lo // inner} packs of {inner} would look like this"
        return _SHORT, ""
    if c_lo > e_hi:
        return _OVER, ""
    return _UNCERTAIN, "the intervals overlap"


def compare(
    items: Sequence[DeclaredItem],
    count: ItemCount,
    *,
    scale_mg: int,
    error_mg: int,
    gross_mg: int,
    flags: Sequence[str],
    content: ContentConfig,
) -> Comparison:
    """Findings and content grounds of one parcel. ``count`` must have passed ``refused``.

    ``flags``: those of the list (NET_SUM). The weight ground itself comes from ``weight_ground``.
    """
    findings = _by_total(items, count, content) if not count.lines else _by_line(items, count, content)
    kinds = {line.finding for line in findings}
    if count.p_declared_ppm < content.bound_ppm and _MATCH in kinds and kinds <= _NOTHING_WORSE:
        findings = [
            _changed(line, _UNCERTAIN, "the declared list as a whole is not likely enough")
            if line.finding is _MATCH
            else line
            for line in findings
        ]
        kinds = {line.finding for line in findings}
    if len(kinds) == 1 and _MATCH in kinds:
        unexplained = (Ground.CONTENT_SUSPECT,) if count.unexplained else ()
        return Comparison(finding=_MATCH, lines=tuple(findings), grounds=unexplained)
    worst = min(kinds, key=_RANK.__getitem__, default=_UNCERTAIN)
    grounds = [ground for finding, ground in _GROUNDS.items() if finding in kinds]
    if not findings:
        grounds.append(Ground.COUNT_UNCERTAIN)
    carried = scale_mg >= 0 and gross_mg >= 0 and weight_passes(scale_mg, error_mg, gross_mg, content)
    carried = carried and FLAG_NET_SUM not in flags
    if _UNCOUNTABLE in kinds:
        flagged = {item.line_no for item in items if FLAG_UNIT_MASS in item.flags}
        uncountable = {line.line_no for line in findings if line.finding is _UNCOUNTABLE}
        if not carried or uncountable & flagged:
            grounds.append(Ground.UNCOUNTABLE)
    if count.unexplained:
        grounds.append(Ground.CONTENT_SUSPECT)
    return Comparison(finding=worst, lines=tuple(findings), grounds=tuple(grounds))


def _by_line(items: Sequence[DeclaredItem], count: ItemCount, content: ContentConfig) -> list[LineFinding]:
    """Line by line; lines of one SKU are compared as a sum and reported each."""
    seen = {line.line_no: line for line in count.lines}
    if len(items) == 1:
        item, line = items[0], seen.get(items[0].line_no)
        finding, reason = _group_finding(items, (line,), content)
        return [_line(item, line, finding, reason)]
    groups: dict[str, list[DeclaredItem]] = {}
    for item in items:
        groups.setdefault(f"sku {item.sku}" if item.sku else f"line {item.line_no}", []).append(item)
    found: dict[int, LineFinding] = {}
    for group in groups.values():
        finding, reason = _group_finding(group, [seen.get(item.line_no) for item in group], content)
        for item in group:
            found[item.line_no] = _line(item, seen.get(item.line_no), finding, reason)
    return [found[item.line_no] for item in items]


def _group_finding(
    group: Sequence[DeclaredItem], lines: Sequence[LineCount | None], content: ContentConfig
) -> tuple[FindingKind, str]:
    """Finding of all lines of one SKU together."""
    e_lo = e_hi = 0
    for item in group:
        if item.count_lo < 0:
            return _UNCOUNTABLE, "no countable unit"
        e_lo, e_hi = e_lo + item.count_lo, e_hi + item.count_hi
    if e_hi > content.count_max:
        return _UNCOUNTABLE, f"up to {e_hi} pieces expected, more than {content.count_max} can't be counted"
    c_lo = c_hi = 0
    for line in lines:
        if line is None:
            return _UNCERTAIN, "the picture says nothing of this line"
        if line.abstain is not _COUNTED:
            return _UNCERTAIN, f"the picture abstains: {line.abstain}"
        if line.p_ppm < content.bound_ppm:
            return _UNCERTAIN, f"{line.p_ppm} ppm is below the bound of {content.bound_ppm} ppm"
        c_lo, c_hi = c_lo + line.count_lo, c_hi + line.count_hi
    finding, reason = interval_finding((e_lo, e_hi), (c_lo, c_hi), group[0].inner)
    if len(group) > 1 and not reason:
        reason = f"{len(group)} lines of one SKU compared as a sum: expected {e_lo}..{e_hi}, seen {c_lo}..{c_hi}"
    return finding, reason


def _by_total(items: Sequence[DeclaredItem], count: ItemCount, content: ContentConfig) -> list[LineFinding]:
    """Only a total of the parcel is known: it is tested against the sum of the intervals."""
    if not items:
        return []
    countable = all(item.count_lo >= 0 for item in items) and sum(item.count_hi for item in items) <= content.count_max
    if not countable or count.total_lo < 0:
        reason = "only a total was counted, and not every line has an expected count"
        return [
            _line(item, None, FindingKind.UNCOUNTABLE if item.count_lo < 0 else FindingKind.UNCERTAIN, reason)
            for item in items
        ]
    expected = sum(item.count_lo for item in items), sum(item.count_hi for item in items)
    finding, _ = interval_finding(expected, (count.total_lo, count.total_hi), 0)
    if finding is not FindingKind.MATCH:
        finding = FindingKind.UNCERTAIN
    reason = f"total only: expected {expected[0]}..{expected[1]}, seen {count.total_lo}..{count.total_hi}"
    return [_line(item, None, finding, reason) for item in items]


def _line(item: DeclaredItem, seen: LineCount | None, finding: FindingKind, reason: str) -> LineFinding:
    return LineFinding(
        line_no=item.line_no,
        finding=finding,
        expected_lo=item.count_lo,
        expected_hi=item.count_hi,
        seen_lo=seen.count_lo if seen else -1,
        seen_hi=seen.count_hi if seen else -1,
        p_ppm=seen.p_ppm if seen else 0,
        reason=reason,
    )


def _changed(line: LineFinding, finding: FindingKind, reason: str) -> LineFinding:
    return LineFinding(
        line_no=line.line_no,
        finding=finding,
        expected_lo=line.expected_lo,
        expected_hi=line.expected_hi,
        seen_lo=line.seen_lo,
        seen_hi=line.seen_hi,
        p_ppm=line.p_ppm,
        reason=reason,
    )
