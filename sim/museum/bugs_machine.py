"""Bugs of the machine: states, links, restarts, alarms, places; and of the rules that live in the lane I/O itself."""

from sim.museum.bug import Bug
from sim.museum.patching import Edit

BUGS = (
    Bug(
        name="restart_without_flush",
        wrong="A restarted core trusts the parcels that were on the belt.",
        parts=(
            Edit(
                "lane.controller.core:_lane_started",
                "    permitting.flush(desk, Cause.CORE_STARTED, restart=True)\n",
                "",
            ),
        ),
    ),
    Bug(
        name="restart_keeps_permits",
        wrong="A permit survives the restart of the core.",
        parts=(
            Edit(
                "lane.controller.permitting:flush",
                "            void_only(desk, parcel, cause)\n",
                "            pass\n",
            ),
        ),
    ),
    Bug(
        name="restart_trusts_the_belt",
        wrong="After a restart the belt need not run empty before the lane starts.",
        parts=(
            Edit(
                "lane.controller.core:_lane_started",
                "machine.belt_unknown = machine.proof_needed = True",
                "machine.belt_unknown = machine.proof_needed = False",
            ),
        ),
    ),
    Bug(
        name="flush_in_name_only",
        wrong="A flush is written down, but puts no ground on anybody.",
        parts=(
            Edit(
                "lane.controller.permitting:flush",
                "            desk.ground(parcel, Ground.FLUSHED, announce=False)\n",
                "            pass\n",
            ),
        ),
    ),
    Bug(
        name="lane_io_restart_ignored",
        wrong="A lane I/O that restarted, with its encoder at zero, flushes nobody.",
        parts=(
            Edit(
                "lane.controller.watching:device_restarted",
                '        flush(desk, "lane I/O restarted")\n',
                "",
            ),
        ),
        without=(Edit("lane.controller.belt:encoder_doubt", 'flush(desk, "encoder doubt")', "pass"),),
        masked_by="the flush by the encoder's doubt, which the device tells in the same moment",
    ),
    Bug(
        name="tripped_watchdog_forgiven",
        wrong="A link that comes back with a tripped watchdog runs on without a person.",
        parts=(Edit("lane.controller.watching:link_restored", "if item.watchdog_tripped:", "if False:"),),
    ),
    Bug(
        name="lost_link_never_holds",
        wrong="A needed device may be away as long as it likes.",
        parts=(Edit("lane.controller.watching:link_due", "    if late:\n", "    if False:\n"),),
    ),
    Bug(
        name="safety_chain_ignored",
        wrong="An open emergency stop aborts nothing.",
        parts=(
            Edit(
                "lane.controller.watching:_fault",
                "if cause not in machine.safety_faults and (running or cause is not Cause.KEY_OFF):",
                "if False:",
            ),
        ),
    ),
    Bug(
        name="executing_is_not_asked",
        wrong="A parcel is decided as usual though the lane is not in EXECUTE.",
        parts=(
            Edit(
                "lane.controller.deciding:_complete",
                "desk.ground(parcel, Ground.LANE_NOT_EXECUTING, announce=False)",
                "pass",
            ),
            Edit("lane.controller.permitting:issue", "assert desk.executing()", "assert True"),
        ),
    ),
    Bug(
        name="induction_never_stops",
        wrong="Parcels are let in though the lane holds, the bench is full, or nothing can be drawn.",
        parts=(
            Edit(
                "lane.controller.running:induct",
                "allowed = machine.state is",
                "allowed = True or machine.state is",
            ),
        ),
    ),
    Bug(
        name="full_bench_ignored",
        wrong="A full bench does not stop induction.",
        parts=(
            Edit(
                "lane.controller.running:throttle",
                "config.bench_places - len(state.bench) - on_belt",
                "config.bench_places",
            ),
        ),
    ),
    Bug(
        name="full_bench_for_ever",
        wrong="Induction that a full bench stopped never begins again.",
        parts=(Edit("lane.controller.running:_full", "if free > places // 10:", "if free > places:"),),
    ),
    Bug(
        name="alarms_swallowed",
        wrong="An alarm is noted in the book and told to nobody.",
        parts=(Edit("lane.controller.desk:Desk._announce", "if entry is not None:", "if False:"),),
    ),
    Bug(
        name="wants_lost",
        wrong="Of two causes in one step only the weaker is obeyed.",
        parts=(
            Edit(
                "lane.controller.running:settle",
                "wants.sort(key=lambda want: -packml.rank(want[0]))",
                "wants.sort(key=lambda want: packml.rank(want[0])); del wants[1:]",
            ),
        ),
    ),
    Bug(
        name="journal_failure_survived",
        wrong="A lane that can't write its journal runs on.",
        parts=(
            Edit(
                "lane.controller.watching:journal_failed",
                "desk.machine.journal_failed = True",
                "return",
            ),
        ),
        without=(
            Edit(
                "sim.coretwin.trouble_core:CoreTroubles._journal",
                "    doomed.handle(failed)\n",
                "    station.emit(failed)\n    return\n",
            ),
        ),
        masked_by="the end of the process at a failed commit, after which nothing is decided",
    ),
    Bug(
        name="vision_deadline_forgotten",
        wrong="Deadlines in time never come due.",
        parts=(
            Edit(
                "lane.controller.core:LaneController._fire_time",
                "while due and due[0][0] <= state.at_us:",
                "while due and due.pop(0)[0] <= 0:",
            ),
        ),
    ),
    Bug(
        name="order_given_twice",
        wrong="An order with a nonce that was used before is obeyed again.",
        parts=(Edit("lane.controller.people:_allowed", "if order.nonce in nonces:", "if False:"),),
    ),
    Bug(
        name="pulse_is_a_level",
        wrong="Rule H1 off: the lane I/O keeps the release output on until it is told otherwise.",
        parts=(
            Edit("sim.plant.lane_io:LaneIo.act", "if running is not None and ", "if False and "),
            Edit(
                "sim.plant.lane_io:LaneIo.due_at_us",
                "ends_us = NEVER if self.running is None or",
                "ends_us = NEVER if True or",
            ),
            Edit(
                "sim.plant.lane_io:LaneIo.due_belt_um",
                "if running is not None and running.to_um >= 0:",
                "if False:",
            ),
        ),
    ),
    Bug(
        name="blade_discrepancy_ignored",
        wrong="Rule H2 off: a blade that is not where it was commanded stops nothing.",
        parts=(
            Edit(
                "sim.plant.field_rules:FieldRules.checked",
                "    self.stopped = self.stopped or not there\n    return not there\n",
                "    return False\n",
            ),
        ),
    ),
    Bug(
        name="destination_not_latched",
        wrong="Rule H3 off: a permit for a body that is past the divert eye still opens the gate.",
        parts=(Edit("sim.plant.field_rules:FieldRules.latched", "return any(", "return False and any("),),
    ),
    Bug(
        name="gate_closes_by_time_only",
        wrong="Rule H4 off: the gate closes when the pulse ends, not at the parcel's own tail.",
        parts=(
            Edit(
                "sim.plant.lane_io:LaneIo._ended", "return by_time or 0 <= running.to_um <= belt_um", "return by_time"
            ),
            Edit("sim.plant.lane_io:LaneIo.due_belt_um", "if running is not None and running.to_um >= 0:", "if False:"),
        ),
    ),
    Bug(
        name="close_follower_let_through",
        wrong="Rule H5 off: a body closer than the least gap behind a released one passes the open gate.",
        parts=(
            Edit(
                "sim.plant.field_rules:FieldRules.divert",
                "return Duty.H5 in self._duties and",
                "return False and",
            ),
        ),
    ),
    Bug(
        name="expired_permit_honoured",
        wrong="The lane I/O opens the gate for a permit that has expired.",
        parts=(Edit("sim.plant.lane_io:LaneIo._open", "if at_us > pulse.not_after_us:", "if False:"),),
    ),
    Bug(
        name="pulse_not_cancelled",
        wrong="The order to rest the gate does not cancel a pulse that waits.",
        parts=(Edit("sim.plant.lane_io:LaneIo.rest_gate", "    self.waiting = None\n", ""),),
    ),
    Bug(
        name="watchdog_never_trips",
        wrong="The watchdog of the lane I/O holds its outputs when nobody speaks to it.",
        parts=(Edit("sim.plant.lane_io:LaneIo.watch", "if not self.armed or self.tripped or", "if True or"),),
    ),
    Bug(
        name="window_passed_is_no_reason",
        wrong="The lane I/O takes a window whose beginning the belt has passed.",
        parts=(
            Edit(
                "sim.plant.lane_io:LaneIo.write_release",
                "if not at_once and from_um < belt_um - COUNT_UM:",
                "if False:",
            ),
        ),
    ),
    Bug(
        name="passages_forgotten",
        wrong="The key index forgets earlier passages of a waybill.",
        parts=(
            Edit(
                "lane.journal.memory:MemoryJournal.sticky",
                "if one[1] >= at_us - STICKY_US",
                "if one[1] >= at_us",
            ),
        ),
    ),
)
