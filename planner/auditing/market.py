"""On demand, mining and powered halls without a contract: what a month of each brings."""

from __future__ import annotations

from planner.auditing.book import Book
from planner.auditing.curves import or_zero, price
from planner.auditing.energy import mwh, usd_per_mwh
from planner.auditing.published import Published
from planner.auditing.usage import AtWork

HASH_MWH = 0.024
"""MWh that 1 PH/s burns in a day at 1 J/TH."""


def on_demand_income(run: Published, use: AtWork) -> float:
    """Dollars of a month that GPUs on demand are paid when they run."""
    row = run.row("market", gpu_id=use.holding.gpu, tier=use.holding.tier)
    at = price(run, row, "usd_per_gpu_hour", "price_curve")(use.month)
    return use.units * or_zero(at) * float(row["utilisation"]) * run.months.hours(use.month) * use.served


def idles(run: Published, use: AtWork) -> bool:
    """Whether GPUs on demand stand still: their price does not cover the energy that standing still saves."""
    energy = mwh(run, use) * usd_per_mwh(use, lease=False)
    return on_demand_income(run, use) < (1.0 - float(use.phase.row["min_take"])) * energy


def post_mining(book: Book, run: Published, use: AtWork) -> None:
    """Income and running cost of miners; their energy is posted with all other."""
    row = run.row("mining", site_id=use.holding.site)
    running = use.contracted_mw * float(row["uptime"]) * run.months.hours(use.month) * use.served
    hashprice = or_zero(price(run, row, "hashprice_usd_per_ph_day", "hashprice_curve")(use.month))
    book.post(use.holding.site, "mining", use.month, running * hashprice / (HASH_MWH * float(row["joules_per_th"])))
    book.post(use.holding.site, "upkeep", use.month, -running * float(row["opex_usd_per_mwh"]))
