"""How a plan adapts: when the company decides again, how finely futures are told apart, and what is weighed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.errors import PlannerError
from planner.scenarios.futures import Futures, futures_of
from planner.solver.column_generation.mean_cvar import MeanCvar

BRANCHES = 3
"""Groups into which the futures of a node fall at the next review, where nothing else is asked."""
GAP = 1e-2
"""Gap to which a policy is proven, where nothing else is asked."""


@dataclass(frozen=True)
class AdaptOptions:
    """What a policy is made under.

    reviews: months as YYYY-MM; None for months 12 and 30 after the start. branches: groups at each review, None for 3
    each. weight: of CVaR in the objective, 0 to 1; alpha: its level. scenarios: futures drawn; seed: None for the
    case's own; draws as for scores. imported: a file of paths and weights from elsewhere, whose scenarios stand in
    place of as many draws. information: futures in the sample of those that are known beforehand, 0 for none. worth:
    whether to find what signing now and keeping open is worth, thing by thing.
    """

    reviews: tuple[str, ...] | None = None
    branches: tuple[int, ...] | None = None
    weight: float = 0.0
    alpha: float = 0.95
    scenarios: int = 500
    seed: int | None = None
    draws: str = "independent"
    imported: str | None = None
    information: int = 20
    worth: bool = True

    def __post_init__(self) -> None:
        MeanCvar(self.weight, self.alpha, np.ones(1))  # refuses a weight or level outside its range
        if self.branches is not None and any(count < 1 for count in self.branches):
            raise PlannerError(
                f"branches {','.join(map(str, self.branches))}: give 1 or more groups for each review, such as 3,3"
            )
        if self.information < 0:
            raise PlannerError(f"a sample of {self.information} futures was asked for; give 1 or more, or 0 for none")

    def futures(self, case: Case, calendar: Calendar) -> Futures:
        """The futures to plan over, drawn or from elsewhere."""
        return futures_of(
            case, calendar, scenarios=self.scenarios, seed=self.seed, draws=self.draws, file=self.imported
        )

    def groups(self, reviews: int) -> tuple[int, ...]:
        """Groups at each review, of which there are so many."""
        if self.branches is None:
            return (BRANCHES,) * reviews
        if len(self.branches) != reviews:
            asked = ",".join(map(str, self.branches))
            raise PlannerError(
                f"branches {asked} are for {len(self.branches)} reviews, but {reviews} lie within the horizon; give as "
                "many"
            )
        return self.branches
