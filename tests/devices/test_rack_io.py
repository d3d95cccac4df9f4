"""The lane I/O behind the rack: ring, gate, restart, watchdog proof, beam."""

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest

from devices.address import parse_address
from devices.commands import ProveWatchdog, ReleasePulse, SetBeam
from devices.drivers.context import DeviceContext
from devices.drivers.lane_io import LaneIo
from devices.io_image import IoResume, resume_point
from devices.modbus_link import LinkSettings, ModbusLink
from devices.profile import Profile, load_profile
from devices.registers import Register
from devices.requests import Failure, LinkFailure, Priority
from devices.signals import (
    DeviceRestarted,
    EncoderDoubt,
    EyeChanged,
    GateFault,
    GateInPosition,
    GatePosition,
    LinkLost,
    LinkRestored,
    OutputProven,
    SafetyChanged,
    StrangerRefused,
    WatchdogProven,
)
from tests.devices.demo_devices import PROFILES, DemoIo
from tests.devices.lane_bench import a_lane


def test_eyes_come_in_ring_order_with_the_devices_own_stamps(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            for step in range(4):
                lane.io.encoder += 1_000
                lane.io.edge(0 if step % 2 == 0 else 1, step < 2)
            await lane.until(lambda: len(lane.of(EyeChanged)) == 4)
            eyes = [s for s in lane.signals if isinstance(s, EyeChanged)]
            assert [(e.eye, e.blocked, e.belt_um, e.ring_seq, e.boot) for e in eyes] == [
                ("induct", True, 600_000, 1, 7),
                ("tunnel_entry", True, 700_000, 2, 7),
                ("induct", False, 800_000, 3, 7),
                ("tunnel_entry", False, 900_000, 4, 7),
            ]
            assert [e.at_us for e in eyes] == sorted(e.at_us for e in eyes)
            assert resume_point(eyes[3]) == IoResume(ring_seq=4, boot=7, encoder=9_000, belt_um=900_000)

    asyncio.run(story())


def test_release_pulse_is_proven_by_end_switches_with_its_permit(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            lane.signals.clear()
            pulse = ReleasePulse(
                permit_no=9, seq=1, from_um=600_000, to_um=1_400_000, pulse_ms=100, not_after_us=lane.now() + 1_500_000
            )
            await lane.rack.apply(pulse)
            await lane.until(lambda: lane.io.applied == 9)
            block = next(pdu for pdu in lane.io.requests if pdu[:3] == bytes.fromhex("100020"))
            assert block[:6] == bytes.fromhex("100020000912")
            assert block[6:18] == bytes.fromhex("0009 0064 0000 1770 0000 36B0")
            assert 1_300 < int.from_bytes(block[18:20], "big") <= 1_500
            assert block[20:] == bytes.fromhex("A1B2C3D4"), "the owner's token"
            await lane.until(lambda: len(lane.of(GateInPosition)) == 4)
            gate = [(s.position, s.permit_no) for s in lane.signals if isinstance(s, GateInPosition)]
            moving, release, inspect = GatePosition.MOVING, GatePosition.RELEASE, GatePosition.INSPECT
            assert gate == [(moving, 9), (release, 9), (moving, 9), (inspect, 9)]
            valve = [(s.level, s.permit_no) for s in lane.signals if isinstance(s, OutputProven)]
            assert valve == [(True, 9), (False, 9)]
            assert not lane.of(GateFault)

    asyncio.run(story())


def test_a_refused_or_late_permit_is_a_gate_fault(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            late = ReleasePulse(
                permit_no=3, seq=1, from_um=600_000, to_um=700_000, pulse_ms=100, not_after_us=lane.now() - 5_000
            )
            await lane.rack.apply(late)
            await lane.until(lambda: bool(lane.of(GateFault)))
            assert not [pdu for pdu in lane.io.requests if pdu[:3] == bytes.fromhex("100020")]
            lane.io.inputs_word &= ~0x100
            again = ReleasePulse(
                permit_no=4, seq=1, from_um=600_000, to_um=700_000, pulse_ms=100, not_after_us=lane.now() + 500_000
            )
            await lane.rack.apply(again)
            await lane.until(lambda: len(lane.of(GateFault)) == 2)
            reasons = [s.reason for s in lane.signals if isinstance(s, GateFault)]
            assert reasons[0].startswith("permit 3 refused: not sent")
            assert "late by" in reasons[0]
            assert reasons[1] == "permit 4 refused: gate not at INSPECT"

    asyncio.run(story())


def test_a_restarted_io_is_told_with_encoder_doubt_and_made_safe_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            before = lane.rack.belt(lane.now())
            lane.signals.clear()
            lane.io.requests.clear()
            lane.io.restart()
            await lane.until(lambda: bool(lane.of(LinkRestored)))
            assert [s.boot for s in lane.signals if isinstance(s, DeviceRestarted)] == [8]
            assert len(lane.of(EncoderDoubt)) == 1
            assert lane.rack.belt(lane.now()) >= before
            claim, outputs_off = bytes.fromhex("1000300002 04 A1B2C3D4"), bytes.fromhex("1000140003 06 0000 A1B2C3D4")
            assert lane.io.requests.index(claim) < lane.io.requests.index(outputs_off)

    asyncio.run(story())


def test_another_owner_is_named_and_the_device_is_taken_up_when_it_is_gone(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            lane.signals.clear()
            lane.io.owner = 0x5EED
            lane.io.requests.clear()
            await lane.until(lambda: bool(lane.of(LinkLost)))
            await lane.rack.apply(
                ReleasePulse(
                    permit_no=3, seq=1, from_um=600_000, to_um=700_000, pulse_ms=100, not_after_us=lane.now() + 500_000
                )
            )
            await asyncio.sleep(0.1)
            assert not lane.of(LinkRestored), "the claim is refused"
            assert {pdu[1:3] for pdu in lane.io.requests[-2:] if pdu[0] == 16} == {bytes.fromhex("0030")}
            assert lane.io.applied == 0
            assert not lane.rack.connected["io"]
            lane.io.owner = 0
            await lane.until(lambda: bool(lane.of(LinkRestored)))
            assert lane.io.owner == 0xA1B2C3D4

    asyncio.run(story())


@pytest.mark.parametrize("kind", [Failure.TIMEOUT, Failure.EXCEPTION])
def test_only_the_devices_own_refusal_means_another_owner(monkeypatch: pytest.MonkeyPatch, kind: Failure) -> None:
    async def story() -> None:
        async def write(register: Register, value: int, priority: Priority) -> None:
            assert (register.name, value, priority) == ("claim", 7, Priority.SAFETY)
            raise LinkFailure(kind)

        io = _alone(load_profile(PROFILES / "lane-io.toml"))
        monkeypatch.setattr(io.port, "write", write)
        with pytest.raises(LinkFailure) as caught:
            await io.claim()
        assert caught.value.kind is (Failure.OWNER if kind is Failure.EXCEPTION else kind)

    asyncio.run(story())


def test_remote_io_without_an_owner_gets_no_claim_and_no_token(tmp_path: Path) -> None:
    async def story() -> None:
        profile = load_profile(PROFILES / "lane-io.toml")
        registers = {name: replace(one, owned=False) for name, one in profile.registers.items() if name != "claim"}
        io = _alone(replace(profile, registers=registers))
        await io.claim()  # there is no link: a request would fail
        io.context.belt.start(0, 0)
        block = io.gate.block(
            ReleasePulse(permit_no=3, seq=1, from_um=1_000, to_um=2_000, pulse_ms=100, not_after_us=500_000)
        )
        assert len(block.values) == 7

    asyncio.run(story())


def _alone(profile: Profile) -> LaneIo:
    """A driver without a wire."""
    context = DeviceContext(now=lambda: 0, emit=lambda signal: None)
    link = ModbusLink(parse_address("tcp://127.0.0.1:1"), LinkSettings(), now=context.now)
    return LaneIo(profile, link, 1, context, None, 7)


def test_refused_strangers_are_told_once_a_second_at_most(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            stranger = bytes.fromhex("1000200009 12 0009 07D0 0000 0000 0000 0000 05DC 0000 0BAD")
            lane.io(1, stranger)
            await lane.until(lambda: bool(lane.of(StrangerRefused)))
            for _ in range(5):
                lane.io(1, stranger)
            await asyncio.sleep(0.2)
            assert [s.writes for s in lane.signals if isinstance(s, StrangerRefused)] == [1]
            assert lane.io.applied == 0
            await lane.until(lambda: len(lane.of(StrangerRefused)) == 2)
            assert [s.writes for s in lane.signals if isinstance(s, StrangerRefused)] == [1, 5]
            assert not lane.of(LinkLost)

    asyncio.run(story())


def test_a_resumed_ring_continues_where_the_journal_ended(tmp_path: Path) -> None:
    async def story() -> None:
        resume = IoResume(ring_seq=2, boot=7, encoder=4_000, belt_um=77_000_000)
        lane_io = DemoIo
        original = lane_io.__init__

        def with_history(self: DemoIo, speed: int = 1) -> None:
            original(self, speed)
            self.encoder = 3_000
            for channel, level in ((0, True), (0, False), (1, True)):
                self.encoder += 1_000
                self.edge(channel, level)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(lane_io, "__init__", with_history)
            async with a_lane(tmp_path, resume=resume) as lane:
                await lane.until(lambda: bool(lane.of(EyeChanged)))
                eyes = [(s.eye, s.blocked, s.ring_seq, s.belt_um) for s in lane.signals if isinstance(s, EyeChanged)]
                assert eyes == [("tunnel_entry", True, 3, 77_200_000)]
                assert not lane.of(EncoderDoubt)

    asyncio.run(story())


def test_another_boot_counter_than_the_journals_is_doubt(tmp_path: Path) -> None:
    async def story() -> None:
        resume = IoResume(ring_seq=2, boot=6, encoder=4_000, belt_um=77_000_000)
        async with a_lane(tmp_path, resume=resume) as lane:
            assert [s.boot for s in lane.signals if isinstance(s, DeviceRestarted)] == [7]
            assert len(lane.of(EncoderDoubt)) == 1
            assert lane.rack.belt(lane.now()) >= 77_000_000

    asyncio.run(story())


@pytest.mark.parametrize("speed", [1, 4])
def test_the_watchdog_is_proven_by_silence(tmp_path: Path, speed: int) -> None:
    async def story() -> None:
        async with a_lane(tmp_path, speed=speed) as lane:
            lane.signals.clear()
            await lane.rack.apply(ProveWatchdog())
            await lane.until(lambda: bool(lane.of(WatchdogProven)))
            proven = next(s for s in lane.signals if isinstance(s, WatchdogProven))
            assert proven.ok, proven.reason
            assert proven.drop_us > 250_000, "it ran from the last frame's arrival, a little before our reply"
            assert not lane.of(LinkLost)
            assert not lane.of(GateFault)
            await lane.until(lambda: not lane.io.tripped)
            await asyncio.sleep(0.15)
            assert not lane.of(LinkRestored), "the trip of the proof is no trip of the lane"

    asyncio.run(story())


def test_a_device_without_a_working_watchdog_fails_the_proof(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            lane.io.ignore_watchdog = True
            await lane.rack.apply(ProveWatchdog())
            await lane.until(lambda: bool(lane.of(WatchdogProven)))
            proven = next(s for s in lane.signals if isinstance(s, WatchdogProven))
            assert not proven.ok
            assert "still on" in proven.reason

    asyncio.run(story())


def test_beam_needs_the_whole_chain_and_falls_with_it(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            await lane.until(lambda: bool(lane.of(SafetyChanged)))
            await lane.rack.apply(SetBeam(on=True))
            await lane.until(lambda: lane.source.holding[0x11] == 1)
            await lane.until(lambda: any(s.xray_on for s in lane.signals if isinstance(s, SafetyChanged)))
            lane.cabinet.status &= ~0x04
            await lane.until(lambda: lane.source.holding[0x11] == 0)
            lane.cabinet.status |= 0x04
            await asyncio.sleep(0.3)
            assert lane.source.holding[0x11] == 0, "no beam again by itself"
            last = [s for s in lane.signals if isinstance(s, SafetyChanged)][-1]
            assert (last.guard_ok, last.interlock_ok, last.estop_ok, last.key_on) == (True, True, True, True)
            lane.cabinet.status &= ~0x02
            await lane.until(lambda: not [s for s in lane.signals if isinstance(s, SafetyChanged)][-1].interlock_ok)
            await lane.rack.apply(SetBeam(on=True))
            await asyncio.sleep(0.2)
            assert lane.source.holding[0x11] == 0

    asyncio.run(story())
