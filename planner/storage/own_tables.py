"""The planner's own tables: read back from CSV with names that stay names, and typed where they have no rows."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from pathlib import Path

import pandas as pd


def read_own_table(path: Path, *, is_number: Callable[[str], bool]) -> pd.DataFrame:
    """A CSV file of ours. `is_number` tells by its name whether a column holds numbers; every other column is text.

    Text comes back as it was written: a site called 007, 1e5, TRUE, NA or None keeps its name, and a blank is "". A
    blank number is NaN. A table without rows has the types that it would have with some, so that sums and rankings of
    nothing work.
    """
    header = pd.read_csv(path, nrows=0, dtype=str, keep_default_na=False).columns
    text = {name: str for name in header if not is_number(name)}
    blank = {name: [""] for name in header if name not in text}
    found = pd.read_csv(path, dtype=text, keep_default_na=False, na_values=blank)
    # Nothing can be read off the cells of a column without rows.
    return found if len(found) else found.astype({name: "float64" for name in header if name not in text})


def no_rows(text: Iterable[str], numbers: Iterable[str]) -> pd.DataFrame:
    """A table without rows whose columns have the types that they would have with some: text columns first, then
    numbers."""
    return pd.DataFrame(
        {**{name: pd.Series(dtype=str) for name in text}, **{name: pd.Series(dtype="float64") for name in numbers}}
    )
