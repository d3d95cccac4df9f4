"""Result words of the picture's verdict, without numpy: the controller imports this module.

Probabilities are integers in parts per million (``_ppm``), masses in milligrams (``_mg``), times in
microseconds (``_us``). A worker that meets NaN, a negative or an absurd number reports a failure instead.
"""

from enum import StrEnum

from msgspec import Struct


class Abstain(StrEnum):
    """Why the picture has no opinion on a line (``NONE``: it has one)."""

    NONE = "NONE"
    NO_SIGNATURE = "NO_SIGNATURE"
    LOW_QUALITY = "LOW_QUALITY"
    TOO_THICK = "TOO_THICK"
    AMBIGUOUS = "AMBIGUOUS"
    OUT_OF_RANGE = "OUT_OF_RANGE"


class Acquisition(StrEnum):
    """Acquisition status of an image (DICOS words)."""

    SUCCESSFUL = "SUCCESSFUL"
    INCOMPLETE = "INCOMPLETE"
    JAM = "JAM"
    MERGED = "MERGED"
    CUT = "CUT"
    OVERSIZE = "OVERSIZE"
    SLIP = "SLIP"
    STITCHED = "STITCHED"


class Origin(StrEnum):
    """Where an image comes from; only MACHINE ones are evidence on a live lane (C11)."""

    MACHINE = "MACHINE"
    SYNTHETIC = "SYNTHETIC"
    AUGMENTED = "AUGMENTED"
    TEST = "TEST"


class ExpectedLine(Struct, frozen=True, kw_only=True, gc=False):
    """One declared line as the picture needs it: what goods, how many, how heavy one piece is.

    ``sku`` is the key of the goods' signature ("" when unknown); ``count_lo..count_hi`` the expected interval
    (both -1: not countable); ``unit_mg`` the declared mass of one unit (0: not known).
    """

    line_no: int
    sku: str
    name: str
    count_lo: int
    count_hi: int
    unit_mg: int


class LineCount(Struct, frozen=True, kw_only=True, gc=False):
    """What picture and weight together say of one declared line.

    ``p_ppm``: probability that the true count lies in ``count_lo..count_hi``.
    """

    line_no: int
    count_lo: int
    count_hi: int
    p_ppm: int
    abstain: Abstain = Abstain.NONE


class ItemCount(Struct, frozen=True, kw_only=True, gc=False):
    """Verdict of one image. ``p_declared_ppm``: posterior of "contents are the declared multiset".

    ``unexplained``: objects that fit no declared line. ``timings``: (stage, microseconds) pairs.
    """

    image_sha256: str
    lines: tuple[LineCount, ...]
    p_declared_ppm: int
    unexplained: int
    total_lo: int
    total_hi: int
    acquisition: Acquisition
    model_sha256: str
    signatures: str
    timings: tuple[tuple[str, int], ...] = ()
