"""HiGHS on one thread or more: as many as were asked for, whatever ran before, and the same answer each time."""

from __future__ import annotations

import threading
from typing import Any

import highspy
import numpy as np
import pytest
from cases.lp_bank import knapsack
from test_highs import packing

from planner.solver.fresh_highs import fresh_highs
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import model_arrays
from planner.solver.options import SolverOptions
from planner.solver.solution import Solution
from planner.solver.solvers import solve
from planner.solver.status import Status

pytestmark = pytest.mark.quick


def solved(threads: int | None, **extra: Any) -> Solution:
    problem, variables = packing(40, 20, integer=True)
    return HighsSolver(
        SolverOptions(threads=threads, gap=0.0, extra=extra)
    ).solve_arrays(model_arrays(problem, variables=variables))


def in_a_thread(threads: int | None) -> Status:
    found: list[Status] = []
    other = threading.Thread(target=lambda: found.append(solve(knapsack()[0], SolverOptions(threads=threads)).status))
    other.start()
    other.join()
    return found[0]


def test_each_thread_that_solves_has_its_own_number_of_threads() -> None:
    """HiGHS keeps a pool for each calling thread; a count for the whole process would be wrong in all but one."""
    for here, there in ((1, 2), (2, 3), (None, 2), (2, None), (3, 3)):
        assert in_a_thread(there) is Status.OPTIMAL
        assert solve(knapsack()[0], SolverOptions(threads=here)).status is Status.OPTIMAL


def test_a_pool_that_other_code_left_behind_is_replaced() -> None:
    assert solve(knapsack()[0], SolverOptions(threads=2)).status is Status.OPTIMAL
    highspy.Highs.resetGlobalScheduler(True)
    foreign = fresh_highs()
    foreign.setOptionValue("threads", 3)
    foreign.addVar(0.0, 1.0)
    foreign.run()
    assert solve(knapsack()[0], SolverOptions(threads=2)).status is Status.OPTIMAL


def test_the_cores_of_the_machine_decide_nothing() -> None:
    """By itself a search takes half of the cores; several threads go through another tree."""
    plain, alone = solved(None), solved(1)
    assert (plain.nodes, plain.iterations) == (alone.nodes, alone.iterations)
    assert np.array_equal(plain.usable(), alone.usable())


@pytest.mark.parametrize("threads", [None, 2])
def test_a_search_goes_the_same_way_twice(threads: int | None) -> None:
    first, second = solved(threads), solved(threads)
    assert (first.nodes, first.iterations) == (second.nodes, second.iterations)
    assert np.array_equal(first.usable(), second.usable())


@pytest.mark.parametrize(("threads", "asked"), [(None, (1, "off")), (1, (1, "off")), (2, (2, "on"))])
def test_a_search_runs_on_as_many_as_asked(threads: int | None, asked: tuple[int, str]) -> None:
    problem, _ = knapsack()
    solver = HighsSolver(SolverOptions(threads=threads))
    solver.solve_arrays(model_arrays(problem))
    assert tuple(solver.highs.getOptionValue(name)[1] for name in ("threads", "parallel")) == asked


def test_an_lp_runs_on_one_thread_however_many_are_asked() -> None:
    problem, _ = packing(10, 5)
    solver = HighsSolver(SolverOptions(threads=2))
    solver.solve_arrays(model_arrays(problem))
    assert solver.highs.getOptionValue("parallel")[1] == "off"
