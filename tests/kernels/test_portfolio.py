from __future__ import annotations

import itertools
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.cpu import portfolio as cpu_portfolio
from kernels.cpu import sparse_product
from kernels.cpu.portfolio import broken_limits, portfolio_npv_measures
from kernels.reference.measures import npv_measures
from kernels.reference.portfolio import (
    Portfolios,
    dense_portfolio_sums,
    excess_over_limits,
    portfolio_sums,
    portfolios_from_dense,
)

NAMES = ("mean", "standard_deviation", "standard_error", "loss_probability", "var", "cvar")


def _listed(rows: list[list[tuple[int, float]]], dtype: type = np.float64) -> Portfolios:
    starts = np.cumsum([0, *map(len, rows)])
    entries = list(itertools.chain(*rows))
    return Portfolios(
        starts, np.array([c for c, _ in entries], dtype=np.int64), np.array([x for _, x in entries], dtype=dtype)
    )


@st.composite
def listed_portfolios(draw: st.DrawFn) -> tuple[list[list[tuple[int, float]]], int]:
    candidates = draw(st.integers(1, 6))
    entry = st.tuples(st.integers(0, candidates - 1), st.integers(-8, 8).map(lambda n: n / 4))
    return draw(st.lists(st.lists(entry, max_size=7), min_size=0, max_size=6)), candidates


@settings(max_examples=150, deadline=None)
@given(listed_portfolios(), st.integers(1, 4))
def test_sums_equal_exact_fractions(problem: tuple[list[list[tuple[int, float]]], int], scenarios: int) -> None:
    rows, candidates = problem
    unit = np.random.default_rng(candidates).integers(-99, 99, (candidates, scenarios)).astype(float)
    exact = [
        [sum((Fraction(x) * Fraction(unit[c, s]) for c, x in row), Fraction(0)) for s in range(scenarios)]
        for row in rows
    ]
    expected = np.array([[float(value) for value in row] for row in exact]).reshape(len(rows), scenarios)
    portfolios = _listed(rows)
    np.testing.assert_array_equal(portfolio_sums(portfolios, unit), expected)
    np.testing.assert_array_equal(cpu_portfolio.portfolio_sums(portfolios, unit), expected)


def _sample(dtype: type = np.float64, seed: int = 7) -> tuple[Portfolios, np.ndarray]:
    rng = np.random.default_rng(seed)
    levels = rng.random((40, 15)) * (rng.random((40, 15)) < 0.3)
    return portfolios_from_dense(levels.astype(dtype)), rng.normal(0.2, 3.0, (15, 64)).astype(dtype)


@pytest.mark.parametrize("trailing", [(), (5,), (3, 4)])
def test_one_body_over_every_library(library, trailing: tuple[int, ...]) -> None:
    portfolios, _ = _sample()
    unit = np.random.default_rng(1).normal(size=(15, *trailing))
    dense = np.zeros((40, 15))
    dense[np.repeat(np.arange(40), np.diff(portfolios.starts)), portfolios.candidates] = portfolios.levels
    expected = np.tensordot(dense, unit, axes=1)
    for dtype, tolerance in ((np.float64, 1e-12), (np.float32, 1e-5)):
        brought = Portfolios(
            library.array(portfolios.starts, np.int64), library.array(portfolios.candidates, np.int64),
            library.array(portfolios.levels, dtype)
        )
        sums = library.back(portfolio_sums(brought, library.array(unit, dtype)))
        assert sums.dtype == dtype
        np.testing.assert_allclose(sums, expected, rtol=tolerance, atol=10 * tolerance)
        found = library.back(dense_portfolio_sums(library.array(dense, dtype), library.array(unit, dtype)))
        np.testing.assert_allclose(found, expected, rtol=tolerance, atol=10 * tolerance)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_engine_adds_in_the_order_of_the_specification(dtype: type) -> None:
    portfolios, unit = _sample(dtype)
    expected = portfolio_sums(portfolios, unit)
    tolerance = 4 * np.finfo(dtype).eps  # a fused multiply-add rounds once where the specification rounds twice
    np.testing.assert_allclose(
        cpu_portfolio.portfolio_sums(portfolios, unit), expected, rtol=tolerance, atol=10 * tolerance
    )


def test_engine_without_the_compiled_routine_gives_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    portfolios, unit = _sample()
    fast = cpu_portfolio.portfolio_sums(portfolios, unit)
    monkeypatch.setattr(sparse_product, "_compiled_product", lambda: None)
    np.testing.assert_array_equal(cpu_portfolio.portfolio_sums(portfolios, unit), fast)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("equal", [True, False])
def test_measures_of_portfolios_equal_the_specification(equal: bool, dtype: type, tolerance: float) -> None:
    portfolios, unit = _sample(dtype)
    weights = np.ones(64) if equal else np.random.default_rng(3).random(64)
    weights[0] = 0.0
    weights /= weights.sum()
    spec = npv_measures(portfolio_sums(portfolios, unit), weights, alpha=0.9)
    fast = portfolio_npv_measures(portfolios, unit, weights, alpha=0.9)
    for name in NAMES:
        np.testing.assert_allclose(
            getattr(fast, name), getattr(spec, name), rtol=tolerance, atol=10 * tolerance, err_msg=name
        )
        assert getattr(fast, name).dtype == dtype


