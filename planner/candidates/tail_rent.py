"""`host` in the tail: a powered MW without a contract after the horizon, rented year by year under tail = rented."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kernels.lines import Line
from planner.candidates.load import energy_terms, legs, power_uses
from planner.candidates.resources import Family
from planner.candidates.workshop import Workshop


def add_tail_rent(shop: Workshop, phases: pd.DataFrame, single_paths: pd.DataFrame) -> None:
    """A MW of hall on each phase, rented in each year after the horizon; the tenant pays energy and demand charges."""
    outlook = shop.outlook
    rent = outlook.case.settings.tail_rent_usd_per_kw_month * 1000.0
    if outlook.tail != "rented" or rent <= 0.0:
        return
    starts = np.arange(outlook.horizon, outlook.months, 12)
    rows = single_paths.merge(pd.DataFrame({"from_month": starts, "to_month": starts + 12}), how="cross")
    # A contract that ends within the year is rented up to its end.
    rows["to_month"] = rows[["to_month", "end_head"]].min(axis=1)
    rows = rows[(rows["from_month"] >= rows["from_head"]) & (rows["from_month"] < rows["to_month"])].reset_index(drop=True)
    if rows.empty:
        return
    head, _ = legs(shop, rows)
    one = np.full(len(rows), shop.one())
    zero = np.zeros(len(rows))
    fee = phases["fee_path"].to_numpy(np.int64)[head.phase]
    start, end = rows["from_month"].to_numpy(np.int64), rows["to_month"].to_numpy(np.int64)
    costs = energy_terms(phases, head, zero, np.ones(len(rows)), one, one, fee)
    terms = [shop.running(Line.TAIL_RENT, np.full(len(rows), rent), start, end)]
    terms += [term for term in costs if term.line is Line.FEES]  # type: ignore[misc]
    sites = outlook.case.tables["sites"].set_index("site_id")
    table = pd.DataFrame(
        {
            "candidate_id": "host:tail:" + rows["site_id"] + ":" + rows["phase"] + "@" + rows["from_month"].map(outlook.calendar.written),
            "site_id": rows["site_id"],
            "phase": rows["phase"],
            "from_month": start,
            "to_month": end,
            "unit": "MW",
            "upper": rows["site_id"].map(sites["critical_it_mw"]),
            "decide_by": outlook.horizon,
        }
    )
    block = shop.add("host", table, terms)
    ones = np.ones(len(rows))
    shop.book.uses.add(block.numbers, shop.book.resources(Family.HALL, rows["site_id"]), ones, start, end)
    whole = pd.DataFrame({"row": np.arange(len(rows)), "start": start, "end": end, "share": 1.0})
    drawn = (rows["site_id"].map(sites["load_factor"]) * rows["site_id"].map(sites["pue"])).to_numpy(np.float64)
    power_uses(shop, phases, head, block.numbers, ones, drawn, whole)
