"""CBC: names that cannot collide, and a status read from what CBC itself wrote."""

from __future__ import annotations

import re
import tempfile
import time
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any

import numpy as np
import pulp

from planner.errors import PlannerError
from planner.solver.model_arrays import ModelArrays, plain_problem
from planner.solver.options import SolverOptions
from planner.solver.solution import Claim, Solution, checked, contradiction, decided
from planner.solver.status import Status

_NOT_DEPRECATED = (
    {"_skip_v4_deprecation": True} if "_skip_v4_deprecation" in signature(pulp.PULP_CBC_CMD).parameters else {}
)
"""From 3.3.2 on, PuLP warns of its own CBC unless told so."""
DIGITS = 1e-7  # CBC writes eight significant digits into its solution file
_NUMBER = r"\s*(-?[\d.]+(?:e[+-]?\d+)?)"


class CbcSolver:
    """CBC through PuLP, one process for each solve."""

    def __init__(self, options: SolverOptions | None = None) -> None:
        self.choices = options or SolverOptions(solver="cbc")

    def solve_arrays(self, arrays: ModelArrays) -> Solution:
        """Solve a model from scratch; raises PlannerError when there is no CBC on this machine."""
        program = _program(self.choices)
        if not program.available():
            raise PlannerError(
                "CBC was not found on this machine. Install PuLP's wheel for this platform, which brings one, or CBC "
                "itself (apt-get install coinor-cbc, brew install cbc, conda install coin-or-cbc), or leave the solver "
                "at 'highs'"
            )
        if arrays.columns == 0:
            raise PlannerError("the model has no variables, and CBC cannot read such a model; use solver 'highs'")
        began = time.perf_counter()
        crossed = contradiction(arrays)
        claim = Claim(Status.INFEASIBLE, "CBC", 0.0, crossed) if crossed else self._claim(arrays, program)
        if not crossed and claim.status in (Status.INFEASIBLE, Status.UNBOUNDED) and (arrays.cost != 0.0).any():
            status, message = decided(self._without_gap, arrays)  # CBC takes the one for the other
            claim = replace(claim, status=status, message=message)
        claim = replace(claim, seconds=time.perf_counter() - began)
        return checked(arrays, claim, gap=self.choices.gap, digits=DIGITS)

    def _without_gap(self, arrays: ModelArrays) -> Solution:
        return CbcSolver(SolverOptions(solver="cbc", time_limit_s=self.choices.time_limit_s)).solve_arrays(arrays)

    def _claim(self, arrays: ModelArrays, program: Any) -> Claim:
        problem, variables = plain_problem(arrays)
        with tempfile.TemporaryDirectory() as folder:
            log = Path(folder) / "cbc.log"
            program.optionsDict["logPath"] = str(log)
            try:
                problem.solve(program)
            except pulp.PulpSolverError as error:
                return Claim(Status.ERROR, "CBC", 0.0, str(error))
            said = log.read_text(errors="replace")
        claim = Claim(
            status=_status(program.first_line),
            solver="CBC " + (_found(r"Version:\s*(\S+)", said) or "of unknown version"),
            seconds=0.0,
            message="" if program.first_line.startswith("Optimal") else program.first_line.split(" - objective")[0],
            iterations=int(_found(r"Total iterations:\s*(\d+)|objective \S+ - (\d+) iterations", said) or 0),
            nodes=int(_found(r"Enumerated nodes:\s*(\d+)", said) or 0),
        )
        if not claim.status.has_values or "no integer solution" in program.first_line:
            return replace(claim, bound=_bound(arrays, said) if arrays.is_mip else None)
        values = np.array([variable.varValue for variable in variables], dtype=np.float64)
        if arrays.is_mip:
            proven = claim.status is Status.OPTIMAL and "gap" not in program.first_line
            bound = float(arrays.cost @ values) + arrays.offset if proven else _bound(arrays, said)
            return replace(claim, values=values, bound=bound)
        rows = problem._constraints.values()
        return replace(
            claim,
            values=values,
            duals=np.array([row.pi for row in rows], dtype=np.float64),
            reduced_costs=np.array([variable.dj for variable in variables], dtype=np.float64),
            basic=claim.status is Status.OPTIMAL,
        )


def has_cbc() -> bool:
    """Whether there is a CBC on this machine."""
    return bool(_program(SolverOptions(solver="cbc")).available())


def _program(choices: SolverOptions) -> Any:
    """A fresh solver object: one that served another problem keeps parts of it."""
    return _HonestCbc(
        msg=False,
        gapRel=choices.gap,
        timeLimit=choices.time_limit_s,
        threads=choices.threads,
        **_NOT_DEPRECATED,
    )


class _HonestCbc(pulp.PULP_CBC_CMD):  # type: ignore[misc]
    """PuLP's CBC that keeps the first line of the solution file: PuLP reads a stop at a limit as Optimal."""

    first_line = ""

    def get_status(self, filename: str) -> Any:
        with open(filename) as file:
            self.first_line = file.readline().strip()
        return super().get_status(filename)


def _status(first_line: str) -> Status:
    words = first_line.lower()
    if words.startswith("optimal"):
        return Status.OPTIMAL
    if words.startswith(("infeasible", "integer infeasible")):
        return Status.INFEASIBLE
    if words.startswith("unbounded"):
        return Status.UNBOUNDED
    return Status.FEASIBLE if words.startswith("stopped") else Status.ERROR


def _bound(arrays: ModelArrays, said: str) -> float | None:
    number = _found(rf"(?:Lower|Upper) bound:{_NUMBER}", said)
    return None if number is None else float(number) + arrays.offset


def _found(pattern: str, said: str) -> str | None:
    matches = list(re.finditer(pattern, said))
    return next((group for group in matches[-1].groups() if group), None) if matches else None
