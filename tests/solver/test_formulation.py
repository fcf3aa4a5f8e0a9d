"""The formulation model against every candidate and every row spelled out, solved by SciPy."""

from __future__ import annotations

from functools import cache

import numpy as np
import pytest
import scipy.sparse as sp
from at_length import few
from scipy.optimize import Bounds, LinearConstraint, milp

from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.generate import generate_case
from planner.formulation.allocate import allocate
from planner.formulation.formulation import make_formulation
from planner.formulation.model import make_model
from planner.solver.model_arrays import model_arrays
from planner.solver.options import SolverOptions
from planner.solver.status import Status

SEEDS = range(5)
SCALE = 1e6


@cache
def generated(seed: int, tail: str = "contracted") -> CandidateSet:
    case = generate_case(sites=3, leases=5, skus=2, months=36, seed=seed)
    return build_candidates(make_outlook(case, tail=tail))


def spelled_out(candidates: CandidateSet, *, relax: bool) -> float:
    """Best NPV in dollars with use @ levels <= limit over all candidates, by SciPy's own HiGHS."""
    table, rows = candidates.table, candidates.rows
    # GPUs in thousands, as SciPy's tolerances are absolute.
    unit = np.where(table["unit"] == "GPU", 1000.0, 1.0)
    use = sp.csr_array(rows.use * unit[None, :])
    size = np.maximum(abs(use).max(axis=1).toarray().reshape(-1), 1e-12)
    limit = rows.table["limit"].to_numpy(np.float64) / size
    whole = np.zeros(len(table)) if relax else table["integral"].to_numpy(np.int64)
    found = milp(
        -candidates.npv_usd * unit / SCALE,
        constraints=LinearConstraint(sp.csr_array(use / size[:, None]), -np.inf, limit),
        bounds=Bounds(table["lower"].to_numpy() / unit, table["upper"].to_numpy() / unit),
        integrality=whole,
        options={"mip_rel_gap": 1e-9},
    )
    assert found.status == 0, found.message
    return float(-found.fun) * SCALE


@pytest.mark.parametrize("pool", [True, False])
@pytest.mark.parametrize("seed", few(SEEDS, 3))
def test_relaxation_is_that_of_the_model_spelled_out(seed: int, pool: bool) -> None:
    candidates = generated(seed)
    # Leaving out what no plan can use is tested with whole decisions: a relaxation could use a part of it.
    found = allocate(candidates, SolverOptions(relax=True), aggregate=pool, keep_all=True)
    assert found.status is Status.OPTIMAL
    assert found.objective_usd == pytest.approx(spelled_out(candidates, relax=True), rel=1e-7, abs=1e3)
    assert found.worst_row < 1e-7


@pytest.mark.parametrize(
    ("seed", "tail"),
    few(
        [
            (2, "contracted"), (0, "none"), (1, "rented"),
            *((seed, "contracted") for seed in SEEDS if seed != 2), (1, "none"), (0, "rented"),
        ],
        3,
    ),
)
def test_plan_is_that_of_the_model_spelled_out(seed: int, tail: str) -> None:
    candidates = generated(seed, tail)
    wanted = spelled_out(candidates, relax=False)
    for keep_all in (False, True):
        found = allocate(candidates, SolverOptions(gap=1e-9), keep_all=keep_all)
        assert found.status is Status.OPTIMAL
        assert found.objective_usd == pytest.approx(wanted, rel=1e-7, abs=1e3)
        assert found.worst_row < 1e-7


def test_plans_differ_from_seed_to_seed_and_hold_cohorts_that_end_early() -> None:
    ended = 0.0
    values = set()
    seeds = few(SEEDS, 3)
    for seed in seeds:
        candidates = generated(seed)
        found = allocate(candidates, SolverOptions(gap=1e-3))
        assert found.levels is not None
        values.add(round(found.objective_usd or 0.0))
        ended += float(found.levels[candidates.table["kind"].isin(["retire", "close"]).to_numpy()].sum())
    assert len(values) == len(seeds)
    assert ended > 1.0


def test_size_of_a_small_model() -> None:
    candidates = generated(0)
    formulation = make_formulation(candidates)
    model = make_model(formulation)
    spelled = candidates.rows
    arrays = model_arrays(model.problem, variables=model.variables)
    smaller = (arrays.columns, arrays.rows, len(arrays.value))
    assert smaller == SIZE
    assert smaller[0] < len(candidates)
    assert smaller[2] < spelled.use.nnz


SIZE = (1672, 1043, 12526)
"""Columns, rows and non-zeros. They change when candidates, resources or the formulation do: then look whether the
model grew."""


def test_no_row_of_gpus_or_halls_is_implied_by_its_neighbour() -> None:
    table = make_formulation(generated(0)).resources.table
    spelled = generated(0).rows.table
    for family in ("FLEET", "HALL"):
        kept, all_rows = table[table["family"] == family], spelled[spelled["family"] == family]
        assert 0 < len(kept) < len(all_rows)
        # Every row left is one of the model spelled out.
        assert set(zip(kept["name"], kept["start"], strict=True)) <= set(
            zip(all_rows["name"], all_rows["start"], strict=True)
        )


def test_rows_of_power_are_all_there() -> None:
    candidates = generated(0)
    table, spelled = make_formulation(candidates, keep_all=True).resources.table, candidates.rows.table
    assert (table["family"] == "PHASE").sum() == (spelled["family"] == "PHASE").sum()
