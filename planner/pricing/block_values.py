"""What is a block of MW worth, or a phase, a step, a fibre link taken or left, when every decision may change?

The plan is made again with all decisions free, from what the fixed plan makes of the change (see `free_plan`).
"""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from planner.candidates.build import CandidateSet
from planner.candidates.kinds import Kind
from planner.candidates.outlook import Outlook
from planner.candidates.resources import Family
from planner.pricing.directions import together
from planner.pricing.free_plan import Found, FreePlan
from planner.pricing.phase_values import Phase, parts_of
from planner.pricing.price_table import Row, Thing, row
from planner.solver.changes import Changes
from planner.solver.model_arrays import IntArray

BLOCKS_MW = (10.0, 25.0, 50.0, 100.0)


def block_value(outlook: Outlook, free: FreePlan, base: Found, phase: Phase, mw: float) -> Row:
    """So many MW of a phase given free for its whole term, or taken away: dollars for each MW."""
    rows = free.places.rows(Family.PHASE, phase.name)
    every = [(rows, 1.0), *parts_of(free.places, phase.name, phase.firm_share)]
    inside = [(free.places.inside(each, phase.start, phase.last), share) for each, share in every]
    more = together(*(free.places.raised(each, share) for each, share in inside))
    answer = row(
        outlook, "block", phase.thing, phase.start, phase.last, step=mw, decisions="free",
        fee=phase.fee_usd_per_kw_month, pay_unit="$/kW-month",
    )
    gain = _difference(free.again(more.by(mw, free.arrays)), base, mw)
    if gain is not None:
        answer |= {"gain_usd": gain[0], "gain_of_step_usd": gain[0], "gain_at_most_usd": gain[1]}
        answer["pay_up_to"] = phase.pay_up_to(gain[0], 0, outlook.months)
    if phase.contracted_mw >= mw:
        loss = _difference(free.again(more.reversed().by(mw, free.arrays)), base, -mw)
        if loss is not None:
            answer |= {"loss_usd": loss[0], "loss_of_step_usd": loss[0], "loss_at_least_usd": loss[1]}
    return answer


def whole_phases(candidates: CandidateSet, free: FreePlan, base: Found, phases: list[Phase]) -> Iterator[Row]:
    """Phases that are taken whole, in steps, or from a least amount on: one step more, one step less, at their own fee.
    A row each.

    net gain: what taking it brings (less than nothing, or the plan would); net loss: what leaving it costs; dollars for
    each MW.
    """
    takes = candidates.table["kind"].eq(Kind.TAKE).to_numpy()
    taken = {
        str(name): int(at)
        for at, name in zip(np.flatnonzero(takes), candidates.table["phase"].to_numpy()[takes], strict=True)
    }
    for phase in phases:
        if not phase.divisible:
            yield _step_of(candidates, free, base, phase)
        elif phase.name in taken and not phase.contracted:
            yield _taken_at_all(candidates, free, base, phase, taken[phase.name])


def _step_of(candidates: CandidateSet, free: FreePlan, base: Found, phase: Phase) -> Row:
    column = free.places.columns(np.array([phase.number]))
    level = round(phase.contracted_mw / phase.unit_mw)
    lower, upper = float(candidates.table["lower"].iat[phase.number]), float(
        candidates.table["upper"].iat[phase.number]
    )
    answer = _row_of(candidates.outlook, phase, phase.unit_mw)
    if level + 1 <= upper:
        more = free.again(_bounds(free, column, level + 1.0, None))
        answer |= _named("net_gain_usd", "gain_at_most_usd", _difference(more, base, phase.unit_mw))
    if level - 1 >= lower:
        less = free.again(_bounds(free, column, None, level - 1.0))
        answer |= _named("net_loss_usd", "loss_at_least_usd", _difference(less, base, -phase.unit_mw))
    return answer


def _taken_at_all(candidates: CandidateSet, free: FreePlan, base: Found, phase: Phase, take: int) -> Row:
    least = float(candidates.outlook.case.tables["power"]["min_mw"].to_numpy(np.float64)[_number(candidates, phase)])
    found = free.again(_bounds(free, free.places.columns(np.array([take])), 1.0, None))
    return _row_of(candidates.outlook, phase, least) | _named(
        "net_gain_usd", "gain_at_most_usd", _difference(found, base, least)
    )


def _number(candidates: CandidateSet, phase: Phase) -> int:
    power = candidates.outlook.case.tables["power"]
    names = (power["source_id"] + ":" + power["phase"]).to_numpy()
    return int(np.flatnonzero(names == phase.name)[0])


def _row_of(outlook: Outlook, phase: Phase, mw: float) -> Row:
    return row(
        outlook, "whole or not", phase.thing, phase.start, phase.end, step=mw, decisions="free",
        fee=phase.fee_usd_per_kw_month, pay_unit="$/kW-month",
    )


def fabric_values(candidates: CandidateSet, free: FreePlan, base: Found) -> Iterator[Row]:
    """Fibre links between campuses, 0/1: what one given free brings, what one that is built costs to lose (its price
    saved: net)."""
    outlook, table = candidates.outlook, candidates.table
    for number in np.flatnonzero(table["kind"].eq(Kind.FABRIC).to_numpy()):
        column = free.places.columns(np.array([number]))
        if not len(column):
            continue
        built = float(free.levels[number])
        name = candidates.links[int(number)]
        thing = Thing("fabric", name, "link", in_plan=built, limit=1.0)
        cost = -float(candidates.npv_usd[number])
        answer = row(outlook, "whole or not", thing, 0, outlook.last_month, step=1.0, decisions="free")
        if built < 0.5:
            # A link that is there and paid for: its cost comes off what planning with it brings.
            found = _difference(free.again(_bounds(free, column, 1.0, None)), base, 1.0)
            if found is not None:
                answer |= {"net_gain_usd": found[0], "gain_usd": found[0] + cost, "gain_at_most_usd": found[1] + cost}
        else:
            found = _difference(free.again(_bounds(free, column, None, 0.0)), base, -1.0)
            if found is not None:
                answer |= {"net_loss_usd": found[0], "loss_usd": found[0] + cost, "loss_at_least_usd": found[1] + cost}
        yield answer


def _bounds(free: FreePlan, column: IntArray, lower: float | None, upper: float | None) -> Changes:
    """One column with a new least or greatest level; the other bound stays."""
    least, most = free.arrays.col_lower[column], free.arrays.col_upper[column]
    return Changes(
        columns=(
            column, least if lower is None else np.full(len(column), lower),
            most if upper is None else np.full(len(column), upper),
        )
    )


def _difference(found: Found | None, base: Found, amount: float) -> tuple[float, float] | None:
    """For each unit of an amount: by the plan that was found, and by what no plan can beat; signs as for a gain, or a
    cost if it is negative."""
    if found is None:
        return None
    return (found.npv_usd - base.npv_usd) / amount + 0.0, (found.at_most_usd - base.npv_usd) / amount + 0.0


def _named(first: str, second: str, found: tuple[float, float] | None) -> Row:
    return {} if found is None else {first: found[0], second: found[1]}
