"""Where a deal stands: the sites, SKUs and power on which the plan with it serves the inquiry."""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.quoting.inquiry import Inquiry
from planner.quoting.inquiry_case import units_by_candidate

COLUMNS = ("site_id", "gpu_id", "power_path", "from", "to", "size", "it_mw")
"""Of stands.csv: `size` in the unit of the inquiry, `it_mw` the critical IT that works for it, `to` the last month."""
DUST = 1e-6
"""Share of the size below which a place is rounding of the solver."""


def stands_table(candidates: CandidateSet, levels: Floats, inquiry: Inquiry) -> pd.DataFrame:
    """The places of an inquiry in a plan that holds it, columns COLUMNS, the largest site first."""
    table = candidates.table
    numbers, units = units_by_candidate(table, inquiry)
    size = levels[numbers] * units
    held = size > DUST * inquiry.size
    rows, size = table.iloc[numbers[held]], size[held]
    kilowatts = candidates.outlook.case.tables["gpus"].set_index("gpu_id")["it_kw"]
    it_mw = levels[
        numbers[held]
    ] * rows["gpu_id"].map(kilowatts).astype(np.float64).fillna(1000.0).to_numpy(np.float64) / 1000.0
    path = rows["phase"].where(rows["then_phase"] == "", rows["phase"] + " until " + rows["then_phase"])
    calendar = candidates.outlook.calendar
    found = rows[["site_id", "gpu_id"]].assign(
        power_path=path, size=size, it_mw=it_mw, to=(rows["to_month"] - 1).map(calendar.written),
        **{"from": rows["from_month"].map(calendar.written)}
    )
    keys = ["site_id", "gpu_id", "power_path", "from", "to"]
    found = found.groupby(keys, as_index=False)[["size", "it_mw"]].sum()
    found = found.assign(at_site=found.groupby("site_id")["size"].transform("sum"))
    return found.sort_values(
        ["at_site", "site_id", "size", *keys], ascending=[False, True, False, *[True] * len(keys)], kind="stable"
    )[list(COLUMNS)].reset_index(drop=True)


def sites_of(stands: pd.DataFrame) -> dict[str, float]:
    """Size of the deal at each site, the largest first."""
    sizes = stands.groupby("site_id", sort=False)["size"].sum()
    return {str(site_id): float(size) for site_id, size in sizes.items()}
