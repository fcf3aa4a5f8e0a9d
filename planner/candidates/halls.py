"""`shell`: a MW of critical IT in service from a month to the end of the statement: standing, new, or converted from mining;
`close`, a MW given up earlier, with its residual."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kernels.lines import Line
from kernels.terms import ScheduleTerm, WindowTerm
from planner.candidates.outlook import Outlook
from planner.candidates.overruns import overrun_terms
from planner.candidates.resources import Family, Stock
from planner.candidates.waits import provider_waits
from planner.candidates.workshop import Block, Workshop, joined


def add_halls(shop: Workshop) -> None:
    """All halls of all sites, and their closing."""
    frame = hall_cohorts(shop.outlook)
    if frame.empty:
        return
    block = _add_shells(shop, frame)
    _limits(shop, frame, block)
    _add_closings(shop, frame, block)


def hall_cohorts(outlook: Outlook) -> pd.DataFrame:
    """Halls by site, way (existing, new, conversion) and month of service, with most MW and costs: columns COLUMNS."""
    return pd.concat([_standing(outlook), _new(outlook), _converted(outlook)], ignore_index=True)


COLUMNS = ("site_id", "way", "month", "lead", "capex_usd_per_mw", "rent_usd_per_mw", "opex_usd_per_mw", "residual", "upper", "utility_mw")


def _frame(rows: pd.DataFrame, way: str) -> pd.DataFrame:
    return rows.assign(way=way)[list(COLUMNS)]


def _with_costs(sites: pd.DataFrame) -> pd.DataFrame:
    return sites.assign(
        opex_usd_per_mw=sites["opex_usd_per_kw_month"] * 1000.0,
        residual=sites["shell_residual"],
        utility_mw=0.0,
        rent_usd_per_mw=0.0,
    )


def _standing(outlook: Outlook) -> pd.DataFrame:
    sites = _with_costs(outlook.case.tables["sites"])
    sites = sites[sites["existing_it_mw"] > 0]
    return _frame(sites.assign(month=0, lead=0, capex_usd_per_mw=0.0, upper=sites["existing_it_mw"]), "existing")


def _new(outlook: Outlook) -> pd.DataFrame:
    sites = _with_costs(outlook.case.tables["sites"])
    sites = sites[sites["shell_capex_usd_per_kw"].notna() | sites["shell_rent_usd_per_kw_month"].notna()]
    sites = sites[sites["critical_it_mw"] > sites["existing_it_mw"]]
    ready = sites["ready_month"].map(lambda written: outlook.calendar.index(written) if written else 0)
    sites = sites.assign(
        lead=sites["build_lead_months"].astype(np.int64),
        first=np.maximum(ready.astype(np.int64), sites["build_lead_months"].astype(np.int64)),
        capex_usd_per_mw=sites["shell_capex_usd_per_kw"].fillna(0.0) * 1000.0,
        rent_usd_per_mw=sites["shell_rent_usd_per_kw_month"].fillna(0.0) * 1000.0,
        upper=sites["critical_it_mw"] - sites["existing_it_mw"],
    )
    pairs = sites.merge(pd.DataFrame({"month": outlook.steps}), how="cross")
    return _frame(pairs[pairs["month"] >= pairs["first"]], "new")


def _converted(outlook: Outlook) -> pd.DataFrame:
    tables = outlook.case.tables
    sites = _with_costs(tables["sites"]).merge(tables["mining"].drop(columns=["source", "utility_mw"]), on="site_id")
    sites = sites[sites["conversion_capex_usd_per_kw"].notna() & (sites["convertible_fraction"] > 0)]
    if sites.empty:
        return _frame(sites.assign(month=0, lead=0, capex_usd_per_mw=0.0, upper=0.0), "conversion")
    ratio = sites["site_id"].map(utility_mw_per_it_mw(outlook))
    stop = sites["earliest_stop"].map(lambda written: max(outlook.calendar.index(written), 0) if written else 0)
    lead = sites["conversion_lead_months"].astype(np.int64)
    utility = sites["site_id"].map(tables["mining"].set_index("site_id")["utility_mw"])
    sites = sites.assign(
        lead=lead,
        first=stop.astype(np.int64) + lead,
        # The miners of a hall are sold when its conversion begins.
        capex_usd_per_mw=sites["conversion_capex_usd_per_kw"] * 1000.0,
        upper=np.minimum(sites["convertible_fraction"] * utility / ratio, sites["critical_it_mw"]),
        utility_mw=ratio,
    )
    pairs = sites.merge(pd.DataFrame({"month": outlook.steps}), how="cross")
    return _frame(pairs[pairs["month"] >= pairs["first"]], "conversion")


def utility_mw_per_it_mw(outlook: Outlook) -> dict[str, float]:
    """MW of contracted power that a MW of critical IT needs at each site: that of its first phase energised."""
    power = outlook.case.tables["power"].assign(month=outlook.energised)
    first = power.sort_values("month", kind="stable").drop_duplicates("site_id")
    return dict(zip(first["site_id"], first["mw_per_it_mw"].astype(float), strict=True))


def _add_shells(shop: Workshop, frame: pd.DataFrame) -> Block:
    outlook = shop.outlook
    month, lead = frame["month"].to_numpy(np.int64), frame["lead"].to_numpy(np.int64)
    capex = frame["capex_usd_per_mw"].to_numpy(np.float64)
    last = np.full(len(frame), outlook.last_month)
    table = pd.DataFrame(
        {
            "candidate_id": "shell:" + frame["site_id"] + ":" + frame["way"] + "@" + frame["month"].map(outlook.calendar.written),
            "site_id": frame["site_id"],
            "from_month": month,
            "to_month": last,
            "unit": "MW",
            "upper": frame["upper"],
            "decide_by": np.maximum(month - lead, 0),
        }
    )
    mining = outlook.case.tables["mining"].set_index("site_id")["resale_usd_per_kw"]
    miners = frame["site_id"].map(mining).fillna(0.0).to_numpy(np.float64) * 1000.0 * frame["utility_mw"].to_numpy(np.float64)
    running = (frame["opex_usd_per_mw"]).to_numpy(np.float64)
    rent = frame["rent_usd_per_mw"].to_numpy(np.float64)
    stands = last - month
    # What stands already is not late.
    waits = provider_waits(shop, "construction", frame["site_id"].where(frame["way"] != "existing", ""), month)
    begins = shop.beginning(month, waits)
    terms = [
        shop.spread(Line.CAPEX, -capex, month, lead),
        ScheduleTerm(Line.DEPRECIATION, capex, shop.written_off_by("shell", stands), begins),
        WindowTerm(Line.SITE_OPEX, -(running + rent), np.full(len(frame), shop.one()), begins, shop.events.at(last)),
        *overrun_terms(shop, "shell", capex, month, lead, waits, last),
        shop.lump(Line.RESALE, miners, np.maximum(month - lead, 0)),
        shop.lump(Line.RESALE, frame["residual"].to_numpy(np.float64) * capex, last - 1),
        *shop.loan("shell", capex, month, stands),
    ]
    block = shop.add("shell", table, terms)
    stocks = shop.book.stocks(Stock.HALLS, frame["site_id"])
    shop.book.stock_uses.add(block.numbers, stocks, np.ones(len(frame)), month, last)
    for site_id in frame["site_id"].unique():
        stock = shop.book.stock(Stock.HALLS, str(site_id))
        shop.book.stock_needs(stock, shop.book.resource(Family.HALL, str(site_id)), -1.0)
    return block


def _limits(shop: Workshop, frame: pd.DataFrame, block: Block) -> None:
    """Halls within the site's critical IT (if open), within the pace of building, within what mining leaves."""
    outlook = shop.outlook
    tables = outlook.case.tables
    sites = tables["sites"].set_index("site_id")
    ones = np.ones(len(frame), dtype=np.int64)
    critical = frame["site_id"].map(sites["critical_it_mw"]).to_numpy(np.float64)
    numbers = block.numbers
    shop.book.uses.add(numbers, shop.book.resources(Family.SITE, frame["site_id"], critical), ones * 1.0, 0 * ones, ones)
    for openings in shop.of_kind("open"):
        _open_first(shop, frame, block, openings)
    pace = frame["site_id"].map(sites["build_mw_per_quarter"]).to_numpy(np.float64)
    paced = (frame["way"] == "new").to_numpy() & ~np.isnan(pace)
    if paced.any():
        chosen = frame[paced]
        names = joined(chosen["site_id"], chosen["month"].map(outlook.calendar.written_quarter))
        resource = shop.book.resources(Family.BUILD, names, pace[paced])
        shop.book.uses.add(numbers[paced], resource, np.ones(len(chosen)), 0 * ones[paced], ones[paced])
    converted = (frame["way"] == "conversion").to_numpy()
    if converted.any():
        chosen = frame[converted]
        resource = shop.book.resources(Family.CONVERTIBLE, chosen["site_id"], chosen["upper"].to_numpy(np.float64))
        shop.book.uses.add(numbers[converted], resource, np.ones(len(chosen)), 0 * ones[converted], ones[converted])
        # A hall stops mining when its conversion begins.
        load = chosen["site_id"].map(tables["mining"].set_index("site_id")["utility_mw"]).to_numpy(np.float64)
        resource = shop.book.resources(Family.MINING, chosen["site_id"], load)
        begins = (chosen["month"] - chosen["lead"]).to_numpy(np.int64)
        shop.book.uses.add(numbers[converted], resource, chosen["utility_mw"].to_numpy(np.float64), begins, outlook.horizon)


