"""One point of a sweep: the plan held in the changed case, and the plan redone there with foresight."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.case.case import Case
from planner.case.edits import changed_case
from planner.formulation.allocate import allocate
from planner.planning.options import PlanOptions
from planner.plans.footprint import Footprint, footprint
from planner.sweeping.axes import Point
from planner.sweeping.base_plan import BasePlan, uninterrupted
from planner.sweeping.held import Held, held_plan


@dataclass(frozen=True, eq=False)
class Outcome:
    """What was found at a point.

    status, objective_usd, bound_usd: of the plan redone. ids, levels, unit_npv: of the candidates of the changed case,
    in order, shape (N,); levels are 0 without a plan. warm: the base plan's whole decisions were the answer to beat.
    solver_seconds: of the plan redone. seconds: of the point, all in all.
    """

    number: int
    held: Held
    status: str
    message: str
    exit_code: int
    objective_usd: float | None
    bound_usd: float | None
    footprint: Footprint
    ids: tuple[str, ...]
    levels: Floats
    unit_npv: Floats
    warm: bool
    solver_seconds: float
    seconds: float


def outcome_at(
    point: Point, case: Case, options: PlanOptions, base: BasePlan, candidates: CandidateSet, *, cold: bool
) -> Outcome:
    """Value the base plan at a point and redo it there. candidates: of the base case. cold: begin from nothing.

    Raises CaseError where the changed case does not hold together.
    """
    began = time.perf_counter()
    changed = changed_case(case, point.edits, point.stress)
    anew = options.candidates(changed)
    held = held_plan(candidates, base.levels, anew, options)
    # Only HiGHS takes a start; another solver begins from nothing.
    warm = bool(base.integers) and not cold and options.solver.solver == "highs" and not options.solver.relax
    found = uninterrupted(allocate(anew, options.solver, integers=base.integers if warm else None, priced=False))
    levels = np.zeros(len(anew)) if found.levels is None else found.levels
    return Outcome(
        point.number, held, found.status.label, found.message, found.status.exit_code, found.objective_usd,
        found.bound_usd,
        footprint(anew, levels), tuple(anew.table["candidate_id"]), levels, anew.npv_usd, warm,
        found.seconds["solve"], time.perf_counter() - began,
    )
