from __future__ import annotations

import math
import random
from fractions import Fraction
from itertools import pairwise

import numpy as np
import numpy_financial as npf
import pytest
from at_length import few
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.irr import IrrStatus, irr

HARD_ROWS = [
    # yearly flows, status, rate, distinct rates above -100 %
    ([-100.0, 60.0, 60.0], IrrStatus.ONE_ROOT, 0.1306623862918075, 1),
    ([-100.0, 230.0, -132.0], IrrStatus.SEVERAL, None, 2),  # 10 % and 20 %
    ([-1.0, 6.0, -11.0, 6.0], IrrStatus.SEVERAL, None, 3),  # 0, 100 % and 200 %
    ([100.0, -100.0, 100.0], IrrStatus.NONE, None, 0),
    ([1.0, 2.0, 0.0], IrrStatus.ALL_ONE_SIGN, None, 0),
    ([-1.0, -2.0, -3.0], IrrStatus.ALL_ONE_SIGN, None, 0),
    ([0.0, 0.0, 0.0], IrrStatus.ALL_ONE_SIGN, None, 0),
    ([-100.0, 30.0, 70.0], IrrStatus.ONE_ROOT, 0.0, 1),
    ([-1.0, 2.0, -1.0], IrrStatus.ONE_ROOT, 0.0, 1),  # touches 0 at one rate and does not cross
    ([1.0, -2.0, 1.0], IrrStatus.GAINS_FIRST, None, 1),
    ([-10000.0, 21000.0, -11025.0], IrrStatus.ONE_ROOT, 0.05, 1),  # a double root
    ([-1000000.0, 3430000.0, -3895500.0, 1466325.0], IrrStatus.SEVERAL, None, 2),  # 5 % twice, and 33 %
    ([-1e6, 1.0, 0.0], IrrStatus.ONE_ROOT, -1.0 + 1e-6, 1),
    ([-1e6, 0.0, 1e-6], IrrStatus.ONE_ROOT, -1.0 + 1e-6, 1),
    ([-1e-6, 1e6, 0.0], IrrStatus.ONE_ROOT, 1e12 - 1.0, 1),
    ([0.0, -100.0, 110.0], IrrStatus.ONE_ROOT, 0.1, 1),  # starts late
    ([100.0, -110.0, 0.0], IrrStatus.GAINS_FIRST, None, 1),  # borrowing at 10 % returns nothing
    ([5.0, 5.0, -1e-9], IrrStatus.GAINS_FIRST, None, 1),
    ([-100.0, 110.0, -1e-18], IrrStatus.ONE_ROOT, 0.1, 1),  # dust of a sum
]


@pytest.mark.parametrize(("flows", "status", "rate", "roots"), HARD_ROWS)
def test_hard_rows(flows: list[float], status: IrrStatus, rate: float | None, roots: int) -> None:
    found = irr(np.array([flows]), periods_per_year=1)
    assert (IrrStatus(int(found.status[0])), int(found.roots[0])) == (status, roots)
    if rate is None:
        assert np.isnan(found.rate[0])
    else:
        # near a double root the NPV is 0 within rounding over 1e-8 of it
        touching = flows == [-10000.0, 21000.0, -11025.0]
        assert 1.0 + found.rate[0] == pytest.approx(1.0 + rate, rel=1e-7 if touching else 1e-12)


def test_roots_are_those_of_the_companion_matrix() -> None:
    rng = np.random.default_rng(31)
    for periods in (2, 3, 7, 20, 40):
        flows = rng.normal(0.3, 3.0, (150, periods))
        found = irr(flows, periods_per_year=1)
        for row, status, rate, roots in zip(flows, found.status, found.rate, found.roots, strict=True):
            factors = np.roots(row[::-1])
            factors = factors[(np.abs(factors.imag) < 1e-9) & (factors.real > 0)].real
            if not ((row > 0).any() and (row < 0).any()):
                assert status == IrrStatus.ALL_ONE_SIGN
                continue
            assert roots == len(factors)
            one = IrrStatus.ONE_ROOT if row[0] < 0.0 else IrrStatus.GAINS_FIRST
            assert status == {0: IrrStatus.NONE, 1: one}.get(len(factors), IrrStatus.SEVERAL)
            if status == IrrStatus.ONE_ROOT:
                assert 1.0 + rate == pytest.approx(1.0 / factors[0], rel=1e-8)


