"""From candidates to levels: model, solve, hold the whole decisions, share the pools out, check every row."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.minimum_take import take_not_drawn
from planner.formulation.aggregated_market import share_out
from planner.formulation.formulation import Formulation, make_formulation
from planner.formulation.model import Model, make_model
from planner.formulation.starts import columns_of, completed
from planner.solver.branch_and_bound.search import SEARCH_SHARE, TreeSearch
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import model_arrays
from planner.solver.options import SolverOptions
from planner.solver.second_opinion import second_opinion
from planner.solver.solution import Solution
from planner.solver.solvers import make_solver, mip_solver
from planner.solver.status import Status

ROW_TOLERANCE = 1e-6
"""Largest breach of a resource row that counts as none, relative to the size of the row."""
LEAST_MONEY = 1e-6
"""Share of a model's unit of money that an objective counts as at least where something is measured relative to it."""
DUST = 1e-6
"""Levels below this (in GPUs, MW or units) are zero."""


@dataclass(frozen=True)
class Allocation:
    """Levels of all candidates, and what the solver proved about them.

    levels: shape (candidates,), None when there is no answer. objective_usd is recomputed from the levels;
    bound_usd: no plan can be better; gap = (bound - objective) / |objective|. solver_usd: the solver's own figure.
    lp: the model with its integers fixed, solved to a vertex; prices come from it, and begin at lp_basis where
    there is one. None where no prices were asked for or the time did not suffice for it. seconds by stage.
    """

    status: Status
    levels: Floats | None
    objective_usd: float | None
    bound_usd: float | None
    gap: float | None
    solver_usd: float | None
    solver: str
    message: str
    seconds: dict[str, float]
    model: Model
    solution: Solution
    lp: Solution | None
    worst_row: float
    lp_basis: Any = None


def allocate(
    candidates: CandidateSet, options: SolverOptions, *, aggregate: bool = True, keep_all: bool = False,
    integers: Mapping[str, float] | None = None, priced: bool = True,
) -> Allocation:
    """The best levels of a candidate set; a solve that fails or stops is an answer with that status.

    integers: those of another plan by the name of their column (see `starts`): the answer to beat, where they
    leave one.
    priced: whether prices will be asked of the answer; without, a tree search spares the LP that they come from.
    """
    began = time.perf_counter()
    formulation = make_formulation(candidates, aggregate=aggregate, keep_all=keep_all)
    model = make_model(formulation, relax=options.relax)
    arrays = model_arrays(model.problem, variables=model.variables, relax=options.relax)
    built = time.perf_counter()
    # HiGHS searches a tree of warm relaxations here; other solvers take the model as it is.
    as_it_is = options.solver != "highs" or options.deadline_s is not None
    hint = None if integers is None or not arrays.is_mip else columns_of(formulation, arrays, integers)
    if as_it_is and hint is not None:
        options = replace(options, start=completed(arrays, hint, seconds=options.time_limit_s))
    solver = mip_solver(_leaving_time(options) if as_it_is else options, hint=hint, priced=priced)
    solution = second_opinion(solver.solve_arrays(arrays), arrays, options)
    solved = time.perf_counter()
    seconds = {"model": built - began, "solve": solved - built}
    lp, basis = (solver.fixed, solver.fixed_basis) if isinstance(solver, TreeSearch) else (None, None)
    if lp is None and (priced or as_it_is):
        limit = options.time_limit_s
        lp, basis = _integers_fixed(
            solution, None if limit is None else max(limit - (solved - built), 0.0), options.deadline_s
        )
    seconds["hold"] = time.perf_counter() - solved
    answer = lp if lp is not None and lp.values is not None else solution
    if answer.values is None:
        return Allocation(
            solution.status, None, None, None if solution.bound is None else model.usd(solution.bound), None, None,
            solution.solver, solution.message,
            seconds, model, solution, None, 0.0,
        )
    levels = clean(candidates, levels_of(formulation, answer.values * formulation.unit))
    worst = worst_row(candidates, levels)
    objective = float(candidates.npv_usd @ levels)
    bound = None if solution.bound is None else model.usd(solution.bound)
    assert answer.objective is not None
    solver_usd = model.usd(answer.objective)
    if worst > ROW_TOLERANCE or abs(objective - solver_usd) > 1e-6 * max(abs(objective), model.money):
        message = f"levels do not hold: a row is broken by {worst:.2e}, NPV {objective:.6e} against {solver_usd:.6e}"
        return Allocation(
            Status.ERROR, None, None, None, None, solver_usd, solution.solver, message, seconds, model, solution, None,
            worst,
        )
    gap = None if bound is None else max(bound - objective, 0.0) / max(abs(objective), LEAST_MONEY * model.money)
    return Allocation(
        solution.status, levels, objective, bound, gap, solver_usd, solution.solver, solution.message, seconds, model,
        solution, lp, worst, basis
    )


def _leaving_time(options: SolverOptions) -> SolverOptions:
    """The options with a share of the time limit left for the LP with the integers fixed."""
    limit = options.time_limit_s
    return options if limit is None else replace(options, time_limit_s=SEARCH_SHARE * limit)


def _integers_fixed(
    solution: Solution, seconds: float | None, deadline: float | None
) -> tuple[Solution | None, Any]:
    """The LP with the integers fixed at the answer, clean levels at a vertex with duals, and its basis; None where
    the time runs out."""
    if solution.values is None or solution.interrupted:
        return None, None
    if not solution.arrays.is_mip:
        return solution, None
    solver = make_solver(SolverOptions(time_limit_s=seconds, deadline_s=deadline))
    fixed = solver.solve_arrays(solution.arrays.with_integers_fixed(solution.values))
    if fixed.status is not Status.OPTIMAL or fixed.values is None:
        return None, None
    return fixed, solver.basis() if fixed.basic and isinstance(solver, HighsSolver) else None


def levels_of(formulation: Formulation, columns: Floats) -> Floats:
    """Levels of all candidates from the columns of the model."""
    levels: Floats = formulation.level_of @ columns
    if formulation.market is not None:
        market, at = formulation.market, formulation.first_market
        sizes = [len(part.keys) for part in market.parts]
        levels[market.number] = share_out(market, *np.split(columns[at : at + sum(sizes)], np.cumsum(sizes)[:-1]))
    return levels


def clean(candidates: CandidateSet, levels: Floats) -> Floats:
    """Integers rounded, dust to zero, the rest within its bounds, and no minimum take paid that is drawn."""
    integral = candidates.columns["integral"]
    levels = np.where(integral & (np.abs(levels - np.round(levels)) < 1e-4), np.round(levels), levels)
    levels = np.where(np.abs(levels) < DUST, 0.0, levels)
    levels = np.clip(levels, candidates.lower, candidates.upper) + 0.0  # no negative zeros
    # Minimum take that is discounted to nothing costs a solver nothing, but its dollars are published: no more than is
    # not drawn.
    short, needed = take_not_drawn(candidates, levels)
    levels[short] = np.where(levels[short] - needed > DUST, needed, levels[short])
    return levels


def worst_row(candidates: CandidateSet, levels: Floats) -> float:
    """Largest breach of any resource row, relative to the terms of the row."""
    rows = candidates.rows
    used = rows.use @ levels
    limit = rows.table["limit"].to_numpy(np.float64)
    size = np.maximum(np.maximum(abs(rows.use) @ np.abs(levels), np.abs(limit)), 1.0)
    return float(np.max((used - limit) / size, initial=0.0))
