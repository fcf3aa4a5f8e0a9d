"""`open`: a site opened, 0/1, with its cost; without it nothing can be built or contracted there."""

from __future__ import annotations

import numpy as np
import pandas as pd

from kernels.lines import Line
from planner.candidates.outlook import Outlook
from planner.candidates.workshop import Workshop


def add_openings(shop: Workshop) -> None:
    """One candidate for each site that costs something to open."""
    outlook = shop.outlook
    sites = outlook.case.tables["sites"]
    chosen = sites[sites["opening_cost_usd"] > 0]
    if chosen.empty:
        return
    month = chosen["site_id"].map(_first_commitment(outlook)).fillna(0).to_numpy(np.int64)
    frame = pd.DataFrame(
        {
            "candidate_id": "open:" + chosen["site_id"],
            "site_id": chosen["site_id"],
            "from_month": month,
            "to_month": outlook.horizon,
            "unit": "0/1",
            "upper": 1.0,
            "integral": True,
            "decide_by": month,
        }
    )
    shop.add("open", frame, [shop.lump(Line.OPENING, -chosen["opening_cost_usd"].to_numpy(np.float64), month)])


def _first_commitment(outlook: Outlook) -> dict[str, int]:
    """Earliest month in which a site needs a decision: a phase to sign or a hall to order."""
    power = outlook.case.tables["power"]
    commit = np.maximum(outlook.promised - power["lead_months"].to_numpy(np.int64), 0)
    earliest = pd.Series(commit, index=power["site_id"].to_numpy()).groupby(level=0).min()
    return {str(site_id): int(month) for site_id, month in earliest.items() if month < outlook.horizon}
