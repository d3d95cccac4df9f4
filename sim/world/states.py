"""Where the lane's time went: by PackML state and by the cause that the lane itself named."""

from collections import Counter

from lane.events.machine import StateChanged
from lane.machine import BUCKETS, Bucket
from lane.model.words import State

STOPS = frozenset({State.HOLDING, State.SUSPENDING, State.ABORTING})
"""A stop is the entry of one of these; the way back to EXECUTE belongs to it."""
_COUNTED = (Bucket.OWN_FAULT, Bucket.WAITING, Bucket.SAFETY)


class StateTimes:
    """Fed with every change of state, in order. Planned time runs from the first EXECUTE to the order to complete."""

    def __init__(self) -> None:
        self._state = State.STOPPED
        self._since_us = 0
        self._cause = ""
        self._begun = self._over = False
        self.stops: Counter[str] = Counter()
        self.spent_us: Counter[Bucket] = Counter()
        self.by_cause_us: Counter[str] = Counter()

    def changed(self, event: StateChanged) -> None:
        """The lane is in another state."""
        self._spend(event.at_us)
        if event.reached is State.EXECUTE:
            self._begun = True
        elif event.reached in (State.COMPLETING, State.COMPLETE):
            self._over = True
        elif event.reached in STOPS and self._begun:
            self._cause = str(event.cause)
            self.stops[self._cause] += 1
        self._state, self._since_us = event.reached, event.at_us

    def _spend(self, now_us: int) -> None:
        if not self._begun or self._over:
            return
        bucket = BUCKETS[self._state]
        if bucket is Bucket.NOT_PLANNED and self._cause:  # RESET and START after a stop belong to it
            bucket = Bucket.SAFETY
        passed = now_us - self._since_us
        self.spent_us[bucket] += passed
        if bucket in _COUNTED:
            self.by_cause_us[self._cause] += passed

    def figures(self, now_us: int, parcels: int) -> dict[str, object]:
        """Percent of planned time, stops per thousand parcels, and seconds by cause."""
        self._spend(now_us)
        self._since_us = now_us
        planned_us = max(1, sum(self.spent_us.values()))
        share = {bucket: round(100 * self.spent_us[bucket] / planned_us, 3) for bucket in Bucket}
        return {
            "available_percent": share[Bucket.RUNNING],
            "held_percent": share[Bucket.OWN_FAULT],
            "suspended_percent": share[Bucket.WAITING],
            "aborted_percent": share[Bucket.SAFETY],
            "stops": sum(self.stops.values()),
            "stops_per_thousand": round(1_000 * sum(self.stops.values()) / max(1, parcels), 3),
            "stops_by_cause": dict(sorted(self.stops.items())),
            "stopped_s_by_cause": {name: round(us / 1e6, 3) for name, us in sorted(self.by_cause_us.items())},
        }
