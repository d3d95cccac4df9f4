"""A whole lane from a seed: layout, speed, stream, staff, delays and field duties, as plain numbers.

Everything is drawn from keyed streams and printed with the case; nothing is tuned to a result. Numbers that belong
together (the spacing a gate needs) follow from each other, because a lane that can't work is no finding.
"""

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from functools import cache, lru_cache
from pathlib import Path
from typing import Annotated

from msgspec import Meta

import lane
from lane.declarations.tables import Tables, load_tables
from lane.model.config import CoreConfig
from lane.settings.lane_file import load_lane
from sim.coretwin.answers import Answers
from sim.coretwin.settings import TwinSettings
from sim.coretwin.verdicts import SIGNATURES, VerdictModel
from sim.faults import Fault
from sim.officers import BenchSpec
from sim.plant.options import LANE_IO, LANE_PLC, PLAIN_IO, Duty, PlantOptions
from sim.streams.make import StreamSpec, make_stream
from sim.streams.randoms import Keyed
from sim.streams.truth import ParcelTruth

STREAMS = 48
"""Different goods and lists a search runs through; times of arrival are each case's own."""
SPARE_UM = 20_000
"""Room beyond what the gate needs between two released parcels."""
_HOUR_US = 3_600_000_000


class Field(StrEnum):
    """What stands in the field beside the controller."""

    LEVEL = "level"  # remote I/O with a watchdog of a whole second, its release output a level
    SECOND = "second"  # the same with pulses
    PLAIN = "plain"  # remote I/O: watchdog and pulses only
    IO = "io"  # our lane I/O: pulses in an encoder window
    PLC = "plc"  # a lane PLC with all field duties


DUTIES = {
    Field.LEVEL: frozenset({Duty.H0}),
    Field.SECOND: PLAIN_IO,
    Field.PLAIN: PLAIN_IO,
    Field.IO: LANE_IO,
    Field.PLC: LANE_PLC,
}
LACKS = {
    Field.LEVEL: "its release output is a level, without the longest time of a pulse (H1), and its watchdog takes a "
    "whole second, by design: findings are expected here",
    Field.SECOND: "its watchdog takes a whole second, by design: findings are expected here",
}
"""Why a field is searched only when it is asked for."""
WHOLE_SECOND_MS = 1_000


_Wait = Annotated[int, Meta(ge=0, le=60_000_000)]
_Permille = Annotated[int, Meta(ge=0, le=1_000)]


@dataclass(frozen=True, slots=True, kw_only=True)
class Setup:
    """One lane. Lengths in um, times in us, shares in permille; ``draw`` is the draw's rate as text.

    ``run_um``: belt added (or, negative, left out) between tunnel and divert eye. ``goods``: which stream.
    ``spare_um``: room that the feeder leaves beyond what the gate needs (negative: it feeds too closely). The bounds
    are those of a lane file and a scenario; a case file outside them is refused.
    """

    field: Field = Field.PLC
    speed_um_s: Annotated[int, Meta(ge=50_000, le=1_000_000)] = 500_000
    run_um: Annotated[int, Meta(ge=-4_000_000, le=45_000_000)] = 0
    gap_um: Annotated[int, Meta(ge=50_000, le=5_000_000)] = 300_000
    travel_us: Annotated[int, Meta(ge=20_000, le=3_000_000)] = 180_000
    command_us: Annotated[int, Meta(ge=0, le=1_000_000)] = 15_000
    declaration_us: _Wait = 5_000
    image_us: _Wait = 60_000
    message_us: _Wait = 80_000
    report_lag_us: Annotated[int, Meta(ge=20_000, le=60_000_000)] = 300_000
    rate_per_hour: Annotated[int, Meta(ge=60, le=7_200)] = 1_200
    regular_permille: _Permille = 667
    goods: Annotated[int, Meta(ge=0, lt=STREAMS)] = 0
    planted_permille: _Permille = 250
    second_reader: bool = True
    review: bool = False
    officers: Annotated[int, Meta(ge=1, le=500)] = 8
    bench_places: Annotated[int, Meta(ge=1, le=100_000)] = 400
    draw: Annotated[str, Meta(pattern=r"^(0(\.[0-9]{1,9})?|1(\.0{1,9})?)$")] = "0.055"
    epoch_draws: Annotated[int, Meta(ge=1, le=4_096)] = 4_096
    uncertain_permille: _Permille = 150
    attend_us: Annotated[int, Meta(ge=0, le=600_000_000)] = 5_000_000
    spare_um: Annotated[int, Meta(ge=-5_000_000, le=5_000_000)] = SPARE_UM


