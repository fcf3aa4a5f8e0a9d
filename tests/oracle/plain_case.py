"""A case as plain rows, with its calendar, curves and dates in plain Python.

Written from the stated rules of the arithmetic; shares no code with the candidates or the kernels.
"""

from __future__ import annotations

import calendar
import math
from collections.abc import Callable
from itertools import pairwise
from typing import Any

from scipy import integrate, stats

from planner.case.case import Case

RATING_DEFAULTS = {"AAA": 0.0, "AA": 0.0002, "A": 0.0005, "BBB": 0.0016, "BB": 0.0063, "B": 0.034, "CCC": 0.28}
_NEW_GRID = {"announced": (0, 9, 36), "studied": (0, 9, 36), "approved": (0, 3, 12), "energised": (0, 0, 0)}
_ON_SITE = {"announced": (0, 3, 12), "studied": (0, 3, 12), "approved": (0, 1, 6), "energised": (0, 0, 0)}
MACRS = (0.20, 0.32, 0.192, 0.1152, 0.1152, 0.0576)

Row = dict[str, Any]


class PlainCase:
    """Rows by table (blank = None), and what they say month by month; `expected` False takes promised dates and no
    default."""

    def __init__(self, case: Case, *, expected: bool = True) -> None:
        self.settings = case.settings
        self.expected = expected
        self.rows: dict[str, list[Row]] = {
            name: [_plain(row) for row in frame.to_dict("records")] for name, frame in case.tables.items()
        }
        self.sites = {row["site_id"]: row for row in self.rows["sites"]}
        self.gpus = {row["gpu_id"]: row for row in self.rows["gpus"]}
        self.leases = {row["lease_id"]: row for row in self.rows["leases"]}
        self.customers = {row["customer_id"]: row for row in self.rows["customers"]}
        self.phases = {f"{row['source_id']}:{row['phase']}": row for row in self.rows["power"]}
        self.mining = {row["site_id"]: row for row in self.rows["mining"]}
        self._missed: dict[tuple[str, str], float] = {}
        self._curves: dict[str, list[tuple[int, float]]] = {}
        for row in self.rows["curves"]:
            self._curves.setdefault(row["curve_id"], []).append((self.index(row["month"]), row["value"]))
        for points in self._curves.values():
            points.sort()

    # time

    def index(self, written: str) -> int:
        """Months from the start of the case to a month written YYYY-MM."""
        return _month(written) - _month(self.settings.start)

    def year(self, month: int) -> int:
        """The calendar year of a month."""
        return (_month(self.settings.start) + month) // 12

    def hours(self, month: int) -> float:
        number = _month(self.settings.start) + month
        return 24.0 * calendar.monthrange(number // 12, number % 12 + 1)[1]

    def discount(self, month: int) -> float:
        horizon = self.settings.months
        years = (month + 0.5) / 12 if month < horizon else horizon / 12 + (month - horizon) // 12 + 0.5
        return float((1 + self.settings.discount_rate) ** -years)

    # curves and prices

    def value(self, row: Row, scalar: str, curve: str, month: int) -> float | None:
        """The scalar of a row, or the point of its curve that holds in a month; the first point holds before it."""
        if not row[curve]:
            return None if row[scalar] is None else float(row[scalar])
        held = self._curves[row[curve]][0][1]
        for at, value in self._curves[row[curve]]:
            if at <= month:
                held = value
        return held

    def gpu_price(self, gpu: str, month: int) -> float:
        price = self.value(self.gpus[gpu], "capex_usd", "capex_curve", month)
        assert price is not None
        return price

    def market_tiers(self, gpu: str) -> list[Row]:
        return sorted((row for row in self.rows["market"] if row["gpu_id"] == gpu), key=lambda row: row["tier"])

    def market_price(self, tier: Row, month: int) -> float:
        price = self.value(tier, "usd_per_gpu_hour", "price_curve", month)
        assert price is not None
        return price

    def energy_price(self, phase: Row, month: int, *, with_fuel: bool = True) -> float:
        """$/MWh: energy charge, variable O&M and fuel."""
        price = (
            self.value(phase, "energy_usd_per_mwh", "energy_curve", month) or 0.0
        ) + phase["variable_om_usd_per_mwh"]
        if with_fuel and phase["heat_rate_mmbtu_per_mwh"]:
            gas = self.value(phase, "gas_usd_per_mmbtu", "gas_curve", month) or 0.0
            price += phase["heat_rate_mmbtu_per_mwh"] * (gas + phase["fuel_adder_usd_per_mmbtu"])
        return price

    # dates of power

    def promised(self, phase: Row) -> int:
        return self.index(phase["energised"])

    def energised(self, phase: Row) -> int:
        """Month of first power; negative when it was before the start. A phase still to be signed has its lead before
        it."""
        came = self.promised(phase) + self.late(phase)
        signed = phase["status"] == "energised" or phase["committed_mw"] > 0
        return came if signed else max(came, int(phase["lead_months"]))

    def late(self, phase: Row) -> int:
        """Months by which first power comes after its promise: the mean of its triangle, rounded up."""
        if not self.expected:
            return 0
        low, mode, high = phase["delay_low_months"], phase["delay_mode_months"], phase["delay_high_months"]
        if low is None or mode is None or high is None:
            low, mode, high = (_NEW_GRID if phase["kind"] == "grid" else _ON_SITE)[phase["status"]]
        return math.ceil((low + mode + high) / 3)

    def slip(self, word: str, name: str) -> int:
        """Months by which halls of a site (construction) or GPUs of a SKU (delivery) come late: none in the base
        case."""
        return 0

    def overrun(self, asset_class: str) -> float:
        """What is paid beyond $1 of the capex planned: nothing in the base case."""
        return 0.0

    def power_end(self, phase: Row) -> int:
        return self.energised(phase) + int(phase["term_months"])

    def curtailed(self, phase: Row, month: int) -> float:
        """Share of the hours of a month without power on the part of a phase that may be curtailed."""
        if phase["firm_share"] >= 1 or self.firm_again(phase) <= month:
            return 0.0
        return float(phase["curtailed_hours_per_year"] / 8760)

    def firm_again(self, phase: Row) -> int:
        """Month from which all of a phase is firm; at once where no hour is curtailed."""
        if phase["firm_share"] >= 1 or phase["curtailed_hours_per_year"] == 0:
            return 0
        return self.index(phase["curtailed_until"]) if phase["curtailed_until"] else 10**6

    def phase_at(self, phase: str, then_phase: str, month: int) -> Row:
        """The phase that feeds a power path in a month: the first until the second is energised."""
        if then_phase and month >= self.energised(self.phases[then_phase]):
            return self.phases[then_phase]
        return self.phases[phase]

    def fee_usd_per_mw_month(self, phase: Row, month: int) -> float:
        """Whole fee of a contracted MW in a month, risen on each anniversary of its start, past ones too; 0 outside its
        run."""
        begun = self.fee_start(phase)
        if not begun <= month < self.power_end(phase):
            return 0.0
        fee = 1000 * phase["fee_usd_per_kw_month"] * (1 + phase["fee_escalator"]) ** ((month - begun) // 12)
        return float(fee * self.installed_ratio(phase) if phase["fee_on"] == "installed" else fee)

    def fee_start(self, phase: Row) -> int:
        if phase["fee_from"] == "energised":
            return self.energised(phase)
        return self.index(phase["contract_month"]) if phase["contract_month"] else 0

    def installed_ratio(self, phase: Row) -> float:
        return 1.0 if phase["installed_mw"] is None else float(phase["installed_mw"] / phase["guaranteed_mw"])

    # tranches

    def tranche(self, unit: Row) -> Row | None:
        """The tranche of its lease that a unit serves; None of a lease that comes at once."""
        mine = [row for row in self.rows["lease_tranches"] if row["lease_id"] == unit["lease_id"]]
        return next((row for row in mine if row["tranche"] == unit["tranche"]), None)

    def due(self, unit: Row) -> int:
        """Month in which what a unit serves is due."""
        tranche = self.tranche(unit)
        start = self.index(self.leases[unit["lease_id"]]["start"])
        return start if tranche is None else start + int(tranche["starts_after_months"])

    def live_tranches(self, lease: Row) -> list[Row]:
        """Tranches of a lease that are delivered within the case, as they stand in the table."""
        start, term = self.index(lease["start"]), int(lease["term_months"])
        mine = [row for row in self.rows["lease_tranches"] if row["lease_id"] == lease["lease_id"]]
        return [row for row in mine if -term < start + row["starts_after_months"] < self.settings.months]

    def delivered(self, lease: Row) -> float:
        """Share of a lease that is delivered within the case."""
        mine = [row for row in self.rows["lease_tranches"] if row["lease_id"] == lease["lease_id"]]
        live = self.live_tranches(lease)
        return 1.0 if len(live) == len(mine) else float(sum(row["size_share"] for row in live))

    # offers

    def offered(self, lease: Row) -> float:
        """Mean share of a lease that is offered: its chance, times the mean of each factor on its size."""
        if not self.expected:
            return 1.0
        share = float(lease["offer_probability"])
        for factor in self.rows["factors"]:
            if factor["drives"] == f"offered_size[{lease['lease_id']}]":
                share *= _mean_size(factor)
        return share

    def goodput_missed(self, lease: Row) -> float:
        """Mean share of a lease's fee that is credited for goodput that is missed, by quadrature over what is drawn."""
        if lease["goodput_promised"] is None or not self.expected:
            return 0.0

        def share(delivered: float) -> float:
            return float(min(1.0, lease["goodput_credit"] * max(0.0, lease["goodput_promised"] - delivered)))

        for factor in self.rows["factors"]:
            if factor["drives"] == f"goodput[{lease['lease_id']}]":
                key = (factor["factor_id"], lease["lease_id"])
                if key not in self._missed:
                    all_of_it = lease["goodput_promised"] - 1 / max(lease["goodput_credit"], 1e-9)
                    self._missed[key] = _mean_of(factor, share, [lease["goodput_promised"], all_of_it])
                return self._missed[key]
        return share(lease["goodput_expected"])

    def rate_change(self, lease: Row, gpu: str) -> float:
        """What of its rate a lease that follows the market pays."""
        return 1.0

    # customers

    def income_share(self, customer_id: str, month: int) -> float:
        """Expected share of contract income collected in a month, after default, guarantor and recovery."""
        alive = self.alive(customer_id, month + 0.5)
        return float(alive + (1 - alive) * self.customers[customer_id]["recovery"])

    def alive(self, customer_id: str, months: float) -> float:
        """Chance that a customer, or its guarantor in its place, has not defaulted so many months after the start."""
        if not self.expected:
            return 1.0
        customer = self.customers[customer_id]
        lost = 1 - self._survival(customer, months)
        if customer["guarantor"]:
            lost *= 1 - self._survival(self.customers[customer["guarantor"]], months)
        return 1 - lost

    def _survival(self, customer: Row, months: float) -> float:
        yearly = customer["default_rate_per_year"]
        if yearly is None:
            yearly = RATING_DEFAULTS[customer["rating"]]
        if yearly >= 1:
            return 0.0
        return math.exp(math.log(1 - yearly) / 12 * months)

    # resale and tax life

    def resale_share(self, gpu: str, age: int) -> float:
        rows = sorted((row["age_months"], row["value_share"]) for row in self.rows["resale"] if row["gpu_id"] == gpu)
        if not rows:
            return 0.0
        if age >= rows[-1][0]:
            return float(rows[-1][1])
        for (left, high), (right, low) in pairwise(rows):
            if left <= age <= right:
                return float(high + (low - high) * (age - left) / (right - left))
        raise AssertionError(f"no resale of {gpu} at age {age}")

    def write_off(self, asset_class: str) -> list[float]:
        """Share of the basis written off in each month of age."""
        rule = self.settings.depreciation[asset_class]
        if rule.method == "macrs_5":
            shares = [share / 12 for share in MACRS for _ in range(12)]
        else:
            shares = [1 / (12 * rule.years)] * int(12 * rule.years)
        shares = [(1 - rule.bonus_share) * share for share in shares]
        shares[0] += rule.bonus_share
        return shares


def _month(written: str) -> int:
    year, month = written.split("-")
    return 12 * int(year) + int(month) - 1


def _plain(row: dict[Any, Any]) -> Row:
    return {str(name): None if str(value) in ("None", "nan", "<NA>") else value for name, value in row.items()}


def _mean_of(factor: Row, share: Callable[[float], float], bends: list[float]) -> float:
    if factor["model"] != "triangular":
        pairs = (one.split(":") for one in factor["outcomes"].split(";"))
        return sum(share(float(value)) * float(chance) for value, chance in pairs)
    low, mode, high = (float(factor[corner]) for corner in ("low", "mode", "high"))
    drawn = stats.triang((mode - low) / (high - low), loc=low, scale=high - low)
    inside = [bend for bend in (mode, *bends) if low < bend < high]
    found, _ = integrate.quad(
        lambda at: share(at) * drawn.pdf(at), low, high, points=inside or None, epsabs=1e-14, epsrel=1e-13
    )
    return float(found)


def _mean_size(factor: Row) -> float:
    if factor["model"] == "triangular":
        return float(factor["low"] + factor["mode"] + factor["high"]) / 3
    pairs = (one.split(":") for one in factor["outcomes"].split(";"))
    return sum(float(size) * float(chance) for size, chance in pairs)
