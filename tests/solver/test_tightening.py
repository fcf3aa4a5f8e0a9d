"""Smaller M: whole answers stay as they are, fractional ones get fewer."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pulp
import pytest
from scipy.optimize import Bounds, LinearConstraint, milp

from planner.solver.branch_and_bound.tightening import tightened
from planner.solver.model_arrays import ModelArrays, model_arrays

SEEDS = range(15)


def clusters(seed: int) -> ModelArrays:
    """Leases on sites: a block switch for each pair with the size of the lease as its M; halls, deliveries and GPUs
    behind the levels."""
    draw = np.random.default_rng(seed)
    sites, leases = 4, 3
    problem = pulp.LpProblem("clusters", pulp.LpMaximize)
    block = [[problem.add_variable(f"y{s}_{k}", cat="Binary") for k in range(leases)] for s in range(sites)]
    served = [[problem.add_variable(f"x{s}_{k}", 0) for k in range(leases)] for s in range(sites)]
    owned = [problem.add_variable(f"own{s}", 0) for s in range(sites)]
    stock = [problem.add_variable(f"stock{s}", 0) for s in range(sites)]
    hall = [problem.add_variable(f"hall{s}", 0, float(draw.uniform(2.0, 12.0))) for s in range(sites)]
    value, size = draw.uniform(2.0, 6.0, (sites, leases)), draw.uniform(8.0, 30.0, leases)
    problem += (
        pulp.lpSum(value[s][k] * served[s][k] for s in range(sites) for k in range(leases))
        - pulp.lpSum(9.0 * block[s][k] for s in range(sites) for k in range(leases))
        - pulp.lpSum(1.5 * own for own in owned)
    )
    for s in range(sites):
        problem += pulp.lpSum(served[s]) <= stock[s]
        problem += stock[s] - owned[s] == 0
        problem += 0.8 * stock[s] <= hall[s]
        for k in range(leases):
            problem += served[s][k] <= float(size[k]) * block[s][k]
            problem += served[s][k] >= float(size[k]) / 6.0 * block[s][k]
    problem += pulp.lpSum(owned) <= 25.0
    for k in range(leases):
        problem += pulp.lpSum(served[s][k] for s in range(sites)) <= float(size[k])
    return model_arrays(problem)


def optimum(arrays: ModelArrays) -> float:
    found = milp(
        -arrays.cost,
        constraints=LinearConstraint(arrays.matrix, arrays.row_lower, arrays.row_upper),
        bounds=Bounds(arrays.col_lower, arrays.col_upper),
        integrality=arrays.integer.astype(np.int64),
        options={"mip_rel_gap": 1e-9},
    )
    assert found.status == 0, found.message
    return -float(found.fun)


def relaxed(arrays: ModelArrays) -> float:
    return optimum(replace(arrays, integer=np.zeros_like(arrays.integer)))


@pytest.mark.parametrize("seed", SEEDS)
def test_whole_answers_stay_and_the_relaxation_comes_nearer(seed: int) -> None:
    arrays = clusters(seed)
    tight = tightened(arrays)
    assert optimum(tight) == pytest.approx(optimum(arrays), rel=1e-7)
    assert relaxed(tight) <= relaxed(arrays) + 1e-7


def test_most_seeds_gain() -> None:
    gained = sum(relaxed(tightened(clusters(seed))) < relaxed(clusters(seed)) - 1e-3 for seed in SEEDS)
    assert gained > len(SEEDS) // 2


def switch(hall_mw: float, size: float = 50.0) -> ModelArrays:
    """One lease on one site: served <= size x block; served <= stock; stock = bought + had; 0.5 MW each in the hall."""
    problem = pulp.LpProblem("switch", pulp.LpMaximize)
    block = problem.add_variable("block", cat="Binary")
    served, stock = (problem.add_variable(name, 0) for name in ("served", "stock"))
    bought, had = problem.add_variable("bought", 0, 9.0), problem.add_variable("had", 0, 2.0)
    problem += served - block
    problem += served <= size * block
    problem += served <= stock
    problem += stock == bought + had
    problem += 0.5 * stock <= hall_mw
    return model_arrays(problem, variables=[block, served, stock, bought, had])


@pytest.mark.parametrize(
    ("hall_mw", "size", "expected"),
    [
        (4.0, 50.0, 8.0),  # the hall holds 4 / 0.5
        (100.0, 50.0, 11.0),  # 9 bought and 2 had
        (100.0, 7.0, 7.0),  # the lease is the least
    ],
)
def test_m_is_what_stands_behind_the_levels(hall_mw: float, size: float, expected: float) -> None:
    loose = switch(hall_mw, size)
    change = (tightened(loose).matrix - loose.matrix).toarray()
    assert change[0, 0] == pytest.approx(size - expected, rel=1e-6)
    change[0, 0] = 0.0
    assert not change.any()


def test_a_site_that_holds_nothing_keeps_a_switch_that_is_worth_nothing() -> None:
    tight = tightened(switch(0.0))
    assert 0.0 < -tight.matrix[[0], [0]][0] <= 1e-4


def test_a_level_that_nothing_limits_keeps_its_m() -> None:
    problem = pulp.LpProblem("free", pulp.LpMaximize)
    block, served = problem.add_variable("block", cat="Binary"), problem.add_variable("served", 0)
    problem += served - block
    problem += served <= 50.0 * block
    arrays = model_arrays(problem, variables=[block, served])
    assert np.array_equal(tightened(arrays).value, arrays.value)
