"""Distinct keys of a table, so that what follows from a key is worked out once for each."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd

from planner.candidates.outlook import Ints


def distinct(rows: pd.DataFrame, columns: list[str]) -> tuple[Ints, list[tuple[Any, ...]]]:
    """Which of the distinct keys each row has, shape (rows,), and the keys in order of appearance."""
    codes = rows.groupby(columns, sort=False, dropna=False).ngroup().to_numpy(np.int64)
    first = np.unique(codes, return_index=True)[1]
    return codes, list(rows[columns].iloc[first].itertuples(index=False, name=None))
