"""A small case that holds every kind of candidate, with attribute values drawn from a seed."""

from __future__ import annotations

import random
from typing import Any

from oracle.written_case import written_case

from planner.case.case import Case
from planner.case.settings import Depreciation, Settings
from planner.case.written_dates import month_number, written_month


class _Draw:
    """Draws of one seed; money to three decimals, so that a failing case can be read."""

    def __init__(self, seed: int) -> None:
        self._random = random.Random(seed)

    def number(self, low: float, high: float) -> float:
        return round(self._random.uniform(low, high), 3)

    def whole(self, low: int, high: int) -> int:
        return self._random.randint(low, high)

    def pick(self, *values: Any) -> Any:
        return self._random.choice(values)


def rich_case(
    seed: int, *, tail: str = "contracted", months: int = 36, limited: bool = False, carries_over: bool = True
) -> Case:
    """Three sites (halls standing, built, rented, converted), six phases, a fleet, five leases and a market.

    `limited` adds a supply of GPUs, a budget of new capital, a floor under cumulative cash and shares of customers.
    """
    draw = _Draw(seed)
    start = draw.pick("2027-02", "2027-01", "2026-11")
    first = month_number(start)

    def month(index: int) -> str:
        return written_month(first + index)

    settings = Settings(
        name=f"rich {seed}",
        start=start,
        months=months,
        discount_rate=draw.number(0.05, 0.14),
        tax_rate=draw.number(0.15, 0.35),
        tail=tail,
        tail_rent_usd_per_kw_month=draw.number(60, 120),
        relet_fraction=draw.number(0.5, 0.9),
        budget_carries_over=carries_over,
        depreciation={
            "gpu": draw.pick(
                Depreciation("macrs_5", 5.0, 0.4), Depreciation("macrs_5", 5.0, 1.0),
                Depreciation("straight_line", 3.0, 0.25),
            ),
            "shell": draw.pick(Depreciation("straight_line", 9.0, 0.0), Depreciation("straight_line", 15.0, 0.1)),
            "power": draw.pick(Depreciation("straight_line", 7.0, 0.0), Depreciation("macrs_5", 5.0, 0.0)),
        },
    )
    limits = _limits(first) if limited else {}
    return written_case(
        settings,
        **limits,
        sites=_sites(draw, month),
        site_groups=[{"site_group": "east", "max_contracted_mw": 60}],
        power=_power(draw, month),
        exit_fees=[
            {"source_id": "river_grid", "phase": "2", "contract_year": year, "usd_per_kw": usd}
            for year, usd in ((3, 40.5), (5, 12.25))
        ],
        gpus=_gpus(draw),
        resale=[
            {"gpu_id": gpu, "age_months": age, "value_share": value}
            for gpu, top in (("new", draw.number(0.7, 0.9)), ("old", draw.number(0.5, 0.8)))
            for age, value in ((0, top), (12, top * 0.75), (30, top * 0.4), (44, top * 0.1))
        ],
        customers=_customers(draw),
        factors=[
            {
                "factor_id": "infer_size", "model": "triangular", "drives": "offered_size[infer]", "low": 0.7,
                "mode": 0.9, "high": 1,
            },
            {
                "factor_id": "train_goodput", "model": "triangular", "drives": "goodput[train]", "low": 0.5,
                "mode": 0.93, "high": 1,
            },
            {
                "factor_id": "colo_size", "model": "discrete", "drives": "offered_size[colo]",
                "outcomes": "0.5:0.1;0.9:0.4;1:0.5",
            },
        ],
        leases=_leases(draw, month),
        lease_ramp=[
            {"lease_id": "train", "month_of_term": at, "size_share": size, "rate_share": rate}
            for at, size, rate in ((0, draw.number(0.2, 0.4), 1), (1, 0.6, draw.number(0.5, 0.9)), (2, 0.9, 0.95))
        ],
        lease_tranches=[
            {"lease_id": "infer", "tranche": "pilot", "size_share": 0.3, "late_grace_months": 3},
            {"lease_id": "infer", "tranche": "rest", "size_share": 0.7, "starts_after_months": 4},
        ],
        lease_rates=_rates(draw),
        market=[
            {
                "gpu_id": "new", "tier": 1, "price_curve": "new_spot", "depth_gpus": 900,
                "utilisation": draw.number(0.6, 0.9),
            },
            {
                "gpu_id": "new", "tier": 2, "usd_per_gpu_hour": draw.number(0.8, 1.2), "depth_gpus": 4000,
                "utilisation": draw.number(0.5, 0.6),
            },
            {"gpu_id": "old", "tier": 1, "price_curve": "old_spot", "utilisation": draw.number(0.4, 0.8)},
        ],
        mining=[
            {
                "site_id": "pit", "utility_mw": 12, "joules_per_th": draw.number(15, 28),
                "uptime": draw.number(0.9, 0.98),
                "opex_usd_per_mwh": draw.number(2, 9), "hashprice_curve": "hash",
                "convertible_fraction": draw.number(0.5, 0.9),
                "resale_usd_per_kw": draw.number(10, 60), "earliest_stop": month(draw.whole(0, 5)),
            }
        ],
        curves=_curves(draw, month),
        links=[
            {"site_id": "river", "other_site_id": "mesa", "fibre_capex_usd": draw.number(1e6, 5e6)},
            {"site_id": "river", "lease_id": "train", "network_usd_per_gpu_hour": draw.number(0.01, 0.1)},
            {"site_id": "mesa", "lease_id": "old_deal", "allowed": False},
        ],
        fleet=[
            {
                "site_id": "river", "gpu_id": "old", "gpus": 800, "bought": month(-draw.whole(8, 15)),
                "tax_basis_usd_per_gpu": draw.number(5e3, 2e4), "lease_id": "old_deal",
            },
            {
                "site_id": "river", "gpu_id": "new", "gpus": 100, "bought": month(-draw.whole(1, 5)),
                "tax_basis_usd_per_gpu": draw.number(2e4, 4e4),
            },
        ],
    )


