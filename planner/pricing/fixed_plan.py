"""The plan's linear programme with integers fixed, kept warm for many small questions.

A question changes a few limits, so its answer lies some dual simplex steps from the plan's own basis. What then costs
time is not
the steps but setting out: steepest-edge weights of a basis that was handed in cost a solve for each row. Devex
weights begin at one, and a question costs a sixth of what it did. Every question starts from the plan's basis, so that
answers do not depend on what was asked before.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from planner.errors import PlannerError
from planner.pricing.deadline import Deadline
from planner.pricing.directions import Direction
from planner.pricing.linear_piece import Point, Price, first_piece
from planner.solver.changes import Changes
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import FloatArray, IntArray, ModelArrays
from planner.solver.options import SolverOptions

DEVEX = 1
PRECISE = 1e-9
"""Feasibility tolerances: differences of a millionth of the NPV have to mean something."""
DUST = 1e-12
"""A price below this is none, in units of the model's money for a unit of what is priced."""
NOISE = 2e-10
"""Relative to the worth of the plan: what the tolerances leave of two equal solves."""


@dataclass
class FixedPlan:
    """A solved linear programme that answers what changes of its limits are worth.

    worth: greater is better, whatever the sense of the model, in its own units. money: dollars of one of them; duals
    and prices that are asked for come in dollars.
    duals, reduced_costs: of a basic optimal solution that passed feasibility, signs, complementarity and strong
    duality.
    solves: questions answered by a solve so far.
    """

    solver: HighsSolver
    basis: Any
    arrays: ModelArrays
    worth: float
    levels: FloatArray
    duals: FloatArray
    reduced_costs: FloatArray
    deadline: Deadline
    money: float = 1.0
    solves: int = field(default=0)

    @staticmethod
    def of(
        arrays: ModelArrays, deadline: Deadline | None = None, *, basis: Any = None, money: float = 1.0
    ) -> FixedPlan | None:
        """Solve the programme once to a vertex; None if the time runs out before. Raises PlannerError if its duals
        prove nothing.

        basis: of an earlier solve of the same programme, to start from.
        """
        until = deadline or Deadline()
        precise = {"primal_feasibility_tolerance": PRECISE, "dual_feasibility_tolerance": PRECISE}
        extra = {"simplex_dual_edge_weight_strategy": DEVEX, **precise}
        solver = HighsSolver(SolverOptions(time_limit_s=until.left, extra=extra))
        found = solver.solve_arrays(arrays, basis=basis)
        if found.objective is None or found.values is None or found.duals is None or found.reduced_costs is None:
            if until.passed:
                return None
            raise PlannerError(f"the plan's linear programme has no proven prices: {found.status}")
        worth = found.objective if arrays.maximise else -found.objective
        return FixedPlan(
            solver, solver.basis(), arrays, worth, found.values, found.duals, found.reduced_costs, until, money
        )

    def worth_after(self, changes: Changes) -> tuple[float, FloatArray, FloatArray] | None:
        """Worth, duals and reduced costs after some changes, which are undone; None where no plan is left, or no
        time."""
        if self.deadline.passed:
            return None
        found = self.solver.resolve(changes, basis=self.basis, undo=True, time_limit_s=self.deadline.left)
        self.solves += 1
        if found.objective is None or found.duals is None or found.reduced_costs is None:
            return None
        return (found.objective if self.arrays.maximise else -found.objective), found.duals, found.reduced_costs

    def dual(self, direction: Direction) -> float:
        """Worth of one unit by the duals of the plan: between what one more brings and what one less costs."""
        return self._usd(self._slope(direction))

    def _slope(self, direction: Direction) -> float:
        return direction.slope(self.arrays, self.duals, self.reduced_costs)

    def _usd(self, worth: float) -> float:
        """Worth as dollars; what is left of equal solves is nothing."""
        return 0.0 if abs(worth) <= DUST else worth * self.money

    def dual_between(self, more: Direction, less: Direction | None) -> float:
        """The dual of one direction, where it has to lie between what more of it brings and what less of it costs.

        NaN where less of it moves other limits: the dual of these says nothing about those.
        """
        apart = less is not None and not less.empty and not np.isin(more.rows, less.rows).all()
        return float("nan") if apart else self.dual(more)

    def price(self, direction: Direction, step: float, *, most: float | None = None) -> Price | None:
        """What a unit in that direction brings (negative: what it costs), see `first_piece`; None where nothing is
        possible there."""
        slope = self._slope(direction)
        if slope <= 0.0 and self._relaxes(direction):
            return Price(0.0, step if most is None else max(step, most), step, 0.0)
        return self.price_along(lambda amount: direction.by(amount, self.arrays), direction, slope, step, most=most)

    def price_along(
        self, changes: Callable[[float], Changes], direction: Direction, slope: float, step: float, *,
        most: float | None = None
    ) -> Price | None:
        """The same for changes that begin where the plan does not touch the limits yet.

        slope: what a unit is worth at most; 0 where less of what is not used costs nothing at first.
        """

        def worth(amount: float) -> Point | None:
            found = self.worth_after(changes(amount))
            return None if found is None else Point(amount, found[0], direction.slope(self.arrays, found[1], found[2]))

        found = first_piece(
            worth, Point(0.0, self.worth, slope), step, most=most, noise=NOISE * max(abs(self.worth), 1.0)
        )
        return found and replace(found, per_unit=self._usd(found.per_unit), over_step=self._usd(found.over_step))

    def provided(self, rows: IntArray) -> FloatArray:
        """What the plan's own decisions and the limit itself provide in each row, in the units of the row, (k,)."""
        matrix = self.arrays.matrix[rows]
        given: FloatArray = self.arrays.row_upper[rows] - matrix.minimum(0.0) @ self.levels
        return given

    def _relaxes(self, direction: Direction) -> bool:
        """Whether the direction only widens limits: then it costs nothing, and without a price it brings nothing."""
        rows = direction.rows
        lower = np.isfinite(self.arrays.row_lower[rows])
        upper = np.isfinite(self.arrays.row_upper[rows])
        wider = (upper & ~lower & (direction.row_change >= 0.0)) | (lower & ~upper & (direction.row_change <= 0.0))
        return bool(wider.all() and (direction.column_change >= 0.0).all())
