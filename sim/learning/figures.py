"""From outcomes to figures: every share with its hits, its n and its exact 95 % limits."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from devices.ranks import nearest_rank
from lane.model.words import FindingKind
from sim.intervals import share_at_most, share_between
from sim.learning.ablations import Variant
from sim.learning.cases import pieces_class
from sim.learning.judging import Answer, Outcome
from sim.learning.oracle import Witness
from sim.learning.reliability import Stated, reliability
from sim.xray.contents import Overlap, PiecesClass, overlap_class

DIGITS = 6
CASES_NAMED = 100
_DISCREPANT = (FindingKind.SHORT, FindingKind.OVER)
Outcomes = Sequence[Outcome]


def share(hits: int, n: int) -> dict[str, Any]:
    """A share with two-sided exact limits; without cases the rate is None."""
    if not n:
        return {"rate": None, "hits": 0, "n": 0}
    low, high = share_between(hits, n)
    return {
        "rate": round(hits / n, DIGITS), "low95": round(low, DIGITS), "high95": round(high, DIGITS), "hits": hits,
        "n": n,
    }  # fmt: skip


def at_most(hits: int, n: int) -> dict[str, Any]:
    """A rate of what must not happen, with the exact one-sided upper limit at 95 %."""
    rate = round(hits / n, DIGITS) if n else None
    return {"rate": rate, "upper95": round(share_at_most(hits, n), DIGITS), "hits": hits, "n": n}


def whole(outcome: Outcome) -> Answer:
    """The answer with picture and weight."""
    return outcome.answers[str(Variant.WHOLE)]


def figures_of(outcomes: Outcomes) -> dict[str, Any]:
    """Everything of one part: the figures that the standard mix is judged by."""
    wrong = [one for one in outcomes if one.differs]
    sound = [one for one in outcomes if not one.differs]
    told = [Stated(p_ppm=whole(one).p_ppm, true=not one.differs) for one in outcomes if whole(one).p_ppm >= 0]
    calibration = reliability(told)
    return {
        "parcels": len(outcomes),
        "wrong_match": _wrong_match(wrong),
        "auto_match_share": {
            "all": _matched(sound, whole), **_by(sound, _pieces_label, lambda some: _matched(some, whole)),
        },
        "auto_match_share_by_overlap": _by(sound, _overlap_label, lambda some: _matched(some, whole)),
        "auto_match_share_with_weight_check": share(
            sum(whole(one).matched and whole(one).weight_ok for one in sound), len(sound)
        ),
        "detected": _by(wrong, lambda one: one.error, _detection) | {"all": _detection(wrong)},
        "named_rightly": _named(wrong),
        "false_inspect": _false_inspect(sound),
        "exact_total": _by(outcomes, _overlap_label, _exact_total) | {"all": _exact_total(outcomes)},
        "exact_lines": _exact_lines(outcomes),
        "mass_error": _mass_error(outcomes),
        "ece": calibration["ece"],
        "reliability": calibration,
        "acquisition": _counts(one.acquisition for one in outcomes),
    }  # fmt: skip


def variant_figures(outcomes: Outcomes) -> dict[str, Any]:
    """Wrong MATCH and automatic share of each way of judging, on the cases that all ways were tried on."""
    tried = [one for one in outcomes if len(one.answers) == len(Variant)]
    wrong, sound = [one for one in tried if one.differs], [one for one in tried if not one.differs]
    found = {}
    for variant in Variant:
        answer = _answer_of(variant)
        found[str(variant)] = {
            "wrong_match": at_most(sum(answer(one).matched for one in wrong), len(wrong)),
            "wrong_match_shown": at_most(
                sum(answer(one).matched for one in wrong if one.shown_by), sum(bool(one.shown_by) for one in wrong)
            ),
            "wrong_match_after_weight_check": at_most(
                sum(answer(one).matched and answer(one).weight_ok for one in wrong), len(wrong)
            ),
            "auto_match_share": {
                "all": _matched(sound, answer), **_by(sound, _pieces_label, _matched_by(answer)),
            },
            "auto_match_share_with_weight_check": share(
                sum(answer(one).matched and answer(one).weight_ok for one in sound), len(sound)
            ),
        }  # fmt: skip
    return found if tried else {}


def adversarial_figures(outcomes: Outcomes) -> dict[str, Any]:
    """Wrong MATCH by kind of trick; pictures that should be caught before counting."""
    wrong = [one for one in outcomes if one.differs]
    spoiled = [one for one in outcomes if one.caught]
    return {
        "wrong_match": _wrong_match(wrong),
        "by_kind": _by(wrong, lambda one: one.error, lambda some: at_most(_hits(some), len(some))),
        "caught_before_counting": {
            name: {
                **share(sum(one.caught[name] for one in spoiled), len(spoiled)),
                "matched": sum(one.spoiled[name].matched for one in spoiled),
            }
            for name in (spoiled[0].caught if spoiled else ())
        },
    }


def named_cases(outcomes: Outcomes) -> list[dict[str, Any]]:
    """Wrong MATCHes by name, so that each can be made again: those that can be shown first, at most a hundred."""
    wrong = [one for one in outcomes if one.differs and whole(one).matched]
    wrong.sort(key=lambda one: (not one.shown_by, -whole(one).p_ppm, one.part, one.number))
    return [
        {
            "part": one.part, "number": one.number, "error": one.error, "shown_by": list(one.shown_by),
            "p_ppm": whole(one).p_ppm, "declared_pieces": one.declared_pieces,
        }
        for one in wrong[:CASES_NAMED]
    ]  # fmt: skip


def times_of(outcomes: Outcomes) -> dict[str, Any]:
    """Milliseconds of one picture through the whole pipeline; the only figures that differ from run to run."""
    if not outcomes:
        return {}
    wall, cpu = sorted(one.wall_us for one in outcomes), sorted(one.cpu_us for one in outcomes)
    stages = {stage for one in outcomes for stage in one.stages_us}
    return {
        "p50": _ms(wall, 500), "p99": _ms(wall, 990), "cpu_p50": _ms(cpu, 500), "cpu_p99": _ms(cpu, 990),
        "n": len(outcomes),
        "stages_p50": {
            stage: _ms(sorted(one.stages_us[stage] for one in outcomes if stage in one.stages_us), 500)
            for stage in sorted(stages)
        },
        "cpu_p99_by_pieces": _by(
            outcomes, _pieces_label, lambda some: _ms(sorted(one.cpu_us for one in some), 990)
        ),
    }  # fmt: skip


def _ms(ordered: Sequence[int], permille: int) -> float:
    return round((nearest_rank(ordered, permille) or 0) / 1000, 2)


def _hits(outcomes: Outcomes) -> int:
    return sum(whole(one).matched for one in outcomes)


def _wrong_match(wrong: Outcomes) -> dict[str, Any]:
    """Over all planted errors first, then over those that an oracle says can be shown, then the others."""
    shown = [one for one in wrong if one.shown_by]
    hidden = [one for one in wrong if not one.shown_by]
    return {
        **at_most(_hits(wrong), len(wrong)),
        "shown": at_most(_hits(shown), len(shown)),
        "not_shown": at_most(_hits(hidden), len(hidden)),
        "shown_by": {
            str(word): at_most(_hits(some), len(some))
            for word in Witness
            for some in [[one for one in wrong if word in one.shown_by]]
        },
        "by_kind": _by(wrong, lambda one: one.error, lambda some: at_most(_hits(some), len(some))),
        "by_pieces": _by(wrong, _pieces_label, lambda some: at_most(_hits(some), len(some))),
        "by_overlap": _by(wrong, _overlap_label, lambda some: at_most(_hits(some), len(some))),
        "after_weight_check": at_most(sum(whole(one).matched and whole(one).weight_ok for one in wrong), len(wrong)),
    }


def _matched(sound: Outcomes, answer: Callable[[Outcome], Answer]) -> dict[str, Any]:
    return share(sum(answer(one).matched for one in sound), len(sound))


def _matched_by(answer: Callable[[Outcome], Answer]) -> Callable[[Outcomes], dict[str, Any]]:
    return lambda some: _matched(some, answer)


def _answer_of(variant: Variant) -> Callable[[Outcome], Answer]:
    return lambda one: one.answers[str(variant)]


def _detection(wrong: Outcomes) -> dict[str, Any]:
    """Detected: SHORT, OVER or unexplained objects. What is neither detected nor matched was left uncertain."""
    detected, matched = sum(whole(one).detected for one in wrong), _hits(wrong)
    uncertain = sum(not whole(one).detected and not whole(one).matched for one in wrong)
    return {**share(detected, len(wrong)), "uncertain": uncertain, "matched": matched}


def _named(wrong: Outcomes) -> dict[str, Any]:
    def named(some: Outcomes) -> dict[str, Any]:
        detected = [one for one in some if whole(one).detected]
        return share(sum(whole(one).named for one in detected), len(detected))

    return {**named(wrong), "by_kind": _by(wrong, lambda one: one.error, named)}


def _false_inspect(sound: Outcomes) -> dict[str, Any]:
    """Correct parcels that would not pass by their content, and what stands in the way."""
    stopped = [one for one in sound if not whole(one).matched]
    return {
        **share(len(stopped), len(sound)),
        "discrepant": sum(whole(one).finding in _DISCREPANT for one in stopped),
        "unexplained_only": sum(whole(one).finding is FindingKind.MATCH for one in stopped),
        "no_opinion": _counts(str(whole(one).abstain) for one in stopped if whole(one).p_ppm < 0),
        "not_likely_enough": sum(
            whole(one).p_ppm >= 0 and whole(one).finding not in (*_DISCREPANT, FindingKind.MATCH) for one in stopped
        ),
    }


def _exact_total(outcomes: Outcomes) -> dict[str, Any]:
    """Pieces proposed before any list is read against true ones: by the network, where there is one, else by bodies
    that the picture shows apart; then with list and weight."""
    regions = [abs(one.regions - one.pieces) for one in outcomes]
    network = [abs(one.proposals - one.pieces) for one in outcomes if one.proposals >= 0]
    off = network or regions
    return {
        **share(sum(miss == 0 for miss in off), len(off)),
        "within_one": sum(miss <= 1 for miss in off),
        "by_network": bool(network),
        "by_bodies": share(sum(miss == 0 for miss in regions), len(regions)),
        "with_list": share(sum(whole(one).total_exact for one in outcomes), len(outcomes)),
    }


def _exact_lines(outcomes: Outcomes) -> dict[str, Any]:
    lines = sum(one.lines for one in outcomes)
    return share(sum(whole(one).lines_exact for one in outcomes), lines)


def _mass_error(outcomes: Outcomes) -> dict[str, Any]:
    """C and P of all bodies together against those of the true pieces (noise-free, no magnification), relative."""
    errors = sorted(one.seen_mg / one.content_mg - 1 for one in outcomes if one.content_mg and one.seen_mg)
    if not errors:
        return {"median_abs": None, "n": 0}
    sizes = sorted(abs(error) for error in errors)
    return {
        "median_abs": round(nearest_rank(sizes, 500) or 0.0, DIGITS),
        "p90_abs": round(nearest_rank(sizes, 900) or 0.0, DIGITS),
        "median": round(nearest_rank(errors, 500) or 0.0, DIGITS),
        "n": len(errors),
    }


def _pieces_label(one: Outcome) -> str:
    return pieces_class(one.declared_pieces)


def _overlap_label(one: Outcome) -> str:
    return str(overlap_class(one.overlap_permille / 1_000))


_ORDER = [str(name) for name in (*PiecesClass, *Overlap)]


def _by(outcomes: Outcomes, label: Callable[[Outcome], str], figure: Callable[[Outcomes], Any]) -> dict[str, Any]:
    """A figure per class, classes in their own order."""
    groups: dict[str, list[Outcome]] = {}
    for one in outcomes:
        groups.setdefault(label(one), []).append(one)
    rank = {name: place for place, name in enumerate(_ORDER)}
    return {name: figure(groups[name]) for name in sorted(groups, key=lambda word: (rank.get(word, -1), word))}


def _counts(words: Iterable[str]) -> dict[str, int]:
    found: dict[str, int] = {}
    for word in words:
        found[word] = found.get(word, 0) + 1
    return dict(sorted(found.items()))