def _open_first(shop: Workshop, frame: pd.DataFrame, block: Block, openings: Block) -> None:
    """Halls ordered by a month <= critical IT of the site, if it is open by then; what stands needs it open at any time."""
    opened = openings.table[["site_id", "from_month"]]
    last = opened.groupby("site_id")["from_month"].max()
    inside = frame["site_id"].isin(opened["site_id"]).to_numpy()
    chosen = frame[inside]
    ordered = np.where(chosen["way"] == "existing", shop.outlook.horizon, np.maximum(chosen["month"] - chosen["lead"], 0))
    needed = np.minimum(ordered, chosen["site_id"].map(last)).to_numpy(np.int64)
    end = shop.outlook.horizon
    shop.book.uses.add(block.numbers[inside], shop.book.resources(Family.OPEN, chosen["site_id"]), 1.0, needed, end)
    known = opened["site_id"].isin(chosen["site_id"]).to_numpy()
    critical = shop.outlook.case.tables["sites"].set_index("site_id")["critical_it_mw"]
    size = opened.loc[known, "site_id"].map(critical).to_numpy(np.float64)
    resource = shop.book.resources(Family.OPEN, opened.loc[known, "site_id"])
    shop.book.uses.add(openings.numbers[known], resource, -size, opened.loc[known, "from_month"].to_numpy(np.int64), end)


