"""Which sites a lease may stand on, and how much of it each could hold by its first month."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.case.delays import first_power_months, mean_delay_months

Vector = npt.NDArray[np.float64]


@dataclass(frozen=True)
class Room:
    """Critical-IT MW that each site can have in service by a month: halls, powered, and the smaller of the two; shape (sites,)."""

    halls_it_mw: Vector
    powered_it_mw: Vector

    @property
    def it_mw(self) -> Vector:
        return np.minimum(self.halls_it_mw, self.powered_it_mw)


@dataclass(frozen=True)
class Holding:
    """How much of a lease each site could hold by its start.

    `units` are in the lease's own size, `it_mw` the MW of critical IT that they draw, both shape
    (sites,) and 0 where the lease may not stand; `it_mw_per_unit` is that of the best SKU.
    """

    units: Vector
    it_mw: Vector
    it_mw_per_unit: float


def room_by(case: Case, month: int, *, max_co2_kg_per_mwh: float = np.inf) -> Room:
    """What the halls and the power of each site can be by a month of the case.

    Halls: those that stand, new ones at build_mw_per_quarter from ready_month or build_lead_months
    on, whichever is later, and converted mining halls, at most critical_it_mw. Power: guaranteed MW
    over mw_per_it_mw of the phases then energised, mean delay included, and within their terms.
    """
    calendar = Calendar(case.settings.start, case.settings.months)
    sites, power = case.tables["sites"], case.tables["power"]
    halls = sites.existing_it_mw.to_numpy(dtype=np.float64) + _built(sites, calendar, month) + _converted(case, calendar, month)
    first = first_power_months(power, calendar, mean_delay_months(power))
    last = first + power.term_months.to_numpy(dtype=np.int64)
    alive = (first <= month) & (month < last) & (power.co2_kg_per_mwh.to_numpy() <= max_co2_kg_per_mwh)
    it_mw = (power.guaranteed_mw / power.mw_per_it_mw).to_numpy(dtype=np.float64)
    powered = dict.fromkeys(sites.site_id, 0.0)
    for place in np.flatnonzero(alive):
        powered[power.site_id.iloc[place]] += float(it_mw[place])
    return Room(np.minimum(halls, sites.critical_it_mw.to_numpy(dtype=np.float64)), np.array(list(powered.values()), dtype=np.float64))


def can_build(sites: pd.DataFrame) -> npt.NDArray[np.bool_]:
    """Whether new halls can be built or rented on each site, shape (sites,)."""
    return np.asarray(sites.shell_capex_usd_per_kw.notna() | sites.shell_rent_usd_per_kw_month.notna(), dtype=np.bool_)


def _built(sites: pd.DataFrame, calendar: Calendar, month: int) -> Vector:
    """MW of new halls that can be in service by a month: build_mw_per_quarter in each quarter since the first possible."""
    ready = np.array([calendar.index(text) if text else 0 for text in sites.ready_month], dtype=np.int64)
    first = np.maximum(ready, sites.build_lead_months.to_numpy(dtype=np.int64))
    quarters = np.where(month >= first, (month - first) // 3 + 1, 0)
    rate = sites.build_mw_per_quarter.fillna(np.inf).to_numpy(dtype=np.float64)
    return np.where(can_build(sites) & (quarters > 0), rate * np.maximum(quarters, 1), 0.0)


def _converted(case: Case, calendar: Calendar, month: int) -> Vector:
    """Critical-IT MW of mining halls that can have been converted by a month, shape (sites,)."""
    sites, power = case.tables["sites"], case.tables["power"]
    found = dict.fromkeys(sites.site_id, 0.0)
    terms = {site: (cost, lead) for site, cost, lead in zip(sites.site_id, sites.conversion_capex_usd_per_kw, sites.conversion_lead_months, strict=True)}
    mining = case.tables["mining"]
    for site, load, share, stop in zip(mining.site_id, mining.utility_mw, mining.convertible_fraction, mining.earliest_stop, strict=True):
        cost, lead = terms[site]
        ratios = power.mw_per_it_mw[power.site_id == site]
        ready = max(0, calendar.index(stop) if stop else 0) + int(lead)
        if len(ratios) and not np.isnan(cost) and month >= ready:
            found[site] += float(load * share / ratios.min())
    return np.array(list(found.values()), dtype=np.float64)


def sites_allowed(case: Case, lease: pd.Series) -> npt.NDArray[np.bool_]:
    """Sites on which a lease may stand by its regions, sites and links, shape (sites,)."""
    sites, links = case.tables["sites"], case.tables["links"]
    allowed = np.ones(len(sites), dtype=np.bool_)
    for listed, column in ((lease["regions"], "region"), (lease["sites"], "site_id")):
        if listed:
            allowed &= sites[column].isin(listed.split(";")).to_numpy(dtype=bool)
    barred = links.site_id[(links.lease_id == lease["lease_id"]) & ~links.allowed]
    return np.asarray(allowed & ~sites.site_id.isin(list(barred)).to_numpy(dtype=bool), dtype=np.bool_)


def cooled_it_mw(case: Case, gpu: pd.Series) -> Vector:
    """MW of critical IT of a SKU that the cooling and the floor of each site take, shape (sites,)."""
    sites = case.tables["sites"]
    most: Vector = sites.critical_it_mw.to_numpy(dtype=np.float64, copy=True)
    if gpu["cooling"] == "liquid":
        most = np.fmin(most, sites.liquid_cooled_it_mw.to_numpy(dtype=np.float64))
    rack_kw = gpu["rack_kw"]
    if pd.isna(rack_kw) and not pd.isna(gpu["gpus_per_rack"]):
        rack_kw = gpu["it_kw"] * gpu["gpus_per_rack"]
    if not pd.isna(rack_kw):
        most[sites.max_rack_kw.to_numpy(dtype=np.float64) < rack_kw - 1e-9] = 0.0
    return most


def holding(case: Case, lease: pd.Series) -> Holding:
    """How much of a lease each site could hold in the lease's first month, on the best SKU that it accepts."""
    calendar = Calendar(case.settings.start, case.settings.months)
    co2 = lease["max_co2_kg_per_mwh"]
    room = room_by(case, max(0, calendar.index(lease["start"])), max_co2_kg_per_mwh=np.inf if pd.isna(co2) else float(co2))
    it_mw = np.where(sites_allowed(case, lease), room.it_mw, 0.0)
    if lease["kind"] == "hosting":
        return Holding(it_mw, it_mw, 1.0)
    options = [_on_sku(case, lease, it_mw, rate) for _, rate in _accepted(case, lease["lease_id"]).iterrows()]
    return max(options, key=lambda option: (float(option.units.max(initial=0.0)), -option.it_mw_per_unit))


