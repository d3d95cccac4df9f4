"""Scenario files (``config/scenarios/*.toml``): what a study varies around a lane. Bad files are refused by line."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

from lane.model.config import CoreConfig
from lane.settings.lane_file import load_lane
from lane.settings.reader import Table, TomlFile
from sim.coretwin.settings import TwinSettings
from sim.coretwin.verdicts import SIGNATURES, VerdictModel
from sim.officers import BenchSpec
from sim.streams.make import StreamSpec

PERMILLE = 1_000
MODEL_SHA256 = hashlib.sha256(SIGNATURES.encode()).hexdigest()
"""The verdict model is the model of a core twin; the lane's own one looks at pictures, which there are none of."""
RATE_PER_HOUR_MAX = 7_200
"""Twice what a belt of 1 m/s with parcels of 0.2 m and the smallest gap could take."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """A scenario as read: the lane's own configuration, the stream without its size, the settings around it."""

    config: CoreConfig
    stream: StreamSpec
    settings: TwinSettings

    def sized(self, parcels: int, seed: int) -> StreamSpec:
        """The stream with its size and seed."""
        return replace(self.stream, parcels=parcels, seed=seed)


def load_scenario(path: Path) -> Scenario:
    """Read a scenario and the lane file it names. Raises ``SettingsError`` with one line per problem."""
    file = TomlFile.load(path)
    root = file.root()
    root.text("schema", pattern=r"sim-scenario/1", hint='"sim-scenario/1" (a scenario, see config/scenarios/)')
    file.finish()  # another kind of file: its keys would all be complained of
    lane_name = root.text("lane", hint="path of a lane file, relative to the scenario")
    lane_file = path.parent / lane_name
    if lane_name and not lane_file.is_file():
        expected = f"expected a lane file, {lane_file} is none; a relative path starts at the scenario's own folder"
        root.complain("lane", f"{expected}, {path.parent.absolute()}")
    review = root.boolean("review", False)
    stream = _stream(root.table("stream", required=False))
    verdicts = _verdicts(root.table("verdicts", required=False))
    bench = _bench(root.table("bench", required=False))
    exits = root.table("exit", required=False)
    cage_parcels = exits.scaled("cage_parcels", 1, 10_000, default=TwinSettings().cage_parcels)
    exits.close()
    report_um = root.millimetres("belt_report_mm", 0, 10_000, 0)
    root.close()
    file.finish()
    lane = load_lane(lane_file).core
    config = replace(lane, review_enabled=review, model_sha256=MODEL_SHA256)
    settings = TwinSettings(verdicts=verdicts, bench=bench, cage_parcels=cage_parcels, belt_report_um=report_um)
    return Scenario(config=config, stream=stream, settings=settings)


def _stream(table: Table) -> StreamSpec:
    usual = StreamSpec(seed=0, parcels=1_000)

    def share(key: str) -> int:
        return table.scaled(key, 0, PERMILLE, default=getattr(usual, key))

    shares = {
        name: share(name)
        for name in (
            "short_permille", "over_permille", "swapped_permille", "no_read_permille", "no_declaration_permille",
            "bad_status_permille", "regular_permille", "measure_permille",
        )
    }  # fmt: skip
    rate = table.scaled("rate_per_hour", 1, RATE_PER_HOUR_MAX, default=usual.rate_per_hour)
    mean = table.scaled("pieces_mean_permille", PERMILLE, 6_000, default=usual.pieces_mean_permille)
    pieces_max = table.scaled("pieces_max", 2, 30, default=usual.pieces_max)
    kinds_max = table.scaled("kinds_max", 1, 6, default=usual.kinds_max)
    table.close()
    planted = sum(value for name, value in shares.items() if name not in ("regular_permille", "measure_permille"))
    if planted > PERMILLE:
        table.complain("", f"expected planted shares of at most {PERMILLE} permille together, was {planted}")
        return usual
    return replace(
        usual, rate_per_hour=rate, pieces_mean_permille=mean, pieces_max=pieces_max, kinds_max=kinds_max, **shares
    )


def _verdicts(table: Table) -> VerdictModel:
    usual = VerdictModel()
    model = VerdictModel(
        uncertain_permille=table.scaled("uncertain_permille", 0, PERMILLE, default=usual.uncertain_permille),
        miss_permille=table.scaled("miss_permille", 0, PERMILLE, default=usual.miss_permille),
        false_alarm_permille=table.scaled("false_alarm_permille", 0, PERMILLE, default=usual.false_alarm_permille),
        failed_permille=table.scaled("failed_permille", 0, PERMILLE, default=usual.failed_permille),
        p_ppm=table.scaled("p", 0, 1, 1_000_000, quoted=True) if table.has("p") else usual.p_ppm,
        constant_us=table.scaled("constant_ms", 0, 60_000, 1_000, usual.constant_us // 1_000, "ms"),
        mean_us=table.scaled("mean_ms", 0, 60_000, 1_000, usual.mean_us // 1_000, "ms"),
    )
    table.close()
    return model


def _bench(table: Table) -> BenchSpec:
    usual = BenchSpec()
    spec = BenchSpec(
        officers=table.scaled("officers", 1, 500, default=usual.officers),
        constant_us=table.scaled("constant_s", 0, 3_600, 1_000_000, usual.constant_us // 1_000_000, "s"),
        mean_us=table.scaled("mean_s", 0, 3_600, 1_000_000, usual.mean_us // 1_000_000, "s"),
    )
    table.close()
    return spec
