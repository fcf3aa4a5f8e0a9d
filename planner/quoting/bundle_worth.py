"""What a bundle that stands alone earns at any rate: its cash is affine in the rate, so two rates tell all of them."""

from __future__ import annotations

import numpy as np

from kernels.lines import UNLEVERED, Line
from planner.arrays import Floats
from planner.candidates.build import CandidateSet
from planner.candidates.builder import CandidateBuilder
from planner.candidates.kinds import Kind
from planner.candidates.lease_offers import lease_windows
from planner.candidates.lease_terms import LeaseTerms
from planner.candidates.packages import Bundle

SERVICE = (Line.INTEREST, Line.REPAYMENT)
INVESTED = (Line.CAPEX, Line.DEPOSITS, Line.OPENING)


class BundleWorth:
    """One bundle at rate 0 and at rate 1: its cash by line and month, and what follows. Rates in $/GPU-hour, or
    $/kW-month of a hall."""

    def __init__(self, free: CandidateSet, paid: CandidateSet, bundle: Bundle, number: int) -> None:
        """free, paid: the candidates at rate 0 and at rate 1; number: of the way to work, or to let, in the bundle."""
        self.free, self.bundle, self.number = free, bundle, number
        levels = bundle.package.spread(len(free))
        self.numbers, self.cash = free.cash(levels)
        _, paid_cash = paid.cash(levels)
        self.lines = self.cash.sum(axis=1)
        self.change = paid_cash.sum(axis=1) - self.lines
        self.outlook = free.outlook
        settings = self.outlook.case.settings
        self.tax, self.discount = settings.tax_rate, self.outlook.discount
        self.net = _net(self.lines)
        self.slope = _net(self.change)
        way = free.table.loc[number]
        self.site_id, self.gpu_id, self.lease_id, self.hosting = str(way["site_id"]), str(way["gpu_id"]), str(
            way["lease_id"]
        ), way["kind"] == Kind.HOST
        self.start, self.end = int(way["from_month"]), int(way["to_month"])

    def npv(self, rate: float) -> float:
        """NPV at a rate, dollars per GPU bought or MW let."""
        return float((self.net + self.slope * rate) @ self.discount)

    def rate(self) -> float:
        """Rate at which the NPV is zero."""
        return _ratio(-float(self.net @ self.discount), float(self.slope @ self.discount))

    def rate_months_used(self) -> float:
        """The same with power paid for the months of work alone."""
        power = self.free.table["kind"].to_numpy()[self.numbers] == "power"
        idle = np.ones(self.outlook.months, dtype=bool)
        idle[self.start : self.end] = False
        running = [Line.FEES, Line.UPKEEP]
        spared = sum((self.cash[line][power].sum(axis=0) * idle for line in running), np.zeros(self.outlook.months))
        net = self.net - (1.0 - self.tax) * spared
        return _ratio(-float(net @ self.discount), float(self.slope @ self.discount))

    def rate_at_hurdle(self, hurdle: float) -> float:
        """Rate at which the IRR after tax is the hurdle, yearly."""
        factors = self.outlook.calendar.discount_factors(hurdle)
        return _ratio(-float(self.net @ factors), float(self.slope @ factors))

    def rate_at_dscr(self, least: float) -> float:
        """Least rate at which cash covers interest and repayment often enough in every year of the contract; NaN
        without debt.

        Debt service as it was agreed: what a sale settles is paid by the sale, and neither is counted.
        """
        ended = np.isin(self.free.table["kind"].to_numpy()[self.numbers], ["retire", "close"])
        years = np.arange(0, self.end - self.start, 12)

        def yearly(months: Floats) -> Floats:
            return np.asarray(np.add.reduceat(months[self.start : self.end], years), dtype=np.float64)

        none = np.zeros(self.outlook.months)
        due = -yearly(sum((self.cash[line][~ended].sum(axis=0) for line in SERVICE), none))
        sold = _net(self.cash[:, ended].sum(axis=1)) if ended.any() else none
        running = self.net - sold - sum(
            (self.lines[line] for line in INVESTED), none
        ) - (1.0 - self.tax) * self.cash[Line.RESALE][~ended].sum(axis=0)
        cash, slope = yearly(running), yearly(self.slope)
        owed = due > 0.0
        if not owed.any() or (slope[owed] <= 0.0).any():
            return float("nan")
        return float(((least * due[owed] - cash[owed]) / slope[owed]).max())

    def power_price_room(self, npv: float) -> float:
        """$ per MWh by which power may be dearer until an NPV is used up; NaN where the tenant pays for it."""
        cost = self._usd_per_mwh()
        return npv / cost if cost > 0.0 else float("nan")

    def fee_factor(self, npv: float) -> float:
        """By what the fees of its power may be multiplied until an NPV is used up; NaN where it pays none."""
        fees = -(1.0 - self.tax) * float(self.lines[Line.FEES] @ self.discount)
        return 1.0 + npv / fees if fees > 0.0 else float("nan")

    def residual_share(self, npv: float) -> float:
        """Share of its purchase price for which the GPU must be sold, after the contract, to break even; NaN for a
        hall."""
        if self.hosting:
            return float("nan")
        kinds = self.free.table["kind"].to_numpy()[self.numbers]
        gpu = np.isin(kinds, ["own", "retire"])
        resale = self.cash[Line.RESALE][gpu].sum(axis=0)
        price = -self.cash[Line.CAPEX][gpu].sum()
        month = int(np.flatnonzero(resale)[-1]) if np.any(resale) else self.end - 1
        had = float(resale[month])
        return (had - npv / ((1.0 - self.tax) * float(self.discount[month]))) / float(price)

    def _usd_per_mwh(self) -> float:
        """NPV that a dollar more for each MWh drawn costs."""
        tables = self.outlook.case.tables
        site = tables["sites"].set_index("site_id").loc[self.site_id]
        it_mw = 1.0 if self.hosting else float(tables["gpus"].set_index("gpu_id")["it_kw"][self.gpu_id]) / 1000.0
        working = float(self.bundle.package.levels[self.bundle.package.numbers == self.number][0])
        mwh = self.outlook.hours * (working * it_mw * float(site["load_factor"]) * float(site["pue"]))
        if self.hosting:
            mwh = mwh * self._share_let()
        window = slice(self.start, self.end)
        return (1.0 - self.tax) * float(mwh[window] @ self.discount[window])

    def _share_let(self) -> Floats:
        """Share of the MW for which the landlord pays energy, by month: its ramp, or nothing."""
        lease = self.outlook.case.tables["leases"].set_index("lease_id").loc[self.lease_id]
        if lease["energy_by"] != "landlord":
            return np.zeros(self.outlook.months)
        number, windows = self.outlook.tables["leases"].number_of("lease_id")[
            self.lease_id
        ], lease_windows(self.outlook)
        mine = np.flatnonzero((windows["lease"] == number) & (windows["from_month"] == self.start))
        return LeaseTerms(CandidateBuilder(self.outlook)).shares(
            number, int(windows["term_start"][mine[0]]), "size_share"
        )


def _net(lines: Floats) -> Floats:
    """Unlevered after-tax cash by month from cash by line."""
    total: Floats = np.sum([lines[line] for line in UNLEVERED], axis=0)
    return total


def _ratio(top: float, bottom: float) -> float:
    return top / bottom if bottom > 0.0 else float("nan")
