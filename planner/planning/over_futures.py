"""How a plan that was made for one future fares over many, and what a plan made for all of them would bring."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np

from kernels.blas_threads import one_blas_thread
from planner.arrays import Floats
from planner.case.case import Case
from planner.formulation.allocate import ROW_TOLERANCE, clean, levels_of, worst_row
from planner.formulation.formulation import make_formulation
from planner.formulation.model import make_model
from planner.formulation.starts import columns_of, completed, integers_by_name
from planner.planning.plan import AnyPlan, Plan
from planner.plans.over_futures import OverFutures
from planner.scenarios.factors import must_be_imported, table_factors
from planner.scenarios.futures import Draws, Futures, futures_of
from planner.scenarios.unit_values import unit_values
from planner.solver.model_arrays import model_arrays

TRIED = 32
"""Futures for whose mean another plan is made, the first ones: it is measured over all, so more of them would only find
a better one. On `fixtures/neocloud` these find 95 % of what all 500 do, in a fifteenth of the time."""


def has_futures(case: Case) -> bool:
    """Whether futures of a case can be drawn in which more moves than what happens anyway: it has factors, and none of
    them is given from outside."""
    return len(case.tables["factors"]) > 0 and not any(must_be_imported(factor) for factor in table_factors(case))


@one_blas_thread()
def with_futures(found: AnyPlan) -> AnyPlan:
    """The plan with how it fares over the futures that its options ask for; as it is where they ask for none, or where
    there is no plan.

    Raises PlannerError for futures that cannot be drawn or read.
    """
    asked, options = found.options.futures, found.options
    if asked is None or found.levels is None:
        return found
    began = time.perf_counter()
    outlook = found.candidates.outlook
    futures = futures_of(
        outlook.case, outlook.calendar, scenarios=asked.scenarios, seed=None, draws=Draws.INDEPENDENT,
        file=asked.imported,
    )
    other = _made_for(found, futures)
    both = np.stack([found.levels, found.levels if other is None else other])
    held = np.flatnonzero(both.any(axis=0))
    npv = both[:, held] @ unit_values(
        found.candidates, futures, held, equity=options.equity, threads=options.solver.threads
    )
    mean, better = (npv @ futures.weights).tolist()
    over = OverFutures(
        npv[0], futures.weights, asked.alpha, futures.seed, None if asked.imported is None else str(asked.imported),
        made_for=False,
        better_mean_usd=better if better > mean else None, seconds=time.perf_counter() - began,
    )
    return replace(found, over_futures=over)


def _made_for(found: Plan, futures: Futures) -> Floats | None:
    """Levels of a plan for the mean of some futures that holds the whole decisions of another, shape (candidates,).

    One linear programme; None where the time limit leaves no time for it, and for a relaxed plan, whose decisions are
    not whole.
    """
    solver, allocation, candidates = found.options.solver, found.allocation_result, found.candidates
    left = None if solver.time_limit_s is None else solver.time_limit_s - sum(allocation.seconds.values())
    few = futures.piece(slice(0, min(TRIED, len(futures))))
    weight = float(few.weights.sum())
    if solver.relax or (left is not None and left <= 0.0) or weight <= 0.0:
        return None
    values = unit_values(
        candidates, few, np.arange(len(candidates)), equity=found.options.equity, threads=solver.threads
    )
    of_mean = replace(candidates, npv_usd=values @ (few.weights / weight))
    # Ways to sell that were worth the same in the base case need not be so on average: no aggregated market.
    formulation = make_formulation(of_mean, aggregate=False)
    model = make_model(formulation)
    arrays = model_arrays(model.problem, variables=model.variables)
    integers = integers_by_name(allocation.model.formulation, allocation.solution)
    columns = completed(arrays, columns_of(formulation, arrays, integers), seconds=left)
    if columns is None:
        return None
    levels = clean(of_mean, levels_of(formulation, columns * formulation.unit))
    return levels if worst_row(candidates, levels) <= ROW_TOLERANCE else None
