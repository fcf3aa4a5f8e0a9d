"""What working IT costs and uses on its power path, the same for leases, the market and hosting."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from kernels.lines import Line
from kernels.terms import Term, WindowTerm
from planner.arrays import Floats, Ints
from planner.candidates.builder import CandidateBuilder
from planner.candidates.cash_tables import NO_PHASE
from planner.candidates.columns import Columns
from planner.candidates.resources import Family


@dataclass(frozen=True)
class Leg:
    """One phase of the power paths of N candidates: its number (NO_PHASE for none), and its window as events and
    months."""

    phase: Ints
    start_event: Ints
    end_event: Ints
    start: Ints
    end: Ints

    @property
    def used(self) -> np.ndarray:
        """Which candidates have this leg."""
        return self.phase != NO_PHASE


def legs(builder: CandidateBuilder, rows: Columns, waits: tuple[Ints, Ints] | None = None) -> tuple[Leg, Leg]:
    """The legs of paths with columns head, then, from_then, from_month, to_month: the head until the second is
    energised.

    A unit starts when its head is energised and its waits (see `waits`) are over, never before the plan, and never
    after its own end.
    """
    start, end, head, then = (rows[name] for name in ("from_month", "to_month", "head", "then"))
    none = np.full(len(rows), NO_PHASE)
    begins = builder.events.after(start, head, none, end, waits)
    ends = builder.events.at(end)
    bridged = then != NO_PHASE
    switch_month = np.where(bridged, rows["from_then"], end)
    switches = np.where(bridged, builder.events.after(start, head, then, end, waits), ends)
    return (
        Leg(head, begins, switches, start, switch_month),
        Leg(then, switches, ends, switch_month, end),
    )


def energy_terms(
    phases: Columns, leg: Leg, energy_mw: Floats, contracted_it_mw: Floats, paths: Ints, one: Ints, fee: Ints
) -> list[Term]:
    """Energy, demand charge and the part of the fee due on use, for N units on one leg.

    energy_mw: mean MW drawn per unit; contracted_it_mw: critical IT MW per unit (0 where a tenant pays).
    paths, one, fee: rows of the path table for energy, for a month, and for the escalated fee.
    """
    index = np.where(leg.used, leg.phase, 0)
    contracted = contracted_it_mw * phases["mw_per_it_mw"][index] * leg.used
    demand = contracted * phases["demand_usd_per_mw_month"][index]
    due = contracted * phases["fee_usd_per_mw_month"][index]
    terms: list[Term] = [
        WindowTerm(Line.ENERGY, -energy_mw * leg.used, paths, leg.start_event, leg.end_event),
        WindowTerm(Line.ENERGY, -demand, one, leg.start_event, leg.end_event),
        WindowTerm(Line.FEES, -due, fee, leg.start_event, leg.end_event),
    ]
    return [term for term in terms if np.any(np.asarray(term.amount) != 0.0)]


def power_uses(
    builder: CandidateBuilder, phases: Columns, leg: Leg, candidate: Ints, it_mw: Floats, drawn_mw: Floats,
    share: Columns, interruptible: Ints
) -> None:
    """Contracted power, of it the firm part, and energy drawn on one leg.

    share: columns row (position among the N candidates), start, end, share: how much of a unit stands when (see
    `whole_units`). interruptible: 1 for candidates on the part of a phase that may be curtailed, (N,).
    """
    row = share["row"]
    start, end = np.maximum(share["start"], leg.start[row]), np.minimum(share["end"], leg.end[row])
    keep = leg.used[row] & (start < end)
    row, start, end, size = row[keep], start[keep], end[keep], share["share"][keep]
    phase = leg.phase[row]

    contracted = it_mw[row] * phases["mw_per_it_mw"][phase] * size
    builder.book.uses.add(
        candidate[row], builder.book.resources(Family.PHASE, phase, builder.names.phase), contracted, start, end
    )
    until, curtailed = phases["firm_from"][phase], interruptible[row] == 1
    for family, chosen in ((Family.FIRM, ~curtailed), (Family.CURTAILABLE, curtailed)):
        part = np.flatnonzero(chosen & (until > start) & phases["has_firm_part"][phase])
        if len(part):
            builder.book.uses.add(
                candidate[row[part]], builder.book.resources(family, phase[part], builder.names.phase),
                contracted[part], start[part], np.minimum(end[part], until[part]),
            )
    taking = np.flatnonzero(phases["min_take"][phase] > 0.0)
    if len(taking):
        drawn, turn = drawn_mw[row[taking]] * size[taking], np.where(curtailed, until, 0)[taking]
        turn = np.clip(turn, start[taking], end[taking])
        resource = builder.book.resources(Family.MIN_TAKE, phase[taking], builder.names.phase)
        served = 1.0 - phases["curtailed_share"][phase[taking]]
        builder.book.uses.add(candidate[row[taking]], resource, -drawn * served, start[taking], turn)
        builder.book.uses.add(candidate[row[taking]], resource, -drawn, turn, end[taking])


def whole_units(start: Ints, end: Ints) -> Columns:
    """All of each unit from its start to its end: columns row, start, end, share."""
    return Columns(row=np.arange(len(start)), start=start, end=end, share=1.0)
