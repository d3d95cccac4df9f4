"""Image review: who is asked, what an answer may do, when it is too late."""

from typing import Any

import pytest
from msgspec.structs import replace

from lane.events.machine import (
    OrderRefused,
)
from lane.events.parcel import (
    DispositionDecided,
    ParcelDiverted,
    ParcelReleased,
    ReviewAnswered,
    ReviewRequested,
)
from lane.inputs import OrderGiven
from lane.model.config import DrawConfig
from lane.model.grounds import Ground
from lane.model.words import Role
from lane.orders import (
    Hold,
    Inspect,
    Reset,
)
from tests.lane.core.boxes import Box
from tests.lane.core.helpers import grounds, reach, refusals, running
from tests.lane.core.orders import answer, doubtful


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"person": ""}, "named person"),
        ({"nonce": ""}, "needs a nonce"),
        ({"role": Role.AUDITOR}, "role auditor gives no orders"),
        ({"role": Role.SYSTEM}, "role system gives no orders"),
        ({"role": Role.INTEGRATOR}, "role integrator gives no orders"),
    ],
)
def test_order_needs_a_named_person_of_the_lane_and_a_nonce(changes: dict[str, Any], reason: str) -> None:
    plant = running()
    order = replace(Hold(person="li", role=Role.OFFICER, nonce="x"), **changes)
    plant.give(OrderGiven(**plant.now(), order=order))
    assert reason in refusals(plant)[-1]


def test_order_repeated_with_its_nonce_is_refused() -> None:
    plant = running()
    order = OrderGiven(**plant.now(), order=Hold(person="li", role=Role.OFFICER, nonce="same"))
    plant.give(order)
    plant.give(order)
    assert "used nonce" in refusals(plant)[-1]


def test_nonces_kept_are_bounded() -> None:
    plant = running()
    for _ in range(1_100):
        plant.order(Reset)
    assert len(plant.core.state.nonces) == 1_024
    assert len(plant.of(OrderRefused)) == 1_100


def test_review_that_clears_the_only_doubt_releases_the_parcel() -> None:
    plant = doubtful()
    asked = plant.of(ReviewRequested)[0]
    assert asked.grounds == (Ground.COUNT_UNCERTAIN,)
    assert asked.until_um > plant.belt
    answer(plant)
    reach(plant, ParcelReleased)
    decided = plant.of(DispositionDecided)[0]
    assert (decided.grounds, decided.cleared) == ((), (Ground.COUNT_UNCERTAIN,))
    assert plant.of(ReviewAnswered)[0].cleared == (Ground.COUNT_UNCERTAIN,)


def test_review_that_says_inspect_is_an_officers_order() -> None:
    plant = doubtful()
    answer(plant, clear=False)
    reach(plant, ParcelDiverted)
    assert grounds(plant, 1) == {Ground.COUNT_UNCERTAIN, Ground.OFFICER_ORDER}


def test_review_without_an_answer_goes_to_inspect_and_says_so() -> None:
    plant = doubtful()
    reach(plant, ParcelDiverted)
    assert grounds(plant, 1) == {Ground.COUNT_UNCERTAIN, Ground.REVIEW_UNANSWERED}
    answer(plant)
    assert "not on the belt" in refusals(plant)[-1]


def test_late_review_changes_nothing() -> None:
    plant = doubtful()
    reach(plant, DispositionDecided)
    answer(plant)
    assert "decided already" in refusals(plant)[-1]


def test_review_of_another_picture_or_of_an_unasked_parcel_is_refused() -> None:
    plant = doubtful()
    answer(plant, image_sha256="0" * 64)
    assert "another picture" in refusals(plant)[-1]
    answer(plant)
    answer(plant)
    assert "nobody was asked" in refusals(plant)[-1]


def test_ground_that_comes_after_the_clearing_stays_open() -> None:
    plant = doubtful()
    answer(plant)
    plant.order(Inspect, seq=1)
    reach(plant, ParcelDiverted)
    assert grounds(plant, 1) == {Ground.OFFICER_ORDER}


def test_doubt_that_needs_two_persons_is_not_put_to_one() -> None:
    plant = running(review_enabled=True)
    plant.lay(Box(code="T000000001", seen=1))
    reach(plant, ParcelDiverted)
    assert not plant.of(ReviewRequested)


def test_drawn_parcel_is_put_to_the_officer_like_any_other() -> None:
    plant = doubtful(draw=DrawConfig(rate="1"))
    asked = plant.of(ReviewRequested)[0]
    assert asked.grounds == (Ground.COUNT_UNCERTAIN,)
    answer(plant)
    reach(plant, ParcelDiverted)
    assert grounds(plant, 1) == {Ground.RANDOM_DRAW}


def test_review_that_is_switched_off_asks_nobody() -> None:
    plant = running(review_enabled=False)
    plant.lay(Box(code="T000000001", p_ppm=700_000))
    reach(plant, ParcelDiverted)
    assert grounds(plant, 1) == {Ground.COUNT_UNCERTAIN}


def test_missing_count_may_be_cleared_by_looking_at_the_picture() -> None:
    plant = running(review_enabled=True)
    plant.lay(Box(code="T000000001", vision=False))
    reach(plant, ReviewRequested)
    assert plant.of(ReviewRequested)[0].grounds == (Ground.VISION_TIMEOUT,)
    answer(plant)
    reach(plant, ParcelReleased)
