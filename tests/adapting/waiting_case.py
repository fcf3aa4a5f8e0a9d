"""A case small enough for any solver in which waiting can pay, and its policies."""

from __future__ import annotations

from functools import cache
from typing import Any

import numpy as np
from oracle.tiny_case import cluster, grid, hall, rate, site, sku, tiny_case

import planner
from planner.adapting.policy import Policy
from planner.case.case import Case


@cache
def waiting_case(seed: int = 0) -> Case:
    """Two sites of which one may be built and opened later, leases answered now and later, a market that moves, and a
    phase that may come late."""
    random = np.random.default_rng(seed)

    def some(low: float, high: float) -> float:
        return float(np.round(random.uniform(low, high), 2))

    def gpus_of(low: int, high: int) -> int:
        return int(random.integers(low, high))

    return tiny_case(
        months=36, tail=str(random.choice(["none", "contracted"])),
        settings={"discount_rate": some(0.0, 0.12), "tax_rate": some(0.0, 0.3)},
        sites=[
            site(mw=some(0.6, 2.0)),
            {
                "site_id": "b", "critical_it_mw": some(1.0, 3.0), "shell_capex_usd_per_kw": some(2000, 9000),
                "build_lead_months": 3, "opening_cost_usd": some(0, 400_000),
            },
        ],
        power=[
            grid(),
            grid(
                "b", mw=some(1.0, 4.0), energised="2028-01", status="announced",
                lead_months=int(random.integers(0, 10)),
                fee_usd_per_kw_month=some(2, 12), term_months=48, lumpy=bool(random.integers(2)), delay_low_months=0,
                delay_mode_months=0, delay_high_months=6,
            ),
        ],
        gpus=[sku(capex_usd=some(14_000, 24_000), order_lead_months=int(random.integers(0, 4)))],
        leases=[
            cluster(size=gpus_of(200, 500)),
            cluster(
                "late", size=gpus_of(200, 900), start="2028-06", term_months=18, all_or_nothing=bool(random.integers(2))
            ),
            hall(mw=some(0.3, 0.8), start="2028-04", rate=some(60, 160), answer_by="2027-03"),
        ],
        lease_rates=[rate(usd=some(1.4, 2.2)), rate("late", usd=some(1.4, 2.4))],
        market=[{"gpu_id": "gpu", "usd_per_gpu_hour": some(1.2, 2.4), "depth_gpus": some(200, 900)}],
        factors=[
            {"factor_id": "spot", "model": "gbm", "drives": "market", "volatility_per_year": some(0.3, 0.9)},
        ],
    )


def adapted(case: Case, *, gap: float = 1e-9, **how: Any) -> Policy:
    """The policy of a case over 16 futures, proven tightly."""
    asked = planner.AdaptOptions(**{"scenarios": 16, "information": 2, "worth": False, **how})
    return planner.plan(case, adapt=asked, gap=gap, prices="none")
