"""The outlook: what the case expects month by month, in numbers ready for arithmetic.

Scenario 0 is the base case: forward curves, each phase at its mean delay rounded up (or its promised
month), contract income after survival and recovery. Arrays carry a scenario axis, here of length one.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np

from planner.arrays import Floats, Ints
from planner.candidates.columns import Columns
from planner.candidates.tranches import lease_parts
from planner.case.calendar import Calendar
from planner.case.case import Case
from planner.case.delays import first_power_months, mean_delay_months
from planner.case.factor_names import OVERRUN, SINGLE, target_of
from planner.case.goodput import expected_credits
from planner.case.offered_sizes import mean_sizes
from planner.case.table_arrays import CaseArrays

HOURS_BILLED_730 = 730.0
YEARLY_DEFAULT_RATE = {"AAA": 0.0, "AA": 0.0002, "A": 0.0005, "BBB": 0.0016, "BB": 0.0063, "B": 0.034, "CCC": 0.28}
"""Long-run mean yearly default rates by rating (order of magnitude of published corporate default studies)."""

BASES = ("expected", "announced")
ANSWER_AHEAD_MONTHS = 6
"""Months before its start by which a lease must be answered, where the case does not say."""


@dataclass(frozen=True)
class Outlook:
    """A case on its calendar. `base` is "expected" (mean delays, defaults) or "announced" (promises, none).

    With `monthly_windows` on-demand and mining levels may change in every month instead of at steps alone.
    """

    case: Case
    base: str
    tail: str
    calendar: Calendar
    monthly_windows: bool = False

    @property
    def tables(self) -> CaseArrays:
        """The tables of the case as arrays."""
        return self.case.arrays

    @property
    def horizon(self) -> int:
        """Months of the horizon."""
        return self.calendar.horizon

    @property
    def months(self) -> int:
        """Months of horizon and tail."""
        return self.calendar.months

    @property
    def last_month(self) -> int:
        """Month at which running cash ends: all of the tail, or the horizon under tail = none."""
        return self.horizon if self.tail == "none" else self.months

    @cached_property
    def discount(self) -> Floats:
        """Discount factors by month, shape (M,)."""
        return self.calendar.discount_factors(self.case.settings.discount_rate)

    @cached_property
    def hours(self) -> Floats:
        """Real hours by month, shape (M,)."""
        return self.calendar.hours

    @cached_property
    def energised(self) -> Ints:
        """Month of first power of each row of `power`, 0 when before the start, shape (phases,)."""
        return np.maximum(self.first_power, 0)

    @cached_property
    def first_power(self) -> Ints:
        """Month from which the contract of each row of `power` runs, negative where it began before the start."""
        return first_power_months(self.tables["power"], self.calendar, delay_months(self.case, self.base))

    @property
    def scenarios(self) -> int:
        """Number of scenarios on the scenario axis of its arrays."""
        return 1

    @property
    def energised_by_scenario(self) -> Ints:
        """Month of first power of each phase in each scenario, shape (phases, S)."""
        return self.energised[:, None]

    @cached_property
    def promised(self) -> Ints:
        """Promised month of first power of each row of `power`; negative before the start."""
        return promised_months(self.case, self.calendar)

    @cached_property
    def power_end(self) -> Ints:
        """Month in which the contract of each row of `power` ends, shape (phases,)."""
        return np.minimum(self.first_power + self.tables["power"].ints("term_months"), self.last_month)

    def curve(self, curve_id: str) -> Floats:
        """A curve by month, shape (M,): a value holds until the next one, the last goes on."""
        return self._curves[curve_id]

    @cached_property
    def _curves(self) -> dict[str, Floats]:
        table = self.tables["curves"]
        month, value, name = self.calendar.indices(table.texts("month")), table.floats("value"), table.texts("curve_id")
        found: dict[str, Floats] = {}
        for curve_id in table.number_of("curve_id"):
            rows = np.flatnonzero(name == curve_id)
            rows = rows[np.argsort(month[rows])]
            at = np.searchsorted(month[rows], np.arange(self.months), side="right") - 1
            found[curve_id] = value[rows][at]
        return found

    def by_month(self, row: Mapping[str, Any], scalar: str, curve: str) -> Floats | None:
        """A scalar cell of a row or its curve twin by month, shape (M,); None when the row gives neither."""
        if row[curve]:
            return self.curve(row[curve])
        value = float(row[scalar])
        return None if math.isnan(value) else np.full(self.months, value)

    @cached_property
    def income_share(self) -> dict[str, Floats]:
        """Expected share of contract income by customer and month: survival + (1 - survival) x recovery, shape (M,)."""
        customers = self.tables["customers"]
        return {
            name: self.alive[name] + (1.0 - self.alive[name]) * recovery
            for name, recovery in zip(
                customers.texts("customer_id"), customers.floats("recovery").tolist(), strict=True
            )
        }

    @cached_property
    def alive(self) -> dict[str, Floats]:
        """Chance that each customer, or its guarantor in its place, has not defaulted by the middle of a month, shape
        (M,)."""
        return self._survival(0.5)

    @cached_property
    def alive_at_start(self) -> dict[str, Floats]:
        """The same by the first day of a month, on which prepayments are due, shape (M,)."""
        return self._survival(0.0)

    def _survival(self, into_month: float) -> dict[str, Floats]:
        months = np.arange(self.months, dtype=np.float64) + into_month
        customers = self.tables["customers"]
        number = customers.number_of("customer_id")
        chances = {}
        for row in customers.records:
            lost = self._default_chance(row, months)
            if row["guarantor"]:
                # Income stops only when both have defaulted; taken as independent in the base case.
                lost = lost * self._default_chance(customers.records[number[row["guarantor"]]], months)
            chances[row["customer_id"]] = 1.0 - lost
        return chances

    @cached_property
    def renewed(self) -> dict[str, Floats]:
        """Chance that each lease is renewed, shape (1,); by scenario it is 0 or 1, shape (S, 1)."""
        return chances_of_renewal(self.case)

    @cached_property
    def offered(self) -> dict[str, Floats]:
        """Mean share offered of what is sold of each lease, shape (1,): the chance of the offer times the mean of its
        size, 1 where announced dates are taken; by scenario it is the share itself, shape (S, 1)."""
        leases, sizes = self.tables["leases"], mean_sizes(self.tables)
        names = leases.texts("lease_id")
        if self.base != "expected":
            return {lease: np.ones(1) for lease in names}
        chances = leases.floats("offer_probability")
        return {lease: chances[at : at + 1] * sizes.get(lease, 1.0) for at, lease in enumerate(names)}

    @cached_property
    def goodput_credit(self) -> dict[str, Floats]:
        """Mean share of its fee that each lease is credited for goodput that is missed, shape (1,), none where
        announced dates are taken, which keep all promises; by scenario the share itself, shape (S, 1)."""
        return {
            name: np.array([share if self.base == "expected" else 0.0])
            for name, share in expected_credits(self.tables).items()
        }

    def rate_change(self, lease_id: str, gpu_id: str) -> Floats:
        """What a lease that follows the market pays of its rate for a SKU, shape (1,); by scenario (S, 1). Of mean one
        as far as the market's price is."""
        return np.ones(1)

    def _default_chance(self, customer: Mapping[str, Any], months: Floats) -> Floats:
        rate = customer["default_rate_per_year"]
        rate = YEARLY_DEFAULT_RATE[customer["rating"]] if math.isnan(rate) else rate
        if self.base == "announced":
            rate = 0.0
        if rate >= 1.0:
            return np.where(months > 0.0, 1.0, 0.0)  # gone as soon as any time has passed
        hazard = -math.log(1.0 - rate) / 12.0
        return 1.0 - np.exp(-hazard * months)

    def slips(self, word: str, name: str) -> bool:
        """Whether a factor of the case makes something late: construction at a site, deliveries of a SKU."""
        return bool({(word, ""), (word, name)} & self._single)

    def slip_months(self, word: str, name: str) -> Ints:
        """Months by which it comes late, shape (S,); the base case expects none beyond the dates of the case."""
        return np.zeros(1, dtype=np.int64)

    def overruns(self, asset_class: str) -> bool:
        """Whether a factor of the case moves what is paid of the capex of an asset class."""
        return self.slips(OVERRUN, asset_class)

    def overrun(self, asset_class: str) -> Floats:
        """What is paid of the capex planned, beyond it, as a share of it, shape (S,); the base case expects none."""
        return np.zeros(1)

    @cached_property
    def _single(self) -> frozenset[tuple[str, str]]:
        """Word and name of all that is drawn once by a factor of the table."""
        targets = [target_of(drives) for drives in self.tables["factors"].texts("drives")]
        return frozenset(
            (target.word, target.name) for target in targets if target is not None and target.word in SINGLE
        )

    @cached_property
    def market_price(self) -> dict[tuple[str, int], Floats]:
        """On-demand price by SKU and tier, $ per GPU-hour by month, shape (M,)."""
        return self.tier_prices()

    def tier_prices(self) -> dict[tuple[str, int], Floats]:
        """Prices of the tiers as their rows give them, $ per GPU-hour by month, shape (M,)."""
        prices = {}
        for row in self.tables["market"].records:
            price = self.by_month(row, "usd_per_gpu_hour", "price_curve")
            assert price is not None, "the reader refuses a market tier without a price"
            prices[row["gpu_id"], int(row["tier"])] = price
        return prices

    @cached_property
    def market_top(self) -> dict[str, tuple[Floats, Floats | float]]:
        """Price by month and utilisation of the dearest tier of each SKU that has a market."""
        return {
            row["gpu_id"]: (self.market_price[row["gpu_id"], int(row["tier"])], row["utilisation"])
            for row in self.dearest_tiers()
        }

    def dearest_tiers(self) -> list[dict[str, Any]]:
        """The row of the dearest tier of each SKU that has a market."""
        rows = sorted(self.tables["market"].records, key=lambda row: row["tier"], reverse=True)
        return list({row["gpu_id"]: row for row in rows}.values())

    @property
    def stated_openings(self) -> Columns | None:
        """Months in which sites may be opened, columns site and month, where they do not follow from the case
        itself."""
        return None

    @cached_property
    def steps(self) -> Ints:
        """Months of the horizon at which something can change: quarters, energisations, leases, halls; starts with
        0."""
        leases, parts = self.tables["leases"], self.lease_parts
        start = parts["due"]
        end = start + leases.ints("term_months")[parts["lease"]]
        renewed = end + leases.ints("renewal_term_months")[parts["lease"]]
        ready = self.calendar.indices(self.tables["sites"].texts("ready_month"))
        firm = self.calendar.indices([month for month in self.tables["power"].texts("curtailed_until") if month])
        found = np.concatenate([[0], self.calendar.quarter_starts, self.energised, start, end, renewed, ready, firm])
        return np.unique(found[(found >= 0) & (found < self.horizon)])

    @cached_property
    def lease_starts(self) -> Ints:
        """Month in which the term of each lease is due to begin, negative before the start, shape (leases,)."""
        return self.calendar.indices(self.tables["leases"].texts("start"))

    @cached_property
    def lease_parts(self) -> Columns:
        """Parts in which leases are delivered: columns lease, tranche, due, grace (see `tranches.lease_parts`)."""
        return lease_parts(self.tables, self.calendar)

    @cached_property
    def answer_months(self) -> Ints:
        """Month by which each lease must be answered, at least 0, shape (leases,)."""
        stated = self.tables["leases"].texts("answer_by")
        given = self.calendar.indices(np.where(stated == "", self.calendar.start, stated))
        return np.maximum(np.where(stated == "", self.lease_starts - ANSWER_AHEAD_MONTHS, given), 0)

    @cached_property
    def windows(self) -> Columns:
        """Windows in which on-demand and mining levels are constant: columns from_month, to_month."""
        if self.monthly_windows:
            return Columns(from_month=np.arange(self.horizon), to_month=np.arange(self.horizon) + 1)
        starts = np.unique(np.concatenate([self.steps, self._last_uses]))
        return Columns(from_month=starts, to_month=np.append(starts[1:], self.horizon))

    @cached_property
    def _last_uses(self) -> Ints:
        """Months of the horizon, on no step perhaps, in which something on demand or in mining may lose its GPUs, hall
        or power.

        Ends of power contracts; ends of life of what is delivered at a step or owned; months in which assets may be
        given up; ends of leases begun late, whose GPUs are free again; and the beginning of conversions of mining
        halls.
        """
        tables, steps = self.tables, self.steps
        life, fleet = tables["gpus"].ints("life_months"), tables["fleet"]
        found = [self.power_end, self.endings]
        found += [steps + months for months in np.unique(life)]
        found.append(self.calendar.indices(fleet.texts("bought")) + life[fleet.rows_of("gpu_id")])
        found += self._late_ends()
        mining = np.isin(np.arange(len(tables["sites"])), tables["mining"].rows_of("site_id"))
        leads = np.unique(tables["sites"].ints("conversion_lead_months")[mining])
        found += [steps - lead for lead in leads]
        months = np.concatenate(found)
        return months[(months > 0) & (months < self.horizon)]

    def _late_ends(self) -> list[Ints]:
        """Ends of leases whose term runs from delivery, begun late at each step that their grace allows, and of their
        next terms."""
        leases, parts = self.tables["leases"], self.lease_parts
        lease = parts["lease"]
        late = np.flatnonzero(
            (leases.texts("term_from") == "delivery")[lease] & (parts["grace"] > 0) & (parts["due"] >= 0)
        )
        ends = []
        columns = (
            parts["due"], parts["grace"], leases.ints("term_months")[lease], leases.ints("renewal_term_months")[lease]
        )
        for due, grace, term, renewal in zip(*(column[late].tolist() for column in columns), strict=True):
            begun = self.steps[(self.steps > due) & (self.steps <= due + grace)]
            ends += [begun + term, begun + term + renewal]
        return ends

    @cached_property
    def endings(self) -> Ints:
        """Months from which an asset may be given up before its end: yearly from the start, through the tail.

        What is given up goes in the month before: its sale falls in the last month in which it stands.
        """
        last = self.months if self.tail != "none" else self.horizon + 1
        return np.unique(np.append(np.arange(12, last, 12), self.horizon))


