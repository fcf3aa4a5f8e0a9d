from __future__ import annotations

import math
from dataclasses import replace
from itertools import product

import numpy as np
import pulp
import pytest
import scipy.sparse as sp
from at_length import few, many
from random_pools import Problem
from random_whole import DECISIONS, WholeProblem, best_of_all, random_whole_problem

from planner.solver.column_generation.branch_and_price import BranchAndPrice, branch_and_price
from planner.solver.column_generation.columns import ColumnValues, FixedPart, Pool
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.column_generation.node_proof import Node, proven_bound
from planner.solver.column_generation.pricing_rounds import generate
from planner.solver.model_arrays import linear_expression, model_arrays
from planner.solver.options import SolverOptions

TIGHT = SolverOptions(gap=1e-6)


def measure_of(whole: WholeProblem, weight: float = 0.5) -> MeanCvar:
    return MeanCvar(weight, 0.75, whole.problem.probability)


def value_of(problem: Problem, measure: MeanCvar, found: BranchAndPrice) -> float:
    """The plan behind a choice: its decisions held, the rest chosen anew out of the pool, its rows looked at one by
    one."""
    assert found.integers is not None
    fixed = FixedPart(problem.fixed.arrays.with_integers_fixed(found.integers), problem.fixed.values)
    plan = generate(fixed, problem.pool, measure)
    levels = np.zeros(len(problem.upper))
    levels[:DECISIONS] = plan.levels
    levels[DECISIONS + plan.pool_columns] = plan.pool_levels
    np.testing.assert_array_equal(plan.levels, np.round(plan.levels))
    assert (problem.use @ levels <= problem.limit + 1e-7).all()
    assert (levels >= -1e-9).all()
    return measure.value(levels @ problem.values)


@pytest.mark.parametrize("seed", few(range(6), 3))
@pytest.mark.parametrize("weight", [0.0, 0.6])
def test_equal_to_every_whole_choice_in_turn(seed: int, weight: float) -> None:
    whole = random_whole_problem(seed)
    measure = measure_of(whole, weight)
    found = branch_and_price(whole.problem.fixed, whole.problem.pool, measure, TIGHT)
    best = best_of_all(whole, measure)
    assert found.value == pytest.approx(best, abs=1e-6)
    assert found.bound == pytest.approx(best, abs=1e-5)
    assert value_of(whole.problem, measure, found) == pytest.approx(best, abs=1e-6)
    assert proven_bound(found.nodes, whole.problem.fixed, whole.problem.pool) == pytest.approx(found.bound, abs=1e-9)
    assert found.stopped == ""


def test_some_of_these_need_a_tree() -> None:
    """The cases above are no cases whose relaxation is whole already."""
    parts = []
    for seed in range(6):
        whole = random_whole_problem(seed)
        parts.append(
            len(branch_and_price(whole.problem.fixed, whole.problem.pool, measure_of(whole, 0.6), TIGHT).nodes)
        )
    assert max(parts) >= 4


def test_a_limit_on_cvar_holds_for_whole_plans() -> None:
    whole = random_whole_problem(3)
    measure = measure_of(whole, 0.0)
    free = branch_and_price(whole.problem.fixed, whole.problem.pool, measure, TIGHT)
    fixed = FixedPart(whole.problem.fixed.arrays.with_integers_fixed(free.integers), whole.problem.fixed.values)
    lossy = measure.cvar(generate(fixed, whole.problem.pool, measure).npv)
    least = -best_of_all(whole, measure_of(whole, 1.0))
    limit = 0.5 * (lossy + least)
    assert least < limit < lossy
    found = branch_and_price(whole.problem.fixed, whole.problem.pool, measure, TIGHT, cvar_limit=limit)
    assert found.value == pytest.approx(best_of_all(whole, measure, cvar_limit=limit), abs=1e-6)
    assert found.value < free.value - 1e-4
    none = branch_and_price(whole.problem.fixed, whole.problem.pool, measure, TIGHT, cvar_limit=least - 0.1)
    assert none.integers is None
    assert none.infeasible
    assert proven_bound(none.nodes, whole.problem.fixed, whole.problem.pool, least - 0.1) == -math.inf


