from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from at_length import in_tiers
from stand_in.cuda_on_cpu import Machine

from kernels.cuda import portfolio_measures
from kernels.cuda.portfolio_measures import can_use, portfolio_npv_measures, subset_npv_measures
from kernels.reference.measures import npv_measures
from kernels.reference.portfolio import Portfolios, portfolio_sums, portfolios_from_dense

NAMES = ("mean", "standard_deviation", "standard_error", "loss_probability", "var", "cvar")


def _sample(count: int, candidates: int, scenarios: int, seed: int = 7) -> tuple[Portfolios, np.ndarray]:
    rng = np.random.default_rng(seed)
    levels = rng.normal(1.0, 1.0, (count, candidates)) * (rng.random((count, candidates)) < 0.4)
    levels[0] = 0.0  # a portfolio of nothing
    return portfolios_from_dense(levels), rng.normal(0.2, 3.0, (candidates, scenarios))


def _brought(machine: Machine, portfolios: Portfolios, dtype: type) -> Portfolios:
    return Portfolios(
        machine.array(portfolios.starts, np.int64), machine.array(portfolios.candidates, np.int64),
        machine.array(portfolios.levels, dtype),
    )


def _equal(machine: Machine, found: object, spec: object, *, dtype: type, scale: float) -> None:
    tolerance = 1e-12 if dtype is np.float64 else 1e-5
    for name in NAMES:
        values = machine.back(getattr(found, name))
        assert values.dtype == dtype, name
        np.testing.assert_allclose(values, getattr(spec, name), rtol=tolerance, atol=tolerance * scale, err_msg=name)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
@pytest.mark.parametrize(
    ("scenarios", "alpha"),
    in_tiers([(1, 0.9), (33, 0.95), (1100, 0.9), (7, 0.5), (128, 0.999), (1000, 0.95)], 3),
)
def test_fused_measures_equal_the_specification(machine: Machine, scenarios: int, alpha: float, dtype: type) -> None:
    # some hold more than 16 members; five portfolios share no block evenly
    portfolios, unit = _sample(6, 40, scenarios)
    unit = unit.astype(dtype).astype(np.float64)
    weights = np.full(scenarios, 1 / scenarios)
    assert can_use(machine.array(unit, dtype), machine.array(weights)) == (True, "")
    found = portfolio_npv_measures(
        _brought(machine, portfolios, dtype), machine.array(unit, dtype), machine.array(weights), alpha=alpha
    )
    _equal(
        machine, found, npv_measures(portfolio_sums(portfolios, unit), weights, alpha=alpha), dtype=dtype, scale=30.0
    )


def test_more_members_than_lanes(machine: Machine) -> None:
    rng = np.random.default_rng(2)
    starts, members = np.array([0, 70, 70, 103]), rng.integers(0, 9, 103)
    portfolios, unit, weights = Portfolios(
        starts, members, rng.random(103)
    ), rng.normal(size=(9, 20)), np.full(20, 0.05)
    found = portfolio_npv_measures(
        _brought(machine, portfolios, np.float64), machine.array(unit), machine.array(weights), alpha=0.8
    )
    _equal(
        machine, found, npv_measures(portfolio_sums(portfolios, unit), weights, alpha=0.8), dtype=np.float64, scale=10.0
    )


@pytest.mark.parametrize("weights", [[0.0, *[1 / 30] * 30, 0.0], [1 / 16, 0.0] * 16])
def test_scenarios_without_weight_are_left_out(machine: Machine, weights: list[float]) -> None:
    portfolios, unit = _sample(5, 6, 32)
    found = portfolio_npv_measures(
        _brought(machine, portfolios, np.float64), machine.array(unit), machine.array(weights), alpha=0.9
    )
    _equal(
        machine, found, npv_measures(portfolio_sums(portfolios, unit), np.array(weights), alpha=0.9), dtype=np.float64,
        scale=10.0,
    )


