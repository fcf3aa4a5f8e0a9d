"""Branch and bound over warm relaxations against SciPy, and what it does at its limits."""

from __future__ import annotations

import signal
from dataclasses import replace
from itertools import pairwise
from typing import Any

import numpy as np
import pulp
import pytest
from at_length import few, many
from scipy.optimize import Bounds, LinearConstraint, milp

from planner.near_optimal.bounded_search import BoundedSearch
from planner.solver.branch_and_bound import search
from planner.solver.branch_and_bound.search import TreeSearch
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import ModelArrays, model_arrays
from planner.solver.options import SolverOptions
from planner.solver.status import Status

SEEDS = range(12)


def covering(seed: int, *, maximise: bool = True, decisions: int = 14, levels: int = 20) -> ModelArrays:
    """Facilities with fixed costs and least loads that serve customers: 0/1 decisions over continuous levels."""
    draw = np.random.default_rng(seed)
    problem = pulp.LpProblem("facilities", pulp.LpMaximize if maximise else pulp.LpMinimize)
    sign = 1.0 if maximise else -1.0
    opened = [problem.add_variable(f"y{i}", cat="Binary") for i in range(decisions)]
    crews = problem.add_variable("crews", 0, 7, "Integer")
    served = [[problem.add_variable(f"x{i}_{j}", 0) for j in range(levels)] for i in range(decisions)]
    value = draw.uniform(1.0, 9.0, (decisions, levels))
    fixed = draw.uniform(5.0, 40.0, decisions)
    problem += sign * (
        pulp.lpSum(value[i][j] * served[i][j] for i in range(decisions) for j in range(levels))
        - pulp.lpSum(fixed[i] * opened[i] for i in range(decisions))
        - 6.5 * crews
        + 12.0
    )
    for i in range(decisions):
        problem += pulp.lpSum(served[i]) <= float(draw.uniform(8.0, 20.0)) * opened[i]
        problem += pulp.lpSum(served[i]) >= 5.0 * opened[i]
    for j in range(levels):
        problem += pulp.lpSum(served[i][j] for i in range(decisions)) <= float(draw.uniform(1.0, 6.0))
    problem += pulp.lpSum(opened) <= 1.6 * crews
    return model_arrays(problem)


def best_of(arrays: ModelArrays) -> float:
    sense = -1.0 if arrays.maximise else 1.0
    found = milp(
        sense * arrays.cost,
        constraints=LinearConstraint(arrays.matrix, arrays.row_lower, arrays.row_upper),
        bounds=Bounds(arrays.col_lower, arrays.col_upper),
        integrality=arrays.integer.astype(np.int64),
        options={"mip_rel_gap": 1e-9},
    )
    assert found.status == 0, found.message
    return sense * float(found.fun) + arrays.offset


@pytest.mark.parametrize("maximise", [True, False])
@pytest.mark.parametrize("seed", few(SEEDS, 3))
def test_same_optimum_as_scipy(seed: int, maximise: bool) -> None:
    arrays = covering(seed, maximise=maximise)
    found = TreeSearch(SolverOptions(gap=1e-9)).solve_arrays(arrays)
    assert found.status is Status.OPTIMAL
    assert found.solver.startswith("tree search")
    assert found.objective == pytest.approx(best_of(arrays), rel=1e-7)
    assert found.gap is not None
    assert found.gap <= 1e-9


def test_it_branches() -> None:
    assert max(TreeSearch(SolverOptions(gap=1e-9)).solve_arrays(covering(seed)).nodes for seed in few(SEEDS, 4)) > 5


@pytest.mark.parametrize("seed", few(SEEDS, 3))
def test_bound_and_answer_lie_on_both_sides_of_the_optimum(seed: int) -> None:
    arrays = covering(seed)
    found = TreeSearch(SolverOptions(gap=0.03)).solve_arrays(arrays)
    best = best_of(arrays)
    assert found.objective is not None
    assert found.bound is not None
    assert found.objective <= best + 1e-6 <= found.bound + 2e-6
    assert found.status is Status.OPTIMAL


def test_same_tree_twice() -> None:
    first, again = (TreeSearch(SolverOptions(gap=1e-9)).solve_arrays(covering(3)) for _ in range(2))
    assert first.nodes == again.nodes
    assert np.array_equal(first.usable(), again.usable())


@pytest.mark.parametrize("cut_after", [0.0, 1e4, np.inf])
def test_same_tree_on_one_thread_and_on_two(cut_after: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "CUT_AFTER", cut_after)
    monkeypatch.setattr(search, "usable_cores", lambda: 2)
    for seed in few((1, 3, 5), 2):
        one, two = (
            TreeSearch(SolverOptions(gap=1e-9, threads=threads)).solve_arrays(covering(seed)) for threads in (1, None)
        )
        assert (one.nodes, one.bound) == (two.nodes, two.bound)
        assert np.array_equal(one.usable(), two.usable())


