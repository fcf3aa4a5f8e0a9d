"""Halls that stand, could be built or converted at each site, by month of service, with their costs per MW of critical
IT."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planner.arrays import Floats, Ints
from planner.candidates.columns import Columns, stacked
from planner.candidates.firmness import backups
from planner.candidates.outlook import Outlook

EXISTING, NEW, CONVERSION = range(3)
WAYS = ("existing", "new", "conversion")
"""How a hall comes to be, as ids write it."""


def hall_cohorts(outlook: Outlook) -> Columns:
    """Halls by site, way and month of service: columns site, way, month, lead (months), upper (MW), capex_usd_per_mw,
    rent_usd_per_mw and opex_usd_per_mw (a month), residual (share), utility_mw (mining load given up per MW)."""
    return stacked([_standing(outlook), _new(outlook), _converted(outlook)])


def _cohorts(outlook: Outlook, way: int, site: Ints, month: Ints, **columns: Floats | Ints | float) -> Columns:
    sites = outlook.tables["sites"]
    known: dict[str, Floats | Ints | float] = {
        "lead": np.zeros(len(site), dtype=np.int64), "capex_usd_per_mw": 0.0, "rent_usd_per_mw": 0.0, "utility_mw": 0.0
    }
    return Columns(
        len(site), site=site, way=np.full(len(site), way), month=month,
        **{**known, **columns}, opex_usd_per_mw=sites.floats("opex_usd_per_kw_month")[site] * 1000.0,
        residual=sites.floats("shell_residual")[site],
    )


def _standing(outlook: Outlook) -> Columns:
    existing = outlook.tables["sites"].floats("existing_it_mw")
    site = np.flatnonzero(existing > 0.0)
    return _cohorts(outlook, EXISTING, site, np.zeros(len(site), dtype=np.int64), upper=existing[site])


def _new(outlook: Outlook) -> Columns:
    sites = outlook.tables["sites"]
    capex, rent = sites.floats("shell_capex_usd_per_kw"), sites.floats("shell_rent_usd_per_kw_month")
    room = sites.floats("critical_it_mw") - sites.floats("existing_it_mw")
    lead = sites.ints("build_lead_months")
    first = np.maximum(outlook.calendar.indices(sites.texts("ready_month")), lead)
    site, month = _by_step(outlook, np.flatnonzero(~(np.isnan(capex) & np.isnan(rent)) & (room > 0.0)), first)
    return _cohorts(
        outlook, NEW, site, month, lead=lead[site], capex_usd_per_mw=np.nan_to_num(capex)[site] * 1000.0,
        rent_usd_per_mw=np.nan_to_num(rent)[site] * 1000.0, upper=room[site],
    )


def _converted(outlook: Outlook) -> Columns:
    sites, mining = outlook.tables["sites"], outlook.tables["mining"]
    capex, lead = sites.floats("conversion_capex_usd_per_kw"), sites.ints("conversion_lead_months")
    mine = {site: row for row, site in enumerate(mining.rows_of("site_id").tolist())}
    of_site = np.array([mine.get(site, -1) for site in range(len(sites))], dtype=np.int64)
    share = np.append(mining.floats("convertible_fraction"), 0.0)[of_site]
    ratio = utility_mw_per_it_mw(outlook)
    stop = np.maximum(np.append(outlook.calendar.indices(mining.texts("earliest_stop")), 0)[of_site], 0)
    most = np.minimum(
        share * np.append(mining.floats("utility_mw"), 0.0)[of_site] / ratio, sites.floats("critical_it_mw")
    )
    # In the order of the sites, as far as they have a mine.
    site, month = _by_step(outlook, np.flatnonzero(~np.isnan(capex) & (share > 0.0)), stop + lead)
    return _cohorts(
        outlook, CONVERSION, site, month, lead=lead[site], capex_usd_per_mw=capex[site] * 1000.0, upper=most[site],
        utility_mw=ratio[site]
    )


def _by_step(outlook: Outlook, sites: Ints, first: Ints) -> tuple[Ints, Ints]:
    """Each site with each step from its first month on."""
    pairs = Columns(site=sites).with_each(month=outlook.steps)
    kept = pairs.take(pairs["month"] >= first[pairs["site"]])
    return kept["site"], kept["month"]


def utility_mw_per_it_mw(outlook: Outlook) -> Floats:
    """MW of contracted power that a MW of critical IT needs at each site: that of its first phase energised, NaN
    without one; (sites,)."""
    power = outlook.tables["power"]
    found = np.full(len(outlook.tables["sites"]), np.nan)
    first = np.argsort(outlook.energised, kind="stable")[::-1]
    first = first[~backups(outlook)[first]]
    found[power.rows_of("site_id")[first]] = power.floats("mw_per_it_mw")[first]
    return found


def ways_of(cohorts: Columns) -> Sequence[str]:
    """The way of each hall in a word."""
    return [WAYS[way] for way in cohorts["way"].tolist()]
