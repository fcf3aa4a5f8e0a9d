"""The plan that tests of scoring share, made once."""

from __future__ import annotations

import pytest
from scoring_case import ScoringCase

from planner.case.generate import generate_case
from planner.planning.make_plan import plan
from planner.solver.options import SolverOptions


@pytest.fixture(scope="session")
def planned() -> ScoringCase:
    """Four sites, eight leases, three SKUs, four years."""
    case = generate_case(sites=4, leases=8, skus=3, months=48, seed=3)
    found = plan(case, prices="none", solver=SolverOptions(gap=1e-3))
    assert found.levels is not None
    return ScoringCase(found, found.candidates, found.levels)
