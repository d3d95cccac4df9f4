"""The kernel behaves as SimPy does, and keeps (time, priority, order) with plain calls in between."""

import random
from collections.abc import Generator
from typing import Any

import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st
from simpy.core import EmptySchedule

from sim.heap import HeapLoop
from sim.kernel import CLOCK, Kernel, us

Log = list[tuple[Any, ...]]


def _worker(env: simpy.Environment, name: int, source: random.Random, shared: dict[str, Any], log: Log) -> Any:
    """A person with an erratic day: waits, takes a resource, meets conditions, is interrupted."""
    for turn in range(5):
        try:
            what = source.randrange(5)
            if what == 0:
                yield env.timeout(source.randrange(4))
            elif what == 1:
                with shared["desk"].request() as request:
                    got = yield request | env.timeout(source.randrange(3))
                    log.append((env.now, name, turn, "desk", request in got))
                    yield env.timeout(source.randrange(3))
            elif what == 2:
                yield shared["store"].put((name, turn))
            elif what == 3:
                got = yield shared["store"].get() | env.timeout(2, value="none")
                log.append((env.now, name, turn, "store", sorted(map(str, got.values()))))
            else:
                yield env.timeout(1) & env.timeout(source.randrange(3))
        except simpy.Interrupt as interrupt:
            log.append((env.now, name, turn, "interrupted", interrupt.cause))
        log.append((env.now, name, turn, "done"))


def _rascal(env: simpy.Environment, people: list[Any], source: random.Random) -> Generator[Any, Any, None]:
    for _ in range(6):
        yield env.timeout(source.randrange(4))
        victim = source.choice(people)
        if victim.is_alive:
            victim.interrupt("rascal")


def _program(env: simpy.Environment, seed: int) -> tuple[Log, int]:
    source = random.Random(seed)
    log: Log = []
    shared = {"desk": simpy.Resource(env, capacity=1 + seed % 2), "store": simpy.Store(env, capacity=3)}
    people = [env.process(_worker(env, n, random.Random(source.randrange(10**6)), shared, log)) for n in range(4)]
    env.process(_rascal(env, people, source))
    env.run(until=40)
    return log, next(env._eid)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.integers(0, 10**9))
def test_random_programs_of_people_run_exactly_as_on_stock_simpy(seed: int) -> None:
    assert _program(Kernel(), seed) == _program(simpy.Environment(), seed)


@settings(max_examples=100, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3), st.integers(0, 9)), max_size=30))
def test_calls_keep_time_then_priority_then_order_on_both_drivers(plan: list[tuple[int, int, int]]) -> None:
    logs = []
    for driver in (Kernel(), HeapLoop()):
        log: list[tuple[int, int]] = []
        for place, (at, priority, _) in enumerate(plan):
            driver.call_at(at, log.append, (at, place), priority)
        driver.run()
        logs.append(log)
    expected = sorted(range(len(plan)), key=lambda place: (plan[place][0], plan[place][1], place))
    assert logs[0] == logs[1] == [(plan[place][0], place) for place in expected]


def test_a_call_between_events_of_one_instant_keeps_its_place() -> None:
    kernel = Kernel()
    log: list[str] = []

    def person(name: str) -> Generator[Any, Any, None]:
        yield kernel.timeout(5)
        log.append(name)

    kernel.process(person("first"))
    kernel.call_at(0, lambda _: kernel.call_at(5, log.append, "call"), None, 2)
    kernel.call_at(0, lambda _: kernel.process(person("second")), None, 3)
    kernel.call_at(5, log.append, "deadline", CLOCK)
    kernel.run()
    assert log == ["first", "call", "second", "deadline"]


@pytest.mark.parametrize("make", [Kernel, HeapLoop])
def test_the_alarm_rings_once_after_the_calls_of_its_instant_and_before_people(make: type[Kernel | HeapLoop]) -> None:
    driver = make()
    log: list[tuple[int, str]] = []

    def note(word: str) -> None:
        log.append((int(driver.now), word))

    def set_anew(_: object) -> None:
        note("first")
        driver.alarm_us = 5

    driver.on_alarm = lambda: note("alarm")
    driver.alarm_us = 9  # set anew before it rings: this one is void
    driver.call_at(1, set_anew)
    driver.call_at(5, note, "person", CLOCK + 1)
    driver.call_at(5, note, "input")
    driver.call_at(12, note, "last")
    driver.run()
    assert log == [(1, "first"), (5, "input"), (5, "alarm"), (5, "person"), (12, "last")]


