"""What halls, power and deliveries can come to at most, month by month: upper bounds that no plan passes."""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.candidates.gpus import deliveries
from planner.candidates.outlook import Floats, Outlook


def hall_room(shells: pd.DataFrame, sites: pd.DataFrame, outlook: Outlook) -> dict[str, Floats]:
    """MW of halls that can be in service at each site, shape (M,) each: what stands, what was built by then, what was converted.

    shells: cohorts with columns site_id, way (existing, new, conversion), month and upper, as halls are made; sites: the table, with
    build_mw_per_quarter. The critical IT of the site is not yet a limit.
    """
    found = {str(site_id): np.zeros(outlook.months) for site_id in sites["site_id"]}
    pace = sites.set_index("site_id")["build_mw_per_quarter"].astype("float64").to_dict()
    quarters = shells.assign(quarter=shells["month"].map(outlook.calendar.written_quarter))
    for (site_id, way), cohorts in quarters.groupby(["site_id", "way"]):
        by_month, most = np.zeros(outlook.months), float(cohorts["upper"].max())
        limit = float(pace[site_id]) if way == "new" else np.nan
        for first in cohorts.groupby("quarter")["month"].min():
            by_month[int(first) :] += most if np.isnan(limit) else limit
        # A limit of its own holds what is converted together, and what stands is there once.
        found[str(site_id)] += by_month if way == "new" else np.minimum(by_month, most)
    return found


def power_room(power: pd.DataFrame, months: int) -> Floats:
    """Critical IT that some phases can carry together, shape (M,): guaranteed MW over mw_per_it_mw, from first power to the end of the term."""
    found = np.zeros(months)
    for row in power.itertuples():
        found[int(row.energised_month) : int(row.end_month)] += row.guaranteed_mw / row.mw_per_it_mw
    return found


def gpu_room(outlook: Outlook, gpus: pd.DataFrame) -> Floats:
    """GPUs of one SKU that can have been delivered and be alive, over all sites, shape (M,); gpus: its row of the table."""
    found = np.zeros(outlook.months)
    life = int(gpus["life_months"].iat[0])
    due = deliveries(outlook, gpus)
    quarters = due.assign(quarter=due["month"].map(outlook.calendar.written_quarter))
    for _, steps in quarters.groupby("quarter"):
        supply = steps["supply"].iat[0]
        alive = np.zeros(outlook.months, dtype=bool)
        for month in steps["month"]:
            alive[int(month) : min(int(month) + life, outlook.last_month)] = True
        found[alive] += np.inf if pd.isna(supply) else float(supply)
    return found
