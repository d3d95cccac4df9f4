"""Bugs of permits and of the gate that obeys them."""

from sim.museum.bug import Bug
from sim.museum.patching import Edit

NO_READ_BACK = (Edit("lane.controller.permitting:output_proven", "    if not ours:\n", "    if False:\n"),)
"""The lane does not look at the release output itself, only at the blade's end switches."""

BUGS = (
    Bug(
        name="output_for_nobody",
        wrong="A release output that comes on for a permit nobody issued is a piece of news, no fault.",
        parts=NO_READ_BACK,
    ),
    Bug(
        name="permit_number_used_again",
        wrong="Every permit has the same number.",
        parts=(Edit("lane.permits:next_number", "return last % PERMIT_NO_MAX + 1", "return 1"),),
    ),
    Bug(
        name="permit_before_the_list_is_empty",
        wrong="An order of a person is no reason against a release.",
        parts=(
            Edit("lane.disposition:decide", "if grounds and route is", "if False and route is"),
            Edit("lane.disposition:decide", "or not grounds,", "or True,"),
            Edit("lane.controller.permitting:issue", "assert not parcel.grounds", "assert True"),
        ),
    ),
    Bug(
        name="permit_outlives_doubt",
        wrong="A ground found after the decision does not end the permit.",
        parts=(
            Edit(
                "lane.controller.permitting:doubt",
                "if desk.ground(parcel, ground) and parcel.decided:",
                "if desk.ground(parcel, ground) and False:",
            ),
        ),
    ),
    Bug(
        name="void_in_the_books_only",
        wrong="A permit is voided in the journal, but the gate is not called back.",
        parts=(Edit("lane.controller.permitting:void", "        rest_gate(desk, reason)", "        pass"),),
    ),
    Bug(
        name="permits_survive_a_lost_link",
        wrong="A device that does not answer leaves the permits as they are.",
        parts=(Edit("lane.controller.watching:link_lost", 'void_all(desk, f"link to {item.role} lost")', "pass"),),
    ),
    Bug(
        name="permits_survive_leaving_execute",
        wrong="A Hold or an Abort leaves permits in force.",
        parts=(
            Edit(
                "lane.controller.running:change",
                'void_all(desk, f"lane left EXECUTE: {cause}")',
                "pass",
            ),
        ),
    ),
    Bug(
        name="gate_open_too_long",
        wrong="The gate closes 800 mm behind the parcel's own tail.",
        parts=(
            Edit(
                "lane.permits:shut_um",
                "return tail_um + config.layout.gate_um + config.gate.margin_um",
                "return tail_um + config.layout.gate_um + 800_000",
            ),
        ),
    ),
    Bug(
        name="gate_shut_on_the_tail",
        wrong="The gate closes before the parcel's tail is past.",
        parts=(
            Edit(
                "lane.permits:shut_um",
                "return tail_um + config.layout.gate_um + config.gate.margin_um",
                "return tail_um + config.layout.gate_um - 3 * config.gate.margin_um",
            ),
        ),
    ),
    Bug(
        name="gate_open_too_early",
        wrong="The gate opens 800 mm before the parcel's head.",
        parts=(
            Edit(
                "lane.permits:open_um",
                "config.layout.gate_um - way_um(",
                "config.layout.gate_um - 600_000 - way_um(",
            ),
        ),
    ),
    Bug(
        name="gate_open_too_late",
        wrong="The gate begins to open when the parcel's head is there.",
        parts=(
            Edit(
                "lane.permits:open_um",
                "config.layout.gate_um - way_um(config, config.gate.travel_us + config.gate.settle_us)",
                "config.layout.gate_um",
            ),
        ),
    ),
    Bug(
        name="gate_not_awaited_home",
        wrong="The next permit is issued though the gate can't be back by then.",
        parts=(
            Edit(
                "lane.controller.permitting:window_free",
                ">= desk.state.permit_home_um",
                ">= 0",
            ),
        ),
    ),
    Bug(
        name="gate_stuck_out_unnoticed",
        wrong="A gate that does not come home behind its parcel is not noticed.",
        parts=(
            Edit("lane.controller.permitting:gate_due", "if not still_away(machine, kind, to_um) or", "if True or"),
        ),
    ),
    Bug(
        name="gate_stuck_home_unnoticed",
        wrong="A gate that does not open for its permit is not noticed.",
        parts=(
            Edit(
                "lane.controller.permitting:proof_due",
                "if parcel.permit.state is",
                "if False and parcel.permit.state is",
            ),
        ),
    ),
    Bug(
        name="gate_astray_ignored",
        wrong="A gate away from INSPECT without a permit stops no further permit.",
        parts=(
            Edit(
                "lane.controller.permitting:astray",
                "return not any(",
                "return False and not any(",
            ),
        ),
        without=NO_READ_BACK,
        masked_by="the read-back of the release output, which betrays a strange pulse before the blade has moved far",
    ),
    Bug(
        name="gate_proof_of_another_permit",
        wrong="Any gate at RELEASE proves whichever permit is waiting.",
        parts=(
            Edit(
                "lane.controller.permitting:gate_in_position",
                "if permit.permit_no != permit_no or permit.state is",
                "if permit.state is",
            ),
        ),
    ),
    Bug(
        name="gate_proof_at_any_place",
        wrong="A gate that opened outside the permit's window proves the permit.",
        parts=(
            Edit(
                "lane.permits:covers",
                "return permit.from_um - slack_um <= belt_um <= permit.to_um + slack_um",
                "return True",
            ),
        ),
        without=(
            Edit(
                "lane.controller.permitting:proof_due",
                "if parcel.permit.state is",
                "if False and parcel.permit.state is",
            ),
        ),
        masked_by="the time limit of the proof, which ends a permit before its window does",
    ),
    Bug(
        name="gate_for_nobody",
        wrong="A gate that opens for a permit nobody holds is a piece of news, no fault.",
        parts=(
            Edit(
                "lane.controller.permitting:gate_in_position",
                "    if not desk.executing():\n",
                "    if True:\n",
            ),
        ),
        without=NO_READ_BACK,
        masked_by="the read-back of the release output, which betrays a strange pulse before the blade has moved far",
    ),
    Bug(
        name="gate_fault_ignored",
        wrong="A gate that contradicts itself voids nothing and holds nobody.",
        parts=(
            Edit(
                "lane.controller.permitting:gate_fault",
                "if desk.machine.phase is Phase.PROOF:",
                "if True:",
            ),
        ),
    ),
    Bug(
        name="used_when_issued",
        wrong="A permit counts as used in the moment in which it is issued.",
        parts=(
            Edit(
                "lane.controller.permitting:issue",
                "    parcel.permit = permit\n",
                "    parcel.permit = permit\n    permits.use(permit)\n",
            ),
        ),
    ),
    Bug(
        name="decision_point_too_late",
        wrong="The decision is made where the gate can no longer open in time.",
        parts=(
            Edit(
                "lane.controller.deciding:decision_due",
                "due = parcel.body.anchor_um + desk.decision_um",
                "due = parcel.body.anchor_um + desk.late_um + 40_000",
            ),
        ),
    ),
    Bug(
        name="late_decision_counts",
        wrong="A decision too late for the gate still releases.",
        parts=(
            Edit(
                "lane.controller.deciding:_complete",
                "desk.state.belt_um > parcel.body.anchor_um + desk.late_um",
                "False",
            ),
        ),
    ),
    Bug(
        name="follower_not_kept_out",
        wrong="A body without a permit close behind a released one does not stop the belt at the divert eye.",
        parts=(
            Edit("lane.controller.divert:keep_out", "if machine.gate not in AWAY or not desk.executing():", "if True:"),
        ),
    ),
    Bug(
        name="other_length_at_the_gate",
        wrong="What the divert eye measures is another length than the permitted parcel's, and it goes through.",
        parts=(Edit("lane.controller.divert:other_body", "if not desk.executing():", "if True:"),),
    ),
    Bug(
        name="every_master_is_obeyed",
        wrong="The lane I/O obeys whoever writes to it, whoever owns it.",
        parts=(Edit("sim.plant.owner:Owner.admits", "if token == 0 or token != self.token:", "if False:"),),
    ),
    Bug(
        name="owner_lost_at_once",
        wrong="A stranger becomes the owner of the lane I/O while the lane still speaks to it.",
        parts=(Edit("sim.plant.owner:Owner.claim", "self.token != 0 and not silent", "self.token != 0 and False"),),
    ),
)
