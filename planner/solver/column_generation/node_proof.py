"""The proof that no integer plan out of a pool is better: nodes that cover all integer choices, each with prices that
bound it.

A node holds bounds of the integers (sites opened, leases accepted, blocks, links, whole phases). For any prices,
`bound_of` with these bounds and with every column of the pool priced says what no plan of the node can beat; where
nothing but the limits is priced and that comes out below zero, the node holds no plan at all. A column that the search
never saw counts like all others, so whoever has the nodes can check the bound without a solver.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from math import prod

import numpy as np

from planner.arrays import Floats, Ints
from planner.solver.column_generation.certificate import bound_of
from planner.solver.column_generation.columns import FixedPart, Pool
from planner.solver.column_generation.restricted_master import Prices


@dataclass(frozen=True, eq=False)
class Node:
    """Some of the integer choices: bounds of the integers, (k,) each, and `bound`, $M, that none of their plans
    beats.

    prices prove it, with `capped` as in `bound_of`; None where it is the bound of the relaxation over all. infeasible:
    it holds no plan at all (bound is -inf), and the prices are those of the limits alone.
    """

    lower: Floats
    upper: Floats
    bound: float
    prices: Prices | None = None
    capped: Ints | None = None
    infeasible: bool = False

    @property
    def choices(self) -> int:
        """How many integer choices it holds."""
        return prod(int(high - low) + 1 for low, high in zip(self.lower.tolist(), self.upper.tolist(), strict=True))

    def within(self, fixed: FixedPart) -> FixedPart:
        """The fixed part with its integers between the bounds of this node."""
        return integers_between(fixed, self.lower, self.upper)

    def proven(self, fixed: FixedPart, pool: Pool, cvar_limit: float | None) -> float:
        """The bound again, from the prices alone, in float64."""
        if self.prices is None:
            return self.bound
        found = bound_of(self.within(fixed), pool, self.prices, cvar_limit=cvar_limit, capped=self.capped).value
        if self.infeasible:
            return -math.inf if found < 0.0 else math.inf
        return found


def integers_between(fixed: FixedPart, lower: Floats, upper: Floats) -> FixedPart:
    """The fixed part with other bounds of its integers."""
    arrays = fixed.arrays
    col_lower, col_upper = arrays.col_lower.copy(), arrays.col_upper.copy()
    col_lower[arrays.integer], col_upper[arrays.integer] = lower, upper
    return FixedPart(replace(arrays, col_lower=col_lower, col_upper=col_upper), fixed.values)


def proven_bound(nodes: tuple[Node, ...], fixed: FixedPart, pool: Pool, cvar_limit: float | None = None) -> float:
    """What no integer plan beats, $M, recomputed from the prices of the nodes over a whole pool; inf where they do not
    cover all integer choices."""
    arrays = fixed.arrays
    every = Node(arrays.col_lower[arrays.integer], arrays.col_upper[arrays.integer], math.inf).choices
    if sum(node.choices for node in nodes) != every or _overlap(nodes):
        return math.inf
    return max((node.proven(fixed, pool, cvar_limit) for node in nodes), default=math.inf)


def _overlap(nodes: tuple[Node, ...]) -> bool:
    """Whether some choice stands in two nodes."""
    lower, upper = np.array([node.lower for node in nodes]), np.array([node.upper for node in nodes])
    return any(
        bool(((lower[at] <= upper[at + 1 :]) & (lower[at + 1 :] <= upper[at])).all(axis=1).any())
        for at in range(len(nodes) - 1)
    )
