"""An answer written into the PuLP problem it belongs to."""

from __future__ import annotations

from typing import Any

import pulp

from planner.solver.solution import Solution
from planner.solver.status import Status

_CODES = {
    Status.OPTIMAL: (pulp.LpStatusOptimal, pulp.LpSolutionOptimal),
    Status.FEASIBLE: (pulp.LpStatusNotSolved, pulp.LpSolutionIntegerFeasible),
    Status.INFEASIBLE: (pulp.LpStatusInfeasible, pulp.LpSolutionInfeasible),
    Status.UNBOUNDED: (pulp.LpStatusUnbounded, pulp.LpSolutionUnbounded),
    Status.TIME_LIMIT: (pulp.LpStatusNotSolved, pulp.LpSolutionNoSolutionFound),
    Status.ERROR: (pulp.LpStatusUndefined, pulp.LpSolutionNoSolutionFound),
}


def write_back(problem: Any, solution: Solution) -> int:
    """Set varValue, dj, pi, slack and status of a `pulp.LpProblem`; what the solution lacks becomes None.

    A stop at a limit reads NotSolved with an integer-feasible solution status, never Optimal.
    Slack is limit - activity for <= rows and activity - limit for >= rows, so it is negative only where a row breaks.
    Returns PuLP's status code.
    """
    arrays = solution.arrays
    unknown_columns, unknown_rows = [None] * arrays.columns, [None] * arrays.rows
    levels = unknown_columns if solution.values is None else solution.values.tolist()
    reduced = unknown_columns if solution.reduced_costs is None else solution.reduced_costs.tolist()
    for variable, level, cost in zip(arrays.variables, levels, reduced, strict=True):
        variable.varValue = level
        variable.dj = cost
    duals = unknown_rows if solution.duals is None else solution.duals.tolist()
    activities = unknown_rows if solution.values is None else (arrays.matrix @ solution.values).tolist()
    for constraint, dual, activity in zip(problem._constraints.values(), duals, activities, strict=True):
        constraint.pi = dual
        if activity is None:
            constraint.slack = None
        else:
            over = activity + constraint.constant
            constraint.slack = -over if constraint.sense == pulp.LpConstraintLE else over
    status, sol_status = _CODES[solution.status]
    problem.assignStatus(status, sol_status)
    return int(status)
