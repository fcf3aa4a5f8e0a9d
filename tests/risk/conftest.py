"""The case that tests of risk share, made once."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache

import pytest
from risky_case import RiskyCase, case_with_factors

from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.risk.allocate import RiskAllocation, allocate_after_risk
from planner.risk.worth import candidate_values
from planner.scenarios.futures import make_futures
from planner.solver.column_generation.mean_cvar import MeanCvar
from planner.solver.options import SolverOptions


@pytest.fixture(scope="session")
def risky() -> RiskyCase:
    case = case_with_factors()
    outlook = make_outlook(case)
    candidates = build_candidates(outlook)
    futures = make_futures(case, outlook.calendar, scenarios=60)
    return RiskyCase(case, candidates, futures, candidate_values(candidates, futures, threads=1))


@pytest.fixture(scope="session")
def after_risk(risky: RiskyCase) -> Callable[[float], RiskAllocation]:
    """The plan of the case at a risk weight, CVaR at 0.9, found once."""

    @cache
    def planned(weight: float) -> RiskAllocation:
        return allocate_after_risk(
            risky.candidates, risky.values, MeanCvar(weight, 0.9, risky.futures.weights), SolverOptions(gap=1e-5)
        )

    return planned
