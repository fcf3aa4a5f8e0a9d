"""What is one MW more, or less, of a phase worth: for its whole term, from a year on, within a year?

Duals of single months say little: a lease needs its MW in every month, so the value of a month's MW depends on the
others. So a question is asked of a span of months, in two directions, by solving the plan's linear programme again from
its own basis with integers fixed:

    gain   what each MW brings that is given free in those months                   (shadow)
    loss   what each MW costs that is taken away in them while its fee is paid
    net    for the whole term, with the MW's own fee: more on offer, less contracted

gain <= dual <= loss, since NPV is concave in the MW; where they differ the price is an interval.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd

from planner.arrays import Floats
from planner.candidates.bounds import POWER
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.candidates.outlook import Outlook
from planner.candidates.phase_exits import exit_fees_usd_per_mw
from planner.candidates.phase_limits import IF_OPEN, IF_TAKEN
from planner.candidates.phases import fee_start, fee_usd_per_mw_month, phase_table, unit_mw
from planner.candidates.resources import Family
from planner.formulation.allocate import Allocation
from planner.pricing.directions import Direction, together
from planner.pricing.fixed_plan import FixedPlan
from planner.pricing.linear_piece import Price
from planner.pricing.places import Places
from planner.pricing.price_table import Row, Thing, gain_cells, loss_cells, net_cells, row
from planner.solver.changes import Changes
from planner.solver.model_arrays import IntArray

STEP_MW = 1.0
MOST_MW = 100.0
"""MW up to which a gain is followed."""
LEAST_MW = 1e-3
"""A contract below this is none."""


def parts_of(places: Places, name: str, firm_share: float) -> list[tuple[IntArray, float]]:
    """Rows of the firm part of a phase and of the other, with the share of its MW in each."""
    return [
        (places.rows(Family.FIRM, name), firm_share), (places.rows(Family.CURTAILABLE, name), 1.0 - firm_share)
    ]


@dataclass(frozen=True)
class Phase:
    """A phase in the plan's model: the months of its contract, its MW, and the directions in which they move.

    number: of its candidate. unit_mw: MW of a unit of it. fee_factor: what a dollar a month of fee costs by month,
    exit_usd_per_mw: what ending a MW after a month costs, both discounted and after tax, shape (M,).
    """

    thing: Thing
    number: int
    start: int
    end: int
    contracted_mw: float
    unit_mw: float
    firm_share: float
    divisible: bool
    fee_usd_per_kw_month: float
    fee_factor: Floats
    exit_usd_per_mw: Floats
    fixed: FixedPlan
    places: Places

    @property
    def name(self) -> str:
        """SOURCE:PHASE."""
        return self.thing.name

    @cached_property
    def rows(self) -> IntArray:
        """Rows of the MW in use: of a contract those months in which it stands, since it may be ended early."""
        every = self.places.rows(Family.PHASE, self.name)
        return self.places.standing(self.fixed, every, LEAST_MW) if self.contracted else every

    @cached_property
    def parts(self) -> list[tuple[IntArray, float]]:
        """Rows of its firm part and of the other, with the share of a MW in each: a MW more is as firm as the phase."""
        found = parts_of(self.places, self.name, self.firm_share)
        if not self.contracted:
            return found
        return [(self.places.standing(self.fixed, rows, LEAST_MW), share) for rows, share in found]

    @property
    def contracted(self) -> bool:
        """Whether the plan contracts any of it."""
        return self.contracted_mw > LEAST_MW

    @property
    def last(self) -> int:
        """Month in which the plan's contract ends, or would end."""
        return int(
            self.places.table["end"].to_numpy(np.int64)[self.rows].max(initial=self.start)
        ) if self.contracted else self.end

    def free(self, start: int, end: int) -> Direction:
        """A MW given free in every month of [start, end)."""
        inside = [(self.places.inside(rows, start, end), share) for rows, share in [(self.rows, 1.0), *self.parts]]
        return together(*(self.places.raised(rows, share) for rows, share in inside))

    def taken(self, start: int, end: int) -> Direction:
        """A MW taken away in every month of [start, end)."""
        touched = [(self.places.touching(rows, start, end), share) for rows, share in [(self.rows, 1.0), *self.parts]]
        return together(*(self.places.raised(rows, share) for rows, share in touched)).reversed()

    def offered(self) -> Direction | None:
        """A MW more on offer, at the phase's own fee; None where it is taken whole or in steps.

        With integers fixed it can be had only as far as the site is opened and the phase is taken: an offer that is
        not touched is worth no more for being larger. Of what comes in steps a MW makes no further step.
        """
        column = self.places.columns(np.array([self.number]))
        if not self.divisible or not len(column):
            return None
        tied = [self.places.rows(Family.OFFER, f"{self.name}{when}") for when in (IF_OPEN, IF_TAKEN)]
        return together(
            # what may be ended early, or left unused of a minimum take, grows with it
            self.places.copies(POWER, self.name),
            *(self.places.raised(rows, self._decided(rows)) for rows in tied),
        )

    def _decided(self, rows: IntArray) -> Floats:
        """Share of the offer that the plan's integers allow in some rows, shape (rows,)."""
        stands = self.places.limit(rows)  # what is committed is a fact, and depends on no decision
        offered = self.thing.limit - stands
        decided = self.fixed.provided(rows) * self.places.model.row_scale[rows] - stands
        return decided / np.where(offered > 0.0, offered, np.inf)

    def withheld(self, *, followed: bool) -> Price | None:
        """The price of MW given back, of those contracted; None where there are none, or they are committed."""
        column = self.places.columns(np.array([self.number]))
        if not self.divisible or not len(column) or not self.contracted:
            return None
        scale = self.unit_mw * self.places.model.formulation.unit[column]
        lower, level = self.fixed.arrays.col_lower[column], self.contracted_mw / scale
        most = float(((level - lower) * scale)[0])
        if most <= LEAST_MW:
            return None

        def less(mw: float) -> Changes:
            return Changes(columns=(column, lower, np.maximum(level - mw / scale, lower)))

        direction = self.places.widened(column, 1.0 / self.unit_mw).reversed()
        return self.fixed.price_along(less, direction, 0.0, min(STEP_MW, most), most=most if followed else None)

    def pay_up_to(self, gain_usd: float, start: int, end: int) -> float:
        """The fee, $/kW-month of contracted power, that a gain over the months [start, end) would just cover.

        A contract that the plan ends early has to cover what ending it costs as well.
        """
        factor = float(self.fee_factor[start : min(end, self.last)].sum())
        ended = self.exit_usd_per_mw[self.last - 1] if self.last < min(end, self.end) else 0.0
        return (gain_usd - float(ended)) / (1000.0 * factor) if factor > 0.0 else np.nan


