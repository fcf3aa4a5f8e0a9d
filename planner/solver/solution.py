"""The answer of a solve, believed only after it was checked against the model."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np

from planner.errors import PlannerError
from planner.solver.model_arrays import FloatArray, ModelArrays, as_arrays
from planner.solver.status import Status

TOLERANCE = 1e-6  # relative to max(1, |limit|), as everywhere in this file
DUST = 1e-9  # levels this close to zero are zero
_ABSOLUTE_GAP = 1e-6  # HiGHS's own mip_abs_gap: below it a MIP counts as solved whatever the relative gap


class SolveError(PlannerError):
    """A solve without a usable answer; `exit_code` is that of its status."""

    def __init__(self, solution: Solution) -> None:
        self.solution = solution
        self.exit_code = solution.status.exit_code
        said = f"\n{solution.solver} said: {solution.message}" if solution.message else ""
        super().__init__(f"{solution.status}{said}")


@dataclass(frozen=True)
class Violations:
    """The largest violation of each kind, in the units of the model, and the worst relative one with its place."""

    bounds: float
    rows: float
    integrality: float
    worst: float
    place: str

    def within(self, tolerance: float) -> bool:
        """Whether the worst relative violation is at most `tolerance`."""
        return self.worst <= tolerance


@dataclass(frozen=True)
class DualResiduals:
    """How far duals are from proving an LP's optimum; each is 0 for exact duals of an exact vertex.

    stationarity: max |cost - A'y - d| / max(1, |cost|).
    sign: max |y|, |d| that pushes against a limit which does not exist, over the largest |cost| (at least 1).
    complementarity: max |dual x slack| / max(1, |objective|).
    strong_duality: |objective - dual objective| / max(1, |objective|).
    """

    stationarity: float
    sign: float
    complementarity: float
    strong_duality: float
    dual_objective: float

    def within(self, tolerance: float) -> bool:
        """Whether no residual is above `tolerance`."""
        return not self.failing(tolerance)

    def failing(self, tolerance: float) -> str:
        """The residuals beyond a tolerance with their sizes, in words; empty where all pass."""
        named = {
            "stationarity": self.stationarity, "sign": self.sign, "complementarity": self.complementarity,
            "strong duality": self.strong_duality,
        }
        return ", ".join(f"{name} {size:.2g}" for name, size in named.items() if not size <= tolerance)


@dataclass(frozen=True, eq=False)
class Claim:
    """What a solver says of its solve, before anything is believed."""

    status: Status
    solver: str
    seconds: float
    message: str = ""
    values: FloatArray | None = None
    duals: FloatArray | None = None
    reduced_costs: FloatArray | None = None
    basic: bool = False
    objective: float | None = None
    bound: float | None = None
    iterations: int = 0
    nodes: int = 0
    interrupted: bool = False


@dataclass(frozen=True, eq=False)
class Solution:
    """A checked answer.

    values, reduced_costs: (columns,), duals: (rows,), in the order of `arrays`; None where there is none. A dual is
    d objective / d limit of its row and a reduced cost d objective / d bound of its column, in the sense of the
    problem: for a maximisation the dual of a scarce limit is positive. Duals are kept only for an LP, from a basic
    solution, after signs, complementarity and strong duality were checked.
    objective is recomputed from the cleaned values. bound: no answer can be better; gap = |bound - objective| /
    |objective|; both None where the solver proves nothing (a limit on an LP, first-order solvers).
    interrupted: Ctrl-C ended the solve; a loop over solves should end too.
    """

    status: Status
    arrays: ModelArrays
    objective: float | None
    bound: float | None
    gap: float | None
    values: FloatArray | None
    duals: FloatArray | None
    reduced_costs: FloatArray | None
    basic: bool
    seconds: float
    solver: str
    iterations: int
    nodes: int
    message: str
    interrupted: bool = False

    def usable(self) -> FloatArray:
        """The levels, (columns,); raises SolveError with the status's own text when there are none."""
        if self.values is None:
            raise SolveError(self)
        return self.values

    def value(self, key: Any) -> float:
        """The level of a variable, or of a name that only one variable has."""
        return float(self.usable()[self.arrays.column_of(key)])


