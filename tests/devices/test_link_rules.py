"""The link actor's rules, one test per rule, named after it."""

import asyncio
import itertools
import time
from pathlib import Path

import pytest

from devices.address import parse_address
from devices.modbus_link import (
    BACK_OFF_FAILURES,
    QUEUE_MAX,
    RECONNECT_S_MAX,
    RECONNECT_S_MIN,
    LinkSettings,
    ModbusLink,
)
from devices.requests import Failure, LinkFailure, Priority, Request
from tests.devices.linked import SETTINGS, LosesFirst, SlowTcp, linked, read, registers
from tests.devices.wires import PtySlave, TcpSlave


def test_rule_01_one_task_owns_the_port_and_its_queue_is_bounded() -> None:
    async def story() -> None:
        device = registers()
        async with linked(SlowTcp(device)) as link:
            waiting = [asyncio.create_task(link.request(read(i % 60))) for i in range(QUEUE_MAX + 5)]
            done = await asyncio.gather(*waiting, return_exceptions=True)
            refused = [d for d in done if isinstance(d, LinkFailure)]
            assert refused
            assert {failure.kind for failure in refused} == {Failure.QUEUE_FULL}
            assert link.figures.failures[Failure.QUEUE_FULL] == len(refused)
            assert [d.words for d in done if not isinstance(d, BaseException)] == [
                (1000 + i % 60,) for i, d in enumerate(done) if not isinstance(d, BaseException)
            ]

    asyncio.run(story())


def test_rule_02_a_caller_that_gives_up_drops_only_its_future() -> None:
    async def story() -> None:
        device = registers()
        async with linked(SlowTcp(device)) as link:
            given_up = asyncio.create_task(link.request(read(7)))
            await asyncio.sleep(0.01)
            given_up.cancel()
            with pytest.raises(LinkFailure) as caught:
                await link.request(read(9), deadline_s=0.001)
            assert caught.value.kind is Failure.GIVEN_UP
            reply = await link.request(read(8))
            assert reply.words == (1008,)
            assert link.generation == 1, "the transaction ran to its end on the same connection"
            assert link.figures.replies >= 2

    asyncio.run(story())


def test_rule_03_safety_overtakes_commands_and_commands_overtake_polls() -> None:
    async def story() -> None:
        device = registers()
        async with linked(SlowTcp(device)) as link:
            polls = [asyncio.create_task(link.request(read(i))) for i in range(4)]
            await asyncio.sleep(0.005)
            command = asyncio.create_task(link.request(read(20), priority=Priority.COMMAND))
            safety = asyncio.create_task(link.request(read(30), priority=Priority.SAFETY))
            await asyncio.gather(command, safety, *polls)
            order = [int.from_bytes(pdu[1:3], "big") for pdu in device.requests]
            assert order == [0, 30, 20, 1, 2, 3]

    asyncio.run(story())


def test_rule_04_one_retry_for_reads_and_none_for_writes(tmp_path: Path) -> None:
    async def story() -> None:
        device = registers()
        slave = LosesFirst(device, str(tmp_path / "bus"))
        async with linked(slave) as link:
            assert (await link.request(read(3))).words == (1003,)
            assert (len(device.requests), link.figures.retries) == (2, 1)
            slave.lose = 1
            with pytest.raises(LinkFailure) as caught:
                await link.request(Request(unit=1, function=6, address=5, values=(9,)))
            assert caught.value.kind is Failure.TIMEOUT
            assert len(device.requests) == 3
            slave.lose = 2
            with pytest.raises(LinkFailure):
                await link.request(read(3))
            assert len(device.requests) == 5

    asyncio.run(story())


def test_rule_05_rtu_time_out_follows_the_frame_time() -> None:
    async def story() -> None:
        settings = LinkSettings(timeout_s=0.0, turnaround_s=0.01)
        slow = ModbusLink(parse_address("rtu:///dev/null?baud=9600"), settings, now=lambda: 0)
        long_frame, short_frame = slow.timeout_s(read(0, 60)), slow.timeout_s(read(0, 1))
        characters = 5 + 2 + 2 * 60 + 6
        assert long_frame == pytest.approx(0.01 + 1.5 * characters * 11 / 9600)
        assert short_frame == 0.05, "never below 50 ms"
        network = ModbusLink(parse_address("tcp://127.0.0.1:1"), LinkSettings(), now=lambda: 0)
        assert network.timeout_s(read(0, 60)) == 0.3

    asyncio.run(story())


