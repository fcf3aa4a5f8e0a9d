"""Better prices for the parts of a tree, from what the parts did at earlier ones: a small level bundle.

What the parts did in a pass, together worth v at the prices of that pass, they could do at any prices; for a
minimisation

    bound(prices + step) <= v_k + sum over parts g, shared nodes n of step_gn @ x_gn       for every pass k,

v_k counted at `prices`. The next prices are the nearest ones at which no pass rules out a target between the best
bound and the best answer: the shortest step, measured in money, on which all these lines reach it; with one pass this
is Polyak's step along the subgradient. Lemaréchal, Nemirovskii, Nesterov, New variants of bundle methods, Mathematical
Programming 69 (1995), 111-147; the shortest step by Lawson and Hanson, Solving Least Squares Problems (1974), chapter
23 (LDP).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import nnls

from planner.arrays import Floats
from planner.solver.scenario_tree.parts import Parts, Prices

NONE_LEFT = 1e-9
"""Length of a residual or a step below which it is rounding."""


@dataclass(frozen=True, eq=False)
class _Line:
    """A pass: what all copies cost without prices, and their levels, part by part and node by node."""

    cost: float
    levels: tuple[dict[int, Floats], ...]


@dataclass
class Bundle:
    """The passes so far. reach: how far from the best bound to the best answer the target lies, 1 at most."""

    parts: Parts
    reach: float = 1.0
    lines: list[_Line] = field(default_factory=list)

    def learn(self, levels: Sequence[Mapping[int, Floats]]) -> None:
        """Take in a pass in which every part has levels."""
        cost = 0.0
        shared = []
        for part, own in zip(self.parts.parts, levels, strict=True):
            cost += float(part.model.arrays.cost @ part.model.joined(own))
            shared.append({n: own[n] for n in self.parts.shared if n in part.share})
        self.lines.append(_Line(cost, tuple(shared)))

    def prices(self, centre: Prices, bound: float, answer: float) -> Prices | None:
        """Prices near `centre`, whose bound is given, that may reach the target; None where all copies agree.

        The target comes nearer to the bound until the lines allow it.
        """
        sign = -1.0 if self.parts.tree.maximise else 1.0
        slopes = np.array([sign * self._slope(line) for line in self.lines])
        here = np.array([sign * self._value(line, centre) for line in self.lines])
        if not len(slopes) or not np.abs(slopes[-1]).any():
            return None
        while self.reach > 1e-3:
            target = sign * bound + self.reach * sign * (answer - bound)
            step = _shortest(slopes, target - here)
            if step is not None:
                return self._moved(centre, step) if np.linalg.norm(step) > 0.0 else None
            self.reach /= 2.0
        return None

    def _value(self, line: _Line, prices: Prices) -> float:
        """What a pass would be worth at some prices."""
        priced = (own[n] @ levels[n] for own, levels in zip(prices, line.levels, strict=True) for n in own)
        return line.cost + float(sum(priced))

    def _slope(self, line: _Line) -> Floats:
        """The change of a pass's worth along each price, in money: how far a copy is from the mean of its copies."""
        mean = self.parts.mean(line.levels)
        cells = [self._unit(at, n) * (levels[n] - mean[n]) for at, levels in enumerate(line.levels) for n in levels]
        return np.concatenate([np.zeros(0), *cells])

    def _moved(self, centre: Prices, step: Floats) -> Prices:
        """Prices a step from `centre`; what they add up to by rounding is taken off again."""
        moved: list[dict[int, Floats]] = []
        at = 0
        for number, own in enumerate(centre):
            moved.append({})
            for n, price in own.items():
                moved[-1][n] = price + self._unit(number, n) * step[at : at + len(price)]
                at += len(price)
        total = {n: sum((own[n] for own in moved if n in own), np.zeros(1)) for n in self.parts.shared}
        return tuple(
            {n: price - part.share[n] * total[n] for n, price in own.items()}
            for part, own in zip(self.parts.parts, moved, strict=True)
        )

    def _unit(self, at: int, number: int) -> Floats:
        """The price of a copy's columns that counts as one unit of a step: their costs' size, by the root of its share.

        Zero for columns without bounds on both sides: their price could leave a part without a bound. By the root of
        the share the shortest step is share x (copy - mean), which adds to zero over the parts.
        """
        node = self.parts.tree.nodes[number]
        bounded = np.isfinite(node.lower) & np.isfinite(node.upper)
        size = np.abs(node.cost)
        mean = float(size.mean()) if len(size) else 0.0
        scale = self.parts.tree.probability[number] * np.maximum(size, mean or 1.0)
        return np.where(bounded, np.sqrt(self.parts.parts[at].share[number]) * scale, 0.0)


def _shortest(slopes: Floats, needed: Floats) -> Floats | None:
    """The shortest step with slopes @ step >= needed, slopes (lines, n); None where there is none."""
    scale = max(float(np.abs(needed).max()), 1e-12)
    cells = np.vstack([slopes.T, needed[None, :] / scale])
    aim = np.zeros(len(cells))
    aim[-1] = 1.0
    weights, left = nnls(cells, aim)
    if left <= NONE_LEFT:
        return None
    residual = cells @ weights - aim
    found: Floats = -residual[:-1] / residual[-1] * scale
    return found
