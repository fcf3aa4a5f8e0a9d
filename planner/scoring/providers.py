"""What bundles need and do not bring: halls, contracted power, openings, leases taken, minimum take; once per site, at
the peak."""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.fabrics import FIBRE, NO_FABRIC, Fabrics
from planner.candidates.hall_cohorts import EXISTING
from planner.candidates.kinds import Kind
from planner.candidates.minimum_take import take_not_drawn
from planner.candidates.phases import phase_table, step_mw, unit_mw
from planner.candidates.resources import Family
from planner.case.table_arrays import NO_ROW


def add_providers(
    candidates: CandidateSet, levels: Floats, *, halls_stated: set[str], phases_stated: set[str]
) -> Floats:
    """The levels with all that they need but what is stated; nothing is added beyond what the case offers.

    Halls: those standing, then the latest others that are in service when those no longer suffice, all at the peak.
    Power: the peak of each phase, in whole steps where it comes in steps. A site that holds anything is opened; a lease
    served is taken, on the one fabric that holds all its sites; minimum take that nothing draws is paid.
    What cannot be provided stays missing: the score names the limit.
    """
    found = levels.copy()
    table = candidates.table
    for site_id in candidates.outlook.case.tables["sites"]["site_id"]:
        if site_id not in halls_stated:
            _halls(candidates, found, str(site_id))
    _power(candidates, found, phases_stated)
    held = table[found != 0.0]
    busy = set(held.loc[~held["kind"].isin([Kind.BASE, Kind.OPEN]), "site_id"])
    _openings(candidates, found, busy)
    _leases(candidates, found)
    pay_minimum_take(candidates, found)
    return found


def _openings(candidates: CandidateSet, levels: Floats, busy: set[str]) -> None:
    """Each busy site that is not open yet is opened with its first commitment: a phase to sign or a hall to order."""
    table = candidates.table
    commits = table["kind"].eq(Kind.POWER) | (table["kind"].eq(Kind.SHELL) & (candidates.columns["way"] != EXISTING))
    first = table["decide_by"][commits & (levels > 0.0)].groupby(table["site_id"]).min()
    for site_id, months in table[table["kind"] == Kind.OPEN].groupby("site_id"):
        if site_id in busy and not levels[months.index].any():
            by = months.index[months["from_month"] <= first.get(site_id, months["from_month"].max())]
            levels[by.max() if len(by) else months.index.min()] = 1.0


def _need(candidates: CandidateSet, levels: Floats, family: Family, name: str) -> tuple[pd.DataFrame, Floats]:
    """Rows of one resource in the order of their months, and its use less what is provided."""
    rows = candidates.rows
    chosen = np.flatnonzero(((rows.table["family"] == family.name) & (rows.table["name"] == name)).to_numpy())
    table = rows.table.iloc[chosen]
    order = np.argsort(table["start"].to_numpy(), kind="stable")
    use: Floats = rows.use[chosen] @ levels
    return table.iloc[order], use[order]


def _numbers(table: pd.DataFrame, kind: str, chosen: pd.Series | np.ndarray) -> Ints:
    return np.flatnonzero((table["kind"] == kind).to_numpy() & np.asarray(chosen, dtype=bool))