def _exact_var_and_cvar(losses: list[int], alpha: Fraction) -> tuple[int, Fraction]:
    """Losses of equal weight: the quantile by its definition, CVaR as the least of its convex function."""
    count = len(losses)
    var = min(x for x in losses if Fraction(sum(y <= x for y in losses), count) >= alpha)
    return var, min(
        eta + sum((Fraction(max(x - eta, 0), count) for x in losses), Fraction(0)) / (1 - alpha) for eta in losses
    )


@pytest.mark.parametrize("alpha", [Fraction(1, 10), Fraction(1, 2), Fraction(9, 10), Fraction(19, 20)])
def test_atoms_equal_exact_enumeration(machine: Machine, alpha: Fraction) -> None:
    for seed, scenarios in enumerate((2, 5, 20, 40, 64)):
        # few values: an atom at the level is the rule
        npv = np.random.default_rng(seed).integers(-3, 4, (8, scenarios))
        npv[0], npv[1] = 2, 0
        own = portfolios_from_dense(np.eye(8))
        weights = machine.array(np.full(scenarios, 1 / scenarios))
        found = portfolio_npv_measures(
            _brought(machine, own, np.float64), machine.array(npv), weights, alpha=float(alpha)
        )
        for row in range(8):
            var, cvar = _exact_var_and_cvar([-int(value) for value in npv[row]], alpha)
            assert float(found.var[row]) == var
            assert float(found.cvar[row]) == pytest.approx(float(cvar), abs=1e-12)


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_selection_over_the_whole_range_of_numbers(machine: Machine, dtype: type) -> None:
    """Both signs, both zeros, the smallest and nearly the greatest numbers: each rank is found exactly."""
    info = np.finfo(dtype)
    row = np.array(
        [
            -info.max / 4, -1.0, -info.tiny, -info.smallest_subnormal, -0.0, 0.0, info.smallest_subnormal, 1.0,
            np.nextafter(dtype(1), dtype(2)), info.max / 4,
        ],
        dtype=dtype,
    )
    count, own = len(row), portfolios_from_dense(np.ones((1, 1)))
    for rank in range(1, count):
        found = portfolio_npv_measures(
            _brought(machine, own, dtype), machine.array(row[::-1][None, :], dtype),
            machine.array(np.full(count, 1 / count)), alpha=rank / count,
        )
        assert float(found.var[0]) == -row[count - rank], rank


def test_batch_order_and_scale_change_nothing_else(machine: Machine) -> None:
    portfolios, unit = _sample(9, 8, 50)
    brought, weights = _brought(machine, portfolios, np.float32), machine.array(np.full(50, 0.02))
    table = machine.array(unit, np.float32)
    whole = portfolio_npv_measures(brought, table, weights, alpha=0.9)
    doubled = portfolio_npv_measures(brought, table * np.float32(2), weights, alpha=0.9)
    for row in (0, 4, 8):
        one = portfolio_npv_measures(brought.part(slice(row, row + 1)), table, weights, alpha=0.9)
        for name in NAMES:
            assert float(getattr(one, name)[0]) == float(getattr(whole, name)[row]), name
    for name in NAMES:
        factor = 1 if name == "loss_probability" else 2
        np.testing.assert_array_equal(
            machine.back(getattr(doubled, name)), factor * machine.back(getattr(whole, name)), err_msg=name
        )


@pytest.mark.parametrize("dtype", [np.float64, np.float32])
def test_subsets_made_on_the_device_equal_listed_ones(machine: Machine, dtype: type) -> None:
    rng = np.random.default_rng(5)
    packages, held, weights = rng.normal(size=(5, 60)), rng.normal(size=60), np.full(60, 1 / 60)
    numbers = np.arange(32)
    listed = ((numbers[:, None] >> np.arange(5)) & 1).astype(float) @ packages + held
    spec = npv_measures(listed, weights, alpha=0.9)
    brought = [machine.array(a, dtype) for a in (packages, held)]
    whole = subset_npv_measures(*brought, machine.array(weights), alpha=0.9)
    _equal(machine, whole, spec, dtype=dtype, scale=10.0)
    part = subset_npv_measures(*brought, machine.array(weights), alpha=0.9, first=9, count=14)
    for name in NAMES:
        np.testing.assert_array_equal(
            machine.back(getattr(part, name)), machine.back(getattr(whole, name))[9:23], err_msg=name
        )


