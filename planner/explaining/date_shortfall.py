"""By how many months a date would have to move for a conflict to dissolve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from planner.candidates.options import CandidateOptions
from planner.case.case import Case
from planner.explaining.conflict import Conflict
from planner.explaining.dates import with_sooner_dates
from planner.explaining.elastic_model import ElasticModel, OutOfTime
from planner.explaining.limits import Kind
from planner.explaining.stated_limits import StatedLimits


def with_months_short(case: Case, options: CandidateOptions, model: ElasticModel, conflict: Conflict) -> Conflict:
    """The conflict with the months by which each of its dates would have to move, found by bisection."""
    short = list(conflict.short)
    for at, number in enumerate(conflict.limits):
        if model.stated.limits[number].kind.is_date:
            short[at] = _months(case, options, model, conflict, number)
    return replace(conflict, short=tuple(short))


def _months(
    case: Case, options: CandidateOptions, model: ElasticModel, conflict: Conflict, number: int
) -> float | None:
    stated, limit = model.stated, model.stated.limits[number]

    def resolved(moved: StatedLimits, held: frozenset[int]) -> bool:
        return ElasticModel.of(moved, seconds=model.seconds_left).feasible(held, whole=conflict.whole)

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
        start = stated.candidates.table["from_month"].to_numpy(np.int64)
        mine = np.array([candidate for known, candidate in stated.closed if known == number], dtype=np.int64)
        away = np.abs(start[mine] - int(limit.value))

        def opened(months: int) -> StatedLimits:
            free = {int(candidate) for candidate in mine[away <= months]}
            return replace_closed(
                stated,
                [(known, candidate) for known, candidate in stated.closed if known != number or candidate not in free],
            )

        return _least(np.unique(away), lambda months: resolved(opened(months), members))
    except OutOfTime:
        return None


def replace_closed(stated: StatedLimits, closed: list[tuple[int, int]]) -> StatedLimits:
    """The same limits with other candidates closed."""
    copy = StatedLimits(
        stated.candidates, stated.rows, stated.limits, stated.raised, stated.bounds, closed, stated.whole
    )
    copy.lower, copy.upper, copy.cost_usd = stated.lower, stated.upper, stated.cost_usd
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
