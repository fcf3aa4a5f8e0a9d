"""`mine`: a MW of mining load kept running over a step, drawing on a phase of its site."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kernels.lines import Line
from kernels.terms import Term, WindowTerm
from planner.candidates.load import energy_terms, legs, power_uses
from planner.candidates.outlook import Floats, Outlook
from planner.candidates.resources import Family
from planner.candidates.workshop import Workshop


def usd_per_mwh(hashprice_usd_per_ph_day: Floats, joules_per_th: float) -> Floats:
    """Mining income per MWh: one MW runs 1e6 / J-per-TH TH/s = 1e3 / J-per-TH PH/s, paid per day of 24 hours."""
    return hashprice_usd_per_ph_day / (0.024 * joules_per_th)


def add_mining(shop: Workshop, phases: pd.DataFrame, single_paths: pd.DataFrame) -> None:
    """Mining load on each live phase of its site, step by step; it stops with the horizon."""
    outlook = shop.outlook
    mining = outlook.case.tables["mining"]
    if mining.empty:
        return
    rows = mining.drop(columns=["source"]).merge(single_paths, on="site_id").merge(outlook.windows, how="cross")
    live = (rows["from_month"] >= rows["from_head"]) & (rows["to_month"] <= rows["end_head"])
    rows = rows[live].reset_index(drop=True)
    if rows.empty:
        return
    head, _ = legs(shop, rows)
    uptime = rows["uptime"].to_numpy(np.float64)
    income = rows["site_id"].map({row["site_id"]: _income_path(shop, row) for _, row in mining.iterrows()}).to_numpy(np.int64)
    hours = np.full(len(rows), shop.hours())
    end = shop.events.at(rows["to_month"].to_numpy(np.int64))
    # A mining MW is contracted power, not critical IT: it needs one MW of its phase whatever the phase's ratio.
    it_mw = 1.0 / phases["mw_per_it_mw"].to_numpy(np.float64)[head.phase]
    one = np.full(len(rows), shop.one())
    fee = phases["fee_path"].to_numpy(np.int64)[head.phase]
    energy = phases["energy_path"].to_numpy(np.int64)[head.phase]
    terms: list[Term] = [
        WindowTerm(Line.MINING, uptime, income, head.start_event, end),
        WindowTerm(Line.UPKEEP, -uptime * rows["opex_usd_per_mwh"].to_numpy(np.float64), hours, head.start_event, end),
        *energy_terms(phases, head, uptime, it_mw, energy, one, fee),
    ]
    table = pd.DataFrame(
        {
            "candidate_id": "mine:" + rows["site_id"] + ":" + rows["phase"] + "@" + rows["from_month"].map(outlook.calendar.written),
            "site_id": rows["site_id"],
            "phase": rows["phase"],
            "from_month": rows["from_month"],
            "to_month": rows["to_month"],
            "unit": "MW",
            "upper": rows["utility_mw"],
            "decide_by": rows["from_month"],
        }
    )
    block = shop.add("mine", table, terms)
    start, stop = rows["from_month"].to_numpy(np.int64), rows["to_month"].to_numpy(np.int64)
    load = shop.book.resources(Family.MINING, rows["site_id"], rows["utility_mw"].to_numpy(np.float64))
    shop.book.uses.add(block.numbers, load, np.ones(len(rows)), start, stop)
    whole = pd.DataFrame({"row": np.arange(len(rows)), "start": start, "end": stop, "share": 1.0})
    power_uses(shop, phases, head, block.numbers, it_mw, uptime, whole)


def _income_path(shop: Workshop, row: pd.Series) -> int:
    site_id = str(row["site_id"])
    return shop.paths.number(("mining", site_id), lambda outlook: mining_usd_per_mwh(outlook, site_id) * outlook.hours)


def mining_usd_per_mwh(outlook: Outlook, site_id: str) -> Floats:
    """Income of the mining hall of a site by month, $ per MWh, shape (M,)."""
    row = outlook.case.tables["mining"].set_index("site_id").loc[site_id]
    hashprice = outlook.by_month(row, "hashprice_usd_per_ph_day", "hashprice_curve")
    assert hashprice is not None, "the reader refuses a mining hall without a hashprice"
    return usd_per_mwh(hashprice, float(row["joules_per_th"]))
