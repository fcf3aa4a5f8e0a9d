"""How late a phase of power comes: triangular in months, by its row or by its kind and status; and when it can come at
all."""

from __future__ import annotations

import math

import numpy as np
import numpy.typing as npt
import pandas as pd

from planner.case.calendar import Calendar
from planner.case.table_arrays import TableArrays

Triangle = tuple[float, float, float]
DELAY_COLUMNS = ("delay_low_months", "delay_mode_months", "delay_high_months")

_NONE: Triangle = (0.0, 0.0, 0.0)
_GRID: dict[str, Triangle] = {
    "announced": (0.0, 9.0, 36.0), "studied": (0.0, 9.0, 36.0), "approved": (0.0, 3.0, 12.0), "energised": _NONE
}
_ON_SITE: dict[str, Triangle] = {
    "announced": (0.0, 3.0, 12.0), "studied": (0.0, 3.0, 12.0), "approved": (0.0, 1.0, 6.0), "energised": _NONE
}


def delay_triangle(phase: pd.Series) -> Triangle:
    """(least, likeliest, greatest) delay in months of one row of the table power.

    The row's own figures where given; else, for a new grid connection, 0/9/36 months while announced
    or studied and 0/3/12 once approved; for plant on the site or under contract 0/3/12 and 0/1/6;
    none once energised.
    """
    low, mode, high = (phase[name] for name in DELAY_COLUMNS)
    return _triangle(phase["kind"], phase["status"], low, mode, high)


def mean_delay_months(power: TableArrays) -> npt.NDArray[np.int64]:
    """Mean delay of each row of the table power in whole months, rounded up, shape (rows,).

    The mean of a triangular distribution is (least + likeliest + greatest) / 3.
    """
    rows = zip(power.texts("kind"), power.texts("status"), *(power.floats(name) for name in DELAY_COLUMNS), strict=True)
    return np.array([math.ceil(sum(_triangle(*row)) / 3.0) for row in rows], dtype=np.int64)


def uncommitted_phases(power: TableArrays) -> npt.NDArray[np.bool_]:
    """Phases of which nothing is contracted or energised yet: they can be had or left, shape (rows,)."""
    found: npt.NDArray[np.bool_] = (power.texts("status") != "energised") & (power.floats("committed_mw") == 0.0)
    return found


def first_power_months(power: TableArrays, calendar: Calendar, late: npt.NDArray[np.int64]) -> npt.NDArray[np.int64]:
    """Month of first power of each row of the table power when it comes `late` months (rows,) or (rows, S) after its
    promise.

    A phase of which nothing is committed cannot come before its lead from the start; one that is there already keeps
    the month, before the start, in which it came. The shape is that of `late`.
    """
    column = (-1, *[1] * (late.ndim - 1))
    promised = calendar.indices(power.texts("energised")).reshape(column)
    earliest = power.ints("lead_months").reshape(column)
    came = promised + late
    return np.where(uncommitted_phases(power).reshape(column), np.maximum(came, earliest), came)


def _triangle(kind: str, status: str, low: float, mode: float, high: float) -> Triangle:
    if pd.isna(low) or pd.isna(mode) or pd.isna(high):
        return (_GRID if kind == "grid" else _ON_SITE)[status]
    return (float(low), float(mode), float(high))
