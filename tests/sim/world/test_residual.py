"""Residual risk: builds meet the same cases, sums do not depend on how cases are dealt out, and words are checked."""

from dataclasses import replace

from click.testing import CliRunner

from sim.cli import sim
from sim.coretwin.fault_rates import FaultRates
from sim.explore.setup import Field, config_of
from sim.faults import FaultKind
from sim.residual.compare import Tally, Vary, builds_of, case_of, compare, run_chunk
from sim.residual.directed import AtGate

RATES = FaultRates(kinds=(FaultKind.IO_SILENT, FaultKind.GATE_STUCK), ppm=20_000)


def test_builds_differ_in_the_asked_thing_only() -> None:
    for vary in Vary:
        builds = builds_of(vary, Field.IO)
        cases = [case_of(7, 3, build, RATES) for build in builds]
        alike = [replace(case.setup, field=Field.IO, second_reader=True) for case in cases]
        assert all(setup == alike[0] for setup in alike)
        assert all(
            (case.seed, case.faults, case.mode) == (cases[0].seed, cases[0].faults, cases[0].mode) for case in cases
        )
    readers = builds_of(Vary.SECOND_READER, Field.PLC)
    assert [(build.field, build.second_reader) for build in readers] == [(Field.PLC, False), (Field.PLC, True)]


def test_asked_kinds_are_the_only_ones_and_spare_the_calm_end() -> None:
    case = case_of(7, 3, builds_of(Vary.FIELD, Field.IO)[0], RATES)
    assert {fault.kind for fault in case.faults} == set(RATES.kinds)
    assert max(fault.parcel for fault in case.faults) <= case.parcels - case.calm


def test_sums_are_those_of_the_parts() -> None:
    builds = builds_of(Vary.SECOND_READER, Field.IO)[:1]
    whole = compare(builds, 5, 600, rates=RATES)["builds"]
    parts = [run_chunk(builds, 5, range(number, number + 1), RATES) for number in (0, 1)]
    for place, build in enumerate(builds):
        total = Tally()
        for part in parts:
            total.add(part[place])
        assert total.figures() == whole[build.name]
        assert total.counts["faults"] > 0


def test_what_is_taken_back_leaves_where_nobody_looks_behind_the_gate() -> None:
    builds = builds_of(Vary.SECOND_READER, Field.IO)[:1]
    rates = FaultRates(kinds=(FaultKind.BODY_SWAPPED, FaultKind.OVERLAPPING), ppm=60_000)
    looked, passed_by = (run_chunk(builds, 5, range(2), rates, looks)[0].counts for looks in (True, False))
    assert (looked["wrong"], passed_by["taken"]) == (0, 0)
    assert looked["taken"] > 0
    assert passed_by["wrong"] > 0


def test_faults_at_the_gate_come_in_pairs_while_the_leader_passes_it() -> None:
    kinds = (FaultKind.TOUCHING, FaultKind.BODY_INSERTED, FaultKind.CORE_KILLED)
    case = case_of(7, 3, builds_of(Vary.FIELD, Field.IO)[0], AtGate(kinds=kinds, ppm=200_000))
    killed = {fault.parcel: fault.at_us for fault in case.faults if fault.kind is FaultKind.CORE_KILLED}
    behind = {fault.parcel: fault for fault in case.faults if fault.kind is not FaultKind.CORE_KILLED}
    assert len(killed) > 10
    gate_us = config_of(case.setup).layout.gate_um * 1_000_000 // case.setup.speed_um_s
    for number, at_us in killed.items():
        assert abs(at_us - gate_us) < 2_000_000
        assert any(behind[n].at_us < at_us for n in (number, number + 1) if n in behind)


def test_faults_at_the_gate_need_one_that_moves_a_body_and_another() -> None:
    done = CliRunner().invoke(sim, ["residual", "--at-gate", "--kinds", "CORE_KILLED IO_SILENT"])
    assert done.exit_code == 1
    assert "expected kinds that move bodies" in done.output


def test_a_rate_without_a_hit_is_bounded_and_not_zero() -> None:
    clean, hit = Tally(), Tally()
    clean.counts.update(parcels=30_000)
    hit.counts.update(parcels=30_000, wrong=1)
    assert clean.figures()["per_million_at_most"] == 99.9
    assert (hit.figures()["per_million"], hit.figures()["per_million_at_most"]) == (33.3, 158.1)


def test_an_unknown_kind_is_refused_with_the_nearest_word() -> None:
    done = CliRunner().invoke(sim, ["residual", "--kinds", "GATE_STICK"])
    assert done.exit_code == 1
    assert "GATE_STICK is no kind of fault, did you mean GATE_STUCK?" in done.output
