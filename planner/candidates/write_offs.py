"""Write-offs that follow a month of service that a future may move: shares of a basis by month, settled when the asset
ends."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from kernels.profiles import ROUNDING
from planner.arrays import Floats, Ints
from planner.candidates.builder import CandidateBuilder
from planner.candidates.cash_tables import Recipe
from planner.candidates.outlook import Outlook

Starts = Callable[[Outlook], Ints]
"""Month of service in each scenario of an outlook, shape (S,)."""


def phase_service(planned: Outlook, phase: int) -> Starts:
    """First power of a phase in each scenario, not before the month promised: from then on its capex is written off."""
    promised = int(max(planned.promised[phase], 0))
    return lambda outlook: np.maximum(outlook.energised_by_scenario[phase], promised)


def written_off(profile: Floats, starts: Starts, end: int) -> Recipe:
    """Recipe of a profile by age from the month of service, what is left due in the month before `end`: shape (S,
    M)."""

    def recipe(outlook: Outlook) -> Floats:
        month = np.arange(outlook.months)
        age = month - starts(outlook)[:, None]
        inside = (age >= 0) & (age < len(profile)) & (month < end)
        share = np.where(inside, profile[np.where(inside, age, 0)], 0.0)
        left = 1.0 - share.sum(axis=1)
        share[:, max(end, 1) - 1] += np.where(left > ROUNDING, left, 0.0)
        return share

    return recipe


def by_month(outlook: Outlook, values: Floats) -> Floats:
    """Values of shape (S, M), as (M,) in a base case."""
    return values if outlook.scenarios > 1 or len(values) > 1 else values[0]


def phase_write_off(builder: CandidateBuilder, phase: int, end: int) -> int:
    """Path of the write-off of $1 spent on a phase, by its number, whose contract runs to `end`."""
    written = written_off(builder.written_off("power"), phase_service(builder.outlook, phase), end)
    return builder.paths.number(("phase written off", phase, end), lambda outlook: by_month(outlook, written(outlook)))


def phase_write_offs(builder: CandidateBuilder, phases: Ints, cost_usd: Floats) -> Ints:
    """Path of the write-off of each phase that costs something, to the end of its contract, (N,)."""
    rows = zip(phases.tolist(), builder.outlook.power_end[phases].tolist(), cost_usd.tolist(), strict=True)
    return np.array(
        [phase_write_off(builder, phase, end) if usd else builder.one() for phase, end, usd in rows], dtype=np.int64
    )


def phase_write_off_ended(builder: CandidateBuilder, phase: int, end: int, month: int) -> int:
    """Path of what ending the contract in `month` instead of at `end` changes in that write-off."""
    whole = written_off(builder.written_off("power"), phase_service(builder.outlook, phase), end)
    cut = written_off(builder.written_off("power"), phase_service(builder.outlook, phase), month)
    key = ("phase write-off ended", phase, end, month)
    return builder.paths.number(key, lambda outlook: by_month(outlook, cut(outlook) - whole(outlook)))
