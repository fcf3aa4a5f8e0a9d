"""The bound of the parts of a tree at some prices."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from planner.arrays import Floats
from planner.solver.scenario_tree.engine import Clock, solved
from planner.solver.scenario_tree.parts import Parts, Prices
from planner.solver.side_by_side import Stop, side_by_side, workers
from planner.solver.solution import Solution
from planner.solver.status import Status


@dataclass(frozen=True, eq=False)
class Pass:
    """The parts solved at some prices.

    bound: of the tree, None where a part gave none. value: what the parts' answers are worth, None where one has none:
    how far it is from the bound is what the parts have left open themselves. levels: by part, by node; empty for a
    part without an answer.
    infeasible: a part has no answer at all, so the tree has none.
    """

    prices: Prices
    bound: float | None
    value: float | None
    levels: tuple[dict[int, Floats], ...]
    infeasible: bool = False

    @property
    def complete(self) -> bool:
        """Whether every part has an answer."""
        return all(self.levels)


def bound_pass(
    parts: Parts, prices: Prices, starts: Sequence[Mapping[int, Floats]] | None, *, gap: float, clock: Clock
) -> Pass:
    """Solve each part at these prices within its share of the time, as many at once as there are cores.

    starts: by part, by node, levels that keep its limits, as of a pass before; none for a part where they are empty.
    """
    at_a_time, count = workers(len(parts.parts)), len(parts.parts)

    def solve(at: int, stop: Stop) -> Solution:
        part = parts.parts[at]
        arrays = part.priced(prices[at])
        known = starts[at] if starts is not None and arrays.is_mip else {}
        start = part.model.joined(known) if known else None
        seconds = clock.share(min(at_a_time / (count - at), 1.0))
        return solved(arrays, gap=gap, seconds=seconds, start=start, stop=stop)

    bound: float | None = 0.0
    value: float | None = 0.0
    levels: list[dict[int, Floats]] = []
    answers = side_by_side([partial(solve, at) for at in range(count)])
    for part, found in zip(parts.parts, answers, strict=True):
        if found.status is Status.INFEASIBLE:
            return Pass(prices, None, None, tuple({} for _ in parts.parts), infeasible=True)
        bound = None if bound is None or found.bound is None else bound + part.weight * found.bound
        value = None if value is None or found.objective is None else value + part.weight * found.objective
        levels.append({} if found.values is None else part.model.split(found.values))
    return Pass(prices, bound, value, tuple(levels))
