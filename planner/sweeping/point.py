"""One point of a sweep: the plan held in the changed case, and the plan redone there with foresight."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from planner.allocator.allocate import allocate
from planner.candidates.build import CandidateSet
from planner.candidates.outlook import Floats
from planner.candidates.restated import restate
from planner.case.case import Case
from planner.case.edits import changed_case
from planner.case.faults import PlannerError
from planner.planning import PlanOptions
from planner.sweeping.axes import Point
from planner.sweeping.base_plan import BasePlan, candidates_of, uninterrupted
from planner.sweeping.footprint import Footprint, footprint

BROKEN = 1e-6
"""Breach of a limit that counts as none, relative to the size of the row."""


@dataclass(frozen=True)
class Broken:
    """A limit that the held plan breaks in the changed case: the worst of its months, and by how much, in its own unit."""

    family: str
    name: str
    month: str
    used: float
    limit: float


@dataclass(frozen=True)
class Held:
    """The base plan in the changed case. npv_usd is None, with the reason, where it cannot be had there at all."""

    npv_usd: float | None
    why_not: str
    broken: tuple[Broken, ...]


@dataclass(frozen=True, eq=False)
class Outcome:
    """What was found at a point.

    status, objective_usd, bound_usd: of the plan redone. ids, levels, unit_npv: of the candidates of the changed case, in
    order, shape (N,); levels are 0 without a plan. warm: the base plan's whole decisions were the answer to beat.
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


def outcome_at(point: Point, case: Case, options: PlanOptions, base: BasePlan, candidates: CandidateSet, *, cold: bool) -> Outcome:
    """Value the base plan at a point and redo it there. candidates: of the base case. cold: begin from nothing.

    Raises CaseError where the changed case does not hold together.
    """
    began = time.perf_counter()
    changed = changed_case(case, point.edits, point.stress)
    anew = candidates_of(changed, options)
    held = held_plan(candidates, base.levels, anew, options)
    # Only HiGHS takes a start; another solver begins from nothing.
    warm = bool(base.whole) and not cold and options.solver.solver == "highs" and not options.solver.relax
    found = uninterrupted(allocate(anew, options.solver, whole=base.whole if warm else None, priced=False))
    levels = np.zeros(len(anew)) if found.levels is None else found.levels
    return Outcome(
        point.number, held, found.status.label, found.message, found.status.exit_code, found.objective_usd, found.bound_usd,
        footprint(anew, levels), tuple(anew.table["candidate_id"]), levels, anew.npv_usd, warm,
        found.seconds["solve"], time.perf_counter() - began,
    )


def held_plan(candidates: CandidateSet, levels: Floats | None, anew: CandidateSet, options: PlanOptions) -> Held:
    """The NPV of a plan that stands in a changed case, and the limits that it breaks there, the worst of each first.

    candidates: those of the plan. anew: those of the changed case, planned anew.
    """
    if levels is None:
        return Held(None, "there is no base plan", ())
    if same_dates(candidates, anew):
        return Held(float(anew.npv_usd @ levels), "", tuple(_broken(anew, levels)))
    try:
        there = restate(candidates, anew.outlook.case, levels=levels, equity=options.equity)
    except PlannerError as error:
        return Held(None, str(error), ())
    return Held(float(there.npv_usd @ levels), "", tuple(_broken(there, levels)))


def same_dates(candidates: CandidateSet, anew: CandidateSet) -> bool:
    """Whether a changed case has the same candidates at the same dates, so that levels mean the same without restating them."""
    before, after = candidates.outlook, anew.outlook
    renewals = (outlook.case.tables["leases"]["renewal_probability"] for outlook in (before, after))
    return (
        len(candidates) == len(anew)
        and before.calendar == after.calendar
        and all(np.array_equal(getattr(before, name), getattr(after, name)) for name in ("steps", "endings", "energised", "promised"))
        and np.array_equal(*(column.to_numpy(np.float64) for column in renewals))
        and bool((candidates.table["candidate_id"].to_numpy() == anew.table["candidate_id"].to_numpy()).all())
    )


def _broken(candidates: CandidateSet, levels: Floats) -> list[Broken]:
    rows = candidates.rows
    limit = rows.table["limit"].to_numpy(np.float64)
    used = rows.use @ levels
    size = np.maximum(np.maximum(abs(rows.use) @ np.abs(levels), np.abs(limit)), 1.0)
    breach = (used - limit) / size
    found: dict[tuple[str, str], Broken] = {}
    calendar = candidates.outlook.calendar
    for at in np.argsort(-breach, kind="stable"):
        if breach[at] <= BROKEN:
            break
        row = rows.table.iloc[int(at)]
        broken = Broken(str(row["family"]), str(row["name"]), calendar.written(int(row["start"])), float(used[at]), float(limit[at]))
        found.setdefault((broken.family, broken.name), broken)
    table = candidates.table
    for bound, sign in (("lower", -1.0), ("upper", 1.0)):
        limits = table[bound].to_numpy(np.float64)
        beyond = sign * (levels - limits) > BROKEN * np.maximum(1.0, np.abs(np.where(np.isfinite(limits), limits, 0.0)))
        for at in np.flatnonzero(beyond):
            row = table.iloc[int(at)]
            name = f"{'least' if bound == 'lower' else 'most'} of {row['candidate_id']}"
            found.setdefault(("BOUND", name), Broken("BOUND", name, calendar.written(int(row["from_month"])), float(levels[at]), float(limits[at])))
    return list(found.values())
