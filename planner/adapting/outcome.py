"""What comes of deciding in one way: levels of every node, its value by future, and what is proven of it."""

from __future__ import annotations

from dataclasses import dataclass

from planner.arrays import Floats
from planner.formulation.allocate import LEAST_MONEY
from planner.solver.column_generation.mean_cvar import MeanCvar


@dataclass(frozen=True)
class Outcome:
    """One way to decide on the futures of a tree.

    levels: columns of each node, in the order of the tree. npv_usd: by future, (S,). objective_usd: of the measure;
    bound_usd: none of its sort can be better, None where that was not asked. money: dollars of one unit of the model's
    money.
    """

    levels: tuple[Floats, ...]
    npv_usd: Floats
    objective_usd: float
    bound_usd: float | None
    money: float

    @property
    def gap(self) -> float | None:
        """(bound - objective) / |objective|."""
        if self.bound_usd is None:
            return None
        least = LEAST_MONEY * self.money  # as for a plan: what is worth nothing has no gap of dust
        return max(self.bound_usd - self.objective_usd, 0.0) / max(abs(self.objective_usd), least)


def outcome(
    levels: list[Floats], npv_usd: Floats, measure: MeanCvar, bound_usd: float | None, money: float
) -> Outcome:
    """The outcome of some levels, its objective measured over all futures."""
    return Outcome(tuple(levels), npv_usd, measure.value(npv_usd), bound_usd, money)
