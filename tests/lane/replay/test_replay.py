"""A recorded run verifies, and replays to the same journal; anything altered is shown with its record."""

import json
import shutil
import sqlite3
from hashlib import sha256
from pathlib import Path

import pytest
from click.testing import CliRunner

from lane.cli.proof import replay as replay_command
from lane.cli.proof import verify as verify_command
from lane.events.parcel import ParcelDiverted, ParcelReleased
from lane.journal.memory import MemoryJournal
from lane.replay import ReplayError, replay
from lane.verifier.check import verify
from lane.verifier.findings import Verdict
from tests.lane.replay.recorded import RecordedPlant, recorded_run


@pytest.fixture(scope="module")
def plant(tmp_path_factory: pytest.TempPathFactory) -> RecordedPlant:
    return recorded_run(tmp_path_factory.mktemp("replay") / "run")


def test_the_runs_parcels_left_by_both_exits(plant: RecordedPlant) -> None:
    assert plant.of(ParcelReleased)
    assert plant.of(ParcelDiverted)
    assert len(plant.of(ParcelReleased)) + len(plant.of(ParcelDiverted)) == 8


def test_a_run_of_the_real_controller_verifies(plant: RecordedPlant) -> None:
    report = verify(plant.path)
    assert [(one.place, one.text) for one in report.findings] == []
    assert report.verdict is Verdict.PASS
    assert report.figures["parcels"] == 8


def test_a_run_replays_to_the_identical_journal(plant: RecordedPlant) -> None:
    report = replay(plant.path)
    assert report.difference is None
    assert report.equal
    assert report.inputs == len(plant.inputs)
    assert report.events == len(plant.events)
    assert report.snapshots >= 1
    memory = MemoryJournal()
    for item, step in zip(plant.inputs, plant.steps, strict=True):
        memory.append(item, step.events)
    assert report.recorded_sha256 == report.replayed_sha256 == memory.sha256()


def altered(plant: RecordedPlant, target: Path, kind: str, before: str, after: str) -> tuple[Path, int]:
    run = Path(shutil.copytree(plant.path, target / "run"))
    connection = sqlite3.connect(run / "journal.db")
    index, body = connection.execute(
        "SELECT idx, body FROM record WHERE instr(body, ?) > 0 LIMIT 1", (f'"kind":"{kind}"'.encode(),)
    ).fetchone()
    forged = body.replace(before.encode(), after.encode())
    assert forged != body
    leaf = sha256(b"\x00" + forged).digest()
    connection.execute("UPDATE record SET body = ?, leaf = ? WHERE idx = ?", (forged, leaf, index))
    connection.commit()
    connection.close()
    return run, index


def test_an_altered_event_is_the_first_difference(plant: RecordedPlant, tmp_path: Path) -> None:
    run, index = altered(plant, tmp_path, "PermitIssued", '"to_um":', '"to_um":9')
    report = replay(run)
    assert not report.equal
    assert report.difference is not None
    assert report.difference.index == index
    assert '"to_um":9' in report.difference.recorded
    assert '"kind":"PermitIssued"' in report.difference.replayed


def test_an_altered_input_gives_other_events(plant: RecordedPlant, tmp_path: Path) -> None:
    run, index = altered(plant, tmp_path, "WeightMeasured", '"mg":', '"mg":9')
    report = replay(run)
    assert report.difference is not None
    assert report.difference.index > index


def test_a_record_that_cannot_be_read_is_named(plant: RecordedPlant, tmp_path: Path) -> None:
    run, index = altered(plant, tmp_path, "PermitIssued", '"to_um":', '"to_xx":')
    with pytest.raises(ReplayError, match=rf"record {index}: PermitIssued: unknown field 'to_xx'"):
        replay(run)


def test_without_configuration_or_journal_it_says_what_is_missing(plant: RecordedPlant, tmp_path: Path) -> None:
    with pytest.raises(ReplayError, match="core configuration"):
        replay(tmp_path)
    run = Path(shutil.copytree(plant.path, tmp_path / "run"))
    (run / "journal.db").unlink()
    with pytest.raises(ReplayError, match="expected a run directory"):
        replay(run)


def test_an_open_epoch_replays_with_the_sealed_key_and_not_without(tmp_path: Path) -> None:
    plant = RecordedPlant(tmp_path / "run")
    plant.start()
    plant.journal.close()
    assert replay(plant.path).equal
    (tmp_path / "run.keys").rename(tmp_path / "hidden")
    with pytest.raises(ReplayError, match="neither revealed in the run nor sealed"):
        replay(plant.path)


def test_a_run_with_a_killed_core_still_verifies_and_replays(tmp_path: Path) -> None:
    from tests.lane.core.boxes import Box

    plant = RecordedPlant(tmp_path / "run")
    plant.start()
    for number in range(3):
        plant.lay(Box(code=f"T{number + 1:09d}"))
    plant.run(11_000_000)
    plant.restart()
    plant.begin()
    plant.run(30_000_000)
    plant.end()
    report = verify(plant.path)
    assert [(one.place, one.text) for one in report.findings] == []
    assert replay(plant.path).equal


def test_the_commands_print_and_exit_by_their_outcome(plant: RecordedPlant, tmp_path: Path) -> None:
    runner = CliRunner()
    done = runner.invoke(replay_command, [str(plant.path), "--json", str(tmp_path / "replay.json")])
    assert done.exit_code == 0
    assert done.output.endswith("IDENTICAL\n")
    assert json.loads((tmp_path / "replay.json").read_text())["equal"] is True
    done = runner.invoke(verify_command, [str(plant.path), "--json", str(tmp_path / "verify.json")])
    assert done.exit_code == 0
    assert done.output.endswith("PASS\n")
    assert json.loads((tmp_path / "verify.json").read_text())["verdict"] == "PASS"
    run, _ = altered(plant, tmp_path, "PermitIssued", '"to_um":', '"to_um":9')
    done = runner.invoke(replay_command, [str(run)])
    assert done.exit_code == 1
    assert "recorded by build" in done.output, "another build than the recording one is told"
    assert runner.invoke(verify_command, [str(run)]).exit_code == 1
    assert runner.invoke(replay_command, [str(tmp_path)]).exit_code == 2
