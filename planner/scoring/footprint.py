"""What a unit of each item needs and brings in the base case: figures that add up, so portfolios are sums of them.

    capex_usd               capex and opening costs, undiscounted
    uses_*_usd              what is invested, undiscounted: capex, opening
sources_*_usd           what pays for it: prepayments received (less what is credited in the same month), debt
                            drawn, tax credits, and own cash for the rest (equity, operations; below 0 where the others
                            bring more)
    gpus_bought             GPUs delivered; those owned at the start do not count
    contracted_mw_<kind>    MW contracted of each kind of power, at energisation (contracts ended early count)
    energy_mwh              energy drawn by IT at work, hosted halls and mining, at the site's load and PUE, over all
                            months; on-demand GPUs in the months in which they earn, a next term at its probability if
                            it is a hall
    co2_tonnes              that energy times the CO2 of the phase that it is drawn from
    backlog_usd             contract revenue of the leases served over their first terms, after expected defaults and
                            notice, with what their GPUs are let again for; undiscounted
ebitda_<year>_usd       income less operating costs (energy, fees, upkeep, opex, network, penalties) by calendar year of
                            the horizon, and ebitda_later_usd of all months after it; undiscounted
    cost_pv_usd             all costs before tax less resale and credits, discounted
site_cost_pv_usd        of them, those of sites, halls and power, with the energy and fees of what works there (not
mining) other_income_pv_usd     income of hosting, mining and the tail's rents, discounted
    gpu_hours_pv            hours in which GPUs are at work, discounted
    kw_months_pv            kW of critical IT at work or hosted, by months, discounted
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kernels.cpu.portfolio import portfolio_sums
from kernels.reference.portfolio import Portfolios
from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.firmness import curtailed_share, firm_from
from planner.candidates.kinds import Kind
from planner.candidates.outlook import Outlook
from planner.candidates.phases import phase_table, unit_mw
from planner.candidates.resources import Family
from planner.plans.tax_years import TaxYears
from planner.scoring.at_work import AtWork, at_work
from planner.scoring.cash_figures import CUSTOMER, TAXABLE, UNTAXED, cash_figures
from planner.scoring.items import Items


@dataclass(frozen=True)
class Footprint:
    """Figures of a unit of each item, (items, figures), and the tax years of the carried losses."""

    names: tuple[str, ...]
    figures: Floats
    customers: tuple[str, ...]
    tax_years: TaxYears
    tax_rate: float

    def columns(self, portfolios: Portfolios) -> dict[str, np.ndarray]:
        """What portfolios need and bring, by column of a table of scores.

        levelised_usd_per_gpu_hour: the rate at which GPU-hours would pay, before tax, for all costs that other income
        leaves uncovered, both discounted (NaN without GPU-hours). levelised_usd_per_kw_month: the rent per kW of
        critical IT at work that would pay, before tax, for sites, halls and power with their energy (NaN where nothing
        works). largest_customer and its share of discounted income.
        npv_losses_carried_usd: NPV of the base path with losses carried forward (80 % of a profit) in place of used at
        once.
        """
        sums = dict(zip(self.names, portfolio_sums(portfolios, self.figures).T, strict=True))
        found = {
            name: value for name, value in sums.items()
            if not name.startswith((CUSTOMER, TAXABLE)) and "_pv" not in name
        }
        hours = sums["gpu_hours_pv"]
        worked = hours > 0.0
        uncovered = sums["cost_pv_usd"] - sums["other_income_pv_usd"]
        found["levelised_usd_per_gpu_hour"] = np.where(worked, uncovered / np.where(worked, hours, 1.0), np.nan)
        let = sums["kw_months_pv"]
        found["levelised_usd_per_kw_month"] = np.where(
            let > 0.0, sums["site_cost_pv_usd"] / np.where(let > 0.0, let, 1.0), np.nan
        )
        found |= self._largest_customer(sums)
        taxable = np.stack([sums[name] for name in self.names if name.startswith(TAXABLE)], axis=1)
        found["npv_losses_carried_usd"] = sums[UNTAXED] - self.tax_years.tax_pv(taxable, self.tax_rate)
        return found

    def _largest_customer(self, sums: dict[str, Floats]) -> dict[str, np.ndarray]:
        """The market, mining and the tail's rents are income of no customer."""
        income = np.stack([sums[CUSTOMER + name] for name in ("", *self.customers)], axis=1)
        whole = income.sum(axis=1)
        own = income[:, 1:]
        if not self.customers:
            return {
                "largest_customer": np.full(len(whole), "", dtype=object),
                "largest_customer_share": np.zeros(len(whole)),
            }
        best = own.argmax(axis=1)
        most = np.take_along_axis(own, best[:, None], axis=1)[:, 0]
        some = (most > 0.0) & (whole > 0.0)
        name = np.where(some, np.array(self.customers, dtype=object)[best], "")
        return {
            "largest_customer": name, "largest_customer_share": np.where(some, most / np.where(some, whole, 1.0), 0.0)
        }


def footprint(candidates: CandidateSet, items: Items) -> Footprint:
    """The figures of each item, from the base-case cash and the uses of the candidates that it holds."""
    outlook = candidates.outlook
    customers = tuple(str(name) for name in outlook.case.tables["customers"]["customer_id"])
    years = TaxYears.of(outlook)
    table = candidates.table.iloc[items.held]
    parts = {
        **_counts(candidates, table), **_physical(candidates, items.held, table),
        **cash_figures(candidates, items.held, customers, years.starts),
    }
    figures = np.stack(list(parts.values()), axis=1)
    return Footprint(tuple(parts), np.asarray(items.levels @ figures), customers, years, outlook.case.settings.tax_rate)


