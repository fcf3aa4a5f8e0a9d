"""The plan without any inquiry: what every quote of a group is measured against."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from planner.candidates.resources import Family
from planner.quoting.floor import Base
from planner.quoting.inquiry_model import InquiryModel
from planner.solver.branch_and_bound.search import MANY_ROWS, TreeSearch
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import ModelArrays
from planner.solver.options import SolverOptions
from planner.solver.solution import Solution, SolveError
from planner.solver.solvers import mip_solver


def plan_without(asked: InquiryModel, options: SolverOptions) -> tuple[Solution, Base]:
    """Solve the model with every inquiry shut: the checked solution, and what floors need of it; raises SolveError when
    there is no plan at all."""
    shut = asked.shut
    if shut.is_mip or options.solver != "highs" or options.deadline_s is not None:
        solver = mip_solver(options)
        solution = solver.solve_arrays(shut)
        if solution.values is None:
            raise SolveError(solution)
        basis = solver.fixed_basis if isinstance(solver, TreeSearch) else None
        if basis is None:
            kept = HighsSolver(SolverOptions())
            kept.solve_arrays(shut.with_integers_fixed(solution.values))
            basis = kept.basis()
    else:
        # Interior point finds a vertex of a large programme sooner; the solver that is kept goes on from its basis.
        kept = HighsSolver(
            replace(options, extra={"solver": "ipx"} if shut.rows > MANY_ROWS and not options.extra else options.extra)
        )
        solution = kept.solve_arrays(shut)
        if solution.values is None:
            raise SolveError(solution)
        basis = kept.basis()
    assert solution.objective is not None
    assert solution.values is not None
    bound = solution.objective if solution.bound is None else solution.bound
    return solution, Base(solution.objective, bound, solution.values, basis)


def leases_kept(asked: InquiryModel, base: Base) -> ModelArrays:
    """The shut model in which every lease that the plan without the inquiries serves is served as much again."""
    model, shut = asked.model, asked.shut
    table = model.formulation.resources.table.iloc[model.resource_row]
    family, name = table["family"].to_numpy(), table["name"].to_numpy()
    inquiries = {problem.inquiry.name for problem in asked.problems}
    row_lower, col_lower = shut.row_lower.copy(), shut.col_lower.copy()
    for row in np.flatnonzero(family == Family.VOLUME.name):
        if name[row] in inquiries:
            continue
        cells = slice(shut.start[row], shut.start[row + 1])
        columns, coefficients = shut.index[cells], shut.value[cells]
        serving = coefficients > 0.0
        units = float(coefficients[serving] @ base.levels[columns[serving]])
        if units <= KEPT_SLACK:
            continue
        accepts = columns[~serving]
        # Of a relaxed plan a lease may be accepted in part: then that part is kept.
        accepted = np.where(
            shut.integer[accepts], np.round(base.levels[accepts]), base.levels[accepts] * (1.0 - KEPT_SLACK)
        )
        most = float(coefficients[~serving].min(initial=0.0))
        row_lower[row] = units * (1.0 - KEPT_SLACK) + most * float(accepted.sum())
        if len(accepts) == 1:
            col_lower[accepts] = np.minimum(accepted, shut.col_upper[accepts])
        elif len(accepts):
            once = np.flatnonzero((family == Family.ACCEPTED_ONCE.name) & (name == name[row]))
            row_lower[once] = shut.row_upper[once] * min(float(accepted.sum()), 1.0)
    return replace(shut, row_lower=row_lower, col_lower=col_lower)


KEPT_SLACK = 1e-7
"""Share of a lease that may be lost to rounding."""
