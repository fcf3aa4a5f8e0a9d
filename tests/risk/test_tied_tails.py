"""Plans that are worth the same in the tail that is known and differ in a tail that is not: what is said of a plan is
measured over all futures."""

from __future__ import annotations

import numpy as np
import pytest
from oracle.tiny_case import cluster, grid, rate, site, sku, tiny_case

from planner.planning.options import PlanOptions
from planner.risk.planning import RiskOptions, plan_after_risk
from planner.solver.status import Status


@pytest.mark.parametrize("scenarios", [2, 4, 16])
@pytest.mark.parametrize("weight", [0.5, 1.0])
def test_two_sites_alike_but_for_their_delays(weight: float, scenarios: int) -> None:
    """Two clusters and two sites, each on power that may be late: where they stand is a tie until futures part them."""
    late = {"energised": "2027-01", "status": "announced", "kind": "wind", "term_months": 48}
    case = tiny_case(
        sites=[site("a", mw=10.0), site("b", mw=10.0)], power=[grid("a", **late), grid("b", **late)],
        gpus=[sku("g", capex_usd=1_000), sku("h", capex_usd=1_000)],
        leases=[
            cluster("first", size=100, start="2027-07", term_months=12),
            cluster("second", size=100, start="2028-01", term_months=12),
        ],
        lease_rates=[rate("first", 1.0, gpu="g"), rate("second", 1.0, gpu="h")],
    )
    found = plan_after_risk(case, PlanOptions(prices="none"), RiskOptions(weight=weight, scenarios=scenarios))
    assert found.status is Status.OPTIMAL
    npv = np.sort(found.npv_by_future)
    worst = npv[0]  # 5 % of 16 futures or fewer is the worst of them alone
    assert found.objective_usd == pytest.approx((1.0 - weight) * npv.mean() + weight * worst, rel=1e-9)
