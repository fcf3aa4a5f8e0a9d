"""By how many months a date would have to move for a conflict to dissolve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from planner.candidates.options import CandidateOptions
from planner.case.case import Case
from planner.explaining.conflict import Conflict
from planner.explaining.dates import with_sooner_dates
from planner.explaining.draft import Draft
from planner.explaining.elastic import Elastic, OutOfTime
from planner.explaining.limits import Kind


def with_months_short(case: Case, options: CandidateOptions, model: Elastic, conflict: Conflict) -> Conflict:
    """The conflict with the months by which each of its dates would have to move, found by bisection."""
    short = list(conflict.short)
    for at, number in enumerate(conflict.limits):
        if model.draft.limits[number].kind.is_date:
            short[at] = _months(case, options, model, conflict, number)
    return replace(conflict, short=tuple(short))


def _months(case: Case, options: CandidateOptions, model: Elastic, conflict: Conflict, number: int) -> float | None:
    draft, limit = model.draft, model.draft.limits[number]

    def resolved(moved: Draft, held: frozenset[int]) -> bool:
        return Elastic.of(moved, seconds=model.seconds_left).feasible(held, whole=conflict.whole)

    members = frozenset(conflict.limits)

    try:
        if limit.kind is Kind.POWER_DATE:
            choices = np.arange(1, int(limit.value) + 1)
            return _least(
                choices,
                lambda months: resolved(
                    with_sooner_dates(case, options, sooner_months={limit.name: months}), members - {number}
                ),
            )
        start = draft.candidates.table["from_month"].to_numpy(np.int64)
        mine = np.array([candidate for known, candidate in draft.closed if known == number], dtype=np.int64)
        away = np.abs(start[mine] - int(limit.value))

        def opened(months: int) -> Draft:
            free = {int(candidate) for candidate in mine[away <= months]}
            return replace_closed(
                draft,
                [(known, candidate) for known, candidate in draft.closed if known != number or candidate not in free],
            )

        return _least(np.unique(away), lambda months: resolved(opened(months), members))
    except OutOfTime:
        return None


def replace_closed(draft: Draft, closed: list[tuple[int, int]]) -> Draft:
    """The draft with other candidates closed."""
    copy = Draft(draft.candidates, draft.rows, draft.limits, draft.raised, draft.bounds, closed, draft.whole)
    copy.lower, copy.upper, copy.cost_usd = draft.lower, draft.upper, draft.cost_usd
    return copy


def _least(choices: np.ndarray, works: Callable[[int], bool]) -> float | None:
    """The first of rising choices that works, where all after it do; None when none does."""
    low, high = 0, len(choices)
    while low < high:
        middle = (low + high) // 2
        if works(int(choices[middle])):
            high = middle
        else:
            low = middle + 1
    return float(choices[low]) if low < len(choices) else None
