"""What is one more, or one less, of what a plan is fed with: delivery slots, capital, leases, halls, clusters, shared
feeds?

Each is a limit of the plan's linear programme, moved in both directions with integers fixed (see `fixed_plan`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import numpy as np

from planner.arrays import Floats, Ints
from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.candidates.lease_offers import delivered_shares
from planner.candidates.money_limits import greatest_shares
from planner.candidates.named import rates_with_units
from planner.candidates.outlook import Outlook
from planner.candidates.resources import Family
from planner.candidates.tranches import part_shares
from planner.case.calendar import Calendar
from planner.formulation.allocate import Allocation
from planner.pricing.directions import Direction, together
from planner.pricing.fixed_plan import FixedPlan
from planner.pricing.linear_piece import Price
from planner.pricing.places import Places
from planner.pricing.price_table import Row, Thing, gain_cells, loss_cells, net_cells, row
from planner.solver.model_arrays import IntArray

STEP_SHARE = 0.01
"""Share of a limit that is asked about, where its unit says nothing better."""
STEP_MW = 1.0


def delivery_values(
    fixed: FixedPlan, candidates: CandidateSet, allocation: Allocation, places: Places
) -> Iterator[Row]:
    """A GPU more or less of a SKU delivered in a quarter. pay_up_to: $ per slot, paid at the start of that quarter."""
    outlook = candidates.outlook
    for name in places.names(Family.SUPPLY):
        rows = places.rows(Family.SUPPLY, name)
        gpu_id, quarter = places.parts(rows)
        start = max(outlook.calendar.quarter_index(quarter), 0)
        limit = float(places.limit(rows)[0])
        thing = Thing("delivery", name, "GPU", kind=gpu_id, in_plan=float(_used(fixed, places, rows)[0]), limit=limit)
        step = float(np.clip(STEP_SHARE * limit, 1.0, 100.0))
        worth = (1.0 - outlook.case.settings.tax_rate) * float(outlook.discount[start])
        yield _two_sided(
            fixed, outlook, "one quarter", thing, places.raised(rows), start, start + 3, step, (worth, "$/GPU")
        )


def capital_values(fixed: FixedPlan, candidates: CandidateSet, allocation: Allocation, places: Places) -> Iterator[Row]:
    """A dollar of new capital more or less: from a quarter on, and for one year, as an implied return.

    A dollar lent to the pot for a year is worth its return r + g / DF a year later, with r the discount rate and g what
    the NPV
    gains by having it: the after-tax return a year at which such a loan would leave the plan no better and no worse.
    Capital that does not carry over is that of the quarter alone.
    """
    outlook = candidates.outlook
    carried = places.rows(Family.CAPITAL, "capital")
    single = places.rows(Family.CAPITAL, "capital of the quarter")
    horizon = outlook.horizon
    for start in outlook.calendar.quarter_starts.tolist():
        quarter = outlook.calendar.written_quarter(start)
        if len(single):
            asked, spans = single, [("one quarter", start, start + 3)]
        else:
            asked, spans = carried, [("from a quarter on", start, horizon), ("for one year", start, start + 12)]
        for question, first, end in spans:
            rows = places.inside(asked, first, min(end, horizon))
            if not len(rows):
                continue
            thing = Thing("capital", quarter, "$")
            # What is missing in any month of the span binds in the rows that touch it.
            less = places.raised(places.touching(asked, first, min(end, horizon))).reversed()
            step = places.model.money  # a million where the case is one of millions
            answer = _two_sided(
                fixed, outlook, question, thing, places.raised(rows), first, min(end, horizon), step, None, less
            )
            if question != "from a quarter on":
                answer |= _returns(outlook, answer, start)
            yield answer


def _returns(outlook: Outlook, answer: Row, start: int) -> Row:
    """Implied after-tax return a year of a dollar lent from a month for a year, from its gain and from its loss."""
    now, later = float(outlook.discount[start]), float(outlook.discount[min(start + 12, outlook.months - 1)])
    names = {"gain_return_per_year": "gain_of_step_usd", "loss_return_per_year": "loss_of_step_usd"}
    return {name: (float(str(answer[of])) + now) / later - 1.0 for name, of in names.items() if of in answer}


def floor_values(fixed: FixedPlan, candidates: CandidateSet, allocation: Allocation, places: Places) -> Iterator[Row]:
    """A dollar of cash floor less (gain) or more (loss) at the end of a quarter."""
    calendar: Calendar = candidates.outlook.calendar
    for quarter in places.names(Family.CASH_FLOOR):
        start = max(calendar.quarter_index(quarter), 0)
        direction = places.raised(places.rows(Family.CASH_FLOOR, quarter))
        thing = Thing("cash floor", quarter, "$")
        yield _two_sided(
            fixed, candidates.outlook, "one quarter", thing, direction, start, start + 3, places.model.money, None
        )


def share_values(fixed: FixedPlan, candidates: CandidateSet, allocation: Allocation, places: Places) -> Iterator[Row]:
    """A dollar of a customer's revenue more or less than its share allows: of a year, or discounted of all years.

    A share that is d higher allows d x the plan's revenue more, so that the step asked about is one point of it.
    in_plan, limit: revenue of the customer, and its share of the plan's; blank where the row does not tell them.
    """
    outlook = candidates.outlook
    shares = greatest_shares(outlook)
    # A valuation by discounted cash counts what is left after tax, one of a year each dollar.
    counted = {Family.REVENUE_SHARE: 1.0 - outlook.case.settings.tax_rate, Family.YEARLY_SHARE: 1.0}
    for family, kept in counted.items():
        for name in places.names(family) if kept > 0.0 else ():
            rows, share = places.rows(family, name), shares[family.name, name]
            customer, *years = places.parts(rows)
            months = np.flatnonzero(outlook.calendar.in_year(int(years[0]))) if years else np.arange(outlook.last_month)
            thing, step = Thing("customer share", name, "$", kind=customer), places.model.money
            if 0.0 < share < 1.0:
                earned = float(_gained(fixed, places, rows)[0]) / (1.0 - share) / kept
                whole = (earned - float(_used(fixed, places, rows)[0]) / kept) / share
                thing = replace(thing, in_plan=earned, limit=share * whole)
                step = STEP_SHARE * whole if whole > 0.0 else step
            yield _two_sided(
                fixed, outlook, "within a year" if years else "whole term", thing, places.raised(rows, kept),
                int(months[0]), int(months[-1]) + 1, step, None, followed=False,
            )


def lease_values(fixed: FixedPlan, candidates: CandidateSet, allocation: Allocation, places: Places) -> Iterator[Row]:
    """A unit of a lease more or less offered, its rate and terms as they are; not for leases that are declined whole.

    For an all-or-nothing lease the least size moves with the size. pay_up_to: $ per GPU-hour or kW-month that could be
    given away on a unit more. A lease with a schedule of rates is priced at each of them as well.
    """
    outlook, table = candidates.outlook, candidates.table
    assert allocation.levels is not None
    leases, parts = outlook.case.tables["leases"].set_index("lease_id"), outlook.lease_parts
    delivered = delivered_shares(outlook)
    accepts = table["kind"].eq(Kind.ACCEPT).to_numpy()
    decided = set(table["lease_id"].to_numpy()[accepts])
    taken = set(table["lease_id"].to_numpy()[accepts & (allocation.levels > 0.5)])
    for number, (lease_id, lease) in enumerate(leases.iterrows()):
        name = str(lease_id)
        rows = places.rows(Family.VOLUME, name)
        if not len(rows) or (name in decided and name not in taken):
            continue
        mine = parts.take(parts["lease"] == number)
        starts = np.maximum(mine["due"], 0)
        ends = np.minimum(starts + int(lease["term_months"]), outlook.last_month)
        start, end = int(starts.min()), int(ends.max())
        size, hosting = float(lease["max_size"]), str(lease["kind"]) == "hosting"
        served = float(_used(fixed, places, rows)[0]) + (size * delivered[number] if name in decided else 0.0)
        thing = Thing("lease", name, _unit(outlook, name), kind=str(lease["kind"]), in_plan=served, limit=size)
        direction = _larger(fixed, places, name, float(delivered[number]), whole=bool(lease["all_or_nothing"]))
        step = STEP_MW if hosting else float(np.clip(STEP_SHARE * size, 1.0, 100.0))
        pay = _per_contract_unit(outlook, hosting, starts, ends, part_shares(outlook.tables, mine["tranche"]))
        yield _two_sided(fixed, outlook, "whole term", thing, direction, start, end, step, pay)
        for tier in places.names(Family.TIER):
            if tier.startswith(f"{name}:"):
                at_rate = places.rows(Family.TIER, tier)
                limit = float(places.limit(at_rate)[0])
                part = Thing(
                    "lease rate", tier, thing.unit, kind=thing.kind, in_plan=float(_used(fixed, places, at_rate)[0]),
                    limit=limit,
                )
                yield _two_sided(fixed, outlook, "whole term", part, places.raised(at_rate), start, end, step, pay)


def _unit(outlook: Outlook, lease_id: str) -> str:
    """What the size of a lease counts."""
    lease = outlook.case.tables["leases"].set_index("lease_id").loc[lease_id]
    if lease["size_unit"] == "it_mw":
        return "MW"
    made = rates_with_units(outlook)
    return "GPU" if (made.loc[made["lease_id"] == lease_id, "units_per_gpu"] == 1.0).all() else "unit"


def _larger(fixed: FixedPlan, places: Places, lease_id: str, delivered: float, *, whole: bool) -> Direction:
    """A lease larger by one unit, wherever its size stands as a limit: on the sites that the plan has chosen for it.

    delivered: the share of a unit that is delivered within the case.
    """
    parts = [
        places.raised(places.rows(Family.VOLUME, lease_id), delivered), places.copies(Family.VOLUME.name, lease_id)
    ]
    if whole:
        parts.append(places.raised(places.rows(Family.LEAST_VOLUME, lease_id), -delivered))
    for family in (Family.BLOCK, Family.ON_FABRIC):
        for name in places.names(family):
            if name.startswith(f"{lease_id}:"):
                parts.append(places.raised(places.standing(fixed, places.rows(family, name), 0.5)))
    return together(*parts)


def _per_contract_unit(
    outlook: Outlook, hosting: bool, starts: Ints, ends: Ints, shares: Floats
) -> tuple[float, str]:
    """After tax, the worth of a dollar on the rate of one unit over the terms of its parts, by their shares."""
    per_month = np.full(outlook.months, 1000.0) if hosting else outlook.hours
    spans = [slice(*span) for span in zip(starts.tolist(), ends.tolist(), strict=True)]
    each = np.array([float(outlook.discount[month] @ per_month[month]) for month in spans])
    worth = (1.0 - outlook.case.settings.tax_rate) * float((shares * each).sum())
    return worth, "$/kW-month" if hosting else "$/GPU-hour"


def hall_values(fixed: FixedPlan, candidates: CandidateSet, allocation: Allocation, places: Places) -> Iterator[Row]:
    """A MW of critical IT more or less at a site: a hall given or taken (gain, loss), or a site that may hold more or
    less of them (net).

    It is given or taken in the months in which the plan has halls there, in all months where it has none.
    A hall is cooled as the others of its site where all of them are alike.
    """
    outlook, table = candidates.outlook, candidates.table
    assert allocation.levels is not None
    halls = table["kind"].eq(Kind.SHELL).to_numpy()
    built = dict.fromkeys(outlook.case.tables["sites"]["site_id"], 0.0)
    for site_id, level in zip(table["site_id"].to_numpy()[halls], allocation.levels[halls], strict=True):
        built[site_id] += float(level)
    for site in outlook.case.tables["sites"].itertuples():
        name = str(site.site_id)
        rows = places.rows(Family.HALL, name)
        standing = places.standing(fixed, rows, STEP_MW)
        given = together(
            places.raised(standing if len(standing) else rows), places.copies(Family.SITE.name, name, ("host",))
        )
        limits = [places.raised(places.rows(family, name)) for family in (Family.SITE, Family.OPEN)]
        larger = together(*limits, places.copies(Family.SITE.name, name))
        if given.empty:
            continue
        thing = Thing("hall", name, "MW", name, in_plan=built[name], limit=float(site.critical_it_mw))
        answer = _two_sided(
            fixed, outlook, "whole term", thing, given, 0, outlook.last_month, STEP_MW, None, followed=False
        )
        yield answer | _net_of_site(fixed, site, built[name], larger)


def _net_of_site(fixed: FixedPlan, site: Any, built: float, larger: Direction) -> Row:
    """What a site that may hold more or less halls brings and costs, halls at their own price.

    Where every hall stands already, a larger site holds no more of them; whether others would be built there only a new
    plan tells.
    """
    if larger.empty:
        return {}
    if float(site.existing_it_mw) >= float(site.critical_it_mw):
        buildable = not all(
            np.isnan([site.shell_capex_usd_per_kw, site.shell_rent_usd_per_kw_month, site.conversion_capex_usd_per_kw])
        )
        return {} if buildable else net_cells(Price(0.0, STEP_MW, STEP_MW, 0.0), None)
    full = built >= float(site.critical_it_mw) - STEP_MW  # with room to spare a MW less of it costs nothing at first
    less = fixed.price(larger.reversed(), STEP_MW) if full and built >= STEP_MW else None
    return net_cells(fixed.price(larger, STEP_MW), less)


def cluster_values(fixed: FixedPlan, candidates: CandidateSet, allocation: Allocation, places: Places) -> Iterator[Row]:
    """A GPU more or less in the largest cluster that a site's fabric carries, for a lease that stands on one fabric."""
    yield from _limit_values(fixed, candidates.outlook, places, Family.CLUSTER, "cluster", "GPU")


