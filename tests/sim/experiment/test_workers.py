"""Results are the same bytes whoever runs a study, in whatever order, killed and taken up again or not."""

import os
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from sim.experiment import workers
from sim.experiment.cache import Cache
from sim.experiment.plan import Plan
from sim.experiment.study import Study, load_scenarios
from sim.experiment.task import RefusedTaskError, make_task, packed, run_log, run_seed, run_task, unpacked
from sim.experiment.workers import ClusterError, Workers
from tests.sim.experiment.studies import ROOT, Backwards, results_by, tiny, written


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    return tiny(tmp_path_factory.mktemp("study"))


@pytest.fixture(scope="module")
def alone(plan: Plan) -> bytes:
    return results_by(plan, Workers(1))


def test_the_order_of_completion_changes_nothing(plan: Plan, alone: bytes) -> None:
    assert results_by(plan, Backwards(1)) == alone


def test_two_processes_give_the_bytes_of_one(plan: Plan, alone: bytes) -> None:
    assert results_by(plan, Workers(2)) == alone


def test_a_dask_cluster_gives_the_bytes_of_one_process(plan: Plan, alone: bytes) -> None:
    distributed = pytest.importorskip("distributed")
    with distributed.LocalCluster(
        n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None, protocol="tcp://"
    ) as cluster:
        assert results_by(plan, Workers(cluster=cluster.scheduler_address)) == alone


def test_a_cluster_that_does_not_answer_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(workers, "CONNECT_S", 0.2)
    with (
        pytest.raises(ClusterError, match=r"tcp://127\.0\.0\.1:1: nobody answers"),
        Workers(cluster="tcp://127.0.0.1:1"),
    ):
        pass


def _command(file: Path, out: Path) -> list[str]:
    code = "from sim.experiment.cli import experiment; experiment()"
    return [sys.executable, "-c", code, str(file), "--out", str(out), "--workers", "1"]


def test_a_study_killed_half_way_goes_on_and_ends_with_the_same_bytes(plan: Plan, alone: bytes, tmp_path: Path) -> None:
    command, out = _command(plan.path, tmp_path / "out"), tmp_path / "out"
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    victim = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, env=environment)
    while len(list(out.glob("runs/*.run"))) < 3 and victim.poll() is None:
        time.sleep(0.01)
    victim.send_signal(signal.SIGKILL)
    victim.wait()
    kept = set(out.glob("runs/*.run"))
    assert 3 <= len(kept) < 8
    assert not (out / "results.json").exists()
    times = {path: path.stat().st_mtime_ns for path in kept}

    again = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)

    assert (out / "results.json").read_bytes() == alone
    assert {path: path.stat().st_mtime_ns for path in kept} == times  # none of them was run again
    assert "SYNTHETIC" in again.stdout


def test_a_worker_with_other_code_or_another_reading_of_the_configuration_refuses(plan: Plan) -> None:
    task = make_task(load_scenarios(plan)[0], 30, 1)
    with pytest.raises(RefusedTaskError, match="install the same version"):
        run_task(replace(task, code_version="0123456789abcdef"))
    with pytest.raises(RefusedTaskError, match="reads the configuration as"):
        run_task(replace(task, config_sha256="0" * 64))


def test_replication_r_has_the_same_luck_in_every_scenario(plan: Plan) -> None:
    few, many = load_scenarios(plan)
    seed = run_seed(plan.seed, 3)
    first, second = run_log(make_task(few, 30, seed)), run_log(make_task(many, 30, seed))
    for name in ("arrived_us", "planted", "grounds", "length_um"):
        assert (first.columns[name] == second.columns[name]).all()
    assert (first.columns["opened_us"] != second.columns["opened_us"]).any()
    assert run_seed(plan.seed, 3) != run_seed(plan.seed, 4) != run_seed(plan.seed + 1, 4)


def test_a_log_survives_being_packed_and_a_damaged_one_is_run_again(plan: Plan, tmp_path: Path) -> None:
    task = make_task(load_scenarios(plan)[0], 30, 1)
    log, cache = run_log(task), Cache(tmp_path / "runs")
    data = packed(log)
    assert packed(unpacked(data)) == data
    cache.put(task.key, data)
    assert cache.get(task.key) is not None
    for damaged in (data[:-40], b"", data[:200] + b"\xff" * 40 + data[240:]):
        cache.put(task.key, damaged)
        assert cache.get(task.key) is None
    assert cache.get("absent") is None


def test_a_kept_log_that_was_altered_is_run_again(plan: Plan, tmp_path: Path) -> None:
    task = make_task(load_scenarios(plan)[0], 30, 1)
    cache = Cache(tmp_path / "runs")
    cache.put(task.key, packed(run_log(task)))
    (kept,) = (tmp_path / "runs").iterdir()
    sound = kept.read_bytes()
    other = unpacked(sound[32:])
    other.columns["left_us"][:] = 5  # well-formed, but not what was run
    for altered in (sound[:32] + packed(other), sound[:40] + bytes([sound[40] ^ 1]) + sound[41:], packed(other)):
        kept.write_bytes(altered)
        assert cache.get(task.key) is None
    kept.write_bytes(sound)
    assert cache.get(task.key) is not None


def test_progress_counts_up_to_what_was_wanted(tmp_path: Path) -> None:
    told: list[tuple[int, int]] = []
    plan = replace(tiny(tmp_path), replications=1, staffing=None)
    Study(plan, load_scenarios(plan), Workers(1), tell=lambda done, wanted: told.append((done, wanted))).run()
    assert told == [(1, 2), (2, 2)]
    assert written(tmp_path).exists()
