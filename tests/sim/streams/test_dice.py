"""Luck of one thing: the same for the same key, everywhere, and as fair as a seeded stream."""

from math import sqrt

from sim.streams.dice import Dice


def test_a_key_always_gives_the_same_draws() -> None:
    first, again, other = (Dice(7, "vision", 12, number) for number in (3, 3, 4))
    drawn = [first.below(1_000) for _ in range(40)]
    assert drawn == [again.below(1_000) for _ in range(40)]
    assert drawn != [other.below(1_000) for _ in range(40)]
    assert drawn[:6] == [24, 487, 101, 840, 551, 600], "another machine or version of Python gives other draws"


def test_shares_means_and_spread_are_those_of_the_law() -> None:
    keys = 20_000
    dice = [Dice("fair", number) for number in range(keys)]
    share = sum(one.permille(150) for one in dice) / keys
    assert abs(share - 0.15) < 4 * sqrt(0.15 * 0.85 / keys)
    mean = sum(one.exponential(1_000_000) for one in dice) / keys / 1e6
    assert abs(mean - 1) < 4 / sqrt(keys)
    late = sum(one.permille(500) for one in dice for _ in range(12)) / (12 * keys)  # past the first digest
    assert abs(late - 0.5) < 4 * 0.5 / sqrt(12 * keys)


def test_draws_of_one_key_do_not_lean_on_each_other() -> None:
    pairs = [(one.permille(500), one.permille(500)) for one in (Dice("pair", number) for number in range(20_000))]
    equal = sum(first == second for first, second in pairs) / len(pairs)
    assert abs(equal - 0.5) < 4 * 0.5 / sqrt(len(pairs))
