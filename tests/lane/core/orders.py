"""Short words for tests of persons' orders."""

from typing import Any

from lane.events.parcel import (
    MessageQueued,
    ParcelDiverted,
    ReviewRequested,
)
from lane.inputs import StatusChanged
from lane.model.grounds import Ground
from lane.model.words import BenchResult, MessageKind, StatusClass, Via
from lane.orders import (
    RecordBench,
    Review,
)
from tests.lane.core.boxes import Box
from tests.lane.core.helpers import MINUTE, reach, running
from tests.lane.core.miniplant import MiniPlant

HOUR = 60 * MINUTE


def doubtful(**changes: Any) -> MiniPlant:
    """A lane with review and one parcel that only an officer's look can clear."""
    plant = running(review_enabled=True, **changes)
    plant.lay(Box(code="T000000001", p_ppm=700_000))
    reach(plant, ReviewRequested)
    return plant


def answer(plant: MiniPlant, *, clear: bool = True, **changes: Any) -> None:
    asked = plant.of(ReviewRequested)[0]
    fields = {"seq": asked.seq, "image_sha256": asked.image_sha256, "clear": clear, **changes}
    plant.order(Review, **fields)


def diverted(**changes: Any) -> MiniPlant:
    """A lane whose only parcel lies at the bench."""
    plant = running()
    plant.lay(Box(code="T000000001", seen=1, **changes))
    reach(plant, ParcelDiverted)
    return plant


def bench(plant: MiniPlant, result: BenchResult, person: str = "wang", second: str = "", seq: int = 1) -> None:
    plant.order(RecordBench, person, seq=seq, result=result, found=((1, 1),), second=second)


def messages(plant: MiniPlant) -> list[tuple[MessageKind, int, Via]]:
    return [(event.message, event.revision, event.via) for event in plant.of(MessageQueued)]


def changed(plant: MiniPlant, status: StatusClass, version: str = "v1", seq: int = 1, *extra: Ground) -> None:
    plant.give(
        StatusChanged(
            **plant.now(), seq=seq, version=version, status_code="500", status_class=status, status_at="", grounds=extra
        )
    )
