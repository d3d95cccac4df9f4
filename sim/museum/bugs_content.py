"""Bugs of identity, evidence and declared lists: what is known about a parcel."""

from sim.museum.bug import Bug
from sim.museum.patching import Edit

BUGS = (
    Bug(
        name="no_read_takes_the_last_code",
        wrong="A parcel whose code was not read gets the code of the one before.",
        parts=(
            Edit(
                "lane.identify:close",
                'return Verdict(code="", grounds=(Ground.NO_READ,))',
                'return Verdict(code=getattr(close, "last", ""), grounds=())',
            ),
            Edit(
                "lane.identify:close",
                "    code = label_code(reads.texts[0])\n",
                "    code = label_code(reads.texts[0])\n    close.last = code\n",
            ),
        ),
    ),
    Bug(
        name="first_of_two_codes",
        wrong="Of two different codes on one parcel the first counts.",
        parts=(Edit("lane.identify:close", "if reads.multiple or len(reads.texts) > 1:", "if reads.multiple:"),),
    ),
    Bug(
        name="check_digit_ignored",
        wrong="A code with a wrong check digit is taken as read.",
        parts=(
            Edit(
                "lane.identify:fits",
                'return pattern.check == "none" or CHECKS[pattern.check](code)',
                "return True",
            ),
        ),
    ),
    Bug(
        name="second_reader_ignored",
        wrong="The second reader before the gate reads another code, and nobody minds.",
        parts=(
            Edit(
                "lane.identify:confirms",
                "return other == code or not valid(other, patterns)",
                "return True",
            ),
        ),
    ),
    Bug(
        name="third_induction_taken",
        wrong="A waybill inducted for the third time is a parcel like any other.",
        parts=(Edit("lane.identify:close", "if reads.inductions >= INDUCTIONS_MAX:", "if False:"),),
    ),
    Bug(
        name="duplicate_waybill_taken",
        wrong="Two parcels on the lane with one waybill are both released.",
        parts=(
            Edit(
                "lane.controller.drawing:close_identity",
                "if seq != parcel.seq] if verdict.code else []",
                "if seq != parcel.seq and False] if verdict.code else []",
            ),
        ),
    ),
    Bug(
        name="identity_closed_too_early",
        wrong="The identity closes before the code of a slow reader can have come.",
        parts=(
            Edit(
                "lane.controller.belt:_measured",
                "belt_um + layout.reader_um + desk.lag_um",
                "belt_um",
            ),
        ),
    ),
    Bug(
        name="image_of_the_neighbour",
        wrong="A picture is bound to the parcel ahead of the one it was taken of.",
        parts=(
            Edit(
                "lane.controller.evidence:scan_stored",
                "parcel = desk.state.parcels.get(item.seq)",
                "parcel = desk.state.parcels.get(item.seq - 1)",
            ),
        ),
    ),
    Bug(
        name="image_taken_twice",
        wrong="A picture that was there before is bound a second time.",
        parts=(
            Edit(
                "lane.controller.evidence:scan_stored",
                "repeated = item.image_sha256 in desk.state.hashes or item.line_from <= desk.state.last_line",
                "repeated = False",
            ),
        ),
    ),
    Bug(
        name="image_of_any_place",
        wrong="A picture need not fit the window that was armed, nor the number of its lines.",
        parts=(
            Edit(
                "lane.controller.evidence:_fits",
                "return inside and placed and counted and desk.tail_known(parcel)",
                "return True",
            ),
        ),
    ),
    Bug(
        name="image_of_any_length",
        wrong="A picture twice as long as the parcel is its picture.",
        parts=(
            Edit(
                "lane.tracking:image_length_differs",
                "> max(length_um * 5 // 100, layout.eye_window_um)",
                "> 100 * length_um",
            ),
        ),
    ),
    Bug(
        name="poor_image_counts",
        wrong="A picture that was cut, merged or too dark is counted like any other.",
        parts=(
            Edit(
                "lane.controller.evidence:scan_stored",
                "if item.acquisition is not",
                "if False and item.acquisition is not",
            ),
        ),
    ),
    Bug(
        name="no_image_needed",
        wrong="A parcel without a picture can be released.",
        parts=(
            Edit(
                "lane.controller.deciding:_complete_evidence",
                "desk.ground(parcel, Ground.NO_IMAGE, announce=False)",
                "pass",
            ),
        ),
    ),
    Bug(
        name="undecided_is_release",
        wrong="A parcel whose count never came is released.",
        parts=(
            Edit(
                "lane.controller.deciding:_complete_evidence",
                "elif parcel.answer.found and not parcel.compared and not _explained(parcel):",
                "elif False:",
            ),
            Edit(
                "lane.controller.evidence:vision_due",
                "if not parcel.compared and not parcel.decided and",
                "if False and",
            ),
        ),
    ),
    Bug(
        name="verdict_of_another_image",
        wrong="A count of another picture decides about this parcel.",
        parts=(
            Edit(
                "lane.controller.evidence:vision_result",
                "if count.image_sha256 != parcel.image_sha256 or comparison.refused(count):",
                "if comparison.refused(count):",
            ),
        ),
    ),
    Bug(
        name="absurd_verdict_taken",
        wrong="A count of minus three pieces is taken for a count.",
        parts=(
            Edit(
                "lane.controller.evidence:vision_result",
                "if count.image_sha256 != parcel.image_sha256 or comparison.refused(count):",
                "if count.image_sha256 != parcel.image_sha256:",
            ),
        ),
    ),
    Bug(
        name="any_model_counts",
        wrong="A count by a model that nobody approved is as good as any.",
        parts=(
            Edit(
                "lane.controller.evidence:vision_result",
                "if count.model_sha256 != desk.config.model_sha256 or not desk.config.model_sha256:",
                "if False:",
            ),
        ),
    ),
    Bug(
        name="late_verdict_moves_the_gate",
        wrong="A count that arrives behind the decision point changes the decision to a release.",
        parts=(
            Edit(
                "lane.controller.evidence:vision_result",
                "    if parcel is None or parcel.decided or parcel.compared or not parcel.count_asked:\n",
                "    if parcel is None or parcel.compared or not parcel.count_asked:\n",
            ),
            Edit(
                "lane.controller.evidence:vision_result",
                "    _announce(desk, parcel, result, item)\n",
                "    _announce(desk, parcel, result, item)\n"
                "    if parcel.decided and not result.grounds:\n"
                "        from lane.controller.deciding import decide\n"
                "        parcel.grounds.clear()\n"
                "        decide(desk, parcel)\n",
            ),
        ),
    ),
    Bug(
        name="more_than_declared_is_a_match",
        wrong="Finding more pieces than declared counts as a match.",
        parts=(Edit("lane.comparison:interval_finding", "if e_lo <= c_lo and c_hi <= e_hi:", "if e_lo <= c_lo:"),),
    ),
    Bug(
        name="fewer_than_declared_is_a_match",
        wrong="Finding fewer pieces than declared counts as a match.",
        parts=(Edit("lane.comparison:interval_finding", "if e_lo <= c_lo and c_hi <= e_hi:", "if c_hi <= e_hi:"),),
    ),
    Bug(
        name="every_count_is_uncertain",
        wrong="The bound on the posterior is compared the wrong way round: a sure count is no count.",
        parts=(
            Edit("lane.comparison:_group_finding", "line.p_ppm < content.bound_ppm", "line.p_ppm >= content.bound_ppm"),
        ),
    ),
    Bug(
        name="foreign_goods_ignored",
        wrong="Goods in the picture that nobody declared are no reason to open the parcel.",
        parts=(Edit("lane.comparison:compare", "    if count.unexplained:\n", "    if False:\n"),),
    ),
    Bug(
        name="weight_never_differs",
        wrong="A parcel twice as heavy as declared passes the weight check.",
        parts=(
            Edit(
                "lane.comparison:weight_passes",
                "return abs(scale_mg - gross_mg) <= tolerance",
                "return True",
            ),
        ),
    ),
    Bug(
        name="weight_of_the_neighbour",
        wrong="A weight is bound to the parcel ahead of the one on the scale.",
        parts=(
            Edit(
                "lane.controller.evidence:weight_measured",
                "desk.state.parcels.get(body.seq) if body is not None else None",
                "desk.state.parcels.get(body.seq - 1) if body is not None else None",
            ),
        ),
    ),
    Bug(
        name="unstable_weight_taken",
        wrong="A weight that the scale itself calls unstable is taken.",
        parts=(
            Edit(
                "lane.controller.evidence:weight_measured", "parcel is None or not item.stable or", "parcel is None or"
            ),
        ),
    ),
    Bug(
        name="pending_is_released",
        wrong="A list that customs are still working on counts as released.",
        parts=(
            Edit(
                "lane.controller.evidence:declaration_answer",
                "item.status_class if item.found else",
                "type(item.status_class).RELEASED if item.found else",
            ),
        ),
    ),
    Bug(
        name="undeclared_is_released",
        wrong="A parcel that nobody declared counts as released.",
        parts=(
            Edit(
                "lane.controller.evidence:declaration_answer",
                "item.status_class if item.found else",
                "item.status_class if item.found else type(item.status_class).RELEASED if True else",
            ),
        ),
    ),
    Bug(
        name="status_not_read_again",
        wrong="A status that changes while the parcel is on the belt is not looked at.",
        parts=(
            Edit(
                "lane.controller.deciding:status_changed",
                "        _changed_on_belt(desk, parcel, item)\n",
                "",
            ),
        ),
    ),
    Bug(
        name="silent_feed_is_news_enough",
        wrong="A status feed that is silent for hours counts as up to date.",
        parts=(
            Edit(
                "lane.controller.deciding:_complete_status",
                "elif not desk.machine.feed_fresh and parcel.answer.found:",
                "elif False:",
            ),
        ),
    ),
    Bug(
        name="no_recall",
        wrong="A status that worsens after the release calls nothing back.",
        parts=(
            Edit(
                "lane.controller.deciding:status_changed",
                "if worse and place.seq in desk.state.released:",
                "if False:",
            ),
        ),
    ),
    Bug(
        name="conflicting_lists_taken",
        wrong="Two live lists that claim one parcel: the grounds of the answer are not looked at.",
        parts=(
            Edit(
                "lane.controller.evidence:declaration_answer",
                "    for ground in item.grounds:",
                "    for ground in ():",
            ),
        ),
    ),
)
