"""Open proposals: where pieces lie, whatever they are, by a small network exported to ONNX.

The network marks centres in a map at quarter resolution; touching bodies are then cut between their centres. A model is
used only with its card beside it, and only when the card's hash is the file's: another network is another witness. A
lane without a model runs on: nobody proposes, and regions stay as they are.
"""

import hashlib
import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from scipy import ndimage
from scipy.special import expit
from skimage.segmentation import watershed

from vision.frame import Plane, halved
from vision.ground import Carton
from vision.segment import IRON_WEIGHT, Labels, Segmentation

MODEL_FILE, CARD_FILE = "proposals.onnx", "proposals.json"
SCHEMA = "lane-proposals/1"
MODEL_BYTES_MAX = 10_000_000
LINE_MM, COLUMN_MM = 2.4, 2.5
"""Half-resolution pixel sizes the network was trained on; other pictures are resampled to them."""
PITCH_TOLERANCE = 0.03
C_SCALE, P_SCALE = 0.5, 0.1
"""Areal densities (g/cm2) above which the network sees their logarithm rather than themselves."""
SIDE_MULTIPLE = 16
"""The network halves five times; inputs are padded with empty belt to this many pixels."""
SIDE_MAX = 1024
"""Longest cut the network is shown, in half-resolution pixels (2.4 m)."""
PROPOSALS_MAX = 200
SCALE = 4
"""Full-resolution pixels per quarter-resolution pixel."""


class ProposalError(ValueError):
    """A model and its card are not what they should be; the text names the file and what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """One piece's centre. ``line``, ``column``: full-resolution pixels of the picture. ``sure``: 0..1, uncalibrated."""

    line: float
    column: float
    sure: float


