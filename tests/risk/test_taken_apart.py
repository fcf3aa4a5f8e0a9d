from __future__ import annotations

import numpy as np
import pytest
from risky_case import RiskyCase

from planner.risk.allocate import Task, allocate_from_pool
from planner.risk.bundle_grid import Grid, bundle_grid
from planner.risk.case_pool import CasePool, make_case_pool, places_with_fleet
from planner.risk.flow_decomposition import Paths, _Place, _Work, paths_of, with_paths
from planner.solver.column_generation.columns import FixedPart
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.column_generation.pricing_rounds import Generated, generate
from planner.solver.options import SolverOptions
from planner.solver.status import Status


@pytest.fixture(scope="module")
def made(risky: RiskyCase) -> CasePool:
    few = bundle_grid(
        risky.candidates, Grid(early_months=0, sales=1, most=200), without=places_with_fleet(risky.candidates)
    )
    return make_case_pool(risky.candidates, risky.values, risky.futures.weights, few, threads=1, dtype=np.float64)


def measure_of(risky: RiskyCase) -> MeanCvar:
    return MeanCvar(0.5, 0.9, risky.futures.weights)


def relaxed_whole(risky: RiskyCase, made: CasePool) -> Generated:
    """The relaxation over all columns of the same model."""
    return generate(FixedPart(made.arrays, made.worth), None, measure_of(risky))


def test_the_plan_taken_apart_and_added_to_the_pool_gives_the_same_npv(risky: RiskyCase, made: CasePool) -> None:
    whole = relaxed_whole(risky, made)
    paths = paths_of(made, whole.levels)
    assert len(paths.levels) >= 3
    joined = with_paths(made, paths)
    assert len(joined.pool) == 200 + len(paths.levels)
    found = generate(joined.fixed, joined.pool, measure_of(risky))
    without = generate(made.fixed, made.pool, measure_of(risky))
    # the small grid alone cannot do what the plan does
    assert without.certificate.value < 0.99 * whole.certificate.value
    assert found.certificate.value == pytest.approx(whole.certificate.value, rel=1e-7)
    assert found.proven


def test_paths_add_up_to_the_plan(risky: RiskyCase, made: CasePool) -> None:
    whole = relaxed_whole(risky, made)
    paths = paths_of(made, whole.levels)
    replaced = np.ones(len(whole.levels), dtype=bool)
    replaced[made.kept] = False
    np.testing.assert_allclose((paths.levels @ paths.mixes)[replaced], whole.levels[replaced], atol=1e-6)
    np.testing.assert_allclose((paths.levels @ paths.mixes)[~replaced], 0.0, atol=1e-12)


def test_the_whole_plan_with_its_decisions_comes_back(risky: RiskyCase, made: CasePool) -> None:
    measure = measure_of(risky)
    plan = Task(
        risky.candidates, risky.values, measure, SolverOptions(gap=1e-4), made.model,
        FixedPart(made.arrays, made.worth), None,
    ).run({})
    assert plan.allocation.levels is not None
    held = plan.allocation.solution.usable()
    integers = generate(
        FixedPart(made.arrays.with_integers_fixed(held[: made.arrays.columns]), made.worth), None, measure
    )
    joined = with_paths(made, paths_of(made, integers.levels))
    found = allocate_from_pool(risky.candidates, risky.values, measure, SolverOptions(gap=1e-4), joined)
    # The pool holds the best plan then, and nothing that the case could not do: the same optimum, proven.
    assert found.allocation.status is Status.OPTIMAL
    assert found.allocation.objective_usd == pytest.approx(plan.allocation.objective_usd, rel=3e-4)
    assert found.allocation.worst_row <= 1e-6


def place(cohorts: dict[int, tuple[float, int, int]], work: list[_Work]) -> _Place:
    return _Place("site", 2.0, 0.5, cohorts, {}, work)


def test_work_goes_to_gpus_that_are_free_and_stay() -> None:
    here = place(
        {0: (4.0, 0, 10), 1: (2.0, 0, 30)}, [_Work(7, 1.0, 0, 20), _Work(8, 1.0, 0, 10), _Work(9, 1.0, 20, 30)]
    )
    parts = here.taken_apart()
    assert sorted((sorted(mix.items()), level) for mix, level in parts) == [
        ([(0, 1.0)], 2.0), ([(0, 1.0), (8, 0.5)], 2.0), ([(1, 1.0), (7, 0.5), (9, 0.5)], 2.0),
    ]


def test_work_that_no_gpu_can_do_alone_stays_together() -> None:
    here = place({0: (2.0, 0, 10), 1: (2.0, 10, 20)}, [_Work(7, 1.0, 0, 20)])
    assert here.taken_apart() == [({0: 2.0, 1: 2.0, 7: 1.0}, 1.0)]


def test_a_plan_of_nothing_has_no_paths(made: CasePool) -> None:
    nothing: Paths = paths_of(made, np.zeros(made.arrays.columns))
    assert len(nothing.levels) == 0
