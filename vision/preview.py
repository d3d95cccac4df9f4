"""A picture for the screen: pseudo-colours by material, as operators know them, as PNG bytes.

Orange is organic, green inorganic, blue metal; darker is thicker. For eyes only: counting uses the 16-bit planes.
"""

import io

import numpy as np
import numpy.typing as npt
from PIL import Image

from vision.calibrate import attenuate
from vision.frame import Plane, ScanFrame, frame_of
from vision.image_file import unpack

BLACK_AT = 4.5
"""Log attenuation of the high channel that is drawn black."""
GAMMA = 0.55
RATIOS = (1.14, 1.30, 1.62)
"""Low over high log attenuation: up to the first organic, at the second inorganic, from the third metal."""
COLOURS = ((240, 130, 30), (60, 165, 70), (40, 90, 200))
RATIO_FROM = 0.03
"""Below this attenuation the ratio is noise and the pixel is drawn grey."""


def preview_png(data: bytes) -> bytes:
    """PNG of a stored picture file, full width and length (odd last pixels left out). ImageFileError on bad bytes."""
    return frame_png(frame_of(unpack(data)))


def frame_png(frame: ScanFrame) -> bytes:
    """PNG of a frame."""
    attenuation = attenuate(frame)
    colours = _colours(attenuation.low, attenuation.high)
    image = Image.fromarray(colours)
    image = image.resize((image.width * 2, image.height * 2), Image.Resampling.BILINEAR)
    out = io.BytesIO()
    image.save(out, format="PNG", compress_level=3)
    return out.getvalue()


def _colours(low: Plane, high: Plane) -> npt.NDArray[np.uint8]:
    thick = np.clip(high / np.float32(BLACK_AT), 0, 1) ** np.float32(GAMMA)
    ratio = np.where(high > RATIO_FROM, low / np.maximum(high, np.float32(RATIO_FROM)), np.float32(RATIOS[0]))
    tint = np.stack([np.interp(ratio, RATIOS, [colour[i] for colour in COLOURS]) for i in range(3)], axis=-1)
    faint = np.clip(high / np.float32(4 * RATIO_FROM), 0, 1)[..., None]
    tint = tint * faint + 160 * (1 - faint)
    # White where nothing is, the full tint half way, black where nothing comes through.
    light = thick[..., None]
    shade = np.where(light < 0.5, 255 + (tint - 255) * (2 * light), tint * (2 - 2 * light))
    rgb: npt.NDArray[np.uint8] = np.clip(shade, 0, 255).astype(np.uint8)
    return rgb
