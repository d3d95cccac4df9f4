"""One-shot permits: one parcel, one belt window, one expiry. And where on the belt they must be decided.

A permit is issued once per parcel, used at most once, inside its window; a void or used permit never comes back. The
device makes and ends the gate pulse; the core only names window and expiry.
"""

from enum import StrEnum

from msgspec import Struct

from lane.model.config import CoreConfig

PERMIT_NO_MAX = 65_000
"""The device's permit register is 16 bits wide and 0 means none (device manual, section 1); the numbers above this one
belong to the driver's own test pulses (watchdog proof), so that no parcel's permit is ever taken for a test."""
PROOF_PERMITS = frozenset({65_534, 65_535})
"""Numbers of the watchdog proof's test pulses (device manual, section 1); the driver takes them in turn."""
REMEMBERED = 64
"""The device still names a permit after its parcel left: more than a belt load of them, so that none is forgotten."""
SECOND_US = 1_000_000
BRAKE_UM_S2 = 1_000_000
"""Deceleration of the belt drive, 1,000 mm/s2 (device manual, section 2)."""
PULSE_SPARE_MS = 200
PULSE_SPARE_PERMILLE = 1_200
"""The pulse ends at its belt position; its time limit is a fifth longer, for a belt that runs a little slow."""


class PermitState(StrEnum):
    """Life of a permit; NONE: never issued."""

    NONE = "NONE"
    ISSUED = "ISSUED"
    USED = "USED"
    VOID = "VOID"


_NONE, _ISSUED, _USED, _VOID = PermitState.NONE, PermitState.ISSUED, PermitState.USED, PermitState.VOID


class Permit(Struct, kw_only=True, gc=False):
    """Permit of one parcel. ``proved_by_um``: belt position by which the gate's end switch must have answered."""

    permit_no: int = 0
    from_um: int = 0
    to_um: int = 0
    not_after_us: int = 0
    proved_by_um: int = 0
    state: PermitState = PermitState.NONE


