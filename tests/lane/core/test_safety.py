"""Safety chain, journal, links, restarts of devices."""

import pytest

from devices.commands import (
    ArmDetector,
    ProveWatchdog,
    SetBeam,
)
from devices.signals import (
    DeviceRestarted,
)
from lane.errors import Alarm
from lane.events.machine import BeltFlushed
from lane.events.parcel import (
    DispositionDecided,
    ParcelReleased,
    PermitIssued,
    PermitVoided,
)
from lane.inputs import ClockReached, JournalFailed
from lane.model.grounds import Ground
from lane.model.words import State
from lane.orders import Abort, Clear, Hold, Reset, Start, Unhold
from tests.lane.core.helpers import MINUTE, alarms, back, grounds, lose, reach, refusals, running, state
from tests.lane.core.miniplant import MiniPlant


@pytest.mark.parametrize(
    ("part", "alarm"),
    [
        ("estop_ok", Alarm.EMERGENCY_STOP),
        ("guard_ok", Alarm.GUARD_OPEN),
        ("interlock_ok", Alarm.INTERLOCK_OPEN),
        ("key_on", Alarm.KEY_OFF),
    ],
)
def test_any_part_of_the_safety_chain_lost_aborts_and_only_clear_reset_start_lead_back(part: str, alarm: Alarm) -> None:
    plant = running(2)
    reach(plant, PermitIssued)
    plant.safety(**{part: False})
    plant.run(MINUTE)
    assert state(plant) is State.ABORTED
    assert alarm in alarms(plant)
    assert len(plant.of(PermitVoided)) == 1
    plant.order(Clear)
    assert "safety chain open" in refusals(plant)[-1]
    plant.safety()
    assert state(plant) is State.ABORTED
    assert plant.speed == 0
    plant.order(Clear)
    plant.order(Reset)
    plant.order(Start)
    plant.run(2 * MINUTE)
    assert state(plant) is State.EXECUTE
    assert not plant.of(ParcelReleased)


def test_key_may_be_off_while_the_lane_stands() -> None:
    plant = MiniPlant()
    plant.begin()
    plant.safety(key_on=False)
    assert state(plant) is State.STOPPED
    assert not alarms(plant)


def test_journal_failure_voids_every_permit_and_nothing_is_released_after() -> None:
    plant = running(2)
    reach(plant, PermitIssued)
    plant.give(JournalFailed(**plant.now(), reason="disk full"))
    assert len(plant.of(PermitVoided)) == 1
    plant.run(MINUTE)
    assert state(plant) is State.ABORTED
    plant.order(Clear)
    assert "journal" in refusals(plant)[-1]
    assert not plant.of(ParcelReleased)


def test_abort_by_a_person_is_an_abort() -> None:
    plant = running()
    plant.order(Abort)
    plant.run(MINUTE)
    assert state(plant) is State.ABORTED
    plant.order(Hold)
    assert "not possible in ABORTED" in refusals(plant)[-1]


def test_beam_is_on_only_while_a_parcel_needs_it() -> None:
    plant = running(1)
    reach(plant, ParcelReleased)
    beams = [command.on for command in plant.commands if isinstance(command, SetBeam)]
    assert beams == [False, True, False]


def test_beam_goes_off_when_the_lane_leaves_execute() -> None:
    plant = running(1)
    plant.run_until(lambda: any(isinstance(command, ArmDetector) for command in plant.commands), MINUTE)
    plant.order(Hold)
    assert [command.on for command in plant.commands if isinstance(command, SetBeam)] == [False, True, False]


@pytest.mark.parametrize("role", ["io", "drive", "cabinet", "source", "detector"])
def test_short_link_gap_needs_no_person_and_only_parcels_at_the_gate_go_to_inspect(role: str) -> None:
    plant = running(3)
    reach(plant, PermitIssued)
    lose(plant, role)
    plant.run(300_000)
    back(plant, role)
    plant.run(2 * MINUTE)
    assert state(plant) is State.EXECUTE
    assert grounds(plant, 1) == {Ground.PERMIT_VOID, Ground.DEVICE_DOUBT}
    assert [event.seq for event in plant.of(ParcelReleased)] == [2, 3]


def test_long_link_gap_holds_while_it_is_still_lost_and_unhold_waits_for_the_link() -> None:
    plant = running(1)
    lose(plant)
    plant.run(2_000_000)
    assert state(plant) in (State.HOLDING, State.HELD)
    plant.order(Unhold)
    assert "no link to io" in refusals(plant)[-1] or "not possible" in refusals(plant)[-1]
    plant.run(5_000_000)
    back(plant, gap_us=7_000_000)
    plant.order(Unhold)
    plant.run(MINUTE)
    assert state(plant) is State.EXECUTE


def test_gap_that_only_its_return_tells_holds_too() -> None:
    plant = running()
    lose(plant, "drive")
    back(plant, "drive", gap_us=1_000_001)
    plant.run(10_000_000)
    assert state(plant) is State.HELD


def test_tripped_watchdog_of_the_lane_io_is_proven_again_before_the_lane_goes_on() -> None:
    plant = running(2)
    reach(plant, DispositionDecided)
    lose(plant)
    back(plant, tripped=True)
    plant.run(10_000_000)
    assert state(plant) is State.HELD
    proofs = plant.commands.count(ProveWatchdog())
    plant.order(Unhold)
    plant.run(2 * MINUTE)
    assert plant.commands.count(ProveWatchdog()) == proofs + 1
    assert state(plant) is State.EXECUTE
    assert not plant.of(ParcelReleased)


def test_lost_reader_or_scale_is_an_alarm_and_no_stop() -> None:
    plant = running(1)
    lose(plant, "reader")
    lose(plant, "scale")
    plant.run(5_000_000)
    assert state(plant) is State.EXECUTE
    assert alarms(plant) == {Alarm.AUXILIARY_LOST}
    back(plant, "reader")
    back(plant, "scale")
    plant.give(DeviceRestarted(**plant.now(), role="reader", port="p", unit=1, boot=2))
    assert state(plant) is State.EXECUTE


def test_restarted_lane_io_flushes_holds_and_follows_its_new_encoder() -> None:
    plant = running(3)
    reach(plant, DispositionDecided)
    plant.run(1_000_000)
    shift = plant.belt
    plant.give(DeviceRestarted(at_us=plant.at_us, belt_um=0, role="io", port="p", unit=1, boot=2))
    assert plant.core.state.belt_um == 0
    heads = [parcel.body.head_um for parcel in plant.core.state.parcels.values()]
    assert all(head < 0 for head in heads)
    assert all(Ground.FLUSHED in parcel.grounds for parcel in plant.core.state.parcels.values())
    assert Alarm.DEVICE_RESTARTED in alarms(plant)
    plant.filter = lambda item: None if item.belt_um >= shift and isinstance(item, ClockReached) else item
    assert plant.core.state.machine.proof_needed


def test_restarted_detector_or_drive_holds_without_a_flush() -> None:
    for role in ("detector", "drive"):
        plant = running(1)
        plant.give(DeviceRestarted(**plant.now(), role=role, port="p", unit=1, boot=2))
        assert state(plant) is State.HOLDING
        assert not plant.of(BeltFlushed)[1:]


def test_lost_twice_is_one_loss() -> None:
    plant = running()
    lose(plant)
    lose(plant)
    assert len(plant.core.state.machine.links) == 1
