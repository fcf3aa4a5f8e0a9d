"""The example company after risk: certified relaxation, a whole plan at a stated gap, and the score of its
portfolio."""

from __future__ import annotations

import numpy as np
import pytest
from at_length import many
from example_company import company

from planner.planning.options import PlanOptions
from planner.risk.planning import RiskOptions, plan_after_risk
from planner.scoring.long_table import from_table
from planner.scoring.score import ScoreOptions, score_portfolios
from planner.solver.options import SolverOptions
from planner.solver.status import Status

SCENARIOS, BUNDLES = many(60, 500), many(6_000, 50_000)


@pytest.mark.slow
def test_the_example_company_after_risk() -> None:
    options = PlanOptions(solver=SolverOptions(gap=1e-2, time_limit_s=900.0), prices="none")
    plan = plan_after_risk(company(), options, RiskOptions(weight=0.5, alpha=0.95, scenarios=SCENARIOS))
    assert plan.status is Status.OPTIMAL
    assert plan.gap is not None
    assert plan.gap <= 1e-2
    assert plan.seconds["relaxation"] <= 120.0
    assert plan.seconds["search"] <= 900.0
    assert plan.after_risk.relaxed is not None
    proof = plan.after_risk.relaxed.certificate
    assert proof.gap <= 1e-6
    assert proof.least_weight >= 0.0
    assert proof.weight_sum == pytest.approx(1.0, abs=1e-9)
    scored = score_portfolios(
        plan.candidates, from_table(plan.candidates, plan.portfolio),
        ScoreOptions(scenarios=SCENARIOS, float64=True, paths=False),
    ).table.iloc[0]
    assert scored["cvar_usd"] == pytest.approx(plan.cvar_usd, rel=1e-9)
    assert scored["mean_npv_usd"] == pytest.approx(plan.expected_npv_usd, rel=1e-9)
    assert scored["limits_broken"] == 0


@pytest.mark.slow
def test_a_whole_plan_of_the_example_company_out_of_its_pool() -> None:
    """Openings, leases all or nothing, links and whole phases among many bundles: proven, and a plan that keeps every
    limit of the case."""
    options = PlanOptions(solver=SolverOptions(gap=2e-3, time_limit_s=600.0), prices="none")
    plan = plan_after_risk(company(), options, RiskOptions(weight=0.5, scenarios=60, pool=f"grid:{BUNDLES}"))
    assert plan.status is Status.OPTIMAL
    assert plan.gap is not None
    assert plan.gap <= 2e-3
    assert plan.bundles is not None
    assert len(plan.bundles) == BUNDLES
    assert plan.levels is not None
    whole = plan.candidates.table["integral"].to_numpy(bool)
    np.testing.assert_array_equal(plan.levels[whole], np.round(plan.levels[whole]))
    assert plan.after_risk.allocation.worst_row <= 1e-6
    proof, relaxed = plan.after_risk.integers, plan.after_risk.relaxed
    assert proof is not None
    assert relaxed is not None
    assert proof.stopped == ""
    assert proof.bound < relaxed.certificate.bound * (1 - 2e-3)  # the relaxation alone would not have proven it
    scored = score_portfolios(
        plan.candidates, from_table(plan.candidates, plan.portfolio),
        ScoreOptions(scenarios=60, float64=True, paths=False),
    ).table.iloc[0]
    assert scored["limits_broken"] == 0
    assert scored["cvar_usd"] == pytest.approx(plan.cvar_usd, rel=1e-9)
