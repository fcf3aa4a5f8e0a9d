"""Multipliers by factor as the table that a user would bring."""

from __future__ import annotations

import numpy as np
import pandas as pd

from planner.arrays import Floats
from planner.case.calendar import Calendar
from planner.scenarios.imported import COLUMNS, WEIGHT


def path_table(
    names: tuple[str, ...], weights: Floats, multipliers: dict[str, Floats], calendar: Calendar
) -> pd.DataFrame:
    """Multipliers (S, M) by factor as such a table, months of the calendar written out: to be looked at, changed and
    brought back."""
    months = [calendar.written(month) for month in range(calendar.months)]
    pieces = [
        pd.DataFrame(
            {
                "factor_id": name,
                "scenario": np.repeat(np.array(names, dtype=object), len(months)),
                "month": months * len(names),
                "value": path.reshape(-1),
                WEIGHT: np.repeat(weights, len(months)),
            }
        )
        for name, path in multipliers.items()
    ]
    return pd.concat(pieces, ignore_index=True) if pieces else pd.DataFrame(columns=[*COLUMNS, WEIGHT])
