"""How to solve: which solver, to which gap, within which limits."""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import Enum
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.errors import PlannerError

Progress = Callable[[float, float | None, float | None, float | None], None]
"""Called during a MIP with (seconds, incumbent, bound, gap); what is not known yet is None."""


class Feature(Enum):
    """What a solver can be asked beyond the gap, the time limit and the relaxation."""

    THREADS = "threads"
    SEED = "seed"
    START = "start"
    PROGRESS = "progress"
    LOG = "log"
    EXTRA = "extra"


@dataclass(frozen=True)
class SolverOptions:
    """Options of one solve.

    solver: name, see `planner.solver.solvers.solver_names`.
    gap: relative MIP gap |bound - objective| / |objective| at which the answer counts as proven.
    time_limit_s: seconds for one solve, None for no limit.
    threads: with HiGHS, None is one thread, so that no answer depends on the cores of the machine; with more, its own
    search for integers runs on so many, and may find another answer within the gap. A tree search solves each
    relaxation on one thread, as HiGHS solves any LP by simplex or interior point, and two of them at a time unless
    `threads` is 1; its answer does not depend on it.
    seed: None leaves the solver's own default.
    beside: one of several solves that share the cores of the machine: a tree search keeps to one thread.
    relax: treat 0/1 and integer decisions as continuous.
    start: levels to start a MIP from: an array over all columns, or a mapping from variables or names to levels
        (the solver completes what is missing).
    progress: called while a MIP is solved (an LP has no incumbent to report).
    log: called with each line of the solver's log.
    extra: options of HiGHS by their own names; a misspelt one is refused.
    deadline_s: solve in a process of its own, and end it after so many seconds whatever it does. It cannot report
    progress.
    confirm_infeasible: name of a second solver that is asked when this one says infeasible; see `second_opinion`.

    What a solver cannot honour is refused when the solve is asked for, never ignored.
    """

    solver: str = "highs"
    gap: float = 1e-4
    time_limit_s: float | None = None
    threads: int | None = None
    beside: bool = False
    seed: int | None = None
    relax: bool = False
    start: Mapping[Any, float] | NDArray[np.float64] | None = None
    progress: Progress | None = None
    log: Callable[[str], None] | None = None
    extra: Mapping[str, bool | int | float | str] = field(default_factory=dict)
    deadline_s: float | None = None
    confirm_infeasible: str | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.gap < math.inf:
            raise PlannerError(f"gap = {self.gap!r} is not a share: give 0 or more, for example 1e-4")
        if self.time_limit_s is not None and not 0.0 <= self.time_limit_s < math.inf:
            raise PlannerError(f"time_limit_s = {self.time_limit_s!r}: give seconds, 0 or more, or None for no limit")
        if self.deadline_s is not None and not 0.0 < self.deadline_s < math.inf:
            raise PlannerError(
                f"deadline_s = {self.deadline_s!r}: give seconds above 0, or None to solve in this process"
            )
        if self.deadline_s is not None and (self.progress is not None or self.log is not None):
            raise PlannerError(
                "a solve in a process of its own reports no progress and no log; leave deadline_s out, or those"
            )
        if self.confirm_infeasible == self.solver:
            raise PlannerError(f"confirm_infeasible = {self.solver!r} is the solver itself; name another one")
        if self.threads is not None and self.threads < 1:
            raise PlannerError(f"threads = {self.threads!r}: give 1 or more, or None for the solver's choice")
        if self.seed is not None and not 0 <= self.seed < 2**31:
            raise PlannerError(f"seed = {self.seed!r}: give a whole number from 0 to 2147483647")

    def asked(self) -> frozenset[Feature]:
        """The features that these options ask of the solver."""
        given = {
            Feature.THREADS: self.threads is not None,
            Feature.SEED: self.seed is not None,
            Feature.START: self.start is not None,
            Feature.PROGRESS: self.progress is not None,
            Feature.LOG: self.log is not None,
            Feature.EXTRA: bool(self.extra),
        }
        return frozenset(feature for feature, wanted in given.items() if wanted)
