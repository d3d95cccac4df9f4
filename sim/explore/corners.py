"""Corners: lanes at the edge of what they may be, where faults of one family come thick.

A fault that is rare, or that matters only beside another one or on an odd lane, is met once in a hundred thousand
parcels by chance. A corner puts it there on purpose: a handful of kinds at every tenth parcel or more, with strengths
around the limits of the layout, on a lane whose bench, epochs or spacing are small. Faults and devices are the same.
"""

from dataclasses import dataclass, replace
from typing import Any

from sim.explore.setup import Field, Setup, config_of, draw_setup
from sim.faults import CATALOGUE, Fault, FaultKind
from sim.streams.randoms import Keyed

_K = FaultKind


@dataclass(frozen=True, slots=True, kw_only=True)
class Corner:
    """``kinds`` with their rate per 1,000 parcels; ``setup``: what is odd about the lane; ``at_limits``: bodies move by
    as much as an eye's window is wide, a little more or less; ``gate``: faults begin when a parcel nears the gate, and
    eyes are those there."""

    name: str
    kinds: dict[FaultKind, int]
    setup: dict[str, Any] | None = None
    at_limits: bool = False
    gate: bool = False


def _each(permille: int, *kinds: FaultKind) -> dict[FaultKind, int]:
    return dict.fromkeys(kinds, permille)


CORNERS = (
    Corner(
        name="slow commits at the gate", kinds=_each(250, _K.DISK_SLOW), gate=True,
        setup={
            "planted_permille": 0, "uncertain_permille": 0, "speed_um_s": 300_000, "travel_us": 120_000,
            "rate_per_hour": 900,
        },
    ),
    Corner(name="edges of the eyes' windows", kinds=_each(200, _K.BODY_SLIP), at_limits=True),
    Corner(
        name="a small bench where nobody works", kinds=_each(40, _K.BENCH_STOPS),
        setup={"bench_places": 4, "officers": 2, "draw": "0.2"},
    ),
    Corner(
        name="a blade that sticks, and a core that is away", gate=True,
        kinds={_K.GATE_STUCK_OUT: 150, _K.GATE_STUCK: 100, _K.CORE_PAUSED: 100, _K.IO_SILENT: 60, _K.GATE_SLOW: 60},
    ),
    Corner(
        name="restarts at the gate", gate=True,
        kinds={_K.CORE_KILLED: 60, _K.PLC_RESTART: 30, _K.POWER_CUT: 30, _K.JOURNAL_FAILED: 20},
    ),
    Corner(
        name="the same waybills again and again",
        kinds={_K.INDUCTED_AGAIN: 250, _K.DUPLICATE_WAYBILL: 200},
        setup={"draw": "0.2", "planted_permille": 0},
    ),
    Corner(
        name="pictures", kinds=_each(
            60, _K.IMAGE_LOST, _K.IMAGE_LATE, _K.IMAGE_REPEATED, _K.IMAGE_SWAPPED, _K.IMAGE_MERGED, _K.IMAGE_TRUNCATED,
            _K.IMAGE_POOR,
        ),
    ),
    Corner(
        name="counts", kinds=_each(
            60, _K.VISION_LATE, _K.VISION_AT_THE_LATCH, _K.VISION_NAN, _K.VISION_ABSURD, _K.VISION_OTHER_IMAGE,
            _K.VISION_OTHER_MODEL, _K.VISION_LOST,
        ),
    ),
    Corner(
        name="people", kinds={
            _K.DECISION_CANCELLED: 250, _K.DECISION_LATE: 100, _K.DOUBLE_CLICK: 100, _K.HELD_BY_HAND: 100,
        },
        setup={"review": True, "uncertain_permille": 400},
    ),
    Corner(
        name="strangers behind parcels",
        kinds={_K.BODY_INSERTED: 200, _K.EYE_MISSED: 60},
    ),
    Corner(
        name="eyes at the gate, and long reports", kinds=_each(150, _K.EYE_MISSED, _K.EYE_STUCK_OFF), gate=True,
        setup={"speed_um_s": 700_000, "report_lag_us": 300_000, "planted_permille": 0},
    ),
    Corner(
        name="a stranger at the release block", kinds={_K.SECOND_MASTER: 200, _K.GATE_SLOW: 300}, gate=True,
        setup={"planted_permille": 0, "uncertain_permille": 0, "draw": "0.02"},
    ),
    Corner(
        name="doubts at the gate", gate=True, setup={"planted_permille": 0},
        kinds=_each(120, _K.STATUS_WORSENED, _K.DECLARATION_CHANGED, _K.SPEED_CHANGE, _K.HELD_BY_HAND),
    ),
    Corner(
        name="readers and scale", kinds={
            _K.WRONG_READ: 250,
            **_each(
                80, _K.NO_READ, _K.TWO_CODES, _K.CODES_REVERSED, _K.DOUBLE_READ, _K.WEIGHT_UNSTABLE,
                _K.WEIGHT_OTHER_BODY,
            ),
        },
    ),
    Corner(
        name="lists", kinds=_each(
            80, _K.STATUS_WORSENED, _K.DECLARATION_CHANGED, _K.DECLARATION_CONFLICT, _K.DECLARATION_LATE,
            _K.FEED_SILENT,
        ),
    ),
    Corner(name="small epochs", kinds=_each(150, _K.NO_EPOCH), setup={"epoch_draws": 8, "draw": "0.2"}),
    Corner(
        name="links and safety", gate=True, kinds=_each(
            40, _K.IO_GAP, _K.IO_SILENT, _K.RECONNECT_STORM, _K.WATCHDOG_OFF, _K.EMERGENCY_STOP, _K.GUARD_OPEN,
        ),
    ),
    Corner(  # what a switch kept back is told where somebody looks: behind the window, if the blade still sticks there
        name="switches that lie", gate=True, setup={"planted_permille": 0, "report_lag_us": 100_000},
        kinds={_K.GATE_FALSE_SWITCH: 300, _K.GATE_STUCK: 300, _K.GATE_STUCK_OUT: 250, _K.GATE_BOUNCES: 60},
    ),
    Corner(
        name="close followers at the gate", kinds={_K.TOUCHING: 250, _K.OVERLAPPING: 60}, gate=True,
        setup={"planted_permille": 0},
    ),
    Corner(
        name="a lane that feeds too closely", kinds=_each(150, _K.BODY_SLIP), at_limits=True,
        setup={
            "spare_um": -400_000, "planted_permille": 0, "uncertain_permille": 0, "draw": "0.02", "bench_places": 400,
            "gap_um": 250_000, "speed_um_s": 700_000, "travel_us": 300_000, "rate_per_hour": 3_600,
            "regular_permille": 0,
        },
    ),
    Corner(
        name="a core that stands still at the gate", kinds=_each(150, _K.CORE_PAUSED), gate=True,
        setup={"planted_permille": 0, "uncertain_permille": 0, "rate_per_hour": 600, "regular_permille": 900},
    ),
    Corner(name="devices that are away", kinds=_each(80, _K.DEVICE_SILENT, _K.READER_SILENT)),
)  # fmt: skip
SLACK_UM = 3_000
"""How near to the edge of a window a body is put, either side."""
GATE_EYES_UM = (6_003_000, 6_004_000, 6_005_000)
"""Places before the gate that choose the divert eye or one of the exit eyes."""
LEAD_US = 1_500_000
"""Faults at the gate begin within this before a parcel's head is there, or after."""