def _limits(first: int) -> dict[str, list[dict[str, Any]]]:
    quarters = [f"{month // 12}-Q{month % 12 // 3 + 1}" for month in range(first, first + 36, 3)]
    return {
        "gpu_supply": [{"gpu_id": "new", "quarter": quarter, "max_gpus": 700} for quarter in quarters],
        "customer_shares": [
            {"customer_id": name, "year": first // 12 + 2, "max_revenue_share": share}
            for name, share in (("cloud", 0.9), ("lab", 0.6))
        ],
        "budget": [
            {
                "quarter": quarter, "new_capital_usd": 3e7 if place < 6 else None,
                "cash_floor_usd": -9e7 if place > 3 else None,
            }
            for place, quarter in enumerate(quarters)
            if place < 6 or place > 3
        ],
    }


def _sites(draw: _Draw, month: Any) -> list[dict[str, Any]]:
    def cost() -> dict[str, Any]:
        return {
            "pue": draw.number(1.1, 1.4), "load_factor": draw.number(0.7, 0.95),
            "opex_usd_per_kw_month": draw.number(20, 60), "opening_cost_usd": draw.number(1e6, 5e6),
        }

    return [
        {
            "site_id": "river", "region": "north", "critical_it_mw": 30, "existing_it_mw": 6, "liquid_cooled_it_mw": 24,
            "build_lead_months": draw.whole(5, 11),
            "build_mw_per_quarter": 8, "shell_capex_usd_per_kw": draw.number(7e3, 12e3),
            "shell_residual": draw.number(0, 0.5), "fabric_group": "valley",
            "site_group": "east", "max_cluster_gpus": 3000, **cost(),
        },
        {
            "site_id": "mesa", "region": "south", "critical_it_mw": 20, "ready_month": month(draw.whole(2, 9)),
            "build_lead_months": draw.whole(3, 8),
            "shell_rent_usd_per_kw_month": draw.number(80, 140), "fabric_group": "valley", "site_group": "east",
            "max_cluster_gpus": 3000, **cost(),
        },
        {
            "site_id": "pit", "region": "north", "critical_it_mw": 8,
            "conversion_capex_usd_per_kw": draw.number(5e3, 9e3),
            "conversion_lead_months": draw.whole(4, 9), "shell_residual": draw.number(0, 0.5), **cost(),
        },
    ]


def _power(draw: _Draw, month: Any) -> list[dict[str, Any]]:
    low = draw.whole(0, 2)
    delay = {
        "delay_low_months": low, "delay_mode_months": low + draw.whole(0, 2),
        "delay_high_months": low + 2 + draw.whole(0, 3),
    }
    return [
        {
            "source_id": "river_grid", "phase": "1", "site_id": "river", "kind": "grid",
            "energised": month(-draw.whole(1, 20)), "status": "energised",
            "guaranteed_mw": 9, "mw_per_it_mw": 1.43, "energy_curve": "hub",
            "demand_charge_usd_per_kw_month": draw.number(4, 12), "availability": draw.number(0.99, 1),
            "fee_usd_per_kw_month": draw.number(1, 4), "fee_escalator": draw.number(0.01, 0.03), "term_months": 110,
            "take_or_pay": draw.number(0.2, 0.9),
        },
        {
            "source_id": "river_cells", "phase": "1", "site_id": "river", "kind": "fuel_cell", "ownership": "service",
            "energised": month(draw.whole(4, 7)), "status": "approved",
            "guaranteed_mw": 14, "installed_mw": 18, "mw_per_it_mw": 1.3, "fee_usd_per_kw_month": draw.number(40, 90),
            "fee_on": "installed", "fee_from": "contract",
            "contract_month": draw.pick("", month(2), month(-3)), "fee_escalator": draw.number(0, 0.04),
            "term_months": draw.whole(50, 70), "exit_fee_usd_per_kw": draw.number(200, 900),
            "heat_rate_mmbtu_per_mwh": draw.number(6, 8), "gas_curve": "henry",
            "fuel_adder_usd_per_mmbtu": draw.number(-0.2, 0.6), "fuel_passed_to_tenant": draw.pick(True, False),
            "take_or_pay": draw.number(0.5, 1), "min_take": draw.number(0.3, 0.8), "availability": draw.number(0.95, 1),
            "energy_usd_per_mwh": draw.number(1, 9), **delay,
        },
        {
            "source_id": "river_grid", "phase": "2", "site_id": "river", "kind": "grid",
            "energised": month(draw.whole(11, 13)), "status": "approved", "guaranteed_mw": 18,
            "mw_per_it_mw": 1.43, "energy_curve": "hub", "demand_charge_usd_per_kw_month": draw.number(4, 12),
            "upfront_usd_per_kw": draw.number(100, 300), "lead_months": draw.whole(0, 6),
            "deposit_usd_per_kw": 120.25, "deposit_returned": month(60),
            "lumpy": True, "term_months": 100, "availability": 0.995,
            "firm_share": 0.6, "curtailed_hours_per_year": 90, "curtailment_notice_hours": 2,
            "curtailed_until": month(17),
        },
        {
            "source_id": "mesa_engine", "phase": "1", "site_id": "mesa", "kind": "gas_engine", "ownership": "owned",
            "energised": month(draw.whole(6, 9)), "status": "studied",
            "guaranteed_mw": 16, "installed_mw": 20, "mw_per_it_mw": 1.25, "capex_usd_per_kw": draw.number(1200, 2000),
            "upfront_usd_per_kw": draw.number(0, 100), "lead_months": draw.whole(3, 6),
            "fixed_om_usd_per_kw_month": draw.number(2, 6), "variable_om_usd_per_mwh": draw.number(3, 12),
            "heat_rate_mmbtu_per_mwh": draw.number(8, 9), "gas_usd_per_mmbtu": draw.number(2, 5),
            "fuel_passed_to_tenant": draw.pick(True, False), "tax_credit": draw.number(0, 0.3),
            "availability": draw.number(0.93, 0.98), "min_mw": 4, "step_mw": 2,
            "delay_damages_usd_per_kw_month": draw.number(5, 30), "term_months": draw.whole(60, 80),
            "exit_fee_usd_per_kw": draw.number(0, 50),
        },
        {
            "source_id": "mesa_atom", "phase": "1", "site_id": "mesa", "kind": "nuclear", "ownership": "service",
            "energised": month(draw.whole(7, 9)), "status": "approved",
            "guaranteed_mw": 9, "mw_per_it_mw": 1.3, "fee_usd_per_kw_month": draw.number(30, 60),
            "fee_escalator": draw.number(0.01, 0.04), "term_months": 90, "deposit_usd_per_kw": 35.5,
            "energy_usd_per_mwh": draw.number(10, 30),
            "committed_mw": 3, "min_take": draw.number(0, 0.5), "take_or_pay": draw.number(0.3, 0.9),
        },
        {
            "source_id": "pit_battery", "phase": "1", "site_id": "pit", "kind": "battery", "ownership": "owned",
            "energised": month(5), "status": "approved", "guaranteed_mw": 4, "mw_per_it_mw": 1, "firms_mw_per_mw": 0.8,
            "hours_per_year": 400, "capex_usd_per_kw": 300, "energy_usd_per_mwh": 90, "term_months": 60,
            "exit_fee_usd_per_kw": 3,
        },
        {
            "source_id": "pit_grid", "phase": "1", "site_id": "pit", "kind": "grid", "energised": month(-30),
            "status": "energised", "guaranteed_mw": 14, "mw_per_it_mw": 1.4,
            "firm_share": 0.3, "curtailed_hours_per_year": 300,
            "energy_usd_per_mwh": draw.number(25, 50), "fee_usd_per_kw_month": draw.number(1, 3),
            "take_or_pay": draw.number(0.4, 1), "demand_charge_usd_per_kw_month": draw.number(2, 8), "term_months": 150,
        },
    ]


def _gpus(draw: _Draw) -> list[dict[str, Any]]:
    return [
        {
            "gpu_id": "new", "it_kw": draw.number(1.9, 2.3), "cooling": "liquid", "capex_curve": "new_price",
            "deposit_fraction": draw.number(0.1, 0.4), "deposit_lead_months": draw.whole(2, 9),
            "life_months": draw.whole(34, 44), "upkeep_usd_per_month": draw.number(60, 120),
            "performance": draw.number(1.2, 1.6), "order_lead_months": draw.whole(2, 4),
            "spare_fraction": draw.number(0.01, 0.05),
        },
        {
            "gpu_id": "old", "it_kw": draw.number(1.3, 1.6), "capex_usd": draw.number(25e3, 40e3),
            "life_months": draw.whole(26, 40), "upkeep_usd_per_month": draw.number(30, 80),
            "order_lead_months": draw.whole(0, 2), "spare_fraction": draw.number(0, 0.05),
        },
    ]


def _customers(draw: _Draw) -> list[dict[str, Any]]:
    return [
        {
            "customer_id": "lab", "rating": "BB", "default_rate_per_year": draw.number(0.01, 0.2),
            "recovery": draw.number(0.1, 0.6), "guarantor": "bank",
        },
        {"customer_id": "bank", "rating": "AA", "default_rate_per_year": draw.number(0.01, 0.1)},
        {
            "customer_id": "cloud", "rating": "A", "default_rate_per_year": draw.number(0.01, 0.05),
            "recovery": draw.number(0.1, 0.9),
        },
    ]


def _leases(draw: _Draw, month: Any) -> list[dict[str, Any]]:
    return [
        {  # notice, ramp, network, SLA credit, prepayment, renewal, late start on a date
            "lease_id": "train", "customer_id": "lab", "kind": "gpu", "start": month(draw.whole(7, 10)),
            "term_months": draw.whole(18, 26), "min_size": 400, "max_size": 2400, "min_block": 400,
            "escalator": draw.number(0, 0.05), "prepay_fraction": draw.number(0.1, 0.4),
            "notice_months": draw.whole(1, 4), "notice_from_month": draw.whole(2, 8),
            "notice_margin": draw.number(0, 0.2),
            "sla_credit": draw.number(0.05, 0.2), "late_penalty": draw.number(0.05, 0.3),
            "late_grace_months": draw.whole(3, 6), "term_from": "calendar", "single_fabric": True,
            "renewal_term_months": draw.whole(5, 14), "renewal_probability": draw.number(0.2, 0.8),
            "renewal_rate_share": draw.number(0.7, 1), "take_or_pay": draw.number(0.3, 0.7),
            "utilisation": draw.number(0.4, 0.9), "storage_usd_per_gpu_month": 60, "support_usd_per_gpu_month": 25,
            "goodput_promised": 0.95, "goodput_credit": 3,
        },
        {  # late start that moves its end, billed 730 hours, two tiers, all or nothing
            "lease_id": "infer", "customer_id": "cloud", "kind": "gpu", "start": month(draw.whole(9, 12)),
            "term_months": draw.whole(14, 22), "max_size": 1000, "all_or_nothing": True, "billing_hours": "730",
            "term_from": "delivery", "late_penalty": draw.number(0.05, 0.3), "late_grace_months": 6,
            "prepay_fraction": draw.number(0, 0.3), "escalator": draw.number(0, 0.05),
            "renewal_term_months": 7, "renewal_probability": draw.number(0.2, 0.8), "sla_credit": draw.number(0, 0.2),
            "offer_probability": 0.7, "rate_follows_market": 0.5, "network_usd_per_gpu_month": 40,
            "goodput_promised": 0.97, "goodput_expected": 0.94,
        },
        {  # started before the case, served by the fleet
            "lease_id": "old_deal", "customer_id": "cloud", "kind": "gpu", "start": month(-draw.whole(2, 16)),
            "term_months": draw.whole(24, 30), "max_size": 700, "signed": True, "prepay_fraction": draw.number(0, 0.3),
            "escalator": draw.number(-0.03, 0.05), "energy_by": "tenant", "notice_months": draw.pick(None, 2),
        },
        {  # powered hall, tenant pays for energy, across the horizon
            "lease_id": "hall", "customer_id": "cloud", "kind": "hosting", "size_unit": "it_mw",
            "start": month(draw.whole(9, 14)), "term_months": draw.whole(30, 50), "min_size": 2, "max_size": 8,
            "min_block": 1,
            "usd_per_kw_month": draw.number(100, 160), "energy_by": "tenant", "escalator": draw.number(0.01, 0.04),
            "prepay_fraction": draw.number(0, 0.1), "late_grace_months": 4, "late_penalty": draw.number(0, 0.3),
        },
        {  # powered hall, landlord pays for energy, renewed
            "lease_id": "colo", "customer_id": "lab", "kind": "hosting", "size_unit": "it_mw",
            "start": month(draw.whole(6, 9)), "term_months": draw.whole(12, 20), "max_size": 5,
            "usd_per_kw_month": draw.number(180, 260), "renewal_term_months": draw.whole(6, 12),
            "renewal_probability": draw.number(0.3, 0.9), "renewal_rate_share": draw.number(0.8, 1.1),
            "take_or_pay": draw.number(0.5, 0.9), "utilisation": 0.4, "sla_credit": draw.number(0.05, 0.2),
            "escalator": draw.number(0, 0.04), "offer_probability": 0.6,
        },
    ]


def _rates(draw: _Draw) -> list[dict[str, Any]]:
    train = draw.number(4.5, 5.5)
    return [
        {"lease_id": "train", "gpu_id": "new", "tier": 1, "usd_per_gpu_hour": train},
        {
            "lease_id": "train", "gpu_id": "old", "tier": 1, "usd_per_gpu_hour": round(train * 0.7, 3),
            "gpus_per_unit": draw.number(1.2, 1.8),
        },
        {"lease_id": "infer", "gpu_id": "new", "tier": 1, "usd_per_gpu_hour": draw.number(5, 6), "max_units": 600},
        {"lease_id": "infer", "gpu_id": "new", "tier": 2, "usd_per_gpu_hour": draw.number(4, 5)},
        {"lease_id": "old_deal", "gpu_id": "old", "tier": 1, "usd_per_gpu_hour": draw.number(1, 2)},
    ]


def _curves(draw: _Draw, month: Any) -> list[dict[str, Any]]:
    def curve(name: str, unit: str, *points: tuple[int, float]) -> list[dict[str, Any]]:
        return [{"curve_id": name, "month": month(at), "value": value, "unit": unit} for at, value in points]

    return [
        *curve("henry", "$ per MMBtu", (-2, draw.number(3, 5)), (7, draw.number(2, 4)), (29, draw.number(3, 6))),
        *curve(
            "hub", "$ per MWh", (0, draw.number(25, 60)), (5, draw.number(25, 60)), (17, draw.number(20, 40)),
            (40, draw.number(20, 60)),
        ),
        *curve(
            "new_price", "$ per GPU", (0, draw.number(60e3, 75e3)), (10, draw.number(50e3, 60e3)),
            (20, draw.number(40e3, 50e3)),
        ),
        # from dear to so cheap that energy is no longer covered: notice and idling both occur
        *curve(
            "new_spot", "$ per GPU-hour", (0, draw.number(4, 6)), (14, draw.number(2, 3)), (24, draw.number(0.5, 1.5)),
            (30, 0.05), (33, draw.number(1, 2)),
        ),
        *curve(
            "old_spot", "$ per GPU-hour", (0, draw.number(1.5, 2.5)), (9, draw.number(0.8, 1.5)),
            (20, draw.number(0.02, 0.3)), (28, draw.number(0.5, 1)),
        ),
        *curve(
            "hash", "$ per PH/s and day", (0, draw.number(35, 60)), (12, draw.number(25, 40)), (24, draw.number(40, 60))
        ),
    ]
