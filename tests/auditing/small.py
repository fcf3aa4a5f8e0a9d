"""Small cases around one site, one phase, one SKU and one lease, each changed in what a test is about."""

from __future__ import annotations

from typing import Any

from oracle.written_case import written_case

from planner.case.case import Case
from planner.case.settings import Depreciation, Settings

AT_ONCE = Depreciation("straight_line", 5.0, 1.0)


def small_case(*, settings: dict[str, Any] | None = None, **changes: Any) -> Case:
    """100 GPUs of $1,000 let at $1 an hour for the first year on a utility connection, no discount, no tax; `changes`
    replace or add.

    A table given as a dict changes the row that stands here; given as a list it stands in its place; None leaves it
    out.
    """
    rows: dict[str, Any] = {
        "sites": [{"site_id": "s", "critical_it_mw": 10, "existing_it_mw": 1, "pue": 1, "load_factor": 1}],
        "power": [
            {
                "source_id": "p", "phase": "1", "site_id": "s", "kind": "grid", "energised": "2027-01",
                "status": "energised", "guaranteed_mw": 10, "mw_per_it_mw": 1, "term_months": 60,
            }
        ],
        "gpus": [{"gpu_id": "g", "it_kw": 1, "capex_usd": 1000, "life_months": 24}],
        "customers": [{"customer_id": "c", "default_rate_per_year": 0, "recovery": 0}],
        "leases": [
            {
                "lease_id": "l", "customer_id": "c", "kind": "gpu", "start": "2027-01", "term_months": 12,
                "max_size": 100, "billing_hours": "730",
            }
        ],
        "lease_rates": [{"lease_id": "l", "gpu_id": "g", "usd_per_gpu_hour": 1.0}],
    }
    for name, change in changes.items():
        if change is None:
            rows.pop(name, None)
        else:
            rows[name] = [rows[name][0] | change] if isinstance(change, dict) else change
    chosen: dict[str, Any] = {
        "discount_rate": 0.0, "tax_rate": 0.0, "depreciation": dict.fromkeys(("gpu", "shell", "power"), AT_ONCE),
        **(settings or {}),
    }
    return written_case(Settings(name="small", start="2027-01", **{"months": 24, **chosen}), **rows)
