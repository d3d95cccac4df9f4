"""What the evaluation judges: one parcel with its declared lines, its true contents and its picture."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np

from sim.families import Pool
from sim.goods import GOODS, Goods
from sim.learning.bound import expected_lines
from sim.learning.oracle import Contents, Witness, content_g, witnesses
from sim.streams.make import StreamSpec, make_stream
from sim.streams.randoms import key
from sim.streams.truth import CONTENT_ERRORS, ParcelTruth
from sim.xray.contents import ADVERSARIAL, PIECES, Overlap, PiecesClass, Planted
from sim.xray.frames import frame
from sim.xray.realism import SEVERITY, Realism
from sim.xray.render import render
from sim.xray.scenes import Scene, SceneSpec, make_scene
from vision.frame import ScanFrame
from vision.item_count import ExpectedLine

SCALE_MG = 3_000
"""One sigma of the scale in the standard case; the oracle takes it for every case."""
REDRAWS = 4
"""Further seeds tried where a class asks for goods that find no room in any carton."""
STANDARD_ERRORS = (Planted.MISSING, Planted.EXTRA, Planted.SWAP, Planted.OTHER_GOODS, Planted.EMPTY_STONE)
TRICKS = (*ADVERSARIAL, Planted.OTHER_GOODS)
"""Errors made so that weight or picture does not show them."""


STANDARD_PICTURES = "severity 1"
PICTURES: dict[str, Realism] = {
    **{f"severity {rung}": realism for rung, realism in SEVERITY.items()},
    "spectrum 130 kV": replace(SEVERITY[1], kilovolt=130),
    "spectrum 170 kV": replace(SEVERITY[1], kilovolt=170),
    "pitch 0.8 mm": replace(SEVERITY[1], line_mm=0.8),
    "pitch 1.6 mm": replace(SEVERITY[1], line_mm=1.6),
    "a tenth of the photons": replace(SEVERITY[1], photons_air=(6_000.0, 9_000.0)),
    "five times the gain drift": replace(SEVERITY[1], gain_drift=5 * SEVERITY[1].gain_drift),
}
"""How pictures come about: the ladder of severities, then the standard one with one thing far from what signatures and
bound were made with."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """Some cases of one kind: ``mix`` names how they are made, seed and number make a case.

    ``parcels``: how many; ``pictures``: a key of ``PICTURES``; ``pool``: of goods; ``ablated``: on
    so many of them, the first, every variant is judged, not only the whole of picture and weight; ``spoiled``: each
    picture is also judged doubled and halved.
    """

    name: str
    mix: str
    seed: int
    parcels: int
    pictures: str = STANDARD_PICTURES
    pool: Pool = Pool.CATALOGUE
    ablated: int = 0
    spoiled: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One parcel; part, seed and number name it. ``declared``, ``true``: (sku, pieces) pairs; ``error``: the word of
    what was planted ("": nothing).

    ``overlap_permille``: measured share of the goods' projected area that two or more pieces cover. ``weight_mg``: on
    an exact scale; ``gross_mg``: as declared; ``content_mg``: noise-free C and P of the pieces together.
    """

    part: str
    seed: int
    number: int
    error: str
    pictures: str
    overlap_permille: int
    declared: tuple[tuple[str, int], ...]
    true: tuple[tuple[str, int], ...]
    lines: tuple[ExpectedLine, ...]
    weight_mg: int
    gross_mg: int
    content_mg: int
    shown_by: tuple[Witness, ...]
    frame: ScanFrame

    @property
    def pieces(self) -> int:
        """True pieces."""
        return sum(count for _, count in self.true)

    @property
    def differs(self) -> bool:
        """Whether the contents are not the declared ones."""
        return counted(self.declared) != counted(self.true)


def pieces_class(pieces: int) -> str:
    """The class of so many pieces; more than the last class holds count as the last."""
    return str(next((name for name, (_, top) in PIECES.items() if pieces <= top), PiecesClass.BULK))


