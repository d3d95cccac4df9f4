"""What every figure means to a person: title, unit, and a sentence around its value."""

from dataclasses import dataclass

from lane.errors import Cause
from lane.model.grounds import Ground

GROUND_PREFIX = "ground."
"""``ground.RANDOM_DRAW``: percent of all parcels that were inspected with this ground (a parcel may have several)."""
STOPPED_PREFIX = "stopped."
"""``stopped.<CAUSE>``: percent of the time that the lane stood for this cause, way back to running included."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Meaning:
    """One figure in a person's words. ``digits``: decimals shown; ``says``: a sentence around its value and unit."""

    title: str
    unit: str
    digits: int = 1
    says: str = ""


FIGURES: dict[str, Meaning] = {
    "throughput_per_hour": Meaning(title="Throughput", unit="parcels/h", digits=0, says="the lane passes {}"),
    "belt_used_percent": Meaning(
        title="Belt used (of what speed, lengths and gap allow)", unit="%", says="the belt is used to {}"
    ),
    "feeder_wait_mean_s": Meaning(
        title="Wait before the lane, mean", unit="s", says="a parcel waits {} before the lane on average"
    ),
    "feeder_wait_p95_s": Meaning(
        title="Wait before the lane, 95 of 100 below", unit="s", says="95 of 100 parcels wait {} before the lane"
    ),
    "lane_time_mean_s": Meaning(title="Time on the lane, mean", unit="s"),
    "inspected_percent": Meaning(title="Parcels sent to the bench", unit="%", says="{} of the parcels go to the bench"),
    "sound_inspected_percent": Meaning(
        title="Sound parcels sent to the bench", unit="%", says="{} of the sound parcels go to the bench"
    ),
    "escaped_permille": Meaning(
        title="Wrong contents released, of all wrong contents",
        unit="per thousand",
        says="of a thousand wrong contents {} leave unseen",
    ),
    "escapes_per_million": Meaning(
        title="Wrong contents released, of all parcels",
        unit="per million",
        digits=0,
        says="of a million parcels {} leave with wrong contents",
    ),
    "late_per_thousand": Meaning(
        title="Decisions that came too late",
        unit="per 1,000 parcels",
        digits=2,
        says="of 1,000 decisions {} come too late",
    ),
    "bench_queue_mean": Meaning(
        title="Queue before the bench, mean", unit="parcels", says="{} stand before the bench on average"
    ),
    "bench_queue_p50": Meaning(title="Queue before the bench, half of the time below", unit="parcels"),
    "bench_queue_p95": Meaning(
        title="Queue before the bench, 95 % of the time below",
        unit="parcels",
        says="for 95 % of the time {} stand before the bench",
    ),
    "bench_queue_p99": Meaning(title="Queue before the bench, 99 % of the time below", unit="parcels"),
    "bench_wait_mean_s": Meaning(
        title="Wait before the bench, mean", unit="s", says="a parcel waits {} before the bench on average"
    ),
    "bench_wait_p50_s": Meaning(title="Wait before the bench, half of the parcels below", unit="s"),
    "bench_wait_p95_s": Meaning(
        title="Wait before the bench, 95 of 100 below", unit="s", says="95 of 100 parcels wait {} before the bench"
    ),
    "bench_wait_p99_s": Meaning(
        title="Wait before the bench, 99 of 100 below", unit="s", says="99 of 100 parcels wait {} before the bench"
    ),
    "bench_busy": Meaning(title="Bench officers at work, mean", unit="persons", digits=2),
    "bench_staff_mean": Meaning(title="Bench officers present, mean", unit="persons"),
    "bench_utilisation_percent": Meaning(
        title="Bench officers' utilisation", unit="%", says="bench officers are at work {} of their time"
    ),
    "review_asked_percent": Meaning(title="Parcels shown to a review officer", unit="%"),
    "review_answered_percent": Meaning(
        title="Reviews answered in time", unit="%", says="{} of the questions at the screen are answered in time"
    ),
    "review_wait_mean_s": Meaning(title="Wait for a review officer, mean", unit="s", digits=2),
    "review_wait_p95_s": Meaning(title="Wait for a review officer, 95 of 100 below", unit="s"),
    "review_queue_mean": Meaning(title="Queue before the review officers, mean", unit="parcels", digits=2),
    "review_utilisation_percent": Meaning(
        title="Review officers' utilisation", unit="%", says="review officers are at work {} of their time"
    ),
    "review_staff_mean": Meaning(title="Review officers present, mean", unit="persons"),
    "loop_sent_percent": Meaning(title="Parcels sent round for another look", unit="%"),
    "available_percent": Meaning(title="Lane running", unit="% of the time", says="the lane runs {}"),
    "held_percent": Meaning(title="Lane held", unit="% of the time", digits=2, says="the lane is held {}"),
    "suspended_percent": Meaning(
        title="Lane suspended (a full bench or exit)",
        unit="% of the time",
        digits=2,
        says="the lane waits for a full bench or exit {}",
    ),
    "aborted_percent": Meaning(title="Lane aborted", unit="% of the time", digits=2),
    "stops_per_thousand": Meaning(title="Stops", unit="per 1,000 parcels", digits=2),
    "overtime_min": Meaning(
        title="Bench work after the last parcel", unit="min", says="the bench works on for {} after the last parcel"
    ),
}
"""Every figure that a study may report, in the order of the report."""

USUAL = (
    "throughput_per_hour", "belt_used_percent", "feeder_wait_mean_s", "lane_time_mean_s", "inspected_percent",
    "sound_inspected_percent", "escaped_permille", "bench_queue_mean", "bench_queue_p95", "bench_wait_mean_s",
    "bench_wait_p95_s", "bench_utilisation_percent", "available_percent", "suspended_percent",
)  # fmt: skip


def meaning_of(figure: str) -> Meaning:
    """Title and unit of a figure. Raises KeyError for one that there is none of."""
    if figure.startswith(GROUND_PREFIX):
        ground = Ground(figure.removeprefix(GROUND_PREFIX))
        return Meaning(title=f"Inspected for {ground}", unit="% of all parcels", digits=2)
    if figure.startswith(STOPPED_PREFIX):
        cause = Cause(figure.removeprefix(STOPPED_PREFIX))
        return Meaning(title=f"Lane stopped for {cause}", unit="% of the time", digits=2)
    return FIGURES[figure]