def group_values(fixed: FixedPlan, candidates: CandidateSet, allocation: Allocation, places: Places) -> Iterator[Row]:
    """A MW more or less through a substation or gas line that sites share."""
    yield from _limit_values(fixed, candidates.outlook, places, Family.GROUP, "shared feed", "MW")


def _limit_values(
    fixed: FixedPlan, outlook: Outlook, places: Places, family: Family, resource: str, unit: str
) -> Iterator[Row]:
    for name in places.names(family):
        rows = places.rows(family, name)
        limit = float(places.limit(rows).max())
        step = STEP_MW if unit == "MW" else float(np.clip(STEP_SHARE * limit, 1.0, 100.0))
        used = float(_used(fixed, places, rows).max())
        thing = Thing(resource, name, unit, in_plan=used, limit=limit)
        yield _two_sided(
            fixed, outlook, "whole term", thing, places.raised(rows), 0, outlook.last_month, step, None, followed=False
        )


def _two_sided(
    fixed: FixedPlan, outlook: Outlook, question: str, thing: Thing, more: Direction, start: int, end: int, step: float,
    pay: tuple[float, str] | None, less: Direction | None = None, *, followed: bool = True,
) -> Row:
    """The row of a limit moved both ways. pay: what a dollar of the contract's own unit is worth, and that unit.

    less: the other way, where it is not just the opposite. followed: see how far the gain holds, up to twice the limit.
    """
    far = followed and not np.isnan(thing.limit) and thing.limit > step
    gain = fixed.price(more, step, most=thing.limit if far else None)
    fewer = step if np.isnan(thing.limit) else min(step, thing.limit)
    down = more.reversed() if less is None else less
    loss = fixed.price(down, fewer) if fewer > 0.0 and not down.empty else None
    cells: Row = {}
    if pay is not None and gain is not None and pay[0] > 0.0:
        cells = {"pay_up_to": gain.over_step / pay[0], "pay_unit": pay[1]}
    return row(
        outlook, question, thing, start, end, step=step, dual_usd=fixed.dual_between(more, down), **cells,
        **gain_cells(gain), **loss_cells(loss)
    )


def _gained(fixed: FixedPlan, places: Places, rows: IntArray) -> Floats:
    """What counts against each row, without what counts for it."""
    against: Floats = (fixed.arrays.matrix[rows].maximum(0.0) @ fixed.levels) * places.model.row_scale[rows]
    return against


def _used(fixed: FixedPlan, places: Places, rows: IntArray) -> Floats:
    """What the plan uses of each row, in the units of its resource."""
    activity: Floats = (fixed.arrays.matrix[rows] @ fixed.levels) * places.model.row_scale[rows]
    return activity
