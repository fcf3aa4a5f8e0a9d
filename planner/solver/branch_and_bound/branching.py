"""How a node of the tree is split: which integer, judged by pseudo-costs begun with short trials, and the two
halves.

Of each split one half rounds the decision up and the other down; the two are solved beside each other, each on a solver
of its own, and always on the same one, so that the tree is the same on one core and on two.
"""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from dataclasses import dataclass
from typing import Any, TypeVar

import numpy as np

from planner.solver.branch_and_bound.node_lp import INTEGRALITY, NodeLp, Relaxed
from planner.solver.branch_and_bound.root_cuts import Cuts
from planner.solver.model_arrays import FloatArray

TRIALS = 10
"""Candidates without history that are tried at a node."""
TRIAL_ITERATIONS = 100
"""Iterations of such a trial: enough to tell candidates apart, a quarter of what a relaxation takes."""
SETTLED = 1e9
"""Loss of a way that a trial found infeasible: the decision is taken as settled by it."""
LEAST_LOSS = 1e-3

T = TypeVar("T")


@dataclass(frozen=True)
class Node:
    """A part of the tree: bounds of its integers, and its relaxation, of which only what branching needs is kept.

    value: of the relaxation, greater is better. part: levels of the integers, idle ones settled, (integers,).
    answer: levels of all presolved columns where the integers are integral, else None.
    """

    lower: FloatArray
    upper: FloatArray
    value: float
    basis: Any
    part: FloatArray
    answer: FloatArray | None

    @staticmethod
    def of(lp: NodeLp, lower: FloatArray, upper: FloatArray, relaxed: Relaxed) -> Node:
        """The part of the tree between some bounds."""
        levels = lp.settled(relaxed.levels)
        return Node(
            lower, upper, relaxed.value, relaxed.basis, levels[lp.integer],
            None if len(lp.fractional(levels)) else levels,
        )


@dataclass
class PseudoCosts:
    """Loss of value per unit of rounding up (1) and down (0), by integer; arrays (2, integers)."""

    total: FloatArray
    trials: FloatArray

    @staticmethod
    def of(integers: int) -> PseudoCosts:
        """Nothing is known yet."""
        return PseudoCosts(np.zeros((2, integers)), np.zeros((2, integers)))

    def note(self, q: int, way: int, loss: float, distance: float) -> None:
        """What rounding integer q one way cost over a distance."""
        self.total[way, q] += loss / max(distance, INTEGRALITY)
        self.trials[way, q] += 1.0

    def known(self, q: int) -> bool:
        """Whether both ways of integer q have a history."""
        return bool(self.trials[:, q].min() >= 1.0)

    def losses(self, q: int, fraction: float) -> tuple[float, float]:
        """Losses to be expected of rounding integer q down and up; a way without history takes the mean of all."""
        mean = self.total.sum(axis=1) / np.maximum(self.trials.sum(axis=1), 1.0)
        each = np.where(self.trials[:, q] > 0.0, self.total[:, q] / np.maximum(self.trials[:, q], 1.0), mean)
        return max(float(each[0]) * fraction, LEAST_LOSS), max(float(each[1]) * (1.0 - fraction), LEAST_LOSS)

    def score(self, q: int, fraction: float) -> float:
        """Product of the losses to be expected."""
        down, up = self.losses(q, fraction)
        return down * up


@dataclass
class Branching:
    """Splits nodes over two copies of one relaxation. threads: whether the two work at the same time.

    left: seconds left for the search, None without a limit.
    """

    up: NodeLp
    down: NodeLp
    costs: PseudoCosts
    threads: ThreadPoolExecutor | None
    left: Callable[[], float | None]

    @property
    def count(self) -> int:
        """Relaxations solved."""
        return self.up.count + self.down.count

    @property
    def iterations(self) -> int:
        """Simplex iterations of relaxations and trials."""
        return self.up.iterations + self.down.iterations

    def add(self, cuts: Cuts) -> None:
        """Some rows more in the relaxation, on both solvers."""
        self.up.add(cuts)
        self.down.add(cuts)

    def halves(self, node: Node, at_least: float = -np.inf) -> list[Node]:
        """A node that is not integral, split at its weightiest integer, better half first; a half that is infeasible or
        worth less than `at_least` is missing."""
        fraction = node.part - np.floor(node.part)
        loose = np.flatnonzero(np.minimum(fraction, 1.0 - fraction) > INTEGRALITY)
        ranked = sorted(loose.tolist(), key=lambda q: (-self.costs.score(q, float(fraction[q])), q))
        unknown = [q for q in ranked if not self.costs.known(q)][:TRIALS]
        tried = self._tried_worth(node, unknown, at_least)
        worth = {q: tried[q] if q in tried else self.costs.score(q, float(fraction[q])) for q in ranked}
        found = self._children(node, max(ranked, key=worth.__getitem__), at_least)
        return sorted((child for child in found if child is not None), key=lambda child: -child.value)

    def _tried_worth(self, node: Node, decisions: list[int], at_least: float) -> dict[int, float]:
        """Product of the losses of rounding each decision up and down, tried with few iterations; a way that is
        infeasible or worth too little settles it."""

        def trials(way: int) -> Callable[[NodeLp], list[float | None]]:
            return lambda lp: [
                lp.tried(
                    *_rounded(node, q, way), node.basis, TRIAL_ITERATIONS, self.left(), at_least
                ) for q in decisions
            ]

        up, down = self._both(trials(1), trials(0))
        found: dict[int, float] = {}
        for q, *values in zip(decisions, down, up, strict=True):
            worth = 1.0
            for way, value in enumerate(values):
                loss = SETTLED if value is None else max(node.value - value, 0.0)
                if value is not None:
                    self.costs.note(q, way, loss, _distance(node.part[q], way))
                worth *= max(loss, LEAST_LOSS)
            found[q] = worth
        return found

    def _children(self, node: Node, q: int, at_least: float) -> list[Node | None]:
        """The node with one integer rounded up, and down."""

        def child(way: int) -> Callable[[NodeLp], Node | None]:
            lower, upper = _rounded(node, q, way)

            def solved(lp: NodeLp) -> Node | None:
                relaxed = lp.solve(lower, upper, node.basis, self.left(), at_least)
                return None if relaxed is None else Node.of(lp, lower, upper, relaxed)

            return solved

        found = self._both(child(1), child(0))
        for way, half in zip((1, 0), found, strict=True):
            if half is not None:
                self.costs.note(q, way, max(node.value - half.value, 0.0), _distance(node.part[q], way))
        return list(found)

    def _both(self, up: Callable[[NodeLp], T], down: Callable[[NodeLp], T]) -> tuple[T, T]:
        if self.threads is None:
            return up(self.up), down(self.down)
        other = self.threads.submit(down, self.down)
        try:
            return up(self.up), other.result()
        finally:
            wait([other])  # a solver is never left at work behind one's back


def _rounded(node: Node, q: int, way: int) -> tuple[FloatArray, FloatArray]:
    """Bounds of the integers with one of them rounded up (1) or down (0)."""
    lower, upper = node.lower.copy(), node.upper.copy()
    if way:
        lower[q] = np.ceil(node.part[q])
    else:
        upper[q] = np.floor(node.part[q])
    return lower, upper


def _distance(level: float, way: int) -> float:
    return float(abs((np.ceil(level) if way else np.floor(level)) - level))
