"""Which solver a model of a tree goes to, and how long it may take."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace

import numpy as np

from planner.arrays import Floats
from planner.solver.branch_and_bound.search import MANY_ROWS, TreeSearch
from planner.solver.highs import HighsSolver
from planner.solver.model_arrays import ModelArrays
from planner.solver.options import SolverOptions
from planner.solver.scenario_tree.extensive import Column
from planner.solver.side_by_side import Stop
from planner.solver.solution import Solution
from planner.solver.status import Status

FEW_INTEGERS = 400
"""Integers up to which the search of branch and bound takes a model; others go to HiGHS."""


MANY_A_NODE = 200
"""Rows a node up to which a tree is solved by simplex however many nodes it has: 3,000 nodes of 11 rows take it 1 s,
and interior point with crossover 13 s; few nodes of thousands of rows are the other way round."""
PROVEN = (Status.OPTIMAL, Status.INFEASIBLE, Status.UNBOUNDED)
SEARCHED = 0.85
"""Share of its time after which a search without a proof was stopped by it; it keeps a tenth for its answer."""


class _OneDive(TreeSearch):
    """The relaxation and one dive from it: an answer soon, if not the best."""

    def _ended(self) -> bool:
        return True


@dataclass(frozen=True)
class Clock:
    """A time limit that runs; limit None: none."""

    began: float
    limit: float | None

    @staticmethod
    def of(limit: float | None) -> Clock:
        """A clock that starts now."""
        return Clock(time.perf_counter(), limit)

    def spent(self) -> float:
        """Seconds since its start."""
        return time.perf_counter() - self.began

    def left(self) -> float | None:
        """Seconds left, 0 at least; None without a limit."""
        return None if self.limit is None else max(self.limit - self.spent(), 0.0)

    def share(self, part: float) -> float | None:
        """A part of the seconds left; None without a limit."""
        left = self.left()
        return None if left is None else left * part

    def late(self) -> bool:
        """Whether all but the last part of the limit is spent."""
        left = self.left()
        return left is not None and self.limit is not None and left < (1.0 - SEARCHED) * self.limit

    def out(self) -> bool:
        """Whether the limit is reached."""
        return self.left() == 0.0


def relaxed(arrays: ModelArrays, seconds: float | None) -> tuple[Solution, Floats | None]:
    """An LP and its row prices (rows,), in the sense of the model, where it has an optimum.

    The prices come straight from HiGHS, also where they fail the check that `Solution.duals` must pass: as prices of a
    Lagrangian they need not be exact.
    """
    nodes = len({column.node for column in arrays.variables if isinstance(column, Column)})
    extra = {"solver": "ipx"} if arrays.rows > MANY_ROWS and arrays.rows > MANY_A_NODE * nodes else {}
    solver = HighsSolver(SolverOptions(time_limit_s=seconds, extra=extra))
    found = solver.solve_arrays(arrays)
    if not found.status.has_values or found.duals is not None:
        return found, found.duals
    answer = solver.highs.getSolution()
    return found, np.array(answer.row_dual) if answer.dual_valid else None


def solved(
    arrays: ModelArrays, *, gap: float, seconds: float | None, start: Floats | None = None, stop: Stop | None = None
) -> Solution:
    """A model solved to a gap within some seconds; an LP ends in a vertex. start: levels that keep every limit. stop:
    ends a MIP that is solved beside others.

    A search that ends before its time without a proof (its tolerances leave a gap) is gone over by HiGHS, from its
    answer.
    """
    if not arrays.is_mip:
        return relaxed(arrays, seconds)[0]
    clock = Clock.of(seconds)
    options = SolverOptions(gap=gap, time_limit_s=seconds, start=start, progress=stop)
    if int(arrays.integer.sum()) > FEW_INTEGERS:
        return _uninterrupted(HighsSolver(options).solve_arrays(arrays))
    found = _uninterrupted(TreeSearch(options, priced=False).solve_arrays(arrays))
    if found.status in PROVEN or clock.late():
        return found
    begin = start if found.values is None else found.values
    options = replace(options, time_limit_s=clock.left(), start=begin)
    return _uninterrupted(HighsSolver(options).solve_arrays(arrays))


def _uninterrupted(found: Solution) -> Solution:
    """The same; Ctrl-C, after which a solve still has an answer, ends the tree."""
    if found.interrupted:
        raise KeyboardInterrupt
    return found


def dived(arrays: ModelArrays, seconds: float | None) -> Solution:
    """An answer by fixing the integers that the relaxation has nearly integral, some at a time; the relaxation is its
    bound."""
    return _OneDive(SolverOptions(time_limit_s=seconds), priced=False).solve_arrays(arrays)
