"""Small cases that no plan can serve, one for each thing that can be short."""

from __future__ import annotations

from typing import Any

from oracle.tiny_case import Row, cluster, grid, rate, site, sku, tiny_case

from planner.case.case import Case

ON_TIME = {"delay_low_months": 0, "delay_mode_months": 0, "delay_high_months": 0}


def committed(name: str = "lab", *, least: float = 300, **columns: Any) -> Row:
    """A lease of 400 GPUs of which some must be served; 500 GPUs fill 1 MW of halls and 1.25 MW of contracted power."""
    return cluster(name, min_size=least, committed=True, **columns)


def one_site(**rows: Any) -> Case:
    """A site with 2 MW of halls and 10 MW of live grid, and one committed lease, unless other rows are given."""
    given: dict[str, list[Row]] = {
        "sites": [site()], "power": [grid()], "leases": [committed()], "lease_rates": [rate("lab")]
    }
    return tiny_case(**{**given, **rows})


def built_later(months: int = 6) -> Row:
    """A site without halls: they take some months to build."""
    return site() | {"existing_it_mw": 0, "shell_capex_usd_per_kw": 9000, "build_lead_months": months}


SHORT_OF: dict[str, Case] = {
    "power": one_site(power=[grid(mw=0.7)]),
    "halls": one_site(sites=[site(mw=0.5)]),
    "GPUs": one_site(gpu_supply=[{"gpu_id": "gpu", "quarter": "2027-Q1", "max_gpus": 100}]),
    "capital": one_site(budget=[{"quarter": "2027-Q1", "new_capital_usd": 1_000_000}]),
    "cash": one_site(budget=[{"quarter": "2027-Q1", "cash_floor_usd": -1_000_000}]),
    "fabric": one_site(
        sites=[site("a", max_cluster_gpus=200), site("b", max_cluster_gpus=100)], power=[grid("a"), grid("b")],
        leases=[committed(least=250, single_fabric=True)],
    ),
    "date of power": one_site(power=[grid(energised="2027-06", status="approved", **ON_TIME)]),
    "date of GPUs": one_site(gpus=[sku(order_lead_months=4)]),
    "date of halls": one_site(sites=[built_later()]),
    "whole leases": one_site(
        sites=[site("a", mw=0.5), site("b", mw=0.5)], power=[grid("a"), grid("b")],
        leases=[committed(least=300, single_fabric=True)],
    ),
    "blocks": one_site(
        sites=[site("a", mw=0.4), site("b", mw=0.4)], power=[grid("a"), grid("b")],
        leases=[committed(least=300, min_block=250)],
    ),
    "steps of power": one_site(power=[grid(mw=1.0, step_mw=0.6)]),
    "fleet": one_site(
        fleet=[{"site_id": "a", "gpu_id": "gpu", "gpus": 200, "bought": "2026-06"}], sites=[site(mw=0.5)]
    ),
    "group": one_site(sites=[site(site_group="line")], site_groups=[{"site_group": "line", "max_contracted_mw": 0.5}]),
    "pace": one_site(sites=[built_later(0) | {"build_mw_per_quarter": 0.25}]),
    "liquid": one_site(sites=[site(liquid_cooled_it_mw=0.25)], gpus=[sku(cooling="liquid")]),
    "tier": one_site(lease_rates=[rate("lab", max_units=120)]),
    "share of a customer": one_site(
        customers=[{"customer_id": "solid", "rating": "AAA", "max_revenue_share": 0.5}],
    ),
}
