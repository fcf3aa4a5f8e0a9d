"""Bench of risk-averse choice out of pools: seconds to the certificate, against the one big programme, and its
growth."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pandas as pd
import pulp
import scipy.sparse as sp

from kernels.bench.contest import Figure
from planner.bench.measure import peak_mb
from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.case.case import Case
from planner.case.generate import generate_case
from planner.case.made_up.frame import declared_frame
from planner.case.tables import TABLES
from planner.risk.bundle_grid import Grid, bundle_grid
from planner.risk.case_pool import make_case_pool, places_with_fleet
from planner.risk.worth import candidate_values
from planner.scenarios.futures import make_futures
from planner.solver.column_generation.columns import ColumnValues, FixedPart, Pool
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.column_generation.pricing_rounds import Generated, generate
from planner.solver.column_generation.tail_model import extended, with_pool_columns
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import linear_expression, model_arrays
from planner.solver.options import SolverOptions

GROUPS, RESOURCES = 200, 24
WEIGHT, ALPHA = 0.5, 0.95
PIECE = 50_000
JOB = "pool"


def synthetic_pool(count: int, scenarios: int, *, seed: int = 1) -> tuple[FixedPart, Pool]:
    """A made-up pool: six common factors and noise of each column, four of 24 resources that can be bought, 200 groups
    with limits."""
    rng = np.random.default_rng(seed)
    loading, factor = rng.normal(size=(count, 6)).astype(np.float32) * 0.25, rng.normal(
        size=(6, scenarios)
    ).astype(np.float32)
    level = rng.gamma(4.0, 0.3, count).astype(np.float32)
    values = np.empty((count, scenarios), dtype=np.float32)
    for first in range(0, count, PIECE):
        rows = slice(first, min(first + PIECE, count))
        noise = rng.standard_normal((rows.stop - first, scenarios), dtype=np.float32)
        values[rows] = level[rows, None] + loading[rows] @ factor + 0.3 * noise
    group = rng.integers(0, GROUPS, count)
    used = np.concatenate([rng.integers(0, RESOURCES, (count, 4)), RESOURCES + group[:, None]], axis=1)
    amount = np.concatenate([rng.uniform(0.1, 1.0, (count, 4)), np.ones((count, 1))], axis=1)
    use = sp.csr_array(
        (amount.ravel(), used.ravel(), np.arange(0, 5 * count + 1, 5)), shape=(count, RESOURCES + GROUPS)
    )
    limit, has, cost = rng.uniform(1.0, 4.0, GROUPS), np.full(
        RESOURCES, 0.125 * GROUPS
    ), rng.uniform(0.5, 1.5, RESOURCES)
    problem = pulp.LpProblem("pool", pulp.LpMaximize)
    bought = [problem.add_variable(f"buy{r}", 0.0, float(0.3 * has[r])) for r in range(RESOURCES)]
    problem.setObjective(linear_expression(bought, -cost))
    for r in range(RESOURCES):
        problem.addConstraint(
            pulp.LpConstraint(
                linear_expression([bought[r]], [-1.0]), pulp.LpConstraintLE, f"resource{r}", float(has[r])
            )
        )
    for g in range(GROUPS):
        problem.addConstraint(
            pulp.LpConstraint(pulp.LpAffineExpression(), pulp.LpConstraintLE, f"group{g}", float(limit[g]))
        )
    certain = np.repeat(-cost[:, None], scenarios, axis=1)
    fixed = FixedPart(
        model_arrays(problem, variables=bought), ColumnValues.of(certain, np.full(scenarios, 1.0 / scenarios))
    )
    points = sp.csr_array(sp.eye_array(RESOURCES + GROUPS))
    return fixed, Pool(values, use, points, np.ones(count), group, limit, np.full(count, np.inf))


def pool_figures(
    *, large: int = 1_000_000, small: int = 20_000, scenarios: int = 256, few_scenarios: int = 128
) -> Iterator[Figure]:
    """Synthetic pools: a small one against the one big programme, then larger ones up to `large`."""
    yield from _against_one_programme(small, few_scenarios)
    measure = _measure(scenarios)
    counts, processor = (large // 4, large // 2, large), []
    for count in counts:
        fixed, pool = synthetic_pool(count, scenarios)
        timed = _timed(fixed, pool, measure)
        processor.append(timed[2] / len(timed[0].rounds))
        yield _figure(f"{count:,} x {scenarios}", *timed)
    yield _growth(counts, processor)
    yield Figure(JOB, "peak memory", peak_mb(), "MB")


def case_pool_figures(
    *, most: int = 1_000_000, scenarios: int = 256, sites: int = 30, leases: int = 60, months: int = 60
) -> Iterator[Figure]:
    """A pool made from a made-up case on a fine grid: what it takes to make, and to the certificate."""
    began = time.perf_counter()
    case = with_factors(generate_case(sites=sites, leases=leases, months=months, seed=1))
    outlook = make_outlook(case)
    candidates = build_candidates(outlook)
    futures = make_futures(case, outlook.calendar, scenarios=scenarios)
    values = candidate_values(candidates, futures)
    valued = time.perf_counter()
    yield Figure(
        JOB, "case: candidates and their values", valued - began, "s",
        note=f"{len(candidates):,} candidates x {scenarios}",
    )
    grid = Grid(early_months=months, between_months=months, sales=12, most=most)
    bundles = bundle_grid(candidates, grid, without=places_with_fleet(candidates))
    made = make_case_pool(candidates, values, futures.weights, bundles)
    yield Figure(
        JOB, "case: bundles and their values", time.perf_counter() - valued, "s",
        note=f"{len(bundles):,} bundles x {scenarios}",
    )
    measure = MeanCvar(WEIGHT, ALPHA, futures.weights)
    rows = f"{made.fixed.arrays.rows:,} rows, {made.fixed.arrays.columns:,} fixed columns"
    yield _figure(f"case: {len(bundles):,} x {scenarios}, {rows}", *_timed(made.fixed, made.pool, measure))


def with_factors(case: Case) -> Case:
    """A made-up case with prices of GPUs (in common, and of each SKU), utilisation and gas at random."""
    shared = {
        "drift_glut_per_year": -0.35, "drift_shortage_per_year": 0.35, "stay_glut_months": 18,
        "stay_shortage_months": 18, "starts_in_shortage": True,
    }
    rows = [
        {"factor_id": "gpus", "model": "two_regimes", "drives": "market", "volatility_per_year": 0.25, **shared},
        {
            "factor_id": "use", "model": "mean_reverting", "drives": "utilisation", "volatility_per_year": 0.2,
            "reversion_per_year": 2,
        },
        {
            "factor_id": "gas", "model": "mean_reverting", "drives": "curves[henry_hub]", "volatility_per_year": 0.5,
            "reversion_per_year": 1.5,
        },
        *(
            {"factor_id": f"price {name}", "model": "gbm", "drives": f"market[{name}]", "volatility_per_year": 0.2}
            for name in case.tables["gpus"]["gpu_id"]
        ),
    ]
    factors: pd.DataFrame = declared_frame(TABLES["factors"], rows)
    return replace(case, tables={**case.tables, "factors": factors})


def _measure(scenarios: int) -> MeanCvar:
    return MeanCvar(WEIGHT, ALPHA, np.full(scenarios, 1.0 / scenarios))


def _timed(fixed: FixedPart, pool: Pool, measure: MeanCvar) -> tuple[Generated, float, float]:
    """What was found, in how many seconds on the clock and of the processor."""
    assert len(pool.pricer) == len(pool)
    wall, processor = time.perf_counter(), time.process_time()
    found = generate(fixed, pool, measure)
    return found, time.perf_counter() - wall, time.process_time() - processor


def _figure(what: str, found: Generated, seconds: float, processor: float) -> Figure:
    proof = found.certificate
    note = (
        f"{processor:.1f} s of processor, {len(found.rounds)} rounds, gap {proof.gap:.0e}, {len(found.scenarios)} "
        "scenarios in the master"
    )
    return Figure(JOB, f"{what}: to the certificate", seconds, "s", note=note)


def _growth(counts: tuple[int, ...], processor: list[float]) -> Figure:
    """The power of its size with which a round's time grows: 1 is linear. Rounds differ by one or two from pool to
    pool."""
    power = float(np.polyfit(np.log(counts), np.log(np.maximum(processor, 1e-6)), 1)[0])
    each = ", ".join(f"{seconds:.2f} s" for seconds in processor)
    return Figure(
        JOB, "growth of a round with the pool", power, "power of its size",
        note=f"processor time of a round: {each}; 1 is linear",
    )


def _against_one_programme(count: int, scenarios: int) -> Iterator[Figure]:
    fixed, pool = synthetic_pool(count, scenarios)
    measure = _measure(scenarios)
    found, seconds, processor = _timed(fixed, pool, measure)
    whole = extended(with_pool_columns(fixed, pool, measure, np.arange(count)), measure, np.arange(scenarios), None)
    wall, used = time.perf_counter(), time.process_time()
    best = HighsSolver(SolverOptions()).solve_arrays(whole)
    wall, used = time.perf_counter() - wall, time.process_time() - used
    assert best.objective is not None
    if abs(best.objective - found.certificate.value) > 1e-6 * abs(best.objective):
        raise AssertionError(f"the pool found {found.certificate.value}, the one big programme {best.objective}")
    yield _figure(f"{count:,} x {scenarios}", found, seconds, processor)
    yield Figure(
        JOB, f"{count:,} x {scenarios}: one big programme", wall, "s", {"the pool's": used / max(processor, 1e-9)},
        f"{used:.1f} s of processor, the same optimum",
    )
