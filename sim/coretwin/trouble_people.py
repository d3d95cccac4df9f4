"""Faults of people: orders that come twice or too late, decisions taken back, a bench where nobody works."""

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from lane.commands import AskReview
from lane.inputs import OrderGiven
from lane.model.words import Role
from lane.orders import AnyOrder, Hold, Inspect, RecordBench, Review
from lane.permits import decision_um
from sim.coretwin.trouble_signals import ARMED_US
from sim.faults import Fault, FaultKind

if TYPE_CHECKING:
    from sim.coretwin.troubles import Troubles

CLICK_US = 150_000
THINK_US = 200_000


class PeopleTroubles:
    """Orders beside those of the people of the twin."""

    def __init__(self, troubles: "Troubles") -> None:
        self._troubles, self._station = troubles, troubles.station
        self._orders = 0
        self.doers: dict[FaultKind, Callable[[Fault], None]] = {
            FaultKind.DOUBLE_CLICK: self._twice,
            FaultKind.DECISION_CANCELLED: self._cancelled,
            FaultKind.DECISION_LATE: self._late,
            FaultKind.HELD_BY_HAND: self._hold,
            FaultKind.BENCH_STOPS: self._bench,
        }

    def _order(self, order: tuple[type[AnyOrder], dict[str, Any]]) -> None:
        kind, fields = order
        station = self._station
        self._orders += 1
        given = kind(person="second-officer", role=Role.OFFICER, nonce=f"fault-{self._orders}", **fields)
        station.emit(OrderGiven(at_us=station.now, belt_um=station.belt(), order=given))

    def _twice(self, fault: Fault) -> None:
        def again(given: OrderGiven) -> OrderGiven | None:
            self._troubles.hit(fault)
            self._troubles.between.later(given, 0)
            self._troubles.between.later(given, CLICK_US, stamp=True)
            return None

        self._troubles.between.arm(OrderGiven, again, until_us=self._station.now + 3 * ARMED_US)

    def _asked(self, fault: Fault, answer: Callable[[AskReview, str], None]) -> None:
        """At the next review that is asked."""

        def at(asked: AskReview) -> AskReview:
            parcel = self._troubles.between.state.parcels.get(asked.seq)
            if parcel is not None:
                self._troubles.hit(fault)
                tamper.count = 0
                answer(asked, parcel.image_sha256)
            return asked

        tamper = self._troubles.between.arm_commands(AskReview, at, until_us=self._station.now + ARMED_US)

    def _cancelled(self, fault: Fault) -> None:
        station = self._station

        def answer(asked: AskReview, image_sha256: str) -> None:
            cleared = (Review, {"seq": asked.seq, "image_sha256": image_sha256, "clear": True})
            station.driver.call_at(station.now + THINK_US, self._order, cleared)
            station.driver.call_at(station.now + 2 * THINK_US, self._order, (Inspect, {"seq": asked.seq}))

        self._asked(fault, answer)

    def _late(self, fault: Fault) -> None:
        station = self._station

        def answer(asked: AskReview, image_sha256: str) -> None:
            body = self._troubles.between.state.parcels[asked.seq].body
            at_us = station.plant.belt.time_of(body.anchor_um + decision_um(station.config))
            cleared = (Review, {"seq": asked.seq, "image_sha256": image_sha256, "clear": True})
            if at_us is not None and at_us + THINK_US > station.now:
                self._troubles.noted["officer's decision after the deadline"] += 1
                station.driver.call_at(at_us + THINK_US, self._order, cleared)

        self._asked(fault, answer)

    def _hold(self, fault: Fault) -> None:
        self._troubles.hit(fault)
        self._order((Hold, {}))

    def _bench(self, fault: Fault) -> None:
        between = self._troubles.between
        held: list[OrderGiven] = []

        def stop(given: OrderGiven) -> OrderGiven | None:
            if not isinstance(given.order, RecordBench):
                return given
            held.append(given)
            return None

        tamper = between.arm(OrderGiven, stop, count=10_000)

        def end() -> None:
            tamper.count = 0
            for number, given in enumerate(held):
                between.later(given, 1_000 * (number + 1), stamp=True)

        if not self._troubles.lasting(fault, end):
            tamper.count = 0
