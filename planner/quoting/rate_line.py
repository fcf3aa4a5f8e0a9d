"""V(r), the best NPV of one linear programme with an inquiry forced in, as its rate r moves, and where V(r) meets a
value.

V grows with the rate. Without a limit on money that follows the rate it is the greatest of affine functions, so convex,
and secant steps from the slope at a point reach the root in as many steps as the way of serving changes:

    dV/dr = (change of costs) . x - (prices of rows) . (change of the matrix) x

by the envelope theorem, the second part where a prepayment or a cash floor follows the rate. Steps stay within a
bracket.

Where every way of serving brings the same for a unit of size, and no limit that follows the rate has a price, the same
plan is best at every rate at which it keeps those limits, so one solve tells them all. What then costs time is to walk
from one basis to the
next: costs are not perturbed, which would send the walk away from the basis that it begins at, and coefficients stay as
they are from size to size, so that the solver keeps its edge weights.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from planner.errors import PlannerError
from planner.quoting.inquiry_model import InquiryProblem, RatePiece
from planner.solver.changes import Changes
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import FloatArray, ModelArrays
from planner.solver.options import SolverOptions
from planner.solver.solution import Solution
from planner.solver.status import Status

MOST_STEPS = 60
EXACT = 1e-10
"""Distance to the value sought, relative to the money in the plan, at which a root is found."""
FARTHEST = 1e7
"""Multiple of the first rate tried beyond which no root is sought."""
KEPT = 1e-9
"""Breach of a limit, relative to what is used of it, that counts as none."""
UNPRICED = 1e-9
"""Price of a limit (in the model's money for its unit) that counts as none."""
LONG_WALK, LONG_WALK_BY_ROW = 500, 0.2
"""Iterations from one basis to the next, or so many for each row if that is more, after which it is quicker to begin
again."""


@dataclass(frozen=True)
class Point:
    """V at a rate: $M, its slope ($M per dollar of rate), and the levels of all columns.

    stays: the same levels are best at any other rate of the piece at which they keep the limits.
    """

    rate: float
    value: float
    slope: float
    levels: FloatArray
    stays: bool

    def at(self, rate: float) -> Point:
        """The same plan at another rate."""
        return replace(self, rate=rate, value=self.value + self.slope * (rate - self.rate))


class RateLine:
    """The linear programme of an inquiry forced in, kept in the solver from rate to rate and from size to size."""

    def __init__(self, problem: InquiryProblem, arrays: ModelArrays, *, basis: Any = None) -> None:
        """arrays: the model with the inquiry forced in, whole decisions held; basis: of a model of the same shape."""
        self.problem, self.arrays, self.basis = problem, arrays, basis
        walk = {
            "dual_simplex_cost_perturbation_multiplier": 0.0,
            "simplex_iteration_limit": max(LONG_WALK, int(LONG_WALK_BY_ROW * arrays.rows)),
        }
        self._solver = HighsSolver(SolverOptions(extra=walk))
        self._points: dict[tuple[int, float], Point | None] = {}
        self._impossible: dict[int, bool] = {}

    def becomes(self, arrays: ModelArrays) -> None:
        """Go on with a model of the same shape: another size, or other limits, nearest those before."""
        self.arrays, self._points, self._impossible = arrays, {}, {}

    def basis_now(self) -> Any:
        """The basis of the last solve, or the one it began from where that had no answer."""
        solution = self._solver.solution
        return self.basis if solution is None or not solution.basic or solution.values is None else self._solver.basis()

    def at(self, piece: RatePiece, rate: float) -> Point | None:
        """V at a rate of a piece; None where the inquiry cannot be served then."""
        if self._impossible.get(id(piece)):
            return None
        key = (id(piece), rate)
        if key not in self._points:
            same = self._same_plan(piece, rate)
            self._points[key] = self._solved(piece, rate) if same is None else same
        return self._points[key]

    def _same_plan(self, piece: RatePiece, rate: float) -> Point | None:
        """V at a rate from a plan that is known to be best there too; None where that has to be solved for."""
        for (known, _), point in self._points.items():
            if (
                known == id(piece) and point is not None and point.stays
                and self._keeps_limits(piece, point.levels, rate)
            ):
                return point.at(rate)
        return None

    def _keeps_limits(self, piece: RatePiece, levels: FloatArray, rate: float) -> bool:
        """Whether levels keep the limits that follow the rate."""
        if piece.matrix_at_zero is None or piece.matrix_slope is None:
            return True
        rows = piece.moved_rows
        used = (piece.matrix_at_zero[rows] + rate * piece.matrix_slope[rows]) @ levels
        slack = KEPT * np.maximum(np.abs(used), 1.0)
        return bool(
            ((used >= self.arrays.row_lower[rows] - slack) & (used <= self.arrays.row_upper[rows] + slack)).all()
        )

    def root(self, piece: RatePiece, value: float, start: float) -> Point | None:
        """The lowest rate of the piece at which V reaches the value, begun from `start`; None where no rate of it does.

        Of a convex V each secant step from the slope lands at the root or above it, so steps come down to it.
        """
        size = start if start > 0.0 else 1.0  # rates are dollars or millionths of them, as the case has it
        low, high = piece.low, min(piece.high, FARTHEST * size)
        tolerance = EXACT * max(abs(value), 1.0)
        above: Point | None = None
        rate = min(max(start, low), high)
        for _ in range(MOST_STEPS):
            point = self.at(piece, rate)
            if point is not None and point.value >= value - tolerance:
                above, high = point, rate
                if point.value <= value + tolerance or rate <= piece.low:
                    return above
            else:
                low = rate
                if rate >= high:
                    return above
            if high - low <= EXACT * max(high, size):
                return above
            step = _step(point, value)
            if step is not None and abs(step - rate) <= EXACT * max(rate, size):
                return above or point
            if step is not None and step <= piece.low and low == piece.low:
                rate = piece.low
            elif step is not None and low < step < high:
                rate = step
            elif above is None:
                rate = min(max(4.0 * rate, size), high)
            else:
                rate = 0.5 * (low + high)
        return above

    def _solved(self, piece: RatePiece, rate: float) -> Point | None:
        solution = self._solution(piece, rate)
        if solution.status is Status.INFEASIBLE:
            if id(piece) not in self._impossible:
                self._impossible[id(piece)] = self._at_no_rate(piece)
            return None
        if solution.values is None or solution.objective is None or solution.duals is None:
            raise PlannerError(
                f"inquiry {self.problem.inquiry.name}: the plan at ${rate:.4f} could not be solved ({solution.status})"
            )
        levels = solution.values
        slope = float(piece.slope @ levels[self.problem.own])
        stays = self.problem.straight(piece)
        if piece.matrix_slope is not None:
            change = piece.matrix_slope @ levels
            slope -= float(solution.duals @ change)
            stays = stays and not np.any(np.abs(solution.duals[piece.moved_rows]) > UNPRICED)
        return Point(rate, solution.objective, slope, levels, stays)

    def _solution(self, piece: RatePiece, rate: float) -> Solution:
        rated = self.problem.rated(self.arrays, piece, rate)
        found = (
            self._solver.solve_arrays(rated, basis=self.basis) if self._solver.arrays is None
            else self._solver.solve_near(rated)
        )
        if found.status in (Status.OPTIMAL, Status.INFEASIBLE):
            return found
        afresh = _afresh(rated)
        assert afresh.solution is not None
        if afresh.solution.values is not None and afresh.solution.basic:
            self._solver.resolve(Changes(), basis=afresh.basis())  # the walk goes on from there
        return afresh.solution

    def _at_no_rate(self, piece: RatePiece) -> bool:
        """Whether what was found infeasible is so at every rate of a piece: no limit that follows the rate has a part
        in the proof."""
        if piece.matrix_slope is None:
            return True
        rows = piece.moved_rows
        solution = self._solver.solution
        if solution is not None and solution.status is Status.INFEASIBLE:
            _, known, ray = self._solver.highs.getDualRay()
            weight = np.abs(np.asarray(ray, dtype=np.float64))
            if known and (weight[rows] <= UNPRICED * weight.max(initial=0.0)).all():
                return True
        lower, upper = self.arrays.row_lower.copy(), self.arrays.row_upper.copy()
        lower[rows], upper[rows] = -np.inf, np.inf
        found = _afresh(replace(self.arrays, row_lower=lower, row_upper=upper)).solution
        return found is not None and found.status is Status.INFEASIBLE


def _afresh(arrays: ModelArrays) -> HighsSolver:
    """A programme solved from nothing."""
    solver = HighsSolver(SolverOptions(extra={"solver": "ipx"}))
    solver.solve_arrays(arrays)
    return solver


def lowest_root(line: RateLine, value: float, start: float) -> Point | None:
    """The lowest rate at which a linear programme reaches a value, piece by piece; None where no rate does."""
    for piece in line.problem.pieces:
        if np.isfinite(piece.high):
            top = line.at(piece, piece.high)
            if top is None or top.value < value:
                continue
        point = line.root(piece, value, start)
        if point is not None:
            return point
    return None


def _step(point: Point | None, value: float) -> float | None:
    """Where the tangent at a point meets the value; None where there is no slope."""
    if point is None or not point.slope > 0.0:
        return None
    return point.rate + (value - point.value) / point.slope


def held(arrays: ModelArrays, levels: FloatArray, free: FloatArray) -> ModelArrays:
    """The model with integers held at levels, those columns left free that `free` marks (an inquiry's own
    decisions)."""
    if not arrays.is_mip:
        return arrays
    whole = arrays.integer & ~free.astype(bool)
    lower, upper = arrays.col_lower.copy(), arrays.col_upper.copy()
    lower[whole] = upper[whole] = np.round(levels[whole])
    return replace(arrays, col_lower=lower, col_upper=upper, integer=arrays.integer & ~whole)
