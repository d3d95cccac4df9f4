"""A fitted line as a scenario of the twin, with remarks on what the twin's lane can't take over.

The twin has our lane: belt, gate and rules are its own. From the log come the arrivals, how fast the induct takes
parcels (belt speed and gap), the share that is opened (as sampling rate: independent of everything, like a share), the
share with a doubt for the screen, the verdict's latency, and the people with their service times.
"""

import math
import os
from dataclasses import dataclass
from pathlib import Path

from lane.model.config import CoreConfig
from lane.settings.lane_file import load_lane
from sim.calibrate.fit import Fit
from sim.calibrate.line import Desk
from sim.streamlab.fragment import arrivals_toml, duration_keys, goods_toml, number, toml_text
from sim.streamlab.laws import LawFit
from sim.streams.arrivals import Arrivals, Trace
from sim.streams.fitted import FittedGoods
from sim.streams.make import StreamSpec, make_stream

SPEED_UM_S = (50_000, 1_000_000)
GAP_UM = (50_000, 5_000_000)
SAMPLE_PARCELS = 1_000
GOODS = FittedGoods(counted_only=True)
"""Sound parcels whose units leave no doubt: nothing but the log's own share goes to the bench."""
BENCH_PLACES = 100_000
"""A foreign log says nothing on the room at its bench: enough, so that it never stops the induction."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Written:
    """The scenario's text and what it couldn't say."""

    text: str
    remarks: tuple[str, ...]


def scenario_toml(fit: Fit, lane_file: Path, folder: Path, source: str, trace: Path | None = None) -> Written:
    """The scenario for ``folder`` on the lane of ``lane_file``. ``trace``: replay this stream instead of the model.

    Raises ``SettingsError`` for a bad lane file.
    """
    lane = load_lane(lane_file).core
    line = fit.line
    remarks: list[str] = []
    length_um = _mean_length_um()
    speed_um_s = _speed(line.exit, lane, length_um, remarks)
    gap_um = _gap(line.cycle, lane, speed_um_s, length_um, remarks)
    arrivals = line.arrivals if trace is None else Arrivals(model=Trace(path=Path(os.path.relpath(trace, folder))))
    share = line.bench.share if line.bench else 0.0
    review = _review(fit, remarks)
    doubts = review.share / max(1e-9, 1 - share) if review else 0.0
    parts = [
        f"# Calibrated to {toml_text(source)}: {fit.arrivals.parcels} parcels. By `lane sim calibrate`; SYNTHETIC.",
        'schema = "sim-scenario/1"',
        f"lane = {toml_text(os.path.relpath(lane_file, folder))}",
        f"review = {'true' if review else 'false'}",
        "",
        "[stream]                             # shares come from the log: nothing is planted on top of them",
        *(f"{name}_permille = 0" for name in ("short", "over", "swapped", "no_read", "no_declaration", "bad_status")),
        "measure_permille = 0",
        "",
        arrivals_toml(arrivals),
        goods_toml(GOODS),
        "[draw]                               # the log's share to the bench, each parcel for itself",
        'design = "independent"',
        f'rate = "{min(1.0, share):.6f}"',
        "",
        "[verdicts]",
        f"uncertain_permille = {min(1_000, round(1_000 * doubts))}",
        "miss_permille = 0",
        "false_alarm_permille = 0",
        "failed_permille = 0",
        *_verdict(line.verdict),
        "",
        *_desk("bench", line.bench, f"places = {BENCH_PLACES}"),
        *_desk("reviewers", review, "doubt_permille = 0"),
        "[belt]",
        f"speed_mm_s = {number(speed_um_s, 1_000)}",
        f"gap_mm = {number(gap_um, 1_000)}",
        "",
        "[feeder]",
        "slack_mm = 0",
    ]
    return Written(text="\n".join(parts) + "\n", remarks=tuple(remarks))


def _mean_length_um() -> int:
    sample = make_stream(StreamSpec(seed=1, parcels=SAMPLE_PARCELS, goods=GOODS))
    return sum(parcel.length_um for parcel in sample) // len(sample)


def _speed(exit_law: LawFit | None, lane: CoreConfig, length_um: int, remarks: list[str]) -> int:
    """Belt speed that takes a parcel from the induct eye past the inspect exit in the log's time."""
    if exit_law is None:
        return lane.speed_um_s
    way_um = lane.layout.exit_inspect_um + length_um
    speed = round(way_um * 1e6 / exit_law.mean_us / 1_000) * 1_000 if exit_law.mean_us else 0
    if SPEED_UM_S[0] <= speed <= SPEED_UM_S[1]:
        return speed
    remarks.append(f"the log's time on the belt ({exit_law.mean_us / 1e6:.1f} s) is none of this lane's: its belt "
                   f"keeps {lane.speed_um_s // 1_000} mm/s")  # fmt: skip
    return lane.speed_um_s


def _gap(cycle: LawFit | None, lane: CoreConfig, speed_um_s: int, length_um: int, remarks: list[str]) -> int:
    """Gap that gives the log's mean cycle of the induct with parcels of mean length."""
    if cycle is None:
        return lane.layout.gap_um_min
    gap = round((speed_um_s * cycle.mean_us / 1e6 - length_um) / 1_000) * 1_000
    spread = cycle.deviation_us / cycle.mean_us if cycle.mean_us else 0.0
    if spread > 0.25:
        remarks.append(f"the log's induct cycle varies more (cv {spread:.2f}) than parcels' lengths make it here: "
                       "waits at the feeder will be shorter")  # fmt: skip
    if not GAP_UM[0] <= gap <= GAP_UM[1]:
        remarks.append(f"the log's induct cycle ({cycle.mean_us / 1e6:.2f} s) needs a gap of {gap // 1_000} mm, which "
                       "this lane can't have")  # fmt: skip
    return min(max(gap, GAP_UM[0]), GAP_UM[1])


def _review(fit: Fit, remarks: list[str]) -> Desk | None:
    """The people at the screen, unless the log's parcels wait for them: on our lane a parcel moves on meanwhile."""
    review = fit.line.review
    if review is not None and fit.line.after_review is not None:
        remarks.append(
            f"the log's parcels wait for their reviews ({review.service.mean_us / 1e6:.1f} s each); those of this lane "
            "move on and are opened: the scenario is without reviews, the model has them"
        )
        return None
    return review


def _verdict(law: LawFit | None) -> list[str]:
    """Constant and exponential part with the law's mean and deviation, as far as there are such."""
    if law is None:
        return []
    spread = min(law.deviation_us, law.mean_us)
    return [f"constant_ms = {number(round((law.mean_us - spread) / 1_000), 1)}",
            f"mean_ms = {number(math.ceil(spread / 1_000), 1)}"]  # fmt: skip


def _desk(name: str, desk: Desk | None, *more: str) -> list[str]:
    if desk is None:
        return []
    return [f"[{name}]", f"officers = {desk.servers}", *duration_keys(desk.service.duration), *more, ""]
