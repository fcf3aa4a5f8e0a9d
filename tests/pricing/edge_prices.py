"""Small cases in which bounds of single candidates bind: sizes, depths, phases and sites that are filled to the last
unit."""

from __future__ import annotations

import random
from typing import Any

from oracle.tiny_case import Row, cluster, grid, hall, rate, site, sku, tiny_case

from planner.case.case import Case


def edge_case(seed: int) -> Case:
    """One or two sites short of some things and not of others; leases smaller than what could serve them, with and
    without decisions."""
    draw = random.Random(seed)

    def either(*values: Any) -> Any:
        return draw.choice(values)

    two = draw.random() < 0.5
    grouped = two and draw.random() < 0.5
    feed: Row = {"site_group": "feed"} if grouped else {}
    new_halls: Row = either(
        {},
        {
            "existing_it_mw": 0.3, "shell_capex_usd_per_kw": 400, "build_lead_months": either(0, 3),
            **either({}, {"build_mw_per_quarter": 0.4}),
        },
    )
    sites = [
        site(
            "a", mw=either(0.8, 1.2, 2.5), opening_cost_usd=either(0, 2e5), opex_usd_per_kw_month=20,
            max_cluster_gpus=either(None, 350), **feed, **new_halls,
        )
    ]
    power = [grid("a", mw=either(0.7, 1.5, 4.0), fee_usd_per_kw_month=either(0, 6), **_terms(draw))]
    if two:
        sites.append(site("b", mw=either(0.5, 1.0), **feed))
        power.append(grid("b", mw=either(0.6, 2.0), fee_usd_per_kw_month=either(0, 9), **_terms(draw)))
    leases = [
        cluster(
            "one", size=either(100, 250, 400),
            **either({}, {"single_fabric": True}, {"all_or_nothing": True}, {"min_size": 50}),
        ),
        cluster("two", size=either(80, 200), start="2027-04", term_months=12, **either({}, {"min_block": 40})),
        hall(
            "room", mw=either(0.1, 0.3) if not new_halls else either(0.3, 1.5), rate=either(60, 150),
            start=either("2027-01", "2027-05"), term_months=either(1, 12), **either({}, {"min_size": 0.05}),
        ),
    ]
    rates = [
        rate("one", draw.uniform(1.6, 3.0)), rate("two", draw.uniform(2.0, 3.5), max_units=60), rate("two", 1.7, tier=2)
    ]
    return tiny_case(
        months=18, tail=either("none", "contracted"), sites=sites, power=power, leases=leases, lease_rates=rates,
        gpus=[sku(capex_usd=either(9_000, 20_000))],
        site_groups=[{"site_group": "feed", "max_contracted_mw": either(0.9, 2.0)}] if grouped else [],
        market=[
            {
                "gpu_id": "gpu", "tier": 1, "usd_per_gpu_hour": round(draw.uniform(1.0, 2.6), 2),
                "depth_gpus": either(60, 150),
            }
        ],
        gpu_supply=[
            {"gpu_id": "gpu", "quarter": f"2027-Q{at}", "max_gpus": either(120, 300, 900)} for at in range(1, 5)
        ] if draw.random() < 0.6 else [],
        budget=[
            {"quarter": "2027-Q1", "new_capital_usd": either(2e6, 6e6)}, {"quarter": "2027-Q3", "new_capital_usd": 2e6}
        ] if draw.random() < 0.5 else [],
        settings={"budget_carries_over": draw.random() < 0.6, "tail_rent_usd_per_kw_month": 10},
    )


def _terms(draw: random.Random) -> Row:
    return draw.choice([
        {}, {"term_months": 12}, {"min_mw": 0.5}, {"committed_mw": 0.2}, {"min_take": 0.5},
        {"min_take": 0.8, "term_months": 40},
        {"exit_fee_usd_per_kw": 10, "term_months": 48}, {"committed_mw": 0.6}, {"step_mw": 0.3},
    ])


def filled_case(kind: str) -> Case:
    """One opportunity of 40 MW (or 100 GPUs) on a site and a phase of far more: its size alone is what binds."""
    if kind == "hosting":
        return tiny_case(
            months=1, sites=[site("s", mw=200.0)],
            power=[grid("s", mw=200.0, mw_per_it_mw=1, fee_usd_per_kw_month=10, energy_usd_per_mwh=0, term_months=13)],
            leases=[hall("let", mw=40.0, rate=100.0, term_months=1)], settings={"discount_rate": 0.0, "tax_rate": 0.0},
        )
    return tiny_case(
        months=1, sites=[site("s", mw=1000.0)], power=[grid("s", mw=1000.0, mw_per_it_mw=1, energy_usd_per_mwh=0)],
        gpus=[sku(it_kw=1000, capex_usd=0, life_months=1)], leases=[cluster("let", size=100, term_months=1)],
        lease_rates=[rate("let", 10.0)],
        settings={"discount_rate": 0.0, "tax_rate": 0.0},
    )
