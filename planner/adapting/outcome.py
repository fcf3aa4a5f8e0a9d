"""What comes of deciding in one way: levels of every node, its value by future, and what is proven of it."""

from __future__ import annotations

from dataclasses import dataclass

from planner.arrays import Floats
from planner.solver.column_generation.mean_cvar import MeanCvar


@dataclass(frozen=True)
class Outcome:
    """One way to decide on the futures of a tree.

    levels: columns of each node, in the order of the tree. npv_usd: by future, (S,). objective_usd: of the measure;
    bound_usd: none of its sort can be better, None where that was not asked.
    """

    levels: tuple[Floats, ...]
    npv_usd: Floats
    objective_usd: float
    bound_usd: float | None

    @property
    def gap(self) -> float | None:
        """(bound - objective) / |objective|."""
        if self.bound_usd is None:
            return None
        return max(self.bound_usd - self.objective_usd, 0.0) / max(abs(self.objective_usd), 1e-6)


def outcome(levels: list[Floats], npv_usd: Floats, measure: MeanCvar, bound_usd: float | None) -> Outcome:
    """The outcome of some levels, its objective measured over all futures."""
    return Outcome(tuple(levels), npv_usd, measure.value(npv_usd), bound_usd)
