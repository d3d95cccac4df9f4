"""Shares carry exact limits; wrong MATCH is told unfiltered first; probabilities are held against what came true."""

import pytest
from msgspec.structs import replace
from scipy.stats import binomtest

from lane.model.words import FindingKind
from sim.learning.ablations import Variant
from sim.learning.cases import pieces_class
from sim.learning.curve import reliability_curve
from sim.learning.figures import adversarial_figures, at_most, figures_of, named_cases, share, times_of, variant_figures
from sim.learning.judging import Answer, Outcome
from sim.learning.reliability import PRIOR_DEVIATION, Stated, reliability
from sim.learning.targets import TARGETS, reached
from sim.learning.worst import worst_of
from vision.item_count import Abstain


def said(p_ppm: int = 990_000, *, matched: bool = True, detected: bool = False, named: bool = False) -> Answer:
    finding = FindingKind.MATCH if matched else FindingKind.SHORT if detected else FindingKind.UNCERTAIN
    return Answer(
        finding=finding, matched=matched, weight_ok=True, detected=detected, named=named, p_ppm=p_ppm,
        abstain=Abstain.NONE if p_ppm >= 0 else Abstain.AMBIGUOUS, lines_exact=1, total_exact=matched,
    )  # fmt: skip


def outcome(
    number: int, answer: Answer, *, error: str = "", shown: bool = True, pieces: int = 1, regions: int = 1,
    variants: bool = False, part: str = "standard",
) -> Outcome:  # fmt: skip
    names = list(Variant) if variants else [Variant.WHOLE]
    return Outcome(
        part=part, number=number, error=error, pictures="severity 1", overlap_permille=0, pieces=pieces,
        declared_pieces=pieces, lines=1, differs=bool(error), shown_by=("MASS",) if error and shown else (),
        content_mg=1_000, seen_mg=1_050, regions=regions, proposals=-1, acquisition="SUCCESSFUL",
        answers={str(name): answer for name in names}, wall_us=1_000 * number, cpu_us=500 * number,
        stages_us={"verify": 100},
    )  # fmt: skip


def mixed() -> list[Outcome]:
    """Ten correct parcels of which eight pass; ten errors: one matched that can't be shown, six found, one misnamed."""
    sound = [outcome(number, said(matched=number < 8, p_ppm=999_000 - number)) for number in range(10)]
    found = [outcome(10 + i, said(10, matched=False, detected=True, named=i > 0), error="SHORT") for i in range(6)]
    open_ones = [outcome(16 + i, said(-1, matched=False), error="OVER") for i in range(3)]
    return [*sound, *found, *open_ones, outcome(19, said(960_000), error="SWAPPED", shown=False, pieces=7)]


def test_a_share_has_the_exact_limits_of_the_binomial() -> None:
    exact = binomtest(3, 40).proportion_ci(0.95, "exact")
    found = share(3, 40)
    assert (found["rate"], found["hits"], found["n"]) == (0.075, 3, 40)
    assert (found["low95"], found["high95"]) == (
        pytest.approx(exact.low, abs=1e-6),
        pytest.approx(exact.high, abs=1e-6),
    )
    one_sided = binomtest(3, 40, alternative="less").proportion_ci(0.95, "exact").high
    assert at_most(3, 40)["upper95"] == pytest.approx(one_sided, abs=1e-6)
    assert at_most(0, 0) == {"rate": None, "upper95": 1.0, "hits": 0, "n": 0}


def test_wrong_match_is_told_of_all_errors_and_of_those_that_can_be_shown() -> None:
    wrong = figures_of(mixed())["wrong_match"]
    assert (wrong["hits"], wrong["n"], wrong["rate"]) == (1, 10, 0.1)
    assert (wrong["shown"]["hits"], wrong["shown"]["n"]) == (0, 9)
    assert (wrong["not_shown"]["hits"], wrong["not_shown"]["n"]) == (1, 1)
    assert wrong["by_kind"]["SWAPPED"]["hits"] == 1
    assert wrong["by_pieces"]["6-10"]["n"] == 1


def test_detection_naming_and_false_alarms_are_counted_apart() -> None:
    figures = figures_of(mixed())
    assert figures["auto_match_share"]["all"]["hits"] == 8
    assert figures["detected"]["SHORT"] == {**share(6, 6), "uncertain": 0, "matched": 0}
    assert figures["detected"]["OVER"] == {**share(0, 3), "uncertain": 3, "matched": 0}
    assert (figures["named_rightly"]["hits"], figures["named_rightly"]["n"]) == (5, 6)
    assert figures["false_inspect"]["hits"] == figures["false_inspect"]["not_likely_enough"] == 2
    assert figures["mass_error"]["median_abs"] == 0.05
    assert (figures["exact_total"]["none"]["hits"], figures["exact_total"]["none"]["n"]) == (19, 20)


