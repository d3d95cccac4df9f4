"""The closed forms give the published values."""

import pytest

from sim.oracles import closed


@pytest.mark.parametrize(
    ("value", "published"),
    [
        (closed.wait_general_service(0.8, 1.0, 1.0), 4.0),
        (closed.wait_general_service(0.8, 1.0, 0.0), 2.0),
        (closed.wait_general_service(0.7, 1.0, 1.5), 3.791667),
        (closed.wait_many_servers(4, 2.83, 1.0), 0.376378),
        (closed.saturated_line_rate([1.0] * 2), 2 / 3),
        (closed.saturated_line_rate([1.0] * 3), 22 / 39),
        (closed.saturated_line_rate([1.0] * 4), 0.514775),
        (closed.saturated_line_rate([1.0] * 5), 0.485798),
        (closed.wait_general_service(48 / 60, 1.0, 1.0) / 60 * 60, 4.0),  # Simio textbook model 4-1, minutes
        (closed.sojourn_in_series(48 / 60, [1.0]), 5.0),
        (closed.erlang_b(10, 5.0), 0.018385),  # Erlang tables
    ],
)
def test_a_closed_form_gives_the_published_value(value: float, published: float) -> None:
    assert value == pytest.approx(published, abs=6e-7)


def test_one_server_is_a_special_case_of_many() -> None:
    assert closed.wait_many_servers(1, 0.8, 1.0) == pytest.approx(closed.wait_general_service(0.8, 1.0, 1.0))


def test_two_unequal_stations_give_the_known_fraction() -> None:
    """K=2 by hand: rate mu1 mu2 (mu1 + mu2) / (mu1^2 + mu1 mu2 + mu2^2)."""
    first, second = 1.3, 0.7
    by_hand = first * second * (first + second) / (first**2 + first * second + second**2)
    assert closed.saturated_line_rate([first, second]) == pytest.approx(by_hand, rel=1e-12)


def test_a_saturated_line_gives_the_same_rate_when_it_is_turned_round() -> None:
    rates = [1.0, 2.0, 1.5, 0.9]
    assert closed.saturated_line_rate(rates) == pytest.approx(closed.saturated_line_rate(rates[::-1]), rel=1e-12)


@pytest.mark.parametrize(
    ("make", "named"),
    [
        (lambda: closed.wait_general_service(1.0, 1.0, 1.0), "utilisation: expected less than 1"),
        (lambda: closed.wait_many_servers(2, 2.5, 1.0), "load: expected less than 2"),
        (lambda: closed.wait_regular_arrivals(1.0, 0.9), "expected more than 1"),
        (lambda: closed.saturated_line_rate([1.0, 0.0]), "service_rates: expected"),
    ],
)
def test_an_unstable_queue_has_no_wait_and_is_refused(make: object, named: str) -> None:
    with pytest.raises(ValueError, match=named):
        make()  # type: ignore[operator]
