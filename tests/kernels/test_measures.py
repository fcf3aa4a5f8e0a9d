from __future__ import annotations

import math
from fractions import Fraction

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from scipy.optimize import linprog

from kernels.cpu import measures as cpu_measures
from kernels.reference import measures
from kernels.reference.measures import npv_measures

NAMES = ("mean", "standard_deviation", "standard_error", "loss_probability", "var", "cvar")


def exact_var_and_cvar(losses: list[int], weights: list[Fraction], alpha: Fraction) -> tuple[Fraction, Fraction]:
    """By enumeration in exact arithmetic: the quantile by its definition, CVaR as the least of its convex function."""

    def share_at_most(loss: int) -> Fraction:
        return sum((w for other, w in zip(losses, weights, strict=True) if other <= loss), Fraction(0))

    def objective(eta: int) -> Fraction:
        beyond = sum((w * max(loss - eta, 0) for loss, w in zip(losses, weights, strict=True)), Fraction(0))
        return eta + beyond / (1 - alpha)

    carried = [loss for loss, w in zip(losses, weights, strict=True) if w > 0]
    return Fraction(
        min(loss for loss in carried if share_at_most(loss) >= alpha)
    ), min(objective(loss) for loss in losses)


@st.composite
def weighted_losses(draw: st.DrawFn) -> tuple[list[int], list[Fraction], Fraction]:
    count = draw(st.integers(1, 9))
    losses = draw(st.lists(st.integers(-4, 4), min_size=count, max_size=count))  # few values: atoms are the rule
    parts = draw(st.lists(st.integers(0, 5), min_size=count, max_size=count).filter(any))
    alpha = draw(
        st.sampled_from(
            [Fraction(1, 20), Fraction(1, 2), Fraction(3, 5), Fraction(3, 4), Fraction(9, 10), Fraction(19, 20)]
        )
    )
    return losses, [Fraction(part, sum(parts)) for part in parts], alpha


@settings(max_examples=300, deadline=None)
@given(weighted_losses())
def test_var_and_cvar_equal_exact_enumeration(problem: tuple[list[int], list[Fraction], Fraction]) -> None:
    losses, weights, alpha = problem
    var, cvar = exact_var_and_cvar(losses, weights, alpha)
    found = npv_measures(-np.array([losses], dtype=float), np.array(weights, dtype=float), alpha=float(alpha))
    assert found.var[0] == var
    assert found.cvar[0] == pytest.approx(float(cvar), abs=1e-9)
    assert found.loss_probability[0] == pytest.approx(
        float(sum(w for loss, w in zip(losses, weights, strict=True) if loss > 0))
    )


@settings(max_examples=150, deadline=None)
@given(
    st.lists(st.integers(-3, 3), min_size=1, max_size=40),
    st.sampled_from([Fraction(1, 10), Fraction(1, 2), Fraction(9, 10), Fraction(19, 20)]),
)
def test_engine_of_equal_weights_equals_exact_enumeration(losses: list[int], alpha: Fraction) -> None:
    var, cvar = exact_var_and_cvar(losses, [Fraction(1, len(losses))] * len(losses), alpha)
    weights = np.full(len(losses), 1 / len(losses))
    found = cpu_measures.npv_measures(-np.array([losses], dtype=float), weights, alpha=float(alpha))
    assert found.var[0] == var
    assert found.cvar[0] == pytest.approx(float(cvar), abs=1e-9)


def test_atom_at_the_level_by_hand() -> None:
    # ten draws, alpha = 0.9: exactly nine tenths lie at or below 8, so VaR is 8 and CVaR the worst draw alone
    losses = np.array([[0, 1, 2, 3, 4, 5, 6, 7, 8, 100]], dtype=float)
    weights = np.full(10, 0.1)
    assert npv_measures(-losses, weights, alpha=0.9).var.tolist() == [8.0]
    assert npv_measures(-losses, weights, alpha=0.9).cvar[0] == pytest.approx(100.0)
    # at 0.85 half of the draw at 8 belongs to the tail: (0.1 x 100 + 0.05 x 8) / 0.15
    assert npv_measures(-losses, weights, alpha=0.85).cvar[0] == pytest.approx((0.1 * 100 + 0.05 * 8) / 0.15)


