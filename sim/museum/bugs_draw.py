"""Bugs of the random draw and of what leaves the lane: records and messages."""

from sim.museum.bug import Bug
from sim.museum.patching import Edit

BUGS = (
    Bug(
        name="drawn_parcel_released",
        wrong="A parcel that was drawn for opening is released all the same.",
        parts=(
            Edit(
                "lane.controller.drawing:_draw",
                "        parcel.effective = effective\n        if effective:\n",
                "        parcel.effective = False\n        if False:\n",
            ),
        ),
    ),
    Bug(
        name="drawn_parcel_without_ground",
        wrong="The draw is noted on the parcel, but is no ground for inspection.",
        parts=(Edit("lane.controller.drawing:_draw", "        if effective:\n", "        if False:\n"),),
    ),
    Bug(
        name="permit_without_durable_draw",
        wrong="A parcel whose draw is missing can be pictured and released.",
        parts=(
            Edit("lane.controller.evidence:arm", "if not parcel.has_draw:", "if False:"),
            Edit("lane.controller.deciding:_complete", "not parcel.has_draw", "False"),
            Edit("lane.controller.permitting:issue", "assert parcel.has_draw", "assert True"),
        ),
    ),
    Bug(
        name="draw_after_the_picture",
        wrong="The draw is made when the picture is there, so that it could be chosen to suit.",
        parts=(
            Edit("lane.controller.drawing:close_identity", "    drain(desk)\n", ""),
            Edit("lane.controller.evidence:arm", "if not parcel.has_draw:", "if False:"),
            Edit(
                "lane.controller.evidence:scan_stored",
                "    _ask_count(desk, parcel)\n",
                "    drawing.drain(desk)\n    _ask_count(desk, parcel)\n",
            ),
        ),
    ),
    Bug(
        name="sticky_draw_forgotten",
        wrong="A parcel drawn on its first way over the belt is free on its second.",
        parts=(
            Edit("lane.controller.drawing:_draw", "effective = drawn or waiting.sticky_from > 0", "effective = drawn"),
        ),
    ),
    Bug(
        name="repeats_are_counted",
        wrong="A second induction of one waybill counts in the rate of the draw.",
        parts=(
            Edit(
                "lane.controller.drawing:close_identity",
                "counts = not parcel_key or (reads.inductions == 0 and not any(seq < parcel.seq for seq in others))",
                "counts = True",
            ),
        ),
    ),
    Bug(
        name="counters_reset_at_the_epoch",
        wrong="The counters of the draw begin anew with every epoch.",
        parts=(
            Edit(
                "lane.controller.drawing:epoch_opened",
                "if (item.rate, item.design) != (epoch.rate, epoch.design):",
                "if True:",
            ),
        ),
    ),
    Bug(
        name="selected_not_counted",
        wrong="Drawn parcels are not counted, so the held rate climbs to its double.",
        parts=(Edit("lane.controller.drawing:_draw", "epoch.selected += drawn", "pass"),),
    ),
    Bug(
        name="rate_off_by_ten",
        wrong="One parcel in 182 is drawn instead of one in 18.",
        parts=(
            Edit(
                "lane.draw:is_selected",
                "return int.from_bytes(d) * p_den < p_num * SPACE",
                "return int.from_bytes(d) * p_den * 10 < p_num * SPACE",
            ),
        ),
    ),
    Bug(
        name="draw_of_the_neighbour",
        wrong="The draw of a parcel is worked out with the lane number of the next one.",
        parts=(
            Edit(
                "lane.controller.drawing:_draw",
                "epoch_hash.draw(seq, waiting.parcel_key.encode())",
                "epoch_hash.draw(seq + 1, waiting.parcel_key.encode())",
            ),
        ),
    ),
    Bug(
        name="every_second_draw_skipped",
        wrong="Lane numbers are drawn in steps of two.",
        parts=(Edit("lane.controller.drawing:drain", "epoch.next_seq += 1", "epoch.next_seq += 2"),),
    ),
    Bug(
        name="message_before_the_exit_eye",
        wrong="The release is reported when the permit is issued, before the parcel has left.",
        parts=(
            Edit(
                "lane.controller.permitting:issue",
                "    desk.due_belt(permit.proved_by_um, Due.GATE, parcel.seq)\n",
                "    desk.due_belt(permit.proved_by_um, Due.GATE, parcel.seq)\n"
                "    from lane.model.words import MessageKind, Via\n"
                "    desk.message(parcel.seq, MessageKind.RELEASE, 99, Via.GATE)\n",
            ),
        ),
    ),
    Bug(
        name="message_twice",
        wrong="Every release is reported twice.",
        parts=(
            Edit(
                "lane.controller.exits:_released",
                "    finish(desk, parcel, keep_code=True)\n",
                "    finish(desk, parcel, keep_code=True)\n"
                "    desk.message(parcel.seq, MessageKind.RELEASE, revise(place, MessageKind.RELEASE), Via.GATE)\n",
            ),
        ),
    ),
    Bug(
        name="message_forgotten",
        wrong="A release from the bench is reported to nobody.",
        parts=(
            Edit(
                "lane.controller.people:_record_bench",
                "desk.message(order.seq, _RELEASE_MESSAGE, revise(place, _RELEASE_MESSAGE), _BENCH)",
                "pass",
            ),
        ),
    ),
    Bug(
        name="escape_booked_as_release",
        wrong="A parcel seen at the release exit is booked as released, with or without a used permit.",
        parts=(
            Edit(
                "lane.controller.exits:left",
                "if parcel.permit.state is",
                "if True or parcel.permit.state is",
            ),
        ),
    ),
    Bug(
        name="release_booked_at_the_gate",
        wrong="A parcel counts as released when the divert eye has seen it.",
        parts=(
            Edit(
                "lane.controller.belt:passed",
                "    if stage == STAGE_EXIT:\n        exits.left(desk, parcel, eye, belt_um)\n",
                "    if stage == STAGE_EXIT or (stage == STAGE_DIVERT and parcel.permit.permit_no):\n"
                "        exits.left(desk, parcel, EYE_EXIT_RELEASE if stage == STAGE_DIVERT else eye, belt_um)\n",
            ),
        ),
    ),
    Bug(
        name="lost_parcel_forgotten",
        wrong="A parcel that no exit saw is taken out of the books without a word.",
        parts=(
            Edit(
                "lane.controller.exits:never_seen",
                "    desk.alarm(Alarm.PARCEL_REMOVED, parcel.seq)\n    desk.state.removed_count += 1\n",
                "    pass\n",
            ),
        ),
    ),
    Bug(
        name="unproven_booked_as_diverted",
        wrong="A permitted parcel that no exit saw is booked as taken off the belt.",
        parts=(
            Edit(
                "lane.controller.exits:never_seen",
                "if parcel.permit.state is not",
                "if False and parcel.permit.state is not",
            ),
        ),
    ),
)
