"""What an inquiry costs when nothing else is done: the levelised rate of each place, power path and SKU that could serve it.

One GPU (or one MW of hall) is bought for the lease alone and gives up what it holds when the lease ends: GPUs delivered by
its start and resold at the resale curve after it, halls and power paid for the months in which they serve. What outlives the
lease is charged by the month: a hall over the years in which it is written off, a plant or connection over the term of its
contract, both as an annuity at the discount rate. The levelised rate is the one at which all of that has no NPV after tax.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from kernels.lines import Line
from planner.candidates.build import CandidateSet
from planner.candidates.outlook import Floats, Ints
from planner.candidates.power import fee_usd_per_mw_month, phase_table
from planner.quoting.inquiry import Inquiry
from planner.quoting.rated import Piece

LINES = ("hardware", "shell", "power", "fees", "upkeep", "other", "capital")
"""Cost lines of a levelised rate; capital is what the money tied up must earn after tax, at the discount rate."""
COLUMNS = ("site_id", "power_path", "gpu_id", "rate", *LINES)


@dataclass(frozen=True)
class _Charge:
    """A cost by month of one GPU or MW, dollars: what is paid (M,), and what its capital costs on top (M,)."""

    paid: Floats
    capital: Floats


def standalone_table(candidates: CandidateSet, inquiry: Inquiry, piece: Piece) -> pd.DataFrame:
    """Levelised rate and its lines for every way to serve an inquiry on its date, cheapest first: columns COLUMNS.

    Rates are per unit of the inquiry ($/GPU-hour of its first SKU, or $/kW-month). piece: its cash at the lowest rates.
    """
    table = candidates.table
    numbers = np.flatnonzero((table["lease_id"] == inquiry.name).to_numpy())
    alone = _Alone(candidates)
    rows = []
    for at, number in enumerate(numbers.tolist()):
        way = table.iloc[number]
        if way["kind"] in ("serve", "host"):
            found = alone.row(way, number, float(piece.at_zero[at]), float(piece.slope[at]), hosting=inquiry.hosting)
            if found is not None:
                rows.append(found)
    frame = pd.DataFrame(rows, columns=list(COLUMNS))
    return frame.sort_values(["rate", "site_id", "power_path"], kind="stable").reset_index(drop=True)


class _Alone:
    def __init__(self, candidates: CandidateSet) -> None:
        self.candidates, self.outlook = candidates, candidates.outlook
        settings = self.outlook.case.settings
        self.tax, self.rate = settings.tax_rate, settings.discount_rate
        table = candidates.table
        self.owned = table[table["kind"] == "own"]
        self.retired = table[table["kind"] == "retire"]
        power = phase_table(self.outlook)
        self.power = power.assign(fee=fee_usd_per_mw_month(power)).set_index("phase_name")
        self.gpus = self.outlook.case.tables["gpus"].set_index("gpu_id")
        self.sites = self.outlook.case.tables["sites"].set_index("site_id")

    def row(self, way: Any, number: int, at_zero: float, slope: float, *, hosting: bool) -> tuple[object, ...] | None:
        """One row of the table; None where no GPU can be there in time, or nothing is paid for."""
        start, end = int(way["from_month"]), int(way["to_month"])
        site_id, gpu_id = str(way["site_id"]), str(way["gpu_id"])
        it_mw = 1.0 if hosting else float(self.gpus["it_kw"][gpu_id]) / 1000.0
        bought = ([], 1.0) if hosting else self._bought(site_id, gpu_id, start, end)
        if bought is None or not slope > 0.0:
            return None
        owned, count = bought
        hall = self._hall(site_id, start, end, it_mw * count)
        phases = self._phases(way, start, end, it_mw)
        if hall is None:
            return None
        charges = [hall, *phases]
        paid = sum((charge.paid + charge.capital for charge in charges), np.zeros(self.outlook.months))
        worth = float(self.candidates.npv_usd[owned].sum()) * count + at_zero - (1.0 - self.tax) * float(paid @ self.outlook.discount)
        rate = -worth / slope
        lines = self._lines(number, owned, count, hall, phases)
        path = str(way["phase"]) + (f" until {way['then_phase']}" if way["then_phase"] else "")
        return site_id, path, gpu_id, rate, *lines, rate - sum(lines)

    @cache  # noqa: B019  # lives as long as one table
    def _bought(self, site_id: str, gpu_id: str, start: int, end: int) -> tuple[list[int], float] | None:
        """Deliveries one after another that cover the lease, the last one sold after it; GPUs owned per GPU at work."""
        here = self.owned[(self.owned["site_id"] == site_id) & (self.owned["gpu_id"] == gpu_id)]
        months, ends = here["from_month"].to_numpy(np.int64), here["to_month"].to_numpy(np.int64)
        found: list[int] = []
        at = start
        while at < end:
            able = np.flatnonzero((months <= at) & (ends > at))
            if not len(able):
                return None
            last = able[np.argmax(months[able])]
            found.append(int(here.index[last]))
            at = int(ends[last])
        sold = self.retired[(self.retired["parent"] == found[-1]) & (self.retired["from_month"] >= end)]
        if len(sold):
            found.append(int(sold.index[int(np.argmin(sold["from_month"].to_numpy()))]))
        return found, 1.0 / (1.0 - float(self.gpus["spare_fraction"][gpu_id]))

    @cache  # noqa: B019
    def _hall(self, site_id: str, start: int, end: int, it_mw: float) -> _Charge | None:
        """The cheapest hall that can be in service by the start: standing, converted, new or rented."""
        site = self.sites.loc[site_id]
        shells = self.candidates.table
        ready = shells[(shells["kind"] == "shell") & (shells["site_id"] == site_id) & (shells["from_month"] <= start)]["candidate_id"]
        ways = set(ready.str.split(":").str[2].str.split("@").str[0])
        years = self.outlook.case.settings.depreciation["shell"].years
        costs = {
            "existing": (0.0, 0.0),
            "conversion": (float(np.nan_to_num(site["conversion_capex_usd_per_kw"])), 0.0),
            "new": (float(np.nan_to_num(site["shell_capex_usd_per_kw"])), float(np.nan_to_num(site["shell_rent_usd_per_kw_month"]))),
        }
        options = [self._charge(start, end, it_mw, float(site["opex_usd_per_kw_month"]) + rent, capex, 12.0 * years) for way, (capex, rent) in costs.items() if way in ways]
        return min(options, key=lambda charge: float((charge.paid + charge.capital) @ self.outlook.discount), default=None)

    def _phases(self, way: Any, start: int, end: int, it_mw: float) -> list[_Charge]:
        """Plant, connection and the fee that is due whether drawn or not, for the months on each phase of the path."""
        switch = int(self.power["energised_month"][way["then_phase"]]) if way["then_phase"] else end
        found = []
        for name, a, b in ((way["phase"], start, switch), (way["then_phase"], switch, end)):
            if not name or a >= b:
                continue
            phase = self.power.loc[name]
            mw = it_mw * float(phase["mw_per_it_mw"])
            installed = float(phase["guaranteed_mw"] if pd.isna(phase["installed_mw"]) else phase["installed_mw"]) / float(phase["guaranteed_mw"])
            capex = installed * float(phase["capex_usd_per_kw"]) * (1.0 - float(phase["tax_credit"])) + float(phase["upfront_usd_per_kw"])
            years = max(a - int(phase["energised_month"]), 0) // 12
            fee = float(phase["fee"]) / 1000.0 * float(phase["take_or_pay"]) * (1.0 + float(phase["fee_escalator"])) ** years
            plant = self._charge(a, b, mw, installed * float(phase["fixed_om_usd_per_kw_month"]), capex, float(phase["term_months"]))
            found += [plant, self._charge(a, b, mw, fee, 0.0, 1.0, fee=True)]
        return found

    def _charge(self, start: int, end: int, mw: float, usd_per_kw_month: float, capex_usd_per_kw: float, life: float, *, fee: bool = False) -> _Charge:
        """Monthly dollars of some MW: running cost, capex in equal parts over its life, and the rest of its annuity."""
        window = np.zeros(self.outlook.months)
        window[start:end] = 1000.0 * mw
        monthly = (1.0 + self.rate) ** (1.0 / 12.0) - 1.0
        annuity = 1.0 / life if monthly == 0.0 else monthly / (1.0 - (1.0 + monthly) ** -life)
        charge = _Fee if fee else _Charge
        return charge(window * (usd_per_kw_month + capex_usd_per_kw / life), window * capex_usd_per_kw * (annuity - 1.0 / life))

    def _lines(self, number: int, owned: list[int], count: float, hall: _Charge, phases: list[_Charge]) -> tuple[float, ...]:
        """Cost lines in dollars over what a dollar of rate brings, both undiscounted."""
        chosen: Ints = np.array([number, *owned], dtype=np.int64)
        levels = np.zeros(len(self.candidates))
        levels[chosen] = [1.0, *([count] * len(owned))]
        held, cash = self.candidates.cash(levels)
        total = cash.sum(axis=2)
        mine = held == number
        revenue = float(total[Line.REVENUE][mine].sum())

        def spent(*lines: Line, of: np.ndarray) -> float:
            return -float(sum(total[line][of].sum() for line in lines))

        fees = spent(Line.FEES, of=mine) + sum(float(charge.paid.sum()) for charge in phases if isinstance(charge, _Fee))
        plant = sum(float(charge.paid.sum()) for charge in phases if not isinstance(charge, _Fee))
        lines = (
            spent(Line.CAPEX, Line.RESALE, of=~mine), float(hall.paid.sum()), spent(Line.ENERGY, of=mine) + plant, fees,
            spent(Line.UPKEEP, of=~mine), spent(Line.NETWORK, Line.PENALTIES, of=mine),
        )
        return tuple(line / revenue + 0.0 for line in lines)  # no negative zeros


class _Fee(_Charge):
    """A charge that is a fee for capacity."""
