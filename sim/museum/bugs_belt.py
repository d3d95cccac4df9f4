"""Bugs of tracking: who is where on the belt."""

from sim.museum.bug import Bug
from sim.museum.patching import Constant, Edit

BUGS = (
    Bug(
        name="fifo_instead_of_windows",
        wrong="An edge belongs to the first body that has not passed this eye, wherever on the belt it is.",
        parts=(
            Edit("lane.tracking:due_at", "if anchor_um > last_um:", "if False:"),
            Edit("lane.tracking:due_at", "if anchor_um >= first_um:", "if True:"),
        ),
    ),
    Bug(
        name="slipped_from_anywhere",
        wrong="A body found a whole belt length from its place is still taken for it.",
        parts=(Edit("lane.tracking:nearest", "best_um = reach_um + 1", "best_um = 100 * reach_um"),),
    ),
    Bug(
        name="eye_window_in_the_wrong_unit",
        wrong="The window of an eye is twenty times too wide.",
        parts=(Edit("lane.tracking:stations", "max(layout.eye_window_um,", "max(20 * layout.eye_window_um,"),),
    ),
    Bug(
        name="eye_window_off_by_one_stage",
        wrong="The window behind the tunnel is that of the tunnel: far too narrow for the long way to the gate.",
        parts=(Edit("lane.tracking:stations", "max(layout.eye_window_um, distance * WINDOW_PERMILLE // 1000)", "500"),),
    ),
    Bug(
        name="neighbours_not_doubted",
        wrong="A lost or stray body throws doubt on itself only, not on the bodies next to it.",
        parts=(
            Edit(
                "lane.controller.belt:_doubt_neighbours",
                "doubt(desk, desk.state.parcels[body.seq], Ground.NEIGHBOUR_DOUBT)",
                "pass",
            ),
        ),
    ),
    Bug(
        name="second_fault_forgiven",
        wrong="A second tracking fault while the first is still on the belt does not flush it.",
        parts=(Edit("lane.controller.belt:_count_fault", "    if second:", "    if False:"),),
    ),
    Bug(
        name="stray_ignored",
        wrong="An edge that no body explains is written down and forgotten.",
        parts=(
            Edit(
                "lane.controller.belt:_stray",
                "    at_um = belt_um - desk.stations.station_um[eye]\n",
                "    return\n    at_um = belt_um - desk.stations.station_um[eye]\n",
            ),
        ),
    ),
    Bug(
        name="stray_at_the_open_gate",
        wrong="An unknown body that follows a released one to the open gate does not stop the belt.",
        parts=(
            Edit(
                "lane.controller.belt:_stray",
                "if eye == EYE_DIVERT and desk.machine.gate",
                "if False and desk.machine.gate",
            ),
        ),
    ),
    Bug(
        name="divert_eye_not_needed",
        wrong="A parcel that the divert eye did not see keeps its permit.",
        parts=(
            Edit("lane.controller.belt:seen_due", "if stage == STAGE_DIVERT and not void(", "if False and not void("),
        ),
    ),
    Bug(
        name="never_missed",
        wrong="A parcel that an eye should have seen and did not is not noticed.",
        parts=(
            Edit(
                "lane.controller.belt:seen_due",
                "    if parcel is None or parcel.body.stage >= stage:\n",
                "    if True:\n",
            ),
        ),
    ),
    Bug(
        name="gap_of_zero_is_enough",
        wrong="Two parcels that touch pass as two parcels with room between them.",
        parts=(
            Edit(
                "lane.controller.belt:_inducted",
                "< desk.layout.gap_um_min",
                "< 0",
            ),
        ),
    ),
    Bug(
        name="length_measured_once",
        wrong="Two eyes that disagree on a parcel's length are both believed.",
        parts=(Edit("lane.tracking:lengths_differ", "> layout.eye_window_um", "> 100 * layout.eye_window_um"),),
    ),
    Bug(
        name="oversize_taken",
        wrong="A body longer than the lane takes is a parcel like any other.",
        parts=(
            Edit(
                "lane.controller.belt:_measured",
                "> layout.parcel_um_max",
                "> 10 * layout.parcel_um_max",
            ),
        ),
    ),
    Bug(
        name="stop_in_the_tunnel",
        wrong="A picture taken while the belt stopped is as good as any.",
        parts=(Edit("lane.controller.belt:_running", "if overlaps(", "if False and overlaps("),),
    ),
    Bug(
        name="belt_stop_ignored",
        wrong="A belt that stops by itself voids no permit and holds nobody.",
        parts=(Edit("lane.controller.belt:_running", "        if machine.belt_wanted:\n", "        if False:\n"),),
    ),
    Bug(
        name="encoder_doubt_ignored",
        wrong="Positions that can't be trusted any more are used as before.",
        parts=(Edit("lane.controller.belt:encoder_doubt", 'flush(desk, "encoder doubt")', "pass"),),
    ),
    Bug(
        name="jam_runs_on",
        wrong="An eye that stays covered behind a lost parcel stops nothing.",
        parts=(Edit("lane.controller.belt:seen_due", "if before is not None and before.seq == seq:", "if False:"),),
    ),
    Bug(
        name="reader_reaches_the_neighbour",
        wrong="A code read beside the reader's place is bound to whichever parcel comes first within 900 mm.",
        parts=(Constant("lane.controller.evidence:READ_SLACK_UM", 900_000),),
    ),
    Bug(
        name="body_anchored_once",
        wrong="The place of a body is measured at the induct eye only, so slip adds up.",
        parts=(Edit("lane.controller.belt:_head", "body.anchor_um = belt_um - station\n", "pass\n"),),
    ),
)