def verify(problem: Any, values: FloatArray, *, digits: float = 0.0) -> Violations:
    """The largest violation of bounds, rows and integrality at `values` (columns,).

    problem: a `pulp.LpProblem` or ModelArrays. Relative violations divide by max(1, |limit|). `digits`: relative
    precision with which the values were written to a file, which a row may miss on the size of its terms.
    Raises PlannerError for NaN or a wrong length.
    """
    arrays = as_arrays(problem)
    x = np.asarray(values, dtype=np.float64)
    if x.shape != (arrays.columns,):
        raise PlannerError(f"values have shape {x.shape}, the model has {arrays.columns} columns")
    if not np.isfinite(x).all():
        j = int(np.flatnonzero(~np.isfinite(x))[0])
        raise PlannerError(f"{arrays.name_of_column(j)} has the level {x[j]}; the solver returned no usable answer")
    noise = digits * (abs(arrays.matrix) @ np.abs(x)) if digits else 0.0
    row = _outside(arrays.matrix @ x, arrays.row_lower, arrays.row_upper)
    column = _outside(x, arrays.col_lower, arrays.col_upper)
    fraction = np.where(arrays.integer, np.abs(x - np.round(x)), 0.0)
    kinds = (
        (np.maximum(row - noise, 0.0) / _size(arrays.row_lower, arrays.row_upper), arrays.name_of_row),
        (
            np.maximum(column - digits * np.abs(x), 0.0) / _size(arrays.col_lower, arrays.col_upper),
            arrays.name_of_column,
        ),
        (fraction, arrays.name_of_column),
    )
    worst, place = 0.0, ""
    for relative, name_of in kinds:
        if relative.size and (largest := float(relative.max())) > worst:
            worst, place = largest, name_of(int(relative.argmax()))
    return Violations(_largest(column), _largest(row), _largest(fraction), worst, place)


def verify_duals(problem: Any, solution: Solution) -> DualResiduals:
    """Stationarity, signs, complementarity and strong duality of an LP solution's duals.

    problem: a `pulp.LpProblem` (in the column order of the solution) or ModelArrays. Raises PlannerError when the
    solution carries no duals.
    """
    if solution.values is None or solution.duals is None or solution.reduced_costs is None:
        raise PlannerError("this solution carries no duals: solve an LP, or fix the integers and solve that LP")
    return dual_residuals(as_arrays(problem), solution.values, solution.duals, solution.reduced_costs)


def dual_residuals(
    arrays: ModelArrays, values: FloatArray, duals: FloatArray, reduced_costs: FloatArray
) -> DualResiduals:
    """As `verify_duals`, on plain arrays."""
    sense = -1.0 if arrays.maximise else 1.0
    objective = float(arrays.cost @ values) + arrays.offset
    money = max(1.0, abs(objective))
    stationarity = np.abs(arrays.cost - arrays.matrix.T @ duals - reduced_costs) / np.maximum(1.0, np.abs(arrays.cost))
    dual_objective, sign, complementarity = arrays.offset, 0.0, 0.0
    for price, activity, lower, upper in (
        (duals, arrays.matrix @ values, arrays.row_lower, arrays.row_upper),
        (reduced_costs, values, arrays.col_lower, arrays.col_upper),
    ):
        # of a minimisation, a positive price pushes against the lower limit and a negative one against the upper
        limit = np.where(sense * price > 0.0, lower, upper)
        bounded = np.isfinite(limit)
        sign = max(sign, _largest(np.abs(price[~bounded])))
        dual_objective += float(price[bounded] @ limit[bounded])
        idle = activity[bounded] - limit[bounded]
        complementarity = max(complementarity, _largest(np.abs(price[bounded] * idle)))
    return DualResiduals(
        stationarity=_largest(stationarity),
        sign=sign / max(1.0, _largest(np.abs(arrays.cost))),
        complementarity=complementarity / money,
        strong_duality=abs(objective - dual_objective) / money,
        dual_objective=dual_objective,
    )


def cleaned(arrays: ModelArrays, values: FloatArray) -> FloatArray:
    """Levels with integers rounded, dust set to zero and overshoot of bounds up to TOLERANCE cut off, (columns,)."""
    x = np.where(arrays.integer, np.round(values), values)
    clipped = np.clip(x, arrays.col_lower, arrays.col_upper)
    x = np.where(np.abs(clipped - x) <= TOLERANCE * np.maximum(1.0, np.abs(x)), clipped, x)
    dust = (np.abs(x) <= DUST) & (arrays.col_lower <= 0.0) & (arrays.col_upper >= 0.0)
    return np.where(dust, 0.0, x)


