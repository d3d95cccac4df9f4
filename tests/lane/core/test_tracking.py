"""Who an edge belongs to: windows, slip, neighbours, lengths."""

from lane.model.config import EYE_DIVERT, EYE_EXIT_INSPECT, EYE_TUNNEL_ENTRY
from lane.tracking import (
    STAGE_DIVERT,
    STAGE_ENTRY,
    Body,
    at_station,
    due_at,
    image_length_differs,
    lengths_differ,
    nearest,
    neighbours,
    overlaps,
    stations,
    tail_um,
)
from tests.lane.core.boxes import LAYOUT, MM

AT = stations(LAYOUT)
ENTRY, WINDOW = AT.station_um[EYE_TUNNEL_ENTRY], AT.window_um[EYE_TUNNEL_ENTRY]


def body(seq: int, head_mm: int, length_mm: int = 400, stage: int = 0) -> Body:
    head = head_mm * MM
    length = length_mm * MM
    return Body(seq=seq, head_um=head, anchor_um=head, tail_um=head + length, length_um=length, stage=stage)


def test_windows_are_twenty_millimetres_or_one_percent_of_the_way_since_the_last_eye() -> None:
    assert AT.window_um[EYE_TUNNEL_ENTRY] == 20 * MM
    assert AT.window_um[EYE_DIVERT] == 43 * MM
    assert AT.window_um[EYE_EXIT_INSPECT] == 20 * MM


def test_edge_belongs_to_the_body_due_there_to_the_last_micrometre_of_its_window() -> None:
    bodies = [body(1, 0), body(2, 1_000)]
    assert due_at(bodies, STAGE_ENTRY, ENTRY, WINDOW, ENTRY + WINDOW) is bodies[0]
    assert due_at(bodies, STAGE_ENTRY, ENTRY, WINDOW, ENTRY - WINDOW) is bodies[0]
    assert due_at(bodies, STAGE_ENTRY, ENTRY, WINDOW, ENTRY + WINDOW + 1) is None
    assert due_at(bodies, STAGE_ENTRY, ENTRY, WINDOW, ENTRY - WINDOW - 1) is None
    assert due_at(bodies, STAGE_ENTRY, ENTRY, WINDOW, ENTRY + 1_000 * MM) is bodies[1]
    assert due_at([], STAGE_ENTRY, ENTRY, WINDOW, 0) is None


def test_a_body_seen_at_an_eye_is_not_due_there_again() -> None:
    bodies = [body(1, 0, stage=STAGE_ENTRY)]
    assert due_at(bodies, STAGE_ENTRY, ENTRY, WINDOW, ENTRY) is None
    assert due_at(bodies, STAGE_DIVERT, LAYOUT.divert_um, 43 * MM, LAYOUT.divert_um) is bodies[0]


def test_slipped_body_is_the_nearest_one_within_reach() -> None:
    bodies = [body(1, 0, stage=STAGE_ENTRY), body(2, 1_000), body(3, 2_000)]
    assert nearest(bodies, STAGE_ENTRY, ENTRY, 200 * MM, ENTRY + 1_150 * MM) is bodies[1]
    assert nearest(bodies, STAGE_ENTRY, ENTRY, 200 * MM, ENTRY + 1_500 * MM) is None
    assert nearest(bodies, STAGE_ENTRY, ENTRY, 2_000 * MM, ENTRY + 1_600 * MM) is bodies[2]


def test_station_sees_the_body_between_its_head_and_its_tail() -> None:
    bodies = [body(1, 1_000), body(2, 0)]
    reader = LAYOUT.reader_um
    assert at_station(bodies, reader, reader + 1_200 * MM, 0, 0) is bodies[0]
    assert at_station(bodies, reader, reader + 400 * MM, 0, 0) is bodies[1]
    assert at_station(bodies, reader, reader + 500 * MM, 0, 0) is None
    assert at_station(bodies, reader, reader + 403 * MM, 5 * MM, 0) is bodies[1]


def test_body_still_under_the_induct_eye_is_taken_as_the_longest_parcel() -> None:
    fresh = Body(seq=1, head_um=0, anchor_um=0)
    assert tail_um(fresh, 800 * MM) == 800 * MM
    assert tail_um(body(1, 100), 800 * MM) == 500 * MM
    assert at_station([fresh], LAYOUT.reader_um, LAYOUT.reader_um + 700 * MM, 0, 800 * MM) is fresh


def test_neighbours_are_the_one_ahead_and_the_one_behind() -> None:
    bodies = [body(1, 3_000), body(2, 2_000), body(3, 1_000), body(4, 0)]
    assert neighbours(bodies, 2_000 * MM, 2) == [bodies[2], bodies[0]]
    assert neighbours(bodies, 2_500 * MM, 0) == [bodies[1], bodies[0]]
    assert neighbours(bodies, 0, 4) == [bodies[2]]
    assert neighbours([], 0, 0) == []


def test_lengths_agree_within_what_an_eye_can_tell() -> None:
    assert not lengths_differ(420 * MM, 400 * MM, LAYOUT)
    assert lengths_differ(421 * MM, 400 * MM, LAYOUT)
    assert not image_length_differs(640 * MM, 610 * MM, LAYOUT)
    assert image_length_differs(660 * MM, 610 * MM, LAYOUT)


def test_body_overlaps_the_tunnel_from_head_in_to_tail_out() -> None:
    one = body(1, 0)
    low, high = LAYOUT.tunnel_entry_um, LAYOUT.tunnel_exit_um
    assert not overlaps(one, low, high, low - 1, 800 * MM)
    assert overlaps(one, low, high, low, 800 * MM)
    assert overlaps(one, low, high, high + 400 * MM, 800 * MM)
    assert not overlaps(one, low, high, high + 400 * MM + 1, 800 * MM)