def test_subset_numbers_beyond_32_bits(machine: Machine) -> None:
    packages, weights = np.diag(np.arange(1.0, 41.0)), np.full(40, 1 / 40)
    number = (1 << 39) + (1 << 33) + 1
    found = subset_npv_measures(
        machine.array(packages), machine.array(np.zeros(40)), machine.array(weights), alpha=0.9, first=number, count=1
    )
    assert float(found.mean[0]) == pytest.approx((40 + 34 + 1) / 40, rel=1e-14)


def test_subsets_that_do_not_exist_are_refused(machine: Machine) -> None:
    packages, held, weights = machine.array(np.ones((3, 4))), machine.array(np.zeros(4)), machine.array(
        np.full(4, 0.25)
    )
    for first, count in ((0, 9), (8, 1), (-1, 2)):
        with pytest.raises(ValueError, match=r"subsets 0 .. 7 exist of 3 packages"):
            subset_npv_measures(packages, held, weights, alpha=0.9, first=first, count=count)
    with pytest.raises(ValueError, match="at most 62 packages"):
        subset_npv_measures(machine.array(np.ones((63, 4))), held, weights, alpha=0.9, first=0, count=1)
    with pytest.raises(ValueError, match="weights differ"):
        subset_npv_measures(packages, held, machine.array([0.1, 0.2, 0.3, 0.4]), alpha=0.9)


def test_unequal_weights_and_many_scenarios_go_to_the_specification(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    portfolios, unit = _sample(7, 5, 12)
    weights = np.arange(12.0) / 66.0
    brought = _brought(machine, portfolios, np.float64)
    assert can_use(machine.array(unit), machine.array(weights)) == (
        False, "the scenarios' weights differ from one another"
    )
    spec = npv_measures(portfolio_sums(portfolios, unit), weights, alpha=0.8)
    for budget in (1, 1 << 30):
        _equal(
            machine,
            portfolio_npv_measures(
                brought, machine.array(unit), machine.array(weights), alpha=0.8, budget_bytes=budget
            ),
            spec, dtype=np.float64, scale=1.0,
        )
    monkeypatch.setattr(portfolio_measures, "most_scenarios", lambda dtype: 11)
    equal = np.full(12, 1 / 12)
    usable, reason = can_use(machine.array(unit), machine.array(equal))
    assert (usable, reason) == (False, "12 scenarios are more than the 11 that one block keeps in registers")
    _equal(
        machine, portfolio_npv_measures(brought, machine.array(unit), machine.array(equal), alpha=0.8),
        npv_measures(portfolio_sums(portfolios, unit), equal, alpha=0.8), dtype=np.float64, scale=1.0,
    )


def test_missing_numbers_and_unknown_candidates_do_not_pass(machine: Machine) -> None:
    portfolios, unit = _sample(4, 5, 12)
    brought, weights = _brought(machine, portfolios, np.float64), machine.array(np.full(12, 1 / 12))
    for bad in (math.nan, math.inf):
        broken = unit.copy()
        broken[portfolios.candidates[0], 3] = bad
        with pytest.raises(ValueError, match="NaN or infinite"):
            portfolio_npv_measures(brought, machine.array(broken), weights, alpha=0.9)
    with pytest.raises(ValueError, match=r"not among 0 .. 3"):
        portfolio_npv_measures(brought, machine.array(unit[:4]), weights, alpha=0.9)


def test_no_portfolios_give_no_measures(machine: Machine) -> None:
    none = Portfolios(machine.array([0], np.int64), machine.array([], np.int64), machine.array([]))
    for weights in ([0.5, 0.5], [0.4, 0.6]):
        assert portfolio_npv_measures(
            none, machine.array(np.ones((3, 2))), machine.array(weights), alpha=0.9
        ).mean.shape == (0,)
