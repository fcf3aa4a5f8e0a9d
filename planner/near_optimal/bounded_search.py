"""A tree search that ends after so many relaxations with what it has: an answer, and a bound that holds."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.solver.branch_and_bound.node_lp import NodeLp
from planner.solver.branch_and_bound.search import TreeSearch
from planner.solver.model_arrays import ModelArrays
from planner.solver.solution import Solution


@dataclass
class BoundedSearch(TreeSearch):
    """As `TreeSearch` with `most` set, but what is not settled by then stays open; only what presolve settles goes to
    HiGHS.

    enough: an answer worth this ends the search (greater is better). Halves worth less than `at_least` are dropped;
    where nothing is left, that is the bound. A count of relaxations, unlike a time limit, gives the same answer on
    every machine.
    """

    enough: float = np.inf

    def _search(self, lp: NodeLp) -> float | None:
        bound = super()._search(lp)
        return (
            bound if self._ended() or self.at_least == -np.inf
            else max(self._cutoff(), -np.inf if bound is None else bound)
        )

    def _ended(self) -> bool:
        return self._best is not None and self._best[0] >= self.enough

    def _drops(self) -> bool:
        return super()._drops() or self.at_least > -np.inf

    def _handed_over(self, arrays: ModelArrays, lp: NodeLp | None, *, begin: bool = True) -> Solution:
        if lp is None or self._bound() is None or not begin:
            return super()._handed_over(arrays, lp, begin=begin)
        return self._answer(arrays, lp, self._bound())
