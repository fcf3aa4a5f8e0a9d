"""A better mean that a plan names lies between its own mean and that of the plan after risk over the same futures."""

from __future__ import annotations

from dataclasses import replace

import pytest

import planner
from planner.case.generate import generate_case
from planner.case.made_up.frame import declared_frame
from planner.case.tables import TABLES

FACTORS = [
    {"factor_id": "gpus", "model": "gbm", "drives": "market", "volatility_per_year": 0.5},
    {"factor_id": "build", "model": "triangular", "drives": "capex[gpu]", "low": -0.1, "mode": 0, "high": 0.2},
]


@pytest.mark.parametrize("equity", [False, True])
def test_the_best_mean_is_no_less_than_the_one_named(equity: bool) -> None:
    made = generate_case(sites=2, leases=4, skus=2, months=36, seed=8)
    case = replace(made, tables={**made.tables, "factors": declared_frame(TABLES["factors"], FACTORS)})
    options = planner.PlanOptions(equity=equity, prices="none", solver=planner.SolverOptions(gap=1e-7))
    found = planner.plan(case, replace(options, futures=planner.FuturesOptions(scenarios=40)))
    best = planner.plan_after_risk(case, options, planner.RiskOptions(weight=0.0, scenarios=40))
    over = found.over_futures
    assert over is not None
    assert over.better_mean_usd is not None
    assert best.expected_npv_usd is not None
    assert over.mean_usd < over.better_mean_usd <= best.expected_npv_usd * (1 + 1e-6)
