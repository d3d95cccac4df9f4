"""A third way out: parcels whose verdict came too late go round once more instead of being opened.

The lane's controller knows two exits. The loop therefore begins behind the INSPECT exit: a person (or a sorter that
obeys the bench's screen) sends such a parcel back to the feeder and records RESCAN, the controller's own word for it.
The second passage is an ordinary one, with picture and draw of its own; a third one is never ordered.
"""

from dataclasses import dataclass, replace

from lane.model.grounds import GROUNDS, Clearance, Ground
from sim.coretwin.survey import LATE
from sim.streams.truth import ParcelTruth

AGAIN = 500_000_000
"""Body numbers of second passages start here: the referee judges each passage by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopSpec:
    """``travel_us`` from the exit back to the feeder; ``places`` on the loop, a parcel more goes to the bench."""

    travel_us: int = 60_000_000
    places: int = 20


class Loop:
    """Decides who goes round, and counts."""

    def __init__(self, spec: LoopSpec) -> None:
        self.spec = spec
        self.on_it = self.sent = self.full = 0

    def takes(self, truth: ParcelTruth | None, grounds: tuple[Ground, ...]) -> bool:
        """Whether this diverted parcel goes round: nothing but a late verdict, and doubts that one look may clear."""
        if truth is None or truth.number >= AGAIN or LATE.isdisjoint(grounds):
            return False
        if any(ground not in LATE and GROUNDS[ground].clearance is not Clearance.ONE for ground in grounds):
            return False
        if self.on_it >= self.spec.places:
            self.full += 1
            return False
        self.on_it += 1
        self.sent += 1
        return True

    def returned(self, truth: ParcelTruth, now_us: int) -> ParcelTruth:
        """The parcel as it stands at the feeder again."""
        self.on_it -= 1
        return replace(truth, number=AGAIN + truth.number, arrival_us=now_us)
