from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.cpu.measures import spread
from kernels.cpu.paths import cumulative_paths, portfolio_funding_and_payback, portfolio_path_measures
from kernels.reference import paths
from kernels.reference.paths import NEVER, least_dscr, payback_months, peak_funding, tax_with_losses_carried
from kernels.reference.portfolio import Portfolios, portfolio_sums, portfolios_from_dense


def funding_and_payback_by_hand(cash: list[int]) -> tuple[int, float]:
    total, deepest, payback = 0, 0, 0.0
    for month, amount in enumerate(cash):
        total += amount
        deepest = min(deepest, total)
        if total < 0:
            payback = month + 1
    return -deepest, math.inf if total < 0 else payback


@settings(max_examples=200, deadline=None)
@given(st.lists(st.integers(-5, 6), min_size=1, max_size=14))
def test_funding_and_payback_equal_a_plain_loop(cash: list[int]) -> None:
    funding, payback = funding_and_payback_by_hand(cash)
    flows = np.array([cash], dtype=float)
    assert peak_funding(flows).tolist() == [funding]
    assert payback_months(flows).tolist() == [payback]


def test_payback_by_hand() -> None:
    cash = np.array([[-10.0, 4.0, 6.0, 1.0], [-10.0, 12.0, -5.0, 6.0], [-10.0, 2.0, 3.0, 4.0], [1.0, 0.0, 2.0, 0.0]])
    assert payback_months(cash).tolist() == [2.0, 3.0, NEVER, 0.0]
    assert peak_funding(cash).tolist() == [10.0, 10.0, 10.0, 0.0]


def tax_by_hand(income: list[int], rate: Fraction, cap: Fraction) -> tuple[list[Fraction], Fraction]:
    carried, taxes = Fraction(0), []
    for amount in income:
        if amount < 0:
            carried -= amount
            taxes.append(Fraction(0))
        else:
            used = min(carried, cap * amount)
            carried -= used
            taxes.append(rate * (amount - used))
    return taxes, carried


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(-9, 9), min_size=1, max_size=12), st.sampled_from([Fraction(4, 5), Fraction(1), Fraction(0)])
)
def test_tax_with_losses_equals_exact_arithmetic(income: list[int], cap: Fraction) -> None:
    taxes, left = tax_with_losses_carried(np.array([[income]], dtype=float), tax_rate=0.25, loss_cap=float(cap))
    expected, expected_left = tax_by_hand(income, Fraction(1, 4), cap)
    np.testing.assert_allclose(taxes[0, 0], [float(tax) for tax in expected], atol=1e-12)
    assert left[0, 0] == pytest.approx(float(expected_left), abs=1e-12)


def test_tax_under_the_cap_by_hand() -> None:
    # a loss of 100 meets profits of 50: 40 may be used in each year, so 10 are taxed twice, then 20 are left
    taxes, left = tax_with_losses_carried(np.array([-100.0, 50.0, 50.0, 50.0]), tax_rate=0.2)
    np.testing.assert_allclose(taxes, [0.0, 2.0, 2.0, 6.0])
    assert float(left) == pytest.approx(0.0)


def test_debt_cover_by_hand() -> None:
    cash = np.array([[5.0, 30.0, 12.0], [1.0, 1.0, 1.0]])
    service = np.array([[0.0, 10.0, 10.0], [0.0, 0.0, 0.0]])
    assert least_dscr(cash, service).tolist() == [1.2, math.inf]
    with pytest.raises(ValueError, match="negative"):
        least_dscr(cash, -service)


