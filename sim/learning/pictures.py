"""Pictures to learn proposals from: scenes of the twin, cut to the carton, and where each piece lies in them.

Every picture is a pure function of (seed, number). Training shows the catalogue and the training families only, so that
a model can be judged on families it never saw.
"""

from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from sim.families import Pool
from sim.xray.contents import Overlap, PiecesClass
from sim.xray.rays import COLUMN_MM
from sim.xray.realism import STANDARD, Realism
from sim.xray.scenes import PieceTruth, Scene, SceneSpec, make_scene
from vision.basis import Basis
from vision.calibrate import attenuate
from vision.frame import Plane
from vision.ground import find_carton, remove_ground

CATALOGUE_SHARE = 0.3
"""Share of training pictures with goods of the catalogue; the others show the training families."""
PHOTONS = (0.3, 1.2)
"""Factor of the demo lane's photons: noise up to nearly twice as large."""
KILOVOLTS = (145, 150, 155)
SEED_BITS = 62


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """One picture to learn or to measure from, cut to the carton.

    ``planes``: float16 (2, lines, columns), C and P of the goods at half resolution in g/cm2. ``centres``: float32
    (pieces, 3): line and column in quarter-resolution pixels of the cut, and the piece's smaller extent in them.
    ``overlap``: class of the share of the goods' shadow that two or more pieces cast.
    """

    planes: npt.NDArray[np.float16]
    centres: Plane
    overlap: Overlap


def make_picture(seed: int, number: int, basis: Basis, *, held_out: bool = False) -> Picture:
    """Render picture ``number`` of ``seed``; ``held_out``: of the families kept out of training, else of the others."""
    random = np.random.Generator(np.random.PCG64([seed, number, int(held_out)]))
    while True:
        spec = _spec(random, held_out=held_out)
        try:
            scene = make_scene(spec)
        except ValueError:
            # The pool holds no goods for this class: another one is drawn.
            continue
        found = _cut(scene, basis)
        if found is not None:
            return found


def _spec(random: np.random.Generator, *, held_out: bool) -> SceneSpec:
    """All classes of pieces and overlap in equal parts; contents as declared."""
    pool = Pool.CATALOGUE if random.random() < CATALOGUE_SHARE else Pool.TRAIN
    return SceneSpec(
        seed=int(random.integers(1 << SEED_BITS)),
        pieces=list(PiecesClass)[int(random.integers(len(PiecesClass)))],
        overlap=list(Overlap)[int(random.integers(len(Overlap)))],
        pool=Pool.HELD_OUT if held_out else pool,
        realism=_realism(random),
    )


def _realism(random: np.random.Generator) -> Realism:
    """A detector, a tube, a packer and a filler somewhat like the demo lane's; the line pitch stays."""
    photons = float(random.uniform(*PHOTONS))
    return replace(
        STANDARD,
        photons_air=(STANDARD.photons_air[0] * photons, STANDARD.photons_air[1] * photons),
        noise_counts=float(random.uniform(4, 14)),
        blur_side=float(random.uniform(0.12, 0.2)),
        gain_drift=float(random.uniform(0.0002, 0.001)),
        dead_columns=int(random.integers(0, 4)),
        kilovolt=int(random.choice(KILOVOLTS)),
        filler_cells=int(random.integers(5, 9)),
        filler_roughness=float(random.uniform(0.2, 0.5)),
        filler_factor=float(random.uniform(0.3, 1.6)),
        board_factor=float(random.uniform(0.85, 1.25)),
        lying_share=float(random.uniform(0.05, 0.3)),
        skew_share=float(random.uniform(0.1, 0.7)),
    )


def _cut(scene: Scene, basis: Basis) -> Picture | None:
    """The scene as the proposal stage gets it; None when no carton is found."""
    attenuation = attenuate(scene.frame)
    carton = find_carton(attenuation.high)
    if carton is None:
        return None
    planes = basis.densities(attenuation.low, attenuation.high)
    c_goods, p_goods, _ = remove_ground(*planes, carton, 2 * scene.frame.pitch_mm, 2 * COLUMN_MM)
    top, left = carton.top // 2 * 2, carton.left // 2 * 2
    cut = np.stack([plane[top : carton.bottom, left : carton.right] for plane in (c_goods, p_goods)])
    centres = np.array([_centre(piece) for piece in scene.pieces], dtype=np.float32)
    centres[:, :2] -= np.array([top / 2, left / 2], dtype=np.float32)
    return Picture(planes=cut.astype(np.float16), centres=centres, overlap=scene.overlap)


def _centre(piece: PieceTruth) -> tuple[float, float, float]:
    """Line, column and smaller extent of a piece's shadow, in quarter-resolution pixels of the whole picture."""
    top, left, bottom, right = piece.box_px
    line, column = piece.centre_px
    return (line - 1.5) / 4, (column - 1.5) / 4, min(bottom - top, right - left) / 4