@pytest.mark.parametrize("gap", [1e-9, 0.02])
def test_halves_that_are_dropped_by_the_best_answer_stay_within_the_bound(
    gap: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "CUT_AFTER", 0.0)
    dropped = 0
    for seed in few(SEEDS, 6):
        arrays = covering(seed, decisions=20)
        found = TreeSearch(SolverOptions(gap=gap)).solve_arrays(arrays)
        best = best_of(arrays)
        assert found.objective is not None
        assert found.bound is not None
        assert found.objective <= best + 1e-6 <= found.bound + 2e-6
        assert found.bound - found.objective <= gap * abs(found.objective) + 1e-9
        dropped += found.nodes % 2 == 0  # a tree in which every node has both its halves has an odd number of them
    assert dropped


def test_a_large_tree_is_handed_to_highs_with_its_best_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = covering(1)
    monkeypatch.setattr(search, "MOST_RELAXATIONS", 12)
    found = TreeSearch(SolverOptions(gap=1e-9)).solve_arrays(arrays)
    assert found.solver.startswith("HiGHS")
    assert found.status is Status.OPTIMAL
    assert found.objective == pytest.approx(best_of(arrays), rel=1e-7)


def test_no_time_is_no_answer() -> None:
    found = TreeSearch(SolverOptions(time_limit_s=0.0)).solve_arrays(covering(1))
    assert found.status is Status.TIME_LIMIT
    assert found.values is None


def test_time_that_runs_out_within_the_tree_leaves_an_answer_and_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = covering(0)
    whole = TreeSearch(SolverOptions(gap=1e-9)).solve_arrays(arrays)
    asked: list[float] = []

    def left(began: float, options: SolverOptions) -> float:
        asked.append(began)
        return 60.0 if len(asked) <= 150 else 0.0

    monkeypatch.setattr(search, "seconds_left", left)
    found = TreeSearch(SolverOptions(gap=1e-9, time_limit_s=60.0)).solve_arrays(arrays)
    assert found.solver.startswith("tree search")
    assert 1 < found.nodes < whole.nodes
    assert found.status is Status.FEASIBLE
    assert found.objective is not None
    assert found.bound is not None
    assert found.objective <= best_of(arrays) + 1e-6 <= found.bound + 2e-6
    assert found.gap is not None
    assert found.gap > 1e-9


def test_ctrl_c_ends_the_tree_with_the_answer_at_hand() -> None:
    before = signal.getsignal(signal.SIGINT)

    def press(seconds: float, incumbent: float | None, bound: float | None, gap: float | None) -> None:
        if incumbent is not None:
            signal.raise_signal(signal.SIGINT)

    arrays = covering(0)
    signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        found = TreeSearch(SolverOptions(gap=1e-9, progress=press)).solve_arrays(arrays)
    finally:
        signal.signal(signal.SIGINT, before)
    assert found.status is Status.FEASIBLE
    assert found.interrupted
    assert "Ctrl-C" in found.message
    assert found.objective is not None
    assert found.bound is not None
    assert found.objective <= best_of(arrays) + 1e-6 <= found.bound + 2e-6


def test_ctrl_c_before_any_answer_is_a_keyboard_interrupt() -> None:
    def press(seconds: float, incumbent: float | None, bound: float | None, gap: float | None) -> None:
        if incumbent is None:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        TreeSearch(SolverOptions(gap=1e-9, progress=press)).solve_arrays(covering(1))


def test_neighbourhoods_better_the_answer_and_leave_the_optimum(monkeypatch: pytest.MonkeyPatch) -> None:
    look = TreeSearch._look_nearby
    gained: list[float] = []

    def measured(self: TreeSearch, *of: Any, beside: bool) -> None:
        before = self._best
        look(self, *of, beside=beside)
        if before is not None and self._best is not None:
            gained.append(self._best[0] - before[0])

    monkeypatch.setattr(search, "LOOK_AFTER", 1)
    monkeypatch.setattr(TreeSearch, "_look_nearby", measured)
    for seed in range(many(3, 6)):
        arrays = covering(seed, maximise=seed % 2 == 0)
        found = TreeSearch(SolverOptions(gap=1e-9)).solve_arrays(arrays)
        assert found.status is Status.OPTIMAL
        assert found.objective == pytest.approx(best_of(arrays), rel=1e-7)
    assert min(gained) >= 0.0
    assert max(gained) > 0.0


