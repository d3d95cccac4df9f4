"""Bodies on the belt: true identity, position by the head, and where they went."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lane.model.words import Route
from sim.streams.truth import ParcelTruth


class Body:
    """A parcel on the belt. ``head_um``: belt position at which its head stood at the induct eye.

    ``generation`` changes when it is moved, removed or planned anew: marks of an older one are void. ``path``: its way,
    ``place``: the mark on it that comes next; ``planned``: the generation for which its marks were planned.
    """

    __slots__ = (
        "at_blade_us", "generation", "head_um", "length_um", "moved_blade", "parcel", "path", "place", "planned",
        "route",
    )  # fmt: skip

    def __init__(self, parcel: ParcelTruth, head_um: int) -> None:
        self.parcel = parcel
        self.head_um = head_um
        self.length_um = parcel.length_um
        self.generation = 0
        self.path: tuple[tuple[int, Callable[[Any], object], Any], ...] = ()
        self.place = 0
        self.planned = -1
        self.route: Route | None = None
        self.at_blade_us = -1
        self.moved_blade = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyFed:
    """Truth record: body ``number`` stood at the induct eye."""

    number: int
    at_us: int
    belt_um: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BodyLeft:
    """Truth record: body ``number`` left by ``route`` (None: a person took it off the belt).

    ``routed_us``: its head reached the blade. ``moved_blade``: the blade moved while the body passed it.
    """

    number: int
    route: Route | None
    routed_us: int
    at_us: int
    belt_um: int
    moved_blade: bool