def _accepted(case: Case, lease_id: str) -> pd.DataFrame:
    rates = case.tables["lease_rates"]
    return rates[rates.lease_id == lease_id].drop_duplicates("gpu_id")


def _on_sku(case: Case, lease: pd.Series, it_mw: Vector, rate: pd.Series) -> Holding:
    gpus = case.tables["gpus"]
    gpu = gpus[gpus.gpu_id == rate["gpu_id"]].iloc[0]
    per_unit = rate["gpus_per_unit"]
    if pd.isna(per_unit):
        per_unit = 1.0 if lease["size_unit"] == "gpus" else 1000.0 / gpu["it_kw"]
    count = np.floor(np.minimum(it_mw, cooled_it_mw(case, gpu)) * 1000.0 / gpu["it_kw"] + 1e-9)
    if lease["single_fabric"]:
        count = np.fmin(count, case.tables["sites"].max_cluster_gpus.to_numpy(dtype=np.float64, na_value=np.nan))
    return Holding(count / per_unit, count * gpu["it_kw"] / 1000.0, float(per_unit * gpu["it_kw"] / 1000.0))


def fabrics(case: Case) -> list[tuple[str, Sequence[int]]]:
    """Sites that one fabric may span, as (name, positions in the table sites): each site alone, and each fabric group."""
    sites = case.tables["sites"]
    found: list[tuple[str, Sequence[int]]] = [(f"site {name}", (place,)) for place, name in enumerate(sites.site_id)]
    for group in dict.fromkeys(sites.fabric_group):
        members = [place for place, name in enumerate(sites.fabric_group) if name == group]
        if group and len(members) > 1:
            found.append((f"fabric group {group}", tuple(members)))
    return found
