from __future__ import annotations

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from random_pools import Problem, big_programme, random_problem

from planner.allocator.highs import HighsDoor
from planner.allocator.options import SolverOptions
from planner.case.faults import PlannerError
from planner.risk.allocate import extended
from planner.risk.measure import MeanCvar
from planner.risk.whole_choice import WholeChoice, _Search, choose_whole

TIGHT = SolverOptions(gap=1e-6)


def small(seed: int, columns: int = 6) -> tuple[Problem, MeanCvar]:
    problem = random_problem(seed, columns=columns, scenarios=8, groups=2)
    pool = replace(problem.pool, upper=np.ones(columns))
    return replace(problem, pool=pool, upper=np.concatenate([problem.upper[:3], np.ones(columns)])), MeanCvar(0.5, 0.75, problem.probability)


def best_of_all(problem: Problem, measure: MeanCvar, step: np.ndarray) -> float:
    """Every whole choice in turn, the providers of each chosen by SciPy."""
    found = -np.inf
    most = np.floor(1.0 / step + 1e-9).astype(int)
    for steps in product(*(range(limit + 1) for limit in most)):
        level = np.array(steps) * step
        upper = np.concatenate([problem.upper[:3], level])
        if (problem.use[3:, 3:] @ level > problem.limit[3:] + 1e-9).any():
            continue
        held = replace(problem, upper=upper, values=problem.values, limit=problem.limit - problem.use[:, 3:] @ level)
        bare = replace(held, values=np.vstack([problem.values[:3], level @ problem.values[3:]]), use=np.hstack([problem.use[:, :3], np.zeros((len(problem.limit), 1))]), upper=np.append(problem.upper[:3], 1.0))
        answer = _with_last_at_one(bare, measure)
        if answer is not None:
            found = max(found, answer)
    return found


def _with_last_at_one(problem: Problem, measure: MeanCvar) -> float | None:
    """The big programme whose last column, all that was chosen, is held at level 1 by a row."""
    row = np.zeros((1, problem.use.shape[1]))
    row[0, -1] = -1.0
    held = replace(problem, use=np.vstack([problem.use, row]), limit=np.append(problem.limit, -1.0))
    answer = big_programme(held, measure)
    return -answer.fun if answer.status == 0 else None


@pytest.mark.parametrize("seed", range(8))
def test_equal_to_every_whole_choice_in_turn(seed: int) -> None:
    problem, measure = small(seed)
    step = np.where(np.arange(6) % 2 == 0, 1.0, 0.5)
    found = choose_whole(problem.fixed, problem.pool, measure, step, TIGHT)
    assert found is not None
    assert found.proven
    assert found.could_help == 0
    assert found.value == pytest.approx(best_of_all(problem, measure, step), abs=1e-6)
    assert found.value <= found.relaxed.certificate.bound + 1e-9
    holds(problem, found, step)


def holds(problem: Problem, found: WholeChoice, step: np.ndarray) -> None:
    """Within every row, whole, and worth what it says."""
    levels = np.zeros(len(problem.upper))
    levels[:3] = found.levels
    levels[3 + found.columns] = found.steps * step[found.columns]
    assert (problem.use @ levels <= problem.limit + 1e-7).all()
    np.testing.assert_array_equal(found.steps, np.round(found.steps))
    np.testing.assert_allclose(levels @ problem.values, found.npv, atol=1e-9)


def test_only_what_could_help_is_searched() -> None:
    problem, measure = small(3, columns=400)
    step = np.full(400, 0.5)
    found = choose_whole(problem.fixed, problem.pool, measure, step, SolverOptions(gap=1e-4))
    assert found is not None
    assert found.proven
    assert found.searched < 200
    holds(problem, found, step)
    # With every column and every scenario in one search, there is no better plan.
    search = _Search(problem.fixed, problem.pool, measure, step, TIGHT, found.relaxed, 10_000)
    every = HighsDoor(SolverOptions(gap=1e-4)).solve_arrays(extended(search._whole_part(np.arange(400)), measure, np.arange(8), None))
    assert every.bound is not None
    assert found.value >= every.bound * (1.0 - 3e-4)
    assert found.value <= every.bound * (1.0 + 1e-9)


def test_a_gap_is_stated_where_too_many_could_help() -> None:
    problem, measure = small(3, columns=400)
    found = choose_whole(problem.fixed, problem.pool, measure, np.full(400, 0.5), SolverOptions(gap=1e-9), most_columns=5)
    assert found is not None
    assert not found.proven
    assert found.could_help > 0
    assert found.bound == pytest.approx(found.relaxed.certificate.bound)
    assert found.gap > 0.0


def test_steps_must_be_steps() -> None:
    problem, measure = small(0)
    with pytest.raises(PlannerError, match="step above 0"):
        choose_whole(problem.fixed, problem.pool, measure, np.zeros(6))
