"""Random programs of everything SimPy offers, and its own counted programs, run on the kernel as on stock SimPy."""

import random
from collections.abc import Callable, Generator
from functools import partial
from typing import Any

import pytest
import simpy
from hypothesis import given, settings
from hypothesis import strategies as st

from sim.kernel import Kernel

Log = list[tuple[Any, ...]]
Steps = Generator[simpy.Event, Any, None]


class _Trouble(Exception):
    """Raised and caught inside the random programs."""


class _Town:
    """Shared things of one random program, and what happened."""

    def __init__(self, env: simpy.Environment, source: random.Random) -> None:
        self.env, self.source, self.log = env, source, Log()
        self.queue = simpy.PriorityResource(env, capacity=2)
        self.seat = simpy.PreemptiveResource(env, capacity=1)
        self.tank = simpy.Container(env, capacity=9, init=3)
        self.shelf = simpy.FilterStore(env, capacity=4)
        self.people: list[simpy.Process] = []

    def note(self, *words: Any) -> None:
        self.log.append((self.env.now, *words))

    def person(self, name: int) -> Steps:
        for turn in range(6):
            deed = self.source.choice((self.wait, self.queue_up, self.sit, self.draw_water, self.swap, self.mishap))
            try:
                yield from deed(name)
            except simpy.Interrupt as interrupt:
                cause = interrupt.cause
                self.note(name, turn, "interrupted", cause if isinstance(cause, str) else type(cause).__name__)
            except _Trouble as trouble:
                self.note(name, turn, "trouble", str(trouble), type(trouble.__cause__).__name__)
            self.note(name, turn, deed.__name__)

    def wait(self, name: int) -> Steps:
        delays = [self.source.choice((0, 1, 0.5, 2)) for _ in range(3)]
        events = [self.env.timeout(delay, value=delay) for delay in delays]
        got = yield (events[0] & events[1]) | events[2]
        self.note(name, list(got.values()))

    def queue_up(self, name: int) -> Steps:
        with self.queue.request(priority=self.source.randrange(3)) as turn:
            yield turn | self.env.timeout(1)
            self.note(name, turn.triggered)
            yield self.env.timeout(self.source.randrange(3))

    def sit(self, name: int) -> Steps:
        with self.seat.request(priority=self.source.randrange(3), preempt=self.source.random() < 0.5) as seat:
            yield seat
            yield self.env.timeout(self.source.randrange(3))

    def draw_water(self, name: int) -> Steps:
        amount = self.source.randrange(1, 4)
        asked = self.tank.get(amount) if self.source.random() < 0.5 else self.tank.put(amount)
        yield asked | self.env.timeout(2)
        if not asked.triggered:
            asked.cancel()
        self.note(name, self.tank.level)

    def swap(self, name: int) -> Steps:
        yield self.shelf.put(name) | self.env.timeout(1)
        wanted = self.source.randrange(4)
        got = yield self.shelf.get(lambda item: item != wanted) | self.env.timeout(1)
        self.note(name, sorted(str(value) for value in got.values()))

    def mishap(self, name: int) -> Steps:
        yield self.env.process(self.stumble())

    def stumble(self) -> Steps:
        yield self.env.timeout(self.source.randrange(2))
        raise _Trouble("stumbled")

    def rascal(self) -> Steps:
        for _ in range(8):
            yield self.env.timeout(self.source.randrange(4))
            victim = self.source.choice(self.people)
            if victim.is_alive and victim is not self.env.active_process:
                victim.interrupt("rascal")


def _program(env: simpy.Environment, seed: int) -> tuple[Log, int, str]:
    source = random.Random(seed)
    town = _Town(env, source)
    town.people += [env.process(town.person(name)) for name in range(4)]
    env.process(town.rascal())
    ended = ""
    for until in (7, 7.5, 30, None):
        try:
            env.run(until=until)
        except (_Trouble, simpy.Interrupt) as error:  # someone failed with nobody to hear of it: the run goes on
            ended += f"{env.now} {type(error).__name__}; "
    return town.log, next(env._eid), ended


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.integers(0, 10**9))
def test_random_programs_give_the_same_log_and_use_the_same_number_of_heap_entries(seed: int) -> None:
    assert _program(Kernel(), seed) == _program(simpy.Environment(), seed)


