"""The futures to plan over, and how much their tail weighs: what plans after risk and policies have in common."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.errors import PlannerError
from planner.scenarios.futures import Futures, futures_of
from planner.solver.column_generation.mean_cvar import MeanCvar


@dataclass(frozen=True)
class WeighedFutures:
    """Futures to plan over, and what is weighed against their mean.

    weight: of CVaR in the objective, 0 to 1. alpha: its level. scenarios: futures drawn; seed: None for the case's own;
    draws as for scores. imported: a file of paths and weights from elsewhere, whose scenarios stand in place of as many
    draws. information: futures in the sample of those that are known beforehand (EVPI), 0 for none.
    """

    weight: float = 0.0
    alpha: float = 0.95
    scenarios: int = 500
    seed: int | None = None
    draws: str = "independent"
    imported: str | None = None
    information: int = 0

    def __post_init__(self) -> None:
        MeanCvar(self.weight, self.alpha, np.ones(1))  # refuses a weight or level outside its range
        if self.information < 0:
            raise PlannerError(f"a sample of {self.information} futures was asked for; give 1 or more, or 0 for none")

    def futures(self, case: Case, calendar: Calendar) -> Futures:
        """The futures to plan over, drawn or from elsewhere."""
        return futures_of(
            case, calendar, scenarios=self.scenarios, seed=self.seed, draws=self.draws, file=self.imported
        )
