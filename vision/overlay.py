"""What a screen draws over the picture: outlines, which declared line each belongs to, and words. Plain JSON values."""

from collections.abc import Sequence
from typing import Any

from vision.frame import ScanFrame
from vision.hypotheses import Kind
from vision.item_count import Abstain, Acquisition, ExpectedLine, ItemCount
from vision.pipeline import Seen
from vision.verify import Verdict

SCHEMA = "lane-overlay/1"
SURE_PPM = 950_000
"""From here on the words speak of likely or not; the decision bound itself is the controller's."""

_WHY = {
    Abstain.NO_SIGNATURE: "these goods have no reference signature yet",
    Abstain.LOW_QUALITY: "the picture is not good enough",
    Abstain.TOO_THICK: "parts of the goods are too thick to see through",
    Abstain.AMBIGUOUS: "the other lines leave it open",
    Abstain.OUT_OF_RANGE: "no countable quantity, or too many pieces",
}
_EXPLAINED = {
    Kind.DECLARED: "the declared goods explain the picture and the weight",
    Kind.MISSING: "one declared piece fewer explains them best",
    Kind.EXTRA: "one piece more than declared explains them best",
    Kind.SWAPPED: "one declared piece replaced by other goods explains them best",
    Kind.GROSS: "no small deviation from the declared goods explains them",
}


def overlay(
    frame: ScanFrame, seen: Seen, verdict: Verdict, lines: Sequence[ExpectedLine], count: ItemCount
) -> dict[str, Any]:
    """Polygons in full-resolution pixels: x = column, y = line."""
    by_sku = {line.sku: line.line_no for line in reversed(lines)}
    carton = seen.carton
    return {
        "schema": SCHEMA,
        "width": int(frame.low.shape[1]),
        "height": int(frame.low.shape[0]),
        "carton": [] if carton is None else [2 * carton.left, 2 * carton.top, 2 * carton.right, 2 * carton.bottom],
        "regions": [
            {
                "number": number,
                "polygon": [list(point) for point in region.outline],
                "box": [region.box[1], region.box[0], region.box[3], region.box[2]],
                "pieces": [{"line_no": by_sku.get(sku, 0), "sku": sku, "count": pieces} for sku, pieces in part],
                "label": _label(part, by_sku, lines),
                "explained": bool(part) and all(sku in by_sku for sku, _ in part),
                "organic_g": round(region.c_g),
                "metal_g": round(region.p_g),
                "area_cm2": round(region.area_cm2),
            }
            for number, (region, part) in enumerate(zip(seen.regions, verdict.parts, strict=True), start=1)
        ],
        "lines": [
            {
                "line_no": line.line_no,
                "count_lo": found.count_lo,
                "count_hi": found.count_hi,
                "expected_lo": line.count_lo,
                "expected_hi": line.count_hi,
                "p_ppm": found.p_ppm,
                "abstain": str(found.abstain),
                "words": _line_words(line, found.count_lo, found.count_hi, found.p_ppm, found.abstain),
            }
            for line, found in zip(lines, verdict.lines, strict=True)
        ],
        "words": _words(verdict, count),
    }


def _label(part: tuple[tuple[str, int], ...], by_sku: dict[str, int], lines: Sequence[ExpectedLine]) -> str:
    names = {line.sku: line.name for line in lines}
    if not part:
        return "?"
    return " + ".join(
        f"{count} x {names[sku]} ({by_sku[sku]})" if sku in by_sku else f"{count} x {sku}?" for sku, count in part
    )


def _line_words(line: ExpectedLine, low: int, high: int, p_ppm: int, abstain: Abstain) -> str:
    if abstain is not Abstain.NONE:
        return f"no count: {_WHY[abstain]}"
    seen = f"{low}" if low == high else f"{low} to {high}"
    sure = "" if p_ppm >= SURE_PPM else ", not sure"
    expected = f"{line.count_lo}" if line.count_lo == line.count_hi else f"{line.count_lo} to {line.count_hi}"
    return f"declared {expected}, seen {seen}{sure}"


def _words(verdict: Verdict, count: ItemCount) -> list[str]:
    words = []
    if count.acquisition is not Acquisition.SUCCESSFUL:
        words.append(f"acquisition: {count.acquisition}")
    if any(line.abstain is Abstain.NONE for line in verdict.lines):
        words.append(f"{_EXPLAINED[verdict.explanation]} (declared list {verdict.p_declared_ppm / 10_000:.1f} %)")
    if verdict.unexplained:
        words.append(f"{verdict.unexplained} object(s) fit no declared line")
    return words
