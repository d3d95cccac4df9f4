"""The rack against devices of the manual on real sockets and ptys."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest

from devices.commands import AllowInduction, Light, ProveWatchdog, ReleasePulse, RunBelt, SetBeam, ShowLight, StopBelt
from devices.rack import DeviceAddress, IoResume, Rack, RackConfig, RackError, resume_point
from devices.signals import (
    BeltMoved,
    BeltState,
    DeviceRestarted,
    DeviceSignal,
    EncoderDoubt,
    EyeChanged,
    GateFault,
    GateInPosition,
    GatePosition,
    LinkLost,
    LinkRestored,
    OutputProven,
    SafetyChanged,
    WatchdogProven,
)
from tests.devices.demo_devices import PROFILES, DemoDrive, DemoIo, DemoXray
from tests.devices.wires import PtySlave, TcpSlave

CABINET_CLOSED = 0x1F
SOURCE_READY = 0x11


class Lane:
    """All demo devices of the tests and a rack around them."""

    def __init__(self, speed: int) -> None:
        self.speed = speed
        self.io = DemoIo(speed)
        self.drive = DemoDrive()
        self.cabinet = DemoXray(0xA503, CABINET_CLOSED)
        self.source = DemoXray(0xA504, SOURCE_READY)
        self.signals: list[DeviceSignal] = []
        self.rack: Rack
        self.slaves: dict[str, TcpSlave] = {}
        self.pty: PtySlave

    def now(self) -> int:
        return int(time.monotonic() * 1e6 * self.speed)

    def of(self, kind: type) -> list[DeviceSignal]:
        return [signal for signal in self.signals if isinstance(signal, kind)]

    async def until(self, done: Callable[[], bool], seconds: float = 5.0) -> None:
        deadline = time.monotonic() + seconds
        while not done():
            assert time.monotonic() < deadline, f"not reached; last signals {self.signals[-8:]}"
            await asyncio.sleep(0.005)


@contextlib.asynccontextmanager
async def a_lane(tmp_path: Path, *, speed: int = 1, resume: IoResume | None = None) -> AsyncIterator[Lane]:
    lane = Lane(speed)
    async with contextlib.AsyncExitStack() as stack:
        for name, device in (("io", lane.io), ("cabinet", lane.cabinet), ("source", lane.source)):
            lane.slaves[name] = await stack.enter_async_context(TcpSlave(device))
        lane.pty = await stack.enter_async_context(PtySlave(lane.drive, str(tmp_path / "drive")))
        urls = {name: slave.url for name, slave in lane.slaves.items()} | {"drive": lane.pty.url}
        profiles = {"io": "lane-io", "drive": "belt-drive", "cabinet": "xray-cabinet", "source": "xray-source"}
        devices = {
            name: DeviceAddress(address=url, profile_path=PROFILES / f"{profiles[name]}.toml")
            for name, url in urls.items()
        }
        lane.rack = Rack(
            RackConfig(devices=devices, speed=speed), now=lane.now, emit=lane.signals.append, resume=resume
        )
        life = asyncio.create_task(lane.io.run())
        await lane.rack.start()
        try:
            await lane.until(lambda: all(lane.rack.connected.values()))
            yield lane
        finally:
            await lane.rack.stop()
            life.cancel()


def test_first_act_after_connect_is_the_safe_state(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            writes = [pdu[0] * 0x10000 + int.from_bytes(pdu[1:3], "big") for pdu in lane.io.requests]
            first = [code for code in writes if code >> 16 in (6, 16)][:2]
            assert first == [0x60011, 0x60012], "output word 0 and gate at rest come before anything else"
            assert lane.io.requests[0][0] == 6
            assert lane.drive.commands[0] == 5
            assert lane.source.requests[0] == bytes.fromhex("0600110000")

    asyncio.run(story())


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
            block = next(pdu for pdu in lane.io.requests if pdu[0] == 16)
            assert block[:6] == bytes.fromhex("10002000070E")
            assert block[6:18] == bytes.fromhex("0009 0064 0000 1770 0000 36B0")
            assert 1_300 < int.from_bytes(block[18:20], "big") <= 1_500
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
            assert not [pdu for pdu in lane.io.requests if pdu[0] == 16]
            lane.io.inputs_word &= ~0x100
            again = ReleasePulse(
                permit_no=4, seq=1, from_um=600_000, to_um=700_000, pulse_ms=100, not_after_us=lane.now() + 500_000
            )
            await lane.rack.apply(again)
            await lane.until(lambda: len(lane.of(GateFault)) == 2)
            reasons = [s.reason for s in lane.signals if isinstance(s, GateFault)]
            assert reasons[0].startswith("permit 3 not sent")
            assert "late by" in reasons[0]
            assert reasons[1] == "permit 4 refused: gate not at INSPECT"

    asyncio.run(story())


def test_belt_runs_and_stands_and_reports_itself(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            await lane.rack.apply(RunBelt(speed_um_s=500_000))
            await lane.until(lambda: lane.drive.running)
            await lane.until(lambda: any(s.running for s in lane.signals if isinstance(s, BeltState)))
            state = next(s for s in lane.signals if isinstance(s, BeltState) and s.running)
            assert (state.speed_um_s, state.fault) == (500_000, False)
            await lane.rack.apply(StopBelt())
            await lane.until(lambda: not lane.drive.running)
            await lane.until(lambda: not [s for s in lane.signals if isinstance(s, BeltState)][-1].running)

    asyncio.run(story())


def test_belt_position_is_reported_each_quarter_metre(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            for _ in range(60):
                lane.io.encoder += 200
                await asyncio.sleep(0.005)
            await lane.until(lambda: lane.of(BeltMoved)[-1].belt_um >= 1_500_000)
            moved = [s for s in lane.signals if isinstance(s, BeltMoved)]
            gaps = [b.belt_um - a.belt_um for a, b in itertools.pairwise(moved)]
            assert max(gaps) < 700_000
            assert max(s.speed_um_s for s in moved) > 500_000
            assert lane.rack.belt(lane.now()) >= 1_700_000

    asyncio.run(story())


def test_induction_and_light_are_one_word_and_read_back(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            await lane.rack.apply(AllowInduction(allowed=True))
            await lane.rack.apply(ShowLight(light=Light.GREEN))
            await lane.until(lambda: lane.io.holding[0x11] == 3)
            await lane.until(
                lambda: any(s.point == "allow_induction" for s in lane.signals if isinstance(s, OutputProven))
            )
            await lane.rack.apply(ShowLight(light=Light.RED))
            await lane.until(lambda: lane.io.holding[0x11] == 9)

    asyncio.run(story())


def test_a_black_hole_is_noticed_and_the_trip_is_told_on_return(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            await lane.rack.apply(AllowInduction(allowed=True))
            await lane.until(lambda: lane.io.holding[0x11] == 1)
            lane.signals.clear()
            slave = lane.slaves["io"]
            slave.black_hole = True
            await lane.until(lambda: bool(lane.of(LinkLost)), seconds=2)
            await lane.until(lambda: lane.io.tripped)
            slave.black_hole = False
            await lane.until(lambda: bool(lane.of(LinkRestored)))
            back = next(s for s in lane.signals if isinstance(s, LinkRestored))
            assert back.role == "io"
            assert back.watchdog_tripped
            assert back.gap_us > 300_000
            await lane.until(lambda: not lane.io.tripped)
            await asyncio.sleep(0.1)
            assert lane.io.holding[0x11] & 1 == 0, "induction is not allowed again without the lane"

    asyncio.run(story())


def test_a_short_break_without_a_trip_keeps_what_was_wanted(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            await lane.rack.apply(AllowInduction(allowed=True))
            await lane.until(lambda: lane.io.holding[0x11] == 1)
            lane.io.ignore_watchdog = True
            lane.signals.clear()
            lane.slaves["io"].drop()
            await lane.until(lambda: bool(lane.of(LinkRestored)))
            assert [type(s) for s in lane.signals if isinstance(s, LinkLost | LinkRestored)] == [LinkLost, LinkRestored]
            back = next(s for s in lane.signals if isinstance(s, LinkRestored))
            assert not back.watchdog_tripped
            await lane.until(lambda: lane.io.holding[0x11] == 1)

    asyncio.run(story())


def test_a_hung_up_pty_is_found_again(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            lane.signals.clear()
            lane.pty.unplug()
            await lane.until(lambda: bool(lane.of(LinkLost)))
            lane.pty.plug()
            await lane.until(lambda: bool(lane.of(LinkRestored)))
            assert [s.role for s in lane.signals if isinstance(s, LinkLost | LinkRestored)] == ["drive", "drive"]

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
            assert bytes.fromhex("0600110000") in lane.io.requests

    asyncio.run(story())


def test_a_frozen_life_counter_is_loss_of_the_device(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            lane.signals.clear()
            lane.io.life_frozen = 17
            await lane.until(lambda: bool(lane.of(LinkLost)))
            lost = next(s for s in lane.signals if isinstance(s, LinkLost))
            assert "life counter" in lost.reason

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
            assert proven.drop_us > 300_000
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


def test_an_encoder_that_contradicts_the_drive_is_doubt(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            await lane.rack.apply(RunBelt(speed_um_s=500_000))
            await lane.until(lambda: bool(lane.of(EncoderDoubt)))
            doubt = next(s for s in lane.signals if isinstance(s, EncoderDoubt))
            assert doubt.reason == "encoder says 0 mm/s, drive says 500 mm/s"

    asyncio.run(story())


def test_an_orderly_end_leaves_every_device_safe(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            await lane.until(lambda: bool(lane.of(SafetyChanged)))
            for command in (RunBelt(speed_um_s=300_000), AllowInduction(allowed=True), SetBeam(on=True)):
                await lane.rack.apply(command)
            await lane.until(lambda: lane.drive.running and lane.source.holding[0x11] == 1)
            await lane.until(lambda: lane.io.holding[0x11] == 1)
            await lane.rack.stop()
            assert (lane.drive.running, lane.io.holding[0x11], lane.source.holding[0x11]) == (False, 0, 0)

    asyncio.run(story())


def test_figures_name_requests_failures_and_cycle_times_of_every_device(tmp_path: Path) -> None:
    async def story() -> None:
        async with a_lane(tmp_path) as lane:
            lane.slaves["io"].drop()
            await lane.until(lambda: bool(lane.of(LinkLost)))
            await lane.until(lambda: all(lane.rack.connected.values()))
            await asyncio.sleep(0.2)
            figures = lane.rack.figures()
            assert set(figures) == {"io", "drive", "cabinet", "source"}
            io = figures["io"]
            assert io["reconnects"] == io["losses"] == 1
            assert isinstance(io["requests"], int)
            assert io["requests"] > 20
            cycle = io["cycle_ms"]
            assert isinstance(cycle, dict)
            assert cycle["p99"] >= cycle["p50"] > 10
            assert len(lane.rack.capture) == 4

    asyncio.run(story())


def test_a_profile_of_another_role_is_refused_before_any_port_is_touched() -> None:
    config = RackConfig(
        devices={"io": DeviceAddress(address="tcp://127.0.0.1:1", profile_path=PROFILES / "belt-drive.toml")}
    )
    with pytest.raises(RackError, match="expected a profile of role remote_io, was belt_drive"):
        asyncio.run(_make(config))


async def _make(config: RackConfig) -> None:
    Rack(config, now=lambda: 0, emit=lambda signal: None)