def _add_closings(shop: Workshop, frame: pd.DataFrame, shells: Block) -> None:
    """A MW given up: its residual is recovered, its opex stops, what is not yet written off is written off."""
    outlook = shop.outlook
    shells_frame = frame.assign(parent=shells.numbers)
    pairs = shells_frame.merge(pd.DataFrame({"ending": outlook.endings}), how="cross")
    pairs = pairs[(pairs["ending"] >= pairs["month"] + 12) & (pairs["ending"] < outlook.last_month)].reset_index(drop=True)
    if pairs.empty:
        return
    ending = pairs["ending"].to_numpy(np.int64)
    month = pairs["month"].to_numpy(np.int64)
    capex = pairs["capex_usd_per_mw"].to_numpy(np.float64)
    last = np.full(len(pairs), outlook.last_month)
    stands, age = last - month, ending - month
    residual = pairs["residual"].to_numpy(np.float64) * capex
    parent = pairs["parent"].to_numpy(np.int64)
    names = shells.table["candidate_id"].to_numpy()[parent - shells.first]
    table = pd.DataFrame(
        {
            "candidate_id": "close:" + pd.Series(names).str.removeprefix("shell:") + "#" + pd.Series(ending).map(outlook.calendar.written),
            "site_id": pairs["site_id"],
            "from_month": ending,
            "to_month": last,
            "unit": "MW",
            "upper": pairs["upper"],
            "decide_by": np.minimum(ending, outlook.horizon),
            "parent": parent,
        }
    )
    running = (pairs["opex_usd_per_mw"] + pairs["rent_usd_per_mw"]).to_numpy(np.float64)
    terms = [
        shop.lump(Line.RESALE, residual, ending - 1),
        shop.lump(Line.RESALE, -residual, last - 1),
        shop.schedule(Line.DEPRECIATION, capex, shop.write_off_ended("shell", stands, age), ending - 1),
        shop.running(Line.SITE_OPEX, running, ending, last),
        *shop.loan_ended("shell", capex, stands, age, ending - 1),
    ]
    block = shop.add("close", table, terms)
    shop.book.stock_uses.add(block.numbers, shop.book.stocks(Stock.HALLS, pairs["site_id"]), -np.ones(len(pairs)), ending, last)
    ended = shop.book.resources(Family.ENDED, pd.Series(names))
    ones = np.ones(len(pairs), dtype=np.int64)
    shop.book.uses.add(block.numbers, ended, 1.0 * ones, 0 * ones, ones)
    held, first = np.unique(parent, return_index=True)
    shop.book.uses.add(held, ended[first], -np.ones(len(held)), 0 * held, 0 * held + 1)
