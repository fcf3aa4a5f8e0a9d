"""Where a bundle breaks even: the rate, utilisation, power price and residual value at which its NPV is zero.

A bundle is the whole path of one GPU on a power path of a site: bought for the first month in which power and halls are
there, at work at one rate for its contract, then sold; its share of the hall, given up with it; and its contracted MW, whose
fee runs for the phase's whole term, or, in the second rate, only for the months in which the GPU works. All cash is affine in
the rate, so each breakeven follows from two bundles:

    rate at NPV 0        -NPV(0) / (NPV(1) - NPV(0))
    rate at a hurdle     the same, every month discounted at the hurdle: the IRR after tax is then the hurdle
    rate at a DSCR       the greatest, over the years of the contract, of (floor x debt service - cash at rate 0) / cash per dollar
    at a given rate      utilisation = rate at NPV 0 / rate; $/MWh on top of the price of power; share of the purchase price at resale
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from kernels.lines import UNLEVERED, Line
from planner.candidates.build import CandidateSet, build_candidates
from planner.candidates.outlook import Floats, Outlook, make_outlook
from planner.candidates.packages import Bundle, gpu_bundle
from planner.case.case import Case
from planner.case.edits import changed_case
from planner.case.faults import PlannerError
from planner.quoting.asked_case import asked_case
from planner.quoting.inquiry import Inquiry

COLUMNS = (
    "site_id", "power_path", "gpu_id", "from", "to", "rate_npv_zero", "rate_npv_zero_months_used", "rate_hurdle_irr", "rate_least_dscr",
    "at_rate", "npv_usd_per_gpu", "breakeven_utilisation", "breakeven_power_usd_per_mwh", "breakeven_residual_share",
)
"""Columns of the table. Rates in $ per GPU-hour, shares of 1; blank where it does not exist (no debt, no rate to compare with)."""
SERVICE = (Line.INTEREST, Line.REPAYMENT)
INVESTED = (Line.CAPEX, Line.OPENING)


@dataclass(frozen=True)
class BreakevenOptions:
    """How to break even: months of the contract, the hurdle IRR, the least DSCR, and a rate to compare with.

    hurdle: IRR after tax, yearly. rate: $ per GPU-hour, None for the mean of the dearest on-demand tier
    of the SKU over the contract, times its utilisation.
    """

    term_months: int = 48
    hurdle: float = 0.2
    least_dscr: float = 1.3
    rate: float | None = None
    base: str = "expected"
    edits: tuple[str, ...] = ()
    stress: str | None = None

    def __post_init__(self) -> None:
        if self.term_months < 1:
            raise PlannerError(f"a contract of {self.term_months} months is none: give 1 or more")
        if not -1.0 < self.hurdle < 10.0:
            raise PlannerError(f"hurdle {self.hurdle}: give a yearly rate such as 0.2")


def breakeven(case: Case, options: BreakevenOptions | None = None, **choices: Any) -> pd.DataFrame:
    """One row per site, power path and SKU that fit together, cheapest first: columns COLUMNS.

    `choices` are fields of `BreakevenOptions`. A path whose power does not last for the contract is left out.
    """
    chosen = options or BreakevenOptions(**choices)
    changed = changed_case(case, chosen.edits, chosen.stress)
    inquiries = _contracts(changed, chosen)
    if not inquiries:
        return pd.DataFrame(columns=list(COLUMNS))
    # The contract's customer never defaults, so a rate here is what must be earned.
    asked = [make_outlook(asked_case(changed, inquiries, rates={one.name: rate for one in inquiries}), base=chosen.base) for rate in (0.0, 1.0)]
    free, paid = (build_candidates(outlook) for outlook in asked)
    return _table(free, paid, [inquiry.name for inquiry in inquiries], chosen)


def _contracts(case: Case, options: BreakevenOptions) -> list[Inquiry]:
    """One contract per site and month in which a path of its power begins, for all SKUs, one GPU each."""
    outlook = make_outlook(case, base=options.base)
    gpus = "; ".join(f"{gpu_id}=1" for gpu_id in case.tables["gpus"]["gpu_id"])
    found: dict[str, Inquiry] = {}
    for site_id, energised in zip(case.tables["power"]["site_id"], outlook.energised.tolist(), strict=True):
        month = _first_month(outlook, str(site_id), int(energised))
        if month is not None:
            start = outlook.calendar.written(month)
            name = f"breakeven {site_id} {start}"
            found[name] = Inquiry(start, options.term_months, name=name, gpu=gpus, gpus=1.0, sites=str(site_id))
    return list(found.values())


def _first_month(outlook: Outlook, site_id: str, energised: int) -> int | None:
    """The first quarter start from which power, a hall and the slowest GPU to order can be there; None after the horizon."""
    site = outlook.case.tables["sites"].set_index("site_id").loc[site_id]
    ready = outlook.calendar.index(str(site["ready_month"])) if site["ready_month"] else 0
    hall = 0 if float(site["existing_it_mw"]) > 0.0 else max(ready, int(site["build_lead_months"]))
    lead = int(outlook.case.tables["gpus"]["order_lead_months"].max())
    later = outlook.calendar.quarter_starts
    later = later[later >= max(energised, hall, lead)]
    return int(later[0]) if len(later) else None


def _table(free: CandidateSet, paid: CandidateSet, names: list[str], options: BreakevenOptions) -> pd.DataFrame:
    table = free.table
    ways = table[table["lease_id"].isin(names) & (table["kind"] == "serve")]
    # Of the contracts of a site each path is worked from its own first month on: the earliest that has power.
    ways = ways.sort_values("from_month", kind="stable").drop_duplicates(["site_id", "gpu_id", "phase", "then_phase"])
    rows = [row for number in ways.index for row in _rows(free, paid, int(number), options)]
    found = pd.DataFrame(rows, columns=list(COLUMNS))
    return found.sort_values(["rate_npv_zero", "site_id", "power_path"], kind="stable").reset_index(drop=True)


def _rows(free: CandidateSet, paid: CandidateSet, number: int, options: BreakevenOptions) -> list[tuple[Any, ...]]:
    bundle = _bundle(free, number)
    if bundle is None:
        return []
    worth = _Worth(free, paid, bundle, number, options)
    way = free.table.loc[number]
    written = free.outlook.calendar.written
    path = str(way["phase"]) + (f" until {way['then_phase']}" if way["then_phase"] else "")
    return [
        (
            str(way["site_id"]), path, str(way["gpu_id"]), written(int(way["from_month"])), written(int(way["to_month"]) - 1),
            worth.rate(), worth.rate_months_used(), worth.rate_at_hurdle(), worth.rate_at_dscr(), *worth.at_rate(),
        )
    ]


def _bundle(candidates: CandidateSet, number: int) -> Bundle | None:
    """The bundle of one way to work: the last delivery before it that lasts, its hall, and both given up after it."""
    table = candidates.table
    way = table.loc[number]
    site_id, start, end = str(way["site_id"]), int(way["from_month"]), int(way["to_month"])
    owned = table[(table["kind"] == "own") & (table["site_id"] == site_id) & (table["gpu_id"] == way["gpu_id"])]
    owned = owned[(owned["from_month"] <= start) & (owned["to_month"] >= end)]
    if owned.empty:
        return None
    own = owned.loc[owned["from_month"].idxmax()]
    halls = table[(table["kind"] == "shell") & (table["site_id"] == site_id) & (table["from_month"] <= own["from_month"])]
    if halls.empty:
        return None
    hall = _cheapest_hall(candidates, halls, end)
    sold = table[(table["kind"] == "retire") & (table["parent"] == own.name) & (table["from_month"] >= end)]
    retire = None if sold.empty else str(sold.loc[sold["from_month"].idxmin(), "candidate_id"])
    made = gpu_bundle(candidates, str(own["candidate_id"]), [str(way["candidate_id"])], shell=str(table["candidate_id"].iat[hall[0]]), retire=retire)
    if len(hall) == 1:
        return made
    level = float(made.package.levels[made.package.numbers == hall[0]][0])
    numbers, levels = np.append(made.package.numbers, hall[1]), np.append(made.package.levels, level)
    order = np.argsort(numbers)
    return Bundle(made.site_id, made.gpu_id, made.stretches, type(made.package)(made.package.name, numbers[order], levels[order]))


def _cheapest_hall(candidates: CandidateSet, halls: pd.DataFrame, end: int) -> list[int]:
    """The hall of greatest NPV among those in service by the start, with its closing once the work ends."""
    table = candidates.table
    closings = table[(table["kind"] == "close") & (table["from_month"] >= end)]
    found: list[list[int]] = []
    for number in halls.index:
        mine = closings[closings["parent"] == number]
        found.append([int(number)] if mine.empty else [int(number), int(mine["from_month"].idxmin())])
    return max(found, key=lambda pair: (float(candidates.npv_usd[pair].sum()), -pair[0]))


class _Worth:
    """One bundle at rate 0 and at rate 1: its cash by line and month, and what follows."""

    def __init__(self, free: CandidateSet, paid: CandidateSet, bundle: Bundle, number: int, options: BreakevenOptions) -> None:
        self.free, self.bundle, self.number, self.options = free, bundle, number, options
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

    def rate(self) -> float:
        """Rate at which the NPV is zero."""
        return _ratio(-float(self.net @ self.discount), float(self.slope @ self.discount))

    def rate_months_used(self) -> float:
        """The same with power paid for the months of work alone."""
        table = self.free.table
        way = table.loc[self.number]
        power = (table["kind"].to_numpy()[self.numbers] == "power")
        idle = np.ones(self.outlook.months, dtype=bool)
        idle[int(way["from_month"]) : int(way["to_month"])] = False
        running = [Line.FEES, Line.UPKEEP]
        spared = sum((self.cash[line][power].sum(axis=0) * idle for line in running), np.zeros(self.outlook.months))
        net = self.net - (1.0 - self.tax) * spared
        return _ratio(-float(net @ self.discount), float(self.slope @ self.discount))

    def rate_at_hurdle(self) -> float:
        """Rate at which the IRR after tax is the hurdle."""
        factors = self.outlook.calendar.discount_factors(self.options.hurdle)
        return _ratio(-float(self.net @ factors), float(self.slope @ factors))

    def rate_at_dscr(self) -> float:
        """Least rate at which cash covers interest and repayment often enough in every year of the contract; NaN without debt.

        Debt service as it was agreed: what a sale settles is paid by the sale, and neither is counted.
        """
        way = self.free.table.loc[self.number]
        start, end = int(way["from_month"]), int(way["to_month"])
        ended = np.isin(self.free.table["kind"].to_numpy()[self.numbers], ["retire", "close"])
        years = np.arange(0, end - start, 12)

        def yearly(months: Floats) -> Floats:
            return np.asarray(np.add.reduceat(months[start:end], years), dtype=np.float64)

        none = np.zeros(self.outlook.months)
        due = -yearly(sum((self.cash[line][~ended].sum(axis=0) for line in SERVICE), none))
        sold = _net(self.cash[:, ended].sum(axis=1)) if ended.any() else none
        running = self.net - sold - sum((self.lines[line] for line in INVESTED), none) - (1.0 - self.tax) * self.cash[Line.RESALE][~ended].sum(axis=0)
        cash, slope = yearly(running), yearly(self.slope)
        owed = due > 0.0
        if not owed.any() or (slope[owed] <= 0.0).any():
            return float("nan")
        return float(((self.options.least_dscr * due[owed] - cash[owed]) / slope[owed]).max())

    def at_rate(self) -> tuple[float, float, float, float, float]:
        """The rate to compare with, NPV there, and the utilisation, power price and residual share that would make it zero."""
        rate = self._compared()
        if not np.isfinite(rate):
            return (float("nan"),) * 5
        npv = float((self.net + self.slope * rate) @ self.discount)
        utilisation = _ratio(self.rate(), rate)
        return rate, npv, utilisation, npv / self._usd_per_mwh(), self._residual(npv)

    def _compared(self) -> float:
        if self.options.rate is not None:
            return self.options.rate
        way = self.free.table.loc[self.number]
        top = self.outlook.market_top.get(str(way["gpu_id"]))
        if top is None:
            return float("nan")
        window = slice(int(way["from_month"]), int(way["to_month"]))
        hours = self.outlook.hours[window]
        return float((np.broadcast_to(top[0] * top[1], (self.outlook.months,))[window] * hours).sum() / hours.sum())

    def _usd_per_mwh(self) -> float:
        """NPV that a dollar more for each MWh drawn costs."""
        way = self.free.table.loc[self.number]
        tables = self.outlook.case.tables
        site = tables["sites"].set_index("site_id").loc[way["site_id"]]
        it_mw = float(tables["gpus"].set_index("gpu_id")["it_kw"][way["gpu_id"]]) / 1000.0
        working = float(self.bundle.package.levels[self.bundle.package.numbers == self.number][0])
        drawn = working * it_mw * float(site["load_factor"]) * float(site["pue"])
        window = slice(int(way["from_month"]), int(way["to_month"]))
        return (1.0 - self.tax) * drawn * float(self.outlook.hours[window] @ self.discount[window])

    def _residual(self, npv: float) -> float:
        """Share of its purchase price for which the GPU must be sold, after the contract, to break even."""
        table = self.free.table
        kinds = table["kind"].to_numpy()[self.numbers]
        gpu = np.isin(kinds, ["own", "retire"])
        resale = self.cash[Line.RESALE][gpu].sum(axis=0)
        price = -self.cash[Line.CAPEX][gpu].sum()
        month = int(np.flatnonzero(resale)[-1]) if np.any(resale) else int(table.loc[self.number, "to_month"]) - 1
        had = float(resale[month])
        return (had - npv / ((1.0 - self.tax) * float(self.discount[month]))) / float(price)


def _net(lines: Floats) -> Floats:
    """Unlevered after-tax cash by month from cash by line."""
    total: Floats = np.sum([lines[line] for line in UNLEVERED], axis=0)
    return total


def _ratio(top: float, bottom: float) -> float:
    return top / bottom if bottom > 0.0 else float("nan")