class Stamped(PtySlave):
    """Notes when requests come."""

    def __init__(self, link: str, lose: int) -> None:
        self.lose = lose
        self.at_s: list[float] = []
        super().__init__(self._note, link)
        self.device = registers()

    def _note(self, unit: int, pdu: bytes) -> bytes | None:
        self.at_s.append(time.monotonic())
        return self.device(unit, pdu)

    def deliver(self, frame: bytes) -> None:
        if self.lose:
            self.lose -= 1
        else:
            super().deliver(frame)


def test_rule_06_after_a_failure_the_line_stays_quiet_for_the_late_window(tmp_path: Path) -> None:
    async def story() -> None:
        slave = Stamped(str(tmp_path / "bus"), lose=1)
        async with linked(slave) as link:
            await link.request(read(0))
            first, second = [record.at_us for record in link.capture.records() if record.sent]
            assert second - first >= (SETTINGS.timeout_s + SETTINGS.late_window_s) * 1e6

    asyncio.run(story())


def test_rule_07_a_failed_connection_is_never_used_again() -> None:
    async def story() -> None:
        slow = SlowTcp(registers())
        async with linked(slow) as link:
            slow.pause_s = 0.4
            with pytest.raises(LinkFailure) as caught:
                await link.request(read(1))
            assert caught.value.kind is Failure.TIMEOUT
            assert not link.up.is_set()
            slow.pause_s = 0.0
            await link.up.wait()
            assert (link.generation, slow.connections) == (2, 2)
            link.admit(1, link.generation)
            assert (await link.request(read(2))).words == (1002,)

    asyncio.run(story())


def test_rule_08_silence_before_every_frame(tmp_path: Path) -> None:
    async def story() -> None:
        slave = Stamped(str(tmp_path / "bus"), lose=0)
        settings = LinkSettings(timeout_s=0.2, guard_s=0.02)
        async with linked(slave, settings) as link:
            for address in range(4):
                await link.request(read(address))
            gaps = [b - a for a, b in itertools.pairwise(slave.at_s)]
            assert min(gaps) >= 0.02 + 0.00175

    asyncio.run(story())


def test_rule_09_consecutive_reads_of_a_unit_differ_in_shape(tmp_path: Path) -> None:
    async def story() -> None:
        device = registers()
        settings = LinkSettings(timeout_s=0.2, readable=((3, 0, 64),))
        async with linked(PtySlave(device, str(tmp_path / "bus")), settings) as link:
            answers = [(await link.request(read(address, 2))).words for address in (4, 8, 12, 62, 62)]
            assert answers == [(1000 + a, 1001 + a) for a in (4, 8, 12, 62, 62)]
            shapes = [(pdu[0], int.from_bytes(pdu[3:5], "big")) for pdu in device.requests]
            assert all(a != b for a, b in itertools.pairwise(shapes))

    asyncio.run(story())


def test_rule_10_a_dead_unit_is_probed_once_a_second_and_the_others_keep_pace(tmp_path: Path) -> None:
    async def story() -> None:
        device = registers()
        slave = PtySlave(device, str(tmp_path / "bus"), units=(1, 2))
        slave.silent_units = {2}
        async with linked(slave, units=(1, 2)) as link:
            kinds = []
            for _ in range(BACK_OFF_FAILURES + 3):
                with pytest.raises(LinkFailure) as caught:
                    await link.request(Request(unit=2, function=6, address=1, values=(1,)))
                kinds.append(caught.value.kind)
            assert kinds == [Failure.TIMEOUT] * BACK_OFF_FAILURES + [Failure.BACK_OFF] * 3
            assert (await link.request(read(5))).words == (1005,)

    asyncio.run(story())


def test_rule_11_reconnection_is_capped_and_never_a_loop_without_sleep() -> None:
    async def story() -> None:
        slave = TcpSlave(registers())
        async with linked(slave) as link:
            await slave.close()
            await asyncio.sleep(1.0)
            attempts = link.figures.failures[Failure.DISCONNECTED]
            assert 2 <= attempts <= 1.0 / RECONNECT_S_MIN
            await slave.open()
            await link.up.wait()
            assert link._delay_s <= RECONNECT_S_MAX

    asyncio.run(story())


def test_rule_12_nothing_but_the_bring_up_passes_before_the_safe_state() -> None:
    async def story() -> None:
        slave = TcpSlave(registers())
        async with slave:
            link = ModbusLink(parse_address(slave.url), SETTINGS, now=lambda: 0)
            link.start()
            await link.up.wait()
            with pytest.raises(LinkFailure) as caught:
                await link.request(read())
            assert caught.value.kind is Failure.DISCONNECTED
            assert (await link.request(read(), bring_up=True)).words == (1000,)
            await link.stop()

    asyncio.run(story())