def test_cvar_equals_the_linear_program_of_rockafellar_and_uryasev() -> None:
    rng = np.random.default_rng(20)
    for alpha in (0.5, 0.9, 0.95):
        losses, weights = rng.normal(size=37).round(1), rng.random(37)
        weights /= weights.sum()
        # minimise eta + sum of w z / (1 - alpha), z >= L - eta, z >= 0
        cost = np.concatenate(([1.0], weights / (1 - alpha)))
        rows = np.hstack((-np.ones((37, 1)), -np.eye(37)))
        solved = linprog(cost, A_ub=rows, b_ub=-losses, bounds=[(None, None)] + [(0, None)] * 37)
        found = npv_measures(-losses[None, :], weights, alpha=alpha)
        assert found.cvar[0] == pytest.approx(solved.fun, rel=1e-9)


def test_mean_deviation_and_error_equal_numpy_and_scipy() -> None:
    npv = np.random.default_rng(3).normal(5.0, 2.0, (4, 60))
    found = npv_measures(npv, np.full(60, 1 / 60), alpha=0.95)
    np.testing.assert_allclose(found.mean, npv.mean(axis=1), rtol=1e-13)
    np.testing.assert_allclose(found.standard_deviation, npv.std(axis=1), rtol=1e-13)
    np.testing.assert_allclose(found.standard_error, stats.sem(npv, axis=1), rtol=1e-12)


def test_one_body_over_every_library(library) -> None:
    rng = np.random.default_rng(8)
    npv, weights = rng.normal(size=(5, 3, 40)), rng.random(40)
    weights[:4] = 0.0
    weights /= weights.sum()
    plain = npv_measures(npv, weights, alpha=0.9)
    found = npv_measures(library.array(npv), library.array(weights), alpha=0.9)
    for name in NAMES:
        np.testing.assert_allclose(
            library.back(getattr(found, name)), getattr(plain, name), rtol=1e-12, atol=1e-12, err_msg=name
        )
    found32 = npv_measures(library.array(npv, np.float32), library.array(weights), alpha=0.9)
    for name in NAMES:
        result = library.back(getattr(found32, name))
        assert result.dtype == np.float32
        np.testing.assert_allclose(result, getattr(plain, name), rtol=1e-5, atol=1e-5, err_msg=name)


@pytest.mark.parametrize(("dtype", "tolerance"), [(np.float64, 1e-12), (np.float32, 1e-5)])
@pytest.mark.parametrize("scenarios", [1, 2, 19, 20, 1000])
@pytest.mark.parametrize("alpha", [0.5, 0.95, 0.999])
def test_engine_equals_its_specification(alpha: float, scenarios: int, dtype: type, tolerance: float) -> None:
    npv = np.random.default_rng(scenarios).normal(1.0, 3.0, (7, scenarios + 3)).astype(dtype)
    weights = np.full(scenarios + 3, 1 / scenarios)
    weights[[0, 1, -1]] = 0.0  # the base case and stresses carry no weight
    spec, fast = npv_measures(npv, weights, alpha=alpha), cpu_measures.npv_measures(npv, weights, alpha=alpha)
    for name in NAMES:
        np.testing.assert_allclose(
            getattr(fast, name), getattr(spec, name), rtol=tolerance, atol=10 * tolerance, err_msg=name
        )
        assert getattr(fast, name).dtype == dtype


def test_engine_takes_draws_that_are_not_neighbours_and_weights_that_differ() -> None:
    npv = np.random.default_rng(0).normal(size=(3, 6))
    for weights in ([0.25, 0.0, 0.25, 0.25, 0.0, 0.25], [0.1, 0.2, 0.3, 0.0, 0.15, 0.25]):
        spec, fast = (module.npv_measures(npv, np.array(weights), alpha=0.6) for module in (measures, cpu_measures))
        for name in NAMES:
            np.testing.assert_allclose(getattr(fast, name), getattr(spec, name), rtol=1e-12)


