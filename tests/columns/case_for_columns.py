"""Six small cases in which every declared table is used, so that every declared column can be seen at work.

Figures are round and trades are lopsided: what a column does to the NPV can be argued without a solve.
"""

from __future__ import annotations

from typing import Any

from oracle.written_case import Row, written_case

from planner.case.case import Case
from planner.case.settings import Depreciation, Settings


def _settings(name: str, months: int) -> Settings:
    return Settings(
        name=name,
        start="2027-01",
        months=months,
        depreciation={
            "gpu": Depreciation("straight_line", 5.0, 0.0),
            "shell": Depreciation("straight_line", 20.0, 0.0),
            "power": Depreciation("straight_line", 10.0, 0.0),
        },
    )


def _gb(**other: Any) -> Row:
    """A SKU of which 500 fill a MW, that the market pays back in two years."""
    return {
        "gpu_id": "gb", "it_kw": 2.0, "capex_usd": 30000, "life_months": 36, "upkeep_usd_per_month": 50,
        "spare_fraction": 0.05, **other,
    }


def _resale(gpu: str) -> list[Row]:
    return [{"gpu_id": gpu, "age_months": age, "value_share": share} for age, share in ((0, 0.8), (24, 0.4), (48, 0.1))]


def _curve(name: str, unit: str, **values: float) -> list[Row]:
    """A curve of one value for each year, written y2027=..."""
    return [
        {"curve_id": name, "month": f"{year[1:]}-01", "value": value, "unit": unit} for year, value in values.items()
    ]


def _grid(site_id: str, **other: Any) -> Row:
    """A grid connection in service since before the start."""
    return {
        "source_id": f"{site_id}_grid", "phase": "1", "site_id": site_id, "kind": "grid", "energised": "2025-06",
        "status": "energised",
        "guaranteed_mw": 7, "mw_per_it_mw": 1.4, "energy_usd_per_mwh": 50, **other,
    }


def _spot() -> list[Row]:
    return [
        *_curve("spot", "$ per GPU-hour", y2027=3.2, y2028=2.8),
        *_curve("high_spot", "$ per GPU-hour", y2027=3.6, y2028=3.2),
    ]


def cluster() -> Case:
    """One hall on the grid, one SKU, a lease above the market and a market in two tiers: contracts. Two years."""
    return written_case(
        _settings("cluster", 24),
        sites=[{"site_id": "river", "critical_it_mw": 4, "existing_it_mw": 4, "pue": 1.2, "load_factor": 0.8}],
        power=[_grid("river", availability=0.995, co2_kg_per_mwh=300, heat_rate_mmbtu_per_mwh=1, gas_usd_per_mmbtu=5)],
        gpus=[_gb()],
        resale=_resale("gb"),
        customers=[
            {"customer_id": "lab", "rating": "B"}, {"customer_id": "bank", "rating": "CCC"},
            {"customer_id": "fund", "rating": "AAA"},
        ],
        customer_shares=[{"customer_id": "lab", "year": 2028, "max_revenue_share": 1}],
        leases=[
            {
                "lease_id": "train", "customer_id": "lab", "kind": "gpu", "start": "2027-07", "term_months": 15,
                "max_size": 1000, "take_or_pay": 0.9, "utilisation": 0.8,
                "prepay_fraction": 0.1, "renewal_term_months": 3, "renewal_probability": 0.5,
            }
        ],
        lease_ramp=[{"lease_id": "train", "month_of_term": 0, "size_share": 0.5, "rate_share": 0.8}],
        lease_rates=[
            {"lease_id": "train", "gpu_id": "gb", "tier": 1, "usd_per_gpu_hour": 4.0, "max_units": 800},
            {"lease_id": "train", "gpu_id": "gb", "tier": 2, "usd_per_gpu_hour": 3.8},
        ],
        market=[
            {"gpu_id": "gb", "tier": 1, "price_curve": "spot", "depth_gpus": 600, "utilisation": 0.8},
            {"gpu_id": "gb", "tier": 2, "usd_per_gpu_hour": 2.0, "utilisation": 0.8},
        ],
        curves=_spot(),
        stresses=[
            {"stress": "cheap market", "target": "market.usd_per_gpu_hour[gb:2]", "change": "multiply", "value": "0.9"}
        ],
    )


