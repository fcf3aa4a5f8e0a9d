"""The plan of the case as it stands, from which every point of a sweep begins."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.formulation.allocate import Allocation, allocate
from planner.formulation.starts import integers_by_name
from planner.planning.options import PlanOptions
from planner.planning.plan import Plan
from planner.plans.footprint import Footprint, footprint


@dataclass(frozen=True, eq=False)
class BasePlan:
    """What the points need of the base plan; it can be sent to another process or written down.

    levels: of all candidates, None where there is no plan. whole: its whole decisions by the name of their column.
    objective_usd, bound_usd as in an allocation. solver_seconds: of its solve from scratch.
    """

    status: str
    message: str
    levels: Floats | None
    objective_usd: float | None
    bound_usd: float | None
    integers: Mapping[str, float]
    footprint: Footprint
    solver_seconds: float
    seconds: float


def solve_base(candidates: CandidateSet, options: PlanOptions, seconds: float) -> BasePlan:
    """Plan the base case from scratch. seconds: what its candidates took."""
    return _noted(candidates, uninterrupted(allocate(candidates, options.solver)), seconds)


def uninterrupted(found: Allocation) -> Allocation:
    """The same; Ctrl-C, after which a solve still has an answer, ends what asked for it."""
    if found.solution.interrupted:
        raise KeyboardInterrupt
    return found


def base_of(plan: Plan) -> BasePlan:
    """The base plan that is made already."""
    return _noted(plan.candidates, plan.allocation_result, plan.seconds.get("candidates", 0.0))


def _noted(candidates: CandidateSet, found: Allocation, seconds: float) -> BasePlan:
    answer = found.lp if found.lp is not None and found.lp.values is not None else found.solution
    integers = {} if answer.values is None else integers_by_name(found.model.formulation, answer)
    levels = np.zeros(len(candidates)) if found.levels is None else found.levels
    return BasePlan(
        found.status.label, found.message, found.levels, found.objective_usd, found.bound_usd, integers,
        footprint(candidates, levels),
        found.seconds["solve"], seconds + sum(found.seconds.values()),
    )


def plain(options: PlanOptions) -> PlanOptions:
    """The options without what cannot be sent to another process, and without changes of the case, which are made
    already."""
    return replace(options, edits=(), stress=None, solver=replace(options.solver, progress=None, log=None))
