"""What a unit of each item needs and brings in the base case: figures that add up, so portfolios are sums of them.

    capex_usd               capex and opening costs, undiscounted
    gpus_bought             GPUs delivered; those owned at the start do not count
    contracted_mw_<kind>    MW contracted of each kind of power, at energisation (contracts ended early count)
    energy_mwh              energy drawn by IT at work, hosted halls and mining, at the site's load and PUE, over all
                            months; on-demand GPUs as if they never idled, a next term at its probability if it is a hall
    co2_tonnes              that energy times the CO2 of the phase that it is drawn from
    backlog_usd             contract revenue of the leases served over their first terms, after expected defaults and
                            notice, with what their GPUs are let again for; undiscounted
    cost_pv_usd             all costs before tax less resale and credits, discounted
    other_income_pv_usd     income of hosting, mining and the tail's rents, discounted
    gpu_hours_pv            hours in which GPUs are at work, discounted
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kernels.lines import Line, taxable_weight
from kernels.paths import tax_with_losses_carried
from kernels.portfolio import Portfolios
from kernels.portfolio_engine import portfolio_sums
from planner.candidates.build import CandidateSet
from planner.candidates.outlook import Floats, Ints, Outlook
from planner.candidates.power import phase_table, unit_mw
from planner.candidates.resources import Family
from planner.scoring.items import Items

INCOME = (Line.REVENUE, Line.MINING, Line.TAIL_RENT)
COSTS = (
    Line.ENERGY, Line.FEES, Line.UPKEEP, Line.SITE_OPEX, Line.NETWORK, Line.PENALTIES, Line.OPENING, Line.CAPEX,
    Line.RESALE, Line.CREDITS,
)
CUSTOMER = "income_pv_usd of "
TAXABLE = "taxable_usd in year "
UNTAXED = "untaxed_pv_usd"
AT_ONCE = 500
"""Candidates whose monthly lines are held at once: 20 MB in 250 months."""


@dataclass(frozen=True)
class Footprint:
    """Figures of a unit of each item, (items, figures), and how the tax years of the carried losses are discounted."""

    names: tuple[str, ...]
    figures: Floats
    customers: tuple[str, ...]
    year_discount: Floats
    tax_rate: float

    def columns(self, portfolios: Portfolios) -> dict[str, np.ndarray]:
        """What portfolios need and bring, by column of a table of scores.

        levelised_usd_per_gpu_hour: the rate at which GPU-hours would pay, before tax, for all costs that other income
        leaves uncovered, both discounted (NaN without GPU-hours). largest_customer and its share of discounted income.
        npv_losses_carried_usd: NPV of the base path with losses carried forward (80 % of a profit) in place of used at once.
        """
        sums = dict(zip(self.names, portfolio_sums(portfolios, self.figures).T, strict=True))
        found = {name: value for name, value in sums.items() if not name.startswith((CUSTOMER, TAXABLE)) and "_pv" not in name}
        hours = sums["gpu_hours_pv"]
        worked = hours > 0.0
        uncovered = sums["cost_pv_usd"] - sums["other_income_pv_usd"]
        found["levelised_usd_per_gpu_hour"] = np.where(worked, uncovered / np.where(worked, hours, 1.0), np.nan)
        found |= self._largest_customer(sums)
        taxable = np.stack([sums[name] for name in self.names if name.startswith(TAXABLE)], axis=1)
        tax, _ = tax_with_losses_carried(taxable, tax_rate=self.tax_rate)
        # Year by year, so that the sum of a portfolio does not depend on the others beside it.
        paid = np.zeros(len(portfolios))
        for year, factor in enumerate(self.year_discount.tolist()):
            paid += tax[:, year] * factor
        found["npv_losses_carried_usd"] = sums[UNTAXED] - paid
        return found

    def _largest_customer(self, sums: dict[str, Floats]) -> dict[str, np.ndarray]:
        """The market, mining and the tail's rents are income of no customer."""
        income = np.stack([sums[CUSTOMER + name] for name in ("", *self.customers)], axis=1)
        whole = income.sum(axis=1)
        own = income[:, 1:]
        if not self.customers:
            return {"largest_customer": np.full(len(whole), "", dtype=object), "largest_customer_share": np.zeros(len(whole))}
        best = own.argmax(axis=1)
        most = np.take_along_axis(own, best[:, None], axis=1)[:, 0]
        some = (most > 0.0) & (whole > 0.0)
        name = np.where(some, np.array(self.customers, dtype=object)[best], "")
        return {"largest_customer": name, "largest_customer_share": np.where(some, most / np.where(some, whole, 1.0), 0.0)}