def estate() -> Case:
    """A fleet of an old SKU beside a new one, a cluster and a hosted hall, on a site with power and one without. One
    year."""
    return written_case(
        _settings("estate", 12),
        sites=[
            {"site_id": "river", "critical_it_mw": 4, "existing_it_mw": 4},
            {"site_id": "dark", "critical_it_mw": 1, "existing_it_mw": 1},
        ],
        power=[_grid("river")],
        gpus=[_gb(), {"gpu_id": "old", "it_kw": 1.0, "capex_usd": 20000, "life_months": 48, "order_lead_months": 12}],
        resale=[*_resale("gb"), *_resale("old")],
        customers=[{"customer_id": "lab", "rating": "AAA"}],
        leases=[
            {
                "lease_id": "train", "customer_id": "lab", "kind": "gpu", "start": "2027-01", "term_months": 12,
                "max_size": 1000,
            },
            {
                "lease_id": "hall", "customer_id": "lab", "kind": "hosting", "size_unit": "it_mw", "start": "2027-04",
                "term_months": 6, "max_size": 1,
                "usd_per_kw_month": 1500, "energy_by": "tenant",
            },
        ],
        lease_ramp=[{"lease_id": "train", "month_of_term": 0, "size_share": 0.5}],
        lease_rates=[
            {"lease_id": "train", "gpu_id": "gb", "usd_per_gpu_hour": 4.0},
            {"lease_id": "train", "gpu_id": "old", "usd_per_gpu_hour": 1.0},
        ],
        market=[{"gpu_id": "gb", "usd_per_gpu_hour": 2.5}, {"gpu_id": "old", "usd_per_gpu_hour": 1.0}],
        links=[{"site_id": "river", "lease_id": "train", "network_usd_per_gpu_hour": 0.02}],
        fleet=[{"site_id": "river", "gpu_id": "old", "gpus": 500, "bought": "2025-01", "tax_basis_usd_per_gpu": 5000}],
    )


def campus() -> Case:
    """A green field with fuel cells for a fee and engines of its own, all GPUs on a deep market: halls and power. Three
    years."""
    return written_case(
        _settings("campus", 36),
        sites=[
            {
                "site_id": "mesa", "critical_it_mw": 8, "pue": 1.2, "load_factor": 0.8, "ready_month": "2027-07",
                "build_lead_months": 6, "build_mw_per_quarter": 3,
                "shell_capex_usd_per_kw": 4000, "shell_residual": 0.3, "opex_usd_per_kw_month": 20,
                "opening_cost_usd": 500000,
            }
        ],
        power=[
            {
                "source_id": "cells", "phase": "1", "site_id": "mesa", "kind": "fuel_cell", "energised": "2027-07",
                "status": "approved",
                "guaranteed_mw": 4, "installed_mw": 5, "mw_per_it_mw": 1.3, "fee_usd_per_kw_month": 40,
                "fee_on": "installed", "fee_from": "contract", "contract_month": "2027-04",
                "fee_escalator": 0.03, "term_months": 60, "exit_fee_usd_per_kw": 300, "take_or_pay": 0.6,
                "min_take": 0.2,
                "heat_rate_mmbtu_per_mwh": 7, "gas_curve": "gas", "fuel_adder_usd_per_mmbtu": 0.5,
                "energy_curve": "service",
            },
            {
                "source_id": "standby", "phase": "1", "site_id": "mesa", "kind": "backup_engine",
                "energised": "2025-06", "status": "energised", "guaranteed_mw": 2, "mw_per_it_mw": 1,
                "energy_usd_per_mwh": 200, "hours_per_year": 700,
            },
            {
                "source_id": "engine", "phase": "1", "site_id": "mesa", "kind": "gas_engine", "energised": "2027-09",
                "status": "announced",
                "guaranteed_mw": 4, "installed_mw": 5, "mw_per_it_mw": 1.25, "capex_usd_per_kw": 1500,
                "upfront_usd_per_kw": 100, "lead_months": 6,
                "fixed_om_usd_per_kw_month": 3, "variable_om_usd_per_mwh": 4, "energy_usd_per_mwh": 2,
                "heat_rate_mmbtu_per_mwh": 8, "gas_usd_per_mmbtu": 4,
                "demand_charge_usd_per_kw_month": 1, "tax_credit": 0.1, "term_months": 60,
                "delay_damages_usd_per_kw_month": 5,
            },
        ],
        exit_fees=[{"source_id": "engine", "phase": "1", "contract_year": 3, "usd_per_kw": 20}],
        gpus=[
            _gb(
                capex_usd=None, capex_curve="price", gpus_per_rack=64, deposit_fraction=0.2, deposit_lead_months=2,
                order_lead_months=3,
            ),
            {"gpu_id": "mini", "it_kw": 1.0, "capex_usd": 100000},
        ],
        resale=_resale("gb"),
        gpu_supply=[{"gpu_id": "gb", "quarter": "2027-Q4", "max_gpus": 800}],
        market=[{"gpu_id": "gb", "usd_per_gpu_hour": 3.5, "utilisation": 0.8}],
        curves=[
            *_curve("gas", "$ per MMBtu", y2027=3, y2028=4), *_curve("dear_gas", "$ per MMBtu", y2027=6),
            *_curve("service", "$ per MWh", y2027=5), *_curve("dear_service", "$ per MWh", y2027=15),
            *_curve("price", "$ per GPU", y2027=30000), *_curve("high_price", "$ per GPU", y2027=33000),
        ],
        budget=[{"quarter": "2027-Q1", "new_capital_usd": 1e9}, {"quarter": "2028-Q2", "new_capital_usd": 0}],
        debt=[{"asset_class": "gpu", "advance_rate": 0.5, "interest_rate": 0.08, "tenor_months": 24}],
    )


