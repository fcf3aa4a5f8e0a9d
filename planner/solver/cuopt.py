"""NVIDIA cuOpt: fast first-order answers to screen with, on a GPU."""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import pulp

from planner.errors import PlannerError
from planner.solver.model_arrays import ModelArrays, plain_problem
from planner.solver.options import SolverOptions
from planner.solver.solution import Claim, Solution, checked, contradiction
from planner.solver.status import Status

TOLERANCE = 1e-4  # cuOpt's own default; rows may be broken by this much of max(1, |limit|)
SCREEN = "screen with cuOpt, price with HiGHS: its points are not vertices, so no prices come from them"
_STATUS = {
    pulp.LpStatusOptimal: Status.OPTIMAL,
    pulp.LpStatusInfeasible: Status.INFEASIBLE,
    pulp.LpStatusUnbounded: Status.UNBOUNDED,
}


class CuoptSolver:
    """cuOpt through PuLP. Needs a Linux machine with an NVIDIA GPU; levels are checked to 1e-4, duals never shown."""

    def __init__(self, options: SolverOptions | None = None) -> None:
        self.choices = options or SolverOptions(solver="cuopt")

    def solve_arrays(self, arrays: ModelArrays) -> Solution:
        """Solve a model from scratch; raises PlannerError when cuOpt is not installed."""
        if not pulp.CUOPT(msg=False).available():
            raise PlannerError(
                "cuOpt is not installed here. It needs Linux with an NVIDIA GPU: pip install cuopt-cu12 (CUDA 12) or "
                f"cuopt-cu13 (CUDA 13); or leave the solver at 'highs'. And {SCREEN}"
            )
        limit = self.choices.time_limit_s
        if crossed := contradiction(arrays):
            return checked(arrays, Claim(Status.INFEASIBLE, "cuOpt", 0.0, crossed), gap=self.choices.gap)
        if limit == 0.0:  # PuLP takes 0 for "no limit"
            return checked(arrays, Claim(Status.TIME_LIMIT, "cuOpt", 0.0, "no time was given"), gap=self.choices.gap)
        problem, variables = plain_problem(arrays)
        began = time.perf_counter()
        try:
            code = problem.solve(self._program())
        except pulp.PulpSolverError as error:
            return checked(
                arrays, Claim(Status.ERROR, "cuOpt", time.perf_counter() - began, str(error)), gap=self.choices.gap
            )
        # a stop at a limit reads NotSolved although levels were set: the check decides whether they are an answer
        claim = Claim(
            status=_STATUS.get(code, Status.FEASIBLE),
            solver="cuOpt",
            seconds=time.perf_counter() - began,
            message=SCREEN,
            values=_levels(variables),
        )
        return checked(arrays, claim, gap=self.choices.gap, tolerance=TOLERANCE)

    def _program(self) -> Any:
        """A fresh solver object, since one may not serve two problems, with the only options PuLP passes on."""
        return pulp.CUOPT(
            msg=False,
            timeLimit=self.choices.time_limit_s,
            gapRel=max(self.choices.gap, 1e-12),  # PuLP drops a gap of 0
            optimality_tolerance=TOLERANCE,
        )


def _levels(variables: list[Any]) -> Any:
    levels = [variable.varValue for variable in variables]
    return None if any(level is None for level in levels) else np.array(levels, dtype=np.float64)