def draw_setup(seed: int, field: Field) -> Setup:
    """The lane of a seed."""
    keyed = Keyed(seed, "setup")
    speed = keyed.between(30, 70) * 10_000
    gap = keyed.between(25, 45) * 10_000
    capacity = speed * 3_600 // (450_000 + gap + 150_000)  # parcels of 0.45 m, as the catalogue's mostly are shorter
    return Setup(
        field=field,
        speed_um_s=speed,
        run_um=keyed.between(-8, 30) * 100_000,
        gap_um=gap,
        travel_us=keyed.between(120, 300) * 1_000,
        command_us=keyed.between(2, 35) * 1_000,
        declaration_us=keyed.between(1, 400) * 1_000,
        image_us=keyed.between(20, 400) * 1_000,
        message_us=keyed.between(5, 2_000) * 1_000,
        report_lag_us=keyed.between(100, 300) * 1_000,
        rate_per_hour=keyed.between(min(600, capacity // 2), min(2_400, capacity * 9 // 10)),
        regular_permille=keyed.choice((0, 300, 667, 900)),
        goods=keyed.below(STREAMS),
        planted_permille=keyed.choice((0, 80, 250, 400)),
        second_reader=not keyed.permille(250) or field is Field.PLC,
        review=keyed.permille(500),
        officers=keyed.between(6, 12),
        bench_places=keyed.choice((30, 60, 400)),
        draw=keyed.choice(("0.055", "0.055", "0.02", "0.2")),
        epoch_draws=keyed.choice((60, 150, 4_096, 4_096)),
        uncertain_permille=keyed.choice((0, 50, 150, 400)),
        attend_us=keyed.between(2, 8) * 1_000_000,
    )


@cache
def _demo() -> CoreConfig:
    shipped = Path(lane.__file__).resolve().parent.parent / "config" / "lanes" / "demo.toml"
    return load_lane(shipped).core


def config_of(setup: Setup) -> CoreConfig:
    """The controller's configuration."""
    demo = _demo()
    layout, gate, by = demo.layout, demo.gate, setup.run_um
    return replace(
        demo,
        speed_um_s=setup.speed_um_s,
        layout=replace(
            layout,
            gap_um_min=setup.gap_um,
            second_reader_um=layout.second_reader_um + by,
            divert_um=layout.divert_um + by,
            gate_um=layout.gate_um + by,
            exit_release_um=layout.exit_release_um + by,
            exit_inspect_um=layout.exit_inspect_um + by,
        ),
        gate=replace(gate, travel_us=setup.travel_us, feedback_us_max=setup.travel_us + 120_000),
        draw=replace(demo.draw, rate=setup.draw, epoch_draws_max=setup.epoch_draws),
        review_enabled=setup.review,
        bench_places=setup.bench_places,
        report_lag_us=setup.report_lag_us,
        model_sha256=_MODEL_SHA256,
    )


_MODEL_SHA256 = hashlib.sha256(SIGNATURES.encode()).hexdigest()
"""The verdict model is the model of a core twin."""


def spacing_um(setup: Setup, config: CoreConfig) -> int:
    """What a gapping belt adds to the least gap, so that the blade is home and out again between two releases."""
    blade_us = 2 * setup.travel_us + config.gate.settle_us
    needed = config.gate.margin_um + setup.speed_um_s * blade_us // 1_000_000 + setup.spare_um
    return max(SPARE_UM, needed - setup.gap_um)


def settings_of(setup: Setup, config: CoreConfig, faults: tuple[Fault, ...]) -> TwinSettings:
    """What stands around the controller."""
    return TwinSettings(
        verdicts=VerdictModel(uncertain_permille=setup.uncertain_permille),
        bench=BenchSpec(officers=setup.officers, constant_us=4_000_000, mean_us=4_000_000),
        cage_parcels=20,
        command_us=setup.command_us,
        declaration_us=setup.declaration_us,
        image_us=setup.image_us,
        message_us=setup.message_us,
        attend_us=setup.attend_us,
        held_us=60_000_000,
        cage_us=20_000_000,
        faults=faults,
        plant=PlantOptions(
            slack_um=spacing_um(setup, config),
            second_reader=setup.second_reader,
            duties=DUTIES[setup.field],
            watchdog_ms=WHOLE_SECOND_MS if setup.field in (Field.LEVEL, Field.SECOND) else 300,
        ),
    )


@cache
def _tables() -> Tables:
    return load_tables()


@lru_cache(maxsize=2 * STREAMS)
def goods_of(goods: int, parcels: int, planted_permille: int) -> tuple[tuple[ParcelTruth, ...], Answers]:
    """Goods and declared lists, with the store's answers: made once and used by many cases."""
    third = planted_permille // 6
    spec = StreamSpec(
        seed=1_000 + goods, parcels=parcels, short_permille=third, over_permille=third, swapped_permille=third,
        no_read_permille=third, no_declaration_permille=third, bad_status_permille=third,
    )  # fmt: skip
    stream = tuple(make_stream(spec))
    return stream, Answers(stream, _tables())


def arrivals(setup: Setup, parcels: int, seed: int) -> list[int]:
    """Times at which the parcels wait before the induct eye."""
    keyed = Keyed(seed, "arrivals")
    headway = _HOUR_US // setup.rate_per_hour
    constant = headway * setup.regular_permille // 1_000
    times, at_us = [], 10_000_000
    for _ in range(parcels):
        times.append(at_us)
        at_us += constant + keyed.exponential(headway - constant)
    return times