def test_monthly_rates_equal_numpy_financial() -> None:
    rng = np.random.default_rng(5)
    flows = np.concatenate((-rng.uniform(50, 150, (40, 6)), rng.uniform(0, 40, (40, 90))), axis=1)
    found = irr(flows)
    assert (found.status == IrrStatus.ONE_ROOT).all()
    expected = [(1 + npf.irr(row)) ** 12 - 1 for row in flows]
    np.testing.assert_allclose(1 + found.rate, 1 + np.array(expected), rtol=1e-7)
    discount = (1 + found.rate[:, None]) ** (-(np.arange(96) + 0.5) / 12)
    npv = (flows * discount).sum(axis=1)
    assert (npv / np.abs(flows).sum(axis=1) < 1e-12).all()


def test_rates_found_from_flows_made_of_their_roots() -> None:
    # (x - a)(x - b)(x - c) with the monthly factors of known annual rates, stretched over 30 months
    for rates in ([0.05, 0.4], [-0.3, 0.1, 0.6], [-0.9, -0.2], [0.0, 0.25]):
        factors = [(1 + rate) ** (-1 / 12) for rate in rates]
        flows = np.poly(factors)[::-1]
        found = irr(np.pad(flows, (0, 30))[None, :])
        assert (int(found.status[0]), int(found.roots[0])) == (IrrStatus.SEVERAL, len(rates))


@settings(max_examples=80, deadline=None)
@given(st.integers(2, 30), st.integers(0, 2**32 - 1), st.floats(1e-6, 1e12))
def test_scale_batch_and_borrowing(periods: int, seed: int, scale: float) -> None:
    flows = np.random.default_rng(seed).normal(0.2, 1.0, (6, periods))
    whole = irr(flows)
    for row in range(6):
        single = irr(flows[row])
        assert (single.status, single.roots) == (whole.status[row], whole.roots[row])
        np.testing.assert_array_equal(single.rate, whole.rate[row])
    scaled, borrowed = irr(flows * scale), irr(-flows)
    for same in (scaled, borrowed):
        np.testing.assert_array_equal(same.roots, whole.roots)
    np.testing.assert_allclose(1 + scaled.rate, 1 + whole.rate, rtol=1e-9)
    swapped = {IrrStatus.ONE_ROOT: IrrStatus.GAINS_FIRST, IrrStatus.GAINS_FIRST: IrrStatus.ONE_ROOT}
    assert borrowed.status.tolist() == [swapped.get(IrrStatus(int(status)), int(status)) for status in whole.status]


@pytest.mark.parametrize("flows", [[np.nan, 1.0], [-np.inf, 1.0], []])
def test_flows_that_are_no_flows_are_refused(flows: list[float]) -> None:
    with pytest.raises(ValueError, match="finite flows over one period or more"):
        irr(np.array(flows, dtype=float))


def test_one_body_over_every_library(library) -> None:
    rng = np.random.default_rng(2)
    flows = rng.normal(0.3, 1.0, (3, 8, 24))
    flows[0, 0] = 1.0
    expected = irr(flows)
    assert set(expected.status.ravel()) == {0, 1, 2, 3, 4}
    found = irr(library.array(flows))
    np.testing.assert_array_equal(library.back(found.status), expected.status)
    np.testing.assert_array_equal(library.back(found.roots), expected.roots)
    np.testing.assert_allclose(library.back(found.rate), expected.rate, rtol=1e-12, atol=1e-12)
    single = irr(library.array(flows, np.float32))
    assert library.back(single.rate).dtype == np.float32
    nothing_mixed = irr(library.array([[1.0, 2.0]]))
    assert library.back(nothing_mixed.status).tolist() == [IrrStatus.ALL_ONE_SIGN]


def exact_flows(roots: list[Fraction]) -> list[int]:
    """Whole flows of which exactly these rates (per period) are the roots: the product of (1 + r) - 1/x over them,
    denominators cleared."""
    coefficients = [Fraction(1)]
    for root in roots:
        growth = 1 + root
        shorter, longer = [*coefficients, Fraction(0)], [Fraction(0), *coefficients]
        coefficients = [a - growth * b for a, b in zip(shorter, longer, strict=True)]
    scale = math.lcm(*(value.denominator for value in coefficients))
    return [int(value * scale) for value in coefficients]