@pytest.mark.parametrize("function", [peak_funding, payback_months, paths.cumulative_cash])
def test_paths_with_gaps_are_refused(function) -> None:
    for cash in ([1.0, math.nan], [math.inf, 1.0]):
        with pytest.raises(ValueError, match="NaN or an infinite"):
            function(np.array(cash))
    with pytest.raises(ValueError, match="at least one period"):
        function(np.empty((3, 0)))


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_one_body_over_every_library(library, dtype: type, tolerance: float) -> None:
    cash = np.random.default_rng(1).normal(size=(4, 3, 10))
    service = np.abs(np.random.default_rng(2).normal(size=(4, 3, 10)))
    bodies = [
        lambda cash, service: peak_funding(cash),
        lambda cash, service: payback_months(cash),
        lambda cash, service: tax_with_losses_carried(cash, tax_rate=0.25)[0],
        lambda cash, service: tax_with_losses_carried(cash, tax_rate=0.25)[1],
        lambda cash, service: least_dscr(cash, service),
    ]
    for body in bodies:
        found = library.back(body(library.array(cash, dtype), library.array(service, dtype)))
        assert found.dtype == dtype
        np.testing.assert_allclose(found, body(cash, service), rtol=tolerance, atol=10 * tolerance)


def _sample(dtype: type, months: int = 37) -> tuple[Portfolios, np.ndarray]:
    rng = np.random.default_rng(4)
    held = rng.integers(-2, 4, (50, 9)) * (rng.random((50, 9)) < 0.4)
    cash = rng.integers(-6, 9, (9, 23, months))  # whole numbers: sums are exact in both precisions
    cash[:, :, :6] -= 12
    return portfolios_from_dense(held.astype(dtype)), cash.astype(dtype)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize("months", [1, 2, 37, 300])
def test_engine_equals_its_specification(monkeypatch: pytest.MonkeyPatch, months: int, dtype: type) -> None:
    monkeypatch.setattr("kernels.cpu.paths._BLOCK_SCENARIOS", 10)  # several blocks, the last of another size
    monkeypatch.setattr("kernels.cpu.paths._STEP_BYTES", 1000)
    portfolios, cash = _sample(dtype, months)
    flows = portfolio_sums(portfolios, cash)
    funding, payback = portfolio_funding_and_payback(portfolios, cumulative_paths(cash, dtype=dtype))
    np.testing.assert_array_equal(funding, peak_funding(flows))
    np.testing.assert_array_equal(payback, payback_months(flows))
    assert (funding.dtype, payback.dtype) == (dtype, dtype)
    if months > 2:
        assert np.isinf(payback).any()
        assert ((payback > 0) & np.isfinite(payback)).any()


@pytest.mark.parametrize("weights", [np.full(23, 1 / 23), np.concatenate(([0.0], np.arange(1.0, 23.0) / 253))])
def test_path_measures_equal_the_specification_for_any_pieces(weights: np.ndarray) -> None:
    portfolios, cash = _sample(np.float64)
    flows = portfolio_sums(portfolios, cash)
    ready = cumulative_paths(cash, dtype=np.float64)
    whole = portfolio_path_measures(portfolios, ready, weights, alpha=0.9)
    funding = spread(peak_funding(flows), weights, alpha=0.9)
    payback = spread(payback_months(flows), weights, alpha=0.9)
    for name in ("mean", "median", "tail"):
        np.testing.assert_allclose(getattr(whole, f"funding_{name}"), getattr(funding, name), rtol=1e-12)
        np.testing.assert_allclose(getattr(whole, f"payback_{name}"), getattr(payback, name), rtol=1e-12)
    np.testing.assert_allclose(whole.never_probability, np.isinf(payback_months(flows)) @ weights, rtol=1e-12)
    for threads, budget in ((1, 1), (2, 20_000), (3, 1 << 30)):
        again = portfolio_path_measures(portfolios, ready, weights, alpha=0.9, threads=threads, budget_bytes=budget)
        for name, values in vars(whole).items():
            np.testing.assert_array_equal(getattr(again, name), values, err_msg=name)


def test_paths_of_candidates_without_numbers_are_refused() -> None:
    cash = np.ones((2, 3, 4))
    cash[1, 2, 3] = np.nan
    with pytest.raises(ValueError, match="NaN or an infinite"):
        cumulative_paths(cash)
