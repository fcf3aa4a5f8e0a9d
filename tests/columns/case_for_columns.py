"""Four small cases in which every declared table is used and every declared column can be seen at work.

Money is in round figures, so that a reader can tell which side of a trade is the better one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from oracle.written_case import Row, written_case
from planner.case.case import Case
from planner.case.settings import Depreciation, Settings

_START = "2027-01"


def _settings(name: str, months: int) -> Settings:
    return Settings(
        name=name,
        start=_START,
        months=months,
        depreciation={
            "gpu": Depreciation("straight_line", 5.0, 0.0),
            "shell": Depreciation("straight_line", 20.0, 0.0),
            "power": Depreciation("straight_line", 10.0, 0.0),
        },
    )


def _gb(**other: Any) -> Row:
    """A SKU that pays for itself on the market within two years."""
    return {"gpu_id": "gb", "it_kw": 2.0, "capex_usd": 30000, "life_months": 36, "upkeep_usd_per_month": 50, "spare_fraction": 0.05, **other}


def _resale(gpu: str) -> list[Row]:
    return [{"gpu_id": gpu, "age_months": age, "value_share": share} for age, share in ((0, 0.8), (24, 0.4), (48, 0.1))]


def cluster() -> Case:
    """One hall on an energised grid, with a fleet: what GPUs, customers, leases and the market bring. Two years."""
    return written_case(
        _settings("cluster", 24),
        sites=[{"site_id": "river", "region": "north", "critical_it_mw": 6, "existing_it_mw": 6, "max_rack_kw": 140, "pue": 1.2, "load_factor": 0.8}],
        power=[
            {
                "source_id": "grid", "phase": "1", "site_id": "river", "kind": "grid", "energised": "2026-06", "status": "energised", "guaranteed_mw": 9,
                "mw_per_it_mw": 1.4, "energy_usd_per_mwh": 50, "availability": 0.98, "co2_kg_per_mwh": 300, "demand_charge_usd_per_kw_month": 5, "fee_usd_per_kw_month": 2,
            }
        ],
        gpus=[
            _gb(gpus_per_rack=64, deposit_fraction=0.2, deposit_lead_months=2, order_lead_months=3),
            {"gpu_id": "old", "it_kw": 1.0, "capex_usd": 20000, "life_months": 48, "order_lead_months": 24},
        ],
        resale=[*_resale("gb"), *_resale("old")],
        gpu_supply=[{"gpu_id": "gb", "quarter": "2027-Q2", "max_gpus": 1500}],
        customers=[
            {"customer_id": "lab", "rating": "B", "recovery": 0.3},
            {"customer_id": "bank", "rating": "A", "default_rate_per_year": 0.05},
        ],
        leases=[
            {
                "lease_id": "train", "customer_id": "lab", "kind": "gpu", "start": "2027-07", "term_months": 12, "max_size": 1000, "take_or_pay": 0.9, "utilisation": 0.8,
                "escalator": 0.02, "prepay_fraction": 0.1, "sla_credit": 0.05, "late_penalty": 0.5, "renewal_term_months": 3, "renewal_probability": 0.5,
            },
        ],
        lease_ramp=[{"lease_id": "train", "month_of_term": 0, "size_share": 0.5, "rate_share": 0.8}],
        lease_rates=[{"lease_id": "train", "gpu_id": "gb", "tier": 1, "usd_per_gpu_hour": 4.0, "max_units": 800}, {"lease_id": "train", "gpu_id": "gb", "tier": 2, "usd_per_gpu_hour": 3.8}],
        market=[
            {"gpu_id": "gb", "tier": 1, "price_curve": "spot", "depth_gpus": 600, "utilisation": 0.8},
            {"gpu_id": "gb", "tier": 2, "usd_per_gpu_hour": 2.0, "utilisation": 0.8},
            {"gpu_id": "old", "tier": 1, "usd_per_gpu_hour": 1.0},
        ],
        curves=[
            {"curve_id": "spot", "month": "2027-01", "value": 3.2, "unit": "$ per GPU-hour"},
            {"curve_id": "spot", "month": "2028-01", "value": 2.8, "unit": "$ per GPU-hour"},
        ],
        links=[{"site_id": "river", "lease_id": "train", "network_usd_per_gpu_hour": 0.02}],
        fleet=[{"site_id": "river", "gpu_id": "old", "gpus": 500, "bought": "2025-01", "tax_basis_usd_per_gpu": 5000}],
    )
