"""A crew: persons who take tasks in the order of arrival, as SimPy processes; they come and go by the calendar.

Who goes off duty or into a break first finishes what he has begun. A task may be withdrawn while it waits or is
worked on. Durations belong to the task, so that one more person changes nothing but the order of things.
"""

from collections.abc import Callable, Generator
from typing import Any, cast

import simpy

from sim.kernel import Kernel
from sim.world.meter import Meter
from sim.world.shifts import Calendar


class Task:
    """One thing to do. ``key``: who asks; ``work_us``: how long it takes; ``withdraw`` ends it early."""

    __slots__ = ("_over", "arrived_us", "begun", "key", "withdrawn", "work_us")

    def __init__(self, key: int, work_us: int) -> None:
        self.key = key
        self.work_us = work_us
        self.arrived_us = 0
        self.begun = self.withdrawn = False
        self._over: simpy.Event | None = None

    def withdraw(self) -> None:
        """Nobody wants it any more."""
        self.withdrawn = True
        if self._over is not None and not self._over.triggered:
            self._over.succeed()

    def over(self, kernel: Kernel) -> simpy.Event:
        """Happens when it is withdrawn."""
        if self._over is None:
            self._over = kernel.event()
        return self._over


Done = Callable[[int, Task], object]
"""Called when person (0..) has finished a task."""


class Crew:
    """``persons`` always there, or as many as ``calendar`` says."""

    def __init__(
        self, kernel: Kernel, persons: int, calendar: Calendar | None, done: Done, first_priority: int
    ) -> None:
        self._kernel = kernel
        self._done = done
        self._priority = first_priority
        self._tasks: simpy.Store = simpy.Store(kernel)
        self._changed = kernel.event()
        self.level = persons if calendar is None else calendar.level(0)
        self.meter = Meter(self.level)
        self.on_level: Callable[[int], object] | None = None
        for person in range(persons if calendar is None else calendar.persons_max):
            kernel.process(self._work(person))
        if calendar is not None:
            kernel.process(self._come_and_go(calendar))

    def give(self, task: Task) -> None:
        """A task arrives."""
        task.arrived_us = self._kernel.now
        self.meter.arrived(task.arrived_us)
        self._tasks.put(task)

    def withdraw(self, task: Task) -> None:
        """A task is no longer wanted; nothing happens when it is done already."""
        if not task.begun:
            self.meter.withdrawn(self._kernel.now)
        task.withdraw()

    def _come_and_go(self, calendar: Calendar) -> Generator[simpy.Event, Any, None]:
        kernel = self._kernel
        while True:
            yield kernel.timeout(calendar.next_change_us(kernel.now) - kernel.now)
            level = calendar.level(kernel.now)
            if level != self.level:
                self.level = level
                self.meter.staffed(kernel.now, level)
                changed, self._changed = self._changed, kernel.event()
                changed.succeed()
                if self.on_level is not None:
                    self.on_level(level)

    def _work(self, person: int) -> Generator[simpy.Event, Any, None]:
        kernel = self._kernel
        while True:
            if person >= self.level:
                yield self._changed
                continue
            wanted = self._tasks.get()
            if not wanted.triggered:
                yield wanted | self._changed
            if not wanted.triggered:
                wanted.cancel()
                continue
            task = cast(Task, wanted.value)
            if task.withdrawn:
                continue
            task.begun = True
            self.meter.began(kernel.now, task.arrived_us)
            yield kernel.timeout(task.work_us) | task.over(kernel)
            self.meter.ended(kernel.now, done=not task.withdrawn)
            if not task.withdrawn:
                kernel.call_in(0, self._finish, (person, task), self._priority + person)

    def _finish(self, finished: tuple[int, Task]) -> None:
        person, task = finished
        if not task.withdrawn:
            self._done(person, task)
