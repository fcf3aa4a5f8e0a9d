"""Floors of an inquiry with the whole decisions of a plan held: at once, at any size, with or without declining other
leases."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np

from planner.quoting.floor import Base
from planner.quoting.inquiry_model import InquiryProblem
from planner.quoting.rate_line import RateLine, lowest_root
from planner.solver.model_arrays import FloatArray, ModelArrays


@dataclass(frozen=True)
class HeldFloor:
    """A floor with whole decisions held: `rate` is where it meets the plan without the inquiry; at `high` signing is
    sure to pay.

    NaN where they leave no room for it. Where there are no whole decisions both are the floor itself.
    """

    rate: float
    high: float


class HeldPlans:
    """Some plans whose whole decisions are held, each kept in the solver from one question to the next."""

    def __init__(
        self, problem: InquiryProblem, base: Base, plans: Sequence[FloatArray], *, basis: object = None
    ) -> None:
        self.problem, self.base = problem, base
        self._basis = base.basis if basis is None else basis
        distinct = {plan[problem.shut.integer].round().tobytes(): plan for plan in plans}
        self._plans = list(distinct.values())
        self._lines: list[RateLine | None] = [None] * len(self._plans)

    def floor(self, size: float, start: float, *, kept: ModelArrays | None = None) -> HeldFloor:
        """The lowest floor at a size; kept: the shut model with leases that may not be declined."""
        problem = self.problem if kept is None else replace(self.problem, shut=kept)
        found = [self._one(number, problem.forced(size), start) for number in range(len(self._plans))]
        return min(found, key=lambda floor: (np.isnan(floor.rate), floor.rate), default=HeldFloor(np.nan, np.nan))

    def _one(self, number: int, forced: ModelArrays, start: float) -> HeldFloor:
        arrays = forced.with_integers_fixed(self._plans[number])
        line = self._lines[number]
        if line is None:
            line = self._lines[number] = RateLine(self.problem, arrays, basis=self._basis)
        else:
            line.becomes(arrays)
        point = lowest_root(line, self.base.value, start)
        if point is None:
            return HeldFloor(np.nan, np.nan)
        sure = lowest_root(line, self.base.bound, point.rate) if self.base.bound > self.base.value else point
        return HeldFloor(point.rate, np.inf if sure is None else max(sure.rate, point.rate))
