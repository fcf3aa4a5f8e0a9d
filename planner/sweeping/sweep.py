"""A sweep: one thing or two varied over a range, or the named stresses; at each point the plan held and the plan
redone.

The held plan is the base plan's portfolio valued in the changed case, with the limits that it breaks there. The plan
redone
knows the change from the start: what the difference would be worth to foresight, not what could be saved once the
change shows. Every point begins from the base plan and from nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from kernels.blas_threads import one_blas_thread
from kernels.pieces import usable_cores
from planner.case.case import Case
from planner.case.edits import changed_case
from planner.case.read import as_case
from planner.choices import chosen_around
from planner.errors import PlannerError
from planner.planning.options import LISTS, PlanOptions
from planner.planning.plan import Plan
from planner.solver.solvers import make_solver
from planner.sweeping.axes import Axis, Point, parse_axis, points_of, stress_axis
from planner.sweeping.base_plan import BasePlan, base_of, plain, solve_base
from planner.sweeping.journal import Journal, question
from planner.sweeping.point import Outcome
from planner.sweeping.result import Sweep, SweepOptions
from planner.sweeping.sweep_folder import refuse_other_sweeps, write_sweep
from planner.sweeping.tables import Found
from planner.sweeping.workers import Job, Refused, Workers, worked_here

Progress = Callable[[int, int, str], None]
"""Called with points done, points in all, and what is being done."""


@one_blas_thread()
def sweep(
    case: Case | str | Path | Plan, options: SweepOptions | None = None, *, out: str | Path | None = None,
    resume: bool = False, force: bool = False,
    progress: Progress | None = None, **choices: object,
) -> Sweep:
    """Vary a case, or a plan's case; `choices` are fields of `SweepOptions` and `PlanOptions`, for short calls.

    out: a folder for the tables. While the sweep runs, every point that is done is kept beside it, and `resume`
    goes on with an interrupted one. Ctrl-C ends the sweep with what is done. Raises PlannerError for what cannot be
    varied.

    >>> import planner
    >>> found = planner.sweep("fixtures/tiny", vary="lease_rate=0.9,1.1", workers=1)
    >>> found.table["redone_status"].tolist()
    ['optimal', 'optimal']
    """
    chosen = _options(case, options, choices)
    began = time.perf_counter()
    make_solver(chosen.plan.solver)
    given = case if isinstance(case, Plan) else None
    standing = (
        case.case if isinstance(case, Plan) else changed_case(as_case(case), chosen.plan.edits, chosen.plan.stress)
    )
    axes = (
        *(parse_axis(standing, written) for written in chosen.vary),
        *((stress_axis(standing),) if chosen.stresses else ()),
    )
    points = points_of(axes)
    _check_values(standing, axes)
    job = Job(standing, plain(chosen.plan), chosen.cold)
    journal = None if out is None else _opened(Path(out), question(job, points), resume=resume, force=force)
    run = _Run(job, points, journal, progress or (lambda done, of, what: None), chosen.scheduler)
    workers = min(chosen.workers or usable_cores(), len(points))
    try:
        base, found, interrupted = run.all(given, workers)
    finally:
        if journal is not None and journal.base() is None:
            journal.end()  # nothing was done yet, so there is nothing to go on with
    result = Sweep(standing, chosen, axes, points, base, found, interrupted, workers, time.perf_counter() - began)
    if out is not None and journal is not None and not interrupted:
        write_sweep(result, out, force=force)
        journal.end()
    return result


def _check_values(case: Case, axes: Sequence[Axis]) -> None:
    """Refuse a value that changes nothing known or leaves a case that does not hold together, before anything is
    solved."""
    for axis in axes:
        for value, edits in zip(axis.values, axis.edits, strict=True):
            changed_case(case, edits, value if axis.stressed else None)


def _opened(out: Path, asked: str, *, resume: bool, force: bool) -> Journal:
    refuse_other_sweeps(out, force=force)
    journal = Journal(out, asked)
    journal.begin(resume=resume, force=force)
    return journal


@dataclass
class _Run:
    """A sweep while it runs."""

    job: Job
    points: tuple[Point, ...]
    journal: Journal | None
    progress: Progress
    scheduler: str | None = None
    found: dict[int, Outcome | Refused] = field(default_factory=dict)

    def all(self, given: Plan | None, workers: int) -> tuple[BasePlan, Found, bool]:
        """Plan the base, then every point that is not kept already; the last value says whether Ctrl-C came first."""
        if self.journal is not None:
            self.found.update({one.number: one for one in self.journal.done()})
        left = [point for point in self.points if point.number not in self.found]
        self._say("planning the base case")
        # Workers make their candidates while the base plan is solved.
        with self._helpers(workers, left) as helpers:
            base = self._base(given)
            try:
                outcomes: Iterator[Outcome | Refused] = (
                    worked_here(self.job, base, left) if helpers is None else helpers.outcomes(base, left)
                )
                with closing(outcomes):  # type: ignore[type-var]  # both are generators
                    self._say("planning")
                    for outcome in outcomes:
                        self.found[outcome.number] = outcome
                        if self.journal is not None:
                            self.journal.keep(outcome)
                        self._say("planning")
            except KeyboardInterrupt:
                return base, self.found, True
        return base, self.found, False

    def _helpers(self, workers: int, left: Sequence[Point]) -> Any:
        """Who finds the points: workers of a scheduler, processes, or (None) this process alone."""
        if self.scheduler is not None:
            from planner.sweeping.points_on_dask import PointsOnDask

            return PointsOnDask(self.job, self.scheduler, question(self.job, self.points))
        return Workers(self.job, workers) if workers > 1 and len(left) > 1 else nullcontext()

    def _base(self, given: Plan | None) -> BasePlan:
        kept = None if self.journal is None else self.journal.base()
        if kept is not None:
            return kept
        base = self._solved() if given is None else base_of(given)
        if self.journal is not None:
            self.journal.keep_base(base)
        return base

    def _solved(self) -> BasePlan:
        began = time.perf_counter()
        candidates = self.job.options.candidates(self.job.case)
        return solve_base(candidates, self.job.options, time.perf_counter() - began)

    def _say(self, what: str) -> None:
        self.progress(len(self.found), len(self.points), what)


def _options(case: Case | str | Path | Plan, options: SweepOptions | None, choices: dict[str, object]) -> SweepOptions:
    options = chosen_around(SweepOptions, "plan", PlanOptions, options, choices, verb="sweep", lists=("vary", *LISTS))
    if isinstance(case, Plan):
        if options.plan != PlanOptions():
            raise PlannerError("a plan brings its own options; sweep its case to give others")
        options = replace(options, plan=case.options)
    if not options.vary and not options.stresses:
        raise PlannerError("nothing is varied; give vary='NAME=low:high:count', or stresses=True")
    return options
