"""Links whose line, device or caller fails in the middle: nothing is taken for an answer, and the next one is."""

import asyncio
import contextlib
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from devices import modbus_link
from devices.address import parse_address
from devices.modbus_link import LinkSettings, ModbusLink
from devices.requests import Failure, LinkFailure, Request
from tests.devices.linked import SETTINGS, linked, read, registers, until
from tests.devices.wires import Answer, PtySlave, TcpSlave


@contextlib.contextmanager
def in_its_pause(do: Callable[[], object]) -> Iterator[None]:
    """The link's next pause is the moment in which this is done."""
    real = asyncio.sleep
    with pytest.MonkeyPatch.context() as patch:

        async def pause(seconds: float) -> None:
            patch.undo()
            do()
            await real(0)

        patch.setattr("devices.modbus_link.asyncio.sleep", pause)
        yield


def test_a_unit_proven_safe_on_an_earlier_connection_is_not_on_this_one() -> None:
    async def story() -> None:
        async with linked(TcpSlave(registers())) as link:
            before = link.generation
            link.reopen()
            await link.up.wait()
            link.admit(1, before)
            with pytest.raises(LinkFailure, match="safe state not proven yet"):
                await link.request(read())
            link.admit(1, link.generation)
            assert (await link.request(read())).words == (1000,)

    asyncio.run(story())


def test_a_line_that_breaks_while_its_silence_is_kept_sends_nothing_more_on_it(tmp_path: Path) -> None:
    async def story() -> None:
        device = registers()
        async with linked(PtySlave(device, str(tmp_path / "bus")), LinkSettings(timeout_s=0.2, guard_s=0.15)) as link:
            await link.request(read(1))
            with in_its_pause(link.reopen), pytest.raises(LinkFailure) as caught:
                await link.request(read(2))
            assert caught.value.kind is Failure.DISCONNECTED
            await until(lambda: link.generation == 2)
            assert len(device.requests) == 1
            link.admit(1, link.generation)
            assert (await link.request(read(3))).words == (1003,)

    asyncio.run(story())


def test_a_silence_that_nobody_waits_for_any_more_ends_like_any_other() -> None:
    async def story() -> None:
        async with linked(TcpSlave(registers())) as link:
            silence = asyncio.create_task(link.silence(0.05))
            with in_its_pause(silence.cancel), pytest.raises(asyncio.CancelledError):
                await silence
            assert (await link.request(read(4))).words == (1004,)
            await link.silence(0.01)

    asyncio.run(story())


def test_a_request_that_can_not_be_made_any_more_when_its_turn_comes_sends_nothing() -> None:
    def late() -> Request:
        raise ValueError("permit 3: late by 5 ms")

    async def story() -> None:
        device = registers()
        async with linked(TcpSlave(device)) as link:
            with pytest.raises(LinkFailure, match="permit 3: late by 5 ms") as caught:
                await link.request(late, unit=1)
            assert caught.value.kind is Failure.RANGE
            assert not device.requests
            assert link.generation == 1

    asyncio.run(story())


@pytest.mark.parametrize(
    ("request_", "characters"),
    [
        (Request(unit=1, function=2, address=0, count=600), 5 + 2 + 75 + 6),
        (Request(unit=1, function=15, address=0, values=(1,) * 120), 6 + 15 + 5 + 6),
        (Request(unit=1, function=16, address=0, values=(1,) * 120), 6 + 240 + 5 + 6),
    ],
)
def test_the_time_out_of_a_line_counts_eight_bits_or_half_a_register_to_a_character(
    request_: Request, characters: int
) -> None:
    settings = LinkSettings(timeout_s=0.0, turnaround_s=0.01)
    link = ModbusLink(parse_address("rtu:///dev/null?baud=1200"), settings, now=lambda: 0)
    assert link.timeout_s(request_) == pytest.approx(0.01 + 1.5 * characters * 11 / 1200)


def test_a_line_that_is_not_silent_in_time_is_opened_anew_before_anything_is_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def story() -> None:
        device = registers()
        async with linked(PtySlave(device, str(tmp_path / "bus")), LinkSettings(timeout_s=0.2, guard_s=0.15)) as link:
            monkeypatch.setattr(modbus_link, "QUIET_WAIT_S_MAX", -1.0)  # the time is over before it has begun
            with pytest.raises(LinkFailure):
                await link.request(read(2))
            assert link.figures.failures[Failure.LENGTH] == 1
            assert not device.requests
            await until(lambda: link.generation == 2)

    asyncio.run(story())


