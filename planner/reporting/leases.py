"""Leases won and lost: at which size, rate and floor, and where they stand."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd

from planner.candidates.named import rates_with_units
from planner.candidates.outlook import make_outlook
from planner.reporting.findings import Findings

WON, PART, DECLINED = "won", "won in part", "declined"
NEARLY_ALL = 1.0 - 1e-6


def lease_table(found: Findings, floors: Mapping[str, float] | None = None) -> pd.DataFrame:
    """A row per lease of the case, in its order: what became of it.

    Columns lease_id, customer_id, outcome, from, to, size and asked in `unit`, rate_low and rate_high in `rate_unit`,
    floor (NaN unless quoted), sites, npv_usd of its clusters. A lease declined shows the rates that it offered.
    """
    served = found.windows[found.windows["use"].isin(["serve", "host"]) & (found.windows["lease_id"] != "")]
    per_gpu = rates_with_units(
        make_outlook(found.case, base=found.summary["base"], tail=found.summary["tail"])
    ).set_index(["lease_id", "gpu_id", "tier"])["units_per_gpu"]
    rates = found.case.tables["lease_rates"]
    rows: list[dict[str, Any]] = []
    for lease in found.leases.itertuples():
        mine = served[served["lease_id"] == lease.lease_id]
        hosting = lease.kind == "hosting"
        if hosting:
            offered, size = [float(lease.usd_per_kw_month)], float(mine["it_mw"].sum())
        else:
            offered = rates.loc[rates["lease_id"] == lease.lease_id, "usd_per_gpu_hour"].tolist()
            size = sum(row.gpus * float(per_gpu[row.lease_id, row.gpu_id, row.tier]) for row in mine.itertuples())
        shown = offered if mine.empty else mine["rate"].tolist()
        rows.append(
            {
                "lease_id": lease.lease_id, "customer_id": lease.customer_id,
                "outcome": DECLINED if mine.empty else WON if size >= NEARLY_ALL * lease.max_size else PART,
                "from": lease.start if mine.empty else mine["from"].min(),
                "to": found.month(
                    found.index(lease.start) + int(lease.term_months) - 1
                ) if mine.empty else mine["to"].max(),
                "size": size, "asked": float(lease.max_size), "unit": "MW" if lease.size_unit == "it_mw" else "GPUs",
                "rate_low": min(shown, default=float("nan")), "rate_high": max(shown, default=float("nan")),
                "rate_unit": "usd_per_kw_month" if hosting else "usd_per_gpu_hour",
                "floor": (floors or {}).get(lease.lease_id, float("nan")),
                "sites": ", ".join(sorted(set(mine["site_id"]))), "npv_usd": float(mine["npv_usd"].sum()),
            }
        )
    columns = [
        "lease_id", "customer_id", "outcome", "from", "to", "size", "asked", "unit", "rate_low", "rate_high",
        "rate_unit", "floor", "sites", "npv_usd",
    ]
    return pd.DataFrame(rows, columns=columns)
