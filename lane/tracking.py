"""Which body is where: by belt position, never by time. Pure rules over bodies in belt order.

A body's head stands at station S when the belt stands at ``anchor_um + S``. The anchor is measured anew at every eye,
so slip does not add up. Each eye has a window of +-max(20 mm, 1 % of the distance since the eye before it); an edge
inside the window of a body that is due there is that body's. Stops and speed changes move nothing: windows move with
the belt.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from msgspec import Struct

from lane.model.config import (
    EYE_DIVERT,
    EYE_EXIT_INSPECT,
    EYE_EXIT_RELEASE,
    EYE_INDUCT,
    EYE_TUNNEL_ENTRY,
    EYE_TUNNEL_EXIT,
    Layout,
)

STAGE_INDUCT, STAGE_ENTRY, STAGE_TUNNEL_EXIT, STAGE_DIVERT, STAGE_EXIT = range(5)
STAGE_OF_EYE = {
    EYE_INDUCT: STAGE_INDUCT,
    EYE_TUNNEL_ENTRY: STAGE_ENTRY,
    EYE_TUNNEL_EXIT: STAGE_TUNNEL_EXIT,
    EYE_DIVERT: STAGE_DIVERT,
    EYE_EXIT_RELEASE: STAGE_EXIT,
    EYE_EXIT_INSPECT: STAGE_EXIT,
}
EYE_OF_STAGE = (EYE_INDUCT, EYE_TUNNEL_ENTRY, EYE_TUNNEL_EXIT, EYE_DIVERT, EYE_EXIT_INSPECT)
WINDOW_PERMILLE = 10
"""An edge is awaited within 1 % of the distance since the last eye."""
NOT_MEASURED = -1


class Body(Struct, kw_only=True, gc=False):
    """Something on the belt. ``seq`` 0: a stray, which has no lane number.

    ``head_um``: belt position when its head reached the induct eye. ``tail_um``: when its tail left it (-1: not yet).
    ``anchor_um``: ``head_um`` as the last eye would have it. ``stage``: last eye that saw or missed it;
    ``missed``: the last one that missed it (0: none).
    """

    seq: int
    head_um: int
    anchor_um: int
    tail_um: int = NOT_MEASURED
    length_um: int = 0
    stage: int = STAGE_INDUCT
    missed: int = STAGE_INDUCT


class Cover(Struct, kw_only=True, gc=False):
    """What covers an eye: which body, and where the belt stood when it began."""

    seq: int
    from_um: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Stations:
    """Positions and windows by eye, worked out once from the layout."""

    station_um: dict[str, int]
    window_um: dict[str, int]
    adopt_um: int
    """A body found outside its window but nearer than this to its place is taken for it, slipped."""


def stations(layout: Layout) -> Stations:
    """Positions and windows of the six eyes."""
    station = {
        EYE_INDUCT: 0,
        EYE_TUNNEL_ENTRY: layout.tunnel_entry_um,
        EYE_TUNNEL_EXIT: layout.tunnel_exit_um,
        EYE_DIVERT: layout.divert_um,
        EYE_EXIT_RELEASE: layout.exit_release_um,
        EYE_EXIT_INSPECT: layout.exit_inspect_um,
    }
    window = {EYE_INDUCT: 0}
    for eye, stage in STAGE_OF_EYE.items():
        if stage:
            distance = station[eye] - station[EYE_OF_STAGE[stage - 1]]
            window[eye] = max(layout.eye_window_um, distance * WINDOW_PERMILLE // 1000)
    adopt = (layout.gap_um_min + layout.parcel_um_min) // 2
    return Stations(station_um=station, window_um=window, adopt_um=adopt)


def tail_um(body: Body, parcel_um_max: int) -> int:
    """Belt position at which the tail left the induct eye, on the anchor; the longest parcel while not measured."""
    if body.tail_um == NOT_MEASURED:
        return body.anchor_um + parcel_um_max
    return body.anchor_um + body.length_um


def due_at(bodies: Sequence[Body], stage: int, station_um: int, window_um: int, belt_um: int) -> Body | None:
    """The body whose head is due at this eye within its window, first in belt order.

    Looks no further than the first body that is not there yet; None says nothing when bodies are not in belt order.
    """
    first_um, last_um = belt_um - station_um - window_um, belt_um - station_um + window_um
    for body in bodies:
        if body.stage < stage:
            anchor_um = body.anchor_um
            if anchor_um > last_um:
                return None
            if anchor_um >= first_um:
                return body
    return None


def missed_at(bodies: Sequence[Body], stage: int, station_um: int, window_um: int, belt_um: int) -> Body | None:
    """The body that this eye missed and whose edge comes late: inside its window, by the edge's own belt position."""
    for body in bodies:
        if body.missed == stage and body.stage == stage and abs(belt_um - station_um - body.anchor_um) <= window_um:
            return body
    return None


def nearest(bodies: Sequence[Body], stage: int, station_um: int, reach_um: int, belt_um: int) -> Body | None:
    """The body not yet seen at this eye whose place is nearest, at most ``reach_um`` away, in whatever order they lie:
    beyond its window it slipped."""
    best: Body | None = None
    best_um = reach_um + 1
    for body in bodies:
        if body.stage < stage:
            away = abs(belt_um - station_um - body.anchor_um)
            if away < best_um:
                best, best_um = body, away
    return best


def at_station(bodies: Sequence[Body], station_um: int, belt_um: int, slack_um: int, reach_um: int) -> Body | None:
    """The body that lies over a station when the belt stands at ``belt_um``: head <= place <= tail.

    ``reach_um``: length assumed for a body whose tail is not measured yet.
    """
    last_um = belt_um - station_um + slack_um
    first_um = last_um - slack_um - slack_um
    for body in bodies:
        anchor_um = body.anchor_um
        if anchor_um <= last_um:
            length = body.length_um if body.tail_um != NOT_MEASURED else reach_um
            if anchor_um + length >= first_um:
                return body
    return None


def neighbours(bodies: Sequence[Body], at_um: int, seq: int) -> list[Body]:
    """The bodies next to a place on the belt (given as anchor): one ahead, one behind, without ``seq`` itself."""
    ahead: Body | None = None
    behind: Body | None = None
    for body in bodies:
        if body.seq == seq and seq:
            continue
        if body.anchor_um <= at_um:
            if ahead is None or body.anchor_um > ahead.anchor_um:
                ahead = body
        elif behind is None or body.anchor_um < behind.anchor_um:
            behind = body
    return [body for body in (ahead, behind) if body is not None]


def lengths_differ(measured_um: int, length_um: int, layout: Layout) -> bool:
    """Whether two eyes disagree on a length: more than the eye window apart (merged, cut, swapped)."""
    return abs(measured_um - length_um) > layout.eye_window_um


def image_length_differs(image_um: int, length_um: int, layout: Layout) -> bool:
    """Whether image and eyes disagree on a length: more than 5 % apart, and more than an eye can tell (its window)."""
    return abs(image_um - length_um) > max(length_um * 5 // 100, layout.eye_window_um)


def overlaps(body: Body, from_um: int, to_um: int, belt_um: int, parcel_um_max: int) -> bool:
    """Whether any part of the body lies between two stations when the belt stands at ``belt_um``."""
    return belt_um - body.anchor_um >= from_um and belt_um - tail_um(body, parcel_um_max) <= to_um