def test_a_column_left_out_wrongly_is_detected() -> None:
    """A column that pricing is not shown makes a worse plan look proven; the same prices over the true pool say how
    much is missing."""
    whole = random_whole_problem(4)
    problem, measure = whole.problem, measure_of(whole)
    honest = branch_and_price(problem.fixed, problem.pool, measure, TIGHT)
    fixed = FixedPart(problem.fixed.arrays.with_integers_fixed(honest.integers), problem.fixed.values)
    plan = generate(fixed, problem.pool, measure)
    hidden = int(plan.pool_columns[np.argmax(plan.pool_levels)])
    poor = np.array(problem.pool.values)
    poor[hidden] = -100.0
    shown = replace(problem.pool, values=poor)
    fooled = branch_and_price(problem.fixed, shown, measure, TIGHT)
    assert fooled.value < honest.value - 1e-3
    assert proven_bound(fooled.nodes, problem.fixed, shown) <= fooled.value + 1e-5  # by what it was shown
    assert proven_bound(fooled.nodes, problem.fixed, problem.pool) >= honest.value - 1e-9


def test_a_part_that_was_passed_over_is_detected() -> None:
    whole = random_whole_problem(4)
    problem = whole.problem
    found = branch_and_price(problem.fixed, problem.pool, measure_of(whole), TIGHT)
    assert len(found.nodes) >= 2
    assert proven_bound(found.nodes[1:], problem.fixed, problem.pool) == math.inf
    assert proven_bound((*found.nodes[1:], found.nodes[1]), problem.fixed, problem.pool) == math.inf
    first = found.nodes[0]
    lower = first.lower.copy()
    lower[int(np.argmax(first.upper > first.lower))] += 1.0
    assert proven_bound((replace(first, lower=lower), *found.nodes[1:]), problem.fixed, problem.pool) == math.inf


def test_what_must_be_and_cannot_is_proven_to_have_no_plan() -> None:
    """Both sites shut and a lease that must be served: no relaxed master says so before the pool was priced for its
    limits alone."""
    whole = random_whole_problem(1)
    arrays = whole.problem.fixed.arrays
    lower, upper = arrays.col_lower.copy(), arrays.col_upper.copy()
    upper[:2], lower[3] = 0.0, 1.0
    fixed = FixedPart(replace(arrays, col_lower=lower, col_upper=upper), whole.problem.fixed.values)
    found = branch_and_price(fixed, whole.problem.pool, measure_of(whole), TIGHT)
    assert found.infeasible
    assert found.integers is None
    assert proven_bound(found.nodes, fixed, whole.problem.pool) == -math.inf


def test_a_lease_that_must_be_served_is_served_where_only_columns_left_out_can() -> None:
    """The first master holds no column at all; those that keep the limits come in."""
    for seed in range(3):
        whole = random_whole_problem(seed)
        arrays = whole.problem.fixed.arrays
        lower = arrays.col_lower.copy()
        lower[3] = 1.0
        fixed = FixedPart(replace(arrays, col_lower=lower), whole.problem.fixed.values)
        found = branch_and_price(fixed, whole.problem.pool, measure_of(whole), TIGHT)
        row = np.zeros((1, whole.problem.use.shape[1]))
        row[0, 3] = -1.0
        taken = replace(
            whole.problem, use=np.vstack([whole.problem.use, row]), limit=np.append(whole.problem.limit, -1.0)
        )
        best = best_of_all(replace(whole, problem=taken), measure_of(whole))
        assert found.infeasible == (best == -np.inf)
        if not found.infeasible:
            assert found.value == pytest.approx(best, abs=1e-6)


