"""The bound of the parts of a tree, raised by a few passes of dual ascent."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.arrays import Floats
from planner.solver.scenario_tree.engine import Clock, solved
from planner.solver.scenario_tree.parts import Parts, Prices
from planner.solver.status import Status

FIRST_STEP = 1.0
"""Share of Polyak's step that the first pass takes; halved whenever a pass brings no better bound."""


@dataclass(frozen=True, eq=False)
class Pass:
    """The parts solved at some prices.

    bound: of the tree, None where a part gave none. levels: by part, by node; empty for a part without an answer.
    infeasible: a part has no answer at all, so the tree has none.
    """

    prices: Prices
    bound: float | None
    levels: tuple[dict[int, Floats], ...]
    infeasible: bool

    @property
    def complete(self) -> bool:
        """Whether every part has an answer."""
        return all(self.levels)


def bound_pass(parts: Parts, prices: Prices, before: Pass | None, *, gap: float, clock: Clock) -> Pass:
    """Solve each part at these prices within its share of the time; the answers of a pass before are the starts."""
    bound: float | None = 0.0
    levels: list[dict[int, Floats]] = []
    for at, (part, own) in enumerate(zip(parts.parts, prices, strict=True)):
        start = None if before is None or not before.levels[at] else part.model.joined(before.levels[at])
        arrays = part.priced(own)
        found = solved(arrays, gap=gap, seconds=clock.share(1.0 / (len(parts.parts) - at)), start=start if arrays.is_mip else None)
        if found.status is Status.INFEASIBLE:
            return Pass(prices, None, tuple({} for _ in parts.parts), True)
        bound = None if bound is None or found.bound is None else bound + part.weight * found.bound
        levels.append({} if found.values is None else part.model.split(found.values))
    return Pass(prices, bound, tuple(levels), False)


def next_prices(parts: Parts, last: Pass, target: float, step: float) -> Prices | None:
    """Prices a step along the subgradient: by how much each copy differs from the mean of its copies; None where all agree.

    target: an answer's value, at which Polyak's step aims. Only columns bounded on both sides move: the price of another could
    leave a part without a bound. What is added is share x (copy - mean), so the prices still add to zero.
    """
    if last.bound is None or not last.complete:
        return None
    mean = parts.mean(last.levels)
    nodes = parts.tree.nodes
    moved = {n: np.isfinite(nodes[n].lower) & np.isfinite(nodes[n].upper) for n in parts.shared}
    apart = [
        {n: np.where(moved[n], levels[n] - mean[n], 0.0) for n in own}
        for own, levels in zip(last.prices, last.levels, strict=True)
    ]
    size = sum(
        part.share[n] * float(difference @ difference)
        for part, own in zip(parts.parts, apart, strict=True)
        for n, difference in own.items()
    )
    if size <= 1e-12:
        return None
    # The bound comes down to the target of a maximisation and up to that of a minimisation.
    length = step * (target - last.bound) / size
    return tuple(
        {n: price + length * part.share[n] * own[n] for n, price in prices.items()}
        for part, prices, own in zip(parts.parts, last.prices, apart, strict=True)
    )