def standard_case(part: Part, number: int) -> Case:
    """Case ``number`` (from 0) of the standard mix: forty in a row hold each class of overlap with each class of pieces
    once as declared and once with an error; the kinds of error take turns."""
    overlaps, classes = tuple(Overlap), tuple(PiecesClass)
    wrong = number // (len(overlaps) * len(classes)) % 2
    turn = number // (2 * len(overlaps) * len(classes))
    return _scene_case(
        part, number, classes[number // len(overlaps) % len(classes)], overlaps[number % len(overlaps)],
        STANDARD_ERRORS[(turn + number) % len(STANDARD_ERRORS)] if wrong else Planted.NONE,
    )  # fmt: skip


def trick_case(part: Part, number: int) -> Case:
    """Case ``number`` of the adversarial part: tricks, overlaps and pieces take turns."""
    overlaps, classes = tuple(Overlap), tuple(PiecesClass)
    place = number // len(TRICKS)
    return _scene_case(
        part, number, classes[place // len(overlaps) % len(classes)], overlaps[place % len(overlaps)],
        TRICKS[number % len(TRICKS)],
    )  # fmt: skip


def _scene_case(part: Part, number: int, pieces: PiecesClass, overlap: Overlap, planted: Planted) -> Case:
    spec = SceneSpec(
        seed=key(part.seed, "scene", number), pieces=pieces, overlap=overlap, planted=planted, pool=part.pool,
        realism=PICTURES[part.pictures],
    )  # fmt: skip
    scene = _found(spec)
    declared = tuple((line.sku, line.count_lo) for line in scene.declared)
    goods = as_filled(scene)
    return Case(
        part=part.name,
        seed=part.seed,
        number=number,
        error="" if planted is Planted.NONE else str(planted),
        pictures=part.pictures,
        overlap_permille=int(1_000 * scene.overlap_share),
        declared=declared,
        true=scene.contents,
        lines=scene.declared,
        weight_mg=scene.weight_mg,
        gross_mg=scene.declared_gross_mg,
        content_mg=content_mg(scene.contents, goods),
        shown_by=shown_by(declared, scene.contents, goods, scene.carton_mm, free=changed_are_free(scene)),
        frame=scene.frame,
    )


def _found(spec: SceneSpec) -> Scene:
    """The scene of a spec, or of the first further seed whose goods find room together."""
    for _ in range(REDRAWS):
        try:
            return make_scene(spec)
        except ValueError:  # these draws fit no carton
            spec = replace(spec, seed=key(spec.seed, "again"))
    return make_scene(spec)


def as_filled(scene: Scene) -> dict[str, Goods]:
    """The goods of a scene; undeclared ones with the mass they truly have, as they may be filled to a wanted one."""
    goods = dict(scene.goods)
    aliens: dict[str, list[int]] = {}
    for piece in scene.pieces:
        if piece.line_no == 0:
            aliens.setdefault(piece.goods.sku, []).append(piece.mass_mg)
    for sku, masses in aliens.items():
        goods[sku] = replace(goods[sku], unit_mg=round(sum(masses) / len(masses)))
    return goods


def changed_are_free(scene: Scene) -> bool:
    """Whether the pieces that are too many lie free of all others; if pieces only lack, whether all others do."""
    declared = {line.sku: line.count_lo for line in scene.declared}
    more = {sku for sku, count in scene.contents if count > declared.get(sku, 0)}
    asked = [piece for piece in scene.pieces if not more or piece.goods.sku in more]
    return all(piece.hidden_px == 0 for piece in asked)


def lane_case(part: Part, number: int) -> Case:
    """Parcel ``number`` (from 0) of the lane's own stream: pieces 1 + geometric, mean 2; half with an error.

    Its overlap is not measured: it stands in class "none", and the oracle asks only mass and parcel.
    """
    parcel = _stream(part.seed, part.parcels)[number]
    assert parcel.declared is not None
    declared = tuple((line.sku, line.pieces) for line in parcel.declared.lines)
    error = str(parcel.planted) if parcel.planted in CONTENT_ERRORS else ""
    return Case(
        part=part.name,
        seed=part.seed,
        number=number,
        error=error,
        pictures=part.pictures,
        overlap_permille=0,
        declared=declared,
        true=parcel.contents,
        lines=tuple(expected_lines(parcel)),
        weight_mg=parcel.weight_mg,
        gross_mg=parcel.declared.gross_mg,
        content_mg=content_mg(parcel.contents, GOODS),
        shown_by=shown_by(declared, parcel.contents, GOODS, parcel.carton_mm, free=False),
        frame=frame(render(parcel.contents, parcel.carton_mm, parcel.seed)),
    )


@lru_cache(maxsize=2)
def _stream(seed: int, parcels: int) -> Sequence[ParcelTruth]:
    spec = StreamSpec(
        seed=seed, parcels=parcels, short_permille=200, over_permille=200, swapped_permille=100, no_read_permille=0,
        no_declaration_permille=0, bad_status_permille=0,
    )  # fmt: skip
    return make_stream(spec)


def shown_by(
    declared: Sequence[tuple[str, int]], true: Sequence[tuple[str, int]], goods: Mapping[str, Goods],
    carton_mm: tuple[int, int, int], *, free: bool,
) -> tuple[Witness, ...]:  # fmt: skip
    """What would show the difference, with the standard scale."""
    contents = Contents(
        declared=counted(declared), true=counted(true), goods=goods, carton_mm=carton_mm, free=free, scale_mg=SCALE_MG
    )
    return witnesses(contents)


def content_mg(true: Sequence[tuple[str, int]], goods: Mapping[str, Goods]) -> int:
    """Noise-free C and P of these pieces together, at their nominal mass."""
    return round(1000 * sum(count * sum(content_g(goods[sku])) for sku, count in true))


def counted(pairs: Sequence[tuple[str, int]]) -> dict[str, int]:
    """Pieces by sku; two lines of one goods add up."""
    pieces: dict[str, int] = {}
    for sku, count in pairs:
        pieces[sku] = pieces.get(sku, 0) + count
    return {sku: count for sku, count in sorted(pieces.items()) if count}


def two_in_one(first: ScanFrame, second: ScanFrame) -> ScanFrame:
    """Two parcels that came through the window of one: their lines one after the other."""
    low, high = (np.concatenate([getattr(one, name) for one in (first, second)]) for name in ("low", "high"))
    return replace(first, low=low, high=high, lines_expected=len(low))


def half_of(whole: ScanFrame) -> ScanFrame:
    """The first half of a parcel: the window closed too early, and the line counter agrees."""
    lines = len(whole.low) // 2
    return replace(whole, low=whole.low[:lines], high=whole.high[:lines], lines_expected=lines)