def footprint(candidates: CandidateSet, items: Items) -> Footprint:
    """The figures of each item, from the base-case cash and the uses of the candidates that it holds."""
    customers = tuple(str(name) for name in candidates.outlook.case.tables["customers"]["customer_id"])
    edges, factors = _tax_years(candidates.outlook)
    table = candidates.table.iloc[items.held]
    parts = {**_counts(candidates, table), **_physical(candidates, items.held, table), **_money(candidates, items.held, customers, edges)}
    figures = np.stack(list(parts.values()), axis=1)
    return Footprint(tuple(parts), np.asarray(items.levels @ figures), customers, factors, candidates.outlook.case.settings.tax_rate)


def _tax_years(outlook: Outlook) -> tuple[Ints, Floats]:
    """First month of each tax year, and the factor at which its tax is discounted: that of its last column in the statement."""
    first = np.unique(outlook.calendar.column_of_month, return_index=True)[1]
    starts = np.flatnonzero(np.diff(first // 12, prepend=-1))
    ends = np.append(starts[1:], len(first)) - 1
    return first[starts], outlook.discount[first[ends]]


def _counts(candidates: CandidateSet, table: pd.DataFrame) -> dict[str, Floats]:
    power = phase_table(candidates.outlook)
    size = table["phase"].map(dict(zip(power["phase_name"], unit_mw(power), strict=True))).to_numpy(np.float64)
    kind = table["phase"].map(dict(zip(power["phase_name"], power["kind"], strict=True))).to_numpy(dtype=object)
    contract = (table["kind"] == "power").to_numpy()
    found = {"gpus_bought": (table["kind"] == "own").to_numpy(np.float64)}
    for name in dict.fromkeys(power["kind"]):
        found[f"contracted_mw_{name}"] = np.where(contract & (kind == name), size, 0.0)
    return found


def _physical(candidates: CandidateSet, held: Ints, table: pd.DataFrame) -> dict[str, Floats]:
    """Energy, CO2 and discounted hours at work of a unit of each candidate held."""
    outlook, book = candidates.outlook, candidates.book
    uses = book.uses.frame()
    uses = uses[np.isin(uses["candidate"].to_numpy(), held) & (uses["coefficient"] > 0.0)]
    at = np.searchsorted(held, uses["candidate"].to_numpy(np.int64))
    family = np.array([each.name for each in book.family], dtype=object)[uses["resource"].to_numpy(np.int64)]
    start, end = uses["start"].to_numpy(np.int64), uses["end"].to_numpy(np.int64)
    coefficient = uses["coefficient"].to_numpy(np.float64)
    energy, co2, worked = np.zeros(len(held)), np.zeros(len(held)), np.zeros(len(held))

    fleet = family == Family.FLEET.name
    np.add.at(worked, at[fleet], coefficient[fleet] * _within(outlook.hours * outlook.discount, start[fleet], end[fleet]))

    drawn = np.flatnonzero(family == Family.PHASE.name)
    phases = phase_table(outlook).set_index("phase_name")
    phase = phases.loc[np.array(book.name, dtype=object)[uses["resource"].to_numpy(np.int64)[drawn]]]
    rows = table.iloc[at[drawn]]
    share = _mean_share_of_contracted(outlook, rows, phase)
    mwh = coefficient[drawn] * share * _within(outlook.hours, start[drawn], end[drawn])
    np.add.at(energy, at[drawn], mwh)
    np.add.at(co2, at[drawn], mwh * phase["co2_kg_per_mwh"].to_numpy(np.float64) / 1000.0)
    return {"energy_mwh": energy, "co2_tonnes": co2, "gpu_hours_pv": worked}


def _within(by_month: Floats, start: Ints, end: Ints) -> Floats:
    """Sum of a path over [start, end), row by row."""
    total = np.concatenate([[0.0], np.cumsum(by_month)])
    last = len(by_month)
    return total[np.minimum(end, last)] - total[np.minimum(start, last)]


def _mean_share_of_contracted(outlook: Outlook, rows: pd.DataFrame, phase: pd.DataFrame) -> Floats:
    """Mean MW drawn per MW of contracted power in use: critical IT x load x PUE x availability, or the uptime of miners."""
    sites = outlook.case.tables["sites"].set_index("site_id").loc[rows["site_id"]]
    share = (sites["load_factor"] * sites["pue"]).to_numpy(np.float64) * phase["availability"].to_numpy(np.float64)
    share = share / phase["mw_per_it_mw"].to_numpy(np.float64)
    uptime = rows["site_id"].map(outlook.case.tables["mining"].set_index("site_id")["uptime"]).to_numpy(np.float64)
    share = np.where((rows["kind"] == "mine").to_numpy(), uptime, share)
    leases = outlook.case.tables["leases"].set_index("lease_id")
    hall_renewed = ((rows["kind"] == "renew") & (rows["gpu_id"] == "")).to_numpy()
    chance = rows["lease_id"].map(leases["renewal_probability"]).to_numpy(np.float64)
    return np.where(hall_renewed, share * chance, share)


def _money(candidates: CandidateSet, held: Ints, customers: tuple[str, ...], edges: Ints) -> dict[str, Floats]:
    """Sums of the base-case cash of a unit of each candidate held, in pieces of candidates."""
    discount = candidates.outlook.discount
    found: list[dict[str, Floats]] = []
    for block in candidates.blocks:
        first, last = np.searchsorted(held, [block.first, block.first + len(block)])
        for start in range(int(first), int(last), AT_ONCE):
            rows = held[start : min(start + AT_ONCE, int(last))] - block.first
            cash = candidates.valuation.cash(block, rows)
            table = block.table.iloc[rows]
            contract = table["kind"].isin(["serve", "host"]).to_numpy() & (table["lease_id"] != "").to_numpy()
            income = _discounted(cash[list(INCOME)].sum(axis=0), discount)
            taxable = np.add.reduceat(sum(taxable_weight(line) * cash[line] for line in Line), edges, axis=1)
            untaxed = sum(cash[line] for line in Line if line < Line.DEBT_DRAW and line is not Line.TAX)
            part = {
                "capex_usd": -(cash[Line.CAPEX] + cash[Line.OPENING]).sum(axis=1),
                "backlog_usd": np.where(contract, cash[Line.REVENUE].sum(axis=1), 0.0),
                "cost_pv_usd": -_discounted(cash[list(COSTS)].sum(axis=0), discount),
                "other_income_pv_usd": np.where((table["gpu_id"] == "").to_numpy(), income, 0.0),
                UNTAXED: _discounted(np.asarray(untaxed), discount),
            }
            owner = table["customer_id"].to_numpy(dtype=object)
            part |= {CUSTOMER + name: np.where(owner == name, income, 0.0) for name in ("", *customers)}
            part |= {f"{TAXABLE}{year}": taxable[:, year] for year in range(len(edges))}
            found.append(part)
    if not found:
        names = ("capex_usd", "backlog_usd", "cost_pv_usd", "other_income_pv_usd", UNTAXED, *(CUSTOMER + name for name in ("", *customers)))
        return {name: np.zeros(0) for name in (*names, *(f"{TAXABLE}{year}" for year in range(len(edges))))}
    return {name: np.concatenate([part[name] for part in found]) for name in found[0]}


def _discounted(cash: Floats, discount: Floats) -> Floats:
    """Present value row by row: a product of matrices would depend on how many rows there are."""
    value: Floats = (cash * discount).sum(axis=1)
    return value
