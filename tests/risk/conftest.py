"""The case that tests of risk share, made once."""

from __future__ import annotations

import pytest
from risky_case import RiskyCase, case_with_factors

from planner.candidates.build import build_candidates
from planner.candidates.outlook import make_outlook
from planner.risk.worth import candidate_values
from planner.scenarios.futures import make_futures


@pytest.fixture(scope="session")
def risky() -> RiskyCase:
    case = case_with_factors()
    outlook = make_outlook(case)
    candidates = build_candidates(outlook)
    futures = make_futures(case, outlook.calendar, scenarios=60)
    return RiskyCase(case, candidates, futures, candidate_values(candidates, futures, threads=1))
