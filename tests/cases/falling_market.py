"""A plan that sells on demand, and ten futures in which a lease would have been better on average: all by hand."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
from rules.hand_case import gpu, hand_case, lease, once, rate

from planner.case.case import Case

HOURS = 24 * (365 + 366)  # 2027 and 2028
CAPEX = 2_000_000.0
ON_DEMAND = 100 * 0.8 * 3.0 * HOURS  # $4.2M at the price of the base case
LET = 100 * 2.0 * 730 * 24  # $3.5M
MULTIPLIERS = np.array([1.3, 0.9, 0.2, 0.4, 0.6, 1.1, 0.3, 0.5, 0.7, 1.2])
WEIGHTS = np.array([1, 2, 1, 1, 5, 2, 1, 1, 1, 5]) / 20


def market_case(model: str = "given", **columns: Any) -> Case:
    """100 GPUs for which the market pays more than the lease, unless its price falls."""
    factor = {"factor_id": "price", "model": model, "drives": "market", **columns}
    return hand_case(
        gpus=[gpu(capex_usd=CAPEX / 100)], gpu_supply=once(), leases=[lease()], lease_rates=[rate(usd=2.0)],
        market=[{"gpu_id": "g", "tier": 1, "usd_per_gpu_hour": 3.0, "utilisation": 0.8, "depth_gpus": 100}],
        factors=[factor],
    )


def futures_file(folder: Path) -> Path:
    path = folder / "prices.csv"
    pd.DataFrame(
        {
            "factor_id": "price", "scenario": range(10), "month": "2027-01", "value": MULTIPLIERS, "weight": WEIGHTS,
        }
    ).to_csv(path, index=False)
    return path
