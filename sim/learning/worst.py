"""The pictures worth looking at: wrong MATCH first, then false alarms, wrong names, and correct parcels left open."""

import base64
import io
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from PIL import Image

from sim.learning.ablations import Variant, scales_of
from sim.learning.cases import Case
from sim.learning.figures import whole
from sim.learning.judging import Outcome
from sim.xray.contents import overlap_class
from vision.overlay import overlay
from vision.pipeline import Pipeline
from vision.preview import frame_png

WORST = 40
_KINDS: tuple[tuple[str, int, Callable[[Outcome], bool]], ...] = (
    ("wrong MATCH of an error that can be shown", 16, lambda one: whole(one).matched and one.differs and _shown(one)),
    ("wrong MATCH of an error that can't be shown", 6, lambda one: whole(one).matched and one.differs),
    ("correct parcel said to deviate", 8, lambda one: whole(one).detected and not one.differs),
    ("error found, wrongly named", 6, lambda one: whole(one).detected and one.differs and not whole(one).named),
    ("correct parcel left open", 6, lambda one: not whole(one).matched and not one.differs),
    ("error left open", 4, lambda one: not whole(one).matched and one.differs and not whole(one).detected),
)
"""What went wrong, how many of it are shown when there is more than enough, and which it is (the first that fits)."""
SHRINK = 2
"""A page's pictures are drawn at half their size."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shown:
    """One picture with its outlines. ``image``: PNG as base64; ``drawing``: what ``vision.overlay`` draws over it."""

    outcome: Outcome
    wrong: str
    image: str
    drawing: dict[str, Any]
    declared: str
    true: str
    weights: str


def worst_of(outcomes: Sequence[Outcome], count: int = WORST) -> list[tuple[str, Outcome]]:
    """(what went wrong, outcome), worst kind first; within a kind the surest mistake, then the smallest parcel."""
    groups: dict[str, list[Outcome]] = {name: [] for name, _, _ in _KINDS}
    for one in outcomes:
        name = next((name for name, _, fits in _KINDS if fits(one)), "")
        if name:
            groups[name].append(one)
    for name, group in groups.items():
        sign = -1 if "MATCH" in name else 1
        group.sort(key=lambda one: (sign * whole(one).p_ppm, one.declared_pieces, one.part, one.number))
    taken = {name: group[:quota] for (name, quota, _), group in zip(_KINDS, groups.values(), strict=True)}
    for name, group in groups.items():
        room = count - sum(len(some) for some in taken.values())
        taken[name] += group[len(taken[name]) :][: max(0, room)]
    return [(name, one) for name, some in taken.items() for one in some][:count]


def draw(wrong: str, outcome: Outcome, case: Case, pipeline: Pipeline) -> Shown:
    """Judge the case once more and draw what was seen."""
    scales = scales_of(case, Variant.WHOLE)
    count, seen, verdict = pipeline.count(case.frame, case.lines, scales, "")
    image = Image.open(io.BytesIO(frame_png(case.frame)))
    small = image.resize((image.width // SHRINK, image.height // SHRINK), Image.Resampling.BOX)
    out = io.BytesIO()
    small.save(out, format="PNG", optimize=True)
    return Shown(
        outcome=outcome,
        wrong=wrong,
        image=base64.b64encode(out.getvalue()).decode(),
        drawing=overlay(case.frame, seen, verdict, case.lines, count),
        declared=_words(case.declared),
        true=_words(case.true),
        weights=f"scale {scales.scale_mg / 1000:,.0f} g, declared gross {scales.gross_mg / 1000:,.0f} g",
    )


def caption(outcome: Outcome) -> str:
    """The case in one line."""
    error = outcome.error or "as declared"
    shown = f", shown by {', '.join(outcome.shown_by).lower()}" if outcome.shown_by else ""
    return (
        f"{outcome.part} {outcome.number}: {error}{shown}; {outcome.pieces} pieces, overlap "
        f"{overlap_class(outcome.overlap_permille / 1_000)}, {outcome.pictures}"
    )


def _shown(one: Outcome) -> bool:
    return bool(one.shown_by)


def _words(pairs: Sequence[tuple[str, int]]) -> str:
    return ", ".join(f"{count} x {sku}" for sku, count in pairs) or "nothing"
