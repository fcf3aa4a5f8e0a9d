from __future__ import annotations

import math

import numpy as np
import pytest
from stand_in.cuda_on_cpu import Machine

from kernels.cpu.measures import spread
from kernels.cuda import portfolio_paths
from kernels.cuda.portfolio_paths import (
    can_use,
    cumulative_paths,
    portfolio_funding_and_payback,
    portfolio_path_measures,
)
from kernels.reference.paths import NEVER, payback_months, peak_funding
from kernels.reference.portfolio import Portfolios, portfolio_sums, portfolios_from_dense

NAMES = ("mean", "median", "tail")


def _sample(scenarios: int, months: int, *, whole: bool = True) -> tuple[Portfolios, np.ndarray]:
    rng = np.random.default_rng(4)
    held = rng.integers(-2, 4, (7, 9)) * (rng.random((7, 9)) < 0.4)
    held[0], held[1] = 0, np.eye(9)[3]
    cash = rng.integers(-6, 9, (9, scenarios, months)).astype(float)  # whole numbers: sums are exact in both precisions
    cash[:, :, :6] -= 12
    if not whole:
        cash += rng.normal(size=cash.shape)
    return portfolios_from_dense(held.astype(float)), cash


def _brought(machine: Machine, portfolios: Portfolios, dtype: type) -> Portfolios:
    return Portfolios(
        machine.array(portfolios.starts, np.int64), machine.array(portfolios.candidates, np.int64),
        machine.array(portfolios.levels, dtype),
    )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(("scenarios", "months"), [(1, 1), (23, 2), (24, 37), (261, 8), (5, 300)])
def test_funding_and_payback_equal_the_specification(
    machine: Machine, scenarios: int, months: int, dtype: type
) -> None:
    portfolios, cash = _sample(scenarios, months)
    flows = portfolio_sums(portfolios, cash)
    funding, payback = portfolio_funding_and_payback(
        _brought(machine, portfolios, dtype), cumulative_paths(machine.array(cash), dtype=dtype)
    )
    assert (funding.dtype, payback.dtype) == (dtype, dtype)
    np.testing.assert_array_equal(machine.back(funding), peak_funding(flows))
    np.testing.assert_array_equal(machine.back(payback), payback_months(flows))
    if (scenarios, months) == (24, 37):
        assert np.isinf(payback_months(flows)).any()
        assert ((payback_months(flows) > 0) & np.isfinite(payback_months(flows))).any()


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_funding_of_any_cash_equals_the_specification(machine: Machine, dtype: type, tolerance: float) -> None:
    portfolios, cash = _sample(30, 60, whole=False)
    paths = cumulative_paths(machine.array(cash), dtype=dtype)
    funding, _ = portfolio_funding_and_payback(_brought(machine, portfolios, dtype), paths)
    expected = peak_funding(portfolio_sums(portfolios, cash))
    np.testing.assert_allclose(machine.back(funding), expected, rtol=tolerance, atol=tolerance * expected.max())


EQUAL = np.full(23, 1 / 23)
BASE_CASE = np.concatenate(([0.0], np.full(22, 1 / 22)))
SCATTERED = np.where(np.arange(23) % 3 == 0, 0.0, 1 / 15)
UNEQUAL = np.arange(23.0) / 253


@pytest.mark.parametrize(
    "weights", [EQUAL, BASE_CASE, SCATTERED, UNEQUAL], ids=["equal", "base case", "scattered", "unequal"]
)
@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
def test_path_measures_equal_the_specification_for_any_pieces(
    machine: Machine, weights: np.ndarray, dtype: type, tolerance: float
) -> None:
    portfolios, cash = _sample(23, 37)
    flows = portfolio_sums(portfolios, cash)
    expected = {
        f"{what}_{name}": getattr(spread(values, weights, alpha=0.9), name)
        for what, values in (("funding", peak_funding(flows)), ("payback", payback_months(flows))) for name in NAMES
    }
    expected["never_probability"] = np.where(payback_months(flows) == NEVER, weights, 0.0).sum(axis=-1)
    assert np.isinf(expected["payback_tail"]).any()
    assert np.isfinite(expected["payback_tail"]).any()
    brought, ready = _brought(machine, portfolios, dtype), cumulative_paths(machine.array(cash), dtype=dtype)
    whole = portfolio_path_measures(brought, ready, machine.array(weights), alpha=0.9)
    pieces = portfolio_path_measures(brought, ready, machine.array(weights), alpha=0.9, budget_bytes=1)
    assert set(vars(whole)) == set(expected)
    for name, values in expected.items():
        found = machine.back(getattr(whole, name))
        assert found.dtype == dtype
        np.testing.assert_allclose(found, values, rtol=tolerance, atol=tolerance, err_msg=name)
        np.testing.assert_array_equal(machine.back(getattr(pieces, name)), found, err_msg=name)


def test_the_fused_spread_is_used_where_it_can_be(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    paths = cumulative_paths(machine.array(np.ones((2, 23, 3))))
    assert can_use(paths, machine.array(BASE_CASE)) == (True, "")
    assert can_use(paths, machine.array(UNEQUAL)) == (False, "the scenarios' weights differ from one another")
    monkeypatch.setattr(portfolio_paths, "most_scenarios", lambda dtype: 22)
    assert can_use(paths, machine.array(EQUAL))[1].startswith("23 scenarios are more than the 22")


def test_no_portfolios_give_no_measures(machine: Machine) -> None:
    none = Portfolios(machine.array([0], np.int64), machine.array([], np.int64), machine.array([]))
    found = portfolio_path_measures(
        none, cumulative_paths(machine.array(np.ones((3, 2, 4))), dtype=np.float64), machine.array([0.5, 0.5]),
        alpha=0.9,
    )
    assert all(values.shape == (0,) for values in vars(found).values())


@pytest.mark.parametrize(
    ("cash", "message"),
    [
        ([[[1.0, math.nan]]], "NaN or an infinite"), ([[1.0]], "candidates, scenarios, months"),
        (np.ones((2, 0, 3)), "none of them 0"),
    ],
)
def test_cash_that_makes_no_sense_is_refused(machine: Machine, cash: object, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        cumulative_paths(machine.array(cash))


def test_unknown_candidates_are_refused(machine: Machine) -> None:
    portfolios, cash = _sample(4, 5)
    with pytest.raises(ValueError, match=r"not among 0 .. 7"):
        portfolio_path_measures(
            _brought(machine, portfolios, np.float64), cumulative_paths(machine.array(cash[:8])),
            machine.array(np.full(4, 0.25)), alpha=0.9,
        )


def test_arrays_of_the_cpu_are_sent_to_its_engine() -> None:
    portfolios, cash = _sample(4, 5)
    paths = cumulative_paths(cash)
    for function in (
        portfolio_funding_and_payback, lambda p, q: portfolio_path_measures(p, q, np.full(4, 0.25), alpha=0.9)
    ):
        with pytest.raises(ValueError, match=r"array of CuPy expected.*kernels.cpu.paths"):
            function(portfolios, paths)
