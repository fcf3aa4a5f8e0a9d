"""A tree that is closed without an answer says that there is none: packings against every way to pack, and a case of
leases that do not fit."""

from __future__ import annotations

from itertools import product

import numpy as np
import pulp
import pytest
from at_length import many
from oracle.tiny_case import cluster, grid, rate, site, tiny_case

import planner
from planner.near_optimal.bounded_search import BoundedSearch
from planner.solver.branch_and_bound import search
from planner.solver.branch_and_bound.search import TreeSearch
from planner.solver.model_arrays import ModelArrays, model_arrays
from planner.solver.options import SolverOptions
from planner.solver.status import Status

SEEDS = range(many(30, 60))


def packing(seed: int) -> tuple[ModelArrays, float | None]:
    """Items that must go whole into bins with little room to spare, and the best worth over every way to pack; None
    where none fits.

    As leases on one fabric: an item's units follow a 0/1 decision for each bin.
    """
    draw = np.random.default_rng(seed)
    bins, items = int(draw.integers(2, 4)), int(draw.integers(4, 7))
    size = draw.integers(10, 90, items)
    room = np.full(bins, size.sum() / bins)
    capacity = (room * draw.uniform(1.0, 1.1, bins)).astype(int)
    worth = draw.integers(1, 20, (items, bins))
    problem = pulp.LpProblem("packing", pulp.LpMaximize)
    goes = [[problem.add_variable(f"goes{i}_{b}", cat="Binary") for b in range(bins)] for i in range(items)]
    units = [[problem.add_variable(f"units{i}_{b}", 0) for b in range(bins)] for i in range(items)]
    problem += pulp.lpSum(float(worth[i][b]) * units[i][b] for i in range(items) for b in range(bins))
    for i in range(items):
        problem += pulp.lpSum(goes[i]) <= 1
        problem += pulp.lpSum(units[i]) >= float(size[i])
        for b in range(bins):
            problem += units[i][b] <= float(size[i]) * goes[i][b]
    for b in range(bins):
        problem += pulp.lpSum(units[i][b] for i in range(items)) <= float(capacity[b])
    ways = [
        sum(int(size[i] * worth[i][b]) for i, b in enumerate(way))
        for way in product(range(bins), repeat=items)
        if all(sum(int(size[i]) for i, at in enumerate(way) if at == b) <= capacity[b] for b in range(bins))
    ]
    return model_arrays(problem), max(ways, default=None)


@pytest.mark.parametrize("cut_after", [0.0, np.inf])
def test_packings_end_as_every_way_to_pack_says(cut_after: float, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "CUT_AFTER", cut_after)
    closed = packed = 0
    for seed in SEEDS:
        arrays, best = packing(seed)
        found = TreeSearch(SolverOptions()).solve_arrays(arrays)
        assert found.status is (Status.INFEASIBLE if best is None else Status.OPTIMAL), seed
        if best is not None:
            assert found.objective is not None
            assert best * (1.0 - 1e-4) - 1e-6 <= found.objective <= best + 1e-6
            packed += 1
        closed += best is None and found.solver.startswith("tree search")
    assert closed >= 3, "presolve settles them all, so this says nothing of trees"
    assert packed >= len(SEEDS) // 4


def test_a_bounded_search_says_infeasible_only_where_it_closed_its_tree() -> None:
    closed = 0
    for seed in SEEDS:
        arrays, best = packing(seed)
        for most in (2, 1000):
            status = BoundedSearch(SolverOptions(), most=most).solve_arrays(arrays).status
            assert best is None or status is not Status.INFEASIBLE
            if most == 1000:
                assert (status is Status.INFEASIBLE) == (best is None)
                closed += best is None
    assert closed


def test_no_time_is_still_a_limit() -> None:
    stopped = 0
    for seed in SEEDS:
        arrays, best = packing(seed)
        whole = TreeSearch(SolverOptions()).solve_arrays(arrays)
        if best is None and whole.solver.startswith("tree search"):
            assert TreeSearch(SolverOptions(time_limit_s=0.0)).solve_arrays(arrays).status is Status.TIME_LIMIT
            stopped += 1
    assert stopped


def test_leases_that_fit_by_sum_but_not_whole_are_a_conflict_with_a_repair() -> None:
    """260 GPUs in 280, but no two of 90, 90, 80 share a site of 140: a plan says infeasible, names a conflict, and a
    way out that works."""
    names = {"one": 90, "two": 90, "three": 80}
    case = tiny_case(
        months=3,
        sites=[site("a", mw=0.28), site("b", mw=0.28)],
        power=[grid("a", mw=0.35), grid("b", mw=0.35)],
        leases=[
            cluster(
                name, size=size, term_months=2, start="2027-01", all_or_nothing=True, single_fabric=True, committed=True
            )
            for name, size in names.items()
        ],
        lease_rates=[rate(name, 2.0) for name in names],
    )
    plan = planner.plan(case)
    assert plan.status is Status.INFEASIBLE
    assert plan.status.exit_code == 3
    assert plan.conflict is not None
