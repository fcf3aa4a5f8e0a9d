"""Prices by month: a cell of the case, or the curve that stands in its place."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable

from planner.auditing.months import month_number
from planner.auditing.published import Published, Row

Price = Callable[[int], float | None]


def price(run: Published, row: Row, scalar: str, curve: str) -> Price:
    """The price of a row in each month, None where it has none; a curve's value holds until its next one, the last goes
    on."""
    name = row[curve]
    if not name:
        fixed = row[scalar]
        return lambda month: fixed
    points = sorted(
        (month_number(point["month"]) - run.months.start, float(point["value"])) for point in run.case["curves"]
        if point["curve_id"] == name
    )
    dates = [date for date, _ in points]

    def on_curve(month: int) -> float | None:
        at = bisect_right(dates, month) - 1
        return points[max(at, 0)][1]

    return on_curve


def or_zero(value: float | None) -> float:
    """A price, nothing where there is none."""
    return 0.0 if value is None else float(value)
