"""A tree search that ends after so many relaxations with what it has: an answer, and a bound that holds."""

from __future__ import annotations

from dataclasses import dataclass

from planner.allocator.matrix import ModelArrays
from planner.allocator.node_lp import NodeLp
from planner.allocator.solution import Solution
from planner.allocator.tree_search import TreeSearch


@dataclass
class BoundedSearch(TreeSearch):
    """As `TreeSearch` with `most` set, but what is not settled by then stays open; only what presolve settles goes to HiGHS.

    A count of relaxations, unlike a time limit, gives the same answer on every machine.
    """

    def _handed_over(self, arrays: ModelArrays, lp: NodeLp | None) -> Solution:
        if lp is None or self._bound() is None:
            return super()._handed_over(arrays, lp)
        return self._answer(arrays, lp, self._bound())
