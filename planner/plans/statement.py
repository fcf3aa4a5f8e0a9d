"""The cash-flow statement of a portfolio: site x line x month, and what is read off its totals."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from kernels.irr import IrrStatus
from kernels.lines import FINANCING, UNLEVERED, Line, taxable_weight
from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.plans.rate_of_return import rates_of_return
from planner.plans.tax_years import TaxYears

COMPANY = "(company)"
"""Where cash stands that belongs to no site."""


@dataclass(frozen=True)
class Statement:
    """Cash of a portfolio in dollars, undiscounted, on columns that are months and then years of the tail.

    sites: names; usd: (sites, lines, columns) over all of `Line`; discount: factor of each column;
    first_month: index of the first month of each column; horizon: months of the horizon. taxable: income by part of
    each tax year (see `TaxYears`), which columns of the tail may straddle.
    """

    sites: tuple[str, ...]
    usd: Floats
    discount: Floats
    first_month: Ints
    labels: tuple[str, ...]
    horizon: int
    tax_rate: float
    tax_years: TaxYears
    taxable: Floats

    def line(self, line: Line) -> Floats:
        """All sites' cash on a line by column."""
        total: Floats = self.usd[:, line].sum(axis=0)
        return total

    @property
    def net(self) -> Floats:
        """Unlevered after-tax cash of all sites by column, dollars."""
        return np.sum([self.line(line) for line in UNLEVERED], axis=0)

    @property
    def equity(self) -> Floats:
        """After-tax cash to equity by column: with draws, interest (deductible) and repayment."""
        financing = np.sum([self.line(line) for line in FINANCING], axis=0)
        return self.net + financing - self.tax_rate * self.line(Line.INTEREST)

    @property
    def npv_usd(self) -> float:
        """NPV of the unlevered after-tax cash."""
        return float(self.net @ self.discount)

    @property
    def equity_npv_usd(self) -> float:
        """NPV of the cash to equity, at the same rate."""
        return float(self.equity @ self.discount)

    @property
    def tail_usd(self) -> float:
        """NPV of what falls after the horizon."""
        after = self.first_month >= self.horizon
        return float(self.net[after] @ self.discount[after])

    @property
    def npv_losses_carried_usd(self) -> float:
        """NPV when losses are carried forward (80 % of a year's profit at most) instead of used at once.

        Tax years are twelve months from the start of the case; the tax of a year falls in its last month.
        """
        untaxed = self.net - self.line(Line.TAX)
        return float(untaxed @ self.discount - self.tax_years.tax_pv(self.taxable, self.tax_rate))

    @property
    def peak_funding_usd(self) -> float:
        """Deepest cumulative after-tax cash, as a positive amount; 0 when it never falls below zero."""
        return float(max(-np.cumsum(self.net).min(initial=0.0), 0.0))

    @property
    def payback_month(self) -> int | None:
        """First month after which cumulative cash is never negative again within the statement; None when it never
        is."""
        below = np.flatnonzero(np.cumsum(self.net) < 0.0)
        if not len(below):
            return 0
        return None if below[-1] + 1 >= len(self.net) else int(self.first_month[below[-1] + 1])

    @property
    def irr_per_year(self) -> tuple[float | None, IrrStatus]:
        """Yearly internal rate of return of the monthly flow, with its status; None where there is no one rate that is
        a return."""
        monthly = np.zeros(int(self.first_month[-1]) + 12)
        monthly[self.first_month] = self.net
        found = rates_of_return(monthly, self.horizon)
        status = IrrStatus(int(found.status))
        return (float(found.rate) if status is IrrStatus.ONE_ROOT else None), status

    def yearly(self, line: Line) -> dict[str, float]:
        """A line by calendar year of the horizon, dollars."""
        found: dict[str, float] = {}
        for label, first, usd in zip(self.labels, self.first_month, self.line(line), strict=True):
            if first < self.horizon:
                found[label[:4]] = found.get(label[:4], 0.0) + float(usd)
        return found

    def frame(self) -> pd.DataFrame:
        """The statement as a table: site_id, line, period, month (index of its first), usd; zeros left out."""
        site, line, column = np.nonzero(self.usd)
        return pd.DataFrame(
            {
                "site_id": np.array(self.sites, dtype=object)[site],
                "line": np.array([member.name.lower() for member in Line], dtype=object)[line],
                "period": np.array(self.labels, dtype=object)[column],
                "month": self.first_month[column],
                "usd": self.usd[site, line, column],
            }
        )


def make_statement(candidates: CandidateSet, levels: Floats) -> Statement:
    """The statement of a portfolio of base-case candidates."""
    outlook = candidates.outlook
    numbers, cash = candidates.cash(levels)
    names = candidates.table["site_id"].to_numpy()[numbers]
    names = np.where(names == "", COMPANY, names)
    sites = tuple(dict.fromkeys([*outlook.case.tables["sites"]["site_id"], COMPANY]))
    position = {site: at for at, site in enumerate(sites)}
    of = np.array([position[name] for name in names], dtype=np.int64)
    by_site = np.zeros((len(sites), len(Line), outlook.months))
    for site in np.unique(of):
        by_site[site] = cash[:, of == site].sum(axis=1)
    starts = np.unique(outlook.calendar.column_of_month, return_index=True)[1]
    usd = np.add.reduceat(by_site, starts, axis=2)
    weights = np.array([taxable_weight(line) for line in Line])
    years = TaxYears.of(outlook)
    taxable = np.add.reduceat(weights @ by_site.sum(axis=0), years.starts)
    return Statement(
        sites, usd, outlook.discount[starts], starts, tuple(outlook.calendar.column_labels), outlook.horizon,
        outlook.case.settings.tax_rate, years, taxable,
    )