def test_the_random_programs_reach_every_kind_of_deed() -> None:
    words = {str(word) for seed in range(30) for entry in _program(Kernel(), seed)[0] for word in entry}
    deeds = {"wait", "queue_up", "sit", "draw_water", "swap", "mishap", "rascal", "Preempted", "stumbled"}
    assert deeds <= words


def _store_program(env: simpy.Environment) -> int:
    store = simpy.Store(env, capacity=5)

    def producer() -> Steps:
        for item in range(10):
            yield env.timeout(1)
            yield store.put(item)

    def consumer() -> Steps:
        while True:
            yield store.get()
            yield env.timeout(2)

    for _ in range(2):
        env.process(producer())
    for _ in range(3):
        env.process(consumer())
    env.run()
    return next(env._eid)


def _resource_program(env: simpy.Environment) -> int:
    resource = simpy.Resource(env, capacity=2)

    def worker() -> Steps:
        while True:
            with resource.request() as turn:
                yield turn
                yield env.timeout(1)

    for _ in range(5):
        env.process(worker())
    env.run(until=15)
    return next(env._eid)  # before the processes are let go of: a worker at work would release its turn then


def _container_program(env: simpy.Environment) -> int:
    container, full = simpy.Container(env, capacity=10), env.event()

    def producer() -> Steps:
        while True:
            yield container.put(1)
            if container.level == container.capacity:
                full.succeed()
            yield env.timeout(1)

    def consumer() -> Steps:
        while True:
            yield container.get(1)
            yield env.timeout(3)

    env.process(producer())
    for _ in range(2):
        env.process(consumer())
    env.run(until=full)
    return next(env._eid)


@pytest.mark.parametrize(
    ("program", "entries"), [(_store_program, 87), (_resource_program, 95), (_container_program, 105)]
)
@pytest.mark.parametrize("make", [Kernel, simpy.Environment])
def test_the_counted_programs_of_simpy_use_exactly_its_number_of_heap_entries(
    program: Callable[[simpy.Environment], int], entries: int, make: Callable[[], simpy.Environment]
) -> None:
    """Programs: simpy 4.1.2, ``tests/test_benchmark.py`` of the sdist, which its own suite leaves out.

    That file asserts 94 and 104 for the two programs that are stopped, and fails on SimPy itself: since a stopped run
    puts its stop event back on the heap (``Environment.step``), they take one entry more.
    """
    assert program(make()) == entries


def _note(log: list[int], place: int, _: simpy.Event) -> None:
    log.append(place)


@settings(max_examples=150, derandomize=True, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), st.sampled_from(["call", "event", "urgent", "clock"])), max_size=24))
def test_calls_and_events_of_one_instant_keep_time_then_priority_then_order(plan: list[tuple[int, str]]) -> None:
    kernel = Kernel()
    log: list[int] = []
    priorities = {"call": 1, "event": 1, "urgent": 0, "clock": 2}
    for place, (at, kind) in enumerate(plan):
        if kind in ("call", "clock"):
            kernel.call_at(at, log.append, place, priorities[kind])
            continue
        event = simpy.Event(kernel)
        event._ok, event._value = True, None
        event.callbacks.append(partial(_note, log, place))
        kernel.schedule(event, priorities[kind], at)
    kernel.run()
    expected = sorted(range(len(plan)), key=lambda place: (plan[place][0], priorities[plan[place][1]], place))
    assert log == expected


class _Spilt(Exception):
    """Takes two arguments, so that a careless copy of it would lose one."""

    def __init__(self, what: str, litres: int) -> None:
        super().__init__(what, litres)
        self.litres = litres


@pytest.mark.parametrize("make", [Kernel, simpy.Environment])
def test_an_unheard_failure_raises_a_copy_that_names_the_original_as_its_cause(
    make: Callable[[], simpy.Environment],
) -> None:
    env, original = make(), _Spilt("tea", 2)

    def clumsy() -> Steps:
        yield env.timeout(1)
        raise original

    env.process(clumsy())
    with pytest.raises(_Spilt) as caught:
        env.run()
    assert caught.value is not original
    assert (caught.value.args, caught.value.litres) == (("tea", 2), 2)
    assert caught.value.__cause__ is original