def way_um(config: CoreConfig, time_us: int) -> int:
    """Belt way in a time at the configured speed, rounded up."""
    return -(-config.speed_um_s * time_us // SECOND_US)


def decision_um(config: CoreConfig) -> int:
    """Distance of the decision point from the induct eye.

    Divert eye minus the gate-window distance v x (command + travel + settle) minus margin.
    """
    gate = config.gate
    return config.layout.divert_um - way_um(config, gate.command_us + gate.travel_us + gate.settle_us) - gate.margin_um


def late_um(config: CoreConfig) -> int:
    """Distance from the induct eye behind which a decision can no longer open the gate before the head gets there.

    Same distance as the decision point, but before the gate itself: between both lies what jitter may use.
    """
    return decision_um(config) + config.layout.gate_um - config.layout.divert_um


def open_um(config: CoreConfig, head_um: int) -> int:
    """Belt position at which the gate must start to open, to be OUT and settled when the head reaches it."""
    return head_um + config.layout.gate_um - way_um(config, config.gate.travel_us + config.gate.settle_us)


def shut_um(config: CoreConfig, tail_um: int) -> int:
    """Belt position at which the gate closes: the parcel's own tail is past it."""
    return tail_um + config.layout.gate_um + config.gate.margin_um


def home_again_um(config: CoreConfig, to_um: int) -> int:
    """Belt position at which the gate is back at INSPECT after closing at ``to_um``; no pulse may open before it."""
    return to_um + way_um(config, config.gate.travel_us)


def stop_um(config: CoreConfig) -> int:
    """Belt way from the word that the belt must stop to its standing still: command, ramp, report of the position."""
    brake = config.speed_um_s * config.speed_um_s // (2 * BRAKE_UM_S2)
    return way_um(config, config.gate.command_us + config.report_lag_us) + brake


def left_by_um(config: CoreConfig, to_um: int) -> int:
    """Belt position by which the blade must have left its OUT switch, after closing was due at ``to_um``."""
    return to_um + way_um(config, config.gate.command_us + config.gate.settle_us)


def home_by_um(config: CoreConfig, to_um: int) -> int:
    """Belt position by which the blade must be proven at HOME, after closing was due at ``to_um``."""
    return to_um + way_um(config, config.gate.travel_us + config.gate.settle_us + config.report_lag_us)


def home_soonest_um(config: CoreConfig, left_um: int) -> int:
    """Belt position at which a sound blade that left its OUT switch at ``left_um`` is at HOME."""
    return left_um + way_um(config, config.gate.travel_us + config.gate.settle_us)


def follow_um(config: CoreConfig) -> int:
    """Least gap behind a released parcel: the next head is at the blade when the blade is at HOME again."""
    return config.gate.margin_um + home_again_um(config, 0)


def branch_um(config: CoreConfig) -> int:
    """Least belt from divert eye to release exit: what the eye finds wrong there stands before it has left the lane."""
    return config.layout.eye_window_um + stop_um(config)


class Ways(Struct, frozen=True, kw_only=True, gc=False):
    """The belt ways of one configuration, worked out once: add a belt position. Meaning: functions of these names."""

    open_um: int
    shut_um: int
    home_again_um: int
    stop_um: int
    left_by_um: int
    home_by_um: int
    home_soonest_um: int
    command_um: int
    proof_um: int
    margin_um: int
    settle_us: int
    speed_um_s: int


def ways(config: CoreConfig) -> Ways:
    """Ways of a configuration. ``proof_um``: from opening to the latest proof by the end switch."""
    gate = config.gate
    return Ways(
        open_um=open_um(config, 0),
        shut_um=shut_um(config, 0),
        home_again_um=home_again_um(config, 0),
        stop_um=stop_um(config),
        left_by_um=left_by_um(config, 0),
        home_by_um=home_by_um(config, 0),
        home_soonest_um=home_soonest_um(config, 0),
        command_um=way_um(config, gate.command_us),
        proof_um=way_um(config, gate.feedback_us_max + config.report_lag_us),
        margin_um=gate.margin_um,
        settle_us=gate.settle_us,
        speed_um_s=config.speed_um_s,
    )


def next_number(last: int) -> int:
    """Permit numbers run 1..``PERMIT_NO_MAX`` and start over."""
    return last % PERMIT_NO_MAX + 1


def was_issued(permit_no: int, last: int) -> bool:
    """Whether the lane issued this number lately; ``last``: the number it issued last (0: none yet)."""
    return last > 0 and 1 <= permit_no <= PERMIT_NO_MAX and (last - permit_no) % PERMIT_NO_MAX < REMEMBERED


def issue(way: Ways, permit_no: int, *, head_um: int, tail_um: int, at_us: int, belt_um: int) -> Permit:
    """A new permit. It expires when opening would come too late for the head (settle time and margin are spare)."""
    start, end = head_um + way.open_um, tail_um + way.shut_um
    assert 1 <= permit_no <= PERMIT_NO_MAX, "I1: permit number out of range"
    assert belt_um < end, "I10: window already past"
    ahead = (start - belt_um if start > belt_um else 0) + way.margin_um
    not_after = at_us + ahead * SECOND_US // way.speed_um_s + way.settle_us
    return Permit(
        permit_no=permit_no,
        from_um=start,
        to_um=end,
        not_after_us=not_after,
        proved_by_um=start + way.proof_um,
        state=_ISSUED,
    )


def pulse_ms(way: Ways, permit: Permit) -> int:
    """Longest time the pulse may last in the device, whatever the belt does."""
    way_ms = (permit.to_um - permit.from_um) * 1_000 // way.speed_um_s
    return way_ms * PULSE_SPARE_PERMILLE // 1_000 + PULSE_SPARE_MS


def covers(permit: Permit, belt_um: int, slack_um: int) -> bool:
    """Whether the gate's answer at this belt position belongs to the permit's window."""
    return permit.from_um - slack_um <= belt_um <= permit.to_um + slack_um


def use(permit: Permit) -> None:
    """The gate opened for it: ISSUED -> USED, once."""
    assert permit.state is _ISSUED, f"I10: permit {permit.permit_no} used while {permit.state}"
    permit.state = _USED


def void(permit: Permit) -> bool:
    """End it; False if there was nothing to end. A used permit may still be voided: its parcel is then unproven."""
    if permit.state is _NONE or permit.state is _VOID:
        return False
    permit.state = _VOID
    return True
