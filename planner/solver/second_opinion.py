"""What a second solver says of a model that the first calls infeasible."""

from __future__ import annotations

from dataclasses import replace

from planner.solver.model_arrays import ModelArrays
from planner.solver.options import SolverOptions
from planner.solver.solution import Solution
from planner.solver.solvers import make_solver
from planner.solver.status import Status


def second_opinion(solution: Solution, arrays: ModelArrays, options: SolverOptions) -> Solution:
    """The solution, its `infeasible` confirmed or contradicted by the solver that `options.confirm_infeasible` names.

    The second solver looks for any answer, without the objective. Levels that keep every limit make the status ERROR:
    one of the two is wrong, and neither is believed. A second solver that settles nothing leaves the status, and says
    so.
    """
    if options.confirm_infeasible is None or solution.status is not Status.INFEASIBLE:
        return solution
    asked = SolverOptions(options.confirm_infeasible, time_limit_s=options.time_limit_s, deadline_s=options.deadline_s)
    other = make_solver(asked).solve_arrays(arrays.without_objective())
    if other.status is Status.INFEASIBLE:
        return _saying(solution, f"confirmed by {other.solver}")
    if other.status.has_values:
        contradicted = replace(solution, status=Status.ERROR)
        return _saying(
            contradicted,
            f"{solution.solver} says infeasible, {other.solver} has levels that keep every limit: neither is believed",
        )
    return _saying(
        solution,
        (
            f"not confirmed: {other.solver} ended with {other.status.label}"
            + (f" ({other.message})" if other.message else "")
        ),
    )


def _saying(solution: Solution, what: str) -> Solution:
    return replace(solution, message=f"{solution.message}; {what}" if solution.message else what)
