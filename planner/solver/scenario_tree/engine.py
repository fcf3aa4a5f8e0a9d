"""Which solver a model of a tree goes to, and how long it may take."""

from __future__ import annotations

import time
from dataclasses import dataclass

import numpy as np

from planner.arrays import Floats
from planner.solver.branch_and_bound.search import MANY_ROWS, TreeSearch
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import ModelArrays
from planner.solver.options import SolverOptions
from planner.solver.solution import Solution

FEW_INTEGERS = 0
"""Integers up to which the search of branch and bound takes a model; others go to HiGHS."""


@dataclass(frozen=True)
class Clock:
    """A time limit that runs; limit None: none."""

    began: float
    limit: float | None

    @staticmethod
    def of(limit: float | None) -> Clock:
        """A clock that starts now."""
        return Clock(time.perf_counter(), limit)

    def left(self) -> float | None:
        """Seconds left, 0 at least; None without a limit."""
        return None if self.limit is None else max(self.limit - (time.perf_counter() - self.began), 0.0)

    def share(self, part: float) -> float | None:
        """A part of the seconds left; None without a limit."""
        left = self.left()
        return None if left is None else left * part

    def out(self) -> bool:
        """Whether the limit is reached."""
        return self.left() == 0.0


def relaxed(arrays: ModelArrays, seconds: float | None) -> tuple[Solution, Floats | None]:
    """An LP and its row prices (rows,), in the sense of the model, where it has an optimum.

    The prices come straight from HiGHS, also where they fail the check that `Solution.duals` must pass: as prices of a Lagrangian
    they need not be exact.
    """
    extra = {"solver": "ipx"} if arrays.rows > MANY_ROWS else {}
    solver = HighsSolver(SolverOptions(time_limit_s=seconds, extra=extra))
    found = solver.solve_arrays(arrays)
    if not found.status.has_values or found.duals is not None:
        return found, found.duals
    answer = solver.highs.getSolution()
    return found, np.array(answer.row_dual) if answer.dual_valid else None


def solved(arrays: ModelArrays, *, gap: float, seconds: float | None, start: Floats | None = None, few: int | None = None) -> Solution:
    """A model solved to a gap within some seconds. start: levels (columns,) that keep every limit.

    An LP ends in a vertex, with duals.
    """
    if not arrays.is_mip:
        return relaxed(arrays, seconds)[0]
    options = SolverOptions(gap=gap, time_limit_s=seconds, start=start)
    if int(arrays.integer.sum()) <= (FEW_INTEGERS if few is None else few):
        return TreeSearch(options, priced=False).solve_arrays(arrays)
    return HighsSolver(options).solve_arrays(arrays)