def test_probabilities_that_come_true_as_stated_have_no_calibration_error() -> None:
    share_wrong = PRIOR_DEVIATION
    wrong = round(1_000 * share_wrong)
    stated = [Stated(p_ppm=round(1e6 * (1 - share_wrong)), true=number >= wrong) for number in range(1_000)]
    assert reliability(stated)["ece"] == pytest.approx(0, abs=1e-6)


def test_errors_planted_more_often_than_the_lane_expects_count_less() -> None:
    right = [Stated(p_ppm=830_000, true=True)] * 500
    wrong = [Stated(p_ppm=830_000, true=False)] * 500
    found = reliability([*right, *wrong])
    assert found["ece"] == pytest.approx(0.83 - (1 - PRIOR_DEVIATION), abs=1e-6)
    assert found["ece_as_evaluated"] == pytest.approx(0.33, abs=1e-6)


def test_a_sure_mistake_shows_in_its_bin() -> None:
    found = reliability([Stated(p_ppm=1_000_000, true=True)] * 9 + [Stated(p_ppm=999_950, true=False)])
    assert [one["n"] for one in found["bins"]] == [10]
    assert found["bins"][0]["share_true"] < 1
    assert "statements" in reliability_curve(found)


def test_variants_are_compared_on_the_cases_that_all_were_tried_on() -> None:
    cases = [outcome(0, said(), variants=True), outcome(1, said(), error="SHORT", variants=True), outcome(2, said())]
    found = variant_figures(cases)
    assert set(found) == {str(name) for name in Variant}
    assert found[str(Variant.PICTURE)]["wrong_match"]["n"] == 1
    assert variant_figures(cases[2:]) == {}


def test_no_case_at_all_gives_no_rate_and_no_crash() -> None:
    figures = figures_of([])
    assert figures["wrong_match"]["rate"] is None
    assert figures["auto_match_share"]["all"]["n"] == 0
    assert adversarial_figures([])["by_kind"] == {}
    assert times_of([]) == {}


def test_wrong_matches_are_named_so_that_each_can_be_made_again() -> None:
    cases = [*mixed(), outcome(20, said(955_000), error="OVER", part="adversarial")]
    named = named_cases(cases)
    assert [(one["part"], one["number"], one["shown_by"]) for one in named] == [
        ("adversarial", 20, ["MASS"]), ("standard", 19, []),
    ]  # fmt: skip


def test_the_network_counts_pieces_where_there_is_one() -> None:
    cases = [replace(one, proposals=one.pieces + (one.number == 3)) for one in mixed()]
    total = figures_of(cases)["exact_total"]["all"]
    assert (total["by_network"], total["hits"], total["by_bodies"]["hits"]) == (True, 19, 19)
    without = figures_of(mixed())["exact_total"]["all"]
    assert (without["by_network"], without["hits"]) == (False, without["by_bodies"]["hits"])


def test_every_target_is_held_against_its_figure() -> None:
    report = figures_of(mixed()) | {"ms": times_of(mixed()), "ablations": {}, "adversarial": adversarial_figures([])}
    verdicts = {one.target.title: one.verdict for one in reached(report)}
    assert len(verdicts) == len(TARGETS)
    assert verdicts["wrong MATCH, all planted errors"] == "short"
    assert verdicts["whole pipeline, p50"] == "stretch"
    assert verdicts["automatic MATCH of correct parcels, 21-30"] == "not measured"
    assert verdicts["picture's mass against truth, median absolute"] == "short"


def test_the_worst_pictures_begin_with_wrong_matches_of_errors_that_can_be_shown() -> None:
    cases = [*mixed(), outcome(20, said(970_000), error="OVER")]
    worst = worst_of(cases, 4)
    assert [one.number for _, one in worst[:2]] == [20, 19]
    assert len(worst) == 4
    assert worst_of([outcome(0, said())]) == []


def test_classes_of_pieces_have_their_edges() -> None:
    assert [pieces_class(pieces) for pieces in (1, 2, 3, 10, 11, 30, 31)] == [
        "1-2", "1-2", "3-5", "6-10", "11-20", "21-30", "21-30",
    ]  # fmt: skip
