"""What an inquiry costs when nothing else is done: the levelised rate of each place, power path and SKU that could
serve it.

One GPU (or one MW of hall) is bought for the lease alone and gives up what it holds when the lease ends: GPUs delivered
by its start and resold at the resale curve after it, halls and power paid for the months in which they serve. What
outlives the
lease is charged by the month: a hall over the years in which it is written off, a plant or connection over the term of
its contract, both as an annuity at the discount rate. The levelised rate is the one at which all of that has no NPV
after tax.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
import pandas as pd

from kernels.lines import Line
from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.hall_cohorts import WAYS
from planner.candidates.kinds import Kind
from planner.candidates.phases import fee_usd_per_mw_month, phase_table
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


@dataclass(frozen=True)
class _Priced:
    """One way to serve on its own: its levelised rate, the candidates bought for it (`count` of each per unit at work),
    its hall and its power."""

    rate: float
    owned: list[int]
    count: float
    hall: _Charge
    phases: list[_Charge]


def _row(way: Any, made: _Priced, totals: Mapping[int, Floats]) -> tuple[object, ...]:
    """A row of the table. totals: undiscounted cash by line of one unit of each candidate, dollars."""
    mine = totals[way["number"]]
    bought = made.count * sum((totals[number] for number in made.owned), np.zeros(len(Line)))
    fees = sum(float(charge.paid.sum()) for charge in made.phases if isinstance(charge, _Fee))
    plant = sum(float(charge.paid.sum()) for charge in made.phases if not isinstance(charge, _Fee))
    spent = (
        -float(bought[Line.CAPEX] + bought[Line.RESALE]), float(made.hall.paid.sum()), plant - float(mine[Line.ENERGY]),
        fees - float(mine[Line.FEES]),
        -float(bought[Line.UPKEEP]), -float(mine[Line.NETWORK] + mine[Line.PENALTIES] + mine[Line.SERVICES]),
    )
    lines = [line / float(mine[Line.REVENUE]) + 0.0 for line in spent]  # no negative zeros
    path = way["phase"] + (f" until {way['then_phase']}" if way["then_phase"] else "")
    return way["site_id"], path, way["gpu_id"], made.rate, *lines, made.rate - sum(lines)


@dataclass(frozen=True)
class _Kind:
    """The candidates of one kind as arrays."""

    number: Ints
    start: Ints
    end: Ints
    parent: Ints
    site_id: np.ndarray
    name: np.ndarray

    @staticmethod
    def of(table: pd.DataFrame, kind: str, name: str) -> _Kind:
        """name: the column that tells its candidates on a site apart."""
        number = np.flatnonzero((table["kind"] == kind).to_numpy())
        own = table.iloc[number]
        start, end, parent = (own[column].to_numpy(np.int64) for column in ("from_month", "to_month", "parent"))
        return _Kind(number, start, end, parent, own["site_id"].to_numpy(object), own[name].to_numpy(object))


class Standalone:
    """What a set of candidates offers to a lease that is served on its own; kept for many inquiries."""

    def __init__(self, candidates: CandidateSet) -> None:
        self.candidates, self.outlook = candidates, candidates.outlook
        settings, tables = self.outlook.case.settings, self.outlook.case.tables
        self.tax, self.rate = settings.tax_rate, settings.discount_rate
        self.owned, self.retired = (_Kind.of(candidates.table, kind, "gpu_id") for kind in ("own", "retire"))
        self.shells = _Kind.of(candidates.table.assign(way=candidates.columns["way"]), "shell", "way")
        power = phase_table(self.outlook)
        self.power = power.assign(fee=fee_usd_per_mw_month(self.outlook)).set_index("phase_name").to_dict("index")
        self.gpus = tables["gpus"].set_index("gpu_id")[["it_kw", "spare_fraction"]].astype(float).to_dict("index")
        self.sites = tables["sites"].set_index("site_id").to_dict("index")

    def table(self, inquiry: Inquiry, piece: Piece) -> pd.DataFrame:
        """Levelised rate and its lines for every way to serve an inquiry on its date, cheapest first: columns COLUMNS.

        Rates are per unit of the inquiry ($/GPU-hour of its first SKU, or $/kW-month). piece: its cash at the lowest
        rates.
        """
        table = self.candidates.table
        numbers = np.flatnonzero((table["lease_id"] == inquiry.name).to_numpy())
        ways = table.iloc[numbers].assign(number=numbers, at=np.arange(len(numbers)))
        ways = ways[ways["kind"].isin([Kind.SERVE, Kind.HOST]).to_numpy() & (piece.slope > 0.0)]
        priced = [
            (way, self._priced(way, float(piece.at_zero[way["at"]]), float(piece.slope[way["at"]])))
            for way in ways.to_dict("records")
        ]
        held = [(way, made) for way, made in priced if made is not None]
        totals = self._totals([number for way, made in held for number in (way["number"], *made.owned)])
        frame = pd.DataFrame([_row(way, made, totals) for way, made in held], columns=list(COLUMNS))
        return frame.sort_values(["rate", "site_id", "power_path"], kind="stable").reset_index(drop=True)

    def _priced(self, way: Any, at_zero: float, slope: float) -> _Priced | None:
        """The levelised rate of one way; None where no GPU can be there in time, or no hall."""
        start, end, site_id, gpu_id = way["from_month"], way["to_month"], way["site_id"], way["gpu_id"]
        hosting = way["kind"] == Kind.HOST
        it_mw = 1.0 if hosting else self.gpus[gpu_id]["it_kw"] / 1000.0
        bought = ([], 1.0) if hosting else self._bought(site_id, gpu_id, start, end)
        hall = None if bought is None else self._hall(site_id, start, end, it_mw * bought[1])
        if bought is None or hall is None:
            return None
        owned, count = bought
        phases = self._phases(way, start, end, it_mw)
        paid = sum((charge.paid + charge.capital for charge in (hall, *phases)), np.zeros(self.outlook.months))
        worth = float(
            self.candidates.npv_usd[owned].sum()
        ) * count + at_zero - (1.0 - self.tax) * float(paid @ self.outlook.discount)
        return _Priced(-worth / slope, owned, count, hall, phases)

    def _totals(self, numbers: list[int]) -> dict[int, Floats]:
        """Cash by line over all months of one unit of some candidates, dollars, (lines,) each."""
        levels = np.zeros(len(self.candidates))
        levels[numbers] = 1.0
        held, cash = self.candidates.cash(levels)
        return dict(zip(held.tolist(), cash.sum(axis=2).T, strict=True))

    @cache  # noqa: B019  # lives as long as one table
    def _bought(self, site_id: str, gpu_id: str, start: int, end: int) -> tuple[list[int], float] | None:
        """Deliveries one after another that cover the lease, the last one sold after it; GPUs owned per GPU at work."""
        owned, retired = self.owned, self.retired
        here = (owned.site_id == site_id) & (owned.name == gpu_id)
        found: list[int] = []
        at = start
        while at < end:
            able = np.flatnonzero(here & (owned.start <= at) & (owned.end > at))
            if not len(able):
                return None
            last = able[np.argmax(owned.start[able])]
            found.append(int(owned.number[last]))
            at = int(owned.end[last])
        sold = np.flatnonzero((retired.parent == found[-1]) & (retired.start >= end))
        if len(sold):
            found.append(int(retired.number[sold[np.argmin(retired.start[sold])]]))
        return found, 1.0 / (1.0 - self.gpus[gpu_id]["spare_fraction"])

    @cache  # noqa: B019
    def _hall(self, site_id: str, start: int, end: int, it_mw: float) -> _Charge | None:
        """The cheapest hall that can be in service by the start: standing, converted, new or rented."""
        site, shells = self.sites[site_id], self.shells
        ready = shells.name[(shells.site_id == site_id) & (shells.start <= start)]
        ways = {WAYS[way] for way in ready}
        years = self.outlook.case.settings.depreciation["shell"].years
        costs = {
            "existing": (0.0, 0.0),
            "conversion": (float(np.nan_to_num(site["conversion_capex_usd_per_kw"])), 0.0),
            "new": (
                float(np.nan_to_num(site["shell_capex_usd_per_kw"])),
                float(np.nan_to_num(site["shell_rent_usd_per_kw_month"])),
            ),
        }
        options = [
            self._charge(start, end, it_mw, float(site["opex_usd_per_kw_month"]) + rent, capex, 12.0 * years)
            for way, (capex, rent) in costs.items() if way in ways
        ]
        return min(
            options, key=lambda charge: float((charge.paid + charge.capital) @ self.outlook.discount), default=None
        )

    def _phases(self, way: Any, start: int, end: int, it_mw: float) -> list[_Charge]:
        """Plant, connection and the fee that is due whether drawn or not, for the months on each phase of the path."""
        switch = int(self.power[way["then_phase"]]["energised_month"]) if way["then_phase"] else end
        found = []
        for name, a, b in ((way["phase"], start, switch), (way["then_phase"], switch, end)):
            if not name or a >= b:
                continue
            phase = self.power[name]
            mw = it_mw * float(phase["mw_per_it_mw"])
            installed = float(
                phase["guaranteed_mw"] if pd.isna(phase["installed_mw"]) else phase["installed_mw"]
            ) / float(phase["guaranteed_mw"])
            capex = installed * float(phase["capex_usd_per_kw"]) * (
                1.0 - float(phase["tax_credit"])
            ) + float(phase["upfront_usd_per_kw"])
            years = max(a - int(phase["energised_month"]), 0) // 12
            fee = float(phase["fee"]) / 1000.0 * float(phase["take_or_pay"]) * (
                1.0 + float(phase["fee_escalator"])
            ) ** years
            plant = self._charge(
                a, b, mw, installed * float(phase["fixed_om_usd_per_kw_month"]), capex, float(phase["term_months"])
            )
            found += [plant, self._charge(a, b, mw, fee, 0.0, 1.0, fee=True)]
        return found

    def _charge(
        self, start: int, end: int, mw: float, usd_per_kw_month: float, capex_usd_per_kw: float, life: float, *,
        fee: bool = False,
    ) -> _Charge:
        """Monthly dollars of some MW: running cost, capex in equal parts over its life, and the rest of its annuity."""
        window = np.zeros(self.outlook.months)
        window[start:end] = 1000.0 * mw
        monthly = (1.0 + self.rate) ** (1.0 / 12.0) - 1.0
        annuity = 1.0 / life if monthly == 0.0 else monthly / (1.0 - (1.0 + monthly) ** -life)
        charge = _Fee if fee else _Charge
        return charge(
            window * (usd_per_kw_month + capex_usd_per_kw / life), window * capex_usd_per_kw * (annuity - 1.0 / life)
        )


class _Fee(_Charge):
    """A charge that is a fee for capacity."""
