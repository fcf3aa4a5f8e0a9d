"""The making of a plan: read, build, solve, explain, price, measure over futures."""

from __future__ import annotations

import time
from dataclasses import replace
from pathlib import Path

import pandas as pd

from kernels.blas_threads import one_blas_thread
from planner.case.case import Case
from planner.case.edits import changed_case
from planner.case.read import as_case
from planner.choices import chosen_around
from planner.errors import PlannerError
from planner.explaining.infeasible import explain_infeasible
from planner.explaining.target import targets_of
from planner.explaining.unbounded import unbounded_ray
from planner.explaining.why import why
from planner.formulation.allocate import allocate
from planner.planning.options import LISTS, PlanOptions
from planner.planning.over_futures import with_futures
from planner.planning.plan import AnyPlan, Plan
from planner.pricing.prices import PriceTask, Progress, price_plan
from planner.solver.options import SolverOptions
from planner.solver.solvers import make_solver
from planner.solver.status import Status

EXPLAINING_SECONDS = 300.0
"""Time for conflicts, and again for the repair, where no time limit is given."""


def plan(case: Case | str | Path, options: PlanOptions | None = None, **choices: object) -> Plan:
    """The best expansion of a case, or of the case at a path, explained and priced as the options ask, and measured
    over futures where they ask for any. `choices` are fields of `PlanOptions` and of its `SolverOptions` (gap,
    time_limit_s, threads ...), for short calls.

    A solve that is infeasible, unbounded or stopped is a plan with that status, not an exception.

    >>> import planner
    >>> found = planner.plan("fixtures/tiny", prices="none")
    >>> round(found.npv_usd)
    58360320
    """
    chosen = chosen_around(PlanOptions, "solver", SolverOptions, options, choices, verb="plan", lists=LISTS)
    return with_futures(with_prices(explained(solved(as_case(case), chosen))))


@one_blas_thread()
def solved(case: Case, options: PlanOptions) -> Plan:
    """The best expansion of a case, neither explained nor priced."""
    began = time.perf_counter()
    make_solver(options.solver)  # an unknown solver is refused before the work, not after it
    changed = changed_case(case, options.edits, options.stress)
    targets_of(changed, options.why)  # a misspelt name too
    candidates = options.candidates(changed)
    built = time.perf_counter()
    allocation = allocate(candidates, options.solver)
    return Plan(changed, options, candidates, allocation, {"candidates": built - began, **allocation.seconds})


@one_blas_thread()
def explained(found: AnyPlan) -> AnyPlan:
    """The plan with the reasons that its options ask for, or with why there is none; each answer is some solves of its
    own."""
    case, options, allocation = found.case, found.options, found.allocation_result
    if found.status is Status.INFEASIBLE:
        limit = options.solver.time_limit_s
        seconds = EXPLAINING_SECONDS if limit is None else limit
        return replace(found, conflict=explain_infeasible(case, options, seconds=seconds))
    if found.status is Status.UNBOUNDED:
        return replace(found, unbounded_ray=unbounded_ray(allocation.model, allocation.solution.arrays))
    if found.levels is None or not options.why:
        return found
    targets = targets_of(case, options.why)
    answers = (why(case, options, found.candidates, allocation, target, options.solver) for target in targets)
    return replace(found, reasons=tuple(answers))


@one_blas_thread()
def with_prices(found: AnyPlan, progress: Progress | None = None) -> AnyPlan:
    """The plan with the prices that its options ask for, until they are answered or the time limit is used up.

    progress: called with what is being priced and the number of answers so far.
    """
    options = found.options
    limit = options.solver.time_limit_s
    used = sum(spent for stage, spent in found.seconds.items() if stage != "candidates")
    left = None if limit is None else max(limit - used, 0.0)
    task = PriceTask(
        found.candidates, found.allocation_result, options.candidates, options.solver, left, progress
    )
    return replace(found, priced=price_plan(task, options.prices))


def price(found: Plan, detail: str = "full") -> pd.DataFrame:
    """What is scarce in a plan and what it is worth, each row a stated question; detail: headline or full.

    >>> import planner
    >>> rows = planner.price(planner.plan("fixtures/tiny", prices="none"), "headline")
    >>> float(rows.loc[rows["name"] == "cells:p1", "fee"].iloc[0])
    40.0
    """
    if not isinstance(found, Plan):
        raise PlannerError(f"{type(found).__name__} is no plan; planner.plan(case) makes one")
    return with_prices(replace(found, options=replace(found.options, prices=detail))).prices