class Proposer:
    """A loaded network. ``sha256`` names it in results; ``least_sure`` is the card's threshold."""

    def __init__(self, session: Any, sha256: str, least_sure: float) -> None:
        self._session = session
        self.sha256 = sha256
        self.least_sure = least_sure

    def propose(
        self, c_plane: Plane, p_plane: Plane, carton: Carton, pitch_mm: float, column_mm: float
    ) -> tuple[Proposal, ...]:
        """Centres, surest first. Ground-free planes (g/cm2) at half resolution; ``pitch_mm``, ``column_mm``: pixels.

        The cut begins at an even line and column of the carton's box, so that the map lies on quarter pixels.
        """
        top, left = carton.top // 2 * 2, carton.left // 2 * 2
        stretch = (_stretch(pitch_mm, LINE_MM), _stretch(column_mm, COLUMN_MM))
        cut = [_resampled(plane[top : carton.bottom, left : carton.right], stretch) for plane in (c_plane, p_plane)]
        if min(cut[0].shape) < 2 or max(cut[0].shape) > SIDE_MAX:
            return ()
        found = peaks(self.heat(cut[0], cut[1]), self.least_sure)[:PROPOSALS_MAX]
        return tuple(
            Proposal(
                line=((at_line * 2 + 0.5) / stretch[0] + top) * 2 + 0.5,
                column=((at_column * 2 + 0.5) / stretch[1] + left) * 2 + 0.5,
                sure=sure,
            )
            for at_line, at_column, sure in found
        )

    def heat(self, c_plane: Plane, p_plane: Plane) -> Plane:
        """Map of 0..1 at half the resolution of the planes: how sure a piece's centre lies there."""
        lines, columns = (side // 2 for side in c_plane.shape)
        logits = self._session.run(None, {"planes": prepared(c_plane, p_plane)[None]})[0]
        heat: Plane = expit(logits[0, 0, :lines, :columns])
        return heat


def load_proposer(model: Path) -> Proposer | None:
    """The network in ``model``, checked against the card beside it; None when there is no such file.

    Raises ProposalError when the card is missing or names another hash, or when the file is no network.
    """
    if not model.exists():
        return None
    data = model.read_bytes()
    card = read_card(model.with_name(CARD_FILE))
    found = hashlib.sha256(data).hexdigest()
    if found != card.get("sha256"):
        raise ProposalError(f"{model}: expected sha256 {card.get('sha256')} of its card, was {found}; train it again")
    if len(data) > MODEL_BYTES_MAX:
        raise ProposalError(f"{model}: expected at most {MODEL_BYTES_MAX} bytes, was {len(data)}")
    least_sure = card.get("least_sure")
    if not isinstance(least_sure, float) or not 0 < least_sure < 1:
        raise ProposalError(f"{model.with_name(CARD_FILE)}, least_sure: expected 0..1, was {least_sure!r}")
    return Proposer(session_of(data, model), found, least_sure)


def read_card(path: Path) -> dict[str, Any]:
    """A model card; ProposalError when it is none."""
    try:
        card = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ProposalError(f"{path}: expected the model card, {error}") from error
    if not isinstance(card, dict) or card.get("schema") != SCHEMA:
        raise ProposalError(f"{path}: expected schema {SCHEMA}")
    return card


def session_of(data: bytes, path: Path) -> Any:
    """A session on one core for the network in ``data``; ``path`` is for the error text."""
    # A lane without a model never loads the runtime: it takes some 40 MB.
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    options.enable_cpu_mem_arena = False
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(data, options, providers=["CPUExecutionProvider"])
    except Exception as error:
        raise ProposalError(f"{path}: expected an ONNX network, {error}") from error
    names = [item.name for item in session.get_inputs()]
    if names != ["planes"]:
        raise ProposalError(f"{path}: expected one input, planes, was {names}")
    return session


def prepared(c_plane: Plane, p_plane: Plane) -> Plane:
    """The network's input: float32 (2, lines, columns), padded to ``SIDE_MULTIPLE``; no number becomes empty."""
    lines, columns = (-(-side // SIDE_MULTIPLE) * SIDE_MULTIPLE for side in c_plane.shape)
    whole = np.zeros((2, lines, columns), dtype=np.float32)
    for number, (plane, scale) in enumerate(((c_plane, C_SCALE), (p_plane, P_SCALE))):
        seen = np.nan_to_num(plane, nan=0.0, posinf=0.0, neginf=0.0)
        whole[number, : plane.shape[0], : plane.shape[1]] = np.arcsinh(seen * np.float32(1 / scale))
    return whole


def peaks(heat: Plane, least_sure: float) -> list[tuple[int, int, float]]:
    """(line, column, height) of the map's local maxima over 3 x 3 pixels, highest first."""
    top = (heat >= ndimage.maximum_filter(heat, 3)) & (heat >= least_sure)
    lines, columns = np.nonzero(top)
    found = [(int(line), int(column), float(heat[line, column])) for line, column in zip(lines, columns, strict=True)]
    return sorted(found, key=lambda peak: (-peak[2], peak[0], peak[1]))


def split(segmentation: Segmentation, c_plane: Plane, p_plane: Plane, proposals: tuple[Proposal, ...]) -> Segmentation:
    """Cut each body that holds several centres between them, by watershed; a body with one centre or none stays whole.

    Planes at half resolution. Labels are renumbered; no pixel of a body is lost and none is added.
    """
    seeds: Labels = np.zeros(segmentation.labels.shape, dtype=np.int32)
    held: dict[int, int] = {}
    for proposal in proposals:
        at = (round((proposal.line - 1.5) / SCALE), round((proposal.column - 1.5) / SCALE))
        if 0 <= at[0] < seeds.shape[0] and 0 <= at[1] < seeds.shape[1]:
            body = int(segmentation.labels[at])
            if body and not seeds[at]:
                held[body] = held.get(body, 0) + 1
                seeds[at] = sum(held.values())
    weight = halved(c_plane) + np.float32(IRON_WEIGHT) * halved(p_plane)
    labels: Labels = np.zeros_like(segmentation.labels)
    count = 0
    for body, window in enumerate(ndimage.find_objects(segmentation.labels), start=1):
        if window is None:
            continue
        own: npt.NDArray[np.bool_] = segmentation.labels[window] == body
        parts = _parts(own, seeds[window] * own, weight[window]) if held.get(body, 0) > 1 else own.astype(np.int32)
        labels[window] += np.where(parts > 0, parts + count, 0).astype(np.int32)
        count += int(parts.max())
    return Segmentation(labels=labels, regions=count)


def _parts(own: npt.NDArray[np.bool_], seeds: Labels, weight: Plane) -> Labels:
    """A body cut along the valleys between its seeds: far from its edge and heavy is high ground."""
    depth = ndimage.distance_transform_edt(np.pad(own, 1))[1:-1, 1:-1]
    height = depth / max(1.0, float(depth.max())) + weight / max(1e-6, float(weight[own].max()))
    values = np.unique(seeds[seeds > 0])
    numbered = np.searchsorted(values, seeds) + 1
    markers = np.where(seeds > 0, numbered, 0)
    cut = watershed(-height, markers, mask=own)  # type: ignore[no-untyped-call]
    parts: Labels = cut.astype(np.int32)
    # A corner of the body that no seed reaches would be lost: it goes to the nearest part.
    if np.any(own & (parts == 0)):
        nearest = ndimage.distance_transform_edt(parts == 0, return_distances=False, return_indices=True)
        parts = np.where(own, parts[tuple(nearest)], 0).astype(np.int32)
    return parts


def _stretch(found_mm: float, wanted_mm: float) -> float:
    factor = found_mm / wanted_mm
    return factor if abs(factor - 1) > PITCH_TOLERANCE else 1.0


def _resampled(plane: Plane, stretch: tuple[float, float]) -> Plane:
    if stretch == (1.0, 1.0):
        return plane
    zoomed: Plane = ndimage.zoom(plane, stretch, order=1).astype(np.float32)
    return zoomed
