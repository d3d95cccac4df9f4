"""The campaign holds where it must, and tells a wrong value and a useless interval apart."""

from dataclasses import replace

import pytest
from click.testing import CliRunner

from sim.oracles.campaign import REPLICATIONS, run, simulate
from sim.oracles.cases import CASES, REQUIRED
from sim.oracles.cli import oracles

SHARE = 0.2
"""Of the customers: seconds instead of half a minute, limits wider by the root of five."""


def test_a_quick_look_at_every_required_case_holds() -> None:
    outcomes, right = run(REQUIRED, seed=1, share=SHARE)
    assert right, [outcome.plain() for outcome in outcomes if not outcome.right]
    assert [outcome.name for outcome in outcomes] == [case.name for case in REQUIRED]
    assert {outcome.replications for outcome in outcomes} == {REPLICATIONS}


def test_an_exact_value_that_is_five_per_cent_off_is_outside() -> None:
    case = replace(REQUIRED[4], exact=REQUIRED[4].exact * 1.05)
    outcomes, right = run([case], seed=1, share=SHARE)
    assert (right, outcomes[0].inside, outcomes[0].narrow, outcomes[0].rerun) == (False, False, True, True)


def test_an_interval_that_is_too_wide_proves_nothing() -> None:
    case = replace(REQUIRED[4], limit=1e-6)
    outcome = simulate(case, seed=1, share=SHARE)
    assert (outcome.inside, outcome.narrow, outcome.right) == (True, False, False)


def test_one_case_in_twenty_may_be_tried_again_and_no_more() -> None:
    wrong = replace(REQUIRED[4], exact=1.0)
    outcomes, right = run([wrong] * 3, seed=1, share=0.02)
    assert not right
    assert [outcome.rerun for outcome in outcomes] == [True, False, False]
    assert outcomes[0].customers == 2 * outcomes[1].customers


def test_the_same_seed_gives_the_same_figures() -> None:
    first, again = (simulate(REQUIRED[1], seed=3, share=0.02) for _ in range(2))
    assert first == again
    assert simulate(REQUIRED[1], seed=4, share=0.02).mean != first.mean


def test_the_command_prints_every_case_and_refuses_a_folder_that_is_not_there() -> None:
    refused = CliRunner().invoke(oracles, ["--json", "/nowhere/figures.json"])
    assert refused.exit_code != 0
    assert "expected an existing folder" in refused.output


@pytest.mark.oracle
@pytest.mark.timeout(600)
def test_every_case_holds_with_all_its_customers() -> None:
    outcomes, right = run(CASES, seed=1)
    assert right, [outcome.plain() for outcome in outcomes if not outcome.right]
    assert len(outcomes) == len(CASES) == 18
