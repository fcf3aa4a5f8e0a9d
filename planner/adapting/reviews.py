"""Reviews: the months at which the company may decide again, and the stage of each decision between them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planner.arrays import Ints
from planner.case.calendar import Calendar
from planner.errors import PlannerError

DEFAULT_MONTHS = (12, 30)
"""Months of the reviews where none are named."""


def review_months(written: Sequence[str] | None, calendar: Calendar) -> tuple[int, ...]:
    """Months of the reviews, as indices from the start, rising: those written as YYYY-MM, else the usual two.

    A review at or after the horizon decides nothing and is left out. Raises PlannerError for a review that is not
    after the start, or that is named twice.
    """
    if written is None:
        return tuple(month for month in DEFAULT_MONTHS if month < calendar.horizon)
    months = calendar.indices(np.array(list(written), dtype=object)) if written else np.zeros(0, dtype=np.int64)
    for name, month in zip(written, months.tolist(), strict=True):
        if month <= 0:
            raise PlannerError(f"the review {name} is not after the start of the case, {calendar.start}")
    if len(np.unique(months)) < len(months):
        raise PlannerError(f"the reviews {', '.join(written)} name a month twice")
    return tuple(month for month in sorted(months.tolist()) if month < calendar.horizon)


def stage_of(decide_by: Ints, reviews: Sequence[int]) -> Ints:
    """The stage of decisions by their last month: k from review k up to the next one, 0 before the first."""
    found: Ints = np.searchsorted(np.asarray(reviews, dtype=np.int64), decide_by, side="right").astype(np.int64)
    return found
