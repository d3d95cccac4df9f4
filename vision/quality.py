"""Is the picture fit to be counted? DICOS words for the acquisition, and whether it is too thick to see through."""

from dataclasses import dataclass

from vision.calibrate import Attenuation
from vision.frame import ScanFrame
from vision.ground import Carton
from vision.item_count import Abstain, Acquisition
from vision.segment import Segmentation

LINES_MIN = 40
"""A picture shorter than 48 mm is no parcel."""
DEAD_COLUMNS_MAX = 6
SATURATED_MAX = 200
STARVED_SHARE_MAX = 0.04
"""Share of the goods' pixels without usable signal, above which integrals can't be trusted."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Quality:
    """``acquisition``: DICOS word; ``abstain``: NONE, or why the picture must not be counted."""

    acquisition: Acquisition
    abstain: Abstain


def judge_frame(frame: ScanFrame, attenuation: Attenuation, carton: Carton | None) -> Quality:
    """What is wrong with the acquisition as such, worst first."""
    word = _acquisition(frame, attenuation, carton)
    usable = word is Acquisition.SUCCESSFUL
    noisy = attenuation.dead > DEAD_COLUMNS_MAX or attenuation.saturated > SATURATED_MAX
    return Quality(acquisition=word, abstain=Abstain.NONE if usable and not noisy else Abstain.LOW_QUALITY)


def too_thick(attenuation: Attenuation, segmentation: Segmentation) -> bool:
    """Whether goods hide behind photon starvation."""
    goods = segmentation.labels > 0
    covered = int(goods.sum())
    lines, columns = goods.shape
    starved = attenuation.starved[: 2 * lines : 2, : 2 * columns : 2] & goods
    return covered > 0 and int(starved.sum()) > STARVED_SHARE_MAX * covered


def _acquisition(frame: ScanFrame, attenuation: Attenuation, carton: Carton | None) -> Acquisition:
    lines = frame.low.shape[0]
    if lines < LINES_MIN or carton is None:
        return Acquisition.INCOMPLETE
    if frame.lines_expected != lines:
        return Acquisition.SLIP
    if carton.cut:
        return Acquisition.CUT
    if carton.wide or not attenuation.margins_empty:
        return Acquisition.OVERSIZE
    if carton.bodies > 1:
        return Acquisition.MERGED
    return Acquisition.SUCCESSFUL