def test_a_gap_is_stated_where_the_tree_is_left_early() -> None:
    for seed in range(6):
        whole = random_whole_problem(seed)
        measure = measure_of(whole, 0.6)
        found = branch_and_price(whole.problem.fixed, whole.problem.pool, measure, TIGHT, most_nodes=2)
        if found.stopped:
            break
    assert found.stopped == "nodes"
    best = best_of_all(whole, measure)
    assert found.value <= best + 1e-6
    assert best - 1e-6 <= found.bound < math.inf
    assert found.bound - found.value > 1e-4
    assert proven_bound(found.nodes, whole.problem.fixed, whole.problem.pool) == pytest.approx(found.bound, abs=1e-9)


def test_a_plan_that_is_known_is_the_one_to_beat() -> None:
    whole = random_whole_problem(0)
    measure = measure_of(whole)
    free = branch_and_price(whole.problem.fixed, whole.problem.pool, measure, TIGHT)
    again = branch_and_price(
        whole.problem.fixed, whole.problem.pool, measure, TIGHT, value=free.value, columns=free.columns,
        scenarios=free.scenarios,
    )
    assert again.integers is None  # none is better
    assert again.value == free.value
    assert again.bound <= free.value + 2e-6 * abs(free.value)


def test_parts_count_whole_choices() -> None:
    part = Node(np.array([0.0, 1.0, 0.0]), np.array([1.0, 1.0, 2.0]), 0.0)
    assert part.choices == 6


def packing(seed: int) -> tuple[FixedPart, Pool, MeanCvar, bool]:
    """Items that must each go whole into one of two bins with little room to spare, a pool beside them, and whether any
    way fits."""
    draw = np.random.default_rng(seed)
    bins, items, scenarios = 2, int(draw.integers(4, 7)), 4
    size = draw.integers(10, 60, items)
    capacity = (np.full(bins, size.sum() / bins) * draw.uniform(1.0, 1.06)).astype(int)
    problem = pulp.LpProblem("pack", pulp.LpMaximize)
    goes = [problem.add_variable(f"goes{i}_{b}", 0, 1, pulp.LpInteger) for i in range(items) for b in range(bins)]
    problem.setObjective(linear_expression(goes, [-1.0] * len(goes)))
    for i in range(items):
        problem += pulp.lpSum(goes[i * bins : (i + 1) * bins]) >= 1
    for b in range(bins):
        problem += pulp.lpSum(float(size[i]) * goes[i * bins + b] for i in range(items)) <= float(capacity[b])
    probability = np.full(scenarios, 1.0 / scenarios)
    fixed = FixedPart(
        model_arrays(problem, variables=goes), ColumnValues.of(np.full((len(goes), scenarios), -1.0), probability)
    )
    use = sp.csr_array(np.hstack([np.zeros((3, items)), np.ones((3, bins))]))
    pool = Pool(
        np.round(draw.normal(0.0, 1.0, (3, scenarios)), 2), use, sp.csr_array(sp.eye_array(items + bins)), np.ones(3),
        np.zeros(3, dtype=np.int64),
        np.array([5.0]), np.full(3, np.inf), threads=1,
    )
    fits = any(
        all(sum(size[i] for i in range(items) if way[i] == b) <= capacity[b] for b in range(bins))
        for way in product(range(bins), repeat=items)
    )
    return fixed, pool, MeanCvar(0.5, 0.75, probability), fits


def test_packings_that_do_not_fit_are_proven_to_have_no_plan() -> None:
    seen = []
    for seed in range(many(15, 30)):
        fixed, pool, measure, fits = packing(seed)
        found = branch_and_price(fixed, pool, measure, TIGHT)
        assert (found.integers is not None, found.infeasible, found.stopped) == (fits, not fits, ""), seed
        seen.append(fits)
    assert 1 / 6 < sum(seen) / len(seen) < 5 / 6
