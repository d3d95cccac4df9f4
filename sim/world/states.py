"""Where the lane's time went: by PackML state and by the cause that the lane itself named."""

from collections import Counter
from dataclasses import dataclass

from lane.events.machine import StateChanged
from lane.machine import BUCKETS, Bucket
from lane.model.words import State

STOPS = frozenset({State.HOLDING, State.SUSPENDING, State.ABORTING})
"""A stop is the entry of one of these; the way back to EXECUTE belongs to it."""
_COUNTED = (Bucket.OWN_FAULT, Bucket.WAITING, Bucket.SAFETY)


@dataclass(frozen=True, slots=True, kw_only=True)
class _Span:
    """The lane in one state."""

    from_us: int
    to_us: int
    bucket: Bucket
    cause: str


class StateTimes:
    """Fed with every change of state, in order. Planned time runs from the first EXECUTE to the order to complete, or
    to an earlier end that ``figures`` is told."""

    def __init__(self) -> None:
        self._state = State.STOPPED
        self._since_us = 0
        self._cause = ""
        self._begun = self._over = False
        self._stops: list[tuple[int, str]] = []
        self._spans: list[_Span] = []

    def changed(self, event: StateChanged) -> None:
        """The lane is in another state."""
        self._spans += self._lasting(event.at_us)
        if event.reached is State.EXECUTE:
            self._begun = True
        elif event.reached in (State.COMPLETING, State.COMPLETE):
            self._over = True
        elif event.reached in STOPS and self._begun:
            self._cause = str(event.cause)
            self._stops.append((event.at_us, self._cause))
        self._state, self._since_us = event.reached, event.at_us

    def _lasting(self, now_us: int) -> list[_Span]:
        """The state that lasts since the last change, when it is planned time."""
        if not self._begun or self._over or now_us <= self._since_us:
            return []
        bucket = BUCKETS[self._state]
        if bucket is Bucket.NOT_PLANNED and self._cause:  # RESET and START after a stop belong to it
            bucket = Bucket.SAFETY
        return [_Span(from_us=self._since_us, to_us=now_us, bucket=bucket, cause=self._cause)]

    def figures(self, until_us: int, parcels: int) -> dict[str, object]:
        """Percent of planned time, stops per thousand parcels, and seconds by cause, of the time up to ``until_us``."""
        spent_us, by_cause_us = Counter[Bucket](), Counter[str]()
        for span in (*self._spans, *self._lasting(until_us)):
            passed = min(span.to_us, until_us) - span.from_us
            if passed > 0:
                spent_us[span.bucket] += passed
                if span.bucket in _COUNTED:
                    by_cause_us[span.cause] += passed
        stops = Counter(cause for at_us, cause in self._stops if at_us <= until_us)
        planned_us = max(1, sum(spent_us.values()))
        share = {bucket: round(100 * spent_us[bucket] / planned_us, 3) for bucket in Bucket}
        return {
            "available_percent": share[Bucket.RUNNING],
            "held_percent": share[Bucket.OWN_FAULT],
            "suspended_percent": share[Bucket.WAITING],
            "aborted_percent": share[Bucket.SAFETY],
            "stops": sum(stops.values()),
            "stops_per_thousand": round(1_000 * sum(stops.values()) / max(1, parcels), 3),
            "stops_by_cause": dict(sorted(stops.items())),
            "stopped_s_by_cause": {name: round(us / 1e6, 3) for name, us in sorted(by_cause_us.items())},
        }