@pytest.mark.parametrize("make", [Kernel, HeapLoop])
def test_an_alarm_whose_time_is_past_rings_at_once_and_alone_keeps_no_run_going(make: type[Kernel | HeapLoop]) -> None:
    driver = make()
    log: list[int] = []
    driver.on_alarm = lambda: log.append(int(driver.now))
    driver.call_at(3, lambda _: setattr(driver, "alarm_us", 1))
    driver.call_at(4, lambda _: setattr(driver, "alarm_us", 7))
    driver.run()
    assert log == [3]
    assert driver.now == 4


def test_step_rings_the_alarm_in_its_turn() -> None:
    kernel = Kernel()
    log: list[str] = []
    kernel.on_alarm = lambda: log.append("alarm")
    kernel.alarm_us = 2
    kernel.call_at(3, log.append, "call")
    kernel.step()
    assert (log, kernel.now) == (["alarm"], 2)
    kernel.step()
    assert log == ["alarm", "call"]


def test_the_past_is_refused() -> None:
    kernel = Kernel(10)
    with pytest.raises(ValueError, match="not before now"):
        kernel.call_at(9, print)
    with pytest.raises(ValueError, match="must be greater than the current simulation time"):
        kernel.run(until=10)


def test_integer_time_refuses_floats() -> None:
    kernel = Kernel(integer_time=True)
    with pytest.raises(TypeError, match="whole microseconds"):
        kernel.call_at(1.5, print)
    with pytest.raises(TypeError, match="us\\(\\)"):
        kernel.timeout(0.5)
    kernel.timeout(us(0.5))
    kernel.run()
    assert kernel.now == 500_000


def test_run_until_a_time_stops_before_the_calls_of_that_instant_and_can_go_on() -> None:
    kernel = Kernel()
    log: list[object] = []
    for at in (1, 2, 3):
        kernel.call_at(at, log.append, at)
    kernel.run(until=2)
    assert (log, kernel.now) == ([1], 2)
    kernel.run()
    assert log == [1, 2, 3]


def test_run_until_an_event_returns_its_value_also_when_it_is_over() -> None:
    kernel = Kernel()
    event = kernel.timeout(3, value="tea")
    assert kernel.run(until=event) == "tea"
    assert kernel.run(until=event) == "tea"


def test_run_until_an_event_that_never_comes_is_an_error() -> None:
    with pytest.raises(RuntimeError, match='"until" event was not triggered'):
        Kernel().run(until=Kernel().event())


def test_an_error_in_a_call_passes_and_leaves_the_heap_in_order() -> None:
    kernel = Kernel()
    log: list[object] = []
    kernel.call_at(1, lambda _: 1 / 0)
    kernel.call_at(2, log.append, "after")
    with pytest.raises(ZeroDivisionError):
        kernel.run()
    kernel.run()
    assert log == ["after"]


def test_a_failed_event_raises_a_copy_with_its_cause() -> None:
    kernel = Kernel()
    error = ValueError("spilt")
    kernel.event().fail(error)
    with pytest.raises(ValueError, match="spilt") as caught:
        kernel.run()
    assert caught.value is not error
    assert caught.value.__cause__ is error


def test_callbacks_left_over_when_a_run_stops_come_first_when_it_resumes() -> None:
    kernel = Kernel()
    log: list[str] = []
    event = kernel.timeout(4)
    kernel.run(until=1)
    event.callbacks.append(lambda _: log.append("before"))
    stop = simpy.core.StopSimulation.callback
    event.callbacks.append(stop)
    event.callbacks.append(lambda _: log.append("left over"))
    kernel.call_at(4, log.append, "call")
    kernel.run()
    assert log == ["before"]
    kernel.run()
    assert log == ["before", "left over", "call"]


def test_step_on_an_empty_heap_is_an_error() -> None:
    with pytest.raises(EmptySchedule):
        Kernel().step()