def phases_of(candidates: CandidateSet, allocation: Allocation, fixed: FixedPlan) -> list[Phase]:
    """All phases of a plan, in the order of the case."""
    assert allocation.levels is not None
    outlook, table, places = candidates.outlook, candidates.table, Places.of(allocation)
    power = phase_table(outlook)
    numbers = np.flatnonzero(table["kind"].eq(Kind.POWER).to_numpy())
    size = unit_mw(outlook)
    fee, after_tax = fee_usd_per_mw_month(outlook) / 1000.0, (1.0 - outlook.case.settings.tax_rate) * outlook.discount
    # a contract that ends in a month is left by the fee of the next, from which its MW are gone
    exits = np.nan_to_num(np.roll(exit_fees_usd_per_mw(outlook), -1, axis=1))
    return [
        Phase(
            thing=Thing(
                "phase", str(entry.phase_name), "MW", str(entry.site_id), str(entry.kind),
                float(allocation.levels[number] * mw), float(entry.guaranteed_mw),
            ),
            number=int(number), start=int(entry.energised_month), end=int(entry.end_month),
            contracted_mw=float(allocation.levels[number] * mw), unit_mw=float(mw), firm_share=float(entry.firm_share),
            divisible=not bool(table["integral"].iat[number]),
            fee_usd_per_kw_month=float(due), fee_factor=factor, fixed=fixed, places=places,
            exit_usd_per_mw=after_tax * exit_fee,
        )
        for entry, number, mw, due, factor, exit_fee in zip(
            power.itertuples(), numbers, size, fee, _fee_factors(outlook, power), exits, strict=True
        )
    ]


