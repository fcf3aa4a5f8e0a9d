"""Cuts of HiGHS's root: they keep every answer that is better than the one told with them, and bring the relaxation
down."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pulp
import pytest
from at_length import few
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse import csr_array, vstack

from planner.solver.branch_and_bound import search
from planner.solver.branch_and_bound.root_cuts import Cuts, root_cuts
from planner.solver.branch_and_bound.search import TreeSearch
from planner.solver.model_arrays import ModelArrays, model_arrays
from planner.solver.options import SolverOptions
from planner.solver.status import Status

SEEDS = range(8)


def sites(seed: int, *, maximise: bool = True) -> ModelArrays:
    """Clusters of fixed size into halls that hold a few of them: knapsacks behind switches."""
    draw = np.random.default_rng(seed)
    problem = pulp.LpProblem("sites", pulp.LpMaximize if maximise else pulp.LpMinimize)
    sign = 1.0 if maximise else -1.0
    halls, leases = range(6), range(16)
    size = draw.uniform(3.0, 9.0, len(leases))
    opened = [problem.add_variable(f"open{h}", cat="Binary") for h in halls]
    placed = [[problem.add_variable(f"y{h}_{k}", cat="Binary") for k in leases] for h in halls]
    spare = [problem.add_variable(f"spare{h}", 0, 4.0) for h in halls]
    worth = draw.uniform(4.0, 7.0, (len(halls), len(leases)))
    problem += sign * (
        pulp.lpSum(float(worth[h][k] * size[k]) * placed[h][k] for h in halls for k in leases)
        + pulp.lpSum(2.0 * one for one in spare)
        - pulp.lpSum(35.0 * one for one in opened)
    )
    for h in halls:
        problem += pulp.lpSum(float(size[k]) * placed[h][k] for k in leases) + spare[h] <= 13.7 * opened[h]
    for k in leases:
        problem += pulp.lpSum(placed[h][k] for h in halls) <= 1
    return model_arrays(problem)


def solved(arrays: ModelArrays, cuts: Cuts | None = None, *, whole: bool = True) -> tuple[float, np.ndarray]:
    matrix, lower, upper = csr_array(arrays.matrix), arrays.row_lower, arrays.row_upper
    if cuts is not None:
        matrix = csr_array(vstack([matrix, cuts.matrix], format="csr"))
        lower, upper = np.concatenate([lower, cuts.lower]), np.concatenate([upper, cuts.upper])
    sense = -1.0 if arrays.maximise else 1.0
    found = milp(
        sense * arrays.cost,
        constraints=LinearConstraint(matrix, lower, upper),
        bounds=Bounds(arrays.col_lower, arrays.col_upper),
        integrality=arrays.integer.astype(np.int64) * whole,
        options={"mip_rel_gap": 1e-9},
    )
    assert found.status == 0, found.message
    return sense * float(found.fun), found.x


@pytest.mark.parametrize("maximise", [True, False])
@pytest.mark.parametrize("seed", few(SEEDS, 2))
def test_the_optimum_is_kept_or_was_told(seed: int, maximise: bool) -> None:
    arrays = sites(seed, maximise=maximise)
    cuts = root_cuts(arrays, SolverOptions(gap=1e-9), None)
    best, _ = solved(arrays)
    assert cuts is not None
    told = -np.inf if cuts.answer is None else float(arrays.cost @ cuts.answer) * (1.0 if maximise else -1.0)
    known = best if maximise else -best
    kept = solved(arrays, cuts)[0] * (1.0 if maximise else -1.0)
    assert max(kept, told) == pytest.approx(known, rel=1e-7)


def test_the_relaxation_comes_down() -> None:
    gains = []
    for seed in few(SEEDS, 4):
        arrays = sites(seed)
        cuts = root_cuts(arrays, SolverOptions(gap=1e-9), None)
        loose, best = solved(arrays, whole=False)[0], solved(arrays)[0]
        gains.append((loose - solved(arrays, cuts, whole=False)[0]) / (loose - best))
    assert min(gains) >= -1e-9
    assert np.mean(gains) > 0.1


def test_a_model_without_decisions_left_has_no_cuts() -> None:
    arrays = sites(0)
    held = replace(arrays, col_upper=np.where(arrays.integer, 0.0, arrays.col_upper))
    assert root_cuts(held, SolverOptions(), None) is None


@pytest.mark.parametrize("maximise", [True, False])
@pytest.mark.parametrize("seed", few(SEEDS, 2))
def test_a_tree_with_cuts_finds_the_same_optimum(seed: int, maximise: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    arrays = sites(seed, maximise=maximise)
    monkeypatch.setattr(search, "CUT_AFTER", 1e4)
    cut: list[int] = []
    found_cuts = search.root_cuts

    def counted(*given: object) -> Cuts | None:
        cuts = found_cuts(*given)  # type: ignore[arg-type]
        cut.append(0 if cuts is None else cuts.matrix.shape[0])
        return cuts

    monkeypatch.setattr(search, "root_cuts", counted)
    found = TreeSearch(SolverOptions(gap=1e-9)).solve_arrays(arrays)
    assert found.status is Status.OPTIMAL
    assert found.objective == pytest.approx(solved(arrays)[0], rel=1e-7)
    assert cut
    assert cut[0] > 0
