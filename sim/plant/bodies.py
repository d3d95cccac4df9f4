"""Bodies on the belt: true identity, position by the head, and where they went."""

from dataclasses import dataclass

from lane.model.words import Route
from sim.streams.truth import ParcelTruth


class Body:
    """A parcel on the belt. ``head_um``: belt position at which its head stood at the induct eye.

    ``generation`` changes when a fault moves or removes it: planned marks of an older one are void. ``path``: its
    way up to the blade; ``place``: the mark it waits for; ``order``: rank of its first mark among equal positions.
    """

    __slots__ = (
        "at_blade_us", "generation", "head_um", "length_um", "moved_blade", "order", "parcel", "path", "place",
        "route",
    )  # fmt: skip

    def __init__(self, parcel: ParcelTruth, head_um: int) -> None:
        self.parcel = parcel
        self.head_um = head_um
        self.length_um = parcel.length_um
        self.generation = 0
        self.path: tuple[tuple[int, int, int], ...] = ()
        self.place = self.order = 0
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
