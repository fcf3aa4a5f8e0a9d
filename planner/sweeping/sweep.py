"""A sweep: one thing or two varied over a range, or the named stresses; at each point the plan held and the plan
redone.

The held plan is the base plan's portfolio valued in the changed case, with the limits that it breaks there. The plan
redone
knows the change from the start: what the difference would be worth to foresight, not what could be saved once the
change shows. Every point begins from the base plan and from nothing else.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Sequence
from contextlib import AbstractContextManager, closing, nullcontext
from dataclasses import dataclass, field, replace
from pathlib import Path

from kernels.blas_threads import one_blas_thread
from kernels.pieces import usable_cores
from planner.case.case import Case
from planner.case.edits import changed_case
from planner.case.read import as_case
from planner.choices import chosen_around
from planner.errors import PlannerError
from planner.parallel.dask_workers import on_scheduler
from planner.parallel.processes import Processes
from planner.planning.options import LISTS, PlanOptions
from planner.planning.plan import Plan
from planner.solver.branch_and_bound.tightening import remembered
from planner.solver.solvers import make_solver
from planner.storage.journal import Journal, begin_journal
from planner.sweeping.axes import Axis, Point, parse_axis, points_of, stress_axis
from planner.sweeping.base_plan import BasePlan, base_of, plain, solve_base
from planner.sweeping.kept import asked_of, hash_of, keep_base, keep_outcome, kept_base, kept_outcomes
from planner.sweeping.point import Outcome
from planner.sweeping.points import Job, Known, Points, PointWork, Refused
from planner.sweeping.result import Sweep, SweepOptions
from planner.sweeping.sweep_folder import RECORD, write_sweep
from planner.sweeping.tables import Found

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
    journal = None if out is None else begin_journal(
        str(out), asked_of(job, points), resume=resume, force=force, what="sweep", record=RECORD
    )
    run = _Run(job, points, journal, progress or (lambda done, of, what: None), chosen.scheduler)
    workers = min(chosen.workers or usable_cores(), len(points))
    try:
        base, found, interrupted = run.all(given, workers)
    finally:
        if journal is not None and kept_base(journal) is None:
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
            self.found.update({one.number: one for one in kept_outcomes(self.journal)})
        left = [point for point in self.points if point.number not in self.found]
        self._say("planning the base case")
        # Workers make their candidates while the base plan is solved.
        with self._processes(workers, left) as processes:
            base = self._base(given)
            try:
                with closing(self._outcomes(Known(base, remembered()), left, processes)) as outcomes:
                    self._say("planning")
                    for outcome in outcomes:
                        self.found[outcome.number] = outcome
                        if self.journal is not None:
                            keep_outcome(self.journal, outcome)
                        self._say("planning")
            except KeyboardInterrupt:
                return base, self.found, True
        return base, self.found, False

    def _processes(self, workers: int, left: Sequence[Point]) -> AbstractContextManager[Processes | None]:
        """Processes that find the points; none where a scheduler has workers, or this process works alone."""
        if self.scheduler is not None or workers < 2 or len(left) < 2:
            return nullcontext()
        options = replace(self.job.options, solver=replace(self.job.options.solver, beside=True))
        return Processes(self._work(replace(self.job, options=options)), workers)

    def _work(self, job: Job, known: Known | None = None) -> PointWork:
        return PointWork(job, hash_of(asked_of(self.job, self.points)), known)

    def _outcomes(
        self, known: Known, left: Sequence[Point], processes: Processes | None
    ) -> Generator[Outcome | Refused]:
        """The outcomes of points as they come, in no order."""
        if processes is not None:
            yield from processes.results(left, known)
        elif self.scheduler is not None:
            yield from on_scheduler(self._work(self.job, known), left, self.scheduler)
        else:
            yield from map(Points(self.job, known), left)

    def _base(self, given: Plan | None) -> BasePlan:
        kept = None if self.journal is None else kept_base(self.journal)
        if kept is not None:
            return kept
        base = self._solved() if given is None else base_of(given)
        if self.journal is not None:
            keep_base(self.journal, base)
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
