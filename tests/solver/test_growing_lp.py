from __future__ import annotations

import numpy as np
import pulp
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.optimize import linprog

from planner.errors import PlannerError
from planner.solver.growing_lp import GrowingLp, NoVertex
from planner.solver.model_arrays import linear_expression, model_arrays
from planner.solver.status import Status

pytestmark = pytest.mark.quick


def small() -> pulp.LpProblem:
    """max x + y, x + 2 y <= 4, x <= 3."""
    problem = pulp.LpProblem("small", pulp.LpMaximize)
    x, y = problem.add_variable("x", 0, 3), problem.add_variable("y", 0)
    problem.setObjective(linear_expression([x, y], [1.0, 1.0]))
    problem.addConstraint(pulp.LpConstraint(linear_expression([x, y], [1.0, 2.0]), pulp.LpConstraintLE, "r", 4.0))
    return problem


def test_by_hand() -> None:
    lp = GrowingLp.of(model_arrays(small()))
    first = lp.solve()
    assert first.value == pytest.approx(3.5)
    assert first.levels.tolist() == pytest.approx([3.0, 0.5])
    assert first.duals.tolist() == pytest.approx([0.5])  # d value / d limit, positive for a scarce one
    lp.add_columns(np.array([2.0]), np.zeros(1), np.full(1, np.inf), sp.csc_array([[1.0]]))
    assert lp.solve().value == pytest.approx(8.0)
    lp.add_rows(np.array([-np.inf]), np.array([1.0]), sp.csr_array([[0.0, 0.0, 1.0]]))
    answer = lp.solve()
    assert answer.value == pytest.approx(5.0)
    assert answer.levels.tolist() == pytest.approx([3.0, 0.0, 1.0])
    with pytest.raises(PlannerError, match="cannot be taken out"):
        lp.drop_columns(~answer.idle)
    lp.add_rows(np.array([9.0]), np.array([np.inf]), sp.csr_array([[1.0, 0.0, 0.0]]))
    with pytest.raises(NoVertex) as stopped:
        lp.solve()
    assert stopped.value.status is Status.INFEASIBLE
    assert stopped.value.exit_code == 3


def test_an_endless_and_a_minimised_programme() -> None:
    lp = GrowingLp.of(model_arrays(small()))
    lp.add_columns(np.array([1.0]), np.zeros(1), np.full(1, np.inf), sp.csc_array((1, 1)))
    with pytest.raises(NoVertex, match="grow without end"):
        lp.solve()
    other = small()
    other.sense = pulp.LpMinimize
    with pytest.raises(PlannerError, match="maximisation"):
        GrowingLp.of(model_arrays(other))
    with pytest.raises(PlannerError, match="over 1 rows expected"):
        lp.add_columns(np.ones(1), np.zeros(1), np.ones(1), sp.csc_array((2, 1)))


@given(st.integers(0, 100_000))
@settings(deadline=None, max_examples=40)
def test_a_programme_grown_and_shrunk_is_the_one_that_is_left(seed: int) -> None:
    """Columns and rows come, idle columns go; every time the optimum is SciPy's."""
    rng = np.random.default_rng(seed)
    lp = GrowingLp.of(model_arrays(small()))
    cost, upper, matrix, limit = np.array([1.0, 1.0]), np.array([3.0, np.inf]), np.array([[1.0, 2.0]]), np.array([4.0])
    for _ in range(5):
        new = int(rng.integers(1, 4))
        column = np.round(rng.uniform(0.2, 2.0, (len(limit), new)), 1)
        worth = np.round(rng.normal(0.5, 1.0, new), 1)
        lp.add_columns(worth, np.zeros(new), np.full(new, 5.0), sp.csc_array(column))
        cost, upper, matrix = np.append(cost, worth), np.append(upper, np.full(new, 5.0)), np.hstack([matrix, column])
        row = np.round(rng.uniform(0.0, 1.0, (1, len(cost))), 1)
        lp.add_rows(np.array([-np.inf]), np.array([3.0]), sp.csr_array(row))
        matrix, limit = np.vstack([matrix, row]), np.append(limit, 3.0)
        answer = lp.solve()
        best = linprog(
            -cost, A_ub=matrix, b_ub=limit, bounds=[(0.0, None if np.isinf(most) else most) for most in upper]
        )
        assert answer.value == pytest.approx(-best.fun, abs=1e-7)
        assert answer.duals @ limit + np.maximum(
            cost - matrix.T @ answer.duals, 0.0
        ) @ np.where(np.isinf(upper), 0.0, upper) == pytest.approx(answer.value, abs=1e-7)
        gone = answer.idle & (answer.levels <= 0.0) & (rng.uniform(size=len(cost)) < 0.5)
        if gone.any():
            lp.drop_columns(gone)
            cost, upper, matrix = cost[~gone], upper[~gone], matrix[:, ~gone]
            assert lp.solve().value == pytest.approx(answer.value, abs=1e-7)


def test_a_trial_says_what_other_bounds_would_bring_and_leaves_no_trace() -> None:
    lp = GrowingLp.of(model_arrays(small()))
    before = lp.solve()
    assert before.activity.tolist() == pytest.approx([4.0])
    assert lp.tried(0, (0.0, 1.0), (0.0, 3.0), 100) == pytest.approx(2.5)
    assert lp.tried(0, (5.0, 6.0), (0.0, 3.0), 100) is None  # x + 2 y <= 4
    after = lp.solve()
    assert after.value == before.value
    assert after.iterations == 0
