"""All prices of a plan, in the order in which a planner would ask for them, until they are answered or the time is
up."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pandas as pd

from planner.candidates.build import CandidateSet
from planner.errors import PlannerError
from planner.formulation.allocate import Allocation
from planner.pricing.block_values import BLOCKS_MW, block_value, fabric_values, whole_phases
from planner.pricing.deadline import Deadline
from planner.pricing.early_energisation import EARLIER_MONTHS, Dates, Rebuild, can_move, unmoved
from planner.pricing.fixed_plan import FixedPlan
from planner.pricing.free_plan import FreePlan
from planner.pricing.phase_values import MOST_MW, STEP_MW, Phase, by_year, duals_of_months, phases_of, whole_term
from planner.pricing.places import Places
from planner.pricing.price_table import Row, gain_cells, price_frame
from planner.pricing.supply_values import (
    capital_values,
    cluster_values,
    delivery_values,
    floor_values,
    group_values,
    hall_values,
    lease_values,
    share_values,
)
from planner.solver.options import SolverOptions

DETAILS = ("headline", "full", "none")
FOLLOWED = 5
"""Phases, dearest first, of which the headline says how far the price holds."""
REPLANNED = 3
"""Phases, dearest first, for which blocks and dates are planned again with all decisions free."""

SAME_OBJECTIVE = 1e-6
ANSWERED = ("gain_usd", "loss_usd", "net_gain_usd", "net_loss_usd")
"""Cells of which a row has at least one: a plan asked for in vain is no answer."""

Progress = Callable[[str, int], None]
"""Called with what is being priced and the number of answers so far."""


@dataclass(frozen=True)
class Prices:
    """Answers as a table (see `price_table.COLUMNS`). complete: whether the time sufficed for all questions; solves: of
    the fixed plan."""

    table: pd.DataFrame
    complete: bool
    solves: int


def no_prices() -> Prices:
    """The prices of a plan that was asked for none."""
    return Prices(price_frame([]), True, 0)


@dataclass(frozen=True)
class PriceTask:
    """A plan to be priced. rebuild: makes the candidates of a changed case; options: how to solve; seconds: None
    without a limit."""

    candidates: CandidateSet
    allocation: Allocation
    rebuild: Rebuild
    options: SolverOptions
    seconds: float | None = None
    progress: Progress | None = None


def price_plan(task: PriceTask, detail: str) -> Prices:
    """The headline: each phase for its whole term. Full: years, supply, leases, halls, dates, blocks, whole phases too.

    A plan without levels or proven prices has none. Raises PlannerError for a detail that is not in DETAILS.
    """
    if detail not in DETAILS:
        raise PlannerError(f"prices {detail!r} is not known; choose {', '.join(DETAILS)}")
    lp, deadline = task.allocation.lp, Deadline.after(task.seconds)
    if detail == "none" or lp is None or lp.values is None or task.allocation.levels is None:
        return Prices(price_frame([]), detail == "none" or task.allocation.levels is None, 0)
    fixed = FixedPlan.of(lp.arrays, deadline, basis=task.allocation.lp_basis, money=task.allocation.model.money)
    if fixed is None:
        return Prices(price_frame([]), False, 0)
    rows: list[Row] = []
    for what, answer in _answers(task, fixed, detail):
        if deadline.passed:  # an answer that the time cut short would read as "not possible"
            return Prices(price_frame(rows), False, fixed.solves)
        rows.append(answer)
        if task.progress is not None:
            task.progress(what, len(rows))
    return Prices(price_frame(rows), not deadline.passed, fixed.solves)


def _answers(task: PriceTask, fixed: FixedPlan, detail: str) -> Iterator[tuple[str, Row]]:
    """The questions in order, each with its answer; cheap ones first."""
    outlook = task.candidates.outlook
    phases = phases_of(task.candidates, task.allocation, fixed)
    headline: list[Row] = []
    for phase in phases:
        headline.append(whole_term(outlook, phase, followed=detail == "full"))
    dearest = _dearest(phases, headline)
    if detail == "headline":
        for phase in dearest[:FOLLOWED]:
            headline[phases.index(phase)] |= gain_cells(
                fixed.price(phase.free(0, outlook.months), STEP_MW, most=MOST_MW)
            )
    yield from (("phases", answer) for answer in headline)
    if detail == "headline":
        return
    places = Places.of(task.allocation)
    for phase in phases:
        yield from (("years of phases", answer) for answer in by_year(outlook, phase))
    for what, values in (
        ("deliveries", delivery_values), ("capital", capital_values), ("cash floors", floor_values),
        ("customers' shares", share_values), ("leases", lease_values),
        ("halls", hall_values), ("clusters", cluster_values), ("shared feeds", group_values),
    ):
        yield from ((what, answer) for answer in values(fixed, task.candidates, task.allocation, places))
    for phase in phases:
        yield from (("duals of months", answer) for answer in duals_of_months(outlook, phase))
    again = _planned_again(task, fixed.deadline, phases, dearest)
    yield from ((what, answer) for what, answer in again if any(cell in answer for cell in ANSWERED))


def _planned_again(
    task: PriceTask, deadline: Deadline, phases: list[Phase], dearest: list[Phase]
) -> Iterator[tuple[str, Row]]:
    """What only a new plan answers: dates, blocks, whole phases, links."""
    levels, objective = task.allocation.levels, task.allocation.objective_usd
    assert levels is not None
    assert objective is not None
    if abs(float(task.candidates.npv_usd @ levels) - objective) > SAME_OBJECTIVE * max(abs(objective), 1.0):
        return  # a plan for something else than expected NPV, which is not what planning again would maximise
    outlook, base = task.candidates.outlook, unmoved(task.allocation)
    dates = Dates(task.candidates, task.allocation, task.rebuild, task.options, deadline)
    movable = [
        phase for phase in [*dearest, *(phase for phase in phases if phase.contracted and phase not in dearest)]
        if can_move(phase)
    ]
    for phase in movable:
        for months in EARLIER_MONTHS:
            yield "earlier dates", dates.value(base, phase, months, free=False)
    free = FreePlan.of(task.candidates, levels, task.options, deadline, limits_rise=True)
    # Candidates that no whole plan can use are of use where decisions need not be whole.
    start = (free.with_decisions() or base) if task.options.relax else base
    for phase in dearest[:REPLANNED]:
        for mw in BLOCKS_MW:
            yield "blocks", block_value(outlook, free, start, phase, mw)
    yield from (("whole phases", answer) for answer in whole_phases(task.candidates, free, start, phases))
    yield from (("fabric links", answer) for answer in fabric_values(task.candidates, free, start))
    for phase in movable[:REPLANNED]:
        for months in EARLIER_MONTHS:
            yield "earlier dates, decisions free", dates.value(base, phase, months, free=True)


def _dearest(phases: list[Phase], headline: list[Row]) -> list[Phase]:
    """Phases of which a MW brings something, dearest first."""
    # Rounded, so that phases worth the same stand in their own order whatever the last bits are.
    gains = [float(f"{float(str(answer.get('gain_of_step_usd', 0.0))):.8g}") for answer in headline]
    order = sorted(range(len(phases)), key=lambda at: (-gains[at], at))
    return [phases[at] for at in order if gains[at] > 0.0]