@pytest.mark.parametrize("seed", few(range(60), 6))
def test_flows_built_from_exact_roots_have_these_roots(seed: int) -> None:
    """Whole rates in per cent, some of them double: counted without one lost or made up, on either side of 0."""
    draw = random.Random(seed)
    distinct = draw.sample(range(-60, 120, 3), draw.randint(1, 4))
    roots = [Fraction(rate, 100) for rate in distinct]
    doubled = [root for root in roots if draw.random() < 0.4][:1]
    flows = exact_flows([*roots, *doubled])
    assert max(map(abs, flows)) < 2**53  # so that the flows are exact in double precision
    sign = draw.choice([1.0, -1.0])
    found = irr(sign * np.array(flows, dtype=np.float64), periods_per_year=1)
    assert int(found.roots) == len(roots), (distinct, doubled)
    if len(roots) > 1:
        assert found.status == IrrStatus.SEVERAL
    else:
        assert found.status == (IrrStatus.ONE_ROOT if sign * flows[0] < 0 else IrrStatus.GAINS_FIRST)


def test_periods_without_cash_change_nothing() -> None:
    flow = [-727.0, *[73.0] * 23]
    expected = irr(np.array(flow))
    assert expected.status == IrrStatus.ONE_ROOT
    assert float(expected.rate) == pytest.approx((1.0 + npf.irr(flow)) ** 12 - 1.0, rel=1e-9)
    for before, after in ((0, 576), (0, 975), (3, 2376), (600, 9975)):
        padded = irr(np.array([0.0] * before + flow + [0.0] * after))
        assert (padded.status, padded.rate) == (expected.status, expected.rate)


def test_flows_of_more_than_a_thousand_periods() -> None:
    """A perpetuity in all but name: 2,400 months at 1 a month for 100 return a rate r with 100 r = 1 - (1 +
    r)^-2400."""
    found = irr(np.array([-100.0] + [1.0] * 2400))
    assert found.status == IrrStatus.ONE_ROOT
    monthly = (1.0 + float(found.rate)) ** (1 / 12) - 1.0
    assert 100.0 * monthly == pytest.approx(1.0 - (1.0 + monthly) ** -2400, rel=1e-12)
    late = np.array([-100.0] + [1.0] * 2400 + [-500.0])
    assert irr(late).status == IrrStatus.SEVERAL


def test_many_sign_changes_over_many_months_against_exact_arithmetic() -> None:
    """Rates above 0 of flows of both signs, counted by Sturm's theorem over fractions."""
    rng = np.random.default_rng(8)
    for _ in range(12):
        flows = np.round(rng.normal(0.0, 40.0, 14)).astype(int)
        flows[flows == 0] = 1
        found = irr(flows.astype(np.float64), periods_per_year=1)
        assert int(found.roots) == positive_roots([Fraction(int(value)) for value in flows]), flows


def positive_roots(ascending: list[Fraction]) -> int:
    """Distinct positive roots of a polynomial, by the sign changes of its Sturm sequence at 0 and at infinity."""
    sequence = [ascending, [k * value for k, value in enumerate(ascending)][1:]]
    while any(sequence[-1]):
        rest = [-value for value in remainder(sequence[-2], sequence[-1])]
        while rest and not rest[-1]:
            rest.pop()
        if not rest:
            break
        sequence.append(rest)
    at_zero, at_infinity = [poly[0] for poly in sequence], [poly[-1] for poly in sequence]
    return changes(at_zero) - changes(at_infinity)


def remainder(dividend: list[Fraction], divisor: list[Fraction]) -> list[Fraction]:
    rest = list(dividend)
    while len(rest) >= len(divisor):
        factor = rest[-1] / divisor[-1]
        shift = len(rest) - len(divisor)
        for place, value in enumerate(divisor):
            rest[shift + place] -= factor * value
        rest.pop()
    return rest


def changes(values: list[Fraction]) -> int:
    signs = [value > 0 for value in values if value]
    return sum(a != b for a, b in pairwise(signs))
