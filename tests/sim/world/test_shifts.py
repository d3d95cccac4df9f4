"""Who is there at which time of day, and what a crew makes of it."""

from collections.abc import Callable

import simpy

from sim.kernel import Kernel
from sim.world.crew import Crew, Task
from sim.world.shifts import DAY_US, HOUR_US, Calendar, Shift

MINUTE_US = 60_000_000
SECOND_US = 1_000_000


def test_shifts_add_up_and_a_break_takes_all_of_its_shift_away() -> None:
    early = Shift(from_us=6 * HOUR_US, to_us=14 * HOUR_US, persons=4, breaks=((10 * HOUR_US, 30 * MINUTE_US),))
    calendar = Calendar(shifts=(early, Shift(from_us=12 * HOUR_US, to_us=20 * HOUR_US, persons=3)), starts_us=0)
    at = {hours: calendar.level(int(hours * HOUR_US)) for hours in (5, 6, 9.99, 10, 10.5, 12, 13.99, 14, 19.99, 20)}
    assert at == {5: 0, 6: 4, 9.99: 4, 10: 0, 10.5: 4, 12: 7, 13.99: 7, 14: 3, 19.99: 3, 20: 0}
    assert calendar.persons_max == 7


def test_a_shift_may_run_over_midnight_and_every_day_is_like_the_first() -> None:
    calendar = Calendar(shifts=(Shift(from_us=22 * HOUR_US, to_us=6 * HOUR_US, persons=2),), starts_us=21 * HOUR_US)
    assert [calendar.level(hours * HOUR_US) for hours in (0, 1, 8, 9, 24, 25)] == [0, 2, 2, 0, 0, 2]
    assert calendar.next_change_us(0) == HOUR_US
    assert calendar.next_change_us(HOUR_US) == 9 * HOUR_US
    assert calendar.next_change_us(3 * DAY_US + 9 * HOUR_US) == 4 * DAY_US + HOUR_US


def _crew(calendar: Calendar | None, persons: int) -> tuple[Kernel, Crew, list[tuple[int, int]]]:
    kernel = Kernel(integer_time=True)
    done: list[tuple[int, int]] = []
    note: Callable[[int, Task], None] = lambda _, task: done.append((task.key, int(kernel.now)))  # noqa: E731
    return kernel, Crew(kernel, persons, calendar, note, 10), done


def test_who_goes_into_a_break_first_finishes_what_he_has_begun() -> None:
    shift = Shift(from_us=0, to_us=0, persons=1, breaks=((MINUTE_US, 2 * MINUTE_US),))
    kernel, crew, done = _crew(Calendar(shifts=(shift,)), 0)
    for at_us, key in ((30 * SECOND_US, 1), (40 * SECOND_US, 2)):
        kernel.call_at(at_us, crew.give, Task(key, 50 * SECOND_US))
    kernel.run(10 * MINUTE_US)
    assert done == [(1, 80 * SECOND_US), (2, 230 * SECOND_US)]
    figures = crew.meter.figures("desk", 10 * MINUTE_US)
    assert (figures["desk_served"], figures["desk_wait_p99_s"]) == (2, 140.0)
    assert figures["desk_utilisation_percent"] == round(100 * 100 / (570 - 120 + 20), 2)


def test_a_withdrawn_task_is_not_done_and_frees_its_person_at_once() -> None:
    kernel, crew, done = _crew(None, 1)
    first, second, third = (Task(key, MINUTE_US) for key in (1, 2, 3))
    for task in (first, second, third):
        kernel.call_at(0, crew.give, task)
    kernel.call_at(10 * SECOND_US, crew.withdraw, second)
    kernel.call_at(20 * SECOND_US, crew.withdraw, first)
    kernel.run()
    assert done == [(3, 80 * SECOND_US)]
    assert (crew.meter.served, crew.meter.gave_up, crew.meter.waiting, crew.meter.busy) == (1, 2, 0, 0)


def test_a_crew_serves_in_order_of_arrival_like_a_resource_of_simpy() -> None:
    works = [70, 20, 90, 10, 40, 60, 30]
    kernel, crew, done = _crew(None, 2)
    stock = simpy.Environment()
    desk, expected = simpy.Resource(stock, capacity=2), []

    def customer(key: int, work: int) -> object:
        yield stock.timeout(key * 15)
        with desk.request() as request:
            yield request
            yield stock.timeout(work)
            expected.append((key, int(stock.now)))

    for key, work in enumerate(works):
        stock.process(customer(key, work))  # type: ignore[arg-type]
        kernel.call_at(key * 15, crew.give, Task(key, work))
    stock.run()
    kernel.run()
    assert done == expected
