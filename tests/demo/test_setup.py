"""What a demo stands on: shipped samples, folders, the resolved lane file."""

import json
import tomllib
from collections import Counter
from pathlib import Path

import pytest

from sim.demo.setup import (
    SAMPLES,
    DemoFiles,
    DemoPlan,
    declared_files,
    make_files,
    make_parcels,
    next_run,
    resolve_lane,
)
from sim.streams.declare import write_declarations
from sim.streams.truth import Planted
from sim.wire.stream_file import read_stream

ROLES = ("io", "drive", "cabinet", "source", "reader", "second_reader", "scale", "detector")


def test_shipped_samples_are_what_the_generator_writes(tmp_path: Path) -> None:
    written = write_declarations(make_parcels(DemoPlan()), tmp_path)
    shipped = sorted(path.name for path in SAMPLES.iterdir() if path.suffix in (".xml", ".csv"))
    assert sorted(path.name for path in written) == shipped
    for path in written:
        assert path.read_bytes() == (SAMPLES / path.name).read_bytes(), path.name


def test_300_parcels_of_seed_7_have_the_exact_quotas() -> None:
    planted = Counter(parcel.planted for parcel in make_parcels(DemoPlan(parcels=300, seed=7)))
    assert planted == {
        Planted.SHORT: 24,
        Planted.OVER: 24,
        Planted.SWAPPED: 12,
        Planted.NO_READ: 9,
        Planted.NO_DECLARATION: 9,
        Planted.BAD_STATUS: 12,
        Planted.SOUND: 210,
    }


def files(tmp_path: Path) -> DemoFiles:
    return make_files(tmp_path / "run")


def test_run_directory_that_holds_something_is_refused(tmp_path: Path) -> None:
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "journal.db").write_bytes(b"precious")
    with pytest.raises(FileExistsError, match="expected a new or empty folder"):
        make_files(tmp_path / "run")
    assert (tmp_path / "run" / "journal.db").read_bytes() == b"precious"


def test_truth_lies_beside_the_run_never_in_it(tmp_path: Path) -> None:
    made = files(tmp_path)
    for path in (made.stream, made.truth, made.declared, made.addresses, made.control):
        assert made.run not in path.parents
    assert len(str(made.control)) < 100
    made.close()
    assert not made.sockets.exists()


def test_next_run_takes_the_first_free_number(tmp_path: Path) -> None:
    assert next_run(tmp_path).name == "demo-1"
    (tmp_path / "demo-1").mkdir()
    (tmp_path / "demo-2.twin").mkdir()
    assert next_run(tmp_path).name == "demo-3"


def test_other_streams_write_lists_of_their_own_and_the_stream_is_kept(tmp_path: Path) -> None:
    made = files(tmp_path)
    plan = DemoPlan(parcels=12, seed=9)
    parcels = make_parcels(plan)
    paths = declared_files(plan, parcels, made)
    assert paths
    assert all(path.parent == made.declared for path in paths)
    assert read_stream(made.stream) == parcels
    made.close()


def test_resolved_lane_file_has_real_addresses_and_wire_times_that_grow_with_speed(tmp_path: Path) -> None:
    made = files(tmp_path)
    made.addresses.write_text(json.dumps({role: f"tcp://127.0.0.1:{n}" for n, role in enumerate(ROLES, 5000)}))
    plan = DemoPlan(speed=6)
    resolve_lane(plan, made)
    text = made.lane_file.read_text(encoding="utf-8")
    resolved, shipped = tomllib.loads(text), tomllib.loads(plan.lane_file.read_text(encoding="utf-8"))
    assert "sim://" not in str(resolved)
    assert resolved["gate"]["command_ms"] == 6 * shipped["gate"]["command_ms"]
    assert resolved["tracking"] == {"report_lag_ms": 1_800, "link_hold_ms": 6_000}
    assert resolved["devices"]["scale"] == {"address": "tcp://127.0.0.1:5006", "profile": "checkweigher"}
    assert resolved["layout"] == shipped["layout"]
    made.close()


def test_a_lane_file_without_tracking_times_gets_the_grown_defaults(tmp_path: Path) -> None:
    made = files(tmp_path)
    made.addresses.write_text(json.dumps({role: f"tcp://127.0.0.1:{n}" for n, role in enumerate(ROLES, 5000)}))
    text = DemoPlan().lane_file.read_text(encoding="utf-8")
    lane_file = tmp_path / "old.toml"
    lane_file.write_text(
        "".join(
            part
            for part in text.splitlines(keepends=True)
            if "_lag_" not in part and "link_hold" not in part and "[tracking]" not in part
        )
    )
    resolve_lane(DemoPlan(speed=2, lane_file=lane_file), made)
    resolved = tomllib.loads(made.lane_file.read_text(encoding="utf-8"))
    assert resolved["tracking"] == {"report_lag_ms": 600, "link_hold_ms": 2_000}
    made.close()


def test_address_without_a_device_is_an_error(tmp_path: Path) -> None:
    made = files(tmp_path)
    made.addresses.write_text("{}")
    with pytest.raises(ValueError, match="sim://io: expected one of"):
        resolve_lane(DemoPlan(), made)
    made.close()
