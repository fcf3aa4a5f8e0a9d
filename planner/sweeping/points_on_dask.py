"""Points of a sweep on Dask: the case and the base plan go to each worker once, a task is one point."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from dataclasses import dataclass, field
from types import TracebackType

from kernels.blas_threads import one_blas_thread
from planner.candidates.build import CandidateSet
from planner.errors import PlannerError
from planner.parallel.dask_workers import on_dask
from planner.sweeping.axes import Point
from planner.sweeping.base_plan import BasePlan
from planner.sweeping.point import Outcome
from planner.sweeping.workers import Job, Refused, attempted


@dataclass(frozen=True)
class PointWork:
    """What each worker gets: the job of the sweep, and the base plan from which every point begins. asked: a hash of
    case, options and points."""

    job: Job
    base: BasePlan
    asked: str

    @property
    def name(self) -> str:
        """What tells it apart on a scheduler that has several."""
        return f"planner-sweep-{self.asked[:24]}"

    def opened(self, threads: int) -> Callable[[Point], Outcome | Refused]:
        """What finds the outcome at a point; the base candidates are made when the first one comes."""
        return _Points(self.job, self.base)


@dataclass
class _Points:
    """The base candidates of a worker, made once."""

    job: Job
    base: BasePlan
    _candidates: CandidateSet | None = field(default=None, init=False)

    def __call__(self, point: Point) -> Outcome | Refused:
        try:
            with one_blas_thread():  # as the processes of a sweep have it: the same sums in the same order
                if self._candidates is None:
                    self._candidates = self.job.options.candidates(self.job.case)
                return attempted(self.job, self.base, self._candidates, point)
        except PlannerError as error:
            raise PlannerError(str(error)) from None  # some kinds cannot be pickled


@dataclass(frozen=True)
class PointsOnDask:
    """The workers of a scheduler in the place of processes of a sweep (`sweeping.workers.Workers`)."""

    job: Job
    scheduler: str
    asked: str

    def __enter__(self) -> PointsOnDask:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        pass

    def outcomes(self, base: BasePlan, points: Sequence[Point]) -> Generator[Outcome | Refused]:
        """The outcomes of points as they come, in no order."""
        return on_dask(PointWork(self.job, base, self.asked), points, scheduler=self.scheduler, workers=None)
