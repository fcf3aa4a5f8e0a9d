"""The first linear piece of a concave function: exact slopes and corners, on functions written as the least of some
lines."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from planner.pricing.linear_piece import Point, Price, Worth, first_piece

BASE = 7.0


def least_of(*lines: tuple[float, float], end: float = float("inf")) -> Worth:
    """The least of lines value + slope x amount; nothing is possible beyond `end`."""

    def worth(amount: float) -> Point | None:
        if amount > end:
            return None
        value, slope = min((value + slope * amount, slope) for value, slope in lines)
        return Point(amount, value, slope)

    return worth


def priced(worth: Worth, bound: float, *, step: float = 1.0, most: float | None = None) -> Price:
    found = first_piece(worth, Point(0.0, BASE, bound), step, most=most, noise=1e-12)
    assert found is not None
    return found


def test_one_line_holds_as_far_as_it_is_followed() -> None:
    assert priced(least_of((BASE, 3.0)), 3.0, most=40.0) == Price(3.0, 40.0, 1.0, 3.0)


def test_without_following_it_is_shown_to_hold_over_the_step() -> None:
    assert priced(least_of((BASE, 3.0)), 3.0) == Price(3.0, 1.0, 1.0, 3.0)


def test_a_corner_beyond_the_step_is_found_exactly() -> None:
    found = priced(least_of((BASE, 3.0), (BASE + 8.5, 1.0)), 3.0, most=100.0)
    assert (found.per_unit, found.over_step) == (3.0, 3.0)
    assert found.holds_to == pytest.approx(4.25, rel=1e-12)


def test_a_corner_within_the_step_is_found_exactly() -> None:
    found = priced(least_of((BASE, 3.0), (BASE + 0.5, 1.0)), 3.0, most=100.0)
    assert found.per_unit == 3.0
    assert found.holds_to == pytest.approx(0.25, rel=1e-12)
    assert found.over_step == pytest.approx(1.5, rel=1e-12)


def test_a_dual_above_the_price_does_not_stand() -> None:
    """At a corner the solver's dual may be anything up to the slope on the other side."""
    found = priced(least_of((BASE, 2.0)), 9.0, most=30.0)
    assert found.per_unit == 2.0
    assert found.holds_to == 30.0


def test_a_loss_is_a_price_below_zero() -> None:
    found = priced(least_of((BASE, -2.0), (BASE + 3.0, -5.0)), -2.0, most=10.0)
    assert found.per_unit == -2.0
    assert found.holds_to == pytest.approx(1.0)


def test_nothing_possible_is_no_price() -> None:
    assert first_piece(least_of((BASE, -2.0), end=0.5), Point(0.0, BASE, 0.0), 1.0) is None


def test_where_it_ends_it_holds_at_least_as_far_as_was_possible() -> None:
    found = priced(least_of((BASE, -2.0), end=12.0), -2.0, most=100.0)
    assert found.per_unit == -2.0
    assert 1.0 <= found.holds_to <= 12.0


def test_differences_within_the_noise_are_none() -> None:
    found = first_piece(least_of((BASE, 1e-9)), Point(0.0, BASE, 0.0), 1.0, noise=1e-8)
    assert found is not None
    assert (found.per_unit, found.over_step) == (0.0, 0.0)


@settings(max_examples=200, deadline=None, derandomize=True)
@given(
    st.lists(st.tuples(st.floats(0.3, 30.0), st.floats(0.05, 5.0)), min_size=1, max_size=5),
    st.floats(-5.0, 20.0), st.floats(0.0, 10.0),
)
def test_any_concave_function(pieces: list[tuple[float, float]], slope: float, above: float) -> None:
    """pieces: lengths of the linear pieces, and by how much the slope falls after each. above: how far the dual is
    off."""
    lines, value, at, each = [(BASE, slope)], BASE, 0.0, slope
    for length, fall in pieces:
        value, at = value + each * length, at + length
        each -= fall
        lines.append((value - each * at, each))
    found = priced(least_of(*lines), slope + above, most=50.0)
    assert found.per_unit == pytest.approx(slope, rel=1e-6, abs=1e-6)
    assert found.holds_to == pytest.approx(min(pieces[0][0], 50.0), rel=1e-4)
