"""`open`: a site opened in a month, 0/1, with its cost; without it nothing can be built or contracted there."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kernels.lines import Line
from planner.candidates.halls import hall_cohorts
from planner.candidates.outlook import Outlook
from planner.candidates.power import commit_months, phase_table
from planner.candidates.resources import Family
from planner.candidates.workshop import Workshop


def add_openings(shop: Workshop) -> None:
    """A candidate for each site that costs something to open, and each month in which its first commitment could fall."""
    outlook = shop.outlook
    sites = outlook.case.tables["sites"]
    chosen = sites.loc[sites["opening_cost_usd"] > 0, ["site_id", "opening_cost_usd"]]
    if chosen.empty:
        return
    chosen = chosen.merge(opening_months(outlook), on="site_id")
    month = chosen["month"].to_numpy(np.int64)
    frame = pd.DataFrame(
        {
            "candidate_id": "open:" + chosen["site_id"] + "@" + chosen["month"].map(outlook.calendar.written),
            "site_id": chosen["site_id"],
            "from_month": month,
            "to_month": outlook.horizon,
            "unit": "0/1",
            "upper": 1.0,
            "integral": True,
            "decide_by": month,
        }
    )
    block = shop.add("open", frame, [shop.lump(Line.OPENING, -chosen["opening_cost_usd"].to_numpy(np.float64), month)])
    once = shop.book.resources(Family.OPENED_ONCE, chosen["site_id"], 1.0)
    shop.book.uses.add(block.numbers, once, 1.0, 0, 1)


def opening_months(outlook: Outlook) -> pd.DataFrame:
    """Months in which the first commitment at each site could fall: columns site_id, month, in order.

    Commitments are a phase to sign and a hall to order; what stands already is none. A site is of no use without power, so
    a hall ordered when all of its phases should be signed is never the first. A site without any commitment opens at the start.
    """
    if outlook.stated_openings is not None:
        return outlook.stated_openings
    power = phase_table(outlook)
    signed = pd.DataFrame({"site_id": power["site_id"], "month": commit_months(outlook, power)})
    signed = signed[signed["month"] < outlook.horizon]
    halls = hall_cohorts(outlook)
    halls = halls[halls["way"] != "existing"]
    ordered = pd.DataFrame({"site_id": halls["site_id"], "month": np.maximum(halls["month"] - halls["lead"], 0)})
    latest = signed.groupby("site_id")["month"].max().to_dict()
    before = [month < latest.get(site_id, outlook.horizon) for site_id, month in zip(ordered["site_id"], ordered["month"], strict=True)]
    ordered = ordered[np.array(before, dtype=bool)]
    none = outlook.case.tables["sites"][["site_id"]].assign(month=0)
    none = none[~none["site_id"].isin([*signed["site_id"], *ordered["site_id"]])]
    found = pd.concat([signed, ordered, none], ignore_index=True).drop_duplicates()
    return found.astype({"month": np.int64}).sort_values(["site_id", "month"], ignore_index=True)