def test_engine_leaves_its_input_as_it_was() -> None:
    npv = np.random.default_rng(0).normal(size=(3, 50))
    before = npv.copy()
    npv.flags.writeable = False
    cpu_measures.npv_measures(npv, np.full(50, 0.02), alpha=0.9)
    np.testing.assert_array_equal(npv, before)


@settings(max_examples=60, deadline=None)
@given(st.integers(2, 60), st.floats(0.05, 0.99), st.integers(0, 2**32 - 1), st.floats(0.01, 1e6), st.floats(-1e3, 1e3))
def test_order_scale_shift_and_tail(scenarios: int, alpha: float, seed: int, scale: float, shift: float) -> None:
    rng = np.random.default_rng(seed)
    npv, weights = rng.normal(size=(3, scenarios)), rng.random(scenarios) + 0.01
    weights /= weights.sum()
    found = npv_measures(npv, weights, alpha=alpha)
    order = rng.permutation(scenarios)
    shuffled = npv_measures(npv[:, order], weights[order], alpha=alpha)
    moved = npv_measures(npv * scale + shift, weights, alpha=alpha)
    for name in NAMES:
        np.testing.assert_allclose(getattr(shuffled, name), getattr(found, name), rtol=1e-9, atol=1e-9, err_msg=name)
        one = getattr(npv_measures(npv[1:2], weights, alpha=alpha), name)
        np.testing.assert_array_equal(one, getattr(found, name)[1:2], err_msg=name)  # batch = one by one
    close = {"rtol": 1e-9, "atol": 1e-9 * (scale + abs(shift))}
    np.testing.assert_allclose(moved.mean, found.mean * scale + shift, **close)
    np.testing.assert_allclose(moved.standard_deviation, found.standard_deviation * scale, **close)
    np.testing.assert_allclose(moved.var, found.var * scale - shift, **close)
    np.testing.assert_allclose(moved.cvar, found.cvar * scale - shift, **close)
    assert (found.cvar >= found.var - 1e-12).all()
    assert (found.cvar >= -found.mean - 1e-12).all()


def test_never_is_a_value() -> None:
    months = np.array([[3.0, 4.0, 5.0, math.inf], [1.0, 2.0, 3.0, 4.0], [math.inf] * 4])
    weights = np.full(4, 0.25)
    for found in (cpu_measures.spread(months, weights, alpha=0.5), cpu_measures.spread_of_draws(months, alpha=0.5)):
        assert found.mean.tolist() == [math.inf, 2.5, math.inf]
        assert found.median.tolist() == [4.0, 2.0, math.inf]
        assert found.tail.tolist() == [math.inf, 3.5, math.inf]


def test_one_scenario_has_no_known_error() -> None:
    found = npv_measures(np.array([[2.0]]), np.array([1.0]), alpha=0.95)
    assert (found.standard_deviation[0], found.standard_error[0]) == (0.0, math.inf)
    assert (found.var[0], found.cvar[0]) == (-2.0, -2.0)


@pytest.mark.parametrize("module", [measures, cpu_measures])
@pytest.mark.parametrize(
    ("npv", "weights", "alpha", "message"),
    [
        ([[1.0, math.nan]], [0.5, 0.5], 0.9, "NaN"),
        ([[1.0, 2.0]], [0.5, 0.4], 0.9, "add to 0.9"),
        ([[1.0, 2.0]], [1.5, -0.5], 0.9, "negative"),
        ([[1.0, 2.0]], [math.nan, 1.0], 0.9, "negative or NaN"),
        ([[1.0, 2.0]], [0.5, 0.5], 95.0, "between 0 and 1"),
        ([[1.0, 2.0]], [0.5, 0.5], 0.0, "between 0 and 1"),
    ],
)
def test_what_cannot_be_measured_is_refused(module, npv, weights, alpha: float, message: str) -> None:
    with pytest.raises(ValueError, match=message):
        module.npv_measures(np.array(npv), np.array(weights), alpha=alpha)


def test_weights_in_single_precision_are_refused() -> None:
    with pytest.raises(TypeError, match="float64"):
        npv_measures(np.ones((1, 2)), np.full(2, 0.5, np.float32), alpha=0.9)
