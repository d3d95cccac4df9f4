"""Virtual time on asyncio: nothing waits for real, equal runs are equal, and a wait without end is an error."""

import asyncio
import time

import pytest

from sim.drivertwin.loop import DeadlockError, VirtualLoop, run_virtual


def test_hours_of_sleep_take_no_time_and_the_clock_shows_them() -> None:
    async def main(loop: VirtualLoop) -> int:
        for _ in range(100):
            await asyncio.sleep(3_600)
        return loop.now_us

    began = time.monotonic()
    assert run_virtual(main) == 360_000_000_000
    assert time.monotonic() - began < 100 * 3_600 / 1_000


def test_timers_a_microsecond_apart_fire_apart_and_in_order() -> None:
    async def main(loop: VirtualLoop) -> list[tuple[str, int]]:
        seen: list[tuple[str, int]] = []

        def note(name: str) -> None:
            seen.append((name, loop.now_us))

        for name, after_us in (("second", 500_001), ("first", 500_000), ("third", 500_002)):
            loop.call_later(after_us / 1e6, note, name)
        await asyncio.sleep(1)
        return seen

    assert run_virtual(main) == [("first", 500_000), ("second", 500_001), ("third", 500_002)]


def test_a_wait_that_nothing_can_end_is_an_error_and_no_hang() -> None:
    async def main(loop: VirtualLoop) -> None:
        await asyncio.sleep(2)
        await asyncio.Event().wait()

    with pytest.raises(DeadlockError, match="deadlock at 2000000 us"):
        run_virtual(main)


def test_a_time_out_ends_a_wait_in_virtual_time() -> None:
    async def main(loop: VirtualLoop) -> int:
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(12.5):
                await asyncio.Event().wait()
        return loop.now_us

    assert run_virtual(main) == 12_500_000


def test_blocking_work_is_done_here_and_now_without_a_thread() -> None:
    async def main(loop: VirtualLoop) -> tuple[int, int]:
        value = await loop.run_in_executor(None, int, "17")
        with pytest.raises(ValueError, match="invalid literal"):
            await loop.run_in_executor(None, int, "x")
        return value, loop.now_us

    assert run_virtual(main) == (17, 0)


def test_the_outside_world_is_out_of_reach() -> None:
    async def main(loop: VirtualLoop) -> None:
        with pytest.raises(RuntimeError, match="file descriptor 0 belongs to the outside world"):
            loop.add_reader(0, lambda: None)
        with pytest.raises(ConnectionRefusedError, match="nowhere:502 refuses"):
            await loop.create_connection(asyncio.Protocol, "nowhere", 502)

    run_virtual(main)


def test_many_tasks_with_one_lock_take_the_same_order_twice() -> None:
    async def main(loop: VirtualLoop) -> list[tuple[int, int]]:
        lock, seen = asyncio.Lock(), []

        async def work(number: int) -> None:
            for turn in range(5):
                await asyncio.sleep((number * 7 + turn * 3) % 11 / 1_000)
                async with lock:
                    seen.append((number, loop.now_us))
                    await asyncio.sleep(0.0005)

        await asyncio.gather(*(work(number) for number in range(20)))
        return seen

    assert run_virtual(main) == run_virtual(main)