def _halls(candidates: CandidateSet, levels: Floats, site_id: str) -> None:
    """Standing halls have from_month 0 and come before any other of a site."""
    table = candidates.table
    shells = table[(table["kind"] == Kind.SHELL) & (table["site_id"] == site_id)]
    rows, need = _need(candidates, levels, Family.HALL, site_id)
    peak = float(need.max(initial=0.0))
    if peak <= 0.0 or shells.empty:
        return
    way = candidates.columns["way"]
    standing = shells[way[shells.index] == EXISTING]
    for number, most in zip(standing.index, standing["upper"], strict=True):
        taken = min(peak, float(most))
        levels[number] += taken
        peak, need = peak - taken, need - taken
    others = shells.drop(standing.index)
    if peak <= 1e-9 or others.empty:
        return
    when = int(rows["start"].to_numpy()[need > 1e-9][0])
    in_time = others[others["from_month"] <= when]
    # The latest in time, or else the first to come; further ways (conversion beside new) where one does not suffice.
    ordered = (
        in_time.sort_values("from_month", ascending=False, kind="stable") if len(in_time)
        else others.sort_values("from_month", kind="stable")
    )
    ways = ordered.groupby(way[ordered.index], sort=False).head(1)
    for number, most in zip(ways.index, ways["upper"], strict=True):
        taken = min(peak, float(most))
        levels[number] += taken
        peak -= taken
    levels[ways.index[0]] += peak


def _power(candidates: CandidateSet, levels: Floats, stated: set[str]) -> None:
    table = candidates.table
    phases = phase_table(candidates.outlook)
    outlook = candidates.outlook
    columns = (
        phases["phase_name"], unit_mw(outlook), phases["committed_mw"], step_mw(outlook), phases["firm_share"]
    )
    for name, size, committed, step, firm in zip(*columns, strict=True):
        (number,) = _numbers(table, "power", table["phase"] == name)
        if name not in stated:
            _, beyond = _need(candidates, levels, Family.PHASE, str(name))
            more = max(float(beyond.max(initial=0.0)), 0.0)
            # Of the MW that come on top only a share is of the part that is short.
            for family, share in ((Family.FIRM, float(firm)), (Family.CURTAILABLE, 1.0 - float(firm))):
                _, short = _need(candidates, levels, family, str(name))
                more = max(more, float(short.max(initial=0.0)) / share if share > 0.0 else 0.0)
            more /= float(size)
            levels[number] = _in_steps(levels[number] + more, float(size), float(committed), float(step))
        more = levels[number] * float(size) - float(committed)
        for taken in _numbers(table, "take", (table["phase"] == name) & (more > 0.0)):
            levels[taken] = round(more / float(step)) if candidates.columns["steps"][taken] else 1.0


def _in_steps(units: float, size: float, committed: float, step: float) -> float:
    """Units of a phase raised to what can be had: any amount, or whole steps beyond what is contracted already."""
    if not step > 0.0:
        return units
    beyond = max(units * size - committed, 0.0)
    return (committed + float(np.ceil(beyond / step - 1e-9)) * step) / size


def _leases(candidates: CandidateSet, levels: Floats) -> None:
    table, on = candidates.table, candidates.columns["fabric"]
    fabrics = Fabrics.of(candidates.outlook)
    number = {name: at for at, name in enumerate(fabrics.names)}
    sites = candidates.outlook.case.tables["sites"].set_index("site_id")["fabric_group"]
    work = table[table["kind"].isin([Kind.SERVE, Kind.HOST]) & (levels != 0.0) & (table["lease_id"] != "")]
    for lease_id, rows in work.groupby("lease_id", sort=False):
        where = set(rows["site_id"])
        for site_id in where:
            levels[_numbers(table, "block", (table["lease_id"] == lease_id) & (table["site_id"] == site_id))] = 1.0
        groups = {str(sites[site_id]) for site_id in where}
        group = next(iter(groups)) if len(groups) == 1 else ""
        fabric = number.get(next(iter(where)) if len(where) == 1 else FIBRE + group, NO_FABRIC)
        taken = _numbers(table, "accept", (table["lease_id"] == lease_id) & np.isin(on, (NO_ROW, fabric)))
        levels[taken] = 1.0
        if len(taken) and len(where) > 1:
            levels[_numbers(table, "fabric", on == fabric)] = 1.0


def pay_minimum_take(candidates: CandidateSet, levels: Floats) -> None:
    """Set the levels of `short` to the MW of minimum take that the work on each phase does not draw, window by
    window."""
    short, needed = take_not_drawn(candidates, levels)
    levels[short] = needed
