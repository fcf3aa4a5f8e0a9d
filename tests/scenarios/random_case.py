"""A small case in which everything that can happen at random does: prices, delays, defaults, renewals."""

from __future__ import annotations

from typing import Any

from oracle.written_case import Row, written_case

from planner.case.case import Case
from planner.case.settings import Settings

GAS: Row = {
    "factor_id": "gas", "model": "mean_reverting", "drives": "curves[hub]", "volatility_per_year": 0.6,
    "reversion_per_year": 1.7,
}
MARKET: Row = {
    "factor_id": "gpus", "model": "two_regimes", "drives": "market", "volatility_per_year": 0.25,
    "drift_glut_per_year": -0.35,
    "drift_shortage_per_year": 0.35, "stay_glut_months": 18, "stay_shortage_months": 18, "starts_in_shortage": True,
}
NEW: Row = {"factor_id": "new price", "model": "gbm", "drives": "market[new]", "volatility_per_year": 0.2}
USE: Row = {
    "factor_id": "use", "model": "mean_reverting", "drives": "utilisation", "volatility_per_year": 0.2,
    "reversion_per_year": 2,
}
HASH: Row = {"factor_id": "hash", "model": "gbm", "drives": "hashprice", "volatility_per_year": 0.6}
FACTORS = (GAS, MARKET, NEW, USE, HASH)


def _phase(source: str, phase: str, site: str, kind: str, energised: str, status: str, **other: Any) -> Row:
    return {
        "source_id": source, "phase": phase, "site_id": site, "kind": kind, "energised": energised, "status": status,
        "guaranteed_mw": 10, "mw_per_it_mw": 1.4, "term_months": 120, **other,
    }


def power(**late: Any) -> list[Row]:
    """Three phases still to come (with the delays `late`, else by kind and status) and one in service."""
    return [
        _phase("line", "1", "river", "grid", "2027-10", "announced", energy_usd_per_mwh=45, **late),
        _phase("line", "2", "river", "grid", "2028-04", "announced", energy_usd_per_mwh=45, **late),
        _phase(
            "cells", "1", "river", "fuel_cell", "2027-04", "approved", heat_rate_mmbtu_per_mwh=7, gas_curve="hub",
            fee_usd_per_kw_month=50, min_take=0.3, **late,
        ),
        _phase("mine", "1", "pit", "grid", "2026-01", "energised", energy_usd_per_mwh=40),
    ]


def random_case(*, factors: tuple[Row, ...] = FACTORS, months: int = 36, **tables: list[Row]) -> Case:
    """The case, with any of its tables replaced."""
    settings = Settings(name="random", start="2027-01", months=months, seed=11)
    rows: dict[str, list[Row]] = {
        "sites": [
            {"site_id": "river", "critical_it_mw": 12, "existing_it_mw": 8}, {"site_id": "pit", "critical_it_mw": 5}
        ],
        "power": power(),
        "gpus": [
            {"gpu_id": "new", "it_kw": 2.0, "capex_curve": "price"}, {"gpu_id": "old", "it_kw": 1.4, "capex_usd": 30000}
        ],
        "customers": [
            {"customer_id": "lab", "rating": "CCC", "recovery": 0.25},
            {"customer_id": "child", "default_rate_per_year": 0.5, "guarantor": "lab", "recovery": 0.1},
            {"customer_id": "state", "default_rate_per_year": 0},
        ],
        "leases": [
            {
                "lease_id": "train", "customer_id": "lab", "kind": "gpu", "start": "2027-07", "term_months": 18,
                "max_size": 1000, "notice_months": 3,
             "late_penalty": 0.1, "late_grace_months": 6, "renewal_term_months": 12, "renewal_probability": 0.4},
            {
                "lease_id": "serve", "customer_id": "child", "kind": "gpu", "start": "2027-10", "term_months": 24,
                "max_size": 1000, "term_from": "delivery",
            },
            {
                "lease_id": "hall", "customer_id": "state", "kind": "hosting", "size_unit": "it_mw", "start": "2028-04",
                "term_months": 24, "max_size": 3,
             "usd_per_kw_month": 140, "renewal_term_months": 12, "renewal_probability": 0.7},
        ],
        "lease_rates": [
            {"lease_id": lease, "gpu_id": gpu, "usd_per_gpu_hour": rate} for lease in ("train", "serve")
            for gpu, rate in (("new", 4.5), ("old", 2.5))
        ],
        "market": [
            {"gpu_id": "new", "tier": 1, "price_curve": "spot", "depth_gpus": 500, "utilisation": 0.8},
            {"gpu_id": "new", "tier": 2, "usd_per_gpu_hour": 2.0, "utilisation": 0.6},
            {"gpu_id": "old", "tier": 1, "usd_per_gpu_hour": 1.8, "utilisation": 0.9},
        ],
        "mining": [{"site_id": "pit", "utility_mw": 6, "joules_per_th": 18, "hashprice_usd_per_ph_day": 50}],
        "curves": [
            {"curve_id": "hub", "month": "2027-01", "value": 3.5, "unit": "$ per MMBtu"},
            {"curve_id": "hub", "month": "2028-01", "value": 4.0, "unit": "$ per MMBtu"},
            {"curve_id": "spot", "month": "2027-01", "value": 4.0, "unit": "$ per GPU-hour"},
            {"curve_id": "spot", "month": "2028-07", "value": 3.0, "unit": "$ per GPU-hour"},
            {"curve_id": "price", "month": "2027-01", "value": 50000, "unit": "$ per GPU"},
        ],
        "factors": [dict(row) for row in factors],
    }
    return written_case(settings, **{**rows, **tables})