class Held(TcpSlave):
    """Answers when it is let go."""

    def __init__(self, answer: Answer) -> None:
        super().__init__(answer)
        self.go = asyncio.Event()

    async def deliver(self, writer: asyncio.StreamWriter, header: bytes, pdu: bytes) -> None:
        await self.go.wait()
        await super().deliver(writer, header, pdu)


def test_a_request_whose_caller_is_gone_when_its_turn_comes_is_never_sent() -> None:
    async def story() -> None:
        device = registers()
        slave = Held(device)
        async with linked(slave, LinkSettings(timeout_s=5.0)) as link:
            first = asyncio.create_task(link.request(read(1)))
            await until(lambda: len(device.requests) == 1)
            second = asyncio.create_task(link.request(read(2)))
            await until(lambda: len(link._queue) == 1)
            second.cancel()
            slave.go.set()
            assert (await first).words == (1001,)
            assert (await link.request(read(3))).words == (1003,)
            assert [pdu[2] for pdu in device.requests] == [1, 3]

    asyncio.run(story())


def test_an_exception_over_tcp_ends_its_request_and_costs_no_connection() -> None:
    async def story() -> None:
        async with linked(TcpSlave(registers())) as link:
            with pytest.raises(LinkFailure) as caught:
                await link.request(read(900))
            assert caught.value.kind is Failure.EXCEPTION
            reply = await link.request(read(1))
            assert (reply.words, link.generation) == ((1001,), 1)
            assert reply.fresh(reply.at_us + 1_000, 1_000)
            assert not reply.fresh(reply.at_us + 1_001, 1_000)

    asyncio.run(story())


def test_a_silence_has_no_frame() -> None:
    with pytest.raises(AssertionError, match="a pause sends nothing"):
        modbus_link._never()


def test_a_read_is_padded_only_inside_the_range_that_holds_it(tmp_path: Path) -> None:
    async def story() -> None:
        device = registers()
        settings = LinkSettings(timeout_s=0.2, readable=((4, 10, 20), (3, 0, 8), (3, 10, 12)))
        async with linked(PtySlave(device, str(tmp_path / "bus")), settings) as link:
            answers = [(await link.request(read(10, 2))).words for _ in range(2)]
            assert answers == [(1010, 1011)] * 2
            assert link.figures.padded == 0, "the range is the read itself: no register more, on neither side"
            assert (await link.request(read(6, 2))).words == (1006, 1007)
            assert link.figures.padded == 1
            assert device.requests[-1][1:5] == b"\0\5\0\3", "the one before it"

    asyncio.run(story())


def test_a_line_unplugged_in_the_middle_of_a_transaction_is_lost_at_once_and_found_again(tmp_path: Path) -> None:
    async def story() -> None:
        device = registers()

        def unplugs(unit: int, pdu: bytes) -> bytes | None:
            if pdu[2] == 9:
                slave.unplug()
                return None
            return device(unit, pdu)

        slave = PtySlave(unplugs, str(tmp_path / "bus"))
        async with linked(slave) as link:
            with pytest.raises(LinkFailure) as caught:
                await link.request(read(9))
            assert caught.value.kind is Failure.DISCONNECTED
            assert not link.up.is_set()
            slave.plug()
            await link.up.wait()
            link.admit(1, link.generation)
            assert (await link.request(read(3))).words == (1003,)

    asyncio.run(story())


def test_a_failure_that_comes_after_its_caller_gave_up_still_costs_the_connection() -> None:
    async def story() -> None:
        slave = TcpSlave(registers())
        async with linked(slave) as link:
            slave.black_hole = True
            with pytest.raises(LinkFailure) as caught:
                await link.request(read(1), deadline_s=0.02)
            assert caught.value.kind is Failure.GIVEN_UP
            await until(lambda: link.figures.failures[Failure.TIMEOUT] == 1)
            slave.black_hole = False
            await until(lambda: link.generation == 2)

    asyncio.run(story())


def test_a_link_that_was_never_begun_stops_and_answers_nobody() -> None:
    async def story() -> None:
        link = ModbusLink(parse_address("tcp://127.0.0.1:9"), SETTINGS, now=lambda: 0)
        await link.stop()
        with pytest.raises(LinkFailure) as caught:
            await link.request(read())
        assert caught.value.kind is Failure.DISCONNECTED

    asyncio.run(story())
