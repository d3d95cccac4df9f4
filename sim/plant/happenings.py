"""What the plant reports: physics only. The twins turn it into device signals, register values or serial frames."""

from enum import StrEnum
from typing import NamedTuple


class Kind(StrEnum):
    """Kinds of happening."""

    FED = "FED"  # a body stands with its head at the induct eye
    EYE = "EYE"  # a photo-eye changed level
    CODE = "CODE"  # a body's centre passed a reader
    WEIGHT = "WEIGHT"  # a body's centre stood over the scale
    DETECTOR = "DETECTOR"  # a body's head (level True) or tail crossed the detector line
    SWITCH = "SWITCH"  # an end switch of the gate changed
    VALVE = "VALVE"  # the release output changed
    REFUSED = "REFUSED"  # the lane I/O refused permit `value` for reason `text`
    ROUTED = "ROUTED"  # a body's head reached the blade: from here it goes to `text`
    LEFT = "LEFT"  # a body left the lane by exit `text`; level True: the blade moved while it passed
    REACHED = "REACHED"  # the belt reached a watched position; `value` is its token
    BELT = "BELT"  # the belt reached its speed; `value` is the speed in um/s


class Happening(NamedTuple):
    """One happening. ``where``: eye, reader, switch. ``body``: number of the parcel in the stream (0: none).

    ``text``: label read ("": none) or exit; ``value``: weight in mg, permit number (VALVE) or speed (BELT).
    """

    kind: Kind
    at_us: int
    belt_um: int
    where: str
    level: bool
    body: int
    text: str
    value: int