def promised_months(case: Case, calendar: Calendar) -> Ints:
    """Promised month of first power of each row of `power`, as month indices."""
    return calendar.indices(case.arrays["power"].texts("energised"))


def delay_months(case: Case, base: str) -> Ints:
    """Delay of each row of `power` in the base case: its mean rounded up, or none when announced dates are taken."""
    power = case.arrays["power"]
    if base == "announced":
        return np.zeros(len(power), dtype=np.int64)
    return mean_delay_months(power)


def chances_of_renewal(case: Case) -> dict[str, Floats]:
    """Chance that each lease of a case is renewed, shape (1,)."""
    leases = case.arrays["leases"]
    return {
        name: np.array([chance])
        for name, chance in zip(leases.texts("lease_id"), leases.floats("renewal_probability").tolist(), strict=True)
    }


def make_outlook(
    case: Case, *, base: str = "expected", tail: str | None = None, monthly_windows: bool = False
) -> Outlook:
    """The outlook of a case, its tail long enough for every contract and every life."""
    tail = case.settings.tail if tail is None else tail
    calendar = Calendar(case.settings.start, case.settings.months)
    if tail == "none":
        # One year after the horizon holds the sale of what is left.
        return Outlook(case, base, tail, Calendar(calendar.start, calendar.horizon, 1), monthly_windows)
    leases, power, gpus = (case.arrays[name] for name in ("leases", "power", "gpus"))
    # A lease whose term runs from delivery may begin late by its grace.
    parts = lease_parts(case.arrays, calendar)
    terms = leases.ints("term_months") + leases.ints("renewal_term_months")
    ends = [
        parts["due"] + parts["grace"] + terms[parts["lease"]],
        first_power_months(power, calendar, delay_months(case, base)) + power.ints("term_months"),
        calendar.horizon + gpus.ints("life_months"),
    ]
    last = int(np.max(np.concatenate(ends), initial=calendar.horizon))
    tail_years = max(math.ceil((last - calendar.horizon) / 12), 1)
    return Outlook(case, base, tail, Calendar(calendar.start, calendar.horizon, tail_years), monthly_windows)