def corner_of(seed: int) -> int:
    """Which corner a seed means, as a number from 0."""
    return Keyed(seed, "corner").below(len(CORNERS))


def corner_setup(number: int, seed: int, field: Field) -> Setup:
    """The lane of a seed in a corner."""
    return replace(draw_setup(seed, field), **(CORNERS[number].setup or {}))


def corner_faults(number: int, seed: int, setup: Setup, parcels: int, way_us: int) -> tuple[Fault, ...]:
    """The faults of a seed in a corner; ``way_us``: they begin within this after their parcel's induct eye."""
    corner, layout = CORNERS[number], config_of(setup).layout
    at_gate_us = layout.divert_um * 1_000_000 // setup.speed_um_s
    windows = [layout.eye_window_um, (layout.divert_um - layout.tunnel_exit_um) // 100]
    faults = []
    for kind, permille in corner.kinds.items():
        keyed, shape = Keyed(seed, "corner", kind), CATALOGUE[kind]
        for parcel in range(1, parcels + 1):
            if not keyed.permille(permille):
                continue
            strength = keyed.between(*shape.strength)
            if corner.at_limits:
                strength = keyed.choice((-1, 1)) * (keyed.choice(windows) + keyed.between(-SLACK_UM, SLACK_UM))
            near_us = keyed.between(at_gate_us - LEAD_US, at_gate_us + LEAD_US)
            faults.append(
                Fault(
                    kind=kind,
                    at_us=max(0, near_us) if corner.gate else keyed.between(0, way_us),
                    duration_us=keyed.between(*shape.duration_us),
                    position_um=GATE_EYES_UM[keyed.below(3)] if corner.gate else keyed.between(200_000, 8_000_000),
                    parcel=parcel,
                    strength=strength,
                )
            )
    return tuple(sorted(faults, key=lambda fault: (fault.parcel, fault.at_us, fault.kind)))