def _counts(candidates: CandidateSet, table: pd.DataFrame) -> dict[str, Floats]:
    power = phase_table(candidates.outlook)
    size = table["phase"].map(
        dict(zip(power["phase_name"], unit_mw(candidates.outlook), strict=True))
    ).to_numpy(np.float64)
    kind = table["phase"].map(dict(zip(power["phase_name"], power["kind"], strict=True))).to_numpy(dtype=object)
    contract = (table["kind"] == Kind.POWER).to_numpy()
    found = {"gpus_bought": (table["kind"] == Kind.OWN).to_numpy(np.float64)}
    for name in dict.fromkeys(power["kind"]):
        found[f"contracted_mw_{name}"] = np.where(contract & (kind == name), size, 0.0)
    return found


def _physical(candidates: CandidateSet, held: Ints, table: pd.DataFrame) -> dict[str, Floats]:
    """Energy, CO2, and discounted hours and kW at work, of a unit of each candidate held."""
    outlook, book = candidates.outlook, candidates.book
    uses = book.uses.frame()
    uses = uses[np.isin(uses["candidate"].to_numpy(), held) & (uses["coefficient"] > 0.0)]
    at = np.searchsorted(held, uses["candidate"].to_numpy(np.int64))
    family = np.array([each.name for each in book.family], dtype=object)[uses["resource"].to_numpy(np.int64)]
    start, end = uses["start"].to_numpy(np.int64), uses["end"].to_numpy(np.int64)
    coefficient = uses["coefficient"].to_numpy(np.float64)
    energy, co2, worked, let = (np.zeros(len(held)) for _ in range(4))
    working, candidate = at_work(candidates), uses["candidate"].to_numpy(np.int64)

    def months_at_work(by_month: Floats, chosen: Ints) -> Floats:
        return working.within(by_month, candidate[chosen], start[chosen], end[chosen])

    fleet = np.flatnonzero(family == Family.FLEET.name)
    np.add.at(worked, at[fleet], coefficient[fleet] * months_at_work(outlook.hours * outlook.discount, fleet))

    drawn = np.flatnonzero(family == Family.PHASE.name)
    phases = phase_table(outlook).set_index("phase_name")
    phase = phases.loc[np.array(book.name, dtype=object)[uses["resource"].to_numpy(np.int64)[drawn]]]
    rows = table.iloc[at[drawn]]
    chance = _chance(outlook, rows)
    hours = months_at_work(outlook.hours, drawn) - _curtailed_hours(
        outlook, working, rows, phase["phase_number"].to_numpy(np.int64), candidate[drawn], (start[drawn], end[drawn])
    )
    mwh = coefficient[drawn] * chance * _mean_share_of_contracted(outlook, rows, phase) * hours
    np.add.at(energy, at[drawn], mwh)
    np.add.at(co2, at[drawn], mwh * phase["co2_kg_per_mwh"].to_numpy(np.float64) / 1000.0)
    critical_kw = np.where(
        (rows["kind"] == Kind.MINE).to_numpy(), 0.0, 1000.0 / phase["mw_per_it_mw"].to_numpy(np.float64)
    )
    np.add.at(let, at[drawn], coefficient[drawn] * chance * critical_kw * months_at_work(outlook.discount, drawn))
    return {"energy_mwh": energy, "co2_tonnes": co2, "gpu_hours_pv": worked, "kw_months_pv": let}


def _curtailed_hours(
    outlook: Outlook, working: AtWork, rows: pd.DataFrame, phase: Ints, candidate: Ints, window: tuple[Ints, Ints]
) -> Floats:
    """Hours without power of each use of a phase: none on its firm part."""
    start, until = window[0], np.minimum(window[1], firm_from(outlook)[phase])
    share = curtailed_share(outlook)[phase] * rows["interruptible"].to_numpy(np.float64)
    found: Floats = share * working.within(outlook.hours, candidate, np.minimum(start, until), until)
    return found


def _mean_share_of_contracted(outlook: Outlook, rows: pd.DataFrame, phase: pd.DataFrame) -> Floats:
    """Mean MW drawn per MW of contracted power in use: critical IT x load x PUE x availability, or the uptime of
    miners."""
    sites = outlook.case.tables["sites"].set_index("site_id").loc[rows["site_id"]]
    share = (sites["load_factor"] * sites["pue"]).to_numpy(np.float64) * phase["availability"].to_numpy(np.float64)
    share = share / phase["mw_per_it_mw"].to_numpy(np.float64)
    uptime = rows["site_id"].map(outlook.case.tables["mining"].set_index("site_id")["uptime"]).to_numpy(np.float64)
    return np.where((rows["kind"] == Kind.MINE).to_numpy(), uptime, share)


def _chance(outlook: Outlook, rows: pd.DataFrame) -> Floats:
    """The chance that a use comes about: that a hall's tenant is offered, in a next term that it is renewed; else 1."""
    leases = outlook.case.tables["leases"].set_index("lease_id")
    hall = ((rows["gpu_id"] == "") & (rows["lease_id"] != "")).to_numpy()
    renewed = rows["lease_id"].map(leases["renewal_probability"]).to_numpy(np.float64)
    offered = rows["lease_id"].map({name: float(chance[0]) for name, chance in outlook.offered.items()})
    again = np.where((rows["kind"] == Kind.RENEW).to_numpy(), renewed, 1.0)
    return np.where(hall, again * offered.to_numpy(np.float64), 1.0)
