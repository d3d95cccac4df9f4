"""Officers at the screen: they look at doubtful pictures and say clear or inspect while the belt carries the parcel.

A question lives until the lane has decided; who looks at it then stops. An officer sees a true doubt as it is with
the stated probabilities: what he clears wrongly escapes, what he does not dare to clear costs the bench a parcel.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from lane.events.parcel import DispositionDecided, ReviewRequested
from lane.model.words import Role
from lane.orders import Review
from sim.kernel import Kernel
from sim.streams.durations import Duration
from sim.streams.randoms import Keyed
from sim.streams.truth import CONTENT_ERRORS
from sim.world.crew import Crew, Task
from sim.world.shifts import Calendar

if TYPE_CHECKING:
    from sim.coretwin.station import Station

REVIEWER = 1_000
"""Priority of the first review officer's answers; those of bench officers are below."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ReviewSpec:
    """``officers`` at the screen (or as many as ``calendar`` says) and how long one look takes.

    ``miss_permille``: of the parcels with wrong contents, cleared all the same; ``doubt_permille``: of the sound
    ones, sent to the bench all the same.
    """

    officers: int = 1
    looking: Duration = field(default_factory=lambda: Duration(constant_us=2_000_000, mean_us=2_000_000))
    miss_permille: int = 20
    doubt_permille: int = 50
    calendar: Calendar | None = None


class Reviewers:
    """The review officers of one station. ``listeners``: what they want to hear."""

    def __init__(self, station: "Station", spec: ReviewSpec, seed: int, order: Callable[..., None]) -> None:
        if not isinstance(station.driver, Kernel):
            raise ValueError("reviewers: officers at the screen are SimPy processes; expected driver simpy, was heap")
        self._station = station
        self._spec = spec
        self._seed = seed
        self._order = order
        self._open: dict[int, tuple[Task, str]] = {}
        self._crew = Crew(station.driver, spec.officers, spec.calendar, self._answer, REVIEWER)
        self.asked = self.answered = self.cleared = self.cleared_wrongly = 0
        self.listeners: dict[type, Callable[[Any], None]] = {
            ReviewRequested: self._ask,
            DispositionDecided: self._decided,
        }

    def _ask(self, event: ReviewRequested) -> None:
        self.asked += 1
        looking_us = self._spec.looking.us(Keyed(self._seed, "looking", event.seq).uniform())
        task = Task(event.seq, looking_us)
        self._open[event.seq] = task, event.image_sha256
        self._crew.give(task)

    def _decided(self, event: DispositionDecided) -> None:
        asked = self._open.pop(event.seq, None)
        if asked is not None:
            self._crew.withdraw(asked[0])

    def _answer(self, officer: int, task: Task) -> None:
        _, image_sha256 = self._open.pop(task.key)
        truth = self._station.referee.body_of(task.key)
        luck = Keyed(self._seed, "review", task.key)
        wrong = truth is None or truth.planted in CONTENT_ERRORS
        clear = luck.permille(self._spec.miss_permille) if wrong else not luck.permille(self._spec.doubt_permille)
        self.answered += 1
        self.cleared += clear
        self.cleared_wrongly += clear and wrong
        person = f"twin-reviewer-{officer + 1}"
        self._order(Review, person, Role.OFFICER, seq=task.key, image_sha256=image_sha256, clear=clear)

    def figures(self, until_us: int) -> dict[str, float | int | None]:
        """Figures of the run."""
        return {
            "review_asked": self.asked,
            "review_answered": self.answered,
            "review_answered_percent": round(100 * self.answered / self.asked, 2) if self.asked else None,
            "review_cleared": self.cleared,
            "review_cleared_wrongly": self.cleared_wrongly,
            **self._crew.meter.figures("review", until_us),
        }