def checked(
    arrays: ModelArrays, claim: Claim, *, gap: float, tolerance: float = TOLERANCE, digits: float = 0.0
) -> Solution:
    """The solution behind a claim: levels cleaned once, re-checked on all rows, objective recomputed from them.

    A claim of optimality whose levels break a limit, or whose objective is not what the solver said, becomes ERROR;
    one that is not proven to `gap`, or whose duals contradict it, becomes FEASIBLE. A limit with levels that break the
    model becomes TIME_LIMIT.
    """
    if not claim.status.has_values:
        return _without_values(arrays, claim, claim.status, claim.message)
    failed = Status.ERROR if claim.status is Status.OPTIMAL else Status.TIME_LIMIT
    if claim.values is None or not np.isfinite(claim.values).all():
        return _without_values(arrays, claim, failed, _join(claim.message, "it returned no usable levels"))
    x = cleaned(arrays, claim.values)
    broken = verify(arrays, x, digits=digits)
    if not broken.within(tolerance):
        why = f"the levels break the model at {broken.place} by {broken.worst:.2g} (relative to its limit)"
        return _without_values(arrays, claim, failed, _join(claim.message, why))
    objective = float(arrays.cost @ x) + arrays.offset
    turnover = max(1.0, float(np.abs(arrays.cost) @ np.abs(x)))
    if claim.objective is not None and abs(claim.objective - objective) > max(tolerance, digits) * turnover:
        why = f"the solver's objective is {claim.objective:.10g}, its levels give {objective:.10g}"
        return _without_values(arrays, claim, Status.ERROR, _join(claim.message, why))
    duals, reduced_costs, bound, message = _proof(arrays, claim, x, tolerance=tolerance)
    disproved = claim.basic and claim.duals is not None and duals is None and not arrays.is_mip
    beyond = -1.0 if arrays.maximise else 1.0
    if bound is not None and beyond * (bound - objective) > 0.0:
        if beyond * (bound - objective) > max(tolerance, digits) * turnover:
            why = f"the answer {objective:.10g} is better than the solver's own bound {bound:.10g}"
            return _without_values(arrays, claim, Status.ERROR, _join(message, why))
        bound = objective
    status, found = claim.status, None
    if bound is not None:
        away = abs(bound - objective)
        found = away / max(abs(objective), 1e-10)
        rounding = _ABSOLUTE_GAP if arrays.is_mip else tolerance * max(1.0, abs(objective))
        status = Status.OPTIMAL if found <= gap or away <= rounding else Status.FEASIBLE
    elif disproved:
        status = Status.FEASIBLE
    return Solution(
        status=status,
        arrays=arrays,
        objective=objective,
        bound=bound,
        gap=found,
        values=x,
        duals=duals,
        reduced_costs=reduced_costs,
        basic=claim.basic,
        seconds=claim.seconds,
        solver=claim.solver,
        iterations=claim.iterations,
        nodes=claim.nodes,
        message=message,
        interrupted=claim.interrupted,
    )


def decided(feasibility: Callable[[ModelArrays], Solution], arrays: ModelArrays) -> tuple[Status, str]:
    """UNBOUNDED or INFEASIBLE, for a model of which a solver only says that it is one of the two.

    Solved without its objective a model cannot be unbounded: if that has an answer, the objective was at fault.
    feasibility: solves a model.
    """
    plain = feasibility(arrays.without_objective())
    if plain.status.has_values:
        return Status.UNBOUNDED, ""
    if plain.status is Status.INFEASIBLE:
        return Status.INFEASIBLE, ""
    return plain.status, "either infeasible or unbounded, which of the two could not be settled"


def contradiction(arrays: ModelArrays) -> str:
    """What makes a model infeasible on its face: a lower bound above the upper one; empty if there is none."""
    crossed = np.flatnonzero(arrays.col_lower > arrays.col_upper)
    if crossed.size == 0:
        return ""
    j = int(crossed[0])
    lower, upper = arrays.col_lower[j], arrays.col_upper[j]
    return f"{arrays.name_of_column(j)} has lower bound {lower:g} above upper bound {upper:g}"


def _proof(
    arrays: ModelArrays, claim: Claim, x: FloatArray, *, tolerance: float
) -> tuple[FloatArray | None, FloatArray | None, float | None, str]:
    """Duals worth showing, the bound, and the message; an LP's bound is its dual objective."""
    if arrays.is_mip:
        return None, None, claim.bound, claim.message
    if claim.status is not Status.OPTIMAL or claim.duals is None or claim.reduced_costs is None:
        return None, None, None, claim.message
    if not claim.basic:
        return None, None, None, _join(claim.message, "no duals: the solution is not basic")
    residuals = dual_residuals(arrays, x, claim.duals, claim.reduced_costs)
    if not residuals.within(tolerance):
        why = f"not proven: its duals fail the check ({residuals.failing(tolerance)})"
        return None, None, None, _join(claim.message, why)
    return claim.duals + 0.0, claim.reduced_costs + 0.0, residuals.dual_objective, claim.message


def _without_values(arrays: ModelArrays, claim: Claim, status: Status, message: str) -> Solution:
    return Solution(
        status=status,
        arrays=arrays,
        objective=None,
        bound=claim.bound if status is Status.TIME_LIMIT else None,
        gap=None,
        values=None,
        duals=None,
        reduced_costs=None,
        basic=False,
        seconds=claim.seconds,
        solver=claim.solver,
        iterations=claim.iterations,
        nodes=claim.nodes,
        message=message,
    )


def _outside(activity: FloatArray, lower: FloatArray, upper: FloatArray) -> FloatArray:
    return np.maximum(np.maximum(lower - activity, activity - upper), 0.0)


def _size(lower: FloatArray, upper: FloatArray) -> FloatArray:
    finite = [np.where(np.isfinite(limit), np.abs(limit), 0.0) for limit in (lower, upper)]
    return np.maximum(1.0, np.maximum(*finite))


def _largest(numbers: FloatArray) -> float:
    return float(numbers.max()) if numbers.size else 0.0


def _join(*parts: str) -> str:
    return "; ".join(part for part in parts if part)
