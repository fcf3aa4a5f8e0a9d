"""A case made up from a seed, of any size, for benchmarks and as a start: `planner new --sites 30 --leases 60`."""

from __future__ import annotations

import numpy as np

from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.case.content_hash import content_hash
from planner.case.made_up.contracts import with_contract_terms
from planner.case.made_up.curtailment import curtailable_rows
from planner.case.made_up.dice import Dice, Row
from planner.case.made_up.frame import declared_frame
from planner.case.made_up.leases import DEMAND_OVER_CAPACITY, draw_demand
from planner.case.made_up.power import energy_curves
from planner.case.made_up.sites import draw_campuses
from planner.case.made_up.skus import Sku, draw_skus, market_rows, sku_rows, supply_rows
from planner.case.settings import Settings
from planner.case.tables import TABLES
from planner.errors import PlannerError

START = "2027-01"
_LIMITS = {"sites": (1, 10_000), "leases": (1, 10_000), "skus": (1, 60), "months": (12, 600), "seed": (0, 2**31 - 1)}
_CAPITAL_SHARE = 0.5
_INVESTING_SHARE = 0.6


def generate_case(
    *, sites: int, leases: int, skus: int = 6, months: int = 60, seed: int = 1, contracts: bool = False,
    curtailable: bool = False,
) -> Case:
    """A case with the given numbers of sites, leases and SKUs; the same arguments give the same case.

    Every lease can be held by one site at its start (halls, power, cooling, cluster size); all leases
    together ask for about 1.5 times what the sites hold, as far as leases of one site each can; new capital
    pays for about half of the sites. Rates lie around break-even. All dates fall on quarter
    starts, mean delays included.

    `months` is the horizon. `contracts` adds what contracts say beyond size, dates and rate (services, goodput,
    tranches, greatest shares of customers by year), and leaves the rest as it is. curtailable: grid connections come
    some quarters earlier and may be curtailed until they would have come, storage can stand behind some, and some
    leases accept it; all else is as without it. Raises PlannerError when an argument is out of range.
    """
    for name, value in {"sites": sites, "leases": leases, "skus": skus, "months": months, "seed": seed}.items():
        least, most = _LIMITS[name]
        if not least <= value <= most:
            raise PlannerError(f"generate_case: {name} = {value} is out of range; give {least} to {most}")
    calendar = Calendar(START, months)
    # One stream for each part, so that more leases leave the sites as they are.
    seeds = np.random.SeedSequence(seed).spawn(6)
    dice = [Dice(np.random.Generator(np.random.PCG64(child))) for child in seeds]
    products = draw_skus(skus, months=months)
    campuses = draw_campuses(sites, products[0], dice[0], calendar)
    demand = draw_demand(leases, campuses, products, dice[1], calendar)
    gpus, resale, capex_curves = sku_rows(products, dice[2], calendar)
    market, market_curves = market_rows(products, campuses.capacity_it_mw, calendar)
    regions = sorted({site.region for site in campuses.sites}, key=lambda region: region.name)
    rows: dict[str, list[Row]] = campuses.rows | demand.rows
    rows |= {
        "links": campuses.rows["links"] + demand.rows["links"],
        "gpus": gpus,
        "resale": resale,
        "gpu_supply": supply_rows(products, campuses.capacity_it_mw, demand.needs, calendar),
        "market": market,
        "curves": energy_curves(regions, dice[3], calendar) + capex_curves + market_curves,
        "budget": _budget_rows(min(campuses.capacity_it_mw, demand.it_mw / DEMAND_OVER_CAPACITY), products, calendar),
        "debt": _debt_rows(),
        "stresses": _stress_rows(products),
    }
    if contracts:
        rows = with_contract_terms(rows, dice[4], calendar)
    if curtailable:
        rows = curtailable_rows(rows, dice[5], calendar)
    source = f"generated, seed {seed}"
    tables = {
        name: declared_frame(table, [row | {"source": source} for row in rows.get(name, [])])
        for name, table in TABLES.items()
    }
    name = f"generated {sites} sites, {leases} leases, {skus} SKUs, {months} months, seed {seed}"
    name += ", with terms of contracts" if contracts else ""
    name += ", curtailable" if curtailable else ""
    settings = Settings(name=name, start=START, months=months, seed=seed)
    return Case(settings, tables, source=source, source_hash=content_hash(settings, tables))


def _budget_rows(wanted_it_mw: float, skus: tuple[Sku, ...], calendar: Calendar) -> list[Row]:
    """New capital for half of what `wanted_it_mw` of GPUs, halls and power cost, evenly over the first 60 % of the
    horizon."""
    gpu_usd_per_mw = float(np.mean([sku.capex_usd / sku.it_kw * 1000.0 for sku in skus]))
    hall_usd_per_mw, power_usd_per_mw = 11.0e6, 0.7e6
    wanted_usd = wanted_it_mw * (gpu_usd_per_mw + hall_usd_per_mw + power_usd_per_mw)
    quarters = [month for month in calendar.quarter_starts if month < _INVESTING_SHARE * calendar.horizon]
    each = round(_CAPITAL_SHARE * wanted_usd / len(quarters), -6)
    return [{"quarter": calendar.written_quarter(month), "new_capital_usd": each} for month in quarters]


def _debt_rows() -> list[Row]:
    return [
        {"asset_class": "gpu", "advance_rate": 0.75, "interest_rate": 0.09, "tenor_months": 60},
        {
            "asset_class": "shell", "advance_rate": 0.60, "interest_rate": 0.0775, "tenor_months": 120,
            "grace_months": 12,
        },
        {
            "asset_class": "power", "advance_rate": 0.60, "interest_rate": 0.08, "tenor_months": 120,
            "grace_months": 12, "amortisation": "straight",
        },
    ]


def _stress_rows(skus: tuple[Sku, ...]) -> list[Row]:
    """Dear gas, a late grid, a fall of the market, short supply."""
    falls: list[Row] = [
        {
            "stress": "market falls by 40 %", "target": f"curves.value[market_{sku.gpu_id}_{tier}]",
            "change": "multiply", "value": "0.6",
        }
        for sku in skus
        for tier in (1, 2)
    ]
    # Only connections still to come have the status 'studied'; those that stand cannot be late.
    return [
        {"stress": "gas x3", "target": "curves.value[henry_hub]", "change": "multiply", "value": "3"},
        {"stress": "grid 18 months late", "target": "power.energised[status=studied]", "change": "add", "value": "18"},
        {"stress": "half the GPU supply", "target": "gpu_supply.max_gpus", "change": "multiply", "value": "0.5"},
        *falls,
    ]