def test_infeasible_model() -> None:
    problem = pulp.LpProblem("none", pulp.LpMaximize)
    x = [problem.add_variable(f"x{i}", cat="Binary") for i in range(3)]
    problem += pulp.lpSum(x)
    problem += 2 * x[0] + 2 * x[1] + 2 * x[2] == 3
    assert TreeSearch(SolverOptions()).solve_arrays(model_arrays(problem)).status is Status.INFEASIBLE


def test_an_lp_is_solved_to_a_vertex_with_duals() -> None:
    arrays = covering(2)
    best = TreeSearch(SolverOptions()).solve_arrays(arrays).usable()
    found = TreeSearch(SolverOptions()).solve_arrays(arrays.with_integers_fixed(best))
    assert found.status is Status.OPTIMAL
    assert found.duals is not None


def test_progress_ends_within_the_gap() -> None:
    said: list[tuple[float, float | None, float | None, float | None]] = []
    TreeSearch(SolverOptions(gap=1e-4, progress=lambda *state: said.append(state))).solve_arrays(covering(5))
    assert said
    bounds = [bound for _, _, bound, _ in said if bound is not None]
    assert all(later <= earlier + 1e-6 for earlier, later in pairwise(bounds))
    assert said[-1][3] is not None
    assert said[-1][3] <= 1e-4


@pytest.mark.parametrize("maximise", [True, False])
@pytest.mark.parametrize("seed", few(SEEDS[:4], 1))
def test_a_hint_changes_no_optimum_whatever_it_says(seed: int, maximise: bool) -> None:
    arrays = covering(seed, maximise=maximise)
    best = best_of(arrays)
    draw = np.random.default_rng(seed)
    right = TreeSearch(SolverOptions(gap=1e-9)).solve_arrays(arrays).usable()
    for hint in (
        right, np.zeros(arrays.columns), np.full(arrays.columns, 9.0), draw.integers(0, 2, arrays.columns).astype(float)
    ):
        for priced in (True, False):
            search = TreeSearch(SolverOptions(gap=1e-9), hint=hint, priced=priced)
            found = search.solve_arrays(arrays)
            assert found.status is Status.OPTIMAL
            assert found.objective == pytest.approx(best, rel=1e-7)
            assert (search.fixed is not None) == priced


def test_a_good_hint_is_the_answer_at_hand_before_the_tree_begins() -> None:
    """A search that may branch no more than once has the optimum from its hint, and a bound that holds."""
    proud = 0
    for seed in few(SEEDS, 5):
        arrays = covering(seed)
        best = best_of(arrays)
        right = TreeSearch(SolverOptions(gap=1e-9)).solve_arrays(arrays).usable()
        alone, hinted = (
            BoundedSearch(SolverOptions(gap=1e-9), most=1, hint=hint).solve_arrays(arrays) for hint in (None, right)
        )
        assert hinted.objective == pytest.approx(best, rel=1e-7)
        assert hinted.bound is not None
        assert hinted.bound >= best - 1e-6
        proud += bool(alone.objective is not None and alone.objective < best - 1e-6)
    assert proud, "the tree finds every optimum at once without its hint, so this shows nothing"


@pytest.mark.parametrize("seed", few(SEEDS[:6], 2))
def test_a_search_for_an_answer_worth_enough_ends_there_or_proves_that_there_is_none(seed: int) -> None:
    arrays = covering(seed)
    best = best_of(arrays)
    for share in (0.5, 0.97, 1.0):
        least = best * share - 1e-6
        found = BoundedSearch(SolverOptions(gap=1e-9), at_least=least, enough=least, priced=False).solve_arrays(arrays)
        assert found.values is not None
        assert least <= float(found.objective or 0.0) <= best + 1e-6
    none = BoundedSearch(
        SolverOptions(gap=1e-9), at_least=best + 1e-3, enough=best + 1e-3, priced=False
    ).solve_arrays(arrays)
    assert none.bound is not None
    assert best - 1e-6 <= none.bound <= best + 1e-3 + 1e-6


@pytest.mark.parametrize("maximise", [True, False])
def test_a_given_answer_is_no_bound_before_the_first_relaxation(maximise: bool) -> None:
    """Without time for a relaxation nothing is proven, however good the start: it must not read as optimal."""
    arrays = covering(1, maximise=maximise)
    none = TreeSearch(SolverOptions(gap=1e-4)).solve_arrays(arrays)
    poor = HighsSolver(SolverOptions()).solve_arrays(replace(arrays, cost=np.zeros(arrays.columns)))
    assert none.objective is not None
    assert poor.values is not None
    found = TreeSearch(SolverOptions(time_limit_s=0.0, start=poor.values)).solve_arrays(arrays)
    assert found.status is Status.FEASIBLE
    assert found.bound is None
