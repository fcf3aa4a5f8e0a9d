"""Planning again with all decisions free, near a plan that is known.

Blocks of power, whole phases and dates change which decisions are right, so no price of the fixed plan answers for
them. What the fixed plan
makes of the change is a plan already: the search has only to look for something better, and is closed where nothing
can be better by more than the gap.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.formulation.allocate import Allocation
from planner.formulation.formulation import make_formulation
from planner.formulation.model import make_model
from planner.pricing.deadline import Deadline
from planner.pricing.places import Places
from planner.solver.changes import Changes
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import FloatArray, ModelArrays, model_arrays
from planner.solver.options import SolverOptions
from planner.solver.solution import Solution
from planner.solver.solvers import mip_solver
from planner.solver.status import Status


@dataclass(frozen=True)
class Found:
    """NPV of a plan that was found, and one that no plan can beat, both in dollars."""

    npv_usd: float
    at_most_usd: float


@dataclass(frozen=True)
class FreePlan:
    """The model of a candidate set, with a plan for it. levels: of the candidates in the plan, shape (candidates,)."""

    arrays: ModelArrays
    places: Places
    levels: Floats
    options: SolverOptions
    deadline: Deadline

    @staticmethod
    def of(
        candidates: CandidateSet, levels: Floats, options: SolverOptions, deadline: Deadline, *, limits_rise: bool
    ) -> FreePlan:
        """The model of a candidate set. limits_rise: with the candidates that no plan can use under the limits as they
        are."""
        model = make_model(make_formulation(candidates, keep_all=limits_rise), relax=options.relax)
        arrays = model_arrays(model.problem, variables=model.variables, relax=options.relax)
        return FreePlan(arrays, Places(model), levels, options, deadline)

    def with_decisions(self, changes: Changes | None = None) -> Found | None:
        """The best plan that keeps the decisions of the plan, where the changes leave them possible; None where there
        is none."""
        fixed = self._held(self._changed(changes))
        return (
            None if fixed is None or fixed.objective is None
            else Found(self._usd(fixed.objective), self._usd(fixed.objective))
        )

    def again(self, changes: Changes | None = None) -> Found | None:
        """The best plan after some changes; None where none is possible, or none was found in time."""
        changed = self._changed(changes)
        fixed = self._held(changed)
        if self.deadline.passed:
            return None
        start = None if fixed is None or not changed.is_mip else fixed.values
        options = replace(
            self.options, solver="highs", time_limit_s=self.deadline.left, start=start, progress=None, log=None
        )
        solution = mip_solver(options).solve_arrays(changed)
        if solution.objective is None:
            return None
        bound = (
            solution.objective + self.options.gap * abs(solution.objective) if solution.bound is None
            else solution.bound
        )
        return Found(self._usd(solution.objective), self._usd(max(bound, solution.objective)))

    def _usd(self, value: float) -> float:
        return self.places.model.usd(value)

    def _changed(self, changes: Changes | None) -> ModelArrays:
        return self.arrays if changes is None else changes.applied(self.arrays)

    def _held(self, arrays: ModelArrays) -> Solution | None:
        """The plan's decisions fixed; those that the changes move take the level nearest to the plan's. None where that
        is not possible."""
        near = np.clip(self._columns(), arrays.col_lower, arrays.col_upper)
        fixed = arrays.with_integers_fixed(np.where(arrays.integer, near, 0.0)) if arrays.is_mip else arrays
        found = HighsSolver(SolverOptions(time_limit_s=self.deadline.left)).solve_arrays(fixed)
        return found if found.status is Status.OPTIMAL else None

    def _columns(self) -> FloatArray:
        """Levels of the plan's decisions by column; other columns are zero."""
        formulation = self.places.model.formulation
        levels = np.zeros(self.arrays.columns)
        first = len(formulation.candidate)
        levels[:first] = self.levels[formulation.candidate] / formulation.unit[:first]
        return levels


def levels_by_name(plan: CandidateSet, allocation: Allocation, other: CandidateSet) -> Floats:
    """Levels of a plan for the candidates of another set, matched by their ids; what the plan has not is zero.

    A site that the plan opens in a month that the other set does not have is opened in the last one before it, or in
    the first.
    """
    assert allocation.levels is not None
    known = dict(zip(plan.table["candidate_id"], allocation.levels, strict=True))
    levels = np.array([known.get(name, 0.0) for name in other.table["candidate_id"]], dtype=np.float64)
    opened = plan.table[(plan.table["kind"] == Kind.OPEN).to_numpy() & (allocation.levels > 0.5)]
    for site_id, month in zip(opened["site_id"], opened["from_month"], strict=True):
        ways = other.table[(other.table["kind"] == Kind.OPEN) & (other.table["site_id"] == site_id)]
        if len(ways) and not levels[ways.index].any():
            before = ways.index[ways["from_month"] <= month]
            levels[before[-1] if len(before) else ways.index[0]] = 1.0
    return levels
