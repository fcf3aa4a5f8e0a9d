"""Points of a sweep as work for this process, others, or a scheduler: each begins from the base plan and from nothing
else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import ClassVar

from kernels.blas_threads import one_blas_thread
from planner.candidates.build import CandidateSet
from planner.case.case import Case
from planner.errors import CaseError
from planner.planning.options import PlanOptions
from planner.solver.branch_and_bound.tightening import remember
from planner.sweeping.axes import Point
from planner.sweeping.base_plan import BasePlan
from planner.sweeping.point import Outcome, outcome_at


@dataclass(frozen=True)
class Job:
    """What all points share. cold: begin every plan from nothing."""

    case: Case
    options: PlanOptions
    cold: bool = False


@dataclass(frozen=True)
class Refused:
    """Why the case of a point does not hold together, or cannot be planned."""

    number: int
    why: str


@dataclass(frozen=True)
class Known:
    """The base plan, and what was found on the way about the models behind it."""

    base: BasePlan
    tightening: Mapping[bytes, float | None]


class Points:
    """What finds the outcome at a point, from the base plan that it is told."""

    def __init__(self, job: Job, known: Known | None = None) -> None:
        self.job, self._base = job, None if known is None else known.base

    @cached_property
    def candidates(self) -> CandidateSet:
        """Those of the base case, made once."""
        return self.job.options.candidates(self.job.case)

    def told(self, known: Known) -> None:
        """Take the base plan."""
        self._base = known.base
        remember(known.tightening)

    def __call__(self, point: Point) -> Outcome | Refused:
        """The outcome at a point, or why there is none."""
        assert self._base is not None, "the base plan is told before the first point"
        try:
            with one_blas_thread():  # everywhere the same sums in the same order
                return outcome_at(
                    point, self.job.case, self.job.options, self._base, self.candidates, cold=self.job.cold
                )
        except CaseError as error:
            return Refused(point.number, "; ".join(str(fault) for fault in error.faults[:3]))


@dataclass(frozen=True)
class PointWork:
    """What each worker gets (a `parallel.work.Work`): the job of the sweep, and the base plan where it is known by
    then. asked: a hash of case, options and points."""

    job: Job
    asked: str
    known: Known | None = None
    noun: ClassVar[str] = "point"

    @property
    def name(self) -> str:
        """What tells it apart on a scheduler that has several."""
        return f"planner-sweep-{self.asked[:24]}"

    def opened(self, threads: int) -> Points:
        """What finds the outcome at a point; the base candidates are made now, while others plan the base case."""
        points = Points(self.job, self.known)
        _ = points.candidates
        return points