def _fee_factors(outlook: Outlook, power: pd.DataFrame) -> Iterator[Floats]:
    """After tax, what a dollar a month of fee costs in each month of a phase's contract: (1 - tax) x DF x its
    escalation."""
    month = np.arange(outlook.months)
    after_tax = (1.0 - outlook.case.settings.tax_rate) * outlook.discount
    origins = fee_start(outlook)
    for rate, origin, start, end in zip(
        power["fee_escalator"], origins, power["energised_month"], power["end_month"], strict=True
    ):
        due = (month >= min(int(origin), int(start))) & (month < int(end))
        yield after_tax * due * (1.0 + float(rate)) ** np.maximum((month - int(origin)) // 12, 0)


def whole_term(outlook: Outlook, phase: Phase, *, followed: bool) -> Row:
    """The headline: a MW of a phase for its whole term. followed: see how far the prices hold, beyond one MW."""
    offered, most = phase.offered(), MOST_MW if followed else None
    answer = _span(outlook, "whole term", phase, 0, outlook.months, followed=followed)
    net_gain = None if offered is None else phase.fixed.price(offered, STEP_MW, most=most)
    return answer | net_cells(net_gain, phase.withheld(followed=followed))


def years_of(outlook: Outlook) -> list[tuple[int, int]]:
    """The calendar years of the horizon as months [start, end)."""
    first = -(outlook.calendar.start_number % 12)
    return [(max(at, 0), min(at + 12, outlook.horizon)) for at in range(first, outlook.horizon, 12)]


def by_year(outlook: Outlook, phase: Phase) -> Iterator[Row]:
    """A MW of a phase from each year of the horizon on, and within each year alone."""
    for start, end in years_of(outlook):
        if phase.last <= start or phase.start >= end:
            continue
        if start > phase.start:
            yield _span(outlook, "from a year on", phase, start, outlook.months)
        yield _span(outlook, "within a year", phase, start, end)


def _span(outlook: Outlook, question: str, phase: Phase, start: int, end: int, *, followed: bool = False) -> Row:
    """A MW more or less in the months [start, end) of a phase."""
    fixed, free, taken = phase.fixed, phase.free(start, end), phase.taken(start, end)
    gain = fixed.price(free, STEP_MW, most=MOST_MW if followed else None)
    in_use = min(STEP_MW, phase.contracted_mw)
    loss = fixed.price(taken, in_use, most=phase.contracted_mw if followed else None) if phase.contracted else None
    pay = np.nan if gain is None else phase.pay_up_to(gain.over_step, start, end)
    return row(
        outlook, question, phase.thing, max(start, phase.start), min(end, phase.last), step=STEP_MW,
        dual_usd=fixed.dual_between(free, taken), pay_up_to=pay, fee=phase.fee_usd_per_kw_month, pay_unit="$/kW-month",
        **gain_cells(gain), **loss_cells(loss),
    )


def duals_of_months(outlook: Outlook, phase: Phase) -> Iterator[Row]:
    """Duals of single rows of a phase that are not zero, for the file alone: no question has them as its answer."""
    table = phase.places.table
    for at in phase.rows:
        price = phase.fixed.dual(phase.places.raised(np.array([at], dtype=np.int32)))
        if price != 0.0:
            start, end = int(table["start"].iat[at]), int(table["end"].iat[at])
            yield row(outlook, "dual of months", phase.thing, start, end, step=STEP_MW, dual_usd=price)