def pit() -> Case:
    """A mining hall, half of which can become a GPU hall. Three years."""
    return written_case(
        _settings("pit", 36),
        sites=[
            {"site_id": "pit", "critical_it_mw": 4, "conversion_capex_usd_per_kw": 4000, "conversion_lead_months": 9},
            {"site_id": "lake", "critical_it_mw": 4},
        ],
        power=[
            _grid("pit"),
            _grid(
                "lake", status="announced", energised="2029-10", delay_low_months=0, delay_mode_months=0,
                delay_high_months=0,
            ),
        ],
        gpus=[_gb()],
        resale=_resale("gb"),
        market=[{"gpu_id": "gb", "usd_per_gpu_hour": 3.5}],
        mining=[
            {
                "site_id": "pit", "utility_mw": 5, "joules_per_th": 20, "uptime": 0.9, "opex_usd_per_mwh": 5,
                "hashprice_curve": "hash",
                "convertible_fraction": 0.5, "resale_usd_per_kw": 50, "earliest_stop": "2027-03",
            }
        ],
        curves=[*_curve("hash", "$ per PH/s and day", y2027=50), *_curve("high_hash", "$ per PH/s and day", y2027=60)],
    )


def pair() -> Case:
    """Two halls on the grid behind one substation, linked by fibre, and a lease that fills both for a year: places and
    links. Three years."""
    hall: Row = {"critical_it_mw": 2, "existing_it_mw": 2, "fabric_group": "valley", "site_group": "east"}
    return written_case(
        _settings("pair", 36),
        sites=[
            {"site_id": "river", "region": "north", **hall}, {"site_id": "mesa", "region": "south", **hall},
            {"site_id": "bare", "critical_it_mw": 2},
        ],
        site_groups=[{"site_group": "east", "max_contracted_mw": 6}, {"site_group": "west", "max_contracted_mw": 1}],
        power=[_grid("river"), _grid("mesa")],
        gpus=[_gb(), {"gpu_id": "mini", "it_kw": 1.0, "capex_usd": 100000}],
        resale=_resale("gb"),
        customers=[{"customer_id": "lab", "rating": "AAA"}],
        leases=[
            {
                "lease_id": "train", "customer_id": "lab", "kind": "gpu", "start": "2027-01", "term_months": 12,
                "min_size": 1200, "max_size": 1500, "single_fabric": True, "regions": "north;south",
            }
        ],
        lease_rates=[{"lease_id": "train", "gpu_id": "gb", "usd_per_gpu_hour": 4.0}],
        links=[
            {"site_id": "river", "other_site_id": "mesa", "fibre_capex_usd": 100000},
            {"site_id": "bare", "lease_id": "train", "network_usd_per_gpu_hour": 0.1},
        ],
    )


def stages() -> Case:
    """A hall on the grid and a lease that comes in two halves, the second half a year after the first, beside a small
    one. Two years."""
    return written_case(
        _settings("stages", 24),
        sites=[{"site_id": "river", "critical_it_mw": 4, "existing_it_mw": 4}],
        power=[_grid("river")],
        gpus=[_gb()],
        resale=_resale("gb"),
        customers=[{"customer_id": "lab", "rating": "AAA"}],
        leases=[
            {
                "lease_id": name, "customer_id": "lab", "kind": "gpu", "start": "2027-01", "term_months": 12,
                "max_size": size,
            }
            for name, size in (("train", 1000), ("side", 10))
        ],
        lease_tranches=[
            {"lease_id": "train", "tranche": "one", "size_share": 0.5},
            {"lease_id": "train", "tranche": "two", "size_share": 0.5, "starts_after_months": 6},
        ],
        lease_rates=[{"lease_id": name, "gpu_id": "gb", "usd_per_gpu_hour": 4.0} for name in ("train", "side")],
    )


CASES = {"cluster": cluster, "estate": estate, "campus": campus, "pit": pit, "pair": pair, "stages": stages}
