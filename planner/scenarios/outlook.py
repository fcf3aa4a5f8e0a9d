"""The outlook of a case in many futures at once: what recipes read, with a scenario axis."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np

from planner.arrays import Floats, Ints
from planner.candidates.outlook import Outlook
from planner.case.delays import first_power_months
from planner.case.factor_names import GOODPUT, OFFERED_SIZE, OVERRUN, Target, once_names
from planner.case.goodput import credited
from planner.scenarios.factors import Factor
from planner.scenarios.futures import Futures


@dataclass(frozen=True)
class ScenarioOutlook(Outlook):
    """A case on its calendar in S futures. What a factor drives has shape (S, M), the rest that of the base case.

    Promised months, windows and steps are those of the plan; phases come when the future says.
    """

    futures: Futures = field(kw_only=True)

    @property
    def scenarios(self) -> int:
        """Number of scenarios on the scenario axis of its arrays."""
        return len(self.futures)

    @cached_property
    def energised_by_scenario(self) -> Ints:
        """Month of first power of each phase in each scenario, promised month and delay, shape (phases, S)."""
        names = once_names(self.case.tables, "delay")
        late = [self.futures.values.late_months[name] for name in names]
        months = np.array(late, dtype=np.int64).reshape(len(names), self.scenarios)
        return np.maximum(first_power_months(self.tables["power"], self.calendar, months), 0)

    def slip_months(self, word: str, name: str) -> Ints:
        """Months by which halls of a site or deliveries of a SKU come late: what all have in common and what is its
        own, shape (S,)."""
        late = np.zeros(self.scenarios, dtype=np.int64)
        for factor in self.futures.factors:
            if _drives(factor, word, name):
                late = late + self.futures.values.slips[factor.name]
        return late

    def overrun(self, asset_class: str) -> Floats:
        """What is paid of the capex planned, beyond it, as a share of it: factors on all classes and on this one
        multiply, shape (S,)."""
        paid = np.ones(self.scenarios)
        for factor in self.futures.factors:
            if _drives(factor, OVERRUN, asset_class):
                paid = paid * self.futures.values.overruns[factor.name]
        return paid - 1.0

    def curve(self, curve_id: str) -> Floats:
        """A curve by month, (S, M) where a factor drives it, else (M,)."""
        return self._driven_curves.get(curve_id, self._curves[curve_id])

    def by_month(self, row: Mapping[str, Any], scalar: str, curve: str) -> Floats | None:
        """A scalar column or its curve twin by month; a hashprice moves with the factors that drive it."""
        value = super().by_month(row, scalar, curve)
        if value is None or scalar != "hashprice_usd_per_ph_day":
            return value
        return _times(value, self._multiplier("hashprice"))

    @cached_property
    def alive(self) -> dict[str, Floats]:
        """1 for each customer before the month of its default, 0 from then on, shape (S, M)."""
        month = np.arange(self.months)
        return {name: np.where(month[None, :] < stops[:, None], 1.0, 0.0) for name, stops in self._defaults.items()}

    @cached_property
    def alive_at_start(self) -> dict[str, Floats]:
        """The same on the first day of a month: a customer that defaults within a month is there when it begins, shape
        (S, M)."""
        month = np.arange(self.months)
        return {name: np.where(month[None, :] <= stops[:, None], 1.0, 0.0) for name, stops in self._defaults.items()}

    @cached_property
    def _defaults(self) -> dict[str, Ints]:
        """Month in which each customer stops paying; one with a guarantor stops when both have defaulted, shape
        (S,)."""
        customers = self.tables["customers"]
        names, drawn = customers.texts("customer_id"), (
            self.futures.values.default_month[name] for name in once_names(self.case.tables, "default")
        )
        own = dict(zip(names, drawn, strict=True))
        return {
            name: np.maximum(own[name], own[guarantor]) if guarantor else own[name]
            for name, guarantor in zip(names, customers.texts("guarantor"), strict=True)
        }

    @cached_property
    def renewed(self) -> dict[str, Floats]:
        """Whether each lease is renewed, 0 or 1, shape (S, 1)."""
        names = once_names(self.case.tables, "renewal")
        return {
            lease: self.futures.values.renewed[name].astype(np.float64)[:, None]
            for lease, name in zip(self.tables["leases"].texts("lease_id"), names, strict=True)
        }

    @cached_property
    def offered(self) -> dict[str, Floats]:
        """Share offered of what is sold of each lease: 0 where the offer is not made, else its size, shape (S, 1)."""
        drawn, certain = self.futures.values.offered, np.ones(self.scenarios)
        return {
            lease: (np.asarray(drawn.get(f"offer[{lease}]", certain), dtype=np.float64) * self._size(lease))[:, None]
            for lease in self.tables["leases"].texts("lease_id")
        }

    def _size(self, lease: str) -> Floats:
        """Share of a lease that is offered if it is at all: factors on it multiply, shape (S,)."""
        sizes = self.futures.values.sizes
        share = sizes.get(str(Target(OFFERED_SIZE, lease)), np.ones(self.scenarios))
        for factor in self.futures.factors:
            if factor.target == Target(OFFERED_SIZE, lease):
                share = share * sizes[factor.name]
        return share

    @cached_property
    def goodput_credit(self) -> dict[str, Floats]:
        """Share of its fee that each lease is credited for goodput that is missed: at what a factor draws, shape
        (S, 1), else as in the base case."""
        found, leases = dict(super().goodput_credit), self.tables["leases"]
        for factor in self.futures.factors:
            if factor.target.word == GOODPUT:
                row = leases.record(leases.number_of("lease_id")[factor.target.name])
                found[factor.target.name] = credited(row, self.futures.values.sizes[factor.name])[:, None]
        return found

    def rate_change(self, lease_id: str, gpu_id: str) -> Floats:
        """1 + share x (price / price in the base case - 1) of the dearest tier at the month of the answer, shape
        (S, 1); 1 where the SKU has no market."""
        leases = self.tables["leases"]
        row = leases.number_of("lease_id")[lease_id]
        share = float(leases.floats("rate_follows_market")[row])
        if share == 0.0 or gpu_id not in self.market_top:
            return np.ones((self.scenarios, 1))
        at = min(int(self.answer_months[row]), self.months - 1)
        here = np.broadcast_to(self.market_top[gpu_id][0], (self.scenarios, self.months))[:, at]
        planned = self._undriven.market_top[gpu_id][0][at]
        return (1.0 + share * (here / planned - 1.0) if planned > 0.0 else np.ones(self.scenarios))[:, None]

    @cached_property
    def _undriven(self) -> Outlook:
        """The base case, in which nothing is driven."""
        return Outlook(self.case, self.base, self.tail, self.calendar, self.monthly_windows)

    @cached_property
    def market_price(self) -> dict[tuple[str, int], Floats]:
        """On-demand price by SKU and tier for an hour at the tier's utilisation, $ per GPU-hour.

        A change of utilisation stands in the price, because income is price x utilisation x hours.
        """
        return {
            (gpu, tier): _times(price, self._utilisation_change(gpu, tier))
            for (gpu, tier), price in self._tier_price.items()
        }

    @cached_property
    def market_top(self) -> dict[str, tuple[Floats, Floats | float]]:
        """Price by month and utilisation of the dearest tier of each SKU; the price, by which notice is given, without
        utilisation."""
        found: dict[str, tuple[Floats, Floats | float]] = {}
        for row in self.dearest_tiers():
            gpu, tier, planned = row["gpu_id"], int(row["tier"]), row["utilisation"]
            change = self._utilisation_change(gpu, tier)
            found[gpu] = (self._tier_price[gpu, tier], planned if change is None else change * planned)
        return found

    @cached_property
    def _tier_price(self) -> dict[tuple[str, int], Floats]:
        return {
            (gpu, tier): _times(price, self._multiplier("market", gpu))
            for (gpu, tier), price in self.tier_prices().items()
        }

    def _utilisation_change(self, gpu: str, tier: int) -> Floats | None:
        """By what utilisation of a tier moves, no further than to full use; None where nothing drives it."""
        change = self._multiplier("utilisation")
        if change is None:
            return None
        (planned,) = (
            row["utilisation"] for row in self.tables["market"].records
            if (row["gpu_id"], int(row["tier"])) == (gpu, tier)
        )
        return np.minimum(change, 1.0 / planned) if planned > 0.0 else change

    @cached_property
    def _driven_curves(self) -> dict[str, Floats]:
        names = dict.fromkeys(factor.target.name for factor in self.futures.factors if factor.target.word == "curves")
        found = {}
        for name in names:
            multiplier = self._multiplier("curves", name)
            assert multiplier is not None
            found[name] = self._curves[name] * multiplier
        return found

    def _multiplier(self, word: str, name: str = "") -> Floats | None:
        """Product of the factors that drive a target, all of its word and those of its name, shape (S, M); None without
        any."""
        product = None
        for factor in self.futures.factors:
            if _drives(factor, word, name):
                path = self.futures.values.multipliers[factor.name]
                product = path if product is None else product * path
        return product


def scenario_outlook(base: Outlook, futures: Futures) -> ScenarioOutlook:
    """The outlook in some futures, beside the base case that a plan was made for.

    Raises ValueError for futures of another case or of other months.
    """
    if futures.case is not base.case or futures.calendar != base.calendar:
        raise ValueError(
            "futures and outlook belong to different cases or months; make the futures from the outlook's case and "
            "calendar"
        )
    return ScenarioOutlook(base.case, base.base, base.tail, base.calendar, base.monthly_windows, futures=futures)


def _drives(factor: Factor, word: str, name: str) -> bool:
    return factor.target.word == word and factor.target.name in ("", name)


def _times(value: Floats, multiplier: Floats | None) -> Floats:
    return value if multiplier is None else value * multiplier
