"""What the bounds leave out changes no bit: against running sums of every month, in exact arithmetic where rounding
could matter."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kernels.cpu import paths as cpu_paths
from kernels.cpu.path_bounds import ANCHOR_MONTHS, months_of_interest, strip_of
from kernels.cpu.paths import cumulative_paths, portfolio_funding_and_payback
from kernels.cpu.sparse_product import SignedLevels, SparseLevels
from kernels.reference.portfolio import Portfolios, portfolios_from_dense


def _every_month(portfolios: Portfolios, cash: np.ndarray, dtype: type) -> tuple[np.ndarray, np.ndarray]:
    """Funding and payback from the product of every month, in the order of sums of the engine."""
    candidates, scenarios, months = cash.shape
    running = np.cumsum(cash, axis=2, dtype=np.float64).astype(dtype)
    levels, count = SparseLevels(portfolios, candidates, dtype), len(portfolios)
    deepest, last = np.zeros((count, scenarios), dtype=dtype), np.zeros((count, scenarios))
    for month in range(months):
        total = levels.sums(slice(0, count), np.ascontiguousarray(running[:, :, month]))
        deepest = np.minimum(deepest, total)
        last = np.where(total < 0.0, month + 1, last)
    return 0.0 - deepest, np.where(last == months, np.inf, last)


@settings(max_examples=80, deadline=None)
@given(
    st.integers(0, 2**32 - 1), st.integers(1, 40), st.sampled_from([np.float32, np.float64]), st.floats(0.0, 3.0),
    st.booleans(), st.booleans()
)
def test_months_left_out_change_no_bit(
    seed: int, months: int, dtype: type, noise: float, short: bool, signed: bool
) -> None:
    rng = np.random.default_rng(seed)
    cash = rng.normal(0.3, 1.0, (5, 9, 1)) + noise * rng.normal(size=(5, 9, months))
    cash[:, :, : max(months // 6, 1)] -= rng.uniform(0.0, 6.0, (5, 1, 1))
    if short:  # whole numbers: sums that are 0 to the bit
        cash = np.round(cash)
    levels = rng.uniform(-1.0 if signed else 0.0, 2.0, (11, 5)) * (rng.random((11, 5)) < 0.6)
    portfolios = portfolios_from_dense(np.round(levels) if short else levels)
    funding, payback = portfolio_funding_and_payback(portfolios, cumulative_paths(cash, dtype=dtype))
    expected_funding, expected_payback = _every_month(portfolios, cash, dtype)
    np.testing.assert_array_equal(funding, expected_funding)
    np.testing.assert_array_equal(payback, expected_payback)


def test_months_that_cannot_matter_are_left_out() -> None:
    """An outlay, then income: the deepest month is the last of the outlay, and after payback nothing is below 0."""
    cash = np.ones((3, 4, 60))
    cash[:, :, :6] = -4.0
    cash *= np.array([1.0, 1.1, 1.2, 1.3])[None, :, None]
    strip = strip_of(np.cumsum(cash, axis=2).transpose(2, 0, 1).copy(), 5)
    for levels in (np.ones((2, 3)), np.array([[2.0, 1.0, -0.5], [0.0, 0.0, 0.0]])):
        held = SignedLevels(portfolios_from_dense(levels), 3, np.float64)
        interest = months_of_interest(held, slice(0, 2), strip)
        assert np.flatnonzero(interest.deepest).tolist() == [5]
        # -24 after six months, 0 after thirty: within rounding
        assert np.flatnonzero(interest.below_zero).tolist() == list(range(30))


def test_few_products_are_made_for_paths_that_pay_back(monkeypatch: pytest.MonkeyPatch) -> None:
    """Payback is settled from the last month below 0 backwards: of 240 months the anchors' and a few others are
    formed."""
    cash = np.ones((3, 4, 240))
    cash[:, :, :6] = -4.0
    made: list[int] = []
    plain = SparseLevels.sums

    def counted(self: SparseLevels, rows: slice, unit: np.ndarray) -> np.ndarray:
        made.append(unit.shape[1])
        return plain(self, rows, unit)

    monkeypatch.setattr(SparseLevels, "sums", counted)
    funding, payback = portfolio_funding_and_payback(
        portfolios_from_dense(np.ones((2, 3))), cumulative_paths(cash, dtype=np.float64)
    )
    assert (funding == 72.0).all()
    assert (payback == 29.0).all()
    assert made.count(4) <= ANCHOR_MONTHS + 1


def test_strips_hold_scenarios_of_like_size_and_results_keep_their_order() -> None:
    rng = np.random.default_rng(0)
    cash = rng.normal(0.2, 1.0, (4, 300, 12)) * rng.lognormal(0.0, 1.0, (1, 300, 1))
    paths = cumulative_paths(cash, dtype=np.float64)
    assert len(paths.strips) == -(-300 // cpu_paths._BLOCK_SCENARIOS)
    size = np.abs(cash).sum(axis=(0, 2))[paths.order]
    assert (np.diff(size) >= 0.0).all()
    portfolios = portfolios_from_dense(rng.uniform(0.0, 1.0, (5, 4)))
    funding, payback = portfolio_funding_and_payback(portfolios, paths)
    expected_funding, expected_payback = _every_month(portfolios, cash, np.float64)
    np.testing.assert_array_equal(funding, expected_funding)
    np.testing.assert_array_equal(payback, expected_payback)
