"""Small cases that no plan can serve, one for each thing that can be short."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
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


_ROWS: dict[str, dict[str, list[Row]]] = {
    "power": {"power": [grid(mw=0.7)]},
    "halls": {"sites": [site(mw=0.5)]},
    "GPUs": {"gpu_supply": [{"gpu_id": "gpu", "quarter": "2027-Q1", "max_gpus": 100}]},
    "capital": {"budget": [{"quarter": "2027-Q1", "new_capital_usd": 1_000_000}]},
    "cash": {"budget": [{"quarter": "2027-Q1", "cash_floor_usd": -1_000_000}]},
    "fabric": {
        "sites": [site("a", max_cluster_gpus=200), site("b", max_cluster_gpus=100)], "power": [grid("a"), grid("b")],
        "leases": [committed(least=250, single_fabric=True)],
    },
    "date of power": {"power": [grid(energised="2027-06", status="approved", **ON_TIME)]},
    "date of GPUs": {"gpus": [sku(order_lead_months=4)]},
    "date of halls": {"sites": [built_later()]},
    "whole leases": {
        "sites": [site("a", mw=0.5), site("b", mw=0.5)], "power": [grid("a"), grid("b")],
        "leases": [committed(least=300, single_fabric=True)],
    },
    "blocks": {
        "sites": [site("a", mw=0.4), site("b", mw=0.4)], "power": [grid("a"), grid("b")],
        "leases": [committed(least=300, min_block=250)],
    },
    "steps of power": {"power": [grid(mw=1.0, step_mw=0.6)]},
    "fleet": {
        "fleet": [{"site_id": "a", "gpu_id": "gpu", "gpus": 200, "bought": "2026-06"}], "sites": [site(mw=0.5)]
    },
    "group": {"sites": [site(site_group="line")], "site_groups": [{"site_group": "line", "max_contracted_mw": 0.5}]},
    "pace": {"sites": [built_later(0) | {"build_mw_per_quarter": 0.25}]},
    "liquid": {"sites": [site(liquid_cooled_it_mw=0.25)], "gpus": [sku(cooling="liquid")]},
    "tier": {"lease_rates": [rate("lab", max_units=120)]},
    "share of a customer": {
        "customers": [{"customer_id": "solid", "rating": "AAA", "max_revenue_share": 0.5}],
    },
    "share of a customer in a year": {
        "customer_shares": [{"customer_id": "solid", "year": 2028, "max_revenue_share": 0.5}],
    },
}


class _OnDemand(Mapping[str, Case]):
    """The cases by name, each made when it is first asked for: not by every worker that only collects the tests."""

    def __init__(self) -> None:
        self._made: dict[str, Case] = {}

    def __getitem__(self, name: str) -> Case:
        if name not in self._made:
            self._made[name] = one_site(**_ROWS[name])
        return self._made[name]

    def __iter__(self) -> Iterator[str]:
        return iter(_ROWS)

    def __len__(self) -> int:
        return len(_ROWS)


SHORT_OF: Mapping[str, Case] = _OnDemand()
