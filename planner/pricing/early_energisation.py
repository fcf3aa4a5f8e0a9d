"""What is it worth to energise a phase some months earlier, and what does it cost to have it so much later?

A date changes what can be done at all: which leases the phase can serve, from when, over which bridge. So the
candidates are made again with the phase's date moved and the end of its contract left where it was, and the plan is
solved again: with its decisions fixed where the new date leaves them possible, and, for the dearest phases, with all of
them free.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from planner.candidates.build import CandidateSet
from planner.candidates.outlook import Outlook, delay_months
from planner.candidates.phases import phase_names
from planner.case.case import Case
from planner.case.edits import apply_edits
from planner.formulation.allocate import Allocation
from planner.pricing.deadline import Deadline
from planner.pricing.free_plan import Found, FreePlan, levels_by_name
from planner.pricing.phase_values import Phase
from planner.pricing.price_table import Row, row
from planner.solver.options import SolverOptions

EARLIER_MONTHS = (3, 6)
"""Months earlier, and later, that are asked about."""

Rebuild = Callable[[Case], CandidateSet]
"""Makes the candidates of a changed case under the plan's own base, tail and decisions."""


def can_move(phase: Phase) -> bool:
    """Whether a phase is still to be energised within the horizon, so that its date is a question."""
    outlook_end = len(phase.fee_factor)
    return 0 < phase.start < min(phase.end, outlook_end)


def moved(outlook: Outlook, phase: Phase, months: int) -> Case:
    """The case with a phase energised so many months later (less than 0: earlier), its contract ending when it did.

    Where the lead of the phase is what it waits for, the lead is shorter with it.
    """
    case, at = outlook.case, f"[{phase.name}]"
    power = case.tables["power"]
    row = phase_names(power).index(phase.name)
    slack = phase.start - int(outlook.promised[row] + delay_months(case, outlook.base)[row])
    lead = min(int(power["lead_months"].iat[row]), phase.start + months)
    edits = [f"power.energised{at}+={months + slack}", f"power.term_months{at}+={-months}"]
    return apply_edits(
        case, edits if lead == power["lead_months"].iat[row] else [*edits, f"power.lead_months{at}={lead}"]
    )


class Dates:
    """Plans with one phase's date moved, each as good as the plan's decisions make it, or as any decisions could."""

    def __init__(
        self, candidates: CandidateSet, allocation: Allocation, rebuild: Rebuild, options: SolverOptions,
        deadline: Deadline
    ) -> None:
        self._candidates, self._allocation, self._rebuild = candidates, allocation, rebuild
        self._options, self._deadline = replace(options, start=None), deadline

    def value(self, base: Found, phase: Phase, months: int, *, free: bool) -> Row:
        """Energised so many months earlier (gain, for a phase that starts no sooner than that) and later (loss);
        dollars a month."""
        outlook = self._candidates.outlook
        start = max(phase.start - months, 0)
        thing = replace(phase.thing, unit="month")
        answer = row(
            outlook, "months earlier", thing, start, phase.start, step=float(months),
            decisions="free" if free else "held",
        )
        earlier = self._plan(phase, -months, free=free) if phase.start >= months else None
        if earlier is not None:
            gain = earlier.npv_usd - base.npv_usd
            answer |= {"gain_usd": gain / months, "gain_of_step_usd": gain / months}
            if free:
                answer["gain_at_most_usd"] = (earlier.at_most_usd - base.npv_usd) / months
        later = self._plan(phase, months, free=free) if phase.contracted and phase.start + months < phase.end else None
        if later is not None:
            loss = (base.npv_usd - later.npv_usd) / months
            answer |= {"loss_usd": loss, "loss_of_step_usd": loss}
            if free:
                answer["loss_at_least_usd"] = (base.npv_usd - later.at_most_usd) / months
        return answer

    def _plan(self, phase: Phase, months: int, *, free: bool) -> Found | None:
        if self._deadline.passed:
            return None
        changed = self._rebuild(moved(self._candidates.outlook, phase, months))
        levels = levels_by_name(self._candidates, self._allocation, changed)
        room = FreePlan.of(changed, levels, self._options, self._deadline, limits_rise=False)
        return room.again() if free else room.with_decisions()


def unmoved(allocation: Allocation) -> Found:
    """The plan as it stands: its NPV, and what its solve proved that no plan can beat."""
    assert allocation.objective_usd is not None
    bound = allocation.objective_usd if allocation.bound_usd is None else allocation.bound_usd
    return Found(allocation.objective_usd, float(np.maximum(bound, allocation.objective_usd)))