def test_pieces_threads_and_order_change_no_bit() -> None:
    portfolios, unit = _sample(np.float32)
    weights = np.full(64, 1 / 64)
    whole = portfolio_npv_measures(portfolios, unit, weights, alpha=0.95)
    for threads, budget in ((1, 1), (2, 5_000), (3, 1 << 30)):
        again = portfolio_npv_measures(portfolios, unit, weights, alpha=0.95, threads=threads, budget_bytes=budget)
        for name in NAMES:
            np.testing.assert_array_equal(getattr(again, name), getattr(whole, name), err_msg=name)
    for row in (0, 17, 39):  # batch = one by one
        single = portfolio_npv_measures(portfolios.part(slice(row, row + 1)), unit, weights, alpha=0.95)
        for name in NAMES:
            assert getattr(single, name)[0] == getattr(whole, name)[row]


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 2**32 - 1), st.floats(1e-3, 1e6))
def test_order_of_portfolios_and_unit_of_money(seed: int, scale: float) -> None:
    rng = np.random.default_rng(seed)
    levels, unit, weights = rng.random((12, 5)), rng.normal(size=(5, 30)), np.full(30, 1 / 30)
    order = rng.permutation(12)
    found = portfolio_npv_measures(portfolios_from_dense(levels), unit, weights, alpha=0.8)
    moved = portfolio_npv_measures(portfolios_from_dense(levels[order]), unit, weights, alpha=0.8)
    scaled = portfolio_npv_measures(portfolios_from_dense(levels), unit * scale, weights, alpha=0.8)
    for name in NAMES:
        np.testing.assert_array_equal(getattr(moved, name), getattr(found, name)[order], err_msg=name)
        factor = 1.0 if name == "loss_probability" else scale
        np.testing.assert_allclose(
            getattr(scaled, name), getattr(found, name) * factor, rtol=1e-11, atol=1e-12 * factor, err_msg=name
        )


def test_no_portfolios_give_no_measures() -> None:
    _, unit = _sample()
    found = portfolio_npv_measures(_listed([]), unit, np.full(64, 1 / 64), alpha=0.9)
    assert found.mean.shape == (0,)
    assert broken_limits(_listed([]), np.ones((15, 2)), np.ones(2), tolerance=1e-9).portfolios.shape == (0,)


def test_broken_limits_are_those_of_the_specification() -> None:
    portfolios, _ = _sample()
    rng = np.random.default_rng(9)
    use = rng.normal(size=(15, 6)) * (rng.random((15, 6)) < 0.5)
    limit = np.array([0.5, np.inf, -1.0, 0.0, 2.0, 1.0])  # below 0: a committed minimum, which an idle portfolio breaks
    excess = excess_over_limits(portfolios, use, limit)
    expected = np.argwhere(excess > 1e-9 * np.maximum(1.0, np.abs(np.where(np.isinf(limit), 0.0, limit))))
    assert len(expected) > 40
    for budget in (1, 1 << 28):
        found = broken_limits(portfolios, use, limit, tolerance=1e-9, budget_bytes=budget, threads=2)
        np.testing.assert_array_equal(np.column_stack((found.portfolios, found.resources)), expected)
        np.testing.assert_allclose(found.excess, excess[tuple(expected.T)], rtol=1e-12)


def test_limits_within_the_tolerance_hold() -> None:
    portfolios = _listed([[(0, 1.0)], [(0, 1.0 + 1e-6)]])
    found = broken_limits(portfolios, np.array([[100.0]]), np.array([100.0]), tolerance=1e-7)
    assert (found.portfolios.tolist(), found.resources.tolist()) == ([1], [0])
    assert found.excess[0] == pytest.approx(1e-4)


def test_excess_over_every_library(library) -> None:
    portfolios, _ = _sample()
    use, limit = np.random.default_rng(2).normal(size=(15, 4)), np.array([1.0, np.inf, 0.0, -1.0])
    brought = Portfolios(
        *(library.array(a, t) for a, t in zip(vars(portfolios).values(), (np.int64, np.int64, np.float64), strict=True))
    )
    found = library.back(excess_over_limits(brought, library.array(use), library.array(limit)))
    np.testing.assert_allclose(found, excess_over_limits(portfolios, use, limit), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("starts", "candidates", "levels", "message"),
    [
        ([0, 2, 1, 3], [0, 1, 1], [1.0, 1.0, 1.0], "starts must rise"),
        ([0, 2], [0, 1, 1], [1.0, 1.0, 1.0], "starts must rise"),
        ([0, 3], [0, 1, 2], [1.0, 1.0, 1.0], "not among 0 .. 1"),
        ([0, 3], [0, -1, 1], [1.0, 1.0, 1.0], "not among 0 .. 1"),
        ([0, 3], [0, 1, 1], [1.0, np.nan, 1.0], "NaN or infinite"),
        ([0, 3], [0, 1], [1.0, 1.0, 1.0], "one candidate per level"),
    ],
)
@pytest.mark.parametrize("sums", [portfolio_sums, cpu_portfolio.portfolio_sums])
def test_portfolios_that_make_no_sense_are_refused(sums, starts, candidates, levels, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        sums(Portfolios(np.array(starts), np.array(candidates), np.array(levels)), np.ones((2, 3)))


def test_missing_numbers_do_not_pass() -> None:
    portfolios, unit = _sample()
    unit[3, 5] = np.nan
    with pytest.raises(ValueError, match="NaN"):
        portfolio_npv_measures(portfolios, unit, np.full(64, 1 / 64), alpha=0.9)
    with pytest.raises(ValueError, match="NaN"):
        broken_limits(portfolios, np.ones((15, 1)), np.array([np.nan]), tolerance=1e-9)
